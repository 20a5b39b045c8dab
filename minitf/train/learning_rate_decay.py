"""With this module a learning rate can change while one trains, as a function of the global step.

Each function returns a scalar tensor, to be given to an optimizer, which is computed anew at each
step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.dtypes import DType
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, cond_ops, constant_op, math_ops, random_ops


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * decay_rate ** (global_step / decay_steps)`.

    Mirrors `tf.train.exponential_decay`.

    Args:
      learning_rate: the rate to begin with, a number or a floating-point scalar.
      global_step: a number, scalar or variable.
      decay_steps: after how many steps the rate is multiplied by `decay_rate`.
      decay_rate: a number or scalar.
      staircase: whether the quotient is rounded down, so that the rate changes at intervals.
      name: the node's name.

    Returns:
      A scalar of the dtype of `learning_rate`.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> step = tf.placeholder(tf.int64, [])
    >>> rate = tf.train.exponential_decay(1.0, step, decay_steps=10, decay_rate=0.5)
    >>> with tf.Session() as sess:
    ...     print([float(sess.run(rate, {step: s})) for s in (0, 10, 20)])
    [1.0, 0.5, 0.25]
    """
    _require(global_step, "exponential_decay")
    values = [learning_rate, global_step, decay_steps, decay_rate]
    with name_scope(name, "ExponentialDecay", values) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        decay_steps, decay_rate = _cast(rate.dtype, decay_steps, decay_rate)
        quotient = math_ops.cast(global_step, rate.dtype) / decay_steps
        if staircase:
            quotient = math_ops.floor(quotient)
        return math_ops.multiply(rate, math_ops.pow(decay_rate, quotient), name=scope)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate * exp(-decay_rate * global_step / decay_steps)`.

    Mirrors `tf.train.natural_exp_decay`; see `exponential_decay` for the arguments.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print("%.4f" % sess.run(tf.train.natural_exp_decay(1.0, 20, 10, 0.5)))
    0.3679
    """
    _require(global_step, "natural_exp_decay")
    factor = math_ops.exp(math_ops.negative(decay_rate))
    return exponential_decay(
        learning_rate, global_step, decay_steps, factor, staircase=staircase, name=name
    )


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """`learning_rate / (1 + decay_rate * global_step / decay_steps)`.

    Mirrors `tf.train.inverse_time_decay`; see `exponential_decay` for the arguments.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.train.inverse_time_decay(1.0, 20, 10, 0.5)))
    0.5
    """
    _require(global_step, "inverse_time_decay")
    values = [learning_rate, global_step, decay_steps, decay_rate]
    with name_scope(name, "InverseTimeDecay", values) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        decay_steps, decay_rate = _cast(rate.dtype, decay_steps, decay_rate)
        quotient = math_ops.cast(global_step, rate.dtype) / decay_steps
        if staircase:
            quotient = math_ops.floor(quotient)
        one = math_ops.cast(constant_op.constant(1), rate.dtype)
        denominator = math_ops.add(one, math_ops.multiply(decay_rate, quotient))
        return math_ops.divide(rate, denominator, name=scope)


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """`(learning_rate - end) * (1 - global_step / decay_steps) ** power + end`.

    Mirrors `tf.train.polynomial_decay`.

    Args:
      learning_rate: the rate to begin with, a number or a floating-point scalar.
      global_step: a number, scalar or variable.
      decay_steps: after how many steps `end_learning_rate` is reached.
      end_learning_rate: where the rate stays then.
      power: the degree; 1 for a straight line.
      cycle: whether it begins again instead of staying, each time at a lower rate: then
        `decay_steps` counts as its next multiple.
      name: the node's name.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> step = tf.placeholder(tf.int64, [])
    >>> rate = tf.train.polynomial_decay(1.0, step, decay_steps=10, end_learning_rate=0.5)
    >>> with tf.Session() as sess:
    ...     print([float(sess.run(rate, {step: s})) for s in (0, 5, 10, 15)])
    [1.0, 0.75, 0.5, 0.5]
    """
    _require(global_step, "polynomial_decay")
    values = [learning_rate, global_step, decay_steps, end_learning_rate, power]
    with name_scope(name, "PolynomialDecay", values) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        end_learning_rate, power = _cast(rate.dtype, end_learning_rate, power)
        step, steps = _cast(rate.dtype, global_step, decay_steps)
        if cycle:
            started = math_ops.equal(step, 0)
            rounds = array_ops.where_v2(started, 1.0, math_ops.ceil(step / decay_steps))
            steps = math_ops.multiply(steps, rounds)
        else:
            step = math_ops.minimum(step, steps)
        quotient = math_ops.divide(step, steps)
        above_end = math_ops.multiply(rate - end_learning_rate, math_ops.pow(1 - quotient, power))
        return math_ops.add(above_end, end_learning_rate, name=scope)


def piecewise_constant(x: Any, boundaries: Any, values: Any, name: str | None = None) -> Tensor:
    """One value up to each boundary, and another after the last.

    Mirrors `tf.train.piecewise_constant`.

    Args:
      x: a scalar, such as the global step.
      boundaries: a list of rising numbers or scalars, of the dtype of `x` (int32 will do for
        int64).
      values: a list of numbers or tensors of one dtype, one more than boundaries:
        `values[i]` holds up to and including `boundaries[i]`.
      name: the scope's name.

    Returns:
      A tensor of the dtype of the values.

    Raises:
      ValueError: if dtypes do not fit, or there is another number of values.

    >>> import minitf as tf
    >>> step = tf.placeholder(tf.int64, [])
    >>> rate = tf.train.piecewise_constant(step, [10, 20], [1.0, 0.5, 0.25])
    >>> with tf.Session() as sess:
    ...     print([float(sess.run(rate, {step: s})) for s in (10, 11, 20, 21)])
    [1.0, 0.5, 0.5, 0.25]
    """
    if x is None:
        raise errors.value_error(
            "piecewise_constant needs an x, such as the global step; it got None."
        )
    if len(boundaries) != len(values) - 1:
        raise errors.value_error(
            "The length of boundaries should be 1 less than the length of values, but they are "
            f"{len(boundaries)} and {len(values)}."
        )
    if not boundaries:
        raise errors.value_error("piecewise_constant needs at least one boundary.")
    edges = [convert_to_tensor(boundary) for boundary in boundaries]
    levels = [convert_to_tensor(value) for value in values]
    x = convert_to_tensor(x)
    edges = [_edge_for(x, edge) for edge in edges]
    for level in levels[1:]:
        if level.dtype.base_dtype is not levels[0].dtype.base_dtype:
            raise errors.value_error(
                "Values must have elements all with the same dtype "
                f"({levels[0].dtype.base_dtype.name} vs {level.dtype.base_dtype.name}): write 1.0 "
                "for 1, or use tf.cast."
            )
    with name_scope(name, "PiecewiseConstant", [x, *edges, *levels]):
        pairs = [
            (x <= edges[0], _constantly(levels[0])),
            (x > edges[-1], _constantly(levels[-1])),
        ]
        for low, high, level in zip(edges[:-1], edges[1:], levels[1:-1], strict=True):
            pairs.append(((x > low) & (x <= high), _constantly(level)))
        result: Tensor = cond_ops.case(pairs, _constantly(levels[0]), exclusive=True)
        return result


piecewise_constant_decay = piecewise_constant


def _constantly(level: Tensor) -> Callable[[], Tensor]:
    return lambda: level


def _edge_for(x: Tensor, edge: Tensor) -> Tensor:
    dtype, wanted = edge.dtype.base_dtype, x.dtype.base_dtype
    if dtype is wanted:
        return edge
    if dtype is dtypes.int32 and wanted is dtypes.int64:
        wider: Tensor = math_ops.cast(edge, dtypes.int64)
        return wider
    raise errors.value_error(
        f"Boundaries ({dtype.name}) must have the same dtype as x ({wanted.name}): "
        f"write them as {wanted.name}, or use tf.cast."
    )


def cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Tensor:
    """Half a cosine wave, from `learning_rate` down to `alpha` times it.

    Mirrors `tf.train.cosine_decay`. With `f = min(global_step, decay_steps) / decay_steps` it is
    `learning_rate * ((1 - alpha) * (1 + cos(pi * f)) / 2 + alpha)`.

    Args:
      learning_rate: the rate to begin with, a number or a floating-point scalar.
      global_step: a number, scalar or variable.
      decay_steps: after how many steps the least rate is reached.
      alpha: that rate, as a fraction of the first.
      name: the scope's name.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print("%.4f" % sess.run(tf.train.cosine_decay(1.0, 5, decay_steps=10)))
    0.5000
    """
    _require(global_step, "cosine_decay")
    with name_scope(name, "CosineDecay", [learning_rate, global_step]):
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps, step = _cast(rate.dtype, decay_steps, global_step)
        fraction = math_ops.minimum(step, steps) / steps
        wave = 0.5 * (1.0 + math_ops.cos(_pi(rate.dtype) * fraction))
        return math_ops.multiply(rate, (1 - alpha) * wave + alpha)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: Any = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Tensor:
    """`cosine_decay` that begins again each time it has come down.

    Mirrors `tf.train.cosine_decay_restarts`.

    Args:
      learning_rate: the rate to begin with, a number or a floating-point scalar.
      global_step: a number, scalar or variable.
      first_decay_steps: the length of the first period.
      t_mul: how many times as long each period is as the one before.
      m_mul: what the rate at each start is multiplied by, compared with the start before.
      alpha: the least rate, as a fraction of the first.
      name: the node's name.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> step = tf.placeholder(tf.int64, [])
    >>> rate = tf.train.cosine_decay_restarts(1.0, step, first_decay_steps=10, m_mul=0.5)
    >>> with tf.Session() as sess:
    ...     print([round(float(sess.run(rate, {step: s})), 4) for s in (0, 5, 10, 20)])
    [1.0, 0.5, 0.5, 0.25]
    """
    _require(global_step, "cosine_decay_restarts")
    with name_scope(name, "SGDRDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps, alpha, t_mul, m_mul, step = _cast(
            rate.dtype, first_decay_steps, alpha, t_mul, m_mul, global_step
        )
        periods = step / steps

        def equally_long() -> Any:
            restarts = math_ops.floor(periods)
            return restarts, periods - restarts

        def ever_longer() -> Any:
            restarts = math_ops.floor(
                math_ops.log(1.0 - periods * (1.0 - t_mul)) / math_ops.log(t_mul)
            )
            before = (1.0 - t_mul**restarts) / (1.0 - t_mul)
            return restarts, (periods - before) / t_mul**restarts

        restarts, fraction = cond_ops.cond(math_ops.equal(t_mul, 1.0), equally_long, ever_longer)
        wave = 0.5 * m_mul**restarts * (1.0 + math_ops.cos(_pi(rate.dtype) * fraction))
        return math_ops.multiply(rate, (1 - alpha) * wave + alpha, name=scope)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """A falling line times a cosine wave: `learning_rate * ((alpha + line) * wave + beta)`.

    Mirrors `tf.train.linear_cosine_decay`. With `f = min(global_step, decay_steps) / decay_steps`,
    `line` is `1 - f` and `wave` is `(1 + cos(2 pi num_periods f)) / 2`.

    Args:
      learning_rate: the rate to begin with, a number or a floating-point scalar.
      global_step: a number, scalar or variable.
      decay_steps: after how many steps the line is at 0.
      num_periods: how many waves there are until then.
      alpha, beta: see above.
      name: the node's name.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print("%.4f" % sess.run(tf.train.linear_cosine_decay(1.0, 5, decay_steps=10)))
    0.2510
    """
    _require(global_step, "linear_cosine_decay")
    with name_scope(name, "LinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps, num_periods, alpha, beta, step = _cast(
            rate.dtype, decay_steps, num_periods, alpha, beta, global_step
        )
        step = math_ops.minimum(step, steps)
        line = (steps - step) / steps
        wave = _wave(step / steps, num_periods, rate.dtype)
        return math_ops.multiply(rate, (alpha + line) * wave + beta, name=scope)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """`linear_cosine_decay` with normal noise on the line, ever less of it.

    Mirrors `tf.train.noisy_linear_cosine_decay`. The noise has the variance
    `initial_variance / (1 + global_step) ** variance_decay`.

    Args:
      learning_rate, global_step, decay_steps, num_periods, alpha, beta, name: as for
        `linear_cosine_decay`.
      initial_variance, variance_decay: see above.

    Raises:
      ValueError: if there is no `global_step`.

    >>> import minitf as tf
    >>> rate = tf.train.noisy_linear_cosine_decay(1.0, 5, decay_steps=10, initial_variance=0.0)
    >>> with tf.Session() as sess:
    ...     print("%.4f" % sess.run(rate))
    0.2510
    """
    _require(global_step, "noisy_linear_cosine_decay")
    with name_scope(name, "NoisyLinearCosineDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="initial_learning_rate")
        steps, variance, variance_decay = _cast(
            rate.dtype, decay_steps, initial_variance, variance_decay
        )
        num_periods, alpha, beta, step = _cast(rate.dtype, num_periods, alpha, beta, global_step)
        step = math_ops.minimum(step, steps)
        line = (steps - step) / steps
        variance = variance / math_ops.pow(1.0 + step, variance_decay)
        noisy_line = line + random_ops.random_normal(
            line.shape, stddev=math_ops.sqrt(variance), dtype=rate.dtype
        )
        wave = _wave(step / steps, num_periods, rate.dtype)
        return math_ops.multiply(rate, (alpha + noisy_line) * wave + beta, name=scope)


def _require(global_step: Any, function: str) -> None:
    if global_step is None:
        raise errors.value_error(
            f"global_step is required for {function}: None values not supported. "
            "tf.train.get_or_create_global_step() makes one."
        )


def _cast(dtype: DType, *values: Any) -> list[Tensor]:
    return [math_ops.cast(value, dtype) for value in values]


def _pi(dtype: DType) -> Tensor:
    return constant_op.constant(math.pi, dtype=dtype)


def _wave(fraction: Tensor, num_periods: Tensor, dtype: DType) -> Tensor:
    angle = 2.0 * num_periods * fraction
    wave: Tensor = 0.5 * (1.0 + math_ops.cos(_pi(dtype) * angle))
    return wave
