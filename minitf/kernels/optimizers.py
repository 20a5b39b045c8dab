"""With this module one can change a model's parameters by their gradients, in place.

Every optimizer has a *rule*: a function of arrays, elementwise, that takes what it keeps of each
parameter (the variable and its slots, such as a momentum), the gradient and some scalars, and
returns the new values. `update` applies a rule to whole arrays, a piece that fits in the cache at a
time, on all cores; `update_rows` applies it to some rows.

>>> import numpy as np
>>> var, accum = np.array([1.0, 2.0]), np.array([0.5, 0.5])
>>> update(momentum, (var, accum), np.array([1.0, 1.0]), 0.1, 0.9)
>>> var, accum
(array([0.855, 1.855]), array([1.45, 1.45]))

The order of operations in each rule is TensorFlow's, so that results agree to the last bit, except
where it takes reciprocal square roots of float32 from the processor's approximation (Adagrad,
Adadelta, sparse RMSProp), where it takes powers (Ftrl unless `lr_power` is -0.5 or 0), and in
sparse updates of a vector's elements, which it computes in another order than rows (Adagrad, Ftrl,
the proximal ones): there the last bit may differ.

`adam`, which most models are trained by, is one compiled loop; so are plain descent, momentum,
Adagrad and RMSProp of large arrays, where the dtype compiles.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels.dispatch import compiles
from minitf.kernels.gemm import InParts
from minitf.kernels.jit import Kernel, jit
from minitf.kernels.sweeps import PIECE, change, change_by_loop

Array = npt.NDArray[Any]
Rule = Callable[..., tuple[Any, ...]]


def update(rule: Rule, slots: Sequence[Array], grad: Array | InParts, *scalars: Any) -> None:
    """Changes arrays by a rule, in place: `slots[:] = rule(*slots, grad, *scalars)`.

    Args:
      rule: elementwise; from arrays of the slots and of the gradient, to the slots' new values.
      slots: the variable and what is kept beside it: contiguous, and of one shape.
      grad: of that shape; it may be a matrix product that is made as it is used.
      *scalars: passed on to the rule; of the arrays' dtype.
    """
    # To ask what compiles is to load the compiler, which a small model can do without.
    if rule in _LOOPS and grad.size >= PIECE and compiles(grad.dtype):
        loop, prepared = _LOOPS[rule]
        change_by_loop(loop, slots, grad, prepared(*scalars))
        return
    flat_slots = [slot.reshape(-1) for slot in slots]

    def some_elements(start: int, numbers: Array) -> None:
        with np.errstate(all="ignore"):  # numpy keeps that for each thread
            for first in range(0, len(numbers), PIECE):
                some = numbers[first : first + PIECE]
                pieces = [slot[start + first :][: len(some)] for slot in flat_slots]
                changed = rule(*pieces, some, *scalars)
                for piece, value in zip(pieces, changed, strict=True):
                    piece[:] = value

    change(some_elements, grad)


def update_rows(
    rule: Rule, slots: Sequence[Array], grad: Array, indices: Array, *scalars: Any
) -> None:
    """Changes rows of arrays by a rule: the rows `indices[i]` by `grad[i]`.

    Args:
      rule: as for `update`.
      slots: of one shape, and of rank 1 or more.
      grad: of the shape of as many rows as there are indices.
      indices: the numbers of the rows. A row that is given twice is changed twice, in order.
      *scalars: as for `update`.
    """
    distinct = np.unique(indices).size == indices.size
    batches = [slice(None)] if distinct else [slice(i, i + 1) for i in range(indices.size)]
    with np.errstate(all="ignore"):
        for batch in batches:
            rows = indices[batch]
            changed = rule(*(slot[rows] for slot in slots), grad[batch], *scalars)
            for slot, value in zip(slots, changed, strict=True):
                slot[rows] = value


# ---- rules


def gradient_descent(var: Any, grad: Any, alpha: Any) -> tuple[Any, ...]:
    """Plain descent: `var -= alpha grad`."""
    return (var - grad * alpha,)


def proximal_gradient_descent(var: Any, grad: Any, alpha: Any, l1: Any, l2: Any) -> tuple[Any, ...]:
    """Descent, then a step that shrinks `var` towards zero by `l1` and `l2`."""
    return (_shrunk(var - grad * alpha, alpha, l1, l2),)


def _shrunk(var: Any, rate: Any, l1: Any, l2: Any) -> Any:
    if l1 > 0:
        var = np.sign(var) * np.maximum(np.abs(var) - rate * l1, var.dtype.type(0))
    return var / (1 + rate * l2)


def momentum(var: Any, accum: Any, grad: Any, lr: Any, momentum: Any) -> tuple[Any, ...]:
    """`accum = momentum accum + grad; var -= lr accum`."""
    accum = accum * momentum + grad
    return var - accum * lr, accum


def nesterov(var: Any, accum: Any, grad: Any, lr: Any, momentum: Any) -> tuple[Any, ...]:
    """`accum = momentum accum + grad; var -= lr (grad + momentum accum)`."""
    accum = accum * momentum + grad
    return var - (grad * lr + accum * momentum * lr), accum


def sparse_nesterov(var: Any, accum: Any, grad: Any, lr: Any, momentum: Any) -> tuple[Any, ...]:
    """`nesterov`, with TensorFlow's order of operations for rows."""
    accum = accum * momentum + grad
    return var - (grad * lr + accum * (momentum * lr)), accum


