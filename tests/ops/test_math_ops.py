"""Mathematics: errors, broadcasting undone, run-time axes."""

from __future__ import annotations

import numpy as np
import pytest

import minitf as tf
from minitf.ops import math_ops


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


# ---- errors while the graph is built


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda x: tf.reduce_sum(x, 2), ValueError, "Invalid reduction dimension 2"),
        (lambda x: tf.reduce_sum(x, 1, reduction_indices=1), ValueError, "both 'reduction_indi"),
        (lambda x: tf.reduce_sum(x, keepdims=True, keep_dims=True), ValueError, "'keep_dims' and"),
        (lambda x: tf.reduce_sum(x, 1.5), TypeError, "float32 not in list"),
        (lambda x: tf.reduce_mean(x > 0), TypeError, "bool not in list of allowed"),
        (lambda x: tf.argmax(x, 2), ValueError, r"Dimension \(2\) must be in the range \[-2, 2\)"),
        (lambda x: tf.argmax(x, 0, dimension=0), ValueError, "both 'dimension' and 'axis'"),
        (lambda x: tf.matmul(x, x), ValueError, "must be equal, but are 3 and 2"),
        (lambda x: tf.matmul([1.0], x), ValueError, "must be rank 2 but is rank 1"),
        (lambda x: tf.matmul(x[None], x), ValueError, "must be equal, but are 3 and 2"),
        (lambda x: tf.matmul(x, x, transpose_b=True, adjoint_b=True), ValueError, "Only one of"),
        (lambda x: tf.matmul(x, tf.zeros([3, 2], tf.float64)), TypeError, "float64 that does not"),
        (lambda x: x + tf.zeros([2]), ValueError, "must be equal, but are 3 and 2"),
        (lambda x: tf.equal(x, tf.zeros([2])), ValueError, "must be equal, but are 3 and 2"),
        (lambda x: tf.add_n([]), ValueError, "list of at least one"),
        (lambda x: tf.add_n(x), TypeError, "must be a list"),
        (lambda x: tf.add_n([x, None]), ValueError, "None values not supported"),
        (lambda x: tf.add_n([x, tf.zeros([3])]), ValueError, "not compatible"),
        (lambda x: tf.accumulate_n([x], tensor_dtype=tf.int32), TypeError, "tensor_dtype is int32"),
        (lambda x: tf.accumulate_n([x], shape=[7]), ValueError, "not compatible"),
        (lambda x: tf.range(5, 0), ValueError, "Requires start <= limit when delta > 0: 5/0"),
        (lambda x: tf.range(0, 5, -1), ValueError, "Requires start >= limit when delta < 0: 0/5"),
        (lambda x: tf.range(0, 5, 0), ValueError, "Requires delta != 0"),
        (lambda x: tf.range([1, 2]), ValueError, "rank 0 but is rank 1"),
        (lambda x: tf.linspace(0.0, 1.0, -1), ValueError, "Requires num >= 0"),
        (lambda x: tf.scalar_mul([1.0, 2.0], x), ValueError, "Only scalar multiply"),
        (lambda x: tf.conj("a"), TypeError, "Expected numeric"),
        (lambda x: tf.realdiv(1, 2), TypeError, "int32 not in list"),
        (lambda x: tf.truediv(x, x < 1), TypeError, "must have the same dtype"),
        (lambda x: tf.unsorted_segment_sum(x, [0, 1, 2], 3), ValueError, "not compatible"),
        (lambda x: tf.cross(x[:, :2], x[:, :2]), ValueError, "must be 3 but is 2"),
        (lambda x: tf.matrix_inverse(x), ValueError, "must be equal, but are 2 and 3"),
        (lambda x: tf.matrix_solve(tf.zeros([2, 2]), tf.zeros([3, 1])), ValueError, "are 2 and 3"),
        (lambda x: tf.einsum("ij,jk", x), ValueError, "Got 1 inputs for equation"),
        (lambda x: tf.einsum("ij,jk->iz", x, x), ValueError, "incorrect format"),
        (lambda x: tf.einsum("ij->ii", x), ValueError, "incorrect format"),
        (lambda x: tf.einsum("ij,jk->ik", x, x), ValueError, "are 3 and 2"),
        (lambda x: tf.einsum("ijk->i", x), ValueError, "must be rank 3 but is rank 2"),
        (lambda x: tf.einsum("ij->i", x, axis=1), TypeError, "unexpected keyword"),
        (lambda x: tf.tensordot(x, x, [[0], [0, 1]]), ValueError, "Different number"),
        (lambda x: tf.tensordot(x, x, 3), ValueError, "must not be larger"),
        (lambda x: tf.tensordot(x, x, [[0]]), ValueError, "have length 2"),
        (lambda x: tf.norm(x, "nuc"), ValueError, "supported vector norm, got nuc"),
        (lambda x: tf.norm(x, -1), ValueError, "supported vector norm, got -1"),
        (lambda x: tf.norm(x, 3, axis=[0, 1]), ValueError, "supported matrix norm"),
        (lambda x: tf.norm(x, 2, axis=[0, 1]), NotImplementedError, "spectral"),
        (lambda x: tf.norm(x, axis=[0, 1, 2]), ValueError, "tuple of 2 unique integers"),
        (lambda x: tf.global_norm(x), TypeError, "sequence of tensors"),
        (lambda x: tf.clip_by_value(x[:, :1], x, 1.0), ValueError, "incompatible"),
        (lambda x: tf.math.reduce_variance([1, 2]), TypeError, "real or complex"),
    ],
)
def test_what_cannot_be_built_says_so(build, error, text):
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    with pytest.raises(error, match=text):
        build(x)


