"""`tf.layers` with all their arguments: layouts, initializers, regularizers, scopes, sharing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("layer_arguments")


def vectors(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [None, 5], name="x")


def sequences(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [None, 8, 3], name="x")


def channels_last(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")


def channels_first(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [None, 3, 8, 8], name="x")


# ---- dense


@family.graph
def dense(tf: Any) -> None:
    tf.set_random_seed(7)
    x = vectors(tf)
    hidden = tf.layers.dense(x, 4, activation=tf.nn.tanh)
    tf.layers.dense(hidden, 3, use_bias=False, name="out")
    tf.layers.dense(sequences(tf), 4, activation="relu")
    tf.layers.dense(tf.placeholder(tf.float64, [2, 3]), 4, trainable=False)
    tf.layers.dense(np.ones((2, 3), np.float32), 2, kernel_initializer="zeros")
    tf.layers.dense(tf.Variable([[1.0, 2.0]], name="v"), 2.0, activation=lambda t: t * 2)


@family.graph
def dense_initialized(tf: Any) -> None:
    x = vectors(tf)
    kernel = tf.truncated_normal_initializer(stddev=0.1)
    bias = tf.constant_initializer(0.1)
    tf.layers.dense(x, 4, kernel_initializer=kernel, bias_initializer=bias)
    with tf.variable_scope("net", initializer=tf.ones_initializer()):
        tf.layers.dense(x, 4)
    with tf.variable_scope("doubles", dtype=tf.float64):
        tf.layers.dense(tf.placeholder(tf.float64, [2, 3]), 4)


@family.graph
def dense_regularized(tf: Any) -> None:
    x = vectors(tf)
    regularizers = {
        "kernel_regularizer": lambda w: 0.1 * tf.nn.l2_loss(w),
        "bias_regularizer": lambda b: tf.reduce_sum(b),
        "activity_regularizer": lambda y: tf.reduce_mean(y),
    }
    with tf.name_scope("ns"):
        tf.layers.dense(x, 4, name="d", **regularizers)
    tf.layers.dense(x, 4, name="d", reuse=True, **regularizers)
    tf.losses.get_regularization_loss()
    with tf.variable_scope("net", regularizer=lambda w: tf.nn.l2_loss(w)):
        tf.layers.dense(x, 4)


# ---- scopes and sharing


@family.graph
def scopes(tf: Any) -> None:
    x = vectors(tf)
    with tf.variable_scope("net"):
        tf.layers.dense(x, 4, name="fc")
    with tf.variable_scope("net", reuse=True):
        tf.layers.dense(x, 4, name="fc")
    with tf.variable_scope("auto", reuse=tf.AUTO_REUSE):
        for _ in range(2):
            tf.layers.dense(x, 4, name="fc")
            tf.layers.dense(x, 4)
    with tf.name_scope("ns"):
        tf.layers.dense(x, 4)
        tf.layers.dense(x, 4)
    tf.layers.dense(x, 4, name="a/b")
    with tf.variable_scope("v") as scope:
        tf.layers.dense(x, 4, name="q")
        scope.reuse_variables()
        tf.layers.dense(x, 4, name="q")


@family.graph
def a_network_twice(tf: Any) -> None:
    def network(x: Any, reuse: Any) -> Any:
        with tf.variable_scope("generator", reuse=reuse):
            hidden = tf.layers.dense(x, 3, tf.nn.relu)
            hidden = tf.layers.batch_normalization(hidden, training=True)
            return tf.layers.dropout(tf.layers.dense(hidden, 2), training=True)

    network(vectors(tf), False)
    network(vectors(tf), True)


@family.graph
def objects(tf: Any) -> None:
    x = vectors(tf)
    with tf.variable_scope("a"):
        layer = tf.layers.Dense(4, name="fc")
    with tf.variable_scope("b"):
        layer(x)
    with tf.variable_scope("c"):
        layer.apply(x)
    tf.layers.Dense(4, name="fc")(x)
    tf.layers.Dense(4, name="fc")(x)
    tf.layers.dense(x, 4)
    tf.layers.Dense(4)(x)
    built = tf.layers.Dense(4)
    built.build((None, 5))
    built(x)


@family.graph
def a_layer_of_ones_own(tf: Any) -> None:
    class MyLSTMLayer(tf.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight("w", [int(input_shape[-1]), 2])
            zeros = tf.zeros_initializer()
            self.v = self.add_variable("v", shape=[2], initializer=zeros, trainable=False)
            self.built = True

        def call(self, inputs: Any, scale: float = 1.0) -> Any:
            return tf.matmul(inputs, self.w) * scale + self.v

    layer = MyLSTMLayer()
    layer(vectors(tf), scale=2.0)
    layer(vectors(tf))


@family.graph
def around_layers(tf: Any) -> None:
    x = vectors(tf)
    with tf.control_dependencies([tf.no_op(name="wait")]):
        tf.layers.dense(x, 4)
    choose = tf.placeholder(tf.bool, [], name="choose")
    tf.cond(choose, lambda: tf.layers.dense(x, 4, name="fc"), lambda: tf.zeros_like(x)[:, :4])


@family.graph(run=False)  # the device is not there
def on_a_device(tf: Any) -> None:
    with tf.device("/job:ps/task:0"):
        tf.layers.dense(vectors(tf), 4)


# ---- convolutions


@family.graph
def conv2d(tf: Any) -> None:
    x = channels_last(tf)
    tf.layers.conv2d(x, 4, 3)
    tf.layers.conv2d(x, 4, [3, 2], strides=(2, 1), padding="same", activation=tf.nn.relu)
    tf.layers.conv2d(x, 4, 3, padding="SAME", use_bias=False, name="named")
    tf.layers.conv2d(tf.placeholder(tf.float64, [1, 5, 5, 2]), 4, 3)
    tf.layers.conv2d(channels_first(tf), 4, 3, data_format="channels_first")
    tf.layers.conv2d(x, 2, 3, kernel_regularizer=tf.nn.l2_loss, activity_regularizer=tf.nn.l2_loss)


@family.graph
def conv2d_dilated(tf: Any) -> None:
    tf.layers.conv2d(channels_last(tf), 4, 3, dilation_rate=2)
    tf.layers.conv2d(channels_last(tf), 4, 3, dilation_rate=(2, 1), padding="same")
    options = {"padding": "same", "data_format": "channels_first", "dilation_rate": 2}
    tf.layers.conv2d(channels_first(tf), 4, 3, **options)


@family.graph
def conv1d(tf: Any) -> None:
    x = sequences(tf)
    tf.layers.conv1d(x, 4, 3)
    tf.layers.conv1d(x, 4, 3, strides=2, padding="same", activation=tf.nn.relu)
    tf.layers.conv1d(x, 4, 3, dilation_rate=2)
    first = tf.placeholder(tf.float32, [None, 3, 8])
    tf.layers.conv1d(first, 4, 3, data_format="channels_first")


@family.graph
def conv2d_transpose(tf: Any) -> None:
    x = channels_last(tf)
    tf.layers.conv2d_transpose(x, 4, 3)
    tf.layers.conv2d_transpose(x, 4, 3, strides=2, padding="same", activation=tf.nn.relu)
    tf.layers.conv2d_transpose(x, 4, (3, 4), strides=(2, 3), use_bias=False)
    tf.layers.conv2d_transpose(tf.placeholder(tf.float32, [2, 4, 4, 3]), 4, 3, strides=2)
    open_sizes = tf.placeholder(tf.float32, [None, None, None, 3])
    tf.layers.conv2d_transpose(open_sizes, 4, 3, strides=2, padding="same")
    tf.layers.conv2d_transpose(open_sizes, 4, 3, strides=2)


@family.graph
def separable_conv(tf: Any) -> None:
    x = channels_last(tf)
    tf.layers.separable_conv2d(x, 4, 3)
    options = {"strides": 2, "padding": "same", "depth_multiplier": 2, "activation": tf.nn.relu}
    tf.layers.separable_conv2d(x, 4, 3, **options)
    tf.layers.separable_conv2d(x, 4, 3, use_bias=False, dilation_rate=2)
    tf.layers.separable_conv2d(channels_first(tf), 4, 3, data_format="channels_first")
    tf.layers.separable_conv1d(sequences(tf), 4, 3, strides=2, activation=tf.nn.relu)
    tf.layers.separable_conv1d(sequences(tf), 4, 3, dilation_rate=2)


# ---- the others


@family.graph
def pooling(tf: Any) -> None:
    for name in ("max_pooling2d", "average_pooling2d"):
        pool = getattr(tf.layers, name)
        pool(pool(channels_last(tf), 2, 2), [3, 2], (1, 2), padding="same")
        pool(channels_first(tf), 2, 2, data_format="channels_first")
    for name in ("max_pooling1d", "average_pooling1d"):
        pool = getattr(tf.layers, name)
        pool(sequences(tf), 2, 2)
        pool(sequences(tf), 2, 1, padding="same", data_format="channels_first")


@family.graph
def flatten(tf: Any) -> None:
    for shape in (
        [None, 8, 8, 3],
        [2, 3, 4],
        [None, None, 4],
        [3, None, 4],
        [3],
        None,
        [None, 0, 3],
    ):
        tf.layers.flatten(tf.placeholder(tf.float32, shape))
    tf.layers.flatten(channels_first(tf), data_format="channels_first", name="named")


@family.graph(feeds={"training": True})
def dropout(tf: Any) -> None:
    tf.set_random_seed(7)
    x = vectors(tf)
    training = tf.placeholder(tf.bool, name="training")
    first = tf.layers.dropout(x, rate=0.4, training=training)
    tf.layers.dropout(first, training=training, seed=5, name="drop")
    tf.layers.dropout(x, 0.4)
    tf.layers.dropout(x, 0.4, training=True)
    tf.layers.dropout(x, 0.4, training=1)
    tf.layers.dropout(x, 0.0, training=training)
    tf.layers.dropout(x, 0.4, noise_shape=[None, 1], training=tf.constant(True))
    tf.layers.dropout(x, tf.placeholder(tf.float32, [], name="rate"), training=True)


@family.graph(feeds={"training": True})
def batch_normalization(tf: Any) -> None:
    x = vectors(tf)
    tf.layers.batch_normalization(x)
    tf.layers.batch_normalization(x, training=True, momentum=0.9, epsilon=1e-5, name="bn")
    tf.layers.batch_normalization(x, training=tf.placeholder(tf.bool, name="training"))
    tf.layers.batch_normalization(sequences(tf), axis=1, training=True, center=False)
    tf.layers.batch_normalization(sequences(tf), axis=[1, 2], training=True)
    tf.layers.batch_normalization(tf.placeholder(tf.float64, [4, 3]), training=True, scale=False)
    tf.layers.batch_normalization(channels_last(tf), axis=2, training=True, fused=True)


@family.graph(feeds={"training": True})
def batch_normalization_fused(tf: Any) -> None:
    x = channels_last(tf)
    tf.layers.batch_normalization(x)
    tf.layers.batch_normalization(x, training=True, name="bn")
    tf.layers.batch_normalization(x, training=True, name="bn", reuse=True)
    tf.layers.batch_normalization(x, training=tf.placeholder(tf.bool, name="training"))
    tf.layers.batch_normalization(channels_first(tf), axis=1, training=True)
    tf.layers.batch_normalization(x, training=True, center=False, scale=False, trainable=False)
    tf.layers.batch_normalization(tf.placeholder(tf.float16, [4, 3, 3, 2]), training=True)
    regularizers = {"gamma_regularizer": tf.nn.l2_loss, "beta_regularizer": tf.nn.l2_loss}
    tf.layers.batch_normalization(x, training=tf.constant(True), **regularizers)
    layer = tf.layers.BatchNormalization()
    layer(x, training=True)
    layer(x, training=True)


def every_layer(tf: Any) -> list[tuple[Any, Any]]:
    """A layer of each class, and what it is called with."""
    images, rows = channels_last(tf), sequences(tf)
    return [
        (tf.layers.Dense(3), vectors(tf)),
        (tf.layers.Dropout(0.3), vectors(tf)),
        (tf.layers.Flatten(), images),
        (tf.layers.BatchNormalization(name="norm"), images),
        (tf.layers.Conv1D(2, 3), rows),
        (tf.layers.Conv2D(2, [3, 3], padding="same"), images),
        (tf.layers.Conv2DTranspose(2, 3, 2), images),
        (tf.layers.SeparableConv1D(2, 3), rows),
        (tf.layers.SeparableConv2D(2, 3), images),
        (tf.layers.MaxPooling1D(2, 2), rows),
        (tf.layers.MaxPooling2D(2, 2), images),
        (tf.layers.AveragePooling1D(2, 2), rows),
        (tf.layers.AveragePooling2D(2, 2), images),
    ]


@family.graph
def classes(tf: Any) -> None:
    """Each layer's object used twice, and what it says of its variables and shapes."""
    for layer, inputs in every_layer(tf):
        first, second = layer(inputs), layer.apply(inputs)
        tf.add(first, second, name=f"sum_{layer.name}")
        for variable in layer.trainable_variables + layer.non_trainable_variables:
            tf.no_op(name=f"of_{layer.name}_{variable.op.name}")
        if layer.weights and layer.losses:
            tf.add_n(layer.losses)


