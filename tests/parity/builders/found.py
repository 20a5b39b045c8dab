"""What random graphs found: each builder is the least of a program on which minitf differed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("found")


@family.graph
def beta_of_swish_in_another_dtype(tf: Any) -> None:
    tf.nn.swish(tf.placeholder("float64", [2]))


@family.graph
def rows_of_cross_entropy_in_part_known(tf: Any) -> None:
    values = np.full([3, 2], 0.5, "float32")
    for labels in ([3, None], [None, None], [3, 2], [None, 2], None):
        for logits in ([3, 2], [None, None], None):
            tf.nn.softmax_cross_entropy_with_logits_v2(
                labels=tf.placeholder_with_default(values, labels),
                logits=tf.placeholder_with_default(values, logits),
            )


@family.graph
def tensordot_of_unknown_rank(tf: Any) -> None:
    vector = tf.placeholder("float32", [3], name="vector")
    unknown = tf.placeholder_with_default(np.ones((3, 2), "float32"), None)
    tf.tensordot(vector, unknown, 1)
    tf.tensordot(unknown, vector, 0)
    tf.tensordot(tf.placeholder("float32", [3, None]), unknown, 0)


@family.graph
def unique_of_unknown_rank(tf: Any) -> None:
    x = tf.placeholder_with_default([1, 2, 1], None)
    tf.unique(x)
    tf.unique_with_counts(x)


@family.graph
def equality_with_itself(tf: Any) -> None:
    x = tf.constant([1.0, 2.0])
    tf.assert_equal(x, x)


@family.graph
def cond_by_a_variable(tf: Any) -> None:
    which = tf.Variable(True)
    tf.cond(which, lambda: tf.constant(1), lambda: tf.constant(2))


@family.graph
def diagonals_set_in_part_known(tf: Any) -> None:
    square = np.ones([2, 3, 3], "float32")
    for shape in (None, [None, None, None], [2, None, 3]):
        for diagonal in (None, [None, None], [2, 3]):
            matrix = tf.placeholder_with_default(square, shape)
            tf.matrix_set_diag(matrix, tf.placeholder_with_default(square[0, :2], diagonal))


@family.graph
def sequence_mask_of_unknown_rank(tf: Any) -> None:
    tf.sequence_mask(tf.placeholder_with_default([1, 3], None))


@family.graph
def choices_of_unknown_length(tf: Any) -> None:
    tf.where(tf.constant([True]), tf.placeholder_with_default([1.0], [None]), [2.0])


@family.graph
def shapes_made_of_what_may_be_scalars(tf: Any) -> None:
    size = tf.placeholder_with_default(3, None)
    tf.eye(size)
    tf.eye(size, batch_shape=[2])
    tf.eye(size, size)
    tf.eye(size, 4, batch_shape=[2])
    tf.fill(tf.stack([size, 2]), 0.0)


@family.graph
def moments_of_a_variable_of_halves(tf: Any) -> None:
    halves = np.array([[0.5, 1.5]], "float16")
    tf.nn.moments(tf.Variable(halves), [1])
    tf.nn.moments(tf.constant(halves), [1])


@family.graph
def systems_in_part_known(tf: Any) -> None:
    matrix, right = np.eye(2, dtype="float32"), np.ones([2, 3], "float32")
    for shape in (None, [2, 2], [2, None]):
        for other in (None, [None, None], [2, 3]):
            tf.matrix_solve(
                tf.placeholder_with_default(matrix, shape),
                tf.placeholder_with_default(right, other),
            )


@family.values
def no_gradient_at_a_corner_is_none(tf: Any) -> Any:
    """The root of zero is fenced off, but its gradient runs."""
    x = tf.constant([0.0, 4.0])
    safe = [tf.where(x > 0, f(x), x) for f in (tf.sqrt, tf.rsqrt, tf.reciprocal)]
    clipped = [tf.minimum(tf.rsqrt(x), 4.0), tf.clip_by_average_norm(tf.zeros_like(x) * x, 0.25)]
    return [tf.gradients(y, x)[0] for y in safe + clipped]


@family.values
def second_derivative_of_softplus(tf: Any) -> Any:
    x = tf.constant([64.0, 30.0, -5.0], "float64")
    return tf.gradients(tf.gradients(tf.nn.softplus(x), x), x)


@family.values
def gradients_of_products_with_zeros(tf: Any) -> Any:
    found = []
    for flags in ({}, {"exclusive": True}, {"reverse": True}):
        x = tf.constant([2.0, 0.0, -2.0, 0.0, 3.0])
        first = tf.gradients(tf.cumprod(x, **flags), x)
        found += first + tf.gradients(first, x)
    return found


@family.graph
def sizes_of_what_is_empty(tf: Any) -> None:
    for shape in ([None, 0], [0, None], [None, 2], [0, 2]):
        tf.size(tf.placeholder("float32", shape))
    tf.nn.zero_fraction(tf.placeholder("float32", [None, 0]))
    tf.scatter_nd(tf.zeros([0, 1], "int32"), tf.zeros([0, 0]), [2, 0])


family.error(
    "rows_scattered_into_nothing", lambda tf: tf.scatter_nd([[0]], tf.zeros([1, 0]), [2, 0])
)
family.error(
    "case_by_a_variable",
    lambda tf: tf.case([(tf.Variable(True), lambda: tf.constant(1))], lambda: tf.constant(2)),
)
family.error(
    "reflection_of_nothing",
    lambda tf: tf.pad(tf.zeros([2, 0]), [[0, 0], [0, 0]], "REFLECT"),
)
family.error(
    "variable_of_another_dtype",
    lambda tf: tf.slice(tf.constant([1.0, 2.0]), [0], tf.Variable(np.array([1], "int64"))),
)
family.error(
    "average_norm_of_doubles",
    lambda tf: tf.clip_by_average_norm(tf.constant([1.0], "float64"), 1.0),
)
