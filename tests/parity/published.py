"""Scripts that were published together with what TensorFlow 1 printed for them.

Each is the published script in the lines on which its numbers depend, and returns what it printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# What one unit in the last place can be: normal numbers come from logarithms and sines, which one C
# library rounds up and another down.
ULP = 2.0**-23


@dataclass(frozen=True)
class Published:
    """A script and what it printed.

    Attributes:
      source: who published it.
      printed: the numbers.
      run: the script, a function of `tf`.
      counts_nodes: whether it has an op without a seed in a graph with one, so that its numbers
        come out under the policy of TensorFlow 1.x only.
      off: how far a number may be off, in parts of itself, besides what printing cut off.
    """

    source: str
    printed: Any
    run: Callable[[Any], Any]
    counts_nodes: bool
    off: float


PUBLISHED: dict[str, Published] = {}


def published(
    source: str, printed: Any, counts_nodes: bool = False, off: float = 0.0
) -> Callable[[Callable[[Any], Any]], None]:
    def register(run: Callable[[Any], Any]) -> None:
        PUBLISHED[run.__name__] = Published(source, printed, run, counts_nodes, off)

    return register


def evaluate(tf: Any, *tensors: Any) -> list[Any]:
    """The tensors one after another, each in a run of its own, in a new session."""
    with tf.Session() as sess:
        return [sess.run(tensor) for tensor in tensors]


# ---- ops with seeds of their own: the same in every TensorFlow

READER = "a reader of the documentation of tf.set_random_seed, who ran its examples"
UNIFORM = "tensorflow#33034; the second run: " + READER
BIGDL = "Intel BigDL, AttentionSpec.scala: an input 'same with tf'"
BOOK = "Zheng Zeyu, Gu Siyu: TensorFlow, Google's Deep Learning Framework in Practice (2017), 3.4"
GERON_SEEDS = "A. Geron, handson-ml, extra_tensorflow_reproducibility.ipynb"
GERON_RNN = "A. Geron, handson-ml, 14_recurrent_neural_networks.ipynb, 'Manual RNN'"
COURSE = "deeplearning.ai, Convolutional Neural Networks, week 1: Convolution model - Application"


@published(UNIFORM, [0.2390374, 0.22267115])
def uniform(tf):
    a = tf.random_uniform([1], seed=1)
    return evaluate(tf, a, a)


@published(
    BIGDL,
    [
        [0.2390374, 0.92039955, 0.05051243, 0.49574447, 0.8355223, 0.02647042, 0.08811307],
        [0.4566604, 0.76883924, 0.7376363, 0.78504944, 0.31202638, 0.15186465, 0.20276117],
        [0.3083856, 0.5401472, 0.45097053, 0.2531916, 0.29826486, 0.9727912, 0.19891858],
        [0.7108258, 0.80928993, 0.8320373, 0.03928626, 0.42656052, 0.37600386, 0.44390714],
        [0.21000767, 0.46763003, 0.6666417, 0.9928988, 0.12868619, 0.8806071, 0.7419156],
        [0.5514581, 0.9784763, 0.80584776, 0.23819816, 0.43904757, 0.20762491, 0.36509156],
        [0.89200187, 0.01050866, 0.8644662, 0.3498454, 0.17683744, 0.538926],
    ],
)
def longer_uniform(tf):
    return evaluate(tf, tf.random_uniform([2, 3, 8], seed=1))


# Six digits were printed.
@published(
    BOOK + ", as others print it",
    [[-0.811318, 1.484599, 0.0653294], [-2.442704, 0.0992484, 0.591224]],
    off=8e-7,
)
def normal(tf):
    return evaluate(tf, tf.random_normal([2, 3], seed=1))


@published(
    BOOK,
    [
        [[-0.81131822, 1.48459876, 0.06532937], [-2.44270396, 0.0992484, 0.59122431]],
        [[-0.81131822], [1.48459876], [0.06532937]],
    ],
    off=ULP,
)
def weights_of_the_book(tf):
    w1 = tf.Variable(tf.random_normal([2, 3], stddev=1, seed=1))
    w2 = tf.Variable(tf.random_normal([3, 1], stddev=1, seed=1))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run([w1, w2])


# Losses with six digits; weights after 5,000 steps of Adam.
@published(
    BOOK,
    [
        [0.0674925, 0.0163385, 0.00907547, 0.00714436, 0.00578471],
        [[-1.9618274, 2.58235407, 1.68203783], [-3.4681716, 1.06982327, 2.11788988]],
        [[-1.8247149], [2.68546653], [1.41819501]],
    ],
    off=1e-6,
)
def training_of_the_book(tf):
    w1 = tf.Variable(tf.random_normal([2, 3], stddev=1, seed=1))
    w2 = tf.Variable(tf.random_normal([3, 1], stddev=1, seed=1))
    x = tf.placeholder(tf.float32, shape=(None, 2), name="x-input")
    labels = tf.placeholder(tf.float32, shape=(None, 1), name="y-input")
    y = tf.matmul(tf.matmul(x, w1), w2)
    loss = -tf.reduce_mean(labels * tf.log(tf.clip_by_value(y, 1e-10, 1.0)))
    train = tf.train.AdamOptimizer(0.001).minimize(loss)
    points = np.random.RandomState(1).rand(128, 2)
    classes = [[int(first + second < 1)] for first, second in points]
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(5000):
            batch = slice(step * 8 % 128, step * 8 % 128 + 8)
            sess.run(train, {x: points[batch], labels: classes[batch]})
            if step % 1000 == 0:
                losses.append(sess.run(loss, {x: points, labels: classes}))
        return losses, *sess.run([w1, w2])


@published(GERON_SEEDS, [0.95227146, 0.95227146, 0.8960779, 0.8960779])
def op_seeds_of_the_notebook(tf):
    a, b = tf.random_uniform([], seed=42), tf.random_uniform([], seed=42)
    return evaluate(tf, a, b, a, b)


@published(GERON_SEEDS, [0.4163028, 0.4163028, 0.033224702, 0.033224702])
def both_seeds_of_the_notebook(tf):
    tf.set_random_seed(42)
    a, b = tf.random_uniform([], seed=42), tf.random_uniform([], seed=42)
    return evaluate(tf, a, b, a, b)


@published(
    COURSE,
    [
        [0.00131723, 0.14176141, -0.04434952, 0.09197326],
        [0.14984085, -0.03514394, -0.06847463, 0.05245192],
        [-0.08566415, 0.17750949, 0.11974221, 0.16773748, -0.0830943, -0.08058],
        [-0.00577033, -0.14643836, 0.24162132, -0.05857408, -0.19055021, 0.1345228],
        [-0.22779644, -0.1601823, -0.16117483, -0.10286498],
    ],
)
def filters_of_the_course(tf):
    tf.set_random_seed(1)
    w1, w2 = filters(tf)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return [weights[1, 1, 1] for weights in sess.run([w1, w2])]


def filters(tf):
    """The two filters of the course; contrib's Xavier initializer is the glorot of tf."""
    return [
        tf.get_variable(name, shape, initializer=tf.glorot_uniform_initializer(seed=0))
        for name, shape in (("W1", [4, 4, 3, 8]), ("W2", [2, 2, 8, 16]))
    ]


