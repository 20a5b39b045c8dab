"""With this module one can train a classifier over very many classes on a few of them at a time."""

from __future__ import annotations

from typing import Any

from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
)
from minitf.nn.embedding import embedding_lookup
from minitf.ops import array_ops, math_ops, nn_ops, sparse_ops


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str | None = "nce_loss",
) -> Tensor:
    """Noise-contrastive estimation: tell the right class from sampled ones.

    Mirrors `tf.nn.nce_loss`. Each class is a logistic regression; the loss asks the true ones for 1
    and the sampled ones for 0. This is how word2vec is trained.

    Args:
      weights: of shape (num_classes, dim), or a list of its parts.
      biases: of shape (num_classes,).
      labels: int64, of shape (batch, num_true): the right classes.
      inputs: of shape (batch, dim): what the network makes of each example.
      num_sampled: how many classes to draw for the whole batch.
      num_classes: how many there are.
      num_true: how many right classes each example has.
      sampled_values: what a candidate sampler gave; by default
        `tf.nn.log_uniform_candidate_sampler` is asked, for which classes must be numbered from the
        most frequent one on.
      remove_accidental_hits: whether a sampled class that is right counts not at all.
      partition_strategy: see `tf.nn.embedding_lookup`.
      name: the scope's name.

    Returns:
      One loss per example, of shape (batch,).

    >>> import minitf as tf
    >>> tf.set_random_seed(1)
    >>> loss = tf.nn.nce_loss(
    ...     tf.zeros([100, 8]), tf.zeros([100]), [[7]], tf.ones([1, 8]), 5, 100)
    >>> loss.shape.as_list()
    [1]
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        partition_strategy,
        name,
    )
    losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses")
    return _sum_rows(losses)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str | None = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """The softmax cross-entropy over the right class and some sampled ones.

    Mirrors `tf.nn.sampled_softmax_loss`. For training only: it is smaller than the full loss.

    Args:
      weights: of shape (num_classes, dim), or a list of its parts.
      biases: of shape (num_classes,).
      labels: int64, of shape (batch, num_true): the right classes.
      inputs: of shape (batch, dim): what the network makes of each example.
      num_sampled: how many classes to draw for the whole batch.
      num_classes: how many there are.
      num_true: how many right classes each example has.
      sampled_values: what a candidate sampler gave; see `tf.nn.nce_loss`.
      remove_accidental_hits: whether a sampled class that is right counts not at all.
      partition_strategy: see `tf.nn.embedding_lookup`.
      name: the scope's name.
      seed: the sampler's seed.

    Returns:
      One loss per example, of shape (batch,).

    >>> import minitf as tf
    >>> loss = tf.nn.sampled_softmax_loss(
    ...     tf.zeros([100, 8]), tf.zeros([100]), [[7]], tf.ones([1, 8]), 5, 100, seed=1)
    >>> loss.shape.as_list()
    [1]
    """
    logits, targets = _sampled_logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        partition_strategy,
        name,
        seed,
    )
    targets = array_ops.stop_gradient(targets, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=targets, logits=logits)


def _sampled_logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    partition_strategy: str,
    name: str | None,
    seed: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Scores of the true and the sampled classes, (batch, num_true + num_sampled), and targets."""
    tables = list(weights) if isinstance(weights, (list, tuple)) else [weights]
    with name_scope(name, "compute_sampled_logits", [*tables, biases, inputs, labels]):
        labels = math_ops.cast(labels, "int64")
        flat_labels = array_ops.reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = nn_ops.log_uniform_candidate_sampler(
                labels, num_true, num_sampled, True, num_classes, seed=seed
            )
        sampled, true_count, sampled_count = (array_ops.stop_gradient(v) for v in sampled_values)
        sampled = math_ops.cast(sampled, "int64")
        ids = array_ops.concat([flat_labels, sampled], 0)
        true_w, sampled_w = _looked_up_weights(tables, ids, flat_labels, partition_strategy)
        sampled_logits = math_ops.matmul(inputs, sampled_w, transpose_b=True)
        true_b, sampled_b = _looked_up_biases(biases, ids, flat_labels, partition_strategy)
        true_logits = _row_dots(inputs, true_w, num_true)
        true_logits = true_logits + array_ops.reshape(true_b, [-1, num_true])
        sampled_logits = sampled_logits + sampled_b
        if remove_accidental_hits:
            sampled_logits += _accidental_hits(labels, sampled, num_true, num_sampled)
        true_logits -= math_ops.log(true_count)
        sampled_logits -= math_ops.log(sampled_count)
        logits = array_ops.concat([true_logits, sampled_logits], 1)
        share = array_ops.ones_like(true_logits) / num_true
        targets = array_ops.concat([share, array_ops.zeros_like(sampled_logits)], 1)
        return logits, targets


def _looked_up_weights(
    tables: list[Any], ids: Tensor, flat_labels: Tensor, partition_strategy: str
) -> tuple[Tensor, Tensor]:
    rows = embedding_lookup(tables, ids, partition_strategy=partition_strategy)
    size = array_ops.stack([array_ops.shape(flat_labels)[0], -1])
    true_rows = array_ops.slice(rows, [0, 0], size)
    begin = array_ops.stack([array_ops.shape(flat_labels)[0], 0])
    return true_rows, array_ops.slice(rows, begin, [-1, -1])


def _looked_up_biases(
    biases: Any, ids: Tensor, flat_labels: Tensor, partition_strategy: str
) -> tuple[Tensor, Tensor]:
    values = embedding_lookup(biases, ids, partition_strategy=partition_strategy)
    true_values = array_ops.slice(values, [0], array_ops.shape(flat_labels))
    return true_values, array_ops.slice(values, array_ops.shape(flat_labels), [-1])


def _row_dots(inputs: Any, true_w: Tensor, num_true: int) -> Tensor:
    """The scores of each example's own classes, of shape (batch, num_true)."""
    dim = array_ops.shape(true_w)[1:2]
    shape = array_ops.concat([[-1, num_true], dim], 0)
    products = math_ops.multiply(
        array_ops.expand_dims(inputs, 1), array_ops.reshape(true_w, shape), name="Mul"
    )
    matrix = array_ops.reshape(products, array_ops.concat([[-1], dim], 0))
    return array_ops.reshape(_sum_rows(matrix), [-1, num_true])


def _sum_rows(x: Tensor) -> Tensor:
    columns = array_ops.shape(x)[1]
    ones = array_ops.ones(array_ops.stack([columns, 1]), x.dtype)
    return array_ops.reshape(math_ops.matmul(x, ones), [-1])


def _accidental_hits(labels: Tensor, sampled: Tensor, num_true: int, num_sampled: int) -> Tensor:
    """What to add to the scores of sampled classes that are right: the lowest number."""
    hits = nn_ops.compute_accidental_hits(labels, sampled, num_true)
    rows = array_ops.reshape(hits.indices, [-1, 1])
    columns = array_ops.reshape(math_ops.cast(hits.ids, "int32"), [-1, 1])
    places = array_ops.concat([rows, columns], 1, "sparse_indices")
    shape = array_ops.concat(
        [array_ops.shape(labels)[:1], array_ops.expand_dims(num_sampled, 0)], 0
    )
    return sparse_ops.sparse_to_dense(
        places, shape, hits.weights, default_value=0.0, validate_indices=False
    )