def test_mixed_dtypes_name_both():
    """The message says both dtypes and tells how to convert."""
    x, n = tf.constant([1.5], name="x"), tf.constant([1], name="n")
    for build in (lambda: x + n, lambda: tf.multiply(n, x), lambda: tf.maximum(x, n)):
        with pytest.raises(TypeError) as raised:
            build()
        message = str(raised.value)
        assert "float32" in message and "int32" in message and "tf.cast" in message
    with pytest.raises(TypeError, match=r"tf.float32 != tf.int32"):
        _ = x / n


# ---- errors while the graph runs


def fed(*values):
    """Placeholders of unknown shape and dtype of the values, so that only a run can see them."""
    return [tf.placeholder_with_default(v, None) for v in map(tf.constant, values)]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda a, b: a // (b - b), "Integer division by zero"),
        (lambda a, b: a % 0, "Integer division by zero"),
        (lambda a, b: tf.truncatediv(a, 0), "division by zero"),
        (lambda a, b: tf.truncatemod(a, 0), "division by zero"),
        (lambda a, b: a**-1, "negative integer powers"),
        (lambda a, b: a + b[:2], "broadcast"),
        (lambda a, b: tf.add_n([a, b[:2]]), "same size and shape"),
        (lambda a, b: tf.reduce_sum(a, 1), "dimension 1 for input"),
        (lambda a, b: tf.reduce_sum(a, [0, -1]), "duplicate"),
        (lambda a, b: tf.argmax(a, 1), r"range \[-1, 1\)"),
        (lambda a, b: tf.argmax(a[:0], 0), "is empty in shape"),
        (lambda a, b: tf.cumsum(a, 1), r"range \[-1, 1\)"),
        (lambda a, b: tf.range(a[2], a[0]), "Requires start <="),
        (lambda a, b: tf.range(a), "limit must be a scalar"),
        (lambda a, b: tf.linspace(0.0, 1.0, -a[0]), "num >= 0"),
        (lambda a, b: tf.segment_sum(a, b), "not decrease"),
        (lambda a, b: tf.segment_sum(a, b - 3), "must be >= 0"),
        (lambda a, b: tf.segment_sum(a, a[:2]), "same size"),
        (lambda a, b: tf.unsorted_segment_sum(a, b, 3), r"\[0\]"),
        (lambda a, b: tf.unsorted_segment_sum(a, b, -1), "negative"),
        (lambda a, b: tf.unsorted_segment_sum(a, b[:2], 4), "start"),
        (lambda a, b: tf.bincount(-a), "non-negative"),
        (lambda a, b: tf.matmul(a, b), "ndims must be >= 2"),
        (lambda a, b: tf.matmul(a[:2, None], b[:2, None]), "size-incompatible"),
        (lambda a, b: tf.cross(a, b[:2]), "ends in 3"),
    ],
)
def test_what_cannot_run_says_so(build, text, sess):
    """TensorFlow's class of error; the message names the op and the line that built it."""
    tensor = build(*fed([1, 2, 4], [3, 2, 1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=text) as raised:
        sess.run(tensor)
    assert "test_math_ops.py" in str(raised.value)


def test_cross_of_others_than_threes(sess):
    """TensorFlow's class, which elsewhere speaks of variables: here the remedy must not."""
    a, b = fed([1, 2], [3, 4])
    with pytest.raises(tf.errors.FailedPreconditionError, match="ends in 3") as raised:
        sess.run(tf.cross(a, b))
    assert "initializer" not in str(raised.value)


def test_strings_cannot_be_cast(sess):
    with pytest.raises(tf.errors.UnimplementedError, match="between strings and int32"):
        sess.run(tf.cast(tf.constant(["1"]), tf.int32))


@pytest.mark.parametrize(
    ("function", "matrix"),
    [
        (tf.matrix_inverse, [[1.0, 2.0], [2.0, 4.0]]),
        (lambda m: tf.matrix_solve(m, [[1.0], [1.0]]), [[1.0, 2.0], [2.0, 4.0]]),
        (tf.cholesky, [[1.0, 2.0], [2.0, 1.0]]),
    ],
)
def test_matrices_that_have_no_inverse_or_root(function, matrix, sess):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Input is not valid"):
        sess.run(function(tf.constant(matrix)))


def test_matrices_must_be_square_at_run_time(sess):
    (wide,) = fed(np.ones((2, 3)))
    for function in (tf.matrix_inverse, tf.matrix_determinant, tf.cholesky):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be square"):
            sess.run(function(wide))


# ---- broadcasting, undone in gradients


def types_of(shape_x, shape_y):
    """The types of the nodes that the gradients of a sum add, and the gradients' shapes."""
    with tf.Graph().as_default() as graph:
        x, y = tf.placeholder(tf.float32, shape_x), tf.placeholder(tf.float32, shape_y)
        total = x + y
        grad = tf.ones_like(total)
        before = len(graph.get_operations())
        made = [math_ops.unbroadcast(grad, x, y), math_ops.unbroadcast(grad, y, x)]
        types = sorted(op.type for op in graph.get_operations()[before:] if op.type != "Const")
        return types, [g.shape.as_list() if g.shape.ndims is not None else None for g in made]


@pytest.mark.parametrize(
    ("shape_x", "shape_y", "types"),
    [
        ([2, 3], [2, 3], []),
        ([2, 3], [], ["Sum"]),
        ([2, 3], [3], ["Sum"]),
        ([2, 3], [2, 1], ["Sum"]),
        ([4, 2, 3], [2, 1], ["Reshape", "Sum"]),
        ([2, 1], [1, 3], ["Sum", "Sum"]),
        ([None, 3], [3], ["Sum"]),
        ([None, 3], [1, 3], ["Sum"]),
        ([None, None], [], ["Sum"]),
        (None, [], ["BroadcastGradientArgs", "Reshape", "Shape", "Sum"]),
    ],
)
def test_static_shapes_decide_what_is_summed(shape_x, shape_y, types):
    """Nothing where nothing was repeated, and no question to the run where none is open."""
    found, shapes = types_of(shape_x, shape_y)
    assert found == types
    for shape, given in zip(shapes, (shape_x, shape_y), strict=True):
        assert shape is None or given is None or shape == given


@pytest.mark.parametrize("run_shapes", [((2, 3), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3))])
def test_open_shapes_are_decided_by_the_run(run_shapes, sess):
    """The same nodes serve inputs that were repeated and inputs that were not."""
    x, y = tf.placeholder(tf.float64, [None, None]), tf.placeholder(tf.float64, [None, None])
    grads = tf.gradients(tf.reduce_sum(x * y), [x, y])
    a, b = (np.random.default_rng(i).standard_normal(s) for i, s in enumerate(run_shapes))
    by_x, by_y = sess.run(grads, {x: a, y: b})
    axes = tuple(i for i in range(2) if a.shape[i] < b.shape[i])
    np.testing.assert_allclose(by_x, np.broadcast_to(b, b.shape).sum(axes, keepdims=True))
    np.testing.assert_allclose(by_y, np.broadcast_to(a, b.shape))


def test_batches_of_unknown_shape_are_undone_too(sess):
    x, y = tf.placeholder(tf.float64, None), tf.placeholder(tf.float64, None)
    grads = tf.gradients(tf.reduce_sum(tf.matmul(x, y)), [x, y])
    a, b = np.ones((4, 2, 3)), np.arange(6.0).reshape(3, 2)
    by_x, by_y = sess.run(grads, {x: a, y: b})
    np.testing.assert_allclose(by_x, np.broadcast_to(b.sum(1), (4, 2, 3)))
    np.testing.assert_allclose(by_y, np.full((3, 2), 8.0))


# ---- reductions


def test_sums_keep_rounding_small(sess):
    """Whatever the axis: of 200,000 float32 numbers no more than a few last bits are lost."""
    rng = np.random.default_rng(0)
    tall = rng.uniform(0, 1, (200_000, 3)).astype(np.float32)
    exact = tall.sum(0, dtype=np.float64)
    x = tf.placeholder(tf.float32)
    for axis, value in ((0, tall), (1, np.ascontiguousarray(tall.T)), (0, tall[:199_999])):
        found = sess.run(tf.reduce_sum(x, axis), {x: value})
        wanted = exact if len(value) != 199_999 else value.sum(0, dtype=np.float64)
        np.testing.assert_allclose(found, wanted, rtol=5e-7)
    assert sess.run(tf.reduce_mean(x), {x: tall}) == pytest.approx(
        tall.mean(dtype=np.float64), 5e-7
    )


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max"])
@pytest.mark.parametrize("axes", [1, [0, -1], [], [2, 0, 1]])
def test_axes_that_only_the_run_knows(name, axes, keepdims, sess):
    """Values and gradients are the same whether axes and shapes are known or fed."""
    value = np.random.default_rng(3).uniform(0.5, 2.0, (2, 3, 2))
    function = getattr(tf, f"reduce_{name}")
    x = tf.constant(value)
    known = function(x, axes, keepdims=keepdims)
    open_x = tf.placeholder(tf.float64, None)
    open_axes = tf.placeholder(tf.int32, np.shape(axes))
    unknown = function(open_x, open_axes, keepdims=keepdims)
    feeds = {open_x: value, open_axes: np.array(axes, np.int32)}
    np.testing.assert_array_equal(sess.run(known), sess.run(unknown, feeds))
    (expected,) = sess.run(tf.gradients(tf.square(known), x))
    (found,) = sess.run(tf.gradients(tf.square(unknown), open_x), feeds)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_all_axes_of_unknown_rank(sess):
    x = tf.placeholder(tf.float64, None)
    total = tf.reduce_prod(x)
    assert total.shape.as_list() == []
    value = np.array([[2.0, 0.0], [3.0, 4.0]])
    (grad,) = sess.run(tf.gradients(total, x), {x: value})
    np.testing.assert_array_equal(grad, [[0, 24], [0, 0]])


def test_a_product_over_an_unknown_number_of_axes(sess):
    x, axes = tf.placeholder(tf.float64, [2, 2]), tf.placeholder(tf.int32, None)
    (grad,) = tf.gradients(tf.reduce_prod(x, axes), x)
    value = np.array([[2.0, 0.0], [3.0, 4.0]])
    for chosen, expected in (
        ([], [[1, 1], [1, 1]]),
        (-1, [[0, 2], [4, 3]]),
        ([1, 0], [[0, 24], [0, 0]]),
    ):
        found = sess.run(grad, {x: value, axes: np.array(chosen, np.int32)})
        np.testing.assert_array_equal(found, expected)


# ---- contraction


def test_an_einsum_of_all_labels_is_a_scalar(sess):
    total = sess.run(tf.einsum("ij,ij->", [[1.0, 2.0]], [[3.0, 4.0]]))
    assert np.shape(total) == () and total == 11.0


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3), (3, 4), 1),
        ((2, 3, 4), (4, 3, 5), [[1, 2], [1, 0]]),
        ((2, 3, 4), (5, 4), [[-1], [-1]]),
        ((2, 3), (4,), 0),
        ((2, 3), (2, 3), 2),
        ((2, 3, 4), (4, 2), [2, 0]),
    ],
)
@pytest.mark.parametrize("known", ["shape", "rank", "nothing"])
def test_tensordot(a, b, axes, known, sess):
    """As numpy's, with gradients, whether the shapes are known or not."""
    shape_of = {"shape": lambda s: s, "rank": lambda s: [None] * len(s), "nothing": lambda s: None}
    rng = np.random.default_rng(1)
    values = [rng.standard_normal(shape) for shape in (a, b)]
    x, y = (tf.placeholder(tf.float64, shape_of[known](shape)) for shape in (a, b))
    product = tf.tensordot(x, y, axes)
    expected = np.tensordot(*values, axes)
    assert product.shape.is_compatible_with(expected.shape)
    if known == "shape":
        assert product.shape.as_list() == list(expected.shape)
    feeds = {x: values[0], y: values[1]}
    np.testing.assert_allclose(sess.run(product, feeds), expected, rtol=1e-12, atol=1e-12)
    by_x, by_y = sess.run(tf.gradients(tf.square(product), [x, y]), feeds)
    step = 1e-6 * rng.standard_normal(a)
    ahead, back = (np.sum(np.tensordot(values[0] + s, values[1], axes) ** 2) for s in (step, -step))
    assert float(np.sum(by_x * step)) == pytest.approx((ahead - back) / 2, rel=1e-5, abs=1e-12)
    assert by_y.shape == b


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ji", [(2, 3)]),
        ("ij,jk,kl", [(2, 3), (3, 4), (4, 2)]),
        ("a,ab,b->", [(2,), (2, 3), (3,)]),
        ("...i,...i", [(4, 2, 3), (2, 3)]),
        ("i...,jk...,k->j...i", [(2, 3), (4, 5, 3), (5,)]),
        ("abc,cd,def,ef->ba", [(2, 3, 4), (4, 2), (2, 3, 2), (3, 2)]),
    ],
)
def test_einsum_of_any_number(equation, shapes, sess):
    """As numpy's, with the output left out or written, in pairs where there are more."""
    rng = np.random.default_rng(2)
    values = [rng.standard_normal(shape) for shape in shapes]
    found = tf.einsum(equation, *map(tf.constant, values))
    expected = np.einsum(equation, *values)
    assert found.shape.as_list() == list(expected.shape)
    np.testing.assert_allclose(sess.run(found), expected, rtol=1e-12, atol=1e-12)


