"""With this module one can follow the regularized leader, which makes many parameters exactly 0."""

from __future__ import annotations

from collections.abc import Callable
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


def _rule(has_shrinkage: bool, multiply_linear_by_lr: bool) -> Callable[..., Any]:
    if has_shrinkage:
        return optimizers.ftrl_v2_by_lr if multiply_linear_by_lr else optimizers.ftrl_v2
    return optimizers.ftrl_by_lr if multiply_linear_by_lr else optimizers.ftrl


def _check_values(scalars: dict[str, Any], multiply_linear_by_lr: bool) -> None:
    """What TensorFlow refuses where rows are updated (and lets pass where all is)."""
    lr = scalars["lr"]
    if np.any(lr < 0) or (np.any(lr == 0) and not multiply_linear_by_lr):
        raise bad(f"lr is not a positive scalar (or zero if multiply_linear_by_lr is set): {lr}")
    for name, what in (("l1", "l1"), ("l2", "l2"), ("l2_shrinkage", "l2 shrinkage")):
        if np.any(scalars.get(name, 0) < 0):
            raise bad(
                f"{what} regularization strength is not a non-negative scalar: {scalars[name]}"
            )
    if np.any(scalars["lr_power"] > 0):
        raise bad(f"lr_power is not a non-positive scalar: {scalars['lr_power']}")


# ---- ApplyFtrl

APPLY_FTRL = op_def(
    "ApplyFtrl(var: &T, accum: &T, linear: &T, grad: T, lr: T, l1: T, l2: T, lr_power: T)"
    " -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    "multiply_linear_by_lr: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_FTRL.kernel
def apply_ftrl_kernel(
    var: VariableResource,
    accum: VariableResource,
    linear: VariableResource,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    *,
    use_locking: bool,
    multiply_linear_by_lr: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "linear": linear}
    scalars = {"lr": lr, "l1": l1, "l2": l2, "lr_power": lr_power}
    return update_dense(_rule(False, multiply_linear_by_lr), slots, grad, scalars, use_locking)


APPLY_FTRL.not_differentiable()

# ---- SparseApplyFtrl

SPARSE_APPLY_FTRL = op_def(
    "SparseApplyFtrl(var: &T, accum: &T, linear: &T, grad: T, indices: Tindices, lr: T, l1: T,"
    " l2: T, lr_power: T) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    "multiply_linear_by_lr: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_FTRL.kernel
def sparse_apply_ftrl_kernel(
    var: VariableResource,
    accum: VariableResource,
    linear: VariableResource,
    grad: Any,
    indices: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    lr_power: Any,
    *,
    use_locking: bool,
    multiply_linear_by_lr: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "linear": linear}
    scalars = {"lr": lr, "l1": l1, "l2": l2, "lr_power": lr_power}
    _check_values(scalars, multiply_linear_by_lr)
    rule = _rule(False, multiply_linear_by_lr)
    return update_sparse(rule, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_FTRL.not_differentiable()

# ---- ApplyFtrlV2

APPLY_FTRL_V2 = op_def(
    "ApplyFtrlV2(var: &T, accum: &T, linear: &T, grad: T, lr: T, l1: T, l2: T, l2_shrinkage: T,"
    " lr_power: T) -> (out: &T)",
    "T: number",
    "use_locking: bool = false",
    "multiply_linear_by_lr: bool = false",
    stateful=True,
    sweep=one_sweep,
    shape=dense_shape,
)


@APPLY_FTRL_V2.kernel
def apply_ftrl_v2_kernel(
    var: VariableResource,
    accum: VariableResource,
    linear: VariableResource,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
    *,
    use_locking: bool,
    multiply_linear_by_lr: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "linear": linear}
    scalars = {"lr": lr, "l1": l1, "l2": l2, "l2_shrinkage": l2_shrinkage, "lr_power": lr_power}
    return update_dense(_rule(True, multiply_linear_by_lr), slots, grad, scalars, use_locking)


APPLY_FTRL_V2.not_differentiable()

# ---- SparseApplyFtrlV2

SPARSE_APPLY_FTRL_V2 = op_def(
    "SparseApplyFtrlV2(var: &T, accum: &T, linear: &T, grad: T, indices: Tindices, lr: T, l1: T,"
    " l2: T, l2_shrinkage: T, lr_power: T) -> (out: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    "multiply_linear_by_lr: bool = false",
    stateful=True,
    shape=sparse_shape,
)


@SPARSE_APPLY_FTRL_V2.kernel
def sparse_apply_ftrl_v2_kernel(
    var: VariableResource,
    accum: VariableResource,
    linear: VariableResource,
    grad: Any,
    indices: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
    *,
    use_locking: bool,
    multiply_linear_by_lr: bool,
) -> VariableResource:
    slots = {"var": var, "accum": accum, "linear": linear}
    scalars = {"lr": lr, "l1": l1, "l2": l2, "l2_shrinkage": l2_shrinkage, "lr_power": lr_power}
    _check_values(scalars, multiply_linear_by_lr)
    rule = _rule(True, multiply_linear_by_lr)
    return update_sparse(rule, slots, grad, indices, scalars, use_locking)


SPARSE_APPLY_FTRL_V2.not_differentiable()