def adagrad(var: Any, accum: Any, grad: Any, lr: Any) -> tuple[Any, ...]:
    """`accum += grad^2; var -= lr grad / sqrt(accum)`."""
    return adagrad_step(var, accum + grad * grad, grad, lr)


def adagrad_step(var: Any, accum: Any, grad: Any, lr: Any) -> tuple[Any, ...]:
    """`adagrad` that leaves `accum` as it is."""
    return var - grad * lr * _rsqrt(accum), accum


def proximal_adagrad(var: Any, accum: Any, grad: Any, lr: Any, l1: Any, l2: Any) -> tuple[Any, ...]:
    """`adagrad`, then a step that shrinks `var` towards zero by `l1` and `l2`."""
    accum = accum + grad * grad
    rate = _rsqrt(accum) * lr
    return _shrunk(var - grad * rate, rate, l1, l2), accum


def adadelta(
    var: Any, accum: Any, accum_update: Any, grad: Any, lr: Any, rho: Any, epsilon: Any
) -> tuple[Any, ...]:
    """Steps in the ratio of two running averages: of squared steps, and of squared gradients.

    `accum = rho accum + (1 - rho) grad^2`,
    `step = sqrt((accum_update + eps) / (accum + eps)) grad`,
    `accum_update = rho accum_update + (1 - rho) step^2; var -= lr step`.
    """
    accum = accum * rho + grad * grad * (1 - rho)
    step = np.sqrt(accum_update + epsilon) * _rsqrt(accum + epsilon) * grad
    accum_update = accum_update * rho + step * step * (1 - rho)
    return var - step * lr, accum, accum_update


def rms_prop(
    var: Any, ms: Any, mom: Any, grad: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any
) -> tuple[Any, ...]:
    """Steps relative to the root of a running mean of squares.

    `ms = rho ms + (1 - rho) grad^2; mom = momentum mom + lr grad / sqrt(ms + eps); var -= mom`.
    """
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + grad * lr / np.sqrt(ms + epsilon)
    return var - mom, ms, mom


def sparse_rms_prop(
    var: Any, ms: Any, mom: Any, grad: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any
) -> tuple[Any, ...]:
    """`rms_prop`, with TensorFlow's order of operations for rows."""
    ms = ms * rho + grad * grad * (1 - rho)
    mom = mom * momentum + _rsqrt(ms + epsilon) * lr * grad
    return var - mom, ms, mom


def centered_rms_prop(
    var: Any, mg: Any, ms: Any, mom: Any, grad: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any
) -> tuple[Any, ...]:
    """`rms_prop` by the variance of the gradient: `ms - mg^2`, with `mg` its running mean."""
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + grad * lr / np.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def sparse_centered_rms_prop(
    var: Any, mg: Any, ms: Any, mom: Any, grad: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any
) -> tuple[Any, ...]:
    """`centered_rms_prop`, with TensorFlow's order of operations for rows."""
    ms = ms * rho + grad * grad * (1 - rho)
    mg = mg * rho + grad * (1 - rho)
    mom = mom * momentum + _rsqrt(ms + epsilon - mg * mg) * lr * grad
    return var - mom, mg, ms, mom


