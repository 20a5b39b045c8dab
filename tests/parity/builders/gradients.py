"""Gradients of functions that are made of several ops, or whose gradient is not made of ops' own.

Each is taken to second order, in float32 of arguments whose shapes are known when the graph is
built and in float64 of arguments whose rank is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.gradient_graphs import apply
from tests.parity.harness import Family

family = Family("gradients_of_functions")
# Sums of a few terms that nearly cancel, in both engines in an order of their own.
F64 = {"float64": 1e-13}


def numbers(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Any:
    """Numbers of single precision, the same in each run."""
    values = np.random.RandomState(seed).uniform(low, high, shape)
    return values.astype(np.float32)


def taken(tf: Any, y: Any, xs: list[Any], orders: int = 2) -> list[Any]:
    """y, and its gradients by `xs` to some order, each weighted; None is left out."""
    results: list[Any] = []
    for order in range(orders):
        ys = y if isinstance(y, list) else [y]
        results += ys
        weights = [tf.cos(tf.cast(tf.range(tf.size(t)), t.dtype) + order) for t in ys]
        weights = [tf.reshape(w, tf.shape(t)) for w, t in zip(weights, ys, strict=True)]
        y = [tf.convert_to_tensor(g) for g in tf.gradients(ys, xs, weights) if g is not None]
        if not y:
            break
    return results + y


def each_way(
    tf: Any, function: Callable[..., Any], *arrays: Any, orders: int = 2, same: Any = None
) -> list[Any]:
    """`taken` in float32 with shapes known, and in float64 with nothing known of them."""
    results: list[Any] = []
    for dtype, known in ((np.float32, True), (np.float64, False)):
        xs = [
            tf.placeholder_with_default(array.astype(dtype), array.shape if known else same)
            for array in arrays
        ]
        results += taken(tf, function(*xs), xs, orders)
    return results


def of(name: str, *arrays: Any, orders: int = 2, same: Any = None, **options: Any) -> Any:
    """Registers a function of `(tf, *arguments)` by a name, with arguments to try it on."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        def build(tf: Any) -> list[Any]:
            bound = lambda *xs: function(tf, *xs)  # noqa: E731
            return each_way(tf, bound, *arrays, orders=orders, same=same)

        family.add(name, "values", build, rtol=F64, **options)
        return function

    return register


# Gradients of one's own are registered once in each engine.
REGISTERED: set[str] = set()

ROWS = numbers(3, 4)
VECTOR = numbers(4, seed=1)
POSITIVE = numbers(3, 4, seed=2, low=0.5, high=2.0)

# ---- statistics and norms


@of("moments", numbers(2, 3, 2), same=[None, None, 2])
def moments(tf: Any, x: Any) -> Any:
    return [*tf.nn.moments(x, [0, 1]), *tf.nn.moments(x, [1], keep_dims=True)]


@of("weighted_moments", numbers(2, 3), numbers(2, 3, seed=3, low=0.1), same=[None, None])
def weighted_moments(tf: Any, x: Any, weights: Any) -> Any:
    return list(tf.nn.weighted_moments(x, [0], weights))


@of("batch_normalization", ROWS, VECTOR, numbers(4, low=0.5), VECTOR, numbers(4, seed=3))
def batch_normalization(tf: Any, x: Any, mean: Any, variance: Any, offset: Any, scale: Any) -> Any:
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)


@of("norms", ROWS)
def norms(tf: Any, x: Any) -> Any:
    orders = ("euclidean", 1, 3, np.inf)
    return [tf.norm(x, order, axis=1) for order in orders] + [tf.norm(x)]


@of("l2_normalize", ROWS)
def l2_normalize(tf: Any, x: Any) -> Any:
    return tf.nn.l2_normalize(x, 1)


@of("reduce_logsumexp", ROWS * 10)
def reduce_logsumexp(tf: Any, x: Any) -> Any:
    return [tf.reduce_logsumexp(x), tf.reduce_logsumexp(x, 1), tf.reduce_logsumexp(x, [0], True)]


@of("reductions_of_all_kinds", POSITIVE)
def reductions_of_all_kinds(tf: Any, x: Any) -> Any:
    functions = (tf.reduce_sum, tf.reduce_mean, tf.reduce_prod, tf.reduce_max, tf.reduce_min)
    return [f(x, axis) for f in functions for axis in (None, -1, [0, 1])]


# ---- clipping


@of("clip_by_value", ROWS, numbers(4, low=-1.0, high=-0.5), numbers(1, low=0.5, high=1.0))
def clip_by_value(tf: Any, x: Any, low: Any, high: Any) -> Any:
    return tf.clip_by_value(x, low, high)


@of("clip_by_norm", ROWS)
def clip_by_norm(tf: Any, x: Any) -> Any:
    return [tf.clip_by_norm(x, 1.0), tf.clip_by_norm(x, 100.0), tf.clip_by_norm(x, 1.5, [1])]