@family.graph
def input_specs(tf: Any) -> None:
    class Last(tf.layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.input_spec = tf.layers.InputSpec(ndim=2, axes={-1: 5}, dtype="float32")

        def call(self, inputs: Any) -> Any:
            return inputs[:, -1]

    Last(name="last")(vectors(tf))
    Last()(tf.placeholder(tf.float32, [None, 5]))


@family.graph
def losses_of_layers(tf: Any) -> None:
    class Penalized(tf.layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(tf.reduce_mean(inputs), inputs=True)
            self.add_update(tf.no_op(name="update"))
            return inputs * 2.0

    layer = Penalized()
    layer(vectors(tf))
    tf.add_n(layer.losses, name="losses")
    tf.group(*tf.get_collection(tf.GraphKeys.UPDATE_OPS), name="updates")


@family.graph
def initialized_by_name(tf: Any) -> None:
    x = vectors(tf)
    for name in ("zeros", "ones", "glorot_uniform", "he_normal", "lecun_uniform"):
        tf.layers.dense(x, 3, kernel_initializer=name)
    for make in (
        tf.initializers.he_normal(seed=3),
        tf.initializers.he_uniform(),
        tf.initializers.lecun_normal(),
        tf.initializers.lecun_uniform(seed=2),
        tf.initializers.identity(gain=0.5),
        tf.initializers.orthogonal(),
        tf.initializers.variance_scaling(2.0, "fan_avg", "uniform"),
    ):
        tf.layers.dense(x, 3, kernel_initializer=make, bias_initializer="ones")


@family.graph
def constrained(tf: Any) -> None:
    options = {"kernel_constraint": lambda w: tf.clip_by_norm(w, 1.0)}
    y = tf.layers.dense(vectors(tf), 3, bias_constraint=tf.nn.relu, **options)
    y = tf.layers.conv2d(tf.reshape(y, [-1, 1, 1, 3]), 2, 1, **options)
    y = tf.layers.batch_normalization(y, beta_constraint=tf.nn.relu, gamma_constraint=tf.nn.relu)
    tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
