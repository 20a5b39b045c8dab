"""Whole models as scripts build them, from placeholders to the train op, and scopes around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.parity.builders.trajectories import OPTIMIZERS
from tests.parity.harness import Family

family = Family("models")


# ---- the tutorial's models


@family.graph
def softmax_regression(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 784])
    w = tf.Variable(tf.zeros([784, 10]))
    b = tf.Variable(tf.zeros([10]))
    y = tf.nn.softmax(tf.matmul(x, w) + b)
    y_ = tf.placeholder(tf.float32, [None, 10])
    cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
    tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
    correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    tf.initialize_all_variables()


@family.graph
def softmax_regression_with_logits(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    w = tf.Variable(tf.random_normal([784, 10], stddev=0.01), name="weights")
    b = tf.Variable(tf.constant(0.1, shape=[10]), name="bias")
    logits = tf.nn.xw_plus_b(x, w, b, name="logits")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    loss = tf.reduce_mean(losses, name="xent") + 0.01 * tf.nn.l2_loss(w)
    step = tf.Variable(0, name="global_step", trainable=False)
    rate = tf.train.exponential_decay(0.5, step, 100, 0.96, staircase=True)
    tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)
    correct = tf.nn.in_top_k(logits, labels, 1)
    tf.reduce_sum(tf.cast(correct, tf.int32))
    tf.global_variables_initializer()


def by_hand(tf: Any, cross_entropy: Callable[..., Any], scope: Callable[[str], Any]) -> None:
    """The tutorial's CNN of variables, convolutions and products.

    Args:
      tf: the engine.
      cross_entropy: of labels and logits.
      scope: what each layer stands in.
    """

    def weights(*shape: int) -> Any:
        return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

    def bias(size: int) -> Any:
        return tf.Variable(tf.constant(0.1, shape=[size]))

    def convolved(x: Any, *shape: int) -> Any:
        h = tf.nn.conv2d(x, weights(*shape), strides=[1, 1, 1, 1], padding="SAME")
        h = tf.nn.relu(h + bias(shape[-1]))
        return tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y_")
    image = tf.reshape(x, [-1, 28, 28, 1])
    with scope("conv1"):
        h = convolved(image, 5, 5, 1, 32)
    with scope("conv2"):
        h = convolved(h, 5, 5, 32, 64)
    with scope("fc1"):
        flat = tf.reshape(h, [-1, 7 * 7 * 64])
        h = tf.nn.relu(tf.matmul(flat, weights(7 * 7 * 64, 1024)) + bias(1024))
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    dropped = tf.nn.dropout(h, keep_prob)
    with scope("fc2"):
        y = tf.matmul(dropped, weights(1024, 10)) + bias(10)
    loss = tf.reduce_mean(cross_entropy(labels=y_, logits=y))
    tf.train.AdamOptimizer(1e-4).minimize(loss)
    correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")
    tf.global_variables_initializer()


# The loss is a sum over products of 3136 numbers that engines add in different orders.
_DEEP = {"float32": 3e-5}


@family.graph(feeds={"keep_prob": 0.5}, rtol=_DEEP)
def cnn_by_hand(tf: Any) -> None:
    by_hand(tf, tf.nn.softmax_cross_entropy_with_logits, tf.name_scope)


@family.graph(feeds={"keep_prob": 1.0}, rtol=_DEEP)
def cnn_by_hand_in_variable_scopes(tf: Any) -> None:
    by_hand(tf, tf.nn.softmax_cross_entropy_with_logits_v2, tf.variable_scope)


@family.graph(feeds={"training": True}, rtol=_DEEP)
def cnn_by_layers(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    training = tf.placeholder(tf.bool, name="training")
    image = tf.reshape(x, [-1, 28, 28, 1])
    h = tf.layers.conv2d(image, 32, 5, padding="same", activation=tf.nn.relu)
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.conv2d(h, 64, 5, padding="same", activation=tf.nn.relu, name="second")
    h = tf.layers.max_pooling2d(h, pool_size=[2, 2], strides=2)
    h = tf.layers.dense(tf.reshape(h, [-1, 7 * 7 * 64]), 1024, activation=tf.nn.relu)
    h = tf.layers.dropout(h, rate=0.4, training=training)
    logits = tf.layers.dense(h, 10)
    classes = tf.argmax(logits, axis=1)
    tf.nn.softmax(logits, name="softmax_tensor")
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    step = tf.train.get_or_create_global_step()
    tf.train.GradientDescentOptimizer(0.001).minimize(loss, global_step=step)
    tf.metrics.accuracy(labels=labels, predictions=classes)


@family.graph(feeds={"training": True})
def cnn_by_layers_with_batch_norm(tf: Any) -> None:
    images = tf.placeholder(tf.float32, [None, 12, 12, 3], name="images")
    labels = tf.placeholder(tf.float32, [None, 5], name="labels")
    training = tf.placeholder_with_default(False, [], name="training")
    h = images
    for i, filters in enumerate((4, 8)):
        with tf.variable_scope(f"block{i}"):
            h = tf.layers.conv2d(h, filters, 3, padding="same", use_bias=False)
            h = tf.layers.batch_normalization(h, training=training, momentum=0.9)
            h = tf.layers.average_pooling2d(tf.nn.relu(h), 2, 2)
    h = tf.layers.flatten(h)
    h = tf.layers.batch_normalization(tf.layers.dense(h, 6), training=training)
    logits = tf.layers.dense(tf.nn.elu(h), 5, name="logits")
    loss = tf.losses.softmax_cross_entropy(labels, logits, label_smoothing=0.1)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer().minimize(loss, tf.train.create_global_step())
    tf.metrics.mean(loss)
    tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())


# ---- regression with each optimizer


def fitted(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def build(tf: Any) -> None:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        y = tf.placeholder(tf.float32, [None, 1], name="y")
        w = tf.get_variable("w", [2, 1])
        b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
        step = tf.train.get_or_create_global_step()
        loss = tf.losses.mean_squared_error(y, tf.matmul(x, w) + b)
        optimizer = make(tf)
        optimizer.minimize(loss, global_step=step)
        optimizer.minimize(loss, var_list=[w], name="of_w")
        tf.global_variables_initializer()

    return build


for _name, _make in OPTIMIZERS.items():
    family.add(f"regression_by_{_name}", "graph", fitted(_make))


@family.graph
def clipped_gradients(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w, v = tf.Variable(tf.ones([3, 2]), name="w"), tf.Variable(tf.ones([2]), name="v")
    unused = tf.Variable(1.0, name="unused")
    loss = tf.reduce_sum(tf.square(tf.matmul(x, w) * v - 1.0))
    optimizer = tf.train.AdamOptimizer(0.01)
    pairs = optimizer.compute_gradients(loss, [w, v, unused])
    clipped = [(tf.clip_by_value(g, -1.0, 1.0), var) for g, var in pairs if g is not None]
    optimizer.apply_gradients(clipped)
    variables = tf.trainable_variables()[:2]
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    other = tf.train.GradientDescentOptimizer(0.1)
    other.apply_gradients(zip(gradients, variables), name="by_norm")


@family.graph
def schedules(tf: Any) -> None:
    step = tf.train.get_or_create_global_step()
    v = tf.Variable([1.0, 2.0])
    loss = tf.reduce_sum(v * v)
    for rate in (
        tf.train.exponential_decay(0.1, step, 1000, 0.9),
        tf.train.polynomial_decay(0.1, step, 100, 0.001),
        tf.train.inverse_time_decay(0.1, step, 10, 0.5),
        tf.train.cosine_decay(0.1, step, 1000),
    ):
        tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step=step)


@family.graph
def averaged_weights(tf: Any) -> None:
    step = tf.train.get_or_create_global_step()
    with tf.variable_scope("net"):
        w = tf.get_variable("w", [3, 2])
        tf.get_variable("b", [2], initializer=tf.constant_initializer(0.5))
    loss = tf.reduce_mean(tf.square(w))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, step)
    average = tf.train.ExponentialMovingAverage(0.99, step)
    with tf.control_dependencies([train]):
        tf.group(average.apply(tf.trainable_variables()), name="train")
    tf.identity(average.average(w), name="shadow")
    tf.no_op(name=average.average_name(w).replace("/", "_"))
    average.variables_to_restore()
    tf.moving_average_variables()


@family.graph(run=False)  # the devices are not there
def distributed_training(tf: Any) -> None:
    with tf.device("/job:ps/task:0/cpu:0"):
        w = tf.get_variable("w", [4, 2])
        b = tf.get_variable("b", [2], initializer=tf.zeros_initializer())
    with tf.device("/job:worker/task:1"):
        x = tf.placeholder(tf.float32, [None, 4])
        with tf.device("/gpu:0"):
            y = tf.matmul(x, w) + b
        with tf.device(None), tf.colocate_with(b):
            tf.reduce_sum(b)
        loss = tf.reduce_mean(y)
    tf.train.AdamOptimizer().minimize(loss)


# ---- other models


@family.graph
def autoencoder(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 16], name="x")
    noisy = x + 0.1 * tf.random_normal(tf.shape(x))
    with tf.variable_scope("encoder"):
        code = tf.layers.dense(noisy, 4, tf.nn.sigmoid)
    with tf.variable_scope("decoder"):
        back = tf.layers.dense(code, 16)
    loss = tf.reduce_mean(tf.pow(x - back, 2))
    names = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "decoder")
    tf.train.RMSPropOptimizer(0.01).minimize(loss)
    tf.train.AdagradOptimizer(0.01).minimize(loss, var_list=names)


@family.graph
def tied_autoencoder(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 2, 8], name="x")
    flat = tf.layers.flatten(x)
    w = tf.get_variable("w", [16, 4], initializer=tf.initializers.he_normal())
    back = tf.matmul(tf.nn.tanh(tf.matmul(flat, w)), w, transpose_b=True)
    loss = tf.losses.mean_squared_error(flat, back)
    tf.train.AdadeltaOptimizer(0.1).minimize(loss)


@family.graph
def word_vectors(tf: Any) -> None:
    centers = tf.placeholder(tf.int32, [4], name="centers")
    targets = tf.placeholder(tf.int32, [4, 1], name="targets")
    start = tf.random_uniform([50, 8], -1.0, 1.0)
    embeddings = tf.Variable(start, name="embeddings")
    embedded = tf.nn.embedding_lookup(embeddings, centers)
    weights = tf.Variable(tf.truncated_normal([50, 8], stddev=0.3), name="nce_weights")
    biases = tf.Variable(tf.zeros([50]), name="nce_biases")
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=weights,
            biases=biases,
            labels=targets,
            inputs=embedded,
            num_sampled=6,
            num_classes=50,
        )
    )
    tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    softmax = tf.nn.sampled_softmax_loss(weights, biases, targets, embedded, 6, 50)
    tf.train.AdagradOptimizer(1.0).minimize(tf.reduce_mean(softmax))
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
    normalized = embeddings / norm
    near = tf.nn.embedding_lookup(normalized, tf.constant([1, 7]))
    tf.nn.top_k(tf.matmul(near, normalized, transpose_b=True), 3)


@family.graph
def bag_of_words(tf: Any) -> None:
    ids = tf.placeholder(tf.int64, [None, 5], name="ids")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    with tf.variable_scope("text", initializer=tf.random_uniform_initializer(-0.1, 0.1)):
        table = tf.get_variable("table", [20, 6])
        words = tf.nn.embedding_lookup(table, ids)
        mask = tf.sequence_mask(lengths, 5, tf.float32)
        total = tf.reduce_sum(words * tf.expand_dims(mask, -1), 1)
        mean = tf.div_no_nan(total, tf.cast(lengths, tf.float32)[:, tf.newaxis])
        logits = tf.squeeze(tf.layers.dense(mean, 1), 1)
    labels = tf.placeholder(tf.float32, [None], name="labels")
    loss = tf.losses.sigmoid_cross_entropy(labels, logits)
    tf.train.FtrlOptimizer(0.1).minimize(loss)
    tf.train.AdamOptimizer(0.1).minimize(loss)
    tf.metrics.accuracy(labels, tf.round(tf.sigmoid(logits)))


@family.graph
def adversaries(tf: Any) -> None:
    def generator(z: Any) -> Any:
        with tf.variable_scope("generator"):
            return tf.layers.dense(tf.layers.dense(z, 6, tf.nn.leaky_relu), 8, tf.nn.tanh)

    def discriminator(x: Any, reuse: Any = None) -> Any:
        with tf.variable_scope("discriminator", reuse=reuse):
            h = tf.layers.dense(x, 6, tf.nn.leaky_relu)
            return tf.layers.dense(tf.layers.dropout(h, 0.3, training=True), 1)

    z = tf.placeholder(tf.float32, [None, 3], name="z")
    real = tf.placeholder(tf.float32, [None, 8], name="real")
    good, bad = discriminator(real), discriminator(generator(z), reuse=True)
    losses = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(losses(logits=good, labels=tf.ones_like(good)))
    d_loss += tf.reduce_mean(losses(logits=bad, labels=tf.zeros_like(bad)))
    g_loss = tf.reduce_mean(losses(logits=bad, labels=tf.ones_like(bad)))
    for name, loss in (("discriminator", d_loss), ("generator", g_loss)):
        mine = [v for v in tf.trainable_variables() if v.name.startswith(name)]
        tf.train.AdamOptimizer(2e-4, beta1=0.5).minimize(loss, var_list=mine)


@family.graph
def policy(tf: Any) -> None:
    """A policy gradient: a sampled action, its log probability, an advantage, an entropy."""
    state = tf.placeholder(tf.float32, [None, 4], name="state")
    action = tf.placeholder(tf.int32, [None], name="action")
    advantage = tf.placeholder(tf.float32, [None], name="advantage")
    hidden = tf.layers.dense(state, 8, tf.nn.relu6, kernel_initializer=tf.orthogonal_initializer())
    logits = tf.layers.dense(hidden, 3)
    tf.squeeze(tf.multinomial(logits, 1), 1, name="sampled")
    chosen = tf.one_hot(action, 3) * tf.nn.log_softmax(logits)
    entropy = -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), 1)
    loss = -tf.reduce_mean(tf.reduce_sum(chosen, 1) * advantage) - 0.01 * tf.reduce_mean(entropy)
    tf.train.AdamOptimizer(1e-3).minimize(loss)
    target = tf.Variable(tf.zeros([4]), trainable=False)
    tf.assign(target, 0.9 * target + 0.1 * tf.reduce_mean(state, 0))


@family.graph
def unrolled_recurrence(tf: Any) -> None:
    steps = tf.placeholder(tf.float32, [2, 3, 4], name="steps")
    state = tf.zeros([2, 5])
    outputs = []
    with tf.variable_scope("rnn") as scope:
        for i, x in enumerate(tf.unstack(steps, axis=1)):
            if i > 0:
                scope.reuse_variables()
            w = tf.get_variable("w", [9, 5])
            b = tf.get_variable("b", [5], initializer=tf.constant_initializer(0.0))
            state = tf.tanh(tf.matmul(tf.concat([x, state], 1), w) + b)
            outputs.append(state)
    loss = tf.reduce_mean(tf.square(tf.stack(outputs, axis=1)))
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.25)
    tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(gradients, variables))


@family.graph
def residual_network(tf: Any) -> None:
    def block(x: Any, filters: int, stride: int) -> Any:
        shortcut = x
        if stride != 1:
            shortcut = tf.layers.conv2d(x, filters, 1, stride, "same", use_bias=False)
        h = tf.nn.relu(tf.layers.batch_normalization(x, training=True))
        h = tf.layers.conv2d(h, filters, 3, stride, "same", use_bias=False)
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=True))
        return shortcut + tf.layers.conv2d(h, filters, 3, 1, "same", use_bias=False)

    x = tf.placeholder(tf.float32, [2, 8, 8, 3], name="images")
    padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT")
    h = tf.layers.conv2d(padded, 4, 3, padding="valid")
    h = block(block(h, 4, 1), 8, 2)
    h = tf.reduce_mean(h, [1, 2])
    loss = tf.losses.sparse_softmax_cross_entropy([0, 1], tf.layers.dense(h, 2))
    decay = tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables() if "kernel" in v.name])
    tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True).minimize(loss + 1e-4 * decay)


@family.graph
def convolutional_autoencoder(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="images")
    h = tf.layers.separable_conv2d(x, 4, 3, padding="same", activation=tf.nn.relu)
    h = tf.nn.local_response_normalization(tf.layers.max_pooling2d(h, 2, 2))
    h = tf.layers.conv2d_transpose(h, 1, 3, strides=2, padding="same")
    tf.train.AdamOptimizer().minimize(tf.losses.mean_squared_error(x, h))


# ---- scopes


@family.graph
def shared_towers(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 3], name="x")
    for i in range(2):
        reuse = tf.get_variable_scope().reuse or i > 0
        with tf.name_scope(f"tower_{i}") as scope, tf.variable_scope("model", reuse=reuse):
            w = tf.get_variable("w", [3, 2], regularizer=None)
            loss = tf.nn.l2_loss(tf.matmul(x, w), name="loss")
            tf.add_to_collection("losses", loss)
            tf.identity(loss, name=scope)
    tf.add_n(tf.get_collection("losses"), name="total")
    tf.add_n(tf.get_collection("losses", scope="tower_1"))


@family.graph
def scopes_in_scopes(tf: Any) -> None:
    with tf.name_scope("a"):
        tf.constant(1.0)
        with tf.variable_scope("b"):
            tf.get_variable("v", [1])
            with tf.name_scope("a"):
                tf.constant(1.0)
            with tf.name_scope(None):
                tf.constant(1.0, name="top")
        with tf.name_scope("a"), tf.name_scope("a/"):
            tf.constant(1.0)
    with tf.name_scope("a"):
        tf.constant(1.0)
    with tf.name_scope("values", values=[tf.constant(1.0)]), tf.name_scope(None, "default"):
        tf.constant(1.0)
    with tf.variable_scope("b", reuse=tf.AUTO_REUSE):
        tf.get_variable("v", [1])
        tf.get_variable("v", [1])
    with tf.variable_scope(tf.get_variable_scope()), tf.variable_scope("c/d"):
        tf.get_variable("v", [1])
    with tf.variable_op_scope([tf.constant(1.0)], "e", "default"):
        tf.get_variable("v", [1])
    with tf.op_scope([tf.constant(1.0)], "f", "default"):
        tf.constant(1.0)


@family.graph
def collected(tf: Any) -> None:
    tf.get_variable("w", [2], collections=["mine", tf.GraphKeys.GLOBAL_VARIABLES])
    tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    v = tf.Variable(1.0, collections=[tf.GraphKeys.MODEL_VARIABLES], trainable=False)
    tf.add_to_collections(["mine", "yours"], tf.constant(3.0, name="three"))
    tf.get_collection_ref("yours").append(tf.constant(4.0, name="four"))
    for key in ("mine", "yours", "none"):
        for item in tf.get_collection(key):
            tf.identity(item, name=f"{key}_{item.op.name}")
    lists = (tf.global_variables, tf.local_variables, tf.model_variables, tf.trainable_variables)
    for each in (*lists, tf.all_variables, tf.moving_average_variables):
        tf.no_op(name="_".join(["v", *(v.op.name for v in each())]))
    tf.variables_initializer([v])
    tf.get_default_graph().add_to_collection("mine", v)
    tf.no_op(name="keys_" + "_".join(sorted(tf.get_default_graph().get_all_collection_keys())))


@family.graph
def waiting(tf: Any) -> None:
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
    with tf.control_dependencies([a, b.op]):
        c = tf.add(a, 1.0, name="c")
        with tf.control_dependencies([c]):
            tf.identity(b, name="d")
            tf.identity(c, name="e")
        with tf.control_dependencies(None):
            tf.identity(b, name="free")
        with tf.init_scope():
            tf.identity(b, name="lifted")
    tf.group(a, c, name="both")
    tf.group(a, [b, c])
    tf.group()
    tf.tuple([a, None, c], name="t")
    tf.tuple([a, b], control_inputs=[c])
    with tf.get_default_graph().control_dependencies([a]), tf.container("box"):
        tf.Variable(1.0, name="boxed")


def name_of(item: Any) -> str:
    return str(getattr(item, "name", item))


@family.graph(run=False)  # the values of such tensors are compared elsewhere
def collections_of_everything(tf: Any) -> None:
    """What layers, losses, metrics and training put into the collections, as texts in the graph."""
    x = tf.placeholder(tf.float32, [None, 6, 6, 2], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    step = tf.train.get_or_create_global_step()
    with tf.variable_scope("net", regularizer=None):
        h = tf.layers.conv2d(x, 3, 3, activation=tf.nn.relu, activity_regularizer=tf.nn.l2_loss)
        h = tf.layers.batch_normalization(h, training=True)
        h = tf.layers.dropout(tf.layers.flatten(h), training=True)
        logits = tf.layers.dense(h, 3, trainable=False, name="logits")
        tf.get_local_variable("local", [2])
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    tf.losses.add_loss(tf.nn.l2_loss(logits, name="more"))
    tf.metrics.accuracy(labels, tf.argmax(logits, 1), metrics_collections="metrics")
    tf.metrics.auc(labels > 0, tf.nn.sigmoid(logits[:, 0]), num_thresholds=3)
    average = tf.train.ExponentialMovingAverage(0.9, step)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.AdamOptimizer().minimize(loss, step)
    with tf.control_dependencies([train]):
        average.apply()
    tf.cond(labels[0] > 0, lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    graph = tf.get_default_graph()
    for key in sorted(graph.get_all_collection_keys()):
        items = [name_of(item) for item in graph.get_collection(key)]
        if not key.startswith("_") and key != "cond_context":
            tf.constant(items, name=f"in_{key}")