# ---- ops without: the graph decides, node by node


@published("tensorflow#9171", [1.05293429, -0.4487586], counts_nodes=True, off=ULP)
def truncated_initializer(tf):
    sess = tf.InteractiveSession()
    sess.run(tf.global_variables_initializer())
    tf.set_random_seed(1)
    a = tf.truncated_normal_initializer(seed=None)([1])
    printed = [a.eval()]
    tf.set_random_seed(1)
    b = tf.truncated_normal_initializer(seed=None)([1])
    printed.append(b.eval())
    sess.close()
    return printed


@published(
    READER,
    [0.77878559, 0.0978868, -0.4487586, -0.82540691] * 2,
    counts_nodes=True,
    off=ULP,
)
def example_of_the_documentation(tf):
    tf.set_random_seed(1)
    a = tf.random_uniform([1])
    b = tf.random_normal([1])
    return evaluate(tf, a, a, b, b) + evaluate(tf, a, a, b, b)


@published(GERON_SEEDS, [0.63789964, 0.8774011] * 2, counts_nodes=True)
def graph_seed_of_the_notebook(tf):
    tf.set_random_seed(42)
    rnd = tf.random_uniform(shape=[])
    return evaluate(tf, rnd, rnd) + evaluate(tf, rnd, rnd)


@published(
    GERON_SEEDS,
    [0.4163028, 0.4163028, 0.96100175, 0.033224702, 0.033224702, 0.17637014] * 2,
    counts_nodes=True,
)
def third_op_of_the_notebook(tf):
    tf.set_random_seed(42)
    rnd1 = tf.random_uniform(shape=[], seed=42)
    rnd2 = tf.random_uniform(shape=[], seed=42)
    rnd3 = tf.random_uniform(shape=[])
    return [evaluate(tf, *[rnd1, rnd2, rnd3] * 2) for _ in range(2)]


@published(
    "tensorflow#1091, without the summary",
    [[0.47769845, -1.17613626, -1.06156325, -0.85632306, -0.62591958]],
    counts_nodes=True,
)
def variable_of_tensorflow_0(tf):
    return variable_after(tf, 0)


@published(
    "tensorflow#1091, with the summary",
    [[1.58872545, 0.94011414, -1.35924089, 1.19359171, 1.48940694]],
    counts_nodes=True,
)
def variable_of_tensorflow_0_after_a_summary(tf):
    return variable_after(tf, 3)  # the summary's tag, its value, and itself


def variable_after(tf, nodes):
    """A variable that is made after so many other nodes, with the initializer it then had."""
    tf.set_random_seed(42)
    for _ in range(nodes):
        tf.constant(1.0)
    y = tf.get_variable("y", [1, 5], initializer=tf.uniform_unit_scaling_initializer())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(y)