@of("clip_by_global_norm", ROWS, VECTOR)
def clip_by_global_norm(tf: Any, x: Any, y: Any) -> Any:
    clipped, norm = tf.clip_by_global_norm([x, None, y], 2.0)
    return [clipped[0], clipped[2], norm, *tf.clip_by_global_norm([x, y], 99.0)[0]]


@family.values
def clip_by_average_norm(tf: Any) -> Any:
    x = tf.placeholder_with_default(ROWS, None)
    return taken(tf, tf.clip_by_average_norm(x, 0.1), [x])


# ---- losses


@of("softmax_cross_entropies", ROWS, numbers(3, 4, seed=4, low=0.0, high=1.0), orders=1)
def softmax_cross_entropies(tf: Any, logits: Any, labels: Any) -> Any:
    v2 = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    v1 = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return [v1, v2]


@of("second_derivatives_of_cross_entropies", ROWS)
def second_derivatives_of_cross_entropies(tf: Any, logits: Any) -> Any:
    labels = tf.cast(tf.constant(numbers(3, 4, seed=4, low=0.0, high=1.0)), logits.dtype)
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.constant([1, 0, 3]), logits=logits
    )
    dense = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    return [dense, sparse, tf.nn.softmax(logits), tf.nn.log_softmax(logits)]


@of("sigmoid_cross_entropies", ROWS, numbers(3, 4, seed=4, low=0.0, high=1.0), same=[None, 4])
def sigmoid_cross_entropies(tf: Any, logits: Any, labels: Any) -> Any:
    plain = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    weighted = tf.nn.weighted_cross_entropy_with_logits(labels, logits, 2.5)
    return [plain, weighted]


# ---- rows that are picked, and put together


@of("embedding_lookup", numbers(5, 3))
def embedding_lookup(tf: Any, table: Any) -> Any:
    ids = tf.constant([[1, 4], [4, 0]])
    return [tf.nn.embedding_lookup(table, ids), tf.nn.embedding_lookup(table, ids, max_norm=1.0)]


@of("embeddings_in_pieces", numbers(3, 2), numbers(2, 2, seed=1))
def embeddings_in_pieces(tf: Any, even: Any, odd: Any) -> Any:
    ids = tf.constant([0, 3, 4, 3])
    return tf.nn.embedding_lookup([even, odd], ids)


@of("rows_through_many_ops", numbers(5, 3))
def rows_through_many_ops(tf: Any, table: Any) -> Any:
    twice = tf.gather(table, [0, 2]) * tf.gather(table, [2, 2])
    along = tf.gather(table * 2.0, [1, 0], axis=1)
    return [twice, along, tf.gather_nd(table, [[0, 1], [4, 2]]), table[1:3], table[::-2, 1]]


@of("parts_that_are_stitched", numbers(5, 2), same=[None, None])
def parts_that_are_stitched(tf: Any, x: Any) -> Any:
    parts = tf.dynamic_partition(x, [0, 1, 0, 1, 0], 2)
    places = tf.dynamic_partition(tf.range(5), [0, 1, 0, 1, 0], 2)
    return [parts[0] * 2.0, tf.dynamic_stitch(places, [parts[0] * parts[0], tf.exp(parts[1])])]


@of("boolean_masks_and_where", ROWS)
def boolean_masks_and_where(tf: Any, x: Any) -> Any:
    positive = tf.where(x > 0, x * x, -x)
    return [positive, tf.boolean_mask(x * x, ROWS > 0), tf.where(ROWS[:, 0] > 0, x, 2.0 * x)]


# ---- identities, conditions and variables


@of("identity_n", ROWS, VECTOR)
def identity_n(tf: Any, x: Any, y: Any) -> Any:
    return [t * t for t in tf.identity_n([x * y, y, tf.constant([1, 2])])[:2]]


@of("tuples_and_groups", ROWS, VECTOR)
def tuples_and_groups(tf: Any, x: Any, y: Any) -> Any:
    return tf.tuple([x * y, tf.sin(y)])


@of("what_is_stopped", ROWS)
def what_is_stopped(tf: Any, x: Any) -> Any:
    return [x * tf.stop_gradient(x), tf.round(x) * x, tf.floor(x) + x, tf.sign(x) * x]


@of("conditions", ROWS, VECTOR)
def conditions(tf: Any, x: Any, y: Any) -> Any:
    results = []
    for choice in (True, False):
        choose = tf.placeholder_with_default(choice, [])
        # tf.cond gives what both branches have in common: here a matrix, and a vector.
        results += tf.cond(choose, lambda: [x * y, y], lambda: [x, y * y * y])
        results.append(tf.cond(choose, lambda: tf.reduce_sum(x * x), lambda: tf.reduce_prod(y)))
    return results


