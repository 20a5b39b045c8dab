"""The work of each case for minitf and for TensorFlow: `tf` is the one or the other.

Kernels are measured inside a graph: several of the same kind in one run, each on arrays of its own
and one after the other, so that no engine can merge them or run them beside each other. Of each
result one number is fetched, so that none can be left out, and hardly any time goes into copies.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from benchmarks import networks
from benchmarks.catalogue import ConvShape, PoolShape
from benchmarks.networks import session
from benchmarks.work import Work, random

COPIES = 4  # kernels of one kind in one run


# ---- models


def cnn_train(tf: Any, batch: int) -> Work:
    return Work(networks.cnn_training(tf, batch))


def inference(tf: Any, batch: int) -> Work:
    with tf.Graph().as_default() as graph:
        net = networks.cnn(tf)
        init = tf.global_variables_initializer()
    sess = session(tf, graph)
    sess.run(init)
    feed = {net.x: networks.digits(batch)[0], net.keep_prob: 1.0}
    return Work(lambda: sess.run(net.logits, feed))


def softmax_train(tf: Any, batch: int) -> Work:
    with tf.Graph().as_default() as graph:
        net = networks.softmax(tf)
        init = tf.global_variables_initializer()
    sess = session(tf, graph)
    sess.run(init)
    images, labels = networks.digits(batch)
    feed = {net.x: images, net.labels: labels}
    return Work(lambda: sess.run(net.train, feed))


# ---- the engine around the kernels


def null_run(tf: Any) -> Work:
    with tf.Graph().as_default() as graph:
        constant = tf.constant(1.0)
    sess = session(tf, graph)
    return Work(lambda: sess.run(constant))


def feed_add(tf: Any) -> Work:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [])
        y = x + 1.0
    sess = session(tf, graph)
    return Work(lambda: sess.run(y, {x: 2.0}))


def callable_add(tf: Any) -> Work:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [])
        y = x + 1.0
    call = session(tf, graph).make_callable(y, [x])
    return Work(lambda: call(2.0))


def build(tf: Any, turns: int) -> Work:
    def call(graph: Any) -> None:
        with graph.as_default():
            z = tf.constant(0.0)
            for _ in range(turns):
                z = z + 1.0

    return Work(call, prepare=lambda: fresh_graph(tf), per=turns)


def gradients(tf: Any, ops: int) -> Work:
    def prepare() -> tuple[Any, Any, Any]:
        graph = fresh_graph(tf)
        with graph.as_default():
            x = tf.placeholder(tf.float32, [10])
            return graph, chained(tf, x, ops), x

    def call(prepared: tuple[Any, Any, Any]) -> None:
        graph, y, x = prepared
        with graph.as_default():
            tf.gradients(y, x)

    return Work(call, prepare)


def first_run(tf: Any, ops: int) -> Work:
    """The run in which an engine makes of a graph what it needs to run it."""

    def prepare() -> tuple[Any, Any, Any]:
        graph = fresh_graph(tf)
        with graph.as_default():
            x = tf.placeholder(tf.float32, [10])
            return session(tf, graph), chained(tf, x, ops), x

    def call(prepared: tuple[Any, Any, Any]) -> None:
        sess, y, x = prepared
        sess.run(y, {x: [0.5] * 10})

    return Work(call, prepare)


def fresh_graph(tf: Any) -> Any:
    gc.collect()  # what earlier graphs left behind is not this one's to clear
    return tf.Graph()


def chained(tf: Any, x: Any, ops: int) -> Any:
    """tanh and mul in turn."""
    factor = tf.constant(1.01)
    for _ in range(ops // 2):
        x = tf.tanh(x) * factor
    return x


# ---- elementwise


def chain(tf: Any, size: int, ops: int) -> Work:
    with tf.Graph().as_default() as graph:
        x = tf.Variable(random(0, size))
        y = chained(tf, x, ops)[0]
        init = tf.global_variables_initializer()
    return one_number(tf, graph, init, y)._replace(per=ops)


def expression(tf: Any, size: int) -> Work:
    with tf.Graph().as_default() as graph:
        a = tf.Variable(random(0, size))
        y = tf.reduce_sum(tf.sigmoid(a * 2.0 + 1.0) * a - tf.square(a))
        init = tf.global_variables_initializer()
    return one_number(tf, graph, init, y)


def one_number(tf: Any, graph: Any, init: Any, fetch: Any) -> Work:
    sess = session(tf, graph)
    sess.run(init)
    return Work(lambda: sess.run(fetch))


# ---- kernels


def convolution(tf: Any, which: str, shape: ConvShape) -> Work:
    s = shape

    def make(seed: int) -> Any:
        x = tf.Variable(random(seed, s.batch, s.height, s.width, s.channels))
        w = tf.Variable(random(seed + 1, s.kernel, s.kernel, s.channels, s.out_channels))
        g = tf.Variable(random(seed + 2, s.batch, s.out_height, s.out_width, s.out_channels))
        y = tf.nn.conv2d(x, w, strides=[1, s.stride, s.stride, 1], padding="SAME")
        return pass_of(tf, which, x, w, y, g)

    return in_turn(tf, make)


def dense(tf: Any, which: str, batch: int) -> Work:
    def make(seed: int) -> Any:
        x, w = tf.Variable(random(seed, batch, 3136)), tf.Variable(random(seed + 1, 3136, 1024))
        g = tf.Variable(random(seed + 2, batch, 1024))
        return pass_of(tf, which, x, w, tf.matmul(x, w), g)

    return in_turn(tf, make)


def pass_of(tf: Any, which: str, x: Any, w: Any, y: Any, g: Any) -> Any:
    if which == "forward":
        return y
    return tf.gradients(y, w if which == "filter" else x, grad_ys=g)[0]


def pool(tf: Any, shape: PoolShape) -> Work:
    return in_turn(tf, lambda seed: pooled(tf, shape, seed)[1])


def pool_both(tf: Any, shape: PoolShape) -> Work:
    def make(seed: int) -> Any:
        x, y = pooled(tf, shape, seed)
        half = shape.size // 2
        g = tf.Variable(random(seed + 1, shape.batch, half, half, shape.channels))
        return corner(y) + corner(tf.gradients(y, x, grad_ys=g)[0])

    return in_turn(tf, make)


def pooled(tf: Any, shape: PoolShape, seed: int) -> tuple[Any, Any]:
    x = tf.Variable(random(seed, shape.batch, shape.size, shape.size, shape.channels))
    function = tf.nn.max_pool if shape.kind == "max" else tf.nn.avg_pool
    return x, function(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")


def in_turn(tf: Any, make: Callable[[int], Any]) -> Work:
    """Runs what `make` makes several times in one run, one after the other."""
    with tf.Graph().as_default() as graph:
        numbers: list[Any] = []
        for copy in range(COPIES):
            with tf.control_dependencies(numbers[-1:]):
                numbers.append(corner(make(10 * copy)))
        init = tf.global_variables_initializer()
        total = tf.add_n(numbers)
    return one_number(tf, graph, init, total)._replace(per=COPIES)


def corner(tensor: Any) -> Any:
    """The first number of a tensor, without its sign: a sum of such cannot come near zero."""
    rank = tensor.shape.ndims
    return abs(tensor[(0,) * rank] if rank else tensor)
