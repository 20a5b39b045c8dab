"""With this module one can judge scores whatever the threshold: the area under the curve.

At each of several thresholds, what is above counts as predicted true. Hits and misses are counted
for all thresholds at once: a row of a matrix for each threshold, a column for each example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import control_dependencies
from minitf.framework.tensor import Tensor
from minitf.layers.arguments import invalid
from minitf.losses.weighted import check_same_shape
from minitf.metrics.streaming import metric_variable, publish, without_last_ones
from minitf.ops import array_ops, check_ops, constant_op, math_ops, state_ops
from minitf.ops.variable_scope import variable_scope
from minitf.ops.weights_broadcast_ops import broadcast_weights

_EPSILON = 1e-7
# What each count counts: (the label, whether the score is above the threshold).
_MEANING = {
    "true_positives": (True, True),
    "false_negatives": (True, False),
    "true_negatives": (False, False),
    "false_positives": (False, True),
}

Counts = dict[str, Any]
Given = tuple[Any, Any, Sequence[float], Any]  # labels, predictions, thresholds, weights


def _counts_at_thresholds(given: Given, wanted: Sequence[str]) -> tuple[Counts, Counts]:
    """The counts that are wanted, one for each threshold, and their updates."""
    labels, predictions, thresholds, weights = given
    predictions = convert_to_tensor(predictions)
    dtype, message = predictions.dtype, "predictions must be in [0, 1]"
    checks = [
        check_ops.assert_greater_equal(predictions, math_ops.cast(0.0, dtype), message=message),
        check_ops.assert_less_equal(predictions, math_ops.cast(1.0, dtype), message=message),
    ]
    with control_dependencies(checks):
        predictions, labels, weights = without_last_ones(
            math_ops.cast(predictions, dtypes.float32), math_ops.cast(labels, dtypes.bool_), weights
        )
    check_same_shape(predictions, labels)
    rows = len(thresholds)
    above, below, true, false = _matrices(predictions, labels, thresholds, wanted)
    spread = None
    if weights is not None:
        weights = broadcast_weights(math_ops.cast(weights, dtypes.float32), predictions)
        spread = array_ops.tile(array_ops.reshape(weights, [1, -1]), [rows, 1])
    values: Counts = {}
    updates: Counts = {}
    for name in wanted:
        label, score = _MEANING[name]
        values[name] = metric_variable([rows], dtypes.float32, name=name)
        found = math_ops.logical_and(true if label else false, above if score else below)
        numbers = math_ops.cast(found, dtypes.float32)
        if spread is not None:
            numbers = numbers * spread
        updates[name] = state_ops.assign_add(values[name], math_ops.reduce_sum(numbers, 1))
    return values, updates


def _matrices(
    predictions: Tensor, labels: Tensor, thresholds: Sequence[float], wanted: Sequence[str]
) -> tuple[Tensor, Tensor | None, Tensor, Tensor | None]:
    """Where scores are above the thresholds, and not; where labels are true, and not."""
    rows = len(thresholds)
    scores = array_ops.reshape(predictions, [-1, 1])
    truth = array_ops.reshape(labels, [1, -1])
    columns: Any = scores.shape.as_list()[0]
    if columns is None:
        columns = array_ops.shape(scores)[0]
    limits = array_ops.tile(
        array_ops.expand_dims(constant_op.constant(list(thresholds), dtypes.float32), [1]),
        array_ops.stack([1, columns]),
    )
    above = math_ops.greater(array_ops.tile(array_ops.transpose(scores), [rows, 1]), limits)
    below = false = None
    if any(not _MEANING[name][1] for name in wanted):
        below = math_ops.logical_not(above)
    true = array_ops.tile(truth, [rows, 1])
    if any(not _MEANING[name][0] for name in wanted):
        false = math_ops.logical_not(true)
    return above, below, true, false


# ---- the area under the curve


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Any = None,
) -> tuple[Tensor, Tensor]:
    """The area under a curve over all thresholds (mirrors `tf.metrics.auc`).

    1 means that some threshold separates the classes, 0.5 that the scores say nothing (for "ROC").

    Args:
      labels: the true values, cast to bool.
      predictions: scores in [0, 1], of the labels' shape.
      weights: how much each counts: a scalar, or of the labels' rank with each dim theirs or 1.
      num_thresholds: how many thresholds approximate the curve.
      metrics_collections, updates_collections: names of collections that the result joins.
      curve: "ROC" (true over false positive rate) or "PR" (precision over recall).
      name: the name of the variable scope; "auc", made unique, if None.
      summation_method: "trapezoidal"; "careful_interpolation" for "PR", which does not
        overestimate; or "minoring" or "majoring" for bounds.
      thresholds: floats between 0 and 1 to use instead of evenly spaced ones.

    Returns:
      The area so far and the update: scalars of float32; see `tf.metrics.mean`.

    Raises:
      ValueError: for another curve or method, or if the shapes differ.
      tf.errors.InvalidArgumentError: when it is run, if a score is not in [0, 1].

    >>> import minitf as tf
    >>> value, update = tf.metrics.auc([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.local_variables_initializer())
    ...     print(f"{sess.run(update):.3f}")
    0.750
    """
    with variable_scope(name, "auc", [labels, predictions, weights]):
        if curve not in ("ROC", "PR"):
            raise invalid(
                f"Curve must be either ROC or PR. Curve {curve} is unknown.", "give one of them."
            )
        if thresholds is None:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            inner = sorted(thresholds)
        limits = [0.0 - _EPSILON, *inner, 1.0 + _EPSILON]
        values, updates = _counts_at_thresholds(
            (labels, predictions, limits, weights), list(_MEANING)
        )
        area = _area_of(values, curve, summation_method, "value")
        new_area = _area_of(updates, curve, summation_method, "update_op")
        return publish(area, new_area, metrics_collections, updates_collections)


def _area_of(counts: Counts, curve: str, method: str, name: str) -> Tensor:
    if method == "careful_interpolation":
        if curve == "PR":
            return _interpolated_area(counts)
        raise invalid(
            "careful_interpolation is only for the curve PR.", 'give curve="PR", or another method.'
        )
    tp, fn, tn, fp = (counts[key] for key in _MEANING)
    small = 1e-6
    hit_rate = math_ops.truediv(tp + small, tp + fn + small)
    if curve == "ROC":
        x, y = math_ops.truediv(fp, fp + tn + small), hit_rate
    else:
        x, y = hit_rate, math_ops.truediv(tp + small, tp + fp + small)
    last = int(x.shape[0]) - 1
    width = x[:last] - x[1:]
    if method == "trapezoidal":
        height = (y[:last] + y[1:]) / 2.0
    elif method == "minoring":
        height = math_ops.minimum(y[:last], y[1:])
    elif method == "majoring":
        height = math_ops.maximum(y[:last], y[1:])
    else:
        raise invalid(
            f"Invalid summation_method: {method} summation_method should be 'trapezoidal', "
            "'careful_interpolation', 'minoring', or 'majoring'.",
            "give one of them.",
        )
    return math_ops.reduce_sum(math_ops.multiply(width, height), name=name)


def _interpolated_area(counts: Counts) -> Tensor:
    """The area under precision over recall, with precision interpolated between true counts.

    Between two thresholds true positives grow linearly with all positives p = tp + fp; then
    precision is `slope + intercept / p`, whose integral has a logarithm.
    """
    tp, fn, _, fp = (counts[key] for key in _MEANING)
    last = int(tp.shape[0]) - 1
    gained = tp[:last] - tp[1:]
    p = tp + fp
    slope = math_ops.div_no_nan(gained, math_ops.maximum(p[:last] - p[1:], 0), name="prec_slope")
    intercept = tp[1:] - math_ops.multiply(slope, p[1:])
    ratio = array_ops.where(
        math_ops.logical_and(p[:last] > 0, p[1:] > 0),
        math_ops.div_no_nan(p[:last], math_ops.maximum(p[1:], 0), name="recall_relative_ratio"),
        array_ops.ones_like(p[1:]),
    )
    pieces = math_ops.div_no_nan(
        slope * (gained + intercept * math_ops.log(ratio)),
        math_ops.maximum(tp[1:] + fn[1:], 0),
        name="pr_auc_increment",
    )
    return math_ops.reduce_sum(pieces, name="interpolate_pr_auc")


# ---- one number for each threshold


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The precision at each threshold (mirrors `tf.metrics.precision_at_thresholds`).

    Args:
      labels: the true values, cast to bool.
      predictions: scores in [0, 1], of the labels' shape.
      thresholds: a list of floats in [0, 1].
      weights, metrics_collections, updates_collections: see `tf.metrics.auc`.
      name: the name of the variable scope; the function's name, made unique, if None.

    Returns:
      A vector of the precisions so far, and the update.
    """
    with variable_scope(name, "precision_at_thresholds", [predictions, labels, weights]):
        return _rates(
            ("true_positives", "false_positives"),
            "precision",
            (labels, predictions, thresholds, weights),
            (metrics_collections, updates_collections),
        )


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The recall at each threshold (mirrors `tf.metrics.recall_at_thresholds`).

    See `tf.metrics.precision_at_thresholds` for the arguments and the result.
    """
    with variable_scope(name, "recall_at_thresholds", [predictions, labels, weights]):
        return _rates(
            ("true_positives", "false_negatives"),
            "recall",
            (labels, predictions, thresholds, weights),
            (metrics_collections, updates_collections),
        )


def _rates(
    names: tuple[str, str], title: str, given: Given, collections: tuple[Any, Any]
) -> tuple[Tensor, Tensor]:
    values, updates = _counts_at_thresholds(given, names)

    def rate(counts: Counts, name: str) -> Tensor:
        hits, misses = (counts[key] for key in names)
        return math_ops.truediv(hits, _EPSILON + hits + misses, name=f"{title}_{name}")

    return publish(rate(values, "value"), rate(updates, "update_op"), *collections)


def true_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The true positives at each threshold (mirrors `tf.metrics.true_positives_at_thresholds`).

    See `tf.metrics.precision_at_thresholds` for the arguments and the result.
    """
    given = (labels, predictions, thresholds, weights)
    return _one_count("true_positives", name, given, metrics_collections, updates_collections)


def true_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The true negatives at each threshold (mirrors `tf.metrics.true_negatives_at_thresholds`).

    See `tf.metrics.precision_at_thresholds` for the arguments and the result.
    """
    given = (labels, predictions, thresholds, weights)
    return _one_count("true_negatives", name, given, metrics_collections, updates_collections)


def false_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The false positives at each threshold (mirrors `tf.metrics.false_positives_at_thresholds`).

    See `tf.metrics.precision_at_thresholds` for the arguments and the result.
    """
    given = (labels, predictions, thresholds, weights)
    return _one_count("false_positives", name, given, metrics_collections, updates_collections)


def false_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The false negatives at each threshold (mirrors `tf.metrics.false_negatives_at_thresholds`).

    See `tf.metrics.precision_at_thresholds` for the arguments and the result.
    """
    given = (labels, predictions, thresholds, weights)
    return _one_count("false_negatives", name, given, metrics_collections, updates_collections)


def _one_count(
    what: str,
    name: str | None,
    given: Given,
    metrics_collections: Any,
    updates_collections: Any,
) -> tuple[Tensor, Tensor]:
    labels, predictions, _, weights = given
    with variable_scope(name, what, [predictions, labels, weights]):
        values, updates = _counts_at_thresholds(given, (what,))
        value = array_ops.identity(values[what])
        return publish(value, updates[what], metrics_collections, updates_collections)
