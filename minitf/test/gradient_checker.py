"""With this module one can check a gradient against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.autodiff.gradients import gradients
from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_session, session_for
from minitf.framework.graph import Graph
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, math_ops
from minitf.runtime.session import Session


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> Any:
    """The Jacobian dy/dx twice: by gradients and by differences.

    Mirrors `tf.test.compute_gradient`. It runs in the default session.

    Args:
      x: a tensor, or a list of them.
      x_shape: its shape (or a list of shapes).
      y: the tensor to differentiate.
      y_shape: its shape.
      x_init_value: where to differentiate; random if None.
      delta: the step of the differences.
      init_targets: initializers to run first.
      extra_feed_dict: values for other placeholders.

    Returns:
      A pair of arrays of shape [size of x, size of y] (theoretical, numeric); a list of pairs if
      `x` is a list.

    Raises:
      ValueError: if there is no default session, or no gradient.
    """
    session = session_for("compute a gradient", y.graph, get_default_session())
    for target in _as_list(init_targets) if init_targets is not None else []:
        session.run(target)
    several = isinstance(x, (list, tuple))
    xs = list(x) if several else [x]
    shapes = list(x_shape) if several else [x_shape]
    starts = _start_values(xs, shapes, x_init_value if several else [x_init_value])
    feeds = dict(extra_feed_dict or {})
    feeds.update(zip(xs, starts, strict=True))
    pairs = [
        (
            _theoretical(session, tensor, value, y, y_shape, feeds),
            _numeric(session, tensor, value, y, y_shape, delta, feeds),
        )
        for tensor, value in zip(xs, starts, strict=True)
    ]
    return pairs if several else pairs[0]


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Tensor,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> float:
    """The largest difference between the two Jacobians of `compute_gradient`.

    Mirrors `tf.test.compute_gradient_error`.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float64, [3])
    >>> with tf.Session():
    ...     bool(tf.test.compute_gradient_error(x, [3], tf.square(x), [3]) < 1e-9)
    True
    """
    result = compute_gradient(
        x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict
    )
    pairs = result if isinstance(result, list) else [result]
    return max(
        float(np.abs(theoretical - numeric).max(initial=0.0)) for theoretical, numeric in pairs
    )


def check_grads(
    function: Callable[..., Any],
    args: Any,
    order: int = 2,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Checks the derivatives of a function up to some order, in random directions.

    For a scalar combination f of the outputs and a random direction d it compares
    `sum(grad f(x) * d)` with `(f(x + h d) - f(x - h d)) / 2h`; then it does the same with the
    gradient in the place of the function, and so on.

    Args:
      function: from tensors to a tensor, or a list of tensors.
      args: arrays or numbers, taken as float64: the point at which to check.
      order: how many times to differentiate.
      rtol, atol: tolerances, relative to the sum of the magnitudes that are added up.
      seed: of the random directions.

    Raises:
      AssertionError: if a derivative is wrong; the message says of which order.

    >>> import minitf as tf
    >>> check_grads(lambda x: tf.tanh(x) * tf.exp(x), [[0.5, -1.0]], order=3)
    """
    rng = np.random.default_rng(seed)
    values = [np.asarray(arg, np.float64) for arg in args]
    with Graph().as_default() as graph:
        xs = [array_ops.placeholder("float64", value.shape) for value in values]
        outputs = [convert_to_tensor(y) for y in _as_list(function(*xs))]
        feeds = dict(zip(xs, values, strict=True))
        with Session(graph=graph) as session:
            for level in range(1, order + 1):
                scalar = _random_combination(session, outputs, feeds, rng)
                outputs = _check_order(session, scalar, xs, feeds, rng, (level, rtol, atol))
                if not outputs:
                    return


def _random_combination(session: Any, outputs: list[Any], feeds: Any, rng: Any) -> Tensor:
    values = session.run(outputs, feeds)
    terms = [
        math_ops.reduce_sum(y * rng.standard_normal(np.shape(v)))
        for y, v in zip(outputs, values, strict=True)
    ]
    return math_ops.add_n(terms)


def _check_order(
    session: Any, scalar: Tensor, xs: list[Any], feeds: Any, rng: Any, limits: Any
) -> list[Any]:
    level, rtol, atol = limits
    grads = [None if g is None else convert_to_tensor(g) for g in gradients(scalar, xs)]
    direction = {x: rng.standard_normal(feeds[x].shape) for x in xs}
    step = 1e-6
    ends = [
        session.run(scalar, {x: feeds[x] + sign * step * direction[x] for x in xs})
        for sign in (1.0, -1.0)
    ]
    numeric = (ends[0] - ends[1]) / (2 * step)
    present = [(g, x) for g, x in zip(grads, xs, strict=True) if g is not None]
    values = session.run([g for g, _ in present], feeds)
    products = [v * direction[x] for v, (_, x) in zip(values, present, strict=True)]
    analytic = sum(float(p.sum()) for p in products)
    scale = sum(float(np.abs(p).sum()) for p in products) + abs(float(ends[0]))
    if not abs(analytic - numeric) <= rtol * scale + atol:
        raise AssertionError(
            errors.report(
                f"The derivative of order {level} is {analytic} in a random direction, but "
                f"differences give {numeric}.",
                see="no-gradient",
            )
        )
    return [g for g, _ in present]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _start_values(xs: list[Any], shapes: list[Any], given: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    given = given if given is not None else [None] * len(xs)
    values = []
    for tensor, shape, value in zip(xs, shapes, given, strict=True):
        numpy_dtype = tensor.dtype.base_dtype.as_numpy_dtype
        if value is None:
            value = rng.random([int(d) for d in shape])
        values.append(np.array(value, numpy_dtype))
    return values


def _theoretical(session: Any, x: Any, value: Any, y: Tensor, y_shape: Any, feeds: Any) -> Any:
    """The Jacobian by gradients, one row of outputs at a time."""
    size = int(np.prod([int(d) for d in y_shape], dtype=np.int64))
    numpy_dtype = y.dtype.base_dtype.as_numpy_dtype
    seed = array_ops.placeholder(y.dtype.base_dtype, [int(d) for d in y_shape])
    grad = gradients(y, x, grad_ys=seed)[0]
    if grad is None:
        raise errors.value_error(
            f"There is no gradient of {y.name} by {x.name}.", see="no-gradient"
        )
    grad = convert_to_tensor(grad)
    jacobian = np.zeros((value.size, size), value.dtype)
    for column in range(size):
        one = np.zeros(size, numpy_dtype)
        one[column] = 1
        result = session.run(grad, {**feeds, seed: one.reshape([int(d) for d in y_shape])})
        jacobian[:, column] = result.reshape(-1)
    return jacobian


def _numeric(
    session: Any, x: Any, value: Any, y: Tensor, y_shape: Any, delta: float, feeds: Any
) -> Any:
    """The Jacobian by central differences, one element of x at a time."""
    size = int(np.prod([int(d) for d in y_shape], dtype=np.int64))
    jacobian = np.zeros((value.size, size), value.dtype)
    for row in range(value.size):
        ends = []
        for sign in (1.0, -1.0):
            moved = value.copy()
            moved.reshape(-1)[row] += sign * delta
            ends.append(np.asarray(session.run(y, {**feeds, x: moved})).reshape(-1))
        jacobian[row] = (ends[0] - ends[1]) / (2 * delta)
    return jacobian