def test_products_of_three_matrices_are_differentiated(sess):
    values = [
        np.random.default_rng(i).standard_normal(s) for i, s in enumerate([(2, 3), (3, 3), 3])
    ]
    tensors = [tf.constant(v) for v in values]
    grads = sess.run(tf.gradients(tf.einsum("ij,jk,k->i", *tensors), tensors))
    a, b, c = values
    np.testing.assert_allclose(grads[0], np.tile(b @ c, (2, 1)))
    np.testing.assert_allclose(grads[1], np.outer(a.sum(0), c))
    np.testing.assert_allclose(grads[2], a.sum(0) @ b)


def test_trace(sess):
    x = tf.constant(np.arange(12.0).reshape(2, 2, 3))
    value, grad = sess.run([tf.trace(x), tf.gradients(tf.trace(x), x)[0]])
    np.testing.assert_array_equal(value, [4, 16])
    np.testing.assert_array_equal(grad, np.tile(np.eye(2, 3), (2, 1, 1)))


# ---- matrices


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (4, 4), (2, 0, 3, 3), (3, 2, 2)])
def test_cholesky(dtype, shape, sess):
    """A lower triangle that gives the matrix back; what is above the diagonal is not read."""
    rng = np.random.default_rng(6)
    root = (rng.standard_normal(shape) + 3 * np.eye(shape[-1])).astype(dtype)
    if dtype == "complex128":
        root = root + 1j * rng.standard_normal(shape)
    point = root @ np.swapaxes(root, -1, -2).conj()
    x = tf.placeholder(dtype, [*[None] * (len(shape) - 1), shape[-1]])
    factor = tf.cholesky(x)
    assert factor.shape.as_list() == [*[None] * (len(shape) - 2), shape[-1], shape[-1]]
    found = sess.run(factor, {x: np.tril(point)})
    assert found.dtype == dtype and not np.triu(found, 1).any()
    assert (np.diagonal(found, axis1=-2, axis2=-1).real > 0).all()
    back = found @ np.swapaxes(found, -1, -2).conj()
    np.testing.assert_allclose(back, point, rtol=2e-5 if dtype == "float32" else 1e-12)


