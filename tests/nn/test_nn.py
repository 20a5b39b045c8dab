"""`tf.nn`: what differs from TensorFlow, and what it says of arguments that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import minitf as tf

# ---- what differs from TensorFlow, or does not show in a graph


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.mark.parametrize("kind", ["softmax", "sparse_softmax", "sigmoid"])
def test_losses_refuse_positional_arguments(kind):
    """Before TensorFlow 1.0 the logits came first: such scripts must not train on nonsense."""
    function = getattr(tf.nn, f"{kind}_cross_entropy_with_logits")
    with pytest.raises(ValueError, match=r"with named arguments \(labels=..., logits=..., ...\)"):
        function([[1.0, 2.0]], [[0.0, 1.0]])
    with pytest.raises(ValueError, match="Both `labels` and `logits` must be provided"):
        function(logits=[[1.0, 2.0]])


def test_labels_get_a_gradient_from_the_second_version_only(sess):
    labels, logits = tf.constant([[0.2, 0.8]]), tf.constant([[1.0, 2.0]])
    first = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    second = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    assert tf.gradients(first, labels) == [None]
    (grad,) = tf.gradients(second, labels)
    np.testing.assert_allclose(*sess.run([grad, -tf.nn.log_softmax(logits)]), rtol=1e-6)


def test_softmax_of_unknown_rank_takes_any_axis(sess):
    x = tf.placeholder_with_default(np.eye(3, dtype=np.float32)[:2], None)
    for axis, size in ((0, 3), (1, 2), (-2, 3)):
        sums = sess.run(tf.nn.softmax(x, axis=axis)).sum(axis=axis)
        np.testing.assert_allclose(sums, np.ones(size), 1e-6)


def test_swish_has_tensorflows_nodes_and_a_second_derivative(sess):
    """TensorFlow gives swish a gradient of its own; the ops' gradients say the same."""
    x = tf.constant([0.5, -1.5], tf.float64)
    y = tf.nn.swish(x, 2.0)
    types = [op.type for op in y.graph.get_operations()]
    assert types == ["Const", "Const", "Cast", "Mul", "Sigmoid", "Mul", "Identity", "IdentityN"]
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first, x)
    step = 1e-6
    moved = [sess.run(first, {x: np.array([0.5, -1.5]) + h}) for h in (step, -step)]
    np.testing.assert_allclose(sess.run(second), (moved[0] - moved[1]) / (2 * step), rtol=1e-6)


def test_dropout_keeps_as_many_as_asked(sess):
    """Kept elements are scaled by 1 / keep_prob; whole channels go where the noise says so."""
    x = tf.ones([100, 8, 50])
    kept = sess.run(tf.nn.dropout(x, tf.constant(0.8), seed=1))
    assert set(np.unique(kept)) == {0.0, np.float32(1 / np.float32(0.8))}
    assert (kept > 0).mean() == pytest.approx(0.8, abs=0.01)
    channels = sess.run(tf.nn.dropout(x, 0.5, noise_shape=[None, 1, 50], seed=1))
    assert (channels == channels[:, :1]).all()


def test_dropout_draws_anew_in_each_run_and_the_same_in_each_session():
    with tf.Graph().as_default():
        y = tf.nn.dropout(tf.ones([100]), 0.5, seed=7)
        runs = []
        for _ in range(2):
            with tf.Session() as session:
                runs.append([session.run(y), session.run(y)])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0][0] != runs[0][1]).any()


def test_the_gradient_of_a_lookup_is_sparse(sess):
    """Only the rows that were looked up are touched, each as often as it was."""
    table = tf.constant(np.arange(8.0).reshape(4, 2))
    (grad,) = tf.gradients(tf.nn.embedding_lookup(table, [3, 1, 3]), table)
    assert isinstance(grad, tf.IndexedSlices)
    assert sess.run(grad.indices).tolist() == [3, 1, 3]
    assert sess.run(tf.convert_to_tensor(grad)).tolist() == [[0, 0], [1, 1], [0, 0], [2, 2]]


@pytest.mark.parametrize("strategy", ["mod", "div"])
@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_a_divided_table_is_one_table(sess, strategy, parts):
    table = np.arange(22.0).reshape(11, 2)
    if strategy == "mod":
        pieces = [table[i::parts] for i in range(parts)]
    else:
        pieces = np.array_split(table, parts)
    rows = tf.nn.embedding_lookup([tf.constant(p) for p in pieces], np.arange(11), strategy)
    np.testing.assert_array_equal(sess.run(rows), table)


