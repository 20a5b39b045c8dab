"""`tf.nn`: activations, convolutions, pools, cross-entropies, normalization, embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("nn")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    """A placeholder; of unknown rank if its only dim is "?"."""
    return tf.placeholder(dtype, None if shape == ("?",) else list(shape))


def numbers(tf: Any, *shape: int, seed: int = 0, low: float = -2.0) -> Any:
    """A constant of random float32 numbers between `low` and 2."""
    return tf.constant(np.random.default_rng(seed).uniform(low, 2, shape).astype(np.float32))


def with_gradients(tf: Any, y: Any, *xs: Any, orders: int = 2) -> list[Any]:
    """A tensor, and the gradients of the sum of its squares, to some order."""
    results, top = [y], y * y
    for _ in range(orders):
        grads = [tf.convert_to_tensor(g) for g in tf.gradients(top, list(xs)) if g is not None]
        results += grads
        top = tf.add_n([tf.reduce_sum(g * g) for g in grads])
    return results


# ---- activations

ACTIVATIONS = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "sigmoid",
    "tanh",
]


@family.graph
def activations(tf: Any) -> None:
    for name in ACTIVATIONS:
        function = getattr(tf.nn, name)
        function(ph(tf, None, 3))
        function(ph(tf, "?"), name="named")
        function([[-1.0, 2.0]])


@family.graph
def more_activations(tf: Any) -> None:
    tf.nn.leaky_relu(ph(tf, 2, 3), 0.3)
    tf.nn.leaky_relu(ph(tf, 2, 3, dtype="int32"))
    tf.nn.crelu(ph(tf, None, 3))
    tf.nn.crelu(ph(tf, 2, 3), name="both", axis=0)
    tf.nn.crelu([1.0, 2.0])


@family.graph
def softmax_along_axes(tf: Any) -> None:
    for function in (tf.nn.softmax, tf.nn.log_softmax):
        function(ph(tf, None, 3))
        function(ph(tf, "?"))
        function(ph(tf, 4), name="s")
        function(ph(tf, 2, 3, 4), axis=2)
        function(ph(tf, 2, 3, 4), axis=1)
        function(ph(tf, None, 3, None), axis=0, name="first")
        function(ph(tf, 2, None, 4), axis=-2)
        function(ph(tf, 2, 3), dim=0)
        function([[1.0, 2.0]])
    tf.nn.softmax(ph(tf, 2, 3, 4), axis=tf.constant(1))


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, 6.0, 7.0, -1.0, 100.0, -100.0, 1e-30, -3.0]


@family.values
def activations_at_special_numbers(tf: Any) -> Any:
    results = []
    for dtype in (np.float32, np.float64):
        x = tf.constant(np.array(SPECIAL, dtype))
        results += [getattr(tf.nn, name)(x) for name in ACTIVATIONS]
    return results


@family.values
def gradients_of_activations(tf: Any) -> Any:
    results = []
    for name in ACTIVATIONS:
        x = numbers(tf, 3, 4)
        orders = 1 if name == "softsign" else 2  # TensorFlow has no second one there
        results += with_gradients(tf, getattr(tf.nn, name)(x), x, orders=orders)
    x = numbers(tf, 3, 4)
    results += with_gradients(tf, tf.nn.crelu(x), x)
    results += with_gradients(tf, tf.nn.swish(x), x, orders=1)
    return [*results, tf.nn.swish(x, 2.0)]


@family.values
def softmax_of_anything(tf: Any) -> Any:
    strange = tf.constant(
        [[1.0, -np.inf, np.inf], [-np.inf] * 3, [np.nan, 1, 2], [-np.inf, 1, 2], [1e30, 1, -1e30]]
    )
    results = []
    for function in (tf.nn.softmax, tf.nn.log_softmax):
        x = numbers(tf, 2, 3, 4)
        results += [function(strange), function(tf.zeros([3, 0]))]
        results += with_gradients(tf, function(x), x) + with_gradients(tf, function(x, axis=1), x)
    return results


# ---- losses


@family.graph
def softmax_cross_entropies(tf: Any) -> None:
    v1 = tf.nn.softmax_cross_entropy_with_logits
    v2 = tf.nn.softmax_cross_entropy_with_logits_v2
    for loss in (v1, v2):
        loss(labels=ph(tf, None, 3), logits=ph(tf, None, 3))
        loss(labels=ph(tf, 2, 3, 4), logits=ph(tf, 2, 3, 4), name="named")
        loss(labels=ph(tf, 3), logits=ph(tf, 3))
        loss(labels=ph(tf, "?"), logits=ph(tf, "?"))
        loss(labels=ph(tf, 2, 3, 4), logits=ph(tf, 2, 3, 4), dim=1)
        loss(labels=ph(tf, 2, 3, dtype="float16"), logits=ph(tf, 2, 3, dtype="float16"))
        loss(labels=[[0.0, 1.0]], logits=[[1.0, 2.0]])
    v2(ph(tf, 2, 3, dtype="int32"), ph(tf, 2, 3))


@family.graph
def sparse_cross_entropies(tf: Any) -> None:
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits
    loss(labels=ph(tf, None, dtype="int64"), logits=ph(tf, None, 3))
    loss(labels=ph(tf, 2, dtype="int32"), logits=ph(tf, 2, 3), name="named")
    loss(labels=ph(tf, 2, 3, dtype="int64"), logits=ph(tf, 2, 3, 4))
    loss(labels=ph(tf, dtype="int64"), logits=ph(tf, 3))
    loss(labels=ph(tf, 2, dtype="int64"), logits=ph(tf, 2, 3, dtype="float16"))
    loss(labels=ph(tf, "?", dtype="int64"), logits=ph(tf, "?"))
    loss(labels=ph(tf, "?", dtype="int64"), logits=ph(tf, None, 3))
    loss(labels=[1], logits=[[2.0, 3.0]])


@family.graph
def other_losses(tf: Any) -> None:
    for shape in ((None, 3), (2, 3), ("?",)):
        x, y = ph(tf, *shape), ph(tf, *shape)
        tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=y)
        tf.nn.weighted_cross_entropy_with_logits(x, y, 2.0)
        tf.nn.log_poisson_loss(x, y)
        tf.nn.log_poisson_loss(x, y, compute_full_loss=True, name="full")
        tf.nn.l2_loss(x)
    tf.nn.weighted_cross_entropy_with_logits(
        targets=ph(tf, 2, 3), logits=ph(tf, 2, 3), pos_weight=ph(tf, 3), name="w"
    )
    tf.nn.sigmoid_cross_entropy_with_logits(labels=[0.0, 1.0], logits=[1.0, 2.0], name="s")
    tf.nn.l2_loss([1.0, 2.0])


@family.values
def losses_and_their_gradients(tf: Any) -> Any:
    logits = numbers(tf, 3, 4)
    labels = tf.nn.softmax(numbers(tf, 3, 4, seed=1))
    v2 = tf.nn.softmax_cross_entropy_with_logits_v2
    results = with_gradients(tf, v2(labels, logits), logits)
    results += with_gradients(tf, v2(labels, logits), logits, labels, orders=1)
    results += with_gradients(tf, v2(labels, logits, axis=0), logits)
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 3, 1], logits=logits)
    results += with_gradients(tf, sparse, logits)
    sigmoid = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    results += with_gradients(tf, sigmoid, logits)
    weighted = tf.nn.weighted_cross_entropy_with_logits(labels, logits, 3.0)
    results += with_gradients(tf, weighted, logits)
    results += with_gradients(tf, tf.nn.log_poisson_loss(labels * 9, logits, True), logits)
    return results + with_gradients(tf, tf.nn.l2_loss(logits), logits)


@family.values
def losses_of_anything(tf: Any) -> Any:
    strange = tf.constant(
        [
            [1.0, -np.inf, 2],
            [1.0, -np.inf, 2],
            [1, np.nan, 2],
            [1, 2, 3],
            [1, np.inf, 2],
            [9e9, 1, 1],
        ]
    )
    labels = tf.constant([[0.0, 0, 1], [0, 1, 0], [0, 1, 0], [0, np.nan, 0], [0, 1, 0], [0, 1, 0]])
    classes = [2, 1, 1, 0, 1, 1]
    dense = tf.nn.softmax_cross_entropy_with_logits_v2(labels, strange)
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=strange)
    sigmoid = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=strange)
    one_row = tf.nn.softmax_cross_entropy_with_logits_v2([[0.5, 0.5]], [[1.0, 2.0], [3.0, 4.0]])
    return [dense, sparse, sigmoid, one_row, *tf.gradients([dense, sparse], strange)]


# ---- dense layers and biases


@family.graph
def biases_and_dense_layers(tf: Any) -> None:
    tf.nn.bias_add(ph(tf, None, 3), ph(tf, 3))
    tf.nn.bias_add(ph(tf, None, 4, 5, 3), ph(tf, 3), "NHWC")
    tf.nn.bias_add(ph(tf, None, 3, 4, 5), ph(tf, 3), data_format="NCHW")
    tf.nn.bias_add(ph(tf, 2, 3, 4), ph(tf, 3), data_format="NCW", name="b")
    tf.nn.bias_add(ph(tf, "?"), ph(tf, 3))
    tf.nn.bias_add(ph(tf, 2, None), ph(tf, 4))
    tf.nn.bias_add(ph(tf, 2, 3, dtype="int32"), [1, 2, 3])
    tf.nn.bias_add([[1.0, 2.0]], [1.0, 2.0])
    for function in (tf.nn.xw_plus_b, tf.nn.relu_layer):
        function(ph(tf, None, 3), ph(tf, 3, 4), ph(tf, 4))
        function([[1.0, 2.0]], [[1.0], [2.0]], [3.0], name="dense")


@family.values
def gradients_of_biases(tf: Any) -> Any:
    x, b = numbers(tf, 2, 3, 4), numbers(tf, 3)
    results = with_gradients(tf, tf.nn.bias_add(x, b, "NCHW"), x, b)
    x, b = numbers(tf, 2, 3), numbers(tf, 3)
    return results + with_gradients(tf, tf.tanh(tf.nn.bias_add(x, b)), x, b)


# ---- convolutions


@family.graph
def convolutions(tf: Any) -> None:
    conv = tf.nn.conv2d
    conv(ph(tf, None, 8, 9, 2), ph(tf, 3, 3, 2, 4), strides=[1, 1, 1, 1], padding="SAME")
    conv(ph(tf, 2, 8, 9, 2), ph(tf, 3, 2, 2, 4), [1, 2, 3, 1], "VALID", name="c")
    conv(ph(tf, 2, 8, 9, 2), ph(tf, 3, 2, 2, 4), 2, "SAME")
    conv(ph(tf, 2, 8, 9, 2), ph(tf, 3, 2, 2, 4), [2, 1], "SAME", dilations=[1, 2, 3, 1])
    conv(ph(tf, 2, 8, 9, 2), ph(tf, 3, 2, 2, 4), 1, [[0, 0], [1, 2], [3, 1], [0, 0]])
    conv(ph(tf, 2, 8, 9, 2), ph(tf, 3, 2, 2, 4), 1, "VALID", dilations=2)
    conv(ph(tf, None, None, None, 2), ph(tf, 3, 2, 2, 4), [1, 2, 2, 1], "SAME")
    conv(ph(tf, None, None, None, None), ph(tf, None, 2, 2, 4), [1, 2, 2, 1], "VALID")
    conv(ph(tf, "?"), ph(tf, 3, 2, 2, 4), 1, "VALID")
    conv(ph(tf, 2, 8, 9, 2), ph(tf, "?"), 1, "VALID")
    conv(ph(tf, 2, 8, 9, 4), ph(tf, 3, 2, 2, 4), 1, "VALID")
    conv(ph(tf, 2, 2, 8, 9), ph(tf, 3, 3, 2, 4), [1, 1, 2, 1], "SAME", data_format="NCHW")
    conv(ph(tf, 3, 2, 8, 9, 2), filters=ph(tf, 3, 3, 2, 4), strides=[1, 1, 2, 1], padding="SAME")
    conv(ph(tf, 3, None, 8, 9, 2), ph(tf, 3, 3, 2, 4), 1, "SAME", name="flat")
    conv(np.zeros((1, 2, 2, 1), "f"), np.zeros((1, 1, 1, 1), "f"), 1, "SAME")


# To a size that the input does not fit TensorFlow computes something, and minitf refuses.
@family.graph(feeds={"Placeholder_2": [2, 8, 10, 2]})
def transposed_convolutions(tf: Any) -> None:
    conv = tf.nn.conv2d_transpose
    x, f = ph(tf, 2, 4, 5, 3), ph(tf, 3, 3, 2, 3)
    conv(x, f, [2, 8, 10, 2], strides=[1, 2, 2, 1])
    conv(x, f, tf.constant([2, 8, 10, 2]), strides=2, name="t")
    conv(x, f, ph(tf, 4, dtype="int32"), strides=2)
    conv(x, f, [tf.shape(ph(tf, None))[0], 8, 10, 2], strides=[1, 2, 2, 1])
    conv(x, f, [2, 4, 5, 2], strides=1, dilations=2)
    conv(ph(tf, None, 4, 5, 3), f, tf.stack([tf.shape(x)[0], 9, 11, 2]), 2, padding="VALID")
    conv(ph(tf, 2, 3, 4, 5), f, [2, 2, 8, 10], strides=2, data_format="NCHW")
    tf.nn.conv2d_backprop_input([2, 8, 9, 2], f, ph(tf, 2, 8, 9, 3), [1, 1, 1, 1], "SAME")
    tf.nn.conv2d_backprop_filter(x, [3, 3, 3, 4], ph(tf, 2, 4, 5, 4), [1, 1, 1, 1], "SAME")
    tf.nn.conv1d_transpose(ph(tf, 2, 4, 3), ph(tf, 3, 2, 3), [2, 8, 2], 2)


@family.graph
def convolutions_in_one_dim(tf: Any) -> None:
    tf.nn.conv1d(ph(tf, None, 9, 2), ph(tf, 3, 2, 4), stride=2, padding="SAME")
    tf.nn.conv1d(ph(tf, 2, 9, 2), ph(tf, 3, 2, 4), 1, "VALID", dilations=2, name="c")
    tf.nn.conv1d(ph(tf, 2, 2, 9), ph(tf, 3, 2, 4), 2, "SAME", data_format="NCW")
    tf.nn.conv1d(ph(tf, "?"), ph(tf, 3, 2, 4), 1, "VALID")
    tf.nn.convolution(ph(tf, None, 9, 2), ph(tf, 3, 2, 4), "VALID", strides=[2])
    tf.nn.convolution(ph(tf, None, 9, 2), ph(tf, 3, 2, 4), "SAME", dilation_rate=[2])


@family.graph
def dilated_convolutions(tf: Any) -> None:
    x, f = ph(tf, None, 8, 9, 2), ph(tf, 3, 3, 2, 4)
    tf.nn.convolution(x, f, "SAME")
    tf.nn.convolution(x, f, "VALID", [2, 2], name="c")
    tf.nn.convolution(x, f, "VALID", dilation_rate=[2, 2])
    tf.nn.convolution(x, f, "SAME", dilation_rate=[2, 1])
    tf.nn.convolution(ph(tf, 1, None, 9, 2), f, "SAME", dilation_rate=[2, 2])
    tf.nn.convolution(ph(tf, 1, None, 9, 2), f, "VALID", dilation_rate=[2, 2])
    tf.nn.convolution(ph(tf, 1, 2, 8, 9), f, "SAME", dilation_rate=[2, 2], data_format="NCHW")
    tf.nn.atrous_conv2d(x, f, 1, "SAME")
    tf.nn.atrous_conv2d(x, f, 2, "SAME", name="a")


@family.graph
def convolutions_per_channel(tf: Any) -> None:
    x, f, one = ph(tf, None, 8, 9, 2), ph(tf, 3, 3, 2, 2), [1, 1, 1, 1]
    tf.nn.depthwise_conv2d(x, f, one, "SAME")
    tf.nn.depthwise_conv2d(x, f, [1, 2, 2, 1], "VALID", name="d")
    tf.nn.depthwise_conv2d(x, f, one, "SAME", rate=[2, 2])
    tf.nn.depthwise_conv2d(x, f, [1, 2, 2, 1], [[0, 0], [1, 2], [0, 1], [0, 0]])
    tf.nn.depthwise_conv2d(ph(tf, 2, 2, 8, 9), f, one, "VALID", data_format="NCHW")
    tf.nn.depthwise_conv2d_native(x, f, [1, 2, 2, 1], "SAME")
    tf.nn.depthwise_conv2d_native_backprop_filter(x, [3, 3, 2, 2], ph(tf, 2, 8, 9, 4), one, "SAME")
    tf.nn.depthwise_conv2d_native_backprop_input([2, 8, 9, 2], f, ph(tf, 2, 8, 9, 4), one, "SAME")
    tf.nn.separable_conv2d(x, f, ph(tf, 1, 1, 4, 5), one, "SAME")
    tf.nn.separable_conv2d(x, f, ph(tf, 1, 1, 4, 5), one, "VALID", rate=[2, 2], name="s")


@family.values
def convolutions_and_their_gradients(tf: Any) -> Any:
    x, f = numbers(tf, 2, 7, 6, 2), numbers(tf, 3, 2, 2, 4, seed=1)
    explicit = [[0, 0], [1, 2], [0, 1], [0, 0]]
    results = []
    for y in (
        tf.nn.conv2d(x, f, [1, 2, 1, 1], "SAME"),
        tf.nn.conv2d(x, f, [2, 3], "VALID", dilations=[1, 2, 1, 1]),
        tf.nn.conv2d(x, f, 1, explicit),
        tf.nn.atrous_conv2d(x, f, 2, "SAME"),
        tf.nn.depthwise_conv2d(x, f, [1, 1, 1, 1], "SAME"),
        tf.nn.depthwise_conv2d(x, f, [1, 2, 2, 1], "VALID"),
    ):
        results += with_gradients(tf, y / 10, x, f)
    wide = numbers(tf, 2, 7, 6, 4)
    results += with_gradients(tf, tf.nn.conv2d(wide, f, 1, "SAME") / 10, wide, f, orders=1)
    up = tf.nn.conv2d_transpose(wide, f, [2, 14, 12, 2], strides=2)
    results += with_gradients(tf, up / 10, wide, f)
    sequence, line = numbers(tf, 2, 9, 2), numbers(tf, 3, 2, 4)
    return results + with_gradients(tf, tf.nn.conv1d(sequence, line, 2, "SAME"), sequence, line)


# ---- pooling


@family.graph
def pooling(tf: Any) -> None:
    for pool in (tf.nn.max_pool, tf.nn.avg_pool):
        pool(ph(tf, None, 8, 9, 2), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        pool(ph(tf, 2, 8, 9, 2), [1, 3, 2, 1], strides=[1, 1, 2, 1], padding="VALID", name="p")
        pool(ph(tf, "?"), 2, 2, "VALID")
        pool(ph(tf, 2, 2, 8, 9), [1, 1, 2, 2], [1, 1, 2, 2], "VALID", data_format="NCHW")
        pool(ph(tf, None, None, None, 2), [2, 3], [2, 2], "SAME")
        pool(input=ph(tf, 2, 8, 9, 2), ksize=2, strides=1, padding="SAME", value=None)
        pool(np.zeros((1, 2, 2, 1), "f"), 1, 1, "SAME")
    tf.nn.max_pool(ph(tf, 2, 8, 9, 2), 3, 2, [[0, 0], [1, 2], [0, 1], [0, 0]])
    tf.nn.max_pool(ph(tf, 2, 8, 9, 2, dtype="int32"), 3, 2, "SAME")
    for name in ("max_pool2d", "avg_pool2d", "max_pool_v2", "avg_pool_v2"):
        getattr(tf.nn, name)(ph(tf, 2, 8, 9, 2), 2, 1, "SAME")
    for name in ("max_pool1d", "avg_pool1d"):
        getattr(tf.nn, name)(ph(tf, 2, 8, 2), 2, 1, "SAME")
        getattr(tf.nn, name)(ph(tf, 2, 2, 8), [1, 1, 2], 2, "VALID", data_format="NCW", name="p")
    tf.nn.pool(ph(tf, 2, 8, 9, 2), [2, 2], "MAX", "SAME", strides=[2, 2])
    tf.nn.pool(ph(tf, 2, 8, 2), [2], "AVG", "VALID")
    tf.nn.max_pool_with_argmax(ph(tf, 2, 8, 9, 2), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")


@family.values
def pooling_and_its_gradients(tf: Any) -> Any:
    x = numbers(tf, 2, 7, 6, 2)
    explicit = [[0, 0], [1, 2], [0, 1], [0, 0]]
    results = []
    for pool in (tf.nn.max_pool, tf.nn.avg_pool):
        results += with_gradients(tf, pool(x, [1, 3, 2, 1], [1, 2, 1, 1], "SAME"), x)
        results += with_gradients(tf, pool(x, 2, 2, "VALID"), x)
    results += with_gradients(tf, tf.nn.max_pool(x, 3, 2, explicit), x, orders=1)
    ties = tf.constant(np.random.default_rng(3).integers(0, 3, (2, 6, 6, 2)).astype("f"))
    results += with_gradients(tf, tf.nn.max_pool(ties, 2, 1, "SAME"), ties, orders=1)
    results += tf.nn.max_pool_with_argmax(ties, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    nothing = tf.constant(np.full((1, 2, 2, 1), np.nan, np.float32))
    return [*results, tf.nn.max_pool(nothing, 2, 1, "SAME"), tf.nn.avg_pool(nothing, 2, 1, "SAME")]


# ---- normalization


@family.graph
def batch_normalizations(tf: Any) -> None:
    x, v = ph(tf, None, 4), ph(tf, 4)
    for offset in (None, v):
        for scale in (None, v):
            tf.nn.batch_normalization(x, v, v, offset, scale, 0.001)
    tf.nn.batch_normalization(np.ones((1, 4), "f"), v, v, 0.0, 1.0, 0.1, name="b")
    image, c = ph(tf, 2, 3, 4, 5), ph(tf, 5)
    for scaled in (True, False):
        tf.nn.batch_norm_with_global_normalization(image, c, c, c, c, 0.01, scaled)
    fused = tf.nn.fused_batch_norm
    fused(ph(tf, None, 4, 5, 3), ph(tf, 3), ph(tf, 3))
    fused(ph(tf, 2, 3, 4, 5), ph(tf, 3), ph(tf, 3), data_format="NCHW", epsilon=1e-6, name="f")
    fused(image, c, c, c, c, is_training=False)
    fused(image, c, c, c, c, exponential_avg_factor=0.3)
    fused(ph(tf, 2, 3, 4, 5, dtype="float16"), c, c)
    fused(np.zeros((1, 2, 2, 1), "f"), [1.0], [0.0], [0.0], [1.0], is_training=False)


@family.graph
def moments(tf: Any) -> None:
    for shape, axes, keep in (
        ((None, 4), [0], False),
        ((2, 3, 4), [0, 1], True),
        ((2, 3, 4), [1, -1], None),
        (("?",), [0], False),
    ):
        tf.nn.moments(ph(tf, *shape), axes, keep_dims=keep)
        tf.nn.weighted_moments(ph(tf, *shape), axes, 2.0, keep_dims=keep)
        tf.nn.sufficient_statistics(ph(tf, *shape), axes, keep_dims=keep)
        tf.nn.sufficient_statistics(ph(tf, *shape), axes, shift=0.5, keep_dims=keep)
    tf.nn.moments(ph(tf, 2, 4), 0, name="m")
    tf.nn.moments(ph(tf, 2, 4, dtype="float16"), [0])
    tf.nn.moments(ph(tf, 2, 4, dtype="int32"), [0])
    tf.nn.weighted_moments(ph(tf, 2, 3), [0], ph(tf, 2, 3, dtype="int32"), name="w")
    tf.nn.normalize_moments(ph(tf), ph(tf, 3), ph(tf, 3), ph(tf, 3))
    tf.nn.normalize_moments(ph(tf), ph(tf, 3), ph(tf, 3), None, name="n")


@family.graph
def other_normalizations(tf: Any) -> None:
    tf.nn.lrn(ph(tf, None, 8, 9, 7))
    tf.nn.lrn(ph(tf, 2, 2, 2, 7), 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm1")
    tf.nn.local_response_normalization(ph(tf, 2, 2, 2, 7), 2)
    for axis in (0, -1, [0, 1], None):
        tf.nn.l2_normalize(ph(tf, None, 3), axis)
    tf.nn.l2_normalize(ph(tf, 2, 3), dim=1, epsilon=1e-5, name="n")
    tf.nn.l2_normalize([1.0, 2.0], 0)
    tf.nn.zero_fraction(ph(tf, None, 3))
    tf.nn.zero_fraction([0.0, 1.0])


@family.values
def normalizations_and_their_gradients(tf: Any) -> Any:
    x, scale, offset = numbers(tf, 2, 3, 4, 3), numbers(tf, 3, seed=1), numbers(tf, 3, seed=2)
    variance = numbers(tf, 3, seed=3, low=0.5)
    fused = tf.nn.fused_batch_norm
    training = fused(x, scale, offset, epsilon=0.1)
    results = with_gradients(tf, training[0], x, scale, offset) + list(training[1:])
    inference = fused(x, scale, offset, offset, variance, is_training=False)
    results += with_gradients(tf, inference[0], x, scale, offset)
    results += fused(x, scale, offset, offset, variance, exponential_avg_factor=0.25)
    results += fused(x[:1, :1, :1], scale, offset)
    mean, var = tf.nn.moments(x, [0, 1, 2])
    plain = tf.nn.batch_normalization(x, mean, var, offset, scale, 0.1)
    results += with_gradients(tf, plain, x, scale, offset, orders=1)
    results += with_gradients(tf, tf.nn.lrn(x, 1, bias=0.5, alpha=0.3, beta=0.7), x, orders=1)
    results += with_gradients(tf, tf.nn.l2_normalize(x, -1) * scale, x)
    results += tf.nn.weighted_moments(x, [0, 1], variance)
    return [*results, tf.nn.zero_fraction([0.0, 1.0, -0.0, 2.0])]


# ---- selection, dropout, embeddings, sampled losses


@family.graph
def largest(tf: Any) -> None:
    tf.nn.top_k(ph(tf, None, 5), 2)
    tf.nn.top_k(ph(tf, 5))
    tf.nn.top_k(ph(tf, 3, 5), ph(tf, dtype="int32"), sorted=False, name="t")
    tf.nn.top_k(ph(tf, 3, 5, dtype="int32"), 3, index_type=tf.int64)
    tf.nn.top_k(ph(tf, "?"), 3)
    tf.nn.in_top_k(ph(tf, None, 5), ph(tf, None, dtype="int32"), 2)
    tf.nn.in_top_k(ph(tf, 4, 5), ph(tf, None, dtype="int64"), ph(tf, dtype="int64"), name="i")


@family.values
def largest_values(tf: Any) -> Any:
    x = numbers(tf, 2, 3, 5)
    results = with_gradients(tf, tf.nn.top_k(x, 3)[0], x)
    ties = tf.constant([[1.0, 3, 2, 3, 3], [2, 2, 2, 2, 2], [-np.inf, np.inf, 0, 0, 1]])
    results += tf.nn.top_k(ties, 4)
    results += [tf.nn.in_top_k(ties, [1, 4, 0], k) for k in (0, 1, 2, 5)]
    return [*results, tf.nn.in_top_k([[1.0, 2.0]] * 3, [-1, 0, 2], 2)]


@family.graph
def dropouts(tf: Any) -> None:
    tf.set_random_seed(5)
    drop = tf.nn.dropout
    drop(ph(tf, None, 3), 0.5)
    drop(ph(tf, None, 3), ph(tf), seed=3)
    with tf.name_scope("fc"):
        drop(ph(tf, 4, 3), keep_prob=ph(tf))
    drop(ph(tf, 4, 3), rate=0.3, seed=3, name="d")
    drop(ph(tf, 4, 3), rate=ph(tf))
    drop(ph(tf, 4, 3), 1.0, name="nothing")
    drop(ph(tf, 4, 3), 0.5, noise_shape=[None, 1])
    drop(ph(tf, 4, 3), 0.5, noise_shape=ph(tf, 2, dtype="int32"))
    drop(ph(tf, None, 3), 0.5, noise_shape=[tf.shape(ph(tf, None))[0], 1])
    drop(ph(tf, 4, 3, dtype="float64"), ph(tf, dtype="float64"))
    drop(ph(tf, "?"), 0.7)
    drop(np.ones((2, 2), "f"), np.float32(0.25))
    drop(ph(tf, 2), tf.Variable(0.5))


@family.values
def dropped(tf: Any) -> Any:
    tf.set_random_seed(5)
    x = numbers(tf, 4, 6)
    results = with_gradients(tf, tf.nn.dropout(x, 0.7), x, orders=1)
    results += [tf.nn.dropout(x, tf.constant(0.4)), tf.nn.dropout(x, rate=0.3, seed=4)]
    results += [tf.nn.dropout(x, 0.5, noise_shape=[None, 1]), tf.nn.dropout(x, tf.constant(1.0))]
    return [*results, tf.nn.dropout(tf.ones([5], tf.float64), 0.5, seed=1)]


@family.graph
def embeddings(tf: Any) -> None:
    table = tf.Variable(np.ones((3, 2), "f"), name="a")
    ids = ph(tf, None, dtype="int32")
    tf.nn.embedding_lookup(table, ids)
    tf.nn.embedding_lookup(ph(tf, 5, 2), ph(tf, None, 3, dtype="int64"), name="e")
    tf.nn.embedding_lookup([table], ids, max_norm=1.0)
    tf.nn.embedding_lookup(np.ones((5, 2), "f"), [1, 2])
    tf.nn.embedding_lookup(tf.get_variable("w", [5, 2]), ids)
    parts = [table, tf.Variable(np.ones((2, 2), "f"), name="b")]
    tf.nn.embedding_lookup(parts, ids)
    tf.nn.embedding_lookup(parts, ids, partition_strategy="div", name="consecutive")
    tf.nn.embedding_lookup([ph(tf, 3, 2), ph(tf, 2, 2)], ph(tf, 2, 2, dtype="int64"), max_norm=1.5)
    tf.nn.embedding_lookup([ph(tf, None, 2), ph(tf, 2, None)], ids, "div")


@family.values
def looked_up(tf: Any) -> Any:
    whole = numbers(tf, 5, 3)
    mod, div = [whole[0::2], whole[1::2]], [whole[:3], whole[3:]]
    ids = tf.constant([[4, 0, 2], [2, 1, 3]])
    results = with_gradients(tf, tf.nn.embedding_lookup(whole, ids), whole)
    results += with_gradients(tf, tf.nn.embedding_lookup(mod, ids), whole)
    results += with_gradients(tf, tf.nn.embedding_lookup(div, ids, "div"), whole)
    return [*results, tf.nn.embedding_lookup(whole, ids, max_norm=1.0)]


@family.graph
def sampled_losses(tf: Any) -> None:
    tf.set_random_seed(5)
    model = [ph(tf, 10, 4), ph(tf, 10), ph(tf, 3, 1, dtype="int64"), ph(tf, 3, 4), 5, 10]
    tf.nn.nce_loss(*model)
    tf.nn.nce_loss(*model, remove_accidental_hits=True, name="n")
    tf.nn.sampled_softmax_loss(*model)
    tf.nn.sampled_softmax_loss(*model, seed=3, remove_accidental_hits=False)
    model[2:4] = [ph(tf, None, 2, dtype="int32"), ph(tf, None, 4)]
    tf.nn.nce_loss(*model, num_true=2)
    labels = ph(tf, 3, 2, dtype="int64")
    tf.nn.log_uniform_candidate_sampler(labels, 2, 5, False, 10, seed=4, name="l")
    tf.nn.compute_accidental_hits(labels, ph(tf, 5, dtype="int64"), 2)


@family.values
def sampled(tf: Any) -> Any:
    tf.set_random_seed(5)
    w, b, x = numbers(tf, 20, 4), numbers(tf, 20), numbers(tf, 3, 4)
    labels = tf.constant([[3], [0], [7]], tf.int64)
    results = with_gradients(tf, tf.nn.nce_loss(w, b, labels, x, 5, 20), w, b, x, orders=1)
    loss = tf.nn.sampled_softmax_loss(w, b, labels, x, 5, 20)
    results += with_gradients(tf, loss, w, b, x, orders=1)
    for unique in (True, False):
        results += tf.nn.log_uniform_candidate_sampler(labels, 1, 6, unique, 20, seed=4)
    return results


# ---- partitions and sparse values


@family.graph
def partitions(tf: Any) -> None:
    places = ph(tf, None, dtype="int32")
    tf.dynamic_partition(ph(tf, None, 2), places, 2)
    tf.dynamic_partition([1, 2, 3], [0, 1, 0], 3, name="d")
    tf.dynamic_stitch([places, [0, 2]], [ph(tf, None, 2), ph(tf, 2, 2)])
    tf.dynamic_stitch([[1], [0, 2]], [[1.0], [2.0, 3.0]], name="s")
    tf.sparse_to_dense(ph(tf, None, 2, dtype="int32"), [2, 3], ph(tf, None))
    tf.sparse_to_dense([1, 2], ph(tf, 1, dtype="int32"), 1.0, 0.5, False, name="one_hot")
    tf.required_space_to_batch_paddings([5, 6], [2, 3], [[1, 0], [0, 0]])
    tf.required_space_to_batch_paddings(ph(tf, 2, dtype="int32"), [2, 3], name="r")


@family.values
def partitioned(tf: Any) -> Any:
    x, y = numbers(tf, 4, 2), numbers(tf, 3)
    parts = tf.dynamic_partition(x, [1, 0, 2, 1], 3)
    results = with_gradients(tf, tf.concat([parts[0] * 2.0, parts[1] * 3.0], 0), x)
    stitched = tf.dynamic_stitch([[0, 3], [[2], [1]]], [x[:2], x[2:][:, tf.newaxis]])
    results += with_gradients(tf, stitched, x)
    dense = tf.sparse_to_dense([[0, 1], [1, 0], [1, 2]], [2, 3], y, y[0])
    return results + with_gradients(tf, dense, y)
