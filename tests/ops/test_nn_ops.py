"""What the property tests cannot say of the ops of neural networks: float32-only ops and errors."""

from __future__ import annotations

import numpy as np
import pytest

import minitf as tf
from minitf.ops import nn_ops


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def random(*shape, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1.0, shape)


def unknown(value, dtype=np.float32):
    """A tensor whose shape nobody knows before the graph runs."""
    return tf.placeholder_with_default(np.asarray(value, dtype), None)


# ---- local response normalization


def lrn(image, depth_radius, bias, alpha, beta):
    """From the definition, in double precision."""
    result = np.zeros(image.shape)
    for *pixel, c in np.ndindex(*image.shape):
        near = image[tuple(pixel)][max(c - depth_radius, 0) : c + depth_radius + 1]
        result[(*pixel, c)] = image[(*pixel, c)] / (bias + alpha * np.sum(near**2)) ** beta
    return result


@pytest.mark.parametrize("radius", [0, 1, 2, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_lrn_against_its_definition(sess, radius, dtype):
    """The values, and the gradient against finite differences of the definition."""
    image, weights, direction = (random(2, 1, 3, 5, seed=i) for i in range(3))
    settings = {"depth_radius": radius, "bias": 1.5, "alpha": 0.5, "beta": 0.75}
    x = tf.constant(image.astype(dtype))
    y = tf.nn.lrn(x, **settings)
    tolerance = 1e-5 if dtype is np.float32 else 1e-2
    np.testing.assert_allclose(sess.run(y), lrn(image, **settings), rtol=tolerance, atol=tolerance)

    (grad,) = tf.gradients(y * weights.astype(dtype), x)
    assert grad.op.type == "LRNGrad" and grad.dtype == y.dtype
    assert grad.shape.as_list() == [2, 1, 3, 5]
    step = 1e-6 * direction
    difference = lrn(image + step, **settings) - lrn(image - step, **settings)
    expected = np.sum(weights * difference) / 2e-6
    slope = np.sum(sess.run(grad).astype(np.float64) * direction)
    assert slope == pytest.approx(expected, rel=tolerance, abs=tolerance)


def test_lrn_has_no_second_derivative_and_says_so(sess):
    x = tf.constant(random(1, 1, 1, 3).astype(np.float32))
    (grad,) = tf.gradients(tf.nn.lrn(x), x)
    with pytest.raises(LookupError, match="second derivative of local response normalization"):
        tf.gradients(grad, x)


def test_lrn_of_an_empty_batch(sess):
    assert sess.run(tf.nn.lrn(tf.zeros([0, 2, 2, 3]))).shape == (0, 2, 2, 3)


# ---- fused batch normalization


def composed(x, scale, offset, mean=None, variance=None, is_training=True):
    """Batch normalization of smaller ops, whose gradients are tested on their own."""
    if is_training:
        mean = tf.reduce_mean(x, [0, 1, 2])
        variance = tf.reduce_mean(tf.square(x - mean), [0, 1, 2])
    return scale * (x - mean) * tf.rsqrt(variance + 0.01) + offset, mean, variance


def fused(x, scale, offset, mean=None, variance=None, is_training=True, data_format="NHWC"):
    if data_format == "NCHW":
        x = tf.transpose(x, [0, 3, 1, 2])
    y, mean, variance = tf.nn.fused_batch_norm(
        x, scale, offset, mean, variance, 0.01, data_format, is_training
    )
    if data_format == "NCHW":
        y = tf.transpose(y, [0, 2, 3, 1])
    return y, mean, variance


def derivatives(function, inputs, weights):
    """Values; first and second derivatives of a weighted sum of the first of them."""
    outputs = function(*inputs)
    first = tf.gradients(tf.reduce_sum(outputs[0] * weights), inputs)
    second = tf.gradients([tf.reduce_sum(g * g) for g in first], inputs)
    filled = [tf.zeros_like(x) if g is None else g for x, g in zip(inputs, second, strict=True)]
    return [*outputs, *first, *filled]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("is_training", [True, False])
def test_fused_batch_norm_is_the_composed_one(sess, is_training, data_format):
    """Values, gradients and gradients of gradients; the moments it gives out have none."""
    arrays = [random(2, 3, 2, 3), random(3, seed=1), random(3, seed=2)]
    moments = [] if is_training else [random(3, seed=3), random(3, seed=4, low=0.5)]
    weights = random(2, 3, 2, 3, seed=5)

    def run(dtype, function):
        constants = [tf.constant(a.astype(dtype)) for a in moments]
        inputs = [tf.constant(a.astype(dtype)) for a in arrays]
        of_all = derivatives(lambda *xs: function(*xs, *constants), inputs, weights.astype(dtype))
        return sess.run(of_all)

    options = {"is_training": is_training, "data_format": data_format}
    one = run(np.float32, lambda *xs: fused(*xs, **options))
    other = run(np.float64, lambda *xs: composed(*xs, is_training=is_training))
    other[2] = other[2] * (12 / 11 if is_training else 1)  # the variance given out is unbiased
    for i, (actual, expected) in enumerate(zip(one, other, strict=True)):
        np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-4, err_msg=str(i))


def test_fused_batch_norm_averages_moments(sess):
    x = random(2, 2, 2, 1).astype(np.float32)
    _, mean, variance = tf.nn.fused_batch_norm(
        tf.constant(x), [1.0], [0.0], [10.0], [20.0], exponential_avg_factor=0.25
    )
    assert sess.run(mean)[0] == pytest.approx(7.5 + 0.25 * x.mean(), rel=1e-6)
    assert sess.run(variance)[0] == pytest.approx(15 + 0.25 * x.var(ddof=1), rel=1e-6)


def test_fused_batch_norm_of_half_precision(sess):
    x = random(2, 2, 2, 3)
    results = []
    for dtype in (np.float16, np.float32):
        image = tf.constant(x.astype(np.float16).astype(dtype))
        y, mean, _ = tf.nn.fused_batch_norm(image, [1.0] * 3, [0.0] * 3)
        (grad,) = tf.gradients(y * y * y, image)
        assert y.dtype == grad.dtype == image.dtype and mean.dtype == tf.float32
        results.append(sess.run([y, grad]))
    for half, whole in zip(*results, strict=True):
        np.testing.assert_allclose(half, whole, rtol=1e-2, atol=1e-2)


def test_fused_batch_norm_is_precise_for_large_batches(sess):
    """A plain sum of 32 bits over a million elements would be off in the fourth digit."""
    x = np.full((64, 128, 128, 1), 1000.1, np.float32)
    _, mean, variance = sess.run(tf.nn.fused_batch_norm(tf.constant(x), [1.0], [0.0]))
    assert mean[0] == np.float32(1000.1) and variance[0] == 0


# ---- candidates


@pytest.mark.parametrize(
    ("unique", "runs"),
    [
        (True, [[1, 3, 6, 0, 5, 7], [3, 0, 9, 4, 1, 2], [2, 1, 8, 3, 0, 6]]),
        (False, [[1, 3, 1, 6, 0, 0], [3, 0, 9, 4, 1, 4], [2, 1, 8, 1, 2, 3]]),
    ],
)
def test_log_uniform_candidates_are_tensorflows(sess, unique, runs):
    """What TensorFlow drew with these seeds, in three runs of one session."""
    drawn = nn_ops.LOG_UNIFORM_CANDIDATE_SAMPLER(
        [[0, 3], [2, 9]], num_true=2, num_sampled=6, unique=unique, range_max=10, seed=3, seed2=4
    )
    for run in runs:
        values = sess.run(drawn)
        assert values.sampled_candidates.tolist() == run
        assert values.true_expected_count.dtype == np.float32
        if not unique:
            probability = np.log((np.array(run) + 2) / (np.array(run) + 1)) / np.log(11)
            np.testing.assert_allclose(values.sampled_expected_count, 6 * probability, rtol=1e-6)
    if unique:
        expected = [[0.9536051, 0.58484024], [0.6834334, 0.30582446]]  # 12 tries in the last run
        np.testing.assert_allclose(values.true_expected_count, expected, rtol=1e-6)


# ---- top k


@pytest.mark.parametrize("classes", [255, 256, 3000])
@pytest.mark.parametrize("ties", [False, True])
def test_top_k_of_long_rows(sess, classes, ties):
    """Long rows are not sorted as a whole; the result is the same, with the lower index first."""
    rng = np.random.default_rng(classes)
    rows = rng.integers(0, 50, (2, 3, classes)) if ties else rng.random((2, 3, classes))
    rows = rows.astype(np.float32)
    rows[0, 0, 7] = np.nan
    values, indices = sess.run(tf.nn.top_k(tf.constant(rows), 5))
    for index in np.ndindex(2, 3):
        row = np.nan_to_num(rows[index], nan=-1.0)
        expected = sorted(range(classes), key=lambda i, row=row: (-row[i], i))[:5]
        assert indices[index].tolist() == expected
        np.testing.assert_array_equal(values[index], row[expected])


# ---- static shapes


def test_shapes_with_an_unknown_batch():
    """What a model of images knows of its layers before it is fed."""
    x = tf.placeholder(tf.float32, [None, 28, 28, 1])
    conv = tf.nn.conv2d(x, tf.zeros([5, 5, 1, 32]), [1, 1, 1, 1], "SAME")
    pool = tf.nn.max_pool(conv, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    assert conv.shape.as_list() == [None, 28, 28, 32]
    assert pool.shape.as_list() == [None, 14, 14, 32]
    grads = tf.gradients(pool, [x, conv])
    assert [g.shape.as_list() for g in grads] == [[None, 28, 28, 1], [None, 28, 28, 32]]


# ---- errors while the graph is built

IMAGE = (1, 4, 4, 2)


def conv(image=IMAGE, filter=(3, 3, 2, 4), strides=1, padding="VALID", **options):
    return tf.nn.conv2d(tf.zeros(image), tf.zeros(filter), strides, padding, **options)


def pool(image=IMAGE, ksize=2, strides=1, padding="VALID", **options):
    return tf.nn.max_pool(tf.zeros(image), ksize, strides, padding, **options)


PADS = [[0, 0], [-1, 1], [1, 1], [0, 0]]
WIDE_PADS = [[0, 0], [2, 0], [0, 0], [0, 0]]
MISPLACED_PADS = [[1, 0], [1, 1], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: conv((1, 2, 2, 2)), ValueError, "caused by subtracting 3 from 2"),
        (lambda: conv(dilations=2), ValueError, "caused by subtracting 5 from 4"),
        (lambda: conv((1, 4, 4, 3)), ValueError, r"Depth of input \(3\) is not a multiple"),
        (lambda: conv((1, 4, 4, 6)), ValueError, r"Depth of output \(4\) is not a multiple"),
        (lambda: conv(filter=(3, 3, 0, 4)), ValueError, "Depth of filter must not be 0"),
        (lambda: conv(filter=(3, 3, 2)), ValueError, "must be rank 4 but is rank 3"),
        (lambda: conv((4, 4, 2)), ValueError, "must be rank 4 but is rank 3"),
        (lambda: conv(strides=[1, 0, 1, 1]), ValueError, "Stride must be > 0, but got 0"),
        (lambda: conv(strides=[1, 1, 1]), ValueError, "should be of length 1, 2 or 4"),
        (lambda: conv(dilations=[1, 0, 1, 1]), ValueError, "Dilation rate must be >= 1, but got 0"),
        (lambda: conv(padding="SAMEISH"), ValueError, "not in the list of allowed"),
        (lambda: conv(padding="EXPLICIT"), ValueError, "give the paddings themselves"),
        (lambda: conv(padding=PADS), ValueError, "explicit_paddings must be nonnegative"),
        (lambda: conv(padding=MISPLACED_PADS), ValueError, "in the batch or depth dimensions"),
        (lambda: conv(padding=[[1, 1], [1, 1]]), ValueError, "must be of size 4"),
        (lambda: conv(data_format="NHCW"), ValueError, "not in the list of allowed"),
        (lambda: conv(filters=tf.zeros([1])), ValueError, "both 'filter' and 'filters'"),
        (lambda: pool(ksize=5), ValueError, "caused by subtracting 5 from 4"),
        (lambda: pool((4, 4, 2)), ValueError, "must be rank 4 but is rank 3"),
        (lambda: pool(ksize=[1, 0, 2, 1]), ValueError, "`ksize` cannot be zero"),
        (lambda: pool(ksize=[1, 2, 2]), ValueError, "ksize should be of length 1, 2 or 4"),
        (lambda: pool(strides=0), ValueError, "Stride must be > 0, but got 0"),
        (lambda: tf.nn.relu(True), TypeError, "bool not in list of allowed"),
        (lambda: tf.nn.leaky_relu([1.0], tf.constant(0.1)), TypeError, "float"),
        (lambda: tf.nn.softmax(1.0), ValueError, "at least rank 1 but is rank 0"),
        (lambda: tf.nn.softmax([1]), TypeError, "int32 not in list"),
        (lambda: tf.nn.bias_add([[1.0]], [1.0, 2.0]), ValueError, "must be equal, but are 1 and 2"),
        (lambda: tf.nn.bias_add([1.0], [1.0]), ValueError, "at least rank 2 but is rank 1"),
        (lambda: tf.nn.bias_add([[1.0]], [[1.0]]), ValueError, "rank 1 but is rank 2"),
        (lambda: tf.nn.bias_add([[1.0]], [1.0], "CHAN"), ValueError, "of the form `N...C`"),
        (lambda: tf.nn.lrn(tf.zeros([2, 3])), ValueError, "rank 4 but is rank 2"),
        (lambda: tf.nn.lrn(tf.zeros(IMAGE, tf.float64)), TypeError, "float64 not in list"),
        (lambda: tf.nn.top_k([1.0], 2), ValueError, "last dimension >= k = 2 but is 1"),
        (lambda: tf.nn.top_k([1.0], -1), ValueError, "must be non-negative but is -1"),
        (lambda: tf.nn.top_k(1.0), ValueError, "at least rank 1 but is rank 0"),
        (lambda: tf.nn.top_k([1.0], [1]), ValueError, "must be scalar but has rank 1"),
        (lambda: tf.nn.in_top_k([[1.0]], [0, 0], 1), ValueError, "must be equal, but are 1 and 2"),
        (lambda: tf.nn.in_top_k([1.0], [0], 1), ValueError, "rank 2 but is rank 1"),
        (lambda: tf.nn.in_top_k([[1.0]], [0.0], 1), TypeError, "float32 not in list"),
        (lambda: tf.nn.fused_batch_norm(tf.zeros(IMAGE), [1.0], [0.0]), ValueError, "are 2 and 1"),
        (
            lambda: tf.nn.fused_batch_norm(tf.zeros(IMAGE), [1.0], [0.0], is_training=False),
            ValueError,
            "Both `mean` and `variance` must be",
        ),
        (
            lambda: nn_ops.SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS([[1.0]], [0, 0]),
            ValueError,
            "must be equal, but are 1 and 2",
        ),
        (lambda: tf.dynamic_partition([1.0], [0, 1], 2), ValueError, "must begin with"),
    ],
)
def test_what_cannot_be_built_says_so(build, error, text):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()