def test_an_id_outside_the_table_is_an_error(sess):
    ids = tf.placeholder_with_default([4], [1])
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(tf.nn.embedding_lookup(tf.zeros([4, 2]), ids))


def test_batch_normalization_normalizes(sess):
    x = tf.constant(np.random.default_rng(0).normal(3.0, 5.0, (200, 4)).astype(np.float32))
    mean, variance = tf.nn.moments(x, [0])
    y = sess.run(tf.nn.batch_normalization(x, mean, variance, None, None, 1e-6))
    np.testing.assert_allclose(y.mean(axis=0), np.zeros(4), atol=1e-6)
    np.testing.assert_allclose(y.std(axis=0), np.ones(4), rtol=1e-5)


def test_statistics_of_two_batches_make_those_of_both(sess):
    x = np.random.default_rng(0).normal(3.0, 5.0, (7, 4))
    first = tf.nn.sufficient_statistics(tf.constant(x[:3]), [0], shift=3.0)
    second = tf.nn.sufficient_statistics(tf.constant(x[3:]), [0], shift=3.0)
    both = [a + b for a, b in zip(first[:3], second[:3], strict=True)]
    mean, variance = sess.run(tf.nn.normalize_moments(*both, shift=first[3]))
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(axis=0), rtol=1e-12)


def test_dilated_is_as_if_the_filter_had_holes(sess):
    x, f = np.random.default_rng(0).normal(size=(1, 7, 8, 2)), np.zeros((5, 5, 2, 3))
    f[::2, ::2] = np.random.default_rng(1).normal(size=(3, 3, 2, 3))
    for padding in ("SAME", "VALID"):
        holes = tf.nn.conv2d(tf.constant(x), tf.constant(f), 1, padding)
        dilated = tf.nn.atrous_conv2d(tf.constant(x), tf.constant(f[::2, ::2]), 2, padding)
        np.testing.assert_allclose(*sess.run([holes, dilated]), rtol=1e-12, atol=1e-12)


def test_a_sampled_loss_over_all_classes_is_the_full_one(sess):
    """With every class drawn, only that the right one counts twice sets it apart."""
    rng = np.random.default_rng(0)
    w, b, x = (tf.constant(rng.normal(size=shape)) for shape in ((6, 3), (6,), (4, 3)))
    labels = np.array([[0], [5], [2], [2]])
    drawn = [np.arange(6), np.ones((4, 1)), np.ones(6)]
    sampled = tf.nn.sampled_softmax_loss(
        w, b, labels, x, 6, 6, sampled_values=drawn, remove_accidental_hits=False
    )
    logits = tf.matmul(x, w, transpose_b=True) + b
    own = tf.reduce_sum(logits * tf.one_hot(labels[:, 0], 6, dtype=tf.float64), 1, keepdims=True)
    full = tf.reduce_logsumexp(tf.concat([logits, own], 1), 1) - own[:, 0]
    np.testing.assert_allclose(*sess.run([sampled, full]), rtol=1e-12)


# ---- errors


def ph(*shape, dtype=tf.float32):
    return tf.placeholder(dtype, shape)


