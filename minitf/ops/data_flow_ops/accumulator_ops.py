"""With this module a graph can collect gradients: the ops under `tf.ConditionalAccumulator`.

An accumulator's node gives out a handle, which here is the accumulator itself. That of a dense one
is a resource, that of a sparse one a reference, as in TensorFlow 2.21.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.dtypes import DType
from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.tensor_shape import TensorShape, unknown_shape
from minitf.ops.data_flow_ops.accumulator_resources import (
    AccumulatorResource,
    ConditionalAccumulatorResource,
    SparseConditionalAccumulatorResource,
)

_ATTRS = (
    "dtype: number",
    "shape: shape",
    'container: string = ""',
    'shared_name: string = ""',
    'reduction_type: {"MEAN", "SUM"} = "MEAN"',
)


def _accumulator(
    ctx: KernelContext,
    made_of: type[AccumulatorResource],
    container: str,
    shared_name: str,
    what: tuple[DType, TensorShape, str],
) -> AccumulatorResource:
    """The accumulator of a node, made when it is first asked for."""
    if not shared_name:
        own: AccumulatorResource = ctx.state(lambda: made_of(ctx.node_name, *what))
        return own
    found: AccumulatorResource = ctx.resources.lookup_or_create(
        made_of.kind, container, shared_name, lambda: made_of(shared_name, *what)
    )
    dtype, shape, _ = what
    if found.dtype is not dtype or not found.shape.is_compatible_with(shape):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Shared accumulator {shared_name!r} is of {found.dtype.name}{found.shape}, but "
            f"{dtype.name}{shape} was asked for",
        )
    return found


def pair(op: Operation) -> list[TensorShape]:
    """The shape rule of handles, which stand for a container and a name."""
    return [TensorShape([2])]


# ---- ResourceConditionalAccumulator

RESOURCE_CONDITIONAL_ACCUMULATOR = op_def(
    "ResourceConditionalAccumulator() -> (handle: resource)", *_ATTRS, stateful=True, shape=pair
)


@RESOURCE_CONDITIONAL_ACCUMULATOR.kernel
def resource_conditional_accumulator_kernel(
    ctx: KernelContext,
    *,
    dtype: DType,
    shape: TensorShape,
    container: str,
    shared_name: str,
    reduction_type: str,
) -> AccumulatorResource:
    what = dtype, shape, reduction_type
    return _accumulator(ctx, ConditionalAccumulatorResource, container, shared_name, what)


RESOURCE_CONDITIONAL_ACCUMULATOR.not_differentiable()

# ---- ResourceAccumulatorApplyGradient

RESOURCE_ACCUMULATOR_APPLY_GRADIENT = op_def(
    "ResourceAccumulatorApplyGradient(handle: resource, local_step: int64, gradient: dtype)",
    "dtype: number",
    stateful=True,
    feeds_waiters=True,
)


@RESOURCE_ACCUMULATOR_APPLY_GRADIENT.kernel
def resource_accumulator_apply_gradient_kernel(
    handle: AccumulatorResource, local_step: Any, gradient: Any
) -> tuple[()]:
    handle.apply(gradient, int(local_step))
    return ()


RESOURCE_ACCUMULATOR_APPLY_GRADIENT.not_differentiable()


# ---- ResourceAccumulatorTakeGradient


def accumulator_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of what is taken: that of the accumulator's node."""
    shape = op.inputs[0].op._attrs.get("shape")
    return [shape if isinstance(shape, TensorShape) else unknown_shape()]


RESOURCE_ACCUMULATOR_TAKE_GRADIENT = op_def(
    "ResourceAccumulatorTakeGradient(handle: resource, num_required: int32) -> (average: dtype)",
    "dtype: number",
    stateful=True,
    may_wait=True,
    shape=accumulator_shape,
)


@RESOURCE_ACCUMULATOR_TAKE_GRADIENT.kernel
def resource_accumulator_take_gradient_kernel(
    handle: AccumulatorResource, num_required: Any
) -> Any:
    return handle.take(int(num_required))


RESOURCE_ACCUMULATOR_TAKE_GRADIENT.not_differentiable()

# ---- ResourceAccumulatorNumAccumulated

RESOURCE_ACCUMULATOR_NUM_ACCUMULATED = op_def(
    "ResourceAccumulatorNumAccumulated(handle: resource) -> (num_accumulated: int32)",
    stateful=True,
    shape=scalars,
)


