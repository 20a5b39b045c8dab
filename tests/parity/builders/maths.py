"""Operators, functions of one and two numbers, reductions, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("maths")


def matrix(tf: Any, dtype: str = "float32", shape: Any = (2, 3)) -> Any:
    return tf.placeholder(dtype, shape, name="p")


FUNCTIONS = (
    "abs negative sign square sqrt rsqrt reciprocal exp expm1 log log1p sin cos tan asin acos atan "
    "sinh cosh tanh asinh acosh atanh sigmoid log_sigmoid erf erfc lgamma digamma ceil floor rint "
    "round is_nan is_inf is_finite conj real angle"
)

# ---- graphs


@family.graph
def arithmetic_operators(tf: Any) -> None:
    x, y = matrix(tf), matrix(tf)
    _ = [x + y, x + 1.0, 1 + x, x - 1, 1.0 - x, x * 2, 2 * x, x / 2, 2 / x, x / y]
    _ = [x // 2, 2 // x, x % 2, 2 % x, x**2, 2**x, -x, abs(x)]
    _ = [x + np.float64(2.0), np.ones((2, 3)) + x, x - [1.0, 2.0, 3.0]]


@family.graph
def operators_of_integers(tf: Any) -> None:
    for dtype in ("int32", "int64", "int8", "uint8"):
        x = matrix(tf, dtype)
        _ = [x / x, x / 2, 2 / x, x // 2, x % 3, x & 3, 3 & x, x | x, x ^ 5, ~x]


@family.graph
def operators_of_truth_and_text(tf: Any) -> None:
    b = tf.placeholder(tf.bool, [2], name="b")
    _ = [b & b, b | True, True | b, b ^ b, True ^ b, b ^ [True, False], ~b]
    s = tf.placeholder(tf.string, [2], name="s")
    _ = [s + s, s + "a", "a" + s, tf.add(s, "x")]


@family.graph
def comparisons(tf: Any) -> None:
    x = matrix(tf)
    _ = [x < 1, x <= 1, x > 1, x >= 1, x > 1, x <= 1, tf.equal(x, 1.0), tf.not_equal(x, x)]


@family.graph
def operators_of_variables(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    _ = [v + 1.0, 1.0 - v, -v, abs(v), v * v, v > 0, tf.reduce_sum(v), tf.cast(v, tf.int32)]
    tf.matmul(tf.Variable([[1.0]], name="w"), [[2.0]])


@family.graph
def matrix_operators(tf: Any) -> None:
    x = matrix(tf)
    _ = [x @ matrix(tf, shape=(3, 2)), np.ones((4, 2), np.float32) @ x]
    _ = matrix(tf, shape=(5, 2, 3)) @ matrix(tf, shape=(3, 2))


@family.graph
def named_arithmetic(tf: Any) -> None:
    x, n = matrix(tf), matrix(tf, "int32")
    tf.add(x, 1.0)
    tf.subtract(1.0, x)
    tf.multiply(x, 2.0, name="twice")
    tf.divide(x, 2.0)
    tf.divide(3, 2)
    tf.divide(x, 2, name="half")
    tf.div(x, 2.0)
    tf.div(n, 2)
    tf.truediv(n, 2)
    tf.truediv(3, 2)
    tf.realdiv(x, 2.0)
    tf.floordiv(x, 2.0)
    tf.floor_div(n, 2)
    tf.floormod(n, 2)
    tf.mod(n, 2)
    tf.truncatediv(n, 2)
    tf.truncatemod(n, 2)
    tf.div_no_nan(n, 2)
    tf.scalar_mul(2.0, x)
    tf.squared_difference(matrix(tf, shape=(2, 1)), matrix(tf, shape=(1, 3)))


@family.graph
def functions_of_one(tf: Any) -> None:
    x = matrix(tf)
    for name in FUNCTIONS.split():
        getattr(tf, name)(x)
        getattr(tf, name)([1.5], name=None)


@family.graph
def complex_functions(tf: Any) -> None:
    z = matrix(tf, "complex64")
    _ = [tf.abs(z), tf.real(z), tf.imag(z), tf.conj(z), tf.angle(z), z + 1, tf.complex(1.0, 2.0)]
    tf.matmul(z, z, adjoint_b=True)
    tf.matmul(z, z, transpose_b=True)


@family.graph
def reductions(tf: Any) -> None:
    for shape in ((2, 3), None, (None, 3), ()):
        tf.reduce_sum(matrix(tf, shape=shape))
    x = matrix(tf)
    tf.reduce_mean(x, 0)
    tf.reduce_max(x, [-1], keep_dims=True)
    tf.reduce_min(x, keepdims=True)
    tf.reduce_prod(x, reduction_indices=[1], name="product")
    tf.reduce_sum(x, np.int64(1))
    tf.reduce_sum(x, [])
    tf.reduce_sum(x, tf.placeholder(tf.int32, []))
    tf.reduce_sum(x, tf.placeholder(tf.int32, [1]), keepdims=True)
    tf.reduce_mean([[1.0, 2.0], [3.0, 4.0]])
    tf.reduce_mean(matrix(tf, "int32"))
    tf.reduce_all(x > 0)
    tf.reduce_any(x > 0, 1)


@family.graph
def composed_reductions(tf: Any) -> None:
    x = matrix(tf)
    tf.reduce_logsumexp(x)
    tf.reduce_logsumexp(x, axis=1, keepdims=True)
    tf.reduce_logsumexp(matrix(tf, shape=(None, 3)), 1, name="lse")
    tf.count_nonzero(x)
    tf.count_nonzero(x, 1, dtype=tf.int32)
    tf.count_nonzero(tf.placeholder(tf.string, [2]))
    tf.norm(x)
    tf.norm(x, 1, axis=1)
    tf.norm(x, np.inf, axis=1, keepdims=True)
    tf.norm(x, "fro", axis=[0, 1])
    tf.norm(x, 3, axis=-1)
    tf.norm(x, 1, axis=(0, 1))
    tf.norm(x, np.inf, axis=(0, 1))
    tf.math.reduce_variance(x, 1)
    tf.math.reduce_std(x)
    tf.math.reduce_euclidean_norm(x, 1)


@family.graph
def searches_and_runs(tf: Any) -> None:
    x = matrix(tf)
    tf.argmax(x)
    tf.argmax(x, dimension=1)
    tf.argmin(x, 1, output_type=tf.int32, name="am")
    tf.arg_max(x, 1)
    tf.arg_min(x, 1)
    tf.cumsum(x)
    tf.cumsum(x, -1, exclusive=True, reverse=True, name="cs")
    tf.cumprod([1.0, 2.0])


@family.graph
def ranges(tf: Any) -> None:
    tf.range(5)
    tf.range(2, 10, 3)
    tf.range(2, 10, 1.5)
    tf.range(2.5)
    tf.range(5, dtype=tf.float32)
    tf.range(start=1, limit=5, delta=2, name="r")
    tf.range(tf.placeholder(tf.int32, []))
    tf.range(0, tf.placeholder(tf.int64, []))
    tf.range(tf.constant(2) + 3)
    tf.range(matrix(tf).shape[0])
    tf.range(np.int64(5))


@family.graph
def casts(tf: Any) -> None:
    x, n = matrix(tf), matrix(tf, "int32")
    tf.cast(x, tf.int32)
    tf.cast(x, tf.float32)
    tf.cast([1, 2], "float")
    tf.cast(x > 0, tf.float32)
    tf.to_float(n)
    tf.to_double(n)
    tf.to_int32(x)
    tf.to_int64(x)
    tf.to_complex64(x)
    tf.saturate_cast(x, tf.uint8)
    tf.saturate_cast(x, tf.int32)
    tf.saturate_cast(n, tf.float32)
    tf.saturate_cast(matrix(tf, "float64"), tf.float32)


@family.graph
def matrix_products(tf: Any) -> None:
    x = matrix(tf)
    tf.matmul(x, x, transpose_b=True)
    tf.matmul(x, x, adjoint_a=True, name="mm")
    tf.matmul(x, np.ones((3, 2)))
    tf.matmul([[1.0, 2.0]], [[1.0], [2.0]])
    tf.matmul(matrix(tf, shape=(4, 2, 3)), matrix(tf, shape=(4, 2, 3)), transpose_a=True)
    tf.matmul(matrix(tf, shape=(5, 1, 2, 3)), matrix(tf, shape=(None, 3, 4)))
    tf.matmul(matrix(tf, shape=None), matrix(tf, shape=(3, 2)))
    tf.matmul(matrix(tf, shape=None), matrix(tf, shape=(4, 3, 2)))


@family.graph
def contractions(tf: Any) -> None:
    cube = matrix(tf, shape=(2, 3, 4))
    tf.tensordot(cube, matrix(tf, shape=(4, 5)), 1)
    tf.tensordot(cube, matrix(tf, shape=(3, 4, 5)), 2)
    tf.tensordot(cube, matrix(tf, shape=(5, 3)), [[1], [1]])
    tf.tensordot(matrix(tf, shape=(None, 3, 4)), matrix(tf, shape=(4, 5)), [[2], [0]])
    tf.tensordot(matrix(tf, shape=(2,)), matrix(tf, shape=(3,)), 0)
    tf.einsum("ij,jk->ik", matrix(tf), matrix(tf, shape=(3, 4)))
    tf.einsum("b i j, b j k", matrix(tf, shape=(5, 2, 3)), matrix(tf, shape=(5, 3, 4)))
    tf.einsum("...ij,jk->...ik", cube, matrix(tf, shape=(4, 5)), name="zz")
    tf.einsum("ii", matrix(tf, shape=(3, 3)))
    tf.trace(matrix(tf, shape=(4, 2, 3)))


@family.graph
def cholesky(tf: Any) -> None:
    # Of a matrix that has none TensorFlow 2.21 gives what was in memory, and minitf an error.
    tf.cholesky([[[4.0, 1.0], [1.0, 3.0]], [[1.0, 0.0], [0.0, 9.0]]])


@family.graph
def linear_algebra(tf: Any) -> None:
    squares = matrix(tf, shape=(4, 2, 2))
    tf.matrix_inverse(squares)
    tf.matrix_determinant(matrix(tf, shape=(None, None)))
    tf.matrix_solve(squares, matrix(tf, shape=(4, 2, 3)), adjoint=True)
    tf.matrix_solve(matrix(tf, shape=(None, 3)), matrix(tf, shape=(3, None)))
    tf.qr(matrix(tf, shape=(4, 3)))
    tf.qr(matrix(tf, shape=(2, 5)), full_matrices=True)
    tf.cross([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])


@family.graph
def segments(tf: Any) -> None:
    x, ids = matrix(tf, shape=(None, 3)), tf.placeholder(tf.int64, [None])
    for name in ("sum", "mean", "prod", "max", "min"):
        getattr(tf, f"segment_{name}")(x, ids)
    for name in ("sum", "prod", "max", "min"):
        getattr(tf, f"unsorted_segment_{name}")(x, ids, 4)
    tf.unsorted_segment_sum(x, ids, tf.placeholder(tf.int32, []))
    tf.bincount(tf.placeholder(tf.int32, [5]))
    tf.bincount([1, 2, 2], dtype=tf.int64)
    tf.bincount(
        tf.placeholder(tf.int32, [5]), tf.placeholder(tf.float32, [5]), minlength=3, maxlength=10
    )


@family.graph
def lists(tf: Any) -> None:
    x = matrix(tf)
    tf.add_n([x, x])
    tf.add_n([x])
    tf.add_n([x], name="only")
    tf.add_n([x, np.ones((2, 3), np.float32)], name="sum")
    tf.accumulate_n([x, x])
    tf.accumulate_n([matrix(tf, shape=(2, None)), matrix(tf, shape=(None, 3))], shape=[2, 3])


@family.graph
def logic(tf: Any) -> None:
    b = tf.placeholder(tf.bool, [2], name="b")
    _ = [tf.logical_and(b, b), tf.logical_or(b, True), tf.logical_not(b)]
    tf.logical_xor(b, [True, False])
    with tf.name_scope("s"):
        tf.logical_xor(b, b)


@family.graph
def clipping(tf: Any) -> None:
    x = matrix(tf)
    tf.clip_by_value(x, 0.0, 1.0)
    tf.clip_by_value(matrix(tf, "int32"), 0, 1, name="cc")
    tf.clip_by_value([1.0, 2.0], 0, 1)
    tf.clip_by_norm(x, 1.5)
    tf.clip_by_norm(x, 1.5, axes=[1], name="z")
    tf.clip_by_average_norm(x, 1.5)
    tf.global_norm([x])
    tf.clip_by_global_norm([x, None, matrix(tf, shape=(4,))], 5.0)
    tf.clip_by_global_norm([x, None], 5.0, use_norm=matrix(tf, shape=()), name="cl")
    slices = tf.IndexedSlices(x, tf.placeholder(tf.int32, [2]), tf.constant([10, 3]))
    tf.clip_by_norm(slices, 1.5)
    tf.clip_by_value(slices, 0.0, 1.5)
    tf.clip_by_global_norm([slices], 1.5)
    tf.scalar_mul(2.0, slices)
    _ = -slices


@family.graph
def sparse_operands(tf: Any) -> None:
    def slices() -> Any:
        indices = tf.placeholder(tf.int32, [2])
        return tf.IndexedSlices(matrix(tf), indices, tf.constant([10, 3]))

    tf.add_n([slices(), slices()])
    tf.add_n([slices(), matrix(tf, shape=(10, 3))])
    tf.multiply(slices(), 2.0)
    tf.square(slices())
    tf.cast(slices(), tf.float64)


# ---- values: the corners of numbers

INF, NAN = float("inf"), float("nan")


@family.values
def floats_divided(tf: Any) -> Any:
    x = tf.constant([1.0, -1.0, 1.0, -1.0, 0.0, 5.0, 1.0, NAN, -7.0, 7.0])
    y = tf.constant([0.0, 0.0, 0.1, INF, 0.0, -INF, -3.0, 2.0, 3.0, -3.0])
    return [x / y, x // y, x % y, tf.truncatediv(x, y), tf.truncatemod(x, y), tf.div_no_nan(x, y)]


@family.values
def integers_divided(tf: Any) -> Any:
    x, y = tf.constant([7, -7, 7, -7, -(2**31)]), tf.constant([2, 2, -2, -2, -1])
    small = tf.constant([7, 200], tf.uint8)
    by = tf.constant([2, 3], tf.uint8)
    return [x // y, x % y, tf.truncatediv(x, y), tf.truncatemod(x, y), x / y, small // by]


@family.values
def powers(tf: Any) -> Any:
    x = tf.constant([-2.0, -2.0, 0.0, 0.0, 0.0, INF, NAN])
    y = tf.constant([2.0, 0.5, 0.0, -1.0, 2.0, 0.0, 0.0])
    return [x**y, tf.pow([2, -3, 0, 7], [31, 3, 0, 0]), tf.sqrt(x), tf.rsqrt(y), tf.log(x)]


@family.values
def rounding(tf: Any) -> Any:
    x = tf.constant([0.5, 1.5, 2.5, -0.5, -1.5, NAN, INF])
    return [tf.round(x), tf.rint(x), tf.sign(x), tf.sign(tf.constant([3 + 4j, 0j])), tf.abs(x)]


@family.values
def wrapping(tf: Any) -> Any:
    least = tf.constant([-(2**31), -5])
    byte = tf.constant([200, 1], tf.uint8)
    return [abs(least), -least, byte + byte, byte - 2, tf.reduce_sum(byte), tf.reduce_prod(least)]


@family.values
def extremes_with_nan(tf: Any) -> Any:
    x, y = tf.constant([NAN, 1.0, NAN]), tf.constant([1.0, NAN, NAN])
    z = tf.constant([[1.0, NAN, 2.0], [3.0, 0.0, -1.0]])
    return [
        tf.maximum(x, y),
        tf.minimum(x, y),
        tf.reduce_max(z, 1),
        tf.reduce_min(z, 1),
        tf.argmax(z, 1),
        tf.argmin(z, 1),
        tf.clip_by_value(z, 0.0, 1.5),
        tf.equal(x, x),
        tf.not_equal(x, x),
    ]


@family.values
def nothing_reduced(tf: Any) -> Any:
    floats, integers = tf.constant([], tf.float32), tf.constant([], tf.int32)
    names = ("sum", "mean", "prod", "max", "min")
    found = [getattr(tf, f"reduce_{name}")(x) for name in names for x in (floats, integers)]
    none = tf.constant([], tf.bool)
    return [*found, tf.reduce_all(none), tf.reduce_any(none), tf.argmax(tf.zeros([0, 2]), 1)]


@family.values
def means_of_integers(tf: Any) -> Any:
    lists = ([1, 2], [-1, -2], [2**31 - 1, 2**31 - 1], [-7, 2, 1])
    found = [tf.reduce_mean(tf.constant(numbers)) for numbers in lists]
    return [*found, tf.reduce_mean(tf.constant([200, 201], tf.uint8))]


@family.values
def numbers_cast(tf: Any) -> Any:
    x = tf.constant([NAN, INF, -INF, 1e20, -1.7, 0.0, 0.5])
    z = tf.constant([1 + 2j, 0j])
    return [
        tf.cast(x, tf.int32),
        tf.cast(x, tf.int64),
        tf.cast(x, tf.bool),
        tf.cast(tf.constant([-1, 300]), tf.uint8),
        tf.cast(z, tf.float32),
        tf.cast(z, tf.bool),
        tf.saturate_cast(tf.constant([-5.0, 3.2, 1e12]), tf.int32),
    ]


@family.values
def ranges_of_floats(tf: Any) -> Any:
    return [
        tf.range(0.0, 1.0, 0.1),
        tf.range(0.0, 0.3, 0.1),
        tf.range(5.0, 1.0, -0.5),
        tf.range(0, -3, -1),
        tf.range(3, 3),
    ]


# TensorFlow 2.21 composes `linspace` of some 70 nodes; 1.x and minitf have one op, LinSpace.
@family.values(nodes=False)
def linspaces(tf: Any) -> Any:
    return [
        tf.linspace(3.0, -2.0, 7),
        tf.linspace(5.0, 1.0, 1),
        tf.linspace(5.0, 1.0, 0),
    ]


@family.values
def segments_with_gaps(tf: Any) -> Any:
    x, n, ids = tf.constant([1.0, 2.0, 3.0]), tf.constant([1, 2, -4]), [0, 0, 3]
    found = []
    for name in ("sum", "mean", "prod", "max", "min"):
        found += [getattr(tf, f"segment_{name}")(v, ids) for v in (x, n)]
    for name in ("sum", "prod", "max", "min"):
        found += [getattr(tf, f"unsorted_segment_{name}")(v, [0, -1, 3], 5) for v in (x, n)]
    found += [tf.unsorted_segment_mean(x, ids, 5), tf.unsorted_segment_sqrt_n(x, ids, 5)]
    return found


@family.values
def zeros_settle(tf: Any) -> Any:
    x, y = tf.constant([0.0, 0.0, 1.0, 2.0]), tf.constant([0.0, NAN, 0.0, 3.0])
    return [tf.math.xlogy(x, y), tf.math.xdivy(x, y), tf.math.multiply_no_nan(y, x)]


@family.values
def sums_of_exponentials(tf: Any) -> Any:
    rows = tf.constant([[1000.0, 1000.0], [-INF, -INF], [INF, 1.0], [NAN, 1.0]])
    return [tf.reduce_logsumexp(rows, 1), tf.reduce_logsumexp(rows, keepdims=True)]


@family.values
def norms_clipped(tf: Any) -> Any:
    clipped = [tf.clip_by_norm(tf.constant(x), 1.0) for x in ([3.0, 4.0], [0.0, 0.0], [0.3, 0.4])]
    one, norm = tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([[4.0]])], 2.5)
    lost, _ = tf.clip_by_global_norm([tf.constant([3.0, INF])], 1.0)
    return [*clipped, *one, norm, *lost, tf.clip_by_average_norm(tf.constant([3.0, 4.0]), 1.0)]


@family.values
def gradients_at_corners(tf: Any) -> Any:
    found = []
    for function, points in (
        (lambda x: tf.reduce_prod(x), [0.0, 2.0, 3.0]),
        (lambda x: tf.reduce_prod(x), [0.0, 0.0, 3.0]),
        (lambda x: tf.reduce_max(x), [1.0, 3.0, 3.0]),
        (lambda x: tf.reduce_min(x), [3.0, 1.0, 1.0]),
        (lambda x: tf.abs(x), [-1.0, 0.0, 2.0]),
        (lambda x: tf.sign(x), [-1.0, 0.0, 2.0]),
        (lambda x: tf.maximum(x, 1.0), [0.0, 1.0, 2.0]),
        (lambda x: tf.minimum(1.0, x), [0.0, 1.0, 2.0]),
        (lambda x: x**2, [-1.0, 0.0, 2.0]),
        (lambda x: 2.0**x, [-1.0, 0.0, 2.0]),
        (lambda x: tf.sqrt(x), [0.0, 1.0, 4.0]),
        (lambda x: tf.clip_by_value(x, 0.0, 1.0), [0.0, 0.5, 1.0]),
        (lambda x: tf.div_no_nan(1.0, x), [0.0, 1.0, 2.0]),
        (lambda x: x % 2.0, [0.5, 3.0, -1.5]),
        (lambda x: tf.unsorted_segment_prod(x, [0, 0, 1], 2), [0.0, 2.0, 0.0]),
        (lambda x: tf.segment_max(x, [0, 0, 1]), [2.0, 2.0, 0.0]),
        (lambda x: tf.reduce_logsumexp(x), [1000.0, 1000.0, 0.0]),
        (lambda x: tf.norm(x), [3.0, 4.0, 0.0]),
        (lambda x: tf.clip_by_norm(x, 1.0), [3.0, 4.0, 0.0]),
        (lambda x: tf.cumprod(x, exclusive=True), [3.0, 4.0, 2.0]),
    ):
        x = tf.constant(points)
        found += tf.gradients(function(x), x)
    return found
