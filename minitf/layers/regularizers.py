"""With this module one can keep weights small: functions from a variable to a penalty.

Pass one as `regularizer` or `kernel_regularizer`; the penalty joins
`GraphKeys.REGULARIZATION_LOSSES`, which `tf.losses.get_total_loss` adds to the loss.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable
from typing import Any

from minitf import nn
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import add_to_collection, get_collection, name_scope
from minitf.framework.tensor import Tensor
from minitf.layers import arguments
from minitf.ops import constant_op, math_ops

Regularizer = Callable[..., "Tensor | None"]


def _checked_scale(scale: Any) -> float:
    if isinstance(scale, numbers.Integral):
        raise arguments.invalid(f"scale cannot be an integer: {scale}", "give a float.")
    if scale < 0.0:
        raise arguments.invalid(
            f"Setting a scale less than 0 on a regularizer: {scale:g}",
            "give a scale of at least 0.",
        )
    return float(scale)


def _scaled(
    scale: float, measure: Callable[[Any], Tensor], default_name: str, scope: str | None
) -> Regularizer:
    if scale == 0.0:
        return lambda weights, name=None: None

    def regularizer(weights: Any, name: str | None = None) -> Tensor:
        with name_scope(scope, default_name, [weights]) as opened:
            factor = convert_to_tensor(scale, weights.dtype.base_dtype, name="scale")
            return math_ops.multiply(factor, measure(weights), name=opened)

    return regularizer


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """`scale * sum(abs(weights))`: brings many weights to 0.

    Args:
      scale: a float of at least 0; nothing is penalized at 0.
      scope: the name of the nodes' scope.

    Raises:
      ValueError: if `scale` is negative or an integer.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(l1_regularizer(0.5)(tf.constant([1.0, -3.0]))))
    2.0
    """

    def measure(weights: Any) -> Tensor:
        return math_ops.reduce_sum(math_ops.abs(weights))

    return _scaled(_checked_scale(scale), measure, "l1_regularizer", scope)


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """`scale * sum(weights ** 2) / 2`: keeps all weights small.

    Args:
      scale: a float of at least 0; nothing is penalized at 0.
      scope: the name of the nodes' scope.

    Raises:
      ValueError: if `scale` is negative or an integer.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 4])
    >>> y = tf.layers.dense(x, 2, kernel_regularizer=l2_regularizer(0.01))
    >>> [loss.name for loss in tf.losses.get_regularization_losses()]
    ['dense/kernel/Regularizer/l2_regularizer:0']
    """
    return _scaled(_checked_scale(scale), nn.l2_loss, "l2_regularizer", scope)


def l1_l2_regularizer(
    scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None
) -> Regularizer:
    """The sum of `l1_regularizer` and `l2_regularizer`.

    Args:
      scale_l1, scale_l2: floats of at least 0.
      scope: the name of the nodes' scope.

    Raises:
      ValueError: if a scale is negative or an integer.
    """
    return sum_regularizer(
        [l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer"
    )


def sum_regularizer(
    regularizer_list: Iterable[Regularizer | None], scope: str | None = None
) -> Regularizer:
    """The sum of several regularizers; None among them is left out.

    Args:
      regularizer_list: the regularizers.
      scope: the name of the nodes' scope.
    """
    regularizers = [regularizer for regularizer in regularizer_list if regularizer is not None]

    def regularizer(weights: Any, name: str | None = None) -> Tensor | None:
        with name_scope(scope, "sum_regularizer", [weights]) as opened:
            terms = [regularizer(weights) for regularizer in regularizers]
            known = [term for term in terms if term is not None]
            return math_ops.add_n(known, name=opened) if known else None

    return regularizer


def apply_regularization(regularizer: Regularizer, weights_list: Any = None) -> Tensor:
    """The sum of a regularizer's penalties, which joins `GraphKeys.REGULARIZATION_LOSSES`.

    Args:
      regularizer: a function from weights to a penalty, or to None for none.
      weights_list: the weights; those in `GraphKeys.WEIGHTS` if None.

    Raises:
      ValueError: if there are no weights.

    >>> import minitf as tf
    >>> weights = [tf.constant([1.0]), tf.constant([2.0])]
    >>> with tf.Session() as sess:
    ...     print(sess.run(apply_regularization(l2_regularizer(1.0), weights)))
    2.5
    """
    weights = get_collection(GraphKeys.WEIGHTS) if weights_list is None else list(weights_list)
    if not weights:
        raise arguments.invalid(
            "No weights to regularize.",
            "give a list of variables, such as tf.trainable_variables().",
        )
    with name_scope("get_regularization_penalty", None, weights) as scope:
        penalties = [regularizer(w) for w in weights]
        nothing = constant_op.constant(0.0) if None in penalties else None
        total = math_ops.add_n([nothing if p is None else p for p in penalties], name=scope)
    add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total