INVALID = tf.errors.InvalidArgumentError
XENT = tf.nn.softmax_cross_entropy_with_logits_v2
SPARSE = tf.nn.sparse_softmax_cross_entropy_with_logits
IDS = [0, 1]


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda: tf.nn.softmax(ph(2, 3), 5), INVALID, r"must be in the range \[-2, 2\)"),
        (lambda: tf.nn.softmax(ph(2, 3), axis=1, dim=1), ValueError, "both 'axis' and 'dim'"),
        (lambda: tf.nn.log_softmax(ph(2, 3), -3), INVALID, "Received: dim=-3"),
        (lambda: XENT(ph(2, 3), ph(2, 4)), ValueError, "must be equal, but are 4 and 3"),
        (lambda: XENT(ph(2, 3), ph(3, 3)), ValueError, "must be equal, but are 3 and 2"),
        (lambda: SPARSE(labels=[0], logits=1.0), ValueError, "`logits` cannot be a scalar"),
        (lambda: SPARSE(labels=[[0]], logits=ph(1, 3)), ValueError, "`logits.shape.rank - 1`"),
        (lambda: SPARSE(labels=[0, 1], logits=ph(1, 3)), ValueError, "except for the last dim"),
        (lambda: SPARSE(labels=[0.5], logits=ph(1, 3)), TypeError, "float32 not in list"),
        (
            lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=ph(2), logits=ph(3)),
            ValueError,
            r"must have the same shape, received \(\(3,\) vs \(2,\)\)",
        ),
        (
            lambda: tf.nn.weighted_cross_entropy_with_logits(ph(2), ph(3), 2.0),
            ValueError,
            "must have the same shape",
        ),
        (lambda: tf.nn.log_poisson_loss(ph(2), ph(3)), ValueError, "`log_input` and `targets`"),
        (lambda: tf.nn.dropout(ph(2)), ValueError, "`rate` must be provided"),
        (lambda: tf.nn.dropout(ph(2), 0.5, rate=0.5), ValueError, "both 'keep_prob' and 'rate'"),
        (lambda: tf.nn.dropout(ph(2), 0.0), ValueError, r"in the range \[0, 1\).*rate=1.0"),
        (lambda: tf.nn.dropout(ph(2), 1.5), ValueError, r"in the range \[0, 1\)"),
        (lambda: tf.nn.dropout(ph(2), "half"), ValueError, "`keep_prob` must be a floating"),
        (lambda: tf.nn.dropout([1, 2], 0.5), ValueError, "must be a floating point tensor"),
        (lambda: tf.nn.dropout(ph(2), ph(2)), ValueError, "must have rank 0"),
        (lambda: tf.nn.dropout(ph(2), ph(dtype=tf.float64)), ValueError, "compatible with `rate"),
        (lambda: tf.nn.dropout(ph(2, 3), 0.5, noise_shape=[2]), ValueError, "are 2 and 3"),
        (lambda: tf.nn.embedding_lookup(None, IDS), ValueError, "params must be specified"),
        (lambda: tf.nn.embedding_lookup([], IDS), ValueError, "Need at least one param"),
        (lambda: tf.nn.embedding_lookup(ph(3, 2), [0.5]), TypeError, "float32 not in list"),
        (
            lambda: tf.nn.embedding_lookup([ph(3, 2), ph(3, 2)], IDS, "hash"),
            ValueError,
            "either `mod` or `div`",
        ),
        (
            lambda: tf.nn.embedding_lookup([ph(3, 2), ph(3, 3)], IDS),
            ValueError,
            "must be equal: the rows",
        ),
        (
            lambda: tf.nn.convolution(ph(1, 4, 4, 1), ph(1, 1, 1, 1), "SAME", [2, 1], [2, 2]),
            ValueError,
            "not supported in conjunction",
        ),
        (
            lambda: tf.nn.atrous_conv2d(ph(1, 4, 4, 1), ph(1, 1, 1, 1), 0, "SAME"),
            ValueError,
            "posi",
        ),
        (lambda: tf.nn.convolution(ph(1, 4), ph(1, 1), "SAME"), ValueError, "got a rank of 2"),
        (
            lambda: tf.nn.conv1d(ph(1, 2, 1), ph(1, 1, 1), 1, "SAME", data_format="NWCC"),
            ValueError,
            "must be 'NWC' or 'NCW'",
        ),
        (
            lambda: tf.nn.conv2d_transpose(ph(1, 2, 2, 1), ph(3, 3, 1, 2), [1, 4, 4, 1], 2),
            ValueError,
            "must be equal, but are 1 and 2",
        ),
        (
            lambda: tf.nn.separable_conv2d(
                ph(1, 4, 4, 1), ph(3, 3, 1, 1), ph(3, 3, 1, 1), [1, 1, 1, 1], "SAME"
            ),
            ValueError,
            "must be 1 by 1",
        ),
        (
            lambda: tf.nn.pool(ph(1, 4, 4, 1), [2, 2], "MEDIAN", "SAME"),
            ValueError,
            "'MAX' or 'AVG'",
        ),
        (
            lambda: tf.nn.max_pool_with_argmax(ph(1, 4, 4, 1), 2, 1, "SAME", data_format="NCHW"),
            ValueError,
            "other than 'NHWC'",
        ),
    ],
)
def test_what_cannot_be_built_says_so(build, error, text):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()