def test_gradient_of_cholesky_along_symmetric_changes(sess):
    """The factor of a symmetric matrix, changed symmetrically; to second order too."""
    rng = np.random.default_rng(5)
    root, change = rng.standard_normal((2, 3, 3)) * 0.4 + 2 * np.eye(3), rng.standard_normal((3, 3))
    point, change = root @ np.swapaxes(root, 1, 2), 1e-6 * (change + change.T)
    x = tf.placeholder(tf.float64, [2, 3, 3])
    scalar = tf.reduce_sum(tf.cholesky(x) * rng.standard_normal((2, 3, 3)))
    for _ in range(2):
        (grad,) = tf.gradients(scalar, x)
        ahead, back = (sess.run(scalar, {x: point + s * change}) for s in (1, -1))
        slope = float(np.sum(sess.run(grad, {x: point}) * change))
        assert slope == pytest.approx((ahead - back) / 2, rel=1e-5)
        scalar = tf.reduce_sum(tf.square(grad))


def test_half_precision_matrices(sess):
    """numpy's linear algebra has no float16; the results do."""
    x = tf.constant([[4.0, 2.0], [2.0, 5.0]], tf.float16)
    for tensor in (tf.matrix_inverse(x), tf.cholesky(x), tf.matrix_solve(x, x), *tf.qr(x)):
        assert sess.run(tensor).dtype == np.float16