def ftrl(
    var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any, lr_power: Any
) -> tuple[Any, ...]:
    """Follows the regularized leader: the minimum of a sum of linear and quadratic terms.

    With `p = accum^-lr_power` before and `p'` after `accum += grad^2`,
    `linear += grad - (p' - p) / lr var`, and `var = (l1 sign(linear) - linear) / (p' / lr + 2 l2)`
    where `|linear| > l1`, else 0.
    """
    return ftrl_v2(var, accum, linear, grad, lr, l1, l2, None, lr_power)


def ftrl_v2(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
) -> tuple[Any, ...]:
    """`ftrl`; `2 l2_shrinkage var` is added to the gradient, though not to `accum`."""
    slope = grad if l2_shrinkage is None else grad + 2 * l2_shrinkage * var
    before, accum = _power(accum, -lr_power), accum + grad * grad
    after = _power(accum, -lr_power)
    linear = linear + (slope - (after - before) / lr * var)
    return _leader(linear, l1, after / lr + 2 * l2), accum, linear


def ftrl_by_lr(
    var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any, lr_power: Any
) -> tuple[Any, ...]:
    """`ftrl` that keeps `linear` multiplied by `lr`, which may then be 0."""
    return ftrl_v2_by_lr(var, accum, linear, grad, lr, l1, l2, None, lr_power)


def ftrl_v2_by_lr(
    var: Any,
    accum: Any,
    linear: Any,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    l2_shrinkage: Any,
    lr_power: Any,
) -> tuple[Any, ...]:
    """`ftrl_v2` that keeps `linear` multiplied by `lr`, which may then be 0."""
    slope = grad if l2_shrinkage is None else grad + 2 * l2_shrinkage * var
    before, accum = _power(accum, -lr_power), accum + grad * grad
    after = _power(accum, -lr_power)
    linear = linear + (slope * lr - (after - before) * var)
    return _leader(linear, l1 * lr, after + 2 * l2 * lr), accum, linear


def _leader(linear: Any, l1: Any, curvature: Any) -> Any:
    minimum = (l1 * np.sign(linear) - linear) / curvature
    return np.where(np.abs(linear) > l1, minimum, linear.dtype.type(0))


def _power(x: Any, exponent: Any) -> Any:
    return np.sqrt(x) if exponent == 0.5 else np.power(x, exponent)


def _rsqrt(x: Any) -> Any:
    if x.dtype == np.float16:  # rounded once
        return (1 / np.sqrt(x.astype(np.float32))).astype(np.float16)
    return 1 / np.sqrt(x)


# ---- Adam


def adam(
    var: Array,
    m: Array,
    v: Array,
    grad: Array | InParts,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    *,
    use_nesterov: bool = False,
) -> None:
    """Steps by running means of the gradient and of its square, in place.

    `m = beta1 m + (1 - beta1) grad`, `v = beta2 v + (1 - beta2) grad^2`, and
    `var -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)`: the first factor mends the
    means' start from zero. Mirrors the kernel of the op `ApplyAdam`.

    Args:
      var, m, v: contiguous, and of one shape and dtype.
      grad: of that shape and dtype; as for `update`.
      beta1_power, beta2_power: `beta1^t` and `beta2^t` at step t; like all scalars, of that dtype.
      lr, beta1, beta2, epsilon: as in the formulas.
      use_nesterov: whether `beta1 m + (1 - beta1) grad` takes the place of `m` in the step.

    >>> import numpy as np
    >>> var, m, v = np.array([1.0]), np.array([0.0]), np.array([0.0])
    >>> adam(var, m, v, np.array([3.0]), 0.9, 0.999, 0.1, 0.9, 0.999, 1e-8)
    >>> var.round(6), m.round(6), v.round(6)
    (array([0.9]), array([0.3]), array([0.009]))
    """
    alpha = _adam_rate(lr, beta1_power, beta2_power)
    rule = _nesterov_adam_rule if use_nesterov else _adam_rule
    if use_nesterov or not compiles(var.dtype):
        update(rule, (var, m, v), grad, alpha, beta1, beta2, epsilon)
        return
    change_by_loop(_adam_loop, (var, m, v), grad, (alpha, 1 - beta1, 1 - beta2, epsilon))


