"""Variables in parts: their nodes, what they begin with, and their rows."""

from __future__ import annotations

from typing import Any

from tests.parity.harness import Family

family = Family("partitioned")


def _cut(
    tf: Any, name: str, shape: Any = (5, 2), parts: int = 2, axis: int = 0, **more: Any
) -> Any:
    partitioner = tf.fixed_size_partitioner(parts, axis=axis)
    return tf.get_variable(name, shape, partitioner=partitioner, **more)


@family.graph
def parts(tf: Any) -> None:
    v = _cut(tf, "v")
    tf.convert_to_tensor(v)
    with tf.name_scope("scope"):
        tf.exp(v)
    _cut(tf, "across", [3, 4], axis=1)
    tf.identity(_cut(tf, "one", [1, 3]))
    tf.train.Saver()


@family.graph
def initializers_of_parts(tf: Any) -> None:
    for i, made in enumerate(
        (
            tf.glorot_normal_initializer(),
            tf.truncated_normal_initializer(stddev=0.1),
            tf.random_uniform_initializer(-1.0, 1.0),
            tf.constant_initializer(3.0),
            tf.variance_scaling_initializer(mode="fan_out"),
            tf.uniform_unit_scaling_initializer(),
            tf.zeros([5, 2]),
        )
    ):
        _cut(tf, f"v{i}", initializer=made)


@family.graph
def scopes_with_partitioners(tf: Any) -> None:
    sized = tf.variable_axis_size_partitioner(32, axis=0, bytes_per_string_element=8, max_shards=3)
    with tf.variable_scope("s", partitioner=sized):
        u = tf.get_variable("u", [9, 4])
        tf.get_variable("scalar", [])
        tf.get_variable("text", [6], tf.string, initializer=tf.constant_initializer("ab"))
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            assert tf.get_variable("u", [9, 4]) is u
    balanced = tf.min_max_variable_partitioner(
        max_partitions=4, axis=1, min_slice_size=16, bytes_per_string_element=8
    )
    tf.get_variable("m", [3, 10], partitioner=balanced)


@family.graph
def rows_of_parts(tf: Any) -> None:
    v = _cut(tf, "v", [7, 2], parts=3)
    ids = tf.constant([[6, 0], [3, 3]])
    tf.nn.embedding_lookup(v, ids)
    tf.nn.embedding_lookup(v, ids, partition_strategy="div", name="consecutive")


@family.graph
def slots_of_parts(tf: Any) -> None:
    v = _cut(tf, "v", [4, 2])
    ids = tf.placeholder(tf.int32, [2], name="ids")
    loss = tf.reduce_sum(tf.nn.embedding_lookup(v, ids, partition_strategy="div"))
    tf.train.AdamOptimizer().minimize(loss)
    tf.train.Saver()


@family.graph
def assignments_of_parts(tf: Any) -> None:
    v = _cut(tf, "v")
    v.assign([tf.ones([3, 2]), tf.ones([2, 2])])
    v.assign_add(tf.ones([5, 2]))
    v.assign_sub(v)


# The shapes of gradients' rows are compared in `slots_of_parts`, where they are not constants.
@family.values(nodes=False)
def trained_parts(tf: Any) -> list[Any]:
    v = _cut(tf, "v", [6, 3], initializer=tf.glorot_uniform_initializer(seed=3))
    rows = tf.nn.embedding_lookup(v, [0, 5, 5, 2])
    train = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(rows * rows))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(train)
        found: list[Any] = sess.run([v.as_tensor(), rows])
        return found


def _ids(tf: Any, weights: bool = True) -> Any:
    places = [[0, 0], [0, 1], [2, 0], [2, 1], [2, 3]]
    ids = tf.SparseTensor(places, tf.constant([1, 3, 0, 1, 1], tf.int64), [3, 4])
    if not weights:
        return ids, None
    return ids, tf.SparseTensor(places, tf.constant([1.0, 2.0, 0.5, 3.0, -1.0]), [3, 4])


@family.graph
def weighted_rows(tf: Any) -> None:
    table = tf.get_variable("table", [5, 2])
    for combiner in (None, "sum", "sqrtn"):
        ids, weights = _ids(tf)
        tf.nn.embedding_lookup_sparse(table, ids, weights, combiner=combiner)
    # Of constant ids TensorFlow computes how many different ones there are for its static shapes.
    fed = tf.placeholder(tf.int64, [5], name="fed")
    ids, weights = _ids(tf)
    ids = tf.SparseTensor(ids.indices, fed, ids.dense_shape)
    tf.nn.embedding_lookup_sparse(
        _cut(tf, "v"), ids, weights, partition_strategy="div", name="own", max_norm=0.5
    )


# TensorFlow has ops for the rows without weights; minitf composes them.
@family.values(nodes=False)
def rows_without_weights(tf: Any) -> list[Any]:
    table = tf.get_variable("table", [5, 2])
    found = []
    for combiner in ("mean", "sum", "sqrtn"):
        rows = tf.nn.embedding_lookup_sparse(table, *_ids(tf, False), combiner=combiner)
        found += [rows, tf.convert_to_tensor(tf.gradients(tf.square(rows), table)[0])]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        values: list[Any] = sess.run(found)
        return values


@family.values
def fed_sparse_tensors(tf: Any) -> list[Any]:
    known = tf.sparse_placeholder(tf.float32, shape=[3, 2], name="known")
    open_ = tf.sparse_placeholder(tf.int32)
    value = tf.SparseTensorValue([[0, 1], [2, 0]], [1.5, 2.5], [3, 2])
    other = tf.SparseTensorValue([[0, 1, 0]], [7], [1, 2, 3])
    with tf.Session() as sess:
        first, second = sess.run([known, open_], {known: value, open_: other})
    return [*first, *second]


def _bad(found: Any) -> Any:
    return lambda tf: tf.get_variable("v", [4, 2], partitioner=lambda shape, dtype: found)


family.error("two axes", _bad([2, 2]))
family.error("another rank", _bad([2]))
family.error("no parts", _bad([0, 1]))
family.error("no list", _bad(2))
family.error("no partitioner", lambda tf: tf.get_variable("v", [4], partitioner=3))
family.error("unknown shape", lambda tf: _cut(tf, "v", [None, 2]))
family.error("twice", lambda tf: [_cut(tf, "v"), _cut(tf, "v")])
family.error("whole and cut", lambda tf: [tf.get_variable("v", [5, 2]), _cut(tf, "v")])
family.error("cut and whole", lambda tf: [_cut(tf, "v"), tf.get_variable("v", [5, 2])])
family.error("no bytes", lambda tf: tf.variable_axis_size_partitioner(0))
family.error(
    "ids of an array", lambda tf: tf.nn.embedding_lookup_sparse(tf.ones([3, 2]), [1, 2], None)
)
family.error(
    "no combiner",
    lambda tf: tf.nn.embedding_lookup_sparse(tf.ones([5, 2]), *_ids(tf), combiner="max"),
)