def test_an_error_names_the_op_and_the_users_line():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="subtracting 3 from 2") as info:
        conv((1, 2, 2, 2), name="conv1")
    lines = str(info.value).splitlines()
    assert lines[1].startswith("  op: 'conv1' (type Conv2D), inputs: zeros:0 float32[1,2,2,2]")
    assert lines[2].startswith("  created at: ") and "test_nn_ops.py" in lines[2]
    assert lines[3].startswith("  what to do: ")


# ---- errors while the graph runs


def run_conv(image=IMAGE, filter=(3, 3, 2, 4), strides=(1, 1, 1, 1), **attrs):
    attrs = {"padding": "VALID", **attrs}
    return nn_ops.CONV_2D(
        unknown(np.zeros(image)), unknown(np.zeros(filter)), strides=strides, **attrs
    )


def run_conv_input(sizes=(1, 4, 4, 2), filter=(3, 3, 2, 4), grad=(1, 4, 4, 4)):
    return nn_ops.CONV_2D_BACKPROP_INPUT(
        unknown(sizes, np.int32),
        unknown(np.zeros(filter)),
        unknown(np.zeros(grad)),
        strides=[1, 1, 1, 1],
        padding="SAME",
    )


def run_conv_filter(image=IMAGE, sizes=(3, 3, 2, 4), grad=(1, 4, 4, 4)):
    return nn_ops.CONV_2D_BACKPROP_FILTER(
        unknown(np.zeros(image)),
        unknown(sizes, np.int32),
        unknown(np.zeros(grad)),
        strides=[1, 1, 1, 1],
        padding="SAME",
    )