@functools.lru_cache(8, typed=True)  # each variable of a model asks for the same
def _adam_rate(lr: Any, beta1_power: Any, beta2_power: Any) -> Any:
    return lr * np.sqrt(1 - beta2_power) / (1 - beta1_power)


def _adam_rule(
    var: Any, m: Any, v: Any, grad: Any, alpha: Any, beta1: Any, beta2: Any, epsilon: Any
) -> tuple[Any, ...]:
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    return var - m * alpha / (np.sqrt(v) + epsilon), m, v


def _nesterov_adam_rule(
    var: Any, m: Any, v: Any, grad: Any, alpha: Any, beta1: Any, beta2: Any, epsilon: Any
) -> tuple[Any, ...]:
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    ahead = grad * (1 - beta1) + beta1 * m
    return var - ahead * alpha / (np.sqrt(v) + epsilon), m, v


@jit
def _adam_loop(
    var: Array,
    m: Array,
    v: Array,
    grad: Array,
    alpha: Any,
    rest1: Any,
    rest2: Any,
    epsilon: Any,
) -> None:
    # Seven streams of memory, each passed over once.
    for i in range(len(var)):
        g = grad[i]
        mean = m[i] + (g - m[i]) * rest1
        square = v[i] + (g * g - v[i]) * rest2
        m[i] = mean
        v[i] = square
        var[i] -= mean * alpha / (np.sqrt(square) + epsilon)


# ---- rules that are compiled too, with the same bits


@jit
def _descent_loop(var: Array, grad: Array, alpha: Any) -> None:
    for i in range(len(var)):
        var[i] -= grad[i] * alpha


@jit
def _momentum_loop(var: Array, accum: Array, grad: Array, lr: Any, momentum: Any) -> None:
    for i in range(len(var)):
        total = accum[i] * momentum + grad[i]
        accum[i] = total
        var[i] -= total * lr


@jit
def _nesterov_loop(var: Array, accum: Array, grad: Array, lr: Any, momentum: Any) -> None:
    for i in range(len(var)):
        total = accum[i] * momentum + grad[i]
        accum[i] = total
        var[i] -= grad[i] * lr + total * momentum * lr


@jit
def _adagrad_loop(var: Array, accum: Array, grad: Array, lr: Any, one: Any) -> None:
    for i in range(len(var)):
        total = accum[i] + grad[i] * grad[i]
        accum[i] = total
        var[i] -= grad[i] * lr * (one / np.sqrt(total))


@jit
def _rms_prop_loop(
    var: Array,
    ms: Array,
    mom: Array,
    grad: Array,
    lr: Any,
    rest: Any,
    momentum: Any,
    epsilon: Any,
) -> None:
    for i in range(len(var)):
        square = ms[i] + (grad[i] * grad[i] - ms[i]) * rest
        step = mom[i] * momentum + grad[i] * lr / np.sqrt(square + epsilon)
        ms[i] = square
        mom[i] = step
        var[i] -= step


# With each the scalars that it takes for those of the rule: a compiled `1 - rho` would be float64.
_LOOPS: dict[Rule, tuple[Kernel[Any, None], Callable[..., tuple[Any, ...]]]] = {
    gradient_descent: (_descent_loop, lambda alpha: (alpha,)),
    momentum: (_momentum_loop, lambda lr, momentum: (lr, momentum)),
    nesterov: (_nesterov_loop, lambda lr, momentum: (lr, momentum)),
    adagrad: (_adagrad_loop, lambda lr: (lr, 1)),
    rms_prop: (
        _rms_prop_loop,
        lambda lr, rho, momentum, epsilon: (lr, 1 - rho, momentum, epsilon),
    ),
}
