"""The models: the tutorial's network and softmax regression, for the two kinds of engine.

image 28x28x1 -> conv 5x5x32, relu, pool 2x2 -> conv 5x5x64, relu, pool 2x2
              -> dense 1024, relu, dropout -> dense 10, softmax cross-entropy, Adam
"""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace
from typing import Any

THREADS = int(os.environ.get("BENCHMARK_THREADS", "0"))  # 0 for as many as there are cores

LEARNING_RATE = 1e-4
KEEP_PROB = 0.5


def digits(batch: int) -> tuple[Any, Any]:
    """Random images and one-hot labels, of MNIST's shapes."""
    import numpy as np

    rng = np.random.default_rng(0)
    images = rng.random((batch, 784), np.float32)
    return images, np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)]


# ---- minitf and TensorFlow: one program


def load(engine: str) -> Any:
    """The engine's module, set as its users set it: `tf`, or `torch`."""
    if engine == "minitf":
        tf: Any = importlib.import_module("minitf")
        if THREADS:
            importlib.import_module("minitf.kernels.parallel").set_num_threads(THREADS)
        return tf
    if engine == "tensorflow":
        tf = importlib.import_module("tensorflow.compat.v1")
        tf.disable_v2_behavior()
        tf.disable_resource_variables()
        return tf
    torch: Any = importlib.import_module("torch")
    if THREADS:
        torch.set_num_threads(THREADS)
    return torch


def session(tf: Any, graph: Any = None) -> Any:
    """A session on all cores, or on as many as the measurement asks for."""
    config = tf.ConfigProto(intra_op_parallelism_threads=THREADS)
    return tf.Session(graph=graph, config=config)


def cnn(tf: Any, has_branches: bool = False) -> SimpleNamespace:
    """Builds the tutorial's network into the default graph; returns what one feeds and runs.

    With branches there is dropout only where a placeholder says that this is training.
    """

    def weight(*shape: int) -> Any:
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias(size: int) -> Any:
        return tf.Variable(tf.constant(0.1, shape=[size]))

    def layer(x: Any, channels: int, out_channels: int) -> Any:
        w, b = weight(5, 5, channels, out_channels), bias(out_channels)
        h = tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME") + b)
        return tf.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")

    x = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.float32, [None, 10])
    keep_prob = tf.placeholder(tf.float32)
    h = layer(layer(tf.reshape(x, [-1, 28, 28, 1]), 1, 32), 32, 64)
    flat = tf.reshape(h, [-1, 7 * 7 * 64])
    h = tf.nn.relu(tf.matmul(flat, weight(7 * 7 * 64, 1024)) + bias(1024))
    if has_branches:
        training = tf.placeholder_with_default(True, [])
        dropped = tf.cond(training, lambda: tf.nn.dropout(h, keep_prob), lambda: h)
    else:
        dropped = tf.nn.dropout(h, keep_prob)
    logits = tf.matmul(dropped, weight(1024, 10)) + bias(10)
    losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    train = tf.train.AdamOptimizer(LEARNING_RATE).minimize(tf.reduce_mean(losses))
    return SimpleNamespace(x=x, labels=labels, keep_prob=keep_prob, logits=logits, train=train)


def softmax(tf: Any) -> SimpleNamespace:
    """Builds softmax regression into the default graph."""
    x = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.float32, [None, 10])
    logits = tf.matmul(x, tf.Variable(tf.zeros([784, 10]))) + tf.Variable(tf.zeros([10]))
    losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    train = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_mean(losses))
    return SimpleNamespace(x=x, labels=labels, logits=logits, train=train)


def cnn_training(tf: Any, batch: int) -> Any:
    """A function that does one training step of the network, variables initialised."""
    with tf.Graph().as_default() as graph:
        net = cnn(tf)
        init = tf.global_variables_initializer()
    sess = session(tf, graph)
    sess.run(init)
    images, labels = digits(batch)
    feed = {net.x: images, net.labels: labels, net.keep_prob: KEEP_PROB}
    return lambda: sess.run(net.train, feed)


# ---- PyTorch


def torch_cnn(torch: Any) -> Any:
    """The same network as a module; its images are [batch, 1, 28, 28]."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Dropout(1 - KEEP_PROB),
        nn.Linear(1024, 10),
    )  # fmt: skip


def torch_training(torch: Any, batch: int, layout: Any = None) -> Any:
    """A function that does one training step from numpy arrays; `layout` is a memory format."""
    layout = layout or torch.contiguous_format
    net = torch_cnn(torch).to(memory_format=layout)
    adam = torch.optim.Adam(net.parameters(), LEARNING_RATE, fused=True)
    images, labels = digits(batch)

    def step() -> None:
        x = torch.from_numpy(images).view(-1, 1, 28, 28).to(memory_format=layout)
        adam.zero_grad()
        torch.nn.functional.cross_entropy(net(x), torch.from_numpy(labels)).backward()
        adam.step()

    return step
