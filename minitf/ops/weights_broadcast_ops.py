"""With this module losses and metrics can check that weights fit the values that they weigh.

Weights are a scalar, or of the values' rank with each dim equal to theirs or 1. That is stricter
than broadcasting is otherwise, on purpose: weights of shape (batch,) against values of shape
(batch, 1) would make a matrix of all pairs without a word.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.convert import convert_to_tensor
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, cond_ops, control_flow_ops, logging_ops, math_ops, set_ops

_PROBLEM = "weights can not be broadcast to values."


class _Measured:
    """A tensor with its shape and rank, as nodes and, where they are known, as numbers."""

    def __init__(self, value: Any, name: str) -> None:
        with name_scope(None, name, [value]) as scope:
            self.tensor = convert_to_tensor(value, name=scope)
            self.shape = array_ops.shape(self.tensor, name="shape")
            self.rank = array_ops.rank(self.tensor, name="rank")
        self.static_rank = self.tensor.shape.ndims
        known = static_value(self.shape)
        self.static_shape = None if known is None else [int(size) for size in known]


def assert_broadcastable(weights: Any, values: Any) -> Operation:
    """An operation that fails where weights do not fit values; a mismatch may show at once.

    Args:
      weights: a tensor of weights.
      values: a tensor of what they weigh.

    Raises:
      ValueError: if it is known already that they do not fit.
    """
    with name_scope(None, "assert_broadcastable", [weights, values]) as scope:
        w, v = _Measured(weights, "weights"), _Measured(values, "values")
        if w.static_rank is not None and v.static_rank is not None:
            if w.static_rank == 0:
                return control_flow_ops.no_op(name="static_scalar_check_success")
            if w.static_rank != v.static_rank:
                raise _mismatch(
                    f"values.rank={v.static_rank}. weights.rank={w.static_rank}. "
                    f"values.shape={v.tensor.shape}. weights.shape={w.tensor.shape}.",
                    w,
                    v,
                )
            if w.static_shape is not None and v.static_shape is not None:
                for axis, (size, wanted) in enumerate(zip(w.static_shape, v.static_shape)):
                    if size not in (1, wanted):
                        raise _mismatch(
                            f"Mismatch at dim {axis}. values.shape={v.tensor.shape}, "
                            f"weights.shape={w.tensor.shape}.",
                            w,
                            v,
                        )
                return control_flow_ops.no_op(name="static_dims_check_success")
        return _assert_when_run(w, v, scope)


def _mismatch(what: str, weights: _Measured, values: _Measured) -> ValueError:
    w, v = weights.tensor, values.tensor
    return ValueError(
        errors.report(
            f"{_PROBLEM} {what}",
            facts=f"weights: {errors.describe(w)}, created at {w.op.traceback}; values: "
            f"{errors.describe(v)}",
            line=str(traceback_lib.capture()),
            do="give one weight, or weights of the values' rank with each dim theirs or 1, for "
            "example by tf.expand_dims or tf.squeeze.",
            see="shapes-that-do-not-fit",
        )
    )


def _assert_when_run(weights: _Measured, values: _Measured, scope: str) -> Operation:
    is_scalar = math_ops.equal(0, weights.rank, name="is_scalar")
    data = [
        _PROBLEM,
        "weights.shape=",
        weights.tensor.name,
        weights.shape,
        "values.shape=",
        values.tensor.name,
        values.shape,
        "is_scalar=",
        is_scalar,
    ]
    fits = cond_ops.cond(
        is_scalar,
        lambda: is_scalar,
        lambda: _same_rank_and_fits(weights, values),
        name="is_valid_shape",
    )
    return logging_ops.Assert(fits, data, name=scope)


def _same_rank_and_fits(weights: _Measured, values: _Measured) -> Any:
    with name_scope(None, "has_valid_nonscalar_shape", [weights.rank, values.rank]) as scope:
        same_rank = math_ops.equal(values.rank, weights.rank, name="is_same_rank")
        return cond_ops.cond(
            same_rank, lambda: _sizes_fit(weights, values), lambda: same_rank, name=scope
        )


def _sizes_fit(weights: _Measured, values: _Measured) -> Tensor:
    """Whether, axis by axis, the weights' size is not missing in {the values' size, 1}."""
    with name_scope(None, "has_invalid_dims", [weights.shape, values.shape]) as scope:
        sizes = array_ops.expand_dims(values.shape, -1)
        allowed = array_ops.concat([sizes, array_ops.ones_like(sizes)], axis=1)
        given = array_ops.expand_dims(weights.shape, -1)
        invalid = set_ops.dense_set_difference(given, allowed)
        count = array_ops.size(invalid, name="num_invalid_dims")
        return math_ops.equal(0, count, name=scope)


def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """Weights in the shape of the values that they weigh.

    Args:
      weights, values: as for `assert_broadcastable`.

    Raises:
      ValueError: if it is known already that they do not fit.

    >>> import minitf as tf
    >>> w = broadcast_weights(tf.constant([[1.0], [2.0]]), tf.zeros([2, 3]))
    >>> with tf.Session() as sess:
    ...     print(sess.run(w))
    [[1. 1. 1.]
     [2. 2. 2.]]
    """
    with name_scope(None, "broadcast_weights", [weights, values]) as scope:
        values = convert_to_tensor(values, name="values")
        given = convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        if given.shape.is_fully_defined() and given.shape == values.shape:
            return given
        with control_dependencies([assert_broadcastable(given, values)]):
            return math_ops.multiply(given, array_ops.ones_like(values), name=scope)
