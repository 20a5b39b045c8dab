"""`tf.layers`: graphs, and losses of networks in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("layers")


def images(tf: Any, *shape: Any) -> Any:
    return tf.placeholder(tf.float32, list(shape) or [None, 8, 8, 3], name="images")


@family.graph
def dense(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    tf.layers.dense(x, 3)
    tf.layers.dense(x, 3, activation=tf.nn.relu, use_bias=False)
    tf.layers.dense(x, 2, kernel_initializer=tf.zeros_initializer(), name="named")
    tf.layers.dense(tf.placeholder(tf.float32, [None, 5, 4]), 2, activation=tf.tanh)


@family.graph
def dense_shared(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    layer = tf.layers.Dense(4, activation=tf.sigmoid)
    layer(layer(x))
    tf.layers.dense(x, 3, name="same")
    tf.layers.dense(x, 3, name="same", reuse=True)
    with tf.variable_scope("outer"):
        tf.layers.dense(x, 3, name="same")
    with tf.variable_scope("outer", reuse=True):
        tf.layers.dense(x, 3, name="same")


@family.graph
def regularized(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    tf.layers.dense(x, 3, kernel_regularizer=lambda w: 0.5 * tf.reduce_sum(tf.square(w)))


@family.graph
def conv2d(tf: Any) -> None:
    x = images(tf)
    tf.layers.conv2d(x, 4, 3)
    tf.layers.conv2d(x, 4, [3, 5], strides=(2, 1), padding="same", activation=tf.nn.relu)
    tf.layers.conv2d(x, 2, 3, dilation_rate=2, use_bias=False)
    tf.layers.conv2d(images(tf, 2, 3, 8, 8), 2, 3, data_format="channels_first")


@family.graph
def other_convolutions(tf: Any) -> None:
    tf.layers.conv1d(tf.placeholder(tf.float32, [None, 9, 3]), 4, 3, padding="same")
    tf.layers.conv2d_transpose(images(tf), 4, 3, strides=2, padding="same")
    tf.layers.separable_conv2d(images(tf), 4, 3, depth_multiplier=2)


@family.graph
def pools(tf: Any) -> None:
    x = images(tf)
    tf.layers.max_pooling2d(x, 2, 2)
    tf.layers.average_pooling2d(x, [3, 2], [2, 1], padding="same")
    tf.layers.max_pooling1d(tf.placeholder(tf.float32, [None, 9, 3]), 2, 2)
    tf.layers.average_pooling1d(tf.placeholder(tf.float32, [None, 9, 3]), 2, 2)


@family.graph
def flat(tf: Any) -> None:
    tf.layers.flatten(images(tf))
    tf.layers.flatten(tf.placeholder(tf.float32, [None, None, 3]))


@family.graph
def dropouts(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    for training in (False, True, tf.placeholder(tf.bool, [], name="training")):
        tf.layers.dropout(x, 0.25, training=training)
    tf.layers.dropout(x, 0.25, noise_shape=[1, 4], training=True, seed=3)


@family.graph
def batch_norms(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    for training in (False, True, tf.placeholder(tf.bool, [], name="training")):
        tf.layers.batch_normalization(x, training=training)
    tf.layers.batch_normalization(x, training=True, center=False, momentum=0.9, epsilon=1e-5)
    tf.group(*tf.get_collection(tf.GraphKeys.UPDATE_OPS))


@family.graph
def fused_batch_norms(tf: Any) -> None:
    for training in (False, True, tf.placeholder(tf.bool, [], name="training")):
        tf.layers.batch_normalization(images(tf), training=training)
    tf.layers.batch_normalization(images(tf, 2, 3, 8, 8), axis=1, training=True)
    tf.layers.batch_normalization(images(tf), training=True, fused=False)


def train(tf: Any, network: Callable[[Any, Any, Any], Any]) -> list[Any]:
    """Ten steps on fixed numbers, then the loss without training: eleven losses."""
    rng = np.random.default_rng(7)
    data = rng.standard_normal((10, 16, 8, 8, 3)).astype(np.float32)
    classes = rng.integers(0, 5, (10, 16))
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    labels = tf.placeholder(tf.int64, [None])
    training = tf.placeholder(tf.bool, [])
    loss = tf.losses.sparse_softmax_cross_entropy(labels, network(tf, x, training))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
    values = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(10):
            feed = {x: data[i], labels: classes[i], training: True}
            values.append(sess.run([loss, step], feed)[0])
        values.append(sess.run(loss, {x: data[0], labels: classes[0], training: False}))
    return values


@family.values
def dropout_network(tf: Any) -> list[Any]:
    def network(tf: Any, x: Any, training: Any) -> Any:
        h = tf.layers.conv2d(x, 6, 3, padding="same", activation=tf.nn.relu)
        h = tf.layers.max_pooling2d(h, 2, 2)
        h = tf.layers.dense(tf.layers.flatten(h), 12, activation=tf.nn.relu)
        return tf.layers.dense(tf.layers.dropout(h, 0.4, training=training), 5)

    return train(tf, network)


@family.values
def batch_norm_network(tf: Any) -> list[Any]:
    def network(tf: Any, x: Any, training: Any) -> Any:
        h = tf.layers.conv2d(x, 6, 3, strides=2, use_bias=False)
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, momentum=0.8))
        h = tf.layers.average_pooling2d(h, 3, 1)
        h = tf.layers.dense(tf.layers.flatten(h), 12)
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=training, momentum=0.8))
        return tf.layers.dense(h, 5)

    return train(tf, network)


@family.values
def separable_network(tf: Any) -> list[Any]:
    def network(tf: Any, x: Any, training: Any) -> Any:
        h = tf.layers.separable_conv2d(x, 8, 3, padding="same", activation=tf.nn.elu)
        h = tf.layers.conv2d_transpose(h, 4, 3, strides=2, padding="same")
        return tf.layers.dense(tf.reduce_mean(tf.nn.relu(h), [1, 2]), 5)

    return train(tf, network)
