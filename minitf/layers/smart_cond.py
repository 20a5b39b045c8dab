"""With this module one can choose at once where a predicate is known, and in the graph otherwise.

So `training=True` builds the training branch alone, `training=placeholder` a `tf.cond`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.ops import cond_ops
from minitf.ops.variables import Variable


def smart_constant_value(pred: Any) -> bool | None:
    """The value of a predicate if it is known while the graph is built, else None.

    Args:
      pred: a boolean scalar tensor or variable, a Python bool, 0 or 1; None means False.

    Raises:
      TypeError: if it is something else.

    >>> import minitf as tf
    >>> smart_constant_value(True), smart_constant_value(tf.placeholder(tf.bool, []))
    (True, None)
    """
    if isinstance(pred, Variable):
        return None
    if isinstance(pred, Tensor):
        value = static_value(pred)
        return None if value is None else bool(value)
    if pred is None or (not isinstance(pred, str) and pred in (0, 1)):  # True is 1
        return bool(pred)
    raise TypeError(
        errors.report(
            "Argument `pred` must be a Tensor, or a Python bool, or 1 or 0. Received: "
            f"pred={pred} of type {type(pred).__name__}",
            line=str(traceback_lib.capture()),
            do="give True or False, or a placeholder of dtype tf.bool to choose when it runs.",
            see="arguments",
        )
    )


def smart_cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` or `false_fn()` if the predicate is known, else `tf.cond` of them.

    >>> import minitf as tf
    >>> smart_cond(True, lambda: "training", lambda: "inference")
    'training'
    """
    known = smart_constant_value(pred)
    if known is None:
        return cond_ops.cond(pred, true_fn, false_fn)
    return true_fn() if known else false_fn()
