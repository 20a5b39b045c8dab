"""`tf.losses` with all their arguments, and the collections of losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("loss_arguments")


def pair(tf: Any, shape: Any = (4, 3), dtype: str = "float32") -> tuple[Any, Any]:
    """Labels and predictions."""
    return tf.placeholder(dtype, shape, "labels"), tf.placeholder(dtype, shape, "scores")


@family.graph
def functions(tf: Any) -> None:
    pairs = pair(tf)
    tf.losses.absolute_difference(*pairs)
    tf.losses.mean_squared_error(*pairs)
    tf.losses.huber_loss(*pairs, delta=2.0)
    tf.losses.log_loss(*pairs, epsilon=1e-3)
    tf.losses.hinge_loss(*pairs)
    tf.losses.cosine_distance(*pairs, axis=1)
    tf.losses.cosine_distance(*pairs, dim=0)
    tf.losses.mean_pairwise_squared_error(*pairs)
    tf.losses.sigmoid_cross_entropy(*pairs, label_smoothing=0.1)
    tf.losses.softmax_cross_entropy(*pairs, label_smoothing=0.1)
    tf.losses.get_total_loss()


@family.graph
def constants(tf: Any) -> None:
    labels, scores = np.float32([[0, 1], [1, 0]]), [[0.2, 0.7], [0.4, 0.1]]
    tf.losses.absolute_difference(labels, scores)
    tf.losses.log_loss(labels, scores, scope="logs")
    tf.losses.hinge_loss(labels, scores, weights=[[1.0], [2.0]])
    tf.losses.softmax_cross_entropy([[0, 1], [1, 0]], scores)
    tf.losses.sigmoid_cross_entropy([[0, 1], [1, 0]], scores)
    tf.losses.sparse_softmax_cross_entropy([1, 0], scores)
    tf.losses.mean_squared_error([1, 2], tf.constant([0.5, 0.5]))


@family.graph
def batches(tf: Any) -> None:
    pairs = pair(tf, (None, 3))
    tf.losses.mean_squared_error(*pairs, scope="named")
    tf.losses.softmax_cross_entropy(*pairs)
    tf.losses.sigmoid_cross_entropy(*pairs)
    logits = tf.placeholder(tf.float32, [None, 3], name="logits")
    for shape in ([None], [None, 1]):
        labels = tf.placeholder(tf.int64, shape)
        tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    tf.losses.mean_squared_error(
        tf.placeholder(tf.int32, [4]), tf.placeholder(tf.float64, [4]), loss_collection=None
    )
    tf.losses.absolute_difference(*pair(tf, (2, None), "float64"), loss_collection="mine")
    tf.add_n(tf.get_collection("mine"))


@family.graph
def static_weights(tf: Any) -> None:
    pairs = pair(tf)
    weights = (2.0, 0.0, [[1.0], [0.0], [1.0], [2.0]], tf.placeholder(tf.float32, [4, 3]))
    for weight in (*weights, tf.placeholder(tf.float32, [1, 3]), 3, np.ones((4, 1))):
        tf.losses.mean_squared_error(*pairs, weights=weight)
    labels = tf.placeholder(tf.int64, [4])
    logits = tf.placeholder(tf.float32, [4, 3], name="logits")
    tf.losses.sparse_softmax_cross_entropy(labels, logits, weights=[1.0, 0.0, 1.0, 1.0])
    tf.losses.mean_pairwise_squared_error(*pairs, weights=tf.placeholder(tf.float32, [4, 1]))
    tf.losses.mean_pairwise_squared_error(*pairs, weights=0.3)
    tf.losses.softmax_cross_entropy(*pairs, weights=[1.0, 2.0, 0.0, 1.0])
    tf.losses.cosine_distance(*pairs, axis=1, weights=tf.placeholder(tf.float32, [4, 1]))


@family.graph
def weights_known_when_run(tf: Any) -> None:
    tf.losses.mean_squared_error(
        *pair(tf, (None, 3)), weights=tf.placeholder(tf.float32, [None, 1])
    )


@family.graph(feeds={"labels": np.array([1, 0]), "weights": 2.0})
def nothing_known(tf: Any) -> None:
    labels = tf.placeholder(tf.int64, name="labels")
    logits = tf.placeholder(tf.float32, name="logits")
    weights = tf.placeholder(tf.float32, name="weights")
    tf.losses.sparse_softmax_cross_entropy(labels, logits, weights)


@family.graph
def reductions(tf: Any) -> None:
    pairs = pair(tf)
    for name in ("NONE", "SUM", "MEAN", "SUM_OVER_BATCH_SIZE"):
        tf.losses.mean_squared_error(*pairs, reduction=getattr(tf.losses.Reduction, name))
    tf.losses.softmax_cross_entropy(*pairs, reduction="weighted_sum_over_batch_size")
    halves = tf.placeholder(tf.float16, [None])
    tf.losses.compute_weighted_loss(halves, tf.placeholder(tf.bool, []))
    tf.losses.compute_weighted_loss([1, 2, 3], scope="of_integers", reduction="weighted_sum")


@family.graph
def in_a_branch(tf: Any) -> None:
    pairs = pair(tf)
    choose = tf.placeholder(tf.bool, [], name="choose")
    tf.cond(choose, lambda: tf.losses.mean_squared_error(*pairs), lambda: tf.constant(0.0))


@family.graph
def collected(tf: Any) -> None:
    with tf.name_scope("tower"):
        tf.losses.absolute_difference(*pair(tf))
    tf.losses.add_loss(tf.constant(1.0))
    tf.losses.add_loss(tf.constant(2.0), loss_collection=None)
    tf.losses.add_loss(tf.constant(3.0), "others")
    for loss in tf.losses.get_losses():
        tf.identity(loss)
    tf.losses.get_losses(scope="tower")[0].op.node_def  # noqa: B018
    tf.losses.get_total_loss(add_regularization_losses=False, name="without")
    tf.losses.get_total_loss(scope="tower")
    tf.losses.get_regularization_loss(name="none")
    tf.no_op(name=f"penalties_{len(tf.losses.get_regularization_losses())}")
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(0.5))
    tf.add_n(tf.losses.get_regularization_losses())
    tf.losses.get_regularization_loss(name="one")
    tf.losses.get_total_loss()
