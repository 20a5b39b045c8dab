"""Functions of numbers with all their arguments: dtypes, axes, names, numpy and Python inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("numbers")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    """A placeholder; of unknown rank if its only dim is "?"."""
    return tf.placeholder(dtype, None if shape == ("?",) else list(shape), name="p")


@family.graph
def comparisons(tf: Any) -> None:
    names = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    for name in names:
        compare = getattr(tf, name)
        compare(ph(tf, 2, 1), ph(tf, None, 3))
        compare(ph(tf, 2), 1, name="named")
        compare([1, 2], ph(tf, 2, dtype="int32"))
        compare(np.float64(2.0), ph(tf, "?", dtype="float64"))
        compare(x=ph(tf, 2, dtype="uint8"), y=3)
    tf.equal(ph(tf, 2, dtype="string"), "text")
    tf.not_equal(ph(tf, 2, dtype="bool"), [True, False])
    tf.equal(ph(tf, 2, dtype="complex64"), 1 + 2j)


@family.graph
def two_numbers(tf: Any) -> None:
    tf.atan2(ph(tf, 2, 1), ph(tf, 3))
    tf.atan2([1.0, 2.0], ph(tf, None), name="angle")
    tf.pow(ph(tf, 2), 2)
    tf.pow(ph(tf, 2, dtype="int32"), [2, 3], name="powers")
    tf.pow(2.0, ph(tf, "?"))
    tf.maximum(ph(tf, 2, 1), ph(tf, 1, 3))
    tf.minimum(ph(tf, 2, dtype="int64"), 3, name="least")
    tf.squared_difference(ph(tf, 2, dtype="int32"), 1)
    tf.polygamma(tf.abs(ph(tf, 2)), 1.5)
    tf.math.polygamma([1.0, 2.0], tf.abs(ph(tf, 3, 2)) + 1.0, name="psi")
    tf.math.xlogy(ph(tf, 2), [1.0, 2.0])
    tf.math.xdivy(ph(tf, 2), ph(tf, 3, 2), name="quotient")
    tf.math.multiply_no_nan(ph(tf, 2), [0.0, 1.0])
    tf.math.divide_no_nan(ph(tf, 2), 0.0, name="safe")
    tf.truediv(ph(tf, 2, dtype="int8"), ph(tf, 2, dtype="int8"))
    tf.truediv(ph(tf, 2, dtype="int16"), 3)
    tf.truediv(ph(tf, 2, dtype="float16"), 3, name="half")
    tf.div(ph(tf, 2, dtype="int64"), 5)
    tf.div_no_nan(ph(tf, 2, 1), ph(tf, 1, 3), name="none")
    tf.floordiv(ph(tf, 2), 0.3, name="floor")
    tf.multiply(ph(tf, 2, dtype="complex64"), 2)
    tf.complex(ph(tf, 2, dtype="float64"), np.float64(1.0))
    tf.complex([1.0, 2.0], ph(tf, 2), name="z")


@family.graph(feeds={"places": np.int32([[1], [2]])})
def bits(tf: Any) -> None:
    for dtype in ("int32", "uint8", "int64"):
        x = ph(tf, 2, 3, dtype=dtype)
        tf.bitwise.bitwise_and(x, 5)
        tf.bitwise.bitwise_or(x, [1, 2, 4], name="either")
        tf.bitwise.bitwise_xor(x, x)
        tf.bitwise.invert(x)
        tf.bitwise.invert([1, 2], name="inverted")
    x = ph(tf, 2, 3)
    tf.bitcast(x, tf.int32, name="words")
    tf.bitcast(ph(tf, 2, dtype="int64"), tf.uint8)
    tf.scatter_nd(tf.placeholder(tf.int32, [2, 1], "places"), ph(tf, 2, 3), [4, 3], name="s")


@family.graph
def functions_of_other_dtypes(tf: Any) -> None:
    names = (
        "abs negative sign square sqrt rsqrt exp log log1p expm1 sin cos tan sinh cosh tanh asinh "
        "sigmoid reciprocal conj"
    )
    for name in names.split():
        function = getattr(tf, name)
        for dtype in ("float16", "float64", "complex64"):
            function(ph(tf, None, 2, dtype=dtype))
        function(ph(tf, "?"), name="of_anything")
    for name in ("abs", "negative", "sign", "square"):
        getattr(tf, name)(ph(tf, 2, dtype="int32"))
        getattr(tf, name)(ph(tf, 2, dtype="int64"), name="of_integers")
    for name in ("floor", "ceil", "rint", "round", "erf", "lgamma", "digamma", "erfc"):
        getattr(tf, name)(ph(tf, 2, dtype="float64"), name="of_doubles")
    tf.round(ph(tf, 2, dtype="int32"))
    tf.is_nan(ph(tf, 2, dtype="float64"), name="nan")
    tf.is_finite(ph(tf, 2, dtype="float16"))
    tf.real(ph(tf, 2))
    tf.imag(ph(tf, 2, dtype="complex128"))
    tf.angle(ph(tf, 2))
    tf.to_complex128(ph(tf, 2))
    tf.to_complex64(ph(tf, 2, dtype="float64"), name="single")
    tf.to_double(ph(tf, 2, dtype="bool"), name="doubles")
    tf.cast(ph(tf, 2, dtype="complex64"), tf.float32)
    tf.cast(tf.Variable([1.0, 2.0]), tf.float64)
    tf.cast(np.array([1, 2]), "bool")
    tf.cast(2.5, tf.int32, name="two")


@family.graph
def rows_of_a_variable(tf: Any) -> None:
    v = tf.Variable(np.arange(6.0).reshape(2, 3), dtype=tf.float32, name="v")
    tf.sqrt(v)
    tf.maximum(v, 1.0)
    tf.reduce_mean(v, 0)
    tf.transpose(v)
    tf.reshape(v, [3, 2])
    tf.gather(v, [1, 0])
    tf.concat([v, v], 1)
    tf.stack([v, v])
    tf.shape(v)
    tf.zeros_like(v)
    tf.nn.relu(v)
    tf.nn.softmax(v)
    tf.matmul(v, v, transpose_b=True)
    tf.cumsum(v)
    tf.cast(v, tf.int32)
    tf.argmax(v, 1)
    _ = v[0], v[:, 1], v @ tf.ones([3, 1]), v % 2.0, v // 2.0, v**2, -v, v == v


@family.graph
def all_reductions(tf: Any) -> None:
    sums = ("sum", "mean", "prod", "max", "min")
    for name in sums:
        reduce = getattr(tf, f"reduce_{name}")
        reduce(ph(tf, 2, 3, 4), [0, 2], keepdims=True)
        reduce(ph(tf, 2, 3, 4), (1, -1), name="named")
        reduce(ph(tf, None, None), -1)
        reduce(ph(tf, "?"))
        reduce(ph(tf, "?"), 0)
        reduce(ph(tf, 2, 3, dtype="int64"), np.array([1]))
        reduce([[1, 2], [3, 4]], axis=0)
        reduce(ph(tf, 2, 3, dtype="float64"), keep_dims=True)
    for name in ("all", "any"):
        reduce = getattr(tf, f"reduce_{name}")
        reduce(ph(tf, 2, 3, dtype="bool"), axis=-1, keepdims=True, name="named")
        reduce(ph(tf, "?", dtype="bool"))
        reduce([True, False], reduction_indices=0)
    tf.reduce_logsumexp([1.0, 2.0], name="lse")
    tf.reduce_logsumexp(ph(tf, "?"), axis=0)
    tf.math.reduce_variance(ph(tf, None, 3), keepdims=True, name="var")
    tf.math.reduce_std(ph(tf, 2, 3), [0], name="std")
    tf.math.reduce_euclidean_norm(ph(tf, 2, 3), keepdims=True)
    tf.count_nonzero(ph(tf, "?", dtype="int32"), keepdims=True, name="nonzero")
    tf.count_nonzero(ph(tf, 2, 3, dtype="bool"), axis=[0])
    tf.norm(ph(tf, None, 3), ord=2, axis=1, name="norm")
    tf.norm(ph(tf, 2, 3), ord=2.5)
    tf.norm(ph(tf, 2, 3), ord=1, keep_dims=True)


@family.graph
def runs(tf: Any) -> None:
    for name in ("argmax", "argmin"):
        search = getattr(tf, name)
        search(ph(tf, None, 3), axis=-1)
        search(ph(tf, "?"), 0, name="named")
        search(ph(tf, 2, 3, dtype="int32"), ph(tf, dtype="int32"))
        search([3, 1, 2])
    for name in ("cumsum", "cumprod"):
        run = getattr(tf, name)
        run(ph(tf, None, 3), axis=1, reverse=True)
        run(ph(tf, 2, 3, dtype="int32"), exclusive=True, name="named")
        run([1.0, 2.0], ph(tf, dtype="int32"))
    tf.bincount(ph(tf, 3, dtype="int32"), minlength=4, dtype=tf.float64)
    tf.bincount([1, 1, 2], [0.5, 1.5, 2.5])
    tf.math.bincount([[1, 2], [2, 2]], maxlength=3)


@family.graph
def products(tf: Any) -> None:
    tf.matmul(ph(tf, None, 3), ph(tf, 3, None))
    tf.matmul(ph(tf, 3, 2, dtype="int32"), ph(tf, 3, 4, dtype="int32"), transpose_a=True)
    tf.matmul(ph(tf, 2, 3, dtype="float64"), np.ones((3, 2)), a_is_sparse=False)
    tf.matmul(ph(tf, 2, 3), ph(tf, 2, 3), adjoint_b=True, name="mm")
    tf.matmul(ph(tf, 2, 2, dtype="complex64"), ph(tf, 2, 2, dtype="complex64"), adjoint_a=True)
    tf.matmul(ph(tf, 5, 2, 3), ph(tf, 5, 4, 3), transpose_b=True)
    tf.matmul(ph(tf, None, 2, 3), ph(tf, 3, 4))
    tf.linalg.matmul(ph(tf, 2, 3), ph(tf, 3, 1))
    tf.tensordot(ph(tf, None, 3), ph(tf, 3, 2), axes=1, name="td")
    tf.tensordot(ph(tf, "?"), ph(tf, "?"), [[0], [0]])
    tf.tensordot(ph(tf, 2, 3), ph(tf, 3, 2), [[0, 1], [1, 0]])
    tf.einsum("bi,bj->bij", ph(tf, None, 2), ph(tf, None, 3))
    tf.einsum("ij->ji", ph(tf, 2, 3))
    tf.trace(ph(tf, 3, 3), name="tr")
    tf.cross(ph(tf, None, 3), ph(tf, None, 3), name="cr")
    tf.cholesky([[2.0, 1.0], [1.0, 2.0]], name="chol")
    tf.matrix_inverse([[2.0, 1.0], [1.0, 2.0]], adjoint=True, name="inv")
    tf.matrix_determinant([[2.0, 1.0], [1.0, 2.0]], name="det")
    tf.matrix_solve([[2.0, 1.0], [1.0, 2.0]], [[1.0], [2.0]], name="solve")
    tf.qr([[2.0, 1.0], [1.0, 2.0], [0.5, 0.5]], name="qr")


# TensorFlow asks a library in which order three and more tensors are multiplied.
@family.values(nodes=False)
def long_products(tf: Any) -> Any:
    rng = np.random.default_rng(8)
    a, b, c = (rng.uniform(-1, 1, shape) for shape in ((2, 3), (4, 3), (4,)))
    return [
        tf.einsum("ij,kj,k->i", a, b, c),
        tf.einsum("ij,kj,k,ia->ak", a, b, c, a),
        *tf.gradients(tf.einsum("ij,kj,k->i", *[x := tf.constant(a), b, c]), x),
    ]


@family.graph
def lists_of_tensors(tf: Any) -> None:
    x, y = ph(tf, 2, 3), ph(tf, None, 3)
    tf.add_n([x, y, x], name="sum")
    tf.add_n([1.0, 2.0])
    tf.accumulate_n([x, x], name="acc")
    tf.accumulate_n([x, y], shape=[2, 3], tensor_dtype=tf.float32)
    tf.accumulate_n([x])
    tf.global_norm([x, None, y], name="gn")
    tf.clip_by_value(y, -1, tf.constant(1.0), name="between")
    tf.clip_by_value(x, ph(tf, 3), 2.0)
    tf.clip_by_average_norm(y, 2.0, name="average")
    tf.clip_by_norm(x, ph(tf))
    tf.clip_by_norm([3.0, 4.0], 1, 0)
    tf.clip_by_norm(x, -1.0)
    tf.clip_by_norm(x, np.float32(0.5))
    tf.clip_by_norm(x, tf.constant(0.5))
    tf.clip_by_norm(x, tf.Variable(0.5, name="limit"))
    tf.clip_by_global_norm([x, y], ph(tf), name="global")
    tf.scalar_mul(tf.constant(2.0), x)
    tf.math.scalar_mul(3, ph(tf, 2, dtype="int32"), name="thrice")


@family.graph(feeds={"ids": np.array([0, 1]), "scores": [[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]})
def ids_and_scores(tf: Any) -> None:
    ids = tf.placeholder(tf.int32, [None], name="ids")
    scores = tf.placeholder(tf.float32, [None, 3], name="scores")
    for name in ("sum", "mean", "prod", "max", "min"):
        getattr(tf, f"segment_{name}")(scores, ids, name="named")
        getattr(tf, f"segment_{name}")(ph(tf, "?"), ids)
        getattr(tf, f"unsorted_segment_{name}")(scores, ids, 3, name="named")
    tf.unsorted_segment_sqrt_n(scores, ids, 3)
    tf.unsorted_segment_sum(scores, [[0, 1, 1], [2, 0, 1]], 3)
    tf.segment_sum([1, 2, 3], [0, 0, 1])
    tf.nn.in_top_k(scores, ids, 2, name="top")
    tf.math.top_k(scores, name="one")
    tf.math.zero_fraction(scores, name="zeros")
    tf.math.log_softmax(scores, 0, name="along_columns")
    tf.math.softplus(scores, name="soft")
    tf.argmax(scores, 1, output_type=tf.int32)


@family.graph
def kept_in_older_names(tf: Any) -> None:
    """Names of modules under which TensorFlow gives what has another one as well."""
    x = ph(tf, 2, 3)
    tf.math.add(x, 1.0)
    tf.math.argmax(x, 1)
    tf.math.floormod(x, 2.0)
    tf.math.mod(ph(tf, 2, dtype="int32"), 2)
    tf.math.invert_permutation([1, 0])
    tf.linalg.eye(2, name="one")
    tf.linalg.norm(x, axis=0)
    tf.linalg.tensor_diag([1.0, 2.0], name="d")
    tf.linalg.tensor_diag_part(tf.ones([2, 2]))
    tf.manip.reshape(x, [3, 2])
    tf.manip.roll(x, 1, 0, name="r")
    tf.manip.tile(x, [1, 2])
    tf.manip.gather_nd(x, [[0, 1]])
    tf.random.uniform([2], name="u")
    tf.random.normal([2], dtype=tf.float64)
    tf.random.truncated_normal([2], seed=4)
    tf.random.shuffle([1, 2, 3])
    tf.random.multinomial([[0.1, 0.9]], 2, name="m")
