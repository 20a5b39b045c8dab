"""With this module a graph keeps its losses together, so that one sum trains them all."""

from __future__ import annotations

from typing import Any

from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import add_to_collection, get_collection
from minitf.framework.tensor import Tensor
from minitf.ops import constant_op, math_ops


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection (mirrors `tf.losses.add_loss`).

    Args:
      loss: a tensor.
      loss_collection: the collection's name; None to add it to none.
    """
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """The losses of a collection (mirrors `tf.losses.get_losses`).

    Args:
      scope: if given, only those whose name begins with a match of this regular expression.
      loss_collection: the collection's name.
    """
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The penalties of regularizers (mirrors `tf.losses.get_regularization_losses`).

    Args:
      scope: if given, only those whose name begins with a match of this regular expression.
    """
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(
    scope: str | None = None, name: str = "total_regularization_loss"
) -> Tensor:
    """The sum of the penalties of regularizers, 0 if there are none.

    Mirrors `tf.losses.get_regularization_loss`.

    Args:
      scope: if given, only those whose name begins with a match of this regular expression.
      name: the node's name.
    """
    losses = get_regularization_losses(scope)
    return math_ops.add_n(losses, name=name) if losses else constant_op.constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses (mirrors `tf.losses.get_total_loss`).

    Args:
      add_regularization_losses: whether the penalties of regularizers are added.
      name: the node's name.
      scope: if given, only those whose name begins with a match of this regular expression.

    Raises:
      ValueError: if there are no losses.

    >>> import minitf as tf
    >>> _ = tf.losses.mean_squared_error([1.0], [3.0])
    >>> tf.losses.add_loss(tf.constant(0.5))
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.losses.get_total_loss()))
    4.5
    """
    losses = get_losses(scope)
    if add_regularization_losses:
        losses = losses + get_regularization_losses(scope)
    return math_ops.add_n(losses, name=name)