@family.values
def a_conditions_untaken_branch(tf: Any) -> Any:
    x, y = tf.constant([1.0, -2.0]), tf.constant([3.0, 4.0])
    z = tf.cond(tf.placeholder_with_default(True, []), lambda: x * 2.0, lambda: y * 3.0)
    return [z, *tf.gradients(z, [x, y])]


@family.values
def references_that_are_switched(tf: Any) -> Any:
    results = []
    for choice in (True, False):
        v = tf.Variable([1.0, -2.0])
        choose = tf.placeholder_with_default(choice, [])
        no, yes = apply(tf, "RefSwitch", [v._ref(), choose], {})
        merged = apply(tf, "Merge", [[no * 2.0, yes * yes]], {})[0]
        with tf.Session() as sess:
            sess.run(v.initializer)
            results += sess.run([merged, *tf.gradients(merged, [no, yes, v._ref()])[2:]])
    return results


@family.values
def references_that_are_merged(tf: Any) -> Any:
    results = []
    for choice in (True, False):
        v, choose = tf.Variable([1.0, -2.0]), tf.placeholder_with_default(choice, [])
        no, yes = apply(tf, "RefSwitch", [v._ref(), choose], {})
        merged = apply(tf, "RefMerge", [[no, yes]], {})[0]
        with tf.Session() as sess:
            sess.run(v.initializer)
            results += sess.run([tf.identity(merged), *tf.gradients(merged * merged, v._ref())])
    return results


@family.values
def variables_of_each_kind(tf: Any) -> Any:
    results = []
    with tf.Session() as sess:
        v, w = tf.Variable(VECTOR), tf.get_variable("w", [4], initializer=tf.ones_initializer())
        rows = tf.get_variable("rows", initializer=numbers(5, 3))
        y = v * w * v + tf.reduce_sum(tf.gather(rows, [1, 1, 3]))
        grads = tf.gradients(y, [v, w, rows, v.value()])
        results += [tf.convert_to_tensor(g) for g in grads if g is not None]
        sess.run(tf.global_variables_initializer())
        return sess.run([y, *results]) + [np.array([g is None for g in grads])]


# ---- what tf.gradients itself can be told


@family.values
def arguments_of_gradients(tf: Any) -> Any:
    x, y, unused = tf.constant(ROWS), tf.constant(VECTOR), tf.constant(2.0)
    a, b = x * y, tf.sin(x)
    some = tf.gradients(a * b, [x, y], stop_gradients=[b])
    total = tf.gradients([a, b, b], [x, y], [None, tf.cos(x), b])
    zero = tf.gradients(a, [x, unused], unconnected_gradients="zero")
    added = tf.gradients(
        x * x + x * y + x,
        [x],
        gate_gradients=True,
        aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
    )
    through = tf.gradients(tf.exp(a), [a, x, tf.identity(x)])
    assert through[2] is None and tf.gradients(a, [unused]) == [None]
    return [*some, *total, *zero, *added, *through[:2], *tf.gradients(x, x)]


@family.values
def many_orders(tf: Any) -> Any:
    x = tf.constant(VECTOR)
    y = tf.reduce_prod(tf.sin(x)) + tf.reduce_sum(x**4.0)
    results = []
    for _ in range(4):
        (y,) = tf.gradients(y, x)
        results.append(y)
    return results


@family.values
def gradients_of_ones_own(tf: Any) -> Any:
    name = f"Thrice{tf.__name__}"
    register = tf.RegisterGradient(name)
    if name not in REGISTERED:  # once in a process
        register(lambda op, grad: grad * 3.0 + op.inputs[0])
        REGISTERED.add(name)
    x = tf.constant(VECTOR)
    with tf.get_default_graph().gradient_override_map({"Identity": name}):
        y = tf.identity(tf.exp(x))
    return [y, *tf.gradients(y * tf.identity(x), x)]


@family.values
def rows_as_slices(tf: Any) -> Any:
    """What kind a gradient is of, and its parts as they come."""
    table = tf.constant(numbers(5, 3))
    ids = tf.constant([[1, 4], [4, 0]])
    results = []
    for y in (
        tf.gather(table, ids),
        tf.nn.embedding_lookup(table, ids[0]),
        tf.gather(tf.identity(table), ids),
    ):
        (grad,) = tf.gradients(y, table)
        assert isinstance(grad, tf.IndexedSlices)
        results += [grad.values, grad.indices, grad.dense_shape]
    twice = tf.gather(table, ids) * tf.gather(table, [[0, 0], [1, 2]])
    for y in (twice, tf.gather(table, [1, 1], axis=1), tf.gather(table, ids) * table[0], table[1:]):
        (grad,) = tf.gradients(tf.reduce_sum(y), table)
        results.append(tf.constant(isinstance(grad, tf.IndexedSlices)))
        results.append(tf.convert_to_tensor(grad))
    return results