@RESOURCE_ACCUMULATOR_NUM_ACCUMULATED.kernel
def num_accumulated_kernel(handle: AccumulatorResource) -> Any:
    return np.int32(handle.num_accumulated())


RESOURCE_ACCUMULATOR_NUM_ACCUMULATED.not_differentiable()

# ---- ResourceAccumulatorSetGlobalStep

RESOURCE_ACCUMULATOR_SET_GLOBAL_STEP = op_def(
    "ResourceAccumulatorSetGlobalStep(handle: resource, new_global_step: int64)",
    stateful=True,
)


@RESOURCE_ACCUMULATOR_SET_GLOBAL_STEP.kernel
def set_global_step_kernel(handle: AccumulatorResource, new_global_step: Any) -> tuple[()]:
    handle.set_global_step(int(new_global_step))
    return ()


RESOURCE_ACCUMULATOR_SET_GLOBAL_STEP.not_differentiable()

# ---- SparseConditionalAccumulator

SPARSE_CONDITIONAL_ACCUMULATOR = op_def(
    "SparseConditionalAccumulator() -> (handle: &string)", *_ATTRS, stateful=True, shape=pair
)


@SPARSE_CONDITIONAL_ACCUMULATOR.kernel
def sparse_conditional_accumulator_kernel(
    ctx: KernelContext,
    *,
    dtype: DType,
    shape: TensorShape,
    container: str,
    shared_name: str,
    reduction_type: str,
) -> AccumulatorResource:
    what = dtype, shape, reduction_type
    return _accumulator(ctx, SparseConditionalAccumulatorResource, container, shared_name, what)


SPARSE_CONDITIONAL_ACCUMULATOR.not_differentiable()

# ---- SparseAccumulatorApplyGradient

SPARSE_ACCUMULATOR_APPLY_GRADIENT = op_def(
    "SparseAccumulatorApplyGradient(handle: &string, local_step: int64, gradient_indices: int64, "
    "gradient_values: dtype, gradient_shape: int64)",
    "dtype: number",
    "has_known_shape: bool",
    stateful=True,
    feeds_waiters=True,
)


@SPARSE_ACCUMULATOR_APPLY_GRADIENT.kernel
def sparse_accumulator_apply_gradient_kernel(
    handle: AccumulatorResource,
    local_step: Any,
    gradient_indices: Any,
    gradient_values: Any,
    gradient_shape: Any,
    *,
    has_known_shape: bool,
) -> tuple[()]:
    shape = gradient_shape if has_known_shape else gradient_shape[:0]
    handle.apply((gradient_indices, gradient_values, shape), int(local_step))
    return ()


SPARSE_ACCUMULATOR_APPLY_GRADIENT.not_differentiable()


# ---- SparseAccumulatorTakeGradient


def unknown_each(op: Operation) -> list[TensorShape]:
    """The shape rule of ops of whose outputs nothing can be said."""
    return [unknown_shape()] * len(op.outputs)


SPARSE_ACCUMULATOR_TAKE_GRADIENT = op_def(
    "SparseAccumulatorTakeGradient(handle: &string, num_required: int32) -> "
    "(indices: int64, values: dtype, shape: int64)",
    "dtype: number",
    stateful=True,
    may_wait=True,
    shape=unknown_each,
)


@SPARSE_ACCUMULATOR_TAKE_GRADIENT.kernel
def sparse_accumulator_take_gradient_kernel(handle: AccumulatorResource, num_required: Any) -> Any:
    return handle.take(int(num_required))


SPARSE_ACCUMULATOR_TAKE_GRADIENT.not_differentiable()

# ---- AccumulatorNumAccumulated

ACCUMULATOR_NUM_ACCUMULATED = op_def(
    "AccumulatorNumAccumulated(handle: &string) -> (num_accumulated: int32)",
    stateful=True,
    shape=scalars,
)
ACCUMULATOR_NUM_ACCUMULATED.kernel(num_accumulated_kernel)
ACCUMULATOR_NUM_ACCUMULATED.not_differentiable()

# ---- AccumulatorSetGlobalStep

ACCUMULATOR_SET_GLOBAL_STEP = op_def(
    "AccumulatorSetGlobalStep(handle: &string, new_global_step: int64)", stateful=True
)
ACCUMULATOR_SET_GLOBAL_STEP.kernel(set_global_step_kernel)
ACCUMULATOR_SET_GLOBAL_STEP.not_differentiable()
