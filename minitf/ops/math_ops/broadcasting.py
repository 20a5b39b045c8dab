"""With this module one can undo broadcasting in a gradient.

Where `x` of shape `(3,)` met `y` of shape `(2, 3)`, each element of `x` was used twice, so its
gradient is the sum of two elements of the output's gradient: a sum over the axes along which `x`
was repeated, then a reshape to the shape of `x`.
"""

from __future__ import annotations

from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import Dims
from minitf.ops import array_ops

_REPEATED, _KEPT, _OPEN = range(3)


def unbroadcast(grad: Tensor, x: Tensor, *others: Tensor, trailing: int = 0) -> Tensor:
    """Sums a gradient over the axes along which `x` was repeated to meet `others`.

    Where the static shapes decide it, this is at most a `Sum` and a `Reshape`, and nothing at all
    if `x` was not repeated. Where they do not, the axes are found while the graph runs.

    Args:
      grad: the gradient by the output, of the shape that `x` and `others` broadcast to.
      x: the input whose gradient is wanted.
      others: the other inputs that were broadcast against `x`.
      trailing: how many axes at the end do not take part: 2 for batches of matrices.

    Returns:
      A tensor of the shape of `x`.
    """
    met = [_leading(other.shape._dims, trailing) for other in others if other is not x]
    axes = repeated_axes(_leading(x.shape._dims, trailing), met)
    if axes is not None:
        return _sum_over(grad, x, axes)
    return _sum_at_run_time(grad, x, trailing)


def _leading(dims: Dims, trailing: int) -> Dims:
    return dims if dims is None or not trailing else dims[:-trailing]


def repeated_axes(dims: Dims, others: list[Dims]) -> list[int] | None:
    """The output's axes along which `dims` is repeated to meet `others`; None if not decided.

    An axis of size 1 counts as repeated unless nothing else can be larger: to sum over it anyway
    costs little and is right either way.
    """
    if all(other == () for other in others):
        return []
    if dims is None or any(other is None for other in others):
        return None
    known = [other for other in others if other is not None]
    rank = max(len(d) for d in [dims, *known])
    padded = [(1,) * (rank - len(d)) + d for d in [dims, *known]]
    axes = []
    for axis, (size, *sizes) in enumerate(zip(*padded, strict=True)):
        state = _axis_state(size, sizes)
        if state == _OPEN:
            return None
        if state == _REPEATED or axis < rank - len(dims):
            axes.append(axis)
    return axes


def _axis_state(size: int | None, others: list[int | None]) -> int:
    if all(other == 1 for other in others):
        return _KEPT
    if size == 1:
        return _REPEATED
    return _OPEN if size is None else _KEPT


def _sum_over(grad: Tensor, x: Tensor, axes: list[int]) -> Tensor:
    from minitf.ops.math_ops.reduction import SUM

    if not axes:
        return grad
    dims = x.shape._dims
    assert dims is not None and grad.shape.ndims is not None
    leading = grad.shape.ndims - len(dims)
    if axes == list(range(leading)):  # only axes that x does not have: none is kept
        result: Tensor = SUM(grad, axes)
        return result
    result = SUM(grad, axes, keep_dims=True)
    return array_ops.reshape(result, array_ops.shape(x)) if leading else result


def _sum_at_run_time(grad: Tensor, x: Tensor, trailing: int) -> Tensor:
    from minitf.ops.math_ops.reduction import SUM

    shape, grad_shape = array_ops.shape(x), array_ops.shape(grad)
    if trailing:
        axes, _ = array_ops.broadcast_gradient_args(shape[:-trailing], grad_shape[:-trailing])
    else:
        axes, _ = array_ops.broadcast_gradient_args(shape, grad_shape)
    return array_ops.reshape(SUM(grad, axes), shape)
