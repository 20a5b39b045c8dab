"""With this module a graph can check its own values: `tf.assert_equal(x, y)` and its kin.

Each function returns an operation that fails where its condition does not hold for all elements. It
must be run to check: make it a control dependency of what relies on it. Where both values are known
while the graph is built, a condition that does not hold fails at once.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32)
>>> with tf.control_dependencies([tf.assert_positive(x)]):
...     y = tf.log(x)
>>> with tf.Session() as sess:
...     print(sess.run(y, {x: 1.0}))
0.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.convert import convert_to_tensor
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import is_known_when_built, static_value
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, control_flow_ops, logging_ops, math_ops

# ---- two values


def assert_equal(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x == y` in all elements (mirrors `tf.assert_equal`).

    Args:
      x, y: tensors that broadcast against one another.
      data: tensors to show where it does not hold; the condition with x and y if None.
      summarize: how many elements of each to show; 3 if None.
      message: what to say first.
      name: the scope's name.

    Raises:
      tf.errors.InvalidArgumentError: when it is run, or at once if it is known not to hold.
    """
    with name_scope(name, "assert_equal", [x, y, data]):
        if x is y:
            return control_flow_ops.no_op()
    # TensorFlow opens the scope twice, so that its nodes are in "assert_equal_1".
    return _compare("==", "assert_equal", math_ops.equal, x, y, data, summarize, message, name)