@published(
    GERON_RNN,
    [
        [
            [-0.0664006, 0.9625767, 0.68105793, 0.7091854, -0.898216],
            [0.9977755, -0.719789, -0.9965761, 0.9673924, -0.9998972],
            [0.99999774, -0.99898803, -0.9999989, 0.9967762, -0.9999999],
            [1.0, -1.0, -1.0, -0.99818915, 0.9995087],
        ],
        [
            [1.0, -1.0, -1.0, 0.4020025, -0.9999998],
            [-0.12210419, 0.62805265, 0.9671843, -0.9937122, -0.2583937],
            [0.9999983, -0.9999994, -0.9999975, -0.85943305, -0.9999881],
            [0.99928284, -0.99999815, -0.9999058, 0.9857963, -0.92205757],
        ],
    ],
    counts_nodes=True,
    off=1e-6,  # sums, then tanh, on another processor
)
def recurrent_network_by_hand(tf):
    tf.set_random_seed(42)
    x0 = tf.placeholder(tf.float32, [None, 3])
    x1 = tf.placeholder(tf.float32, [None, 3])
    wx = tf.Variable(tf.random_normal(shape=[3, 5], dtype=tf.float32))
    wy = tf.Variable(tf.random_normal(shape=[5, 5], dtype=tf.float32))
    b = tf.Variable(tf.zeros([1, 5], dtype=tf.float32))
    y0 = tf.tanh(tf.matmul(x0, wx) + b)
    y1 = tf.tanh(tf.matmul(y0, wy) + tf.matmul(x1, wx) + b)
    init = tf.global_variables_initializer()
    with tf.Session() as sess:
        init.run()
        feeds = {
            x0: [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 0, 1]],
            x1: [[9, 8, 7], [0, 0, 0], [6, 5, 4], [3, 2, 1]],
        }
        return sess.run([y0, y1], feed_dict=feeds)


def flatten_of_2017(tf, x):
    """Batches of vectors, by the fourteen nodes of `flatten` at the time of the first course."""
    shape = tf.shape(x)
    batch, rest = tf.slice(shape, [0], [1]), tf.slice(shape, [1], [3])
    return tf.reshape(x, tf.concat([batch, tf.expand_dims(tf.reduce_prod(rest), [0])], 0))


def flatten_of_later(tf, x):
    """The same, by the eight nodes that it was made of in later versions."""
    return tf.reshape(x, [tf.shape(x)[0], -1])


def network_of_the_course(tf, flatten):
    """Convolution, pool, convolution, pool, flatten, and a dense layer without a seed."""
    np.random.seed(1)
    x = tf.placeholder(tf.float32, [None, 64, 64, 3])
    labels = tf.placeholder(tf.float32, [None, 6])
    tf.set_random_seed(1)
    hidden = x
    for weights, size in zip(filters(tf), (8, 4), strict=True):
        hidden = tf.nn.relu(tf.nn.conv2d(hidden, weights, [1, 1, 1, 1], "SAME"))
        hidden = tf.nn.max_pool(hidden, [1, size, size, 1], [1, size, size, 1], "SAME")
    flat = flatten(tf, hidden)
    flat.set_shape([None, 64])
    return x, labels, tf.layers.dense(flat, 6)


def outputs_of_the_course(tf, flatten):
    x, _, z3 = network_of_the_course(tf, flatten)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(z3, {x: np.random.randn(2, 64, 64, 3)})


def cost_of_the_course(tf, flatten):
    x, labels, z3 = network_of_the_course(tf, flatten)
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=z3, labels=labels)
    cost = tf.reduce_mean(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        images, targets = np.random.randn(4, 64, 64, 3), np.random.randn(4, 6)
        return sess.run(cost, {x: images, labels: targets})


# Through two convolutions and a dense layer, whose products cancel: 0.02 is left of sums around 5.
@published(
    COURSE + ", 2017",
    [
        [-0.44670227, -1.57208765, -1.53049231, -2.31013036, -1.29104376, 0.46852064],
        [-0.17601591, -1.57972014, -1.4737016, -2.61672091, -1.00810647, 0.5747785],
    ],
    counts_nodes=True,
    off=1e-5,
)
def outputs_of_the_course_2017(tf):
    return outputs_of_the_course(tf, flatten_of_2017)


@published(
    COURSE + ", as later students print it",
    [
        [1.44169843, -0.24909666, 5.45049906, -0.26189619, -0.20669907, 1.36546707],
        [1.40708458, -0.02573211, 5.08928013, -0.48669922, -0.40940708, 1.26248586],
    ],
    counts_nodes=True,
    off=1e-5,
)
def outputs_of_the_course_later(tf):
    return outputs_of_the_course(tf, flatten_of_later)


# Six digits were printed.
@published(COURSE + ", 2017", 2.91034, counts_nodes=True, off=2e-6)
def cost_of_the_course_2017(tf):
    return cost_of_the_course(tf, flatten_of_2017)


@published(COURSE + ", as later students print it", 4.6648693, counts_nodes=True, off=1e-6)
def cost_of_the_course_later(tf):
    return cost_of_the_course(tf, flatten_of_later)