def run_pool(image=IMAGE, ksize=2, strides=1, padding="VALID"):
    return tf.nn.max_pool(unknown(np.zeros(image)), ksize, strides, padding)


def run_sparse(logits, labels):
    return nn_ops.SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS(
        unknown(logits), unknown(labels, np.int64)
    )[0]


def run_dense(logits, labels):
    return nn_ops.SOFTMAX_CROSS_ENTROPY_WITH_LOGITS(unknown(logits), unknown(labels))[0]


def run_norm(x, scale, **options):
    vector = unknown(scale)
    return tf.nn.fused_batch_norm(unknown(x), vector, vector, **options)[0]


def run_in_top_k(predictions, targets, k=1):
    return tf.nn.in_top_k(unknown(predictions), unknown(targets, np.int32), unknown(k, np.int32))


INVALID = tf.errors.InvalidArgumentError
UNIMPLEMENTED = tf.errors.UnimplementedError


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: run_sparse([[1.0, 2, 3]], [9]), INVALID, "Received a label value of 9 which is"),
        (lambda: run_sparse([[1.0, 2, 3]], [-1]), INVALID, r"outside the valid range of \[0, 3\)"),
        (lambda: run_sparse([[1.0, 2]] * 2, [0, 7]), INVALID, "Label values: 0 7"),
        (lambda: run_sparse([[1.0]] * 40, [1] * 40), INVALID, r"(1 ){30}\.\.\."),
        (lambda: run_sparse([[1.0, 2, 3]], [1, 2]), INVALID, "must have the same first dimension"),
        (lambda: run_sparse(np.zeros((3, 0)), [0] * 3), INVALID, "Must have at least one class"),
        (lambda: run_sparse([1.0], [0]), INVALID, "logits must be 2-D"),
        (lambda: run_sparse([[1.0]], [[0]]), INVALID, "labels must be 1-D"),
        (lambda: run_dense(np.ones((2, 3)), np.ones((2, 4))), INVALID, "must be broadcastable"),
        (lambda: run_dense([1.0], [1.0]), INVALID, "must be either 2-dimensional"),
        (lambda: nn_ops.SOFTMAX(unknown(1.0)), INVALID, "got a scalar"),
        (lambda: tf.nn.bias_add(unknown([[1.0]]), unknown([1, 2])), INVALID, "as many biases"),
        (lambda: tf.nn.bias_add(unknown([1.0]), unknown([1.0])), INVALID, "must be at least 2D"),
        (lambda: tf.nn.bias_add(unknown([[1.0]]), unknown([[1.0]])), INVALID, "must be 1D"),
        (lambda: run_conv((1, 2, 2, 2)), INVALID, "larger than the dimension of size 2"),
        (lambda: run_conv((1, 4, 4, 3)), INVALID, "evenly divisible by filter depth: 3 vs 2"),
        (lambda: run_conv((1, 4, 4, 6)), INVALID, "divisible by number of groups: 4 vs 3"),
        (lambda: run_conv((4, 4, 2)), INVALID, "input must be 4-dimensional"),
        (lambda: run_conv(filter=(3, 3, 2)), INVALID, "filter must be 4-dimensional"),
        (lambda: run_conv(filter=(0, 3, 2, 4)), INVALID, "must not have zero elements"),
        (lambda: run_conv(strides=(2, 1, 1, 1)), UNIMPLEMENTED, "batch and depth"),
        (lambda: run_conv(dilations=(1, 1, 1, 2)), UNIMPLEMENTED, "batch and depth"),
        (lambda: run_conv_input(grad=(2, 4, 4, 4)), INVALID, "same batch size: 1 vs 2"),
        (lambda: run_conv_input(grad=(1, 3, 4, 4)), INVALID, r"\[4, 4\], but has \[3, 4\]"),
        (lambda: run_conv_input(grad=(1, 4, 4, 3)), INVALID, "3 vs 4"),
        (lambda: run_conv_input(sizes=(1, 4, 4, 3)), INVALID, "divisible by filter depth: 3 vs 2"),
        (lambda: run_conv_input(sizes=(4, 4, 2)), INVALID, "input_sizes must be 4 sizes"),
        (lambda: run_conv_filter(grad=(2, 4, 4, 4)), INVALID, "same batch size: 1 vs 2"),
        (lambda: run_conv_filter(grad=(1, 4, 5, 4)), INVALID, r"\[4, 4\], but has \[4, 5\]"),
        (lambda: run_conv_filter(sizes=(3, 3, 2)), INVALID, "filter_sizes must be 4 sizes"),
        (lambda: run_pool((1, 1, 4, 2)), INVALID, "larger than the dimension of size 1"),
        (lambda: run_pool((4, 4, 2)), INVALID, "tensor_in must be 4-dimensional"),
        (lambda: run_pool(ksize=[1, 1, 1, 2]), UNIMPLEMENTED, "batch and depth"),
        (
            lambda: run_pool(padding=[[0, 0], [2, 0], [0, 0], [0, 0]]),
            INVALID,
            "needs to be smaller",
        ),
        (lambda: tf.nn.top_k(unknown([1.0]), 2), INVALID, "at least k columns. Had 1, needed 2"),
        (lambda: tf.nn.top_k(unknown(1.0), 1), INVALID, "must be >= 1-D"),
        (lambda: tf.nn.top_k([1.0], unknown(-1, np.int32)), INVALID, "Need k >= 0"),
        (lambda: run_in_top_k([[1.0]] * 3, [0, 0]), INVALID, "3 must match length of targets 2"),
        (lambda: run_in_top_k([1.0], [0]), INVALID, "predictions must be 2-dimensional"),
        (lambda: run_in_top_k([[1.0]], [[0]]), INVALID, "targets must be 1-dimensional"),
        (lambda: run_in_top_k([[1.0]], [0], [1]), INVALID, "k must be 0-D"),
        (lambda: run_norm(np.zeros((2, 2, 3)), [1.0] * 3), INVALID, "must be 4-dimensional"),
        (lambda: run_norm(np.zeros((1, 2, 2, 3)), [1.0] * 2), INVALID, r"got \[2\] and 3"),
        (
            lambda: tf.nn.log_uniform_candidate_sampler([[1]], 2, 3, True, 9),
            INVALID,
            "must have num_true columns",
        ),
        (
            lambda: tf.nn.log_uniform_candidate_sampler([[1]], 1, 5, True, 4),
            INVALID,
            "range is too small",
        ),
        (
            lambda: tf.nn.log_uniform_candidate_sampler([[9]], 1, 2, True, 4),
            INVALID,
            r"out of range \[0, 4\), received 9",
        ),
        (lambda: tf.sparse_to_dense([2, 1], [4], 1.0), INVALID, "out of order"),
        (lambda: tf.sparse_to_dense([1, 1], [4], 1.0), INVALID, "repeated"),
        (lambda: tf.sparse_to_dense([4], [4], 1.0), INVALID, "out of bounds"),
        (lambda: tf.sparse_to_dense([0, 1], [4], [1.0]), INVALID, r"should be \[\] or \[2\]"),
        (lambda: tf.dynamic_partition([1.0], [5], 2), INVALID, "has the value 5"),
        (lambda: tf.dynamic_stitch([[-1]], [[1.0]]), INVALID, "must not be negative"),
    ],
)
def test_what_cannot_be_run_says_so(sess, build, error, text):
    fetch = build()
    with pytest.raises(error, match=text):
        sess.run(fetch)


def test_an_error_of_a_run_names_the_op_the_shapes_and_the_users_line(sess):
    """A class id that is out of range, as a beginner meets it."""
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=unknown([9], np.int64), logits=tf.zeros([1, 3]), name="loss"
    )
    with pytest.raises(INVALID) as info:
        sess.run(loss)
    what, op, given, line = str(info.value).splitlines()[:4]
    assert what == (
        "Received a label value of 9 which is outside the valid range of [0, 3). Label values: 9"
    )
    assert op.startswith("  op: 'loss/loss' (type SparseSoftmaxCrossEntropyWithLogits)")
    assert given == "  given: float32[1, 3], int64[1]"
    assert "test_nn_ops.py" in line
