"""With this module gradients that reach one tensor by several ways are added up."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import IndexedSlices
from minitf.ops import array_ops, math_ops


def add_up(grads: list[Any]) -> Any:
    """The sum of several gradients of one tensor.

    Dense ones are added by one `AddN`. Sparse ones are put one after the other, which is the same
    sum without building the dense tensor; a mix becomes dense.
    """
    if len(grads) == 1:
        return grads[0]
    if not any(isinstance(grad, IndexedSlices) for grad in grads):
        return math_ops.add_n(grads)
    if all(isinstance(grad, IndexedSlices) for grad in grads):
        return _concatenate(grads)
    return math_ops.add_n([convert_to_tensor(grad) for grad in grads])


def _concatenate(grads: list[IndexedSlices]) -> IndexedSlices:
    with name_scope(None, "concat_slices", [grad.values for grad in grads]):
        indices = [math_ops.cast(grad.indices, "int64") for grad in grads]
        if all(grad.indices.dtype is grads[0].indices.dtype for grad in grads):
            indices = [grad.indices for grad in grads]
        return IndexedSlices(
            array_ops.concat([grad.values for grad in grads], 0),
            array_ops.concat(indices, 0),
            grads[0].dense_shape,
        )
