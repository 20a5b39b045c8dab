"""With this module one can ask what is known of a tensor's value before anything runs.

Shape rules need it: the shape of `tf.reshape(x, s)` is known where the value of `s` is, or in part
where `s` is put together from pieces of `tf.shape(y)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import MAX_RANK, TensorShape, unknown_shape

_NOT_KNOWN = object()
# Shapes, axes and paddings are small; larger constants are left to the session.
_MAX_ELEMENTS = 1024
_MAX_NODES = 1000


def static_value(tensor: Tensor) -> Any:
    """The value of a tensor that depends on constants only, or None.

    Mirrors `tf.get_static_value` (`tensor_util.constant_value`). A constant's own array is
    returned: do not write to it.

    >>> import minitf as tf
    >>> int(tf.get_static_value(tf.constant(2) * 3))
    6
    """
    stack = [tensor]
    visited = 0
    while stack:
        current = stack[-1]
        if current._static is not None:
            stack.pop()
            continue
        op = current._op
        if not _may_be_known(current):
            current._static = _NOT_KNOWN
        elif op._op_def.constant_fn is not None:
            value = op._op_def.constant_fn(op)
            current._static = _NOT_KNOWN if value is None else np.asarray(value)
        else:
            pending = [t for t in op._inputs if t._static is None]
            visited += 1
            if visited > _MAX_NODES:
                return None
            if pending and not any(t._static is _NOT_KNOWN for t in op._inputs):
                stack.extend(pending)
                continue
            current._static = _evaluate(current)
        stack.pop()
    return None if tensor._static is _NOT_KNOWN else tensor._static


# What TensorFlow looks through when it asks for a value while Python builds the graph; shape rules
# see through more.
_LOOKED_THROUGH = frozenset(
    {"Const", "Fill", "Cast", "ConcatV2", "Pack", "Unpack", "Split", "Range"}
    | {"Equal", "NotEqual", "Identity", "StopGradient"}
)
_OF_SHAPES = frozenset({"Shape", "Size", "Rank"})


def is_known_when_built(tensor: Tensor) -> bool:
    """Whether TensorFlow, too, knows the value before a session runs: checks of constants ask it.

    >>> import minitf as tf
    >>> two = tf.constant(2)
    >>> is_known_when_built(tf.cast(two, tf.float32)), is_known_when_built(two + 1)
    (True, False)
    """
    pending, seen = [tensor._op], {tensor._op}
    while pending:
        op = pending.pop()
        if op.type in _OF_SHAPES:
            continue
        if op.type not in _LOOKED_THROUGH or len(seen) > _MAX_NODES:
            return False
        for source in op._inputs:
            if source._op not in seen:
                seen.add(source._op)
                pending.append(source._op)
    return static_value(tensor) is not None


def _may_be_known(tensor: Tensor) -> bool:
    op_def = tensor._op._op_def
    if op_def.constant_fn is not None:
        return True
    if op_def.stateful or not op_def.foldable or op_def.kernel_fn is None:
        return False
    size = tensor._shape.num_elements()
    return bool(tensor._op._inputs) and (size is None or size <= _MAX_ELEMENTS)


def _evaluate(tensor: Tensor) -> Any:
    op = tensor._op
    values = [t._static for t in op._inputs]
    if any(value is _NOT_KNOWN for value in values):
        return _NOT_KNOWN
    try:
        with np.errstate(all="ignore"):
            result = op._op_def.bind_kernel(op._attrs)(*values)
    except Exception:  # whatever is wrong with the values is reported when the graph runs
        return _NOT_KNOWN
    value = np.asarray(result[tensor._value_index] if len(op._outputs) > 1 else result)
    return value if value.size <= _MAX_ELEMENTS else _NOT_KNOWN


def static_scalar(tensor: Tensor) -> Any:
    """The value of a scalar that is known before anything runs, or None.

    Raises:
      ValueError: if the value is known and is no scalar. A shape alone is not held against it, as
        in TensorFlow.
    """
    value = static_value(tensor)
    if value is not None and value.ndim:
        raise errors.value_error(f"Input must be scalar but has rank {value.ndim}")
    return value


def static_shape_value(tensor: Tensor) -> TensorShape:
    """What is known of a shape that is given as an integer vector.

    Mirrors `tensor_util.constant_value_as_shape`; a negative element counts as unknown.
    """
    value = static_value(tensor)
    if value is not None:
        if value.size > MAX_RANK:
            unknown_shape(value.size)  # says that no tensor has so many dims
        return TensorShape([None if d < 0 else int(d) for d in value.reshape(-1)])
    partial_fn = tensor._op._op_def.partial_fn
    if partial_fn is not None:
        known = partial_fn(tensor._op)
        if isinstance(known, TensorShape):
            return known
    length = tensor._shape.as_list() if tensor._shape.ndims == 1 else [None]
    return unknown_shape(length[0])


def static_dim(tensor: Tensor) -> int | None:
    """What is known of one size that is given as a scalar tensor, or None."""
    value = static_value(tensor)
    if value is not None:
        return int(value) if value.ndim == 0 and value >= 0 else None
    partial_fn = tensor._op._op_def.partial_fn
    known = partial_fn(tensor._op) if partial_fn is not None else None
    return known if isinstance(known, int) else None
