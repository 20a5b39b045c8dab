"""`tf.losses`: graphs, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("losses")


PAIRS = ("absolute_difference", "hinge_loss", "huber_loss", "log_loss", "mean_squared_error",
         "mean_pairwise_squared_error")  # fmt: skip


@family.graph
def pairs(tf: Any) -> None:
    a, b = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 3])
    for name in PAIRS:
        getattr(tf.losses, name)(a, b)
    tf.losses.cosine_distance(a, b, axis=1)


@family.graph
def weights(tf: Any) -> None:
    a, b = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 3])
    tf.losses.mean_squared_error(a, b, weights=0.5)
    tf.losses.mean_squared_error(a, b, weights=tf.constant([[1.0, 0.0, 2.0]]))
    tf.losses.mean_squared_error(tf.zeros([2, 3]), tf.ones([2, 3]), weights=tf.ones([2, 1]))
    tf.losses.mean_squared_error(a, b, weights=tf.placeholder(tf.float32, [None, 1]))


@family.graph
def reductions(tf: Any) -> None:
    a, b = tf.zeros([4, 3]), tf.ones([4, 3])
    for reduction in tf.losses.Reduction.all():
        tf.losses.absolute_difference(a, b, reduction=reduction)


@family.graph
def cross_entropies(tf: Any) -> None:
    logits = tf.placeholder(tf.float32, [None, 3])
    onehot = tf.placeholder(tf.float32, [None, 3])
    tf.losses.softmax_cross_entropy(onehot, logits)
    tf.losses.softmax_cross_entropy(onehot, logits, label_smoothing=0.1, scope="smooth")
    tf.losses.sigmoid_cross_entropy(onehot, logits)
    tf.losses.sigmoid_cross_entropy(onehot, logits, label_smoothing=0.2)
    tf.losses.sparse_softmax_cross_entropy(tf.placeholder(tf.int32, [None]), logits)
    tf.losses.sparse_softmax_cross_entropy(
        tf.placeholder(tf.int64, [None]), logits, weights=tf.placeholder(tf.float32, [None])
    )


@family.graph
def totals(tf: Any) -> None:
    tf.losses.absolute_difference(tf.zeros([2]), tf.ones([2]))
    tf.losses.add_loss(tf.constant(2.0))
    # A variable's regularizer is built anew by TensorFlow 2.21 each time the collection is asked
    # for, and once by TF1 and by minitf: so the loss is put in by hand.
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(3.0))
    tf.losses.get_regularization_loss()
    tf.losses.get_total_loss()


@family.values
def all_pairs(tf: Any) -> list[Any]:
    rng = np.random.default_rng(3)
    labels = rng.uniform(0, 1, (5, 3)).astype(np.float32)
    predictions = rng.uniform(0.05, 0.95, (5, 3)).astype(np.float32)
    rows = rng.uniform(0, 2, (5, 1)).astype(np.float32)
    results = []
    for name in PAIRS:
        loss = getattr(tf.losses, name)
        p = tf.constant(predictions)
        for each in (1.0, 0.5, rows):
            value = loss(labels, p, weights=each)
            results += [value, tf.gradients(value, p)[0]]
    p = tf.nn.l2_normalize(tf.constant(predictions), 1)
    value = tf.losses.cosine_distance(tf.nn.l2_normalize(labels, 1), p, axis=1)
    return [*results, value, tf.gradients(value, p)[0]]


@family.values
def all_cross_entropies(tf: Any) -> list[Any]:
    rng = np.random.default_rng(4)
    logits = tf.constant(rng.standard_normal((6, 4)).astype(np.float32))
    classes = np.array([0, 3, 1, 1, 2, 0])
    onehot = np.eye(4, dtype=np.float32)[classes]
    rows = np.float32([1, 0, 2, 1, 0.5, 0])
    results = []
    for reduction in tf.losses.Reduction.all():
        for value in (
            tf.losses.softmax_cross_entropy(onehot, logits, rows, 0.1, reduction=reduction),
            tf.losses.sigmoid_cross_entropy(onehot, logits, rows[:, None], reduction=reduction),
            tf.losses.sparse_softmax_cross_entropy(classes, logits, rows, reduction=reduction),
        ):
            results += [value, tf.gradients(value, logits)[0]]
    return results
