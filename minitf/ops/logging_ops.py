"""With this module a graph can speak up while it runs: `tf.Print`, `tf.Assert`."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import cond_ops, control_flow_ops


def summarize_array(array: Any, count: int) -> str:
    """The first `count` elements (all if negative), in nested brackets: `[[1 2][3...]]`."""
    array = np.asarray(array)
    left = [array.size if count < 0 else count]

    def text(part: Any) -> str:
        if part.ndim == 0:
            left[0] -= 1
            return _element(part[()])
        if part.ndim > 1:
            pieces: list[str] = []
            for row in part:
                if left[0] <= 0:
                    return "[" + "".join(pieces) + "...]"
                pieces.append(text(row))
            return "[" + "".join(pieces) + "]"
        shown = min(len(part), max(left[0], 0))
        left[0] -= shown
        inside = " ".join(_element(item) for item in part[:shown])
        return "[" + inside + ("..." if shown < len(part) else "") + "]"

    return text(array)


def _element(item: Any) -> str:
    if isinstance(item, bytes):
        return item.decode(errors="backslashreplace")
    if isinstance(item, (bool, np.bool_)):
        return "1" if item else "0"
    if isinstance(item, np.floating):
        few, all_digits = (15, 17) if item.dtype.itemsize == 8 else (6, 9)
        short = f"{item:.{few}g}"
        return short if type(item)(short) == item else f"{item:.{all_digits}g}"
    return str(item)


# ---- Print

PRINT = op_def(
    "Print(input: T, data: U) -> (output: T)",
    "T: type",
    "U: list(type)",
    'message: string = ""',
    "first_n: int = -1",
    "summarize: int = 3",
    stateful=True,
    aliases=True,
    shape=unchanged,
)


class _Counter:
    """How often a Print node has run; sessions run nodes from several threads."""

    def __init__(self) -> None:
        self._runs = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            self._runs += 1
            return self._runs


@PRINT.kernel
def print_kernel(
    ctx: Any, value: Any, *data: Any, message: str, first_n: int, summarize: int
) -> Any:
    if first_n < 0 or ctx.state(_Counter).next() <= first_n:
        parts = "".join(_bracketed(item, summarize) for item in data)
        print(message + parts, file=sys.stderr, flush=True)
    return value


def _bracketed(item: Any, count: int) -> str:
    # A scalar is shown in brackets of its own, so that several data stay apart.
    text = summarize_array(item, count)
    return text if np.ndim(item) else f"[{text}]"


@PRINT.gradient
def print_gradient(op: Operation, grad: Tensor) -> Any:
    return [grad, *[None] * (len(op.inputs) - 1)]


def Print(
    input_: Any,
    data: list[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Passes a tensor on, and prints others each time (mirrors `tf.Print`).

    It prints only when the *returned* tensor is used by what a session fetches.

    Args:
      input_: the tensor to pass on.
      data: tensors to print to standard error.
      message: a text before them.
      first_n: how many times to print; None is always.
      summarize: how many elements of each to show; 3 if None, all if negative.
      name: the node's name.

    >>> import minitf as tf
    >>> x = tf.Print(tf.constant([1.0, 2.0]), [tf.constant(7)], "seven: ")
    >>> with tf.Session() as sess:
    ...     print(sess.run(x))  # and "seven: [7]" on standard error
    [1. 2.]
    """
    result: Tensor = PRINT(
        input_,
        data,
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )
    return result


# ---- Assert

ASSERT = op_def(
    "Assert(condition: bool, data: T)", "T: list(type)", "summarize: int = 3", stateful=True
)


@ASSERT.kernel
def assert_kernel(condition: Any, *data: Any, summarize: int) -> tuple[()]:
    if not condition:
        parts = " ".join(_bracketed(item, summarize) for item in data)
        raise errors.InvalidArgumentError(None, None, f"assertion failed: {parts}")
    return ()


ASSERT.not_differentiable()


def Assert(
    condition: Any, data: list[Any], summarize: int | None = None, name: str | None = None
) -> Operation:
    """An operation that fails where a condition is false (mirrors `tf.Assert`).

    It must be run to check: make it a control dependency of what relies on it.

    Args:
      condition: a boolean scalar.
      data: tensors to show when it is false.
      summarize: how many elements of each to show; 3 if None.
      name: the scope's name.

    Raises:
      tf.errors.InvalidArgumentError: when it is run and the condition is false.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32)
    >>> with tf.control_dependencies([tf.Assert(x > 0, [x])]):
    ...     y = tf.log(x)
    >>> with tf.Session() as sess:
    ...     sess.run(y, {x: -1.0})
    Traceback (most recent call last):
    ...
    minitf.framework.errors.InvalidArgumentError: assertion failed: [-1]
    ...
    """
    count = 3 if summarize is None else summarize
    with name_scope(name, "Assert", [condition, data]):
        tensors = [convert_to_tensor(item) for item in data]
        if all(tensor.dtype.base_dtype in (dtypes.int32, dtypes.string) for tensor in tensors):
            op: Operation = ASSERT(condition, data, summarize=count, name="Assert")
            return op
        # In a branch of its own, so that large data are not copied about while all is well.
        condition = convert_to_tensor(condition, name="Condition")
        guarded = cond_ops.cond(
            condition,
            control_flow_ops.no_op,
            lambda: ASSERT(condition, data, summarize=count, name="Assert"),
            name="AssertGuard",
        )
        result: Operation = guarded.op
        return result
