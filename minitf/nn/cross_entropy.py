"""With this module one can compare predicted with true probabilities, for any shape of batch.

Each function returns one loss per example, which a model then averages:

>>> import minitf as tf
>>> losses = tf.nn.softmax_cross_entropy_with_logits_v2(
...     labels=[[0.0, 1.0], [0.5, 0.5]], logits=[[0.0, 0.0], [0.0, 0.0]])
>>> with tf.Session() as sess:
...     print(sess.run(tf.reduce_mean(losses)))
0.6931472
"""

from __future__ import annotations

import math
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops import array_ops, logging_ops, math_ops, nn_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.constant_op import constant


def _check_named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    """Refuses positional arguments: in TensorFlow's history their order has changed."""
    if sentinel is not None:
        raise errors.value_error(
            f"Only call `{function}` with named arguments (labels=..., logits=..., ...)"
        )
    if labels is None or logits is None:
        raise errors.value_error(
            f"Both `labels` and `logits` must be provided for {function}. Received: "
            f"labels={labels} and logits={logits}"
        )


# ---- softmax


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Tensor:
    """`softmax_cross_entropy_with_logits_v2` with labels that get no gradient.

    Mirrors `tf.nn.softmax_cross_entropy_with_logits`. Its arguments must be named.

    Args:
      _sentinel: catches positional arguments, which are refused.
      labels: the true probabilities: of the shape and dtype of `logits`.
      logits: the scores, before any softmax.
      dim: the dim of the classes.
      name: the scope's name.
      axis: another name of `dim`.

    Returns:
      One loss per example: a tensor of the shape of `logits` without the dim of the classes.

    Raises:
      ValueError: if an argument is not named, or the shapes differ.

    >>> import minitf as tf
    >>> loss = tf.nn.softmax_cross_entropy_with_logits(labels=[[0.0, 1.0]], logits=[[2.0, 2.0]])
    >>> with tf.Session() as sess:
    ...     print(sess.run(loss))
    [0.6931472]
    """
    _check_named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    if axis is not None:
        if dim != -1:
            raise errors.value_error("Cannot specify both 'dim' and 'axis'.")
        dim = axis
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = array_ops.stop_gradient(labels, name="labels_stop_gradient")
        return softmax_cross_entropy_with_logits_v2(labels, logits, axis=dim, name=scope)


