"""With this module one can go downhill: plain gradient descent, with and without momentum."""

from __future__ import annotations

from typing import Any

from minitf.framework.kernel_context import VariableResource
from minitf.framework.op_def import op_def
from minitf.kernels import optimizers
from minitf.kernels.sweeps import one_sweep
from minitf.ops.training_ops.updates import (
    dense_shape,
    sparse_shape,
    update_dense,
    update_sparse,
)

# ---- ApplyGradientDescent

APPLY_GRADIENT_DESCENT = op_def(
    "ApplyGradientDescent(var: &T, alpha: T, delta: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_GRADIENT_DESCENT.kernel
def apply_gradient_descent_kernel(
    var: VariableResource, alpha: Any, delta: Any, *, use_locking: bool
) -> VariableResource:
    rule = optimizers.gradient_descent
    return update_dense(rule, {"var": var}, delta, {"alpha": alpha}, use_locking)


APPLY_GRADIENT_DESCENT.not_differentiable()

# ---- ApplyMomentum

APPLY_MOMENTUM = op_def(
    "ApplyMomentum(var: &T, accum: &T, lr: T, grad: T, momentum: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    "use_nesterov: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_MOMENTUM.kernel
def apply_momentum_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    grad: Any,
    momentum: Any,
    *,
    use_locking: bool,
    use_nesterov: bool,
) -> VariableResource:
    rule = optimizers.nesterov if use_nesterov else optimizers.momentum
    slots, scalars = {"var": var, "accum": accum}, {"lr": lr, "momentum": momentum}
    return update_dense(rule, slots, grad, scalars, use_locking)


APPLY_MOMENTUM.not_differentiable()

# ---- SparseApplyMomentum

SPARSE_APPLY_MOMENTUM = op_def(
    "SparseApplyMomentum(var: &T, accum: &T, lr: T, grad: T, indices: Tindices, momentum: T)"
    " -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    "use_nesterov: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_MOMENTUM.kernel
def sparse_apply_momentum_kernel(
    var: VariableResource,
    accum: VariableResource,
    lr: Any,
    grad: Any,
    indices: Any,
    momentum: Any,
    *,
    use_locking: bool,
    use_nesterov: bool,
) -> VariableResource:
    rule = optimizers.sparse_nesterov if use_nesterov else optimizers.momentum
    slots, scalars = {"var": var, "accum": accum}, {"lr": lr, "momentum": momentum}
    return update_sparse(rule, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_MOMENTUM.not_differentiable()

# ---- ApplyProximalGradientDescent

APPLY_PROXIMAL_GRADIENT_DESCENT = op_def(
    "ApplyProximalGradientDescent(var: &T, alpha: T, l1: T, l2: T, delta: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_PROXIMAL_GRADIENT_DESCENT.kernel
def apply_proximal_gradient_descent_kernel(
    var: VariableResource, alpha: Any, l1: Any, l2: Any, delta: Any, *, use_locking: bool
) -> VariableResource:
    rule, scalars = optimizers.proximal_gradient_descent, {"alpha": alpha, "l1": l1, "l2": l2}
    return update_dense(rule, {"var": var}, delta, scalars, use_locking)


APPLY_PROXIMAL_GRADIENT_DESCENT.not_differentiable()

# ---- SparseApplyProximalGradientDescent

SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT = op_def(
    "SparseApplyProximalGradientDescent(var: &T, alpha: T, l1: T, l2: T, grad: T,"
    " indices: Tindices) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT.kernel
def sparse_apply_proximal_gradient_descent_kernel(
    var: VariableResource,
    alpha: Any,
    l1: Any,
    l2: Any,
    grad: Any,
    indices: Any,
    *,
    use_locking: bool,
) -> VariableResource:
    rule, scalars = optimizers.proximal_gradient_descent, {"alpha": alpha, "l1": l1, "l2": l2}
    return update_sparse(rule, {"var": var}, grad, indices, scalars, use_locking)


SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT.not_differentiable()