def assert_none_equal(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x != y` in all elements (mirrors `tf.assert_none_equal`); see `assert_equal`."""
    return _compare(
        "!=", "assert_none_equal", math_ops.not_equal, x, y, data, summarize, message, name
    )


def assert_less(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x < y` in all elements (mirrors `tf.assert_less`); see `assert_equal`."""
    return _compare("<", "assert_less", math_ops.less, x, y, data, summarize, message, name)


def assert_less_equal(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x <= y` in all elements (mirrors `tf.assert_less_equal`); see `assert_equal`."""
    return _compare(
        "<=", "assert_less_equal", math_ops.less_equal, x, y, data, summarize, message, name
    )


def assert_greater(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x > y` in all elements (mirrors `tf.assert_greater`); see `assert_equal`."""
    return _compare(">", "assert_greater", math_ops.greater, x, y, data, summarize, message, name)


def assert_greater_equal(
    x: Any,
    y: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x >= y` in all elements (mirrors `tf.assert_greater_equal`).

    See `assert_equal` for the arguments.
    """
    return _compare(
        ">=", "assert_greater_equal", math_ops.greater_equal, x, y, data, summarize, message, name
    )


def _compare(
    sign: str,
    default_name: str,
    condition: Callable[[Any, Any], Tensor],
    x: Any,
    y: Any,
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, y, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        claim = f"Condition x {sign} y did not hold element-wise:"
        if data is None:
            data = [claim, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        if message is not None:
            data = [message, *data]
        elements = condition(x, y)
        holds = math_ops.reduce_all(elements)
        _refuse_known(claim, elements, (x, y), message)
        return logging_ops.Assert(holds, data, summarize=summarize)


def _refuse_known(
    claim: str, elements: Tensor, operands: tuple[Tensor, Tensor], message: str | None
) -> None:
    """Fails at once where both operands are known and the condition does not hold."""
    if not all(is_known_when_built(tensor) for tensor in operands):
        return
    known = static_value(elements)
    if known is None or np.all(known):
        return
    shown = "; ".join(f"{t.name} = {static_value(t)}" for t in operands)
    raise errors.InvalidArgumentError(
        None,
        None,
        errors.report(
            f"{message}\n{claim}" if message else claim,
            facts=shown,
            line=str(traceback_lib.capture()),
            do="both values are constants: change one of them, or leave the check out.",
            see="assertions",
        ),
    )


# ---- one value


def assert_negative(
    x: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x < 0` in all elements (mirrors `tf.assert_negative`); see `assert_equal`."""
    return _compare_with_zero("<", "assert_negative", x, data, summarize, message, name)


def assert_positive(
    x: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x > 0` in all elements (mirrors `tf.assert_positive`); see `assert_equal`."""
    return _compare_with_zero(">", "assert_positive", x, data, summarize, message, name)


def assert_non_positive(
    x: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x <= 0` in all elements (mirrors `tf.assert_non_positive`).

    See `assert_equal` for the arguments.
    """
    return _compare_with_zero("<=", "assert_non_positive", x, data, summarize, message, name)


def assert_non_negative(
    x: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that `x >= 0` in all elements (mirrors `tf.assert_non_negative`).

    See `assert_equal` for the arguments.
    """
    return _compare_with_zero(">=", "assert_non_negative", x, data, summarize, message, name)


def _compare_with_zero(
    sign: str,
    default_name: str,
    x: Any,
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, data]):
        x = convert_to_tensor(x, name="x")
        if data is None:
            texts = [f"Condition x {sign} 0 did not hold element-wise:", f"x ({x.name}) = "]
            if sign == "<=":  # the texts stand in the graph, and of this check in a single node
                texts = ["".join(texts)]
            data = [_prefix(message), *texts, x]
        zero = convert_to_tensor(0, dtype=x.dtype.base_dtype)
        check = assert_less if len(sign) == 1 else assert_less_equal
        small, large = (x, zero) if sign[0] == "<" else (zero, x)
        return check(small, large, data=data, summarize=summarize)


def _prefix(message: str | None) -> str:
    return f"{message}.  " if message else ""


# ---- types and ranks


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> Operation:
    """Checks the dtype of a tensor, at once (mirrors `tf.assert_type`).

    Args:
      tensor: a tensor.
      tf_type: the dtype that it should have.
      message: what to say first.
      name: the scope's name.

    Returns:
      An operation that does nothing.

    Raises:
      TypeError: if the tensor has another dtype.
    """
    wanted = dtypes.as_dtype(tf_type)
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype.base_dtype is not wanted.base_dtype:
            said = f"{message}  " if message else ""
            raise TypeError(
                errors.report(
                    f"{said}{tensor.name} must be of type {wanted!r}; got "
                    f"{tensor.dtype.base_dtype!r}",
                    line=str(traceback_lib.capture()),
                    do=f"convert it with tf.cast(x, {wanted!r}).",
                    see="dtypes-that-do-not-fit",
                )
            )
        return control_flow_ops.no_op("statically_determined_correct_type")


def assert_rank(
    x: Any,
    rank: int,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks the number of dims of a tensor (mirrors `tf.assert_rank`).

    Args:
      x: a tensor.
      rank: the number of dims that it should have.
      data: tensors to show where it has not; its shape if None.
      summarize: how many elements of each to show; 3 if None.
      message: what to say first.
      name: the scope's name.

    Raises:
      ValueError: if it is known that it has another number of dims.
      tf.errors.InvalidArgumentError: when it is run, otherwise.
    """
    return _check_rank("assert_rank", "", math_ops.equal, x, [rank], data, summarize, message, name)


def assert_rank_at_least(
    x: Any,
    rank: int,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that a tensor has some number of dims or more (mirrors `tf.assert_rank_at_least`).

    See `assert_rank` for the arguments.
    """
    check = math_ops.greater_equal
    return _check_rank(
        "assert_rank_at_least", " at least", check, x, [rank], data, summarize, message, name
    )


def assert_rank_in(
    x: Any,
    ranks: Any,
    data: Any = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """Checks that a tensor's number of dims is one of some (mirrors `tf.assert_rank_in`).

    Args:
      x: a tensor.
      ranks: the allowed numbers of dims.
      data, summarize, message, name: see `assert_rank`.
    """
    return _check_rank(
        "assert_rank_in", " in", _equal_reversed, x, list(ranks), data, summarize, message, name
    )


def _equal_reversed(rank: Any, wanted: Any) -> Tensor:
    return math_ops.equal(wanted, rank)


def _check_rank(
    default_name: str,
    relation: str,
    condition: Callable[[Any, Any], Any],
    x: Any,
    ranks: list[Any],
    data: Any,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, default_name, [x, *ranks, data]):
        x = convert_to_tensor(x, name="x")
        wanted = [convert_to_tensor(rank, name="rank") for rank in ranks]
        shape = array_ops.shape(x) if data is None else None
        for rank in wanted:
            assert_type(rank, dtypes.int32)
        known = [static_value(rank) for rank in wanted]
        if x.shape.ndims is not None and all(rank is not None for rank in known):
            allowed = [int(rank) for rank in known]
            if not any(_holds(condition, x.shape.ndims, rank) for rank in allowed):
                raise ValueError(_rank_message(x, relation, allowed, message))
            return control_flow_ops.no_op("static_checks_determined_all_ok")
        rank_now = array_ops.rank(x)
        holds = condition(rank_now, wanted[0])
        for other in wanted[1:]:
            holds = math_ops.logical_or(holds, condition(rank_now, other))
        if data is None:
            claim = f"Tensor {x.name} must have rank{relation}"
            data = [_prefix(message), claim, *wanted, "Received shape: ", shape]
        return logging_ops.Assert(holds, data, summarize=summarize)


def _holds(condition: Callable[[Any, Any], Any], rank: int, wanted: int) -> bool:
    return rank >= wanted if condition is math_ops.greater_equal else rank == wanted


def _rank_message(x: Tensor, relation: str, allowed: list[int], message: str | None) -> str:
    which = tuple(allowed) if len(allowed) > 1 else allowed[0]
    return errors.report(
        f"{_prefix(message)}Tensor {x.name} must have rank{relation} {which}.  "
        f"Received rank {x.shape.ndims}, shape {x.shape}",
        facts=f"tensor: {errors.describe(x)}, created at {x.op.traceback}",
        line=str(traceback_lib.capture()),
        do="give it the dims that are asked for, for example with tf.reshape or tf.expand_dims.",
        see="shapes-that-do-not-fit",
    )
