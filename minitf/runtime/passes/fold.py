"""With this pass what depends on constants and static shapes alone is computed once, ahead.

    y = x * tf.cast(tf.shape(x)[1], tf.float32)     with x of shape [?, 784]  ->  y = x * 784.0

Gradients are full of such nodes: shapes to broadcast back to, axes to sum over, initial ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.runtime.block import Block, Node, Value, is_pure

# A larger array would be kept for good, while computing it costs memory for a moment only.
_MAX_BYTES = 10 << 20


def fold(block: Block) -> int:
    """Makes constants of outputs that can be known."""
    kept = []
    fetched = {id(fetch) for fetch in block.fetches if isinstance(fetch, Node)}
    for node in block.nodes:
        known = None
        if is_pure(node) and node.op_def.foldable and id(node) not in fetched:
            known = _from_shapes(node) if block.trusts_shapes else None
            if known is None:
                known = _from_constants(node)
        if known is None:
            kept.append(node)
            continue
        for output, array in zip(node.outputs, known, strict=True):
            if output is not None:
                output.constant = array
    return block.keep(kept)


def _from_shapes(node: Node) -> list[Any] | None:
    """The outputs of a node such as `Shape`, whose declaration knows them from static shapes."""
    if node.op_def.fills is not None:
        return _filled(node.inputs[0], node.op_def.fills)
    if node.op_def.constant_fn is None or len(node.outputs) != 1:
        return None
    try:
        value = node.op_def.constant_fn(node.op)
    except ValueError:  # as a shape it would be wrong, but perhaps it is no shape
        return None
    return None if value is None else [_shared(value)]


def _filled(like: Value, number: int) -> list[Any] | None:
    """An array of one number, which takes no memory, however large it is."""
    if not like.shape.is_fully_defined() or like.is_ref or like.dtype is dtypes.string:
        return None
    dims = [dim or 0 for dim in like.shape.as_list()]
    return [np.broadcast_to(like.dtype.as_numpy_dtype(number), dims)]


def _from_constants(node: Node) -> list[Any] | None:
    """The outputs of a node all of whose inputs are constants."""
    if any(value.constant is None for value in node.inputs) or node.op_def.kernel_takes_context:
        return None
    if not _is_small(node.outputs):
        return None
    try:
        with np.errstate(all="ignore"):
            result = node.op_def.bind_kernel(node.attrs)(*(v.constant for v in node.inputs))
    except Exception:  # the run will say what is wrong, if it comes to that
        return None
    results = result if len(node.outputs) != 1 else (result,)
    arrays = [np.asarray(each) for each in results]
    if sum(array.nbytes for array in arrays) > _MAX_BYTES:
        return None
    return [_shared(array) for array in arrays]


def _is_small(outputs: list[Value | None]) -> bool:
    sizes = [0 if v is None else v.shape.num_elements() or 0 for v in outputs]
    return sum(sizes) <= _MAX_BYTES


def _shared(array: Any) -> Any:
    """A constant is read by all runs, and written by none."""
    array = np.array(array)
    array.flags.writeable = False
    return array
