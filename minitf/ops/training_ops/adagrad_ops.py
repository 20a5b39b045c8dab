"""With this module each parameter has its own step size, from the squares of its gradients.

Adagrad adds them up; Adadelta forgets old ones, and measures its steps in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.kernel_context import VariableResource
from minitf.framework.op_def import op_def
from minitf.kernels import optimizers
from minitf.kernels.sweeps import one_sweep
from minitf.ops.training_ops.updates import (
    bad,
    dense_shape,
    sparse_shape,
    update_dense,
    update_sparse,
)

# ---- ApplyAdagrad

APPLY_ADAGRAD = op_def(
    "ApplyAdagrad(var: &T, accum: &T, lr: T, grad: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    "update_slots: bool = true",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_ADAGRAD.kernel
def apply_adagrad_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    grad: Any,
    *,
    use_locking: bool,
    update_slots: bool,
) -> VariableResource:
    rule = optimizers.adagrad if update_slots else optimizers.adagrad_step
    return update_dense(rule, {"var": var, "accum": accum}, grad, {"lr": lr}, use_locking)


APPLY_ADAGRAD.not_differentiable()

# ---- SparseApplyAdagrad

SPARSE_APPLY_ADAGRAD = op_def(
    "SparseApplyAdagrad(var: &T, accum: &T, lr: T, grad: T, indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    "update_slots: bool = true",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_ADAGRAD.kernel
def sparse_apply_adagrad_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
    update_slots: bool,
) -> VariableResource:
    rule = optimizers.adagrad if update_slots else optimizers.adagrad_step
    slots = {"var": var, "accum": accum}
    return update_sparse(rule, slots, grad, indices, {"lr": lr}, use_locking)


SPARSE_APPLY_ADAGRAD.not_differentiable()

# ---- ApplyProximalAdagrad

APPLY_PROXIMAL_ADAGRAD = op_def(
    "ApplyProximalAdagrad(var: &T, accum: &T, lr: T, l1: T, l2: T, grad: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


def proximal_scalars(lr: Any, l1: Any, l2: Any) -> dict[str, Any]:
    if np.any(lr <= 0):
        raise bad(f"lr is not a positive scalar: {lr}")
    if np.any(l1 < 0):
        raise bad(f"l1 regularization strength is not a non-negative scalar: {l1}")
    if np.any(l2 < 0):
        raise bad(f"l2 regularization strength is not a non-negative scalar: {l2}")
    return {"lr": lr, "l1": l1, "l2": l2}


@APPLY_PROXIMAL_ADAGRAD.kernel
def apply_proximal_adagrad_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    l1: Any,
    l2: Any,
    grad: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    rule, slots = optimizers.proximal_adagrad, {"var": var, "accum": accum}
    return update_dense(rule, slots, grad, proximal_scalars(lr, l1, l2), use_locking)


APPLY_PROXIMAL_ADAGRAD.not_differentiable()

# ---- SparseApplyProximalAdagrad

SPARSE_APPLY_PROXIMAL_ADAGRAD = op_def(
    "SparseApplyProximalAdagrad(var: &T, accum: &T, lr: T, l1: T, l2: T, grad: T,"
    " indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_PROXIMAL_ADAGRAD.kernel
def sparse_apply_proximal_adagrad_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    l1: Any,
    l2: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    rule, slots = optimizers.proximal_adagrad, {"var": var, "accum": accum}
    return update_sparse(rule, slots, grad, indices, proximal_scalars(lr, l1, l2), use_locking)


SPARSE_APPLY_PROXIMAL_ADAGRAD.not_differentiable()

# ---- ApplyAdadelta

APPLY_ADADELTA = op_def(
    "ApplyAdadelta(var: &T, accum: &T, accum_update: &T, lr: T, rho: T, epsilon: T, grad: T)"
    " -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_ADADELTA.kernel
def apply_adadelta_kernel(
    var: VariableResource,
    accum: VariableResource,
    accum_update: VariableResource,
    lr: Any,
    rho: Any,
    epsilon: Any,
    grad: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "accum_update": accum_update}
    scalars = {"lr": lr, "rho": rho, "epsilon": epsilon}
    return update_dense(optimizers.adadelta, slots, grad, scalars, use_locking)


APPLY_ADADELTA.not_differentiable()

# ---- SparseApplyAdadelta

SPARSE_APPLY_ADADELTA = op_def(
    "SparseApplyAdadelta(var: &T, accum: &T, accum_update: &T, lr: T, rho: T, epsilon: T, grad: T,"
    " indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_ADADELTA.kernel
def sparse_apply_adadelta_kernel(
    var: VariableResource,
    accum: VariableResource,
    accum_update: VariableResource,
    lr: Any,
    rho: Any,
    epsilon: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "accum_update": accum_update}
    scalars = {"lr": lr, "rho": rho, "epsilon": epsilon}
    return update_sparse(optimizers.adadelta, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_ADADELTA.not_differentiable()