@pytest.mark.parametrize(
    ("shape", "full", "text"),
    [((None, 3), False, "last two dims are known"), ((3, 2), True, "full_matrices=False only")],
)
def test_the_gradient_of_qr_says_what_it_needs(shape, full, text):
    x = tf.placeholder(tf.float64, shape)
    with pytest.raises(NotImplementedError, match=text):
        tf.gradients(tf.qr(x, full).r, x)


# ---- sparse gradients


def rows(values):
    return tf.IndexedSlices(tf.constant(values), tf.constant([2, 0]), tf.constant([3, 2]))


def test_indexed_slices_stay_sparse_where_they_can(sess):
    slices = rows([[1.0, -2.0], [3.0, 4.0]])
    for made, expected in (
        (tf.negative(slices), [[-1, 2], [-3, -4]]),
        (tf.scalar_mul(2, slices), [[2, -4], [6, 8]]),
        (tf.cast(slices, tf.float64), [[1, -2], [3, 4]]),
        (tf.clip_by_value(slices, 0.0, 3.5), [[1, 0], [3, 3.5]]),
        (tf.clip_by_norm(slices, 1e9), [[1, -2], [3, 4]]),
        (tf.clip_by_global_norm([slices, None], 1e9)[0][0], [[1, -2], [3, 4]]),
    ):
        assert isinstance(made, tf.IndexedSlices)
        assert made.indices is slices.indices and made.dense_shape is slices.dense_shape
        np.testing.assert_allclose(sess.run(made.values), expected, rtol=1e-6)


