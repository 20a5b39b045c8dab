"""With this module a graph can hold queues: the ops under `tf.FIFOQueue` and its kin.

A queue's node gives out a handle, which here is the queue itself: a `QueueResource`. A queue with
a `shared_name` belongs to the container, like a variable; one without to the session that runs it.
The ops that wait do so as `framework.waiting` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.dtypes import DType, int64
from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR, TensorShape, unknown_shape
from minitf.ops.data_flow_ops.queue_resources import (
    Element,
    FIFOQueueResource,
    PaddingFIFOQueueResource,
    PriorityQueueResource,
    QueueResource,
    RandomShuffleQueueResource,
)

_ATTRS = (
    "component_types: list(type)",
    "shapes: list(shape) = []",
    "capacity: int = -1",
    'container: string = ""',
    'shared_name: string = ""',
)


def _queue(
    ctx: KernelContext,
    container: str,
    shared_name: str,
    make: Callable[[str], QueueResource],
) -> QueueResource:
    """The queue of a node, made when it is first asked for."""
    if not shared_name:
        own: QueueResource = ctx.state(lambda: make(ctx.node_name))
        return own
    wanted = make(shared_name)
    found: QueueResource = ctx.resources.lookup_or_create(
        "queue", container, shared_name, lambda: wanted
    )
    for what, had, asked in (
        ("type", found.kind, wanted.kind),
        ("capacity", found.capacity, wanted.capacity),
        ("component types", _names(found.dtypes), _names(wanted.dtypes)),
        ("component shapes", str(found.shapes), str(wanted.shapes)),
    ):
        if had != asked:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Shared queue {shared_name!r} has {what} {had} but requested {what} was {asked}",
            )
    return found


def _names(dtypes: Sequence[DType]) -> str:
    return ", ".join(dtype.name for dtype in dtypes)


# ---- FIFOQueueV2

FIFO_QUEUE_V2 = op_def("FIFOQueueV2() -> (handle: resource)", *_ATTRS, stateful=True, shape=scalars)


@FIFO_QUEUE_V2.kernel
def fifo_queue_kernel(
    ctx: KernelContext,
    *,
    component_types: list[DType],
    shapes: list[TensorShape],
    capacity: int,
    container: str,
    shared_name: str,
) -> QueueResource:
    return _queue(
        ctx,
        container,
        shared_name,
        lambda name: FIFOQueueResource(name, capacity, component_types, shapes),
    )


FIFO_QUEUE_V2.not_differentiable()

# ---- PaddingFIFOQueueV2

PADDING_FIFO_QUEUE_V2 = op_def(
    "PaddingFIFOQueueV2() -> (handle: resource)", *_ATTRS, stateful=True, shape=scalars
)


@PADDING_FIFO_QUEUE_V2.kernel
def padding_fifo_queue_kernel(
    ctx: KernelContext,
    *,
    component_types: list[DType],
    shapes: list[TensorShape],
    capacity: int,
    container: str,
    shared_name: str,
) -> QueueResource:
    return _queue(
        ctx,
        container,
        shared_name,
        lambda name: PaddingFIFOQueueResource(name, capacity, component_types, shapes),
    )


PADDING_FIFO_QUEUE_V2.not_differentiable()

# ---- RandomShuffleQueueV2

RANDOM_SHUFFLE_QUEUE_V2 = op_def(
    "RandomShuffleQueueV2() -> (handle: resource)",
    *_ATTRS,
    "min_after_dequeue: int = 0",
    "seed: int = 0",
    "seed2: int = 0",
    stateful=True,
    shape=scalars,
)


@RANDOM_SHUFFLE_QUEUE_V2.kernel
def random_shuffle_queue_kernel(
    ctx: KernelContext,
    *,
    component_types: list[DType],
    shapes: list[TensorShape],
    capacity: int,
    min_after_dequeue: int,
    seed: int,
    seed2: int,
    container: str,
    shared_name: str,
) -> QueueResource:
    return _queue(
        ctx,
        container,
        shared_name,
        lambda name: RandomShuffleQueueResource(
            name,
            capacity,
            component_types,
            shapes,
            min_after_dequeue=min_after_dequeue,
            seed=seed,
            seed2=seed2,
        ),
    )


RANDOM_SHUFFLE_QUEUE_V2.not_differentiable()

# ---- PriorityQueueV2

PRIORITY_QUEUE_V2 = op_def(
    "PriorityQueueV2() -> (handle: resource)",
    "component_types: list(type) = []",
    "shapes: list(shape)",
    *_ATTRS[2:],
    stateful=True,
    shape=scalars,
)


@PRIORITY_QUEUE_V2.kernel
def priority_queue_kernel(
    ctx: KernelContext,
    *,
    component_types: list[DType],
    shapes: list[TensorShape],
    capacity: int,
    container: str,
    shared_name: str,
) -> QueueResource:
    # The priority is a component that is not declared.
    return _queue(
        ctx,
        container,
        shared_name,
        lambda name: PriorityQueueResource(
            name, capacity, [int64, *component_types], [SCALAR, *shapes] if shapes else []
        ),
    )


PRIORITY_QUEUE_V2.not_differentiable()


# ---- QueueEnqueueV2

_WAITS = {"stateful": True, "may_wait": True}

QUEUE_ENQUEUE_V2 = op_def(
    "QueueEnqueueV2(handle: resource, components: Tcomponents)",
    "Tcomponents: list(type) >1",
    "timeout_ms: int = -1",
    feeds_waiters=True,
    **_WAITS,
)


def _queue_of(handle: Any) -> QueueResource:
    """The queue; one that was picked out of several comes as an array of it."""
    queue: QueueResource = handle.item() if isinstance(handle, np.ndarray) else handle
    return queue


def _checked(queue: QueueResource, components: tuple[Any, ...], batched: bool) -> Element:
    """Components as the queue keeps them, its own copies."""
    if len(components) != len(queue.dtypes):
        raise ValueError(
            f"Wrong number of components in tuple. Expected {len(queue.dtypes)}, got "
            f"{len(components)}"
        )
    arrays = tuple(_own(value) for value in components)
    for i, (array, dtype) in enumerate(zip(arrays, queue.dtypes, strict=True)):
        if array.dtype != dtype.as_numpy_dtype:
            raise ValueError(
                f"Type mismatch in tuple component {i}. Expected {dtype.name}, got {array.dtype}"
            )
        if batched and not array.ndim:
            raise ValueError(f"Input {i} to {queue} has no first dim to take elements from")
        own = array.shape[1:] if batched else array.shape
        if queue.shapes and not queue.shapes[i].is_compatible_with(own):
            raise ValueError(
                f"Shape mismatch in tuple component {i}. Expected {queue.shapes[i]}, got {own}"
            )
    return arrays


def _own(value: Any) -> Any:
    """A copy as an array; a single string is one of objects, as all strings are."""
    return np.array(value, object if isinstance(value, bytes) else None)


def _refuse_timeout(timeout_ms: int) -> None:
    if timeout_ms != -1:
        raise ValueError("Timeout not supported yet: give RunOptions(timeout_in_ms=...) to run")


@QUEUE_ENQUEUE_V2.kernel
def queue_enqueue_kernel(handle: Any, *components: Any, timeout_ms: int) -> tuple[()]:
    _refuse_timeout(timeout_ms)
    queue = _queue_of(handle)
    queue.enqueue([_checked(queue, components, batched=False)])
    return ()


QUEUE_ENQUEUE_V2.not_differentiable()

# ---- QueueEnqueueManyV2

QUEUE_ENQUEUE_MANY_V2 = op_def(
    "QueueEnqueueManyV2(handle: resource, components: Tcomponents)",
    "Tcomponents: list(type) >1",
    "timeout_ms: int = -1",
    feeds_waiters=True,
    **_WAITS,
)


@QUEUE_ENQUEUE_MANY_V2.kernel
def queue_enqueue_many_kernel(handle: Any, *components: Any, timeout_ms: int) -> tuple[()]:
    _refuse_timeout(timeout_ms)
    queue = _queue_of(handle)
    arrays = _checked(queue, components, batched=True)
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"All components must have the same size in their first dim: {lengths}")
    # An array of rank 1 has Python's or numpy's scalars for rows; elements are arrays.
    queue.enqueue([tuple(_own(array[i]) for array in arrays) for i in range(lengths[0])])
    return ()


QUEUE_ENQUEUE_MANY_V2.not_differentiable()


# ---- QueueDequeueV2


def component_shapes(op: Operation) -> list[TensorShape]:
    """The shapes of the components of the queue that an op takes from, one for each output."""
    queue = op.inputs[0].op
    declared = queue._attrs.get("shapes") or []
    if queue.type == "PriorityQueueV2" and declared:
        declared = [SCALAR, *declared]
    return declared if len(declared) == len(op.outputs) else [unknown_shape()] * len(op.outputs)


QUEUE_DEQUEUE_V2 = op_def(
    "QueueDequeueV2(handle: resource) -> (components: component_types)",
    "component_types: list(type) >1",
    "timeout_ms: int = -1",
    shape=component_shapes,
    **_WAITS,
)


def _given(queue: QueueResource, element: Element, component_types: list[DType]) -> Any:
    if queue.dtypes != component_types:
        raise ValueError(
            f"Queue has component types {_names(queue.dtypes)}, but the op wants "
            f"{_names(component_types)}"
        )
    return element[0] if len(element) == 1 else element


@QUEUE_DEQUEUE_V2.kernel
def queue_dequeue_kernel(handle: Any, *, component_types: list[DType], timeout_ms: int) -> Any:
    _refuse_timeout(timeout_ms)
    queue = _queue_of(handle)
    return _given(queue, queue.dequeue()[0], component_types)


QUEUE_DEQUEUE_V2.not_differentiable()


# ---- QueueDequeueManyV2


def _static_count(op: Operation) -> int | None:
    count = static_value(op.inputs[1])
    if count is None:
        return None
    if count.ndim:
        raise ValueError(f"Input 'n' must be a scalar, but has shape {count.shape}")
    if count < 0:
        raise ValueError(f"Input 'n' must be >= 0, but is {int(count)}")
    return int(count)


def dequeue_many_shape(op: Operation) -> list[TensorShape]:
    count = TensorShape([_static_count(op)])
    return [count.concatenate(shape) for shape in component_shapes(op)]


QUEUE_DEQUEUE_MANY_V2 = op_def(
    "QueueDequeueManyV2(handle: resource, n: int32) -> (components: component_types)",
    "component_types: list(type) >1",
    "timeout_ms: int = -1",
    shape=dequeue_many_shape,
    **_WAITS,
)


def _dequeue(
    queue: QueueResource, n: Any, component_types: list[DType], fewer_if_closed: bool
) -> Any:
    if n < 0:
        raise ValueError(f"{queue.kind}'s DequeueMany requested {int(n)} < 0 elements")
    if not queue.shapes:
        raise ValueError(
            f"{queue.kind}'s DequeueMany and DequeueUpTo require the components to have specified "
            "shapes."
        )
    elements = queue.dequeue(int(n), fewer_if_closed) if n else []
    return _given(queue, queue.batch(elements), component_types)


@QUEUE_DEQUEUE_MANY_V2.kernel
def queue_dequeue_many_kernel(
    handle: Any, n: Any, *, component_types: list[DType], timeout_ms: int
) -> Any:
    _refuse_timeout(timeout_ms)
    return _dequeue(_queue_of(handle), n, component_types, fewer_if_closed=False)


QUEUE_DEQUEUE_MANY_V2.not_differentiable()


# ---- QueueDequeueUpToV2


def dequeue_up_to_shape(op: Operation) -> list[TensorShape]:
    _static_count(op)
    return [TensorShape([None]).concatenate(shape) for shape in component_shapes(op)]


QUEUE_DEQUEUE_UP_TO_V2 = op_def(
    "QueueDequeueUpToV2(handle: resource, n: int32) -> (components: component_types)",
    "component_types: list(type) >1",
    "timeout_ms: int = -1",
    shape=dequeue_up_to_shape,
    **_WAITS,
)


@QUEUE_DEQUEUE_UP_TO_V2.kernel
def queue_dequeue_up_to_kernel(
    handle: Any, n: Any, *, component_types: list[DType], timeout_ms: int
) -> Any:
    _refuse_timeout(timeout_ms)
    return _dequeue(_queue_of(handle), n, component_types, fewer_if_closed=True)


QUEUE_DEQUEUE_UP_TO_V2.not_differentiable()

# ---- QueueCloseV2

QUEUE_CLOSE_V2 = op_def(
    "QueueCloseV2(handle: resource)",
    "cancel_pending_enqueues: bool = false",
    stateful=True,
    feeds_waiters=True,
)


@QUEUE_CLOSE_V2.kernel
def queue_close_kernel(handle: Any, *, cancel_pending_enqueues: bool) -> tuple[()]:
    _queue_of(handle).close(cancel_pending_enqueues)
    return ()


QUEUE_CLOSE_V2.not_differentiable()

# ---- QueueSizeV2

QUEUE_SIZE_V2 = op_def(
    "QueueSizeV2(handle: resource) -> (size: int32)", stateful=True, shape=scalars
)


@QUEUE_SIZE_V2.kernel
def queue_size_kernel(handle: Any) -> Any:
    return np.int32(_queue_of(handle).size())


QUEUE_SIZE_V2.not_differentiable()

# ---- QueueIsClosedV2

QUEUE_IS_CLOSED_V2 = op_def(
    "QueueIsClosedV2(handle: resource) -> (is_closed: bool)", stateful=True, shape=scalars
)


@QUEUE_IS_CLOSED_V2.kernel
def queue_is_closed_kernel(handle: Any) -> Any:
    return np.bool_(_queue_of(handle).is_closed())


QUEUE_IS_CLOSED_V2.not_differentiable()


def as_outputs(result: Any) -> list[Tensor]:
    """The output tensors of a dequeue, however many there are."""
    return list(result) if isinstance(result, (list, tuple)) else [result]
