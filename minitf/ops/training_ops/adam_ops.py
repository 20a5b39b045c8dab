"""With this module steps are measured by running means: RMSProp, and Adam with its momentum."""

from __future__ import annotations

from typing import Any

from minitf.framework.kernel_context import VariableResource
from minitf.framework.op_def import op_def
from minitf.kernels import optimizers
from minitf.kernels.sweeps import one_sweep
from minitf.ops.training_ops.updates import (
    check_same_shape,
    checked_scalars,
    dense_shape,
    fitting,
    locked,
    sparse_shape,
    update_dense,
    update_sparse,
)

# ---- ApplyRMSProp

APPLY_RMS_PROP = op_def(
    "ApplyRMSProp(var: &T, ms: &T, mom: &T, lr: T, rho: T, momentum: T, epsilon: T, grad: T)"
    " -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_RMS_PROP.kernel
def apply_rms_prop_kernel(
    var: VariableResource,
    ms: VariableResource,
    mom: VariableResource,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    slots = {"var": var, "ms": ms, "mom": mom}
    scalars = {"lr": lr, "rho": rho, "momentum": momentum, "epsilon": epsilon}
    return update_dense(optimizers.rms_prop, slots, grad, scalars, use_locking)


APPLY_RMS_PROP.not_differentiable()

# ---- SparseApplyRMSProp

SPARSE_APPLY_RMS_PROP = op_def(
    "SparseApplyRMSProp(var: &T, ms: &T, mom: &T, lr: T, rho: T, momentum: T, epsilon: T, grad: T,"
    " indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_RMS_PROP.kernel
def sparse_apply_rms_prop_kernel(
    var: VariableResource,
    ms: VariableResource,
    mom: VariableResource,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    slots = {"var": var, "ms": ms, "mom": mom}
    scalars = {"lr": lr, "rho": rho, "momentum": momentum, "epsilon": epsilon}
    return update_sparse(optimizers.sparse_rms_prop, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_RMS_PROP.not_differentiable()

# ---- ApplyCenteredRMSProp

APPLY_CENTERED_RMS_PROP = op_def(
    "ApplyCenteredRMSProp(var: &T, mg: &T, ms: &T, mom: &T, lr: T, rho: T, momentum: T,"
    " epsilon: T, grad: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_CENTERED_RMS_PROP.kernel
def apply_centered_rms_prop_kernel(
    var: VariableResource,
    mg: VariableResource,
    ms: VariableResource,
    mom: VariableResource,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    slots = {"var": var, "mg": mg, "ms": ms, "mom": mom}
    scalars = {"lr": lr, "rho": rho, "momentum": momentum, "epsilon": epsilon}
    return update_dense(optimizers.centered_rms_prop, slots, grad, scalars, use_locking)


APPLY_CENTERED_RMS_PROP.not_differentiable()

# ---- SparseApplyCenteredRMSProp

SPARSE_APPLY_CENTERED_RMS_PROP = op_def(
    "SparseApplyCenteredRMSProp(var: &T, mg: &T, ms: &T, mom: &T, lr: T, rho: T, momentum: T,"
    " epsilon: T, grad: T, indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_CENTERED_RMS_PROP.kernel
def sparse_apply_centered_rms_prop_kernel(
    var: VariableResource,
    mg: VariableResource,
    ms: VariableResource,
    mom: VariableResource,
    lr: Any,
    rho: Any,
    momentum: Any,
    epsilon: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    rule, slots = optimizers.sparse_centered_rms_prop, {"var": var, "mg": mg, "ms": ms, "mom": mom}
    scalars = {"lr": lr, "rho": rho, "momentum": momentum, "epsilon": epsilon}
    return update_sparse(rule, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_CENTERED_RMS_PROP.not_differentiable()

# ---- ApplyAdam

APPLY_ADAM = op_def(
    "ApplyAdam(var: &T, m: &T, v: &T, beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T,"
    " epsilon: T, grad: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    "use_nesterov: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_ADAM.kernel
def apply_adam_kernel(
    var: VariableResource,
    m: VariableResource,
    v: VariableResource,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    grad: Any,
    *,
    use_locking: bool,
    use_nesterov: bool,
) -> VariableResource:
    slots = {"var": var, "m": m, "v": v}
    scalars = {"beta1_power": beta1_power, "beta2_power": beta2_power, "lr": lr}
    scalars |= {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    with locked(slots, use_locking):
        var_array, m_array, v_array = fitting(slots)
        check_same_shape(slots, grad)
        optimizers.adam(
            var_array,
            m_array,
            v_array,
            grad,
            *checked_scalars(scalars),
            use_nesterov=use_nesterov,
        )
    return var


APPLY_ADAM.not_differentiable()