def test_indexed_slices_are_added_as_dense_tensors(sess):
    dense = tf.constant([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
    total = tf.add_n([rows([[1.0, 2.0], [3.0, 4.0]]), dense])
    np.testing.assert_array_equal(sess.run(total), [[13, 24], [30, 40], [51, 62]])
    assert tf.global_norm([rows([[3.0, 0.0], [0.0, 4.0]])]).eval(session=sess) == 5.0


# ---- other corners


def test_names_in_subpackages():
    """tf.math, tf.linalg and tf.bitwise hold the same functions, some under names of their own."""
    assert tf.math.log is tf.log and tf.math.divide_no_nan is tf.div_no_nan
    assert tf.linalg.det is tf.matrix_determinant and tf.linalg.inv is tf.matrix_inverse
    assert tf.linalg.diag_part is tf.matrix_diag_part and tf.linalg.tensor_diag is tf.diag
    assert tf.lin_space is tf.linspace and tf.math.softmax is tf.nn.softmax
    with tf.Session() as sess:
        bits = [tf.bitwise.bitwise_and(6, 3), tf.bitwise.bitwise_or(6, 3), tf.bitwise.invert(6)]
        assert sess.run(bits) == [2, 7, -7]


def test_linspace_and_range_reach_their_ends(sess):
    for num in (2, 3, 7, 50):
        found = sess.run(tf.linspace(0.1, 0.7, num))
        assert len(found) == num and (found[0], found[-1]) == (np.float32(0.1), np.float32(0.7))
    assert sess.run(tf.range(2**62, 2**62 + 3, dtype=tf.int64)).tolist() == [
        2**62 + i for i in range(3)
    ]


def test_static_values_of_composed_sizes():
    """Shapes computed from shapes are known while the graph is built."""
    x = tf.placeholder(tf.float32, [None, 4, 6])
    size = tf.shape(x)[1] * tf.shape(x)[2]
    assert tf.reshape(x, [-1, size]).shape.as_list() == [None, 24]
    assert tf.zeros(tf.cast(tf.shape(x)[1:], tf.int64)).shape.as_list() == [4, 6]
    assert tf.range(tf.shape(x)[1]).shape.as_list() == [4]
    assert tf.get_static_value(tf.reduce_prod(tf.shape(x)[1:])) == 24


def test_gamma_functions_far_out(sess):
    """Where the tails of the series decide: large, small and negative arguments."""
    x = tf.constant([1e-8, 1e8, -0.5, -10.25, 1e300], tf.float64)
    lgamma, digamma, trigamma = sess.run(
        [tf.lgamma(x), tf.digamma(x), tf.math.polygamma(tf.constant(1.0, tf.float64), x)]
    )
    gamma = 0.5772156649015329
    expected = [-1e8 - gamma + 1e-8 * np.pi**2 / 6, np.log(1e8) - 0.5e-8]
    np.testing.assert_allclose(digamma[:2], expected, rtol=1e-14)
    # Reflection: digamma(1 - x) - digamma(x) = pi / tan(pi x), and its derivative.
    pairs = tf.constant([1.5, 11.25], tf.float64)
    reflected, square = sess.run(
        [tf.digamma(pairs), tf.math.polygamma(tf.constant(1.0, tf.float64), pairs)]
    )
    angle = np.pi * np.array([-0.5, -10.25])
    np.testing.assert_allclose(reflected - digamma[2:4], np.pi / np.tan(angle), atol=1e-12)
    np.testing.assert_allclose(square + trigamma[2:4], (np.pi / np.sin(angle)) ** 2, rtol=1e-12)
    assert lgamma[4] == pytest.approx(1e300 * (np.log(1e300) - 1), rel=1e-14)
    assert trigamma[1] == pytest.approx(1e-8, rel=1e-8)