def softmax_cross_entropy_with_logits_v2(
    labels: Any,
    logits: Any,
    axis: int | None = None,
    name: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """The cross-entropy between true probabilities and the softmax of scores.

    Mirrors `tf.nn.softmax_cross_entropy_with_logits_v2`. For each example

        loss = - sum over classes of labels * log(softmax(logits))

    Give it the scores themselves, never a softmax: the logarithm is taken where it is exact.

    Args:
      labels: the true probabilities; each example's should sum to 1. Gradients flow to them too.
      logits: the scores, of the same shape; float16 is computed in float32.
      axis: the dim of the classes; the last if None.
      name: the scope's name.
      dim: an older name of `axis`.

    Returns:
      One loss per example: a tensor of the shape of `logits` without the dim of the classes.

    Raises:
      ValueError: if the shapes differ.

    >>> import minitf as tf
    >>> loss = tf.nn.softmax_cross_entropy_with_logits_v2([[0.0, 1.0]], [[2.0, 2.0]])
    >>> with tf.Session() as sess:
    ...     print(sess.run(loss))
    [0.6931472]
    """
    axis = one_of("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    default = "softmax_cross_entropy_with_logits"
    with name_scope(name, default, [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _warn_of_softmax(logits)
        precise = _precise(logits)
        labels = math_ops.cast(labels, precise.dtype)
        rank = array_ops.rank(precise)
        shape = logits.shape
        if axis != -1:
            precise, labels = (_axis_to_end(tensor, axis, rank) for tensor in (precise, labels))
        full_shape = array_ops.shape(precise)
        rows, label_rows = _flatten_outer_dims(precise), _flatten_outer_dims(labels)
        losses, _ = nn_ops.SOFTMAX_CROSS_ENTROPY_WITH_LOGITS(rows, label_rows, name=scope)
        outer = array_ops.slice(full_shape, [0], [math_ops.subtract(rank, 1)])
        losses = array_ops.reshape(losses, outer)
        if shape.ndims is not None:
            dims = shape.as_list()
            del dims[axis]
            losses.set_shape(dims)
        return _in_dtype_of(logits, losses)


def _warn_of_softmax(logits: Tensor) -> None:
    """Warns of probabilities where scores are wanted: such a model learns, but slowly and badly."""
    if logits.op.type == "Softmax":
        errors.warn(
            f"The logits of a cross-entropy are the result of a softmax, {logits.op.name!r}, "
            f"created at {logits.op.traceback}: softmax is applied twice. Give what goes into it.",
            see="softmax-twice",
        )


def _precise(logits: Tensor) -> Tensor:
    """The logits in at least 32 bits: exponentials leave the range of 16 quickly."""
    if logits.dtype.base_dtype is not dtypes.float16:
        return logits
    wide: Tensor = math_ops.cast(logits, dtypes.float32)
    return wide


def _in_dtype_of(logits: Tensor, losses: Tensor) -> Tensor:
    result: Tensor = math_ops.cast(losses, logits.dtype)
    return result


def _axis_to_end(tensor: Tensor, axis: int, rank: Tensor) -> Tensor:
    if axis < 0:
        axis = axis + rank
    before, after = math_ops.range(axis), math_ops.range(axis + 1, rank)
    return array_ops.transpose(tensor, array_ops.concat([before, after, [axis]], 0))


def _flatten_outer_dims(tensor: Tensor) -> Tensor:
    """The tensor as a matrix, its last dim kept."""
    rank = array_ops.rank(tensor)
    shape = array_ops.shape(tensor)
    last = array_ops.slice(shape, [math_ops.subtract(rank, 1)], [1])
    matrix = array_ops.reshape(tensor, array_ops.concat([[-1], last], 0))
    dims = tensor.shape._dims
    if dims is not None and None not in dims[:-1]:
        matrix.set_shape([math.prod(dims[:-1]), dims[-1]])
    return matrix


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    name: str | None = None,
) -> Tensor:
    """The cross-entropy where each example belongs to one class, given by its number.

    Mirrors `tf.nn.sparse_softmax_cross_entropy_with_logits`. Its arguments must be named.

        loss = - log(softmax(logits)[label])

    Args:
      _sentinel: catches positional arguments, which are refused.
      labels: class ids, int32 or int64, of any shape.
      logits: the scores: of the shape of `labels`, with the classes as a further last dim.
      name: the scope's name.

    Returns:
      One loss per example: a tensor of the shape of `labels` and the dtype of `logits`.

    Raises:
      ValueError: if an argument is not named, or the shapes do not fit.
      tf.errors.InvalidArgumentError: if a class id is negative or too large.

    >>> import minitf as tf
    >>> loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[2.0, 2.0]])
    >>> with tf.Session() as sess:
    ...     print(sess.run(loss))
    [0.6931472]
    """
    _check_named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    default = "SparseSoftmaxCrossEntropyWithLogits"
    with name_scope(name, default, [labels, logits]):
        labels = convert_to_tensor(labels)
        logits = convert_to_tensor(logits)
        _warn_of_softmax(logits)
        precise = _precise(logits)
        labels_shape = array_ops.shape(labels)
        _check_sparse_shapes(labels.shape, logits)
        if logits.shape.ndims == 2:
            losses, _ = nn_ops.SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS(precise, labels, name=name)
        else:
            losses = _sparse_of_any_rank(labels, logits, precise, labels_shape, name)
        return _in_dtype_of(logits, losses)


def _check_sparse_shapes(labels: TensorShape, logits: Tensor) -> None:
    shape = logits.shape
    if shape.ndims == 0:
        raise errors.value_error(f"`logits` cannot be a scalar. Received logits={logits}")
    if shape.ndims is None or labels.ndims is None:
        return
    if labels.ndims != shape.ndims - 1:
        raise errors.value_error(
            "`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: "
            f"labels.shape={labels} of rank {labels.ndims} and logits.shape={shape} of rank "
            f"{shape.ndims}",
            do="give the numbers of the classes; for rows of probabilities, such as one-hot ones, "
            "use tf.nn.softmax_cross_entropy_with_logits_v2.",
            see="shapes-that-do-not-fit",
        )
    if not labels.is_compatible_with(shape[:-1]):
        raise errors.value_error(
            "`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
            f"labels.shape={labels} and logits.shape={shape}"
        )


def _sparse_of_any_rank(
    labels: Tensor, logits: Tensor, precise: Tensor, labels_shape: Tensor, name: str | None
) -> Tensor:
    checks = []
    if not (labels.shape.is_fully_defined() and logits.shape[:-1].is_fully_defined()):
        checks = [_assert_equal(array_ops.shape(labels), array_ops.shape(logits)[:-1])]
    with control_dependencies(checks):
        classes = array_ops.shape(logits)[array_ops.rank(logits) - 1]
        rows = array_ops.reshape(precise, [-1, classes])
        ids = array_ops.reshape(labels, [-1])
        losses, _ = nn_ops.SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS(rows, ids, name=name)
        losses = array_ops.reshape(losses, labels_shape)
        losses.set_shape(labels.shape)
        return losses


def _assert_equal(x: Tensor, y: Tensor) -> Operation:
    with name_scope("assert_equal_1"):  # the scope "assert_equal" stays empty in TensorFlow
        equal = math_ops.reduce_all(math_ops.equal(x, y))
        what = "Condition x == y did not hold element-wise:"
        return logging_ops.Assert(equal, [what, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y])


# ---- sigmoid


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    name: str | None = None,
) -> Tensor:
    """The cross-entropy of classes that do not exclude one another, elementwise.

    Mirrors `tf.nn.sigmoid_cross_entropy_with_logits`. Its arguments must be named. With z the
    labels and x the logits

        loss = - z * log(sigmoid(x)) - (1 - z) * log(1 - sigmoid(x))

    computed as `max(x, 0) - x * z + log(1 + exp(-abs(x)))`, which does not overflow.

    Args:
      _sentinel: catches positional arguments, which are refused.
      labels: true probabilities between 0 and 1.
      logits: scores, of the same shape and dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: if an argument is not named, or the shapes differ.

    >>> import minitf as tf
    >>> loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0], logits=[0.0, -1000.0])
    >>> with tf.Session() as sess:
    ...     print(sess.run(loss))
    [0.6931472 0.       ]
    """
    _check_named("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape("logits", logits, "labels", labels)
        zeros = array_ops.zeros_like(logits)
        positive = logits >= zeros
        rectified = array_ops.where(positive, logits, zeros)
        negative_abs = array_ops.where(positive, -logits, logits)
        return math_ops.add(
            rectified - logits * labels,
            math_ops.log1p(math_ops.exp(negative_abs)),
            name=scope,
        )


def _check_same_shape(first: str, x: Tensor, second: str, y: Tensor) -> None:
    if not x.shape.is_compatible_with(y.shape):
        raise errors.value_error(
            f"`{first}` and `{second}` must have the same shape, received ({x.shape} vs {y.shape})."
        )


def weighted_cross_entropy_with_logits(
    labels: Any = None,
    logits: Any = None,
    pos_weight: Any = None,
    name: str | None = None,
    targets: Any = None,
) -> Tensor:
    """The sigmoid cross-entropy, with more weight on positive examples.

    Mirrors `tf.nn.weighted_cross_entropy_with_logits`. With z the labels and x the logits

        loss = - pos_weight * z * log(sigmoid(x)) - (1 - z) * log(1 - sigmoid(x))

    A `pos_weight` above 1 makes missing a positive dearer than a false alarm.

    Args:
      labels: true probabilities between 0 and 1.
      logits: scores, of the same shape and dtype.
      pos_weight: the weight; a number, or a tensor that broadcasts.
      name: the node's name.
      targets: an older name of `labels`.

    Returns:
      A tensor of the shape and dtype of `logits`.

    Raises:
      ValueError: if the shapes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.weighted_cross_entropy_with_logits([1.0, 0.0], [0.0, 0.0], 2.0)))
    [1.3862944 0.6931472]
    """
    labels = one_of("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        _check_same_shape("logits", logits, "labels", labels)
        weight = 1 + (pos_weight - 1) * labels
        return math_ops.add(
            (1 - labels) * logits,
            weight * (math_ops.log1p(math_ops.exp(-math_ops.abs(logits))) + nn_ops.relu(-logits)),
            name=scope,
        )


# ---- Poisson


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """How badly a Poisson distribution predicts counts (mirrors `tf.nn.log_poisson_loss`).

        loss = exp(log_input) - log_input * targets

    which is the negative log-likelihood but for a term that depends on the targets alone.

    Args:
      targets: the counts.
      log_input: the logarithm of the predicted rate, of the same shape and dtype.
      compute_full_loss: whether to add Stirling's approximation of the term left out.
      name: the scope's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: if the shapes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.log_poisson_loss([3.0], [0.0])))
    [1.]
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = convert_to_tensor(log_input, name="log_input")
        targets = convert_to_tensor(targets, name="targets")
        _check_same_shape("log_input", log_input, "targets", targets)
        loss: Tensor = math_ops.exp(log_input) - log_input * targets
        if compute_full_loss:
            loss = loss + _stirling(targets)
        return loss


def _stirling(targets: Tensor) -> Tensor:
    """Stirling's approximation of log(targets!), which is 0 for 0 and 1."""
    half = constant(0.5, dtype=targets.dtype)
    two_pi = constant(2 * math.pi, dtype=targets.dtype)
    stirling = targets * math_ops.log(targets) - targets + half * math_ops.log(two_pi * targets)
    zeros = array_ops.zeros_like(targets)
    ones = array_ops.ones_like(targets)
    small = math_ops.logical_and(targets >= zeros, targets <= ones)
    return array_ops.where(small, zeros, stirling)
