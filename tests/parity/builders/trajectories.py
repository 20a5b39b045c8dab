"""What training makes of variables, slots, learning rates, moving averages and losses.

Gradients are fed, the same to both engines, so that what differs is the optimizer's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("trajectories")

STEPS = 20
DTYPES = ("float16", "float32", "float64")

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "descent": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(1.0, epsilon=1e-4),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.01, momentum=0.5),
    "centered": lambda tf: tf.train.RMSPropOptimizer(0.01, momentum=0.5, centered=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.01, epsilon=1e-4),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(
        0.1, l1_regularization_strength=0.3, l2_regularization_strength=0.2, beta=0.1
    ),
    "ftrl_power": lambda tf: tf.train.FtrlOptimizer(0.1, learning_rate_power=-0.7),
    "ftrl_shrinkage": lambda tf: tf.train.FtrlOptimizer(
        0.1, l1_regularization_strength=0.3, l2_shrinkage_regularization_strength=0.1
    ),
    "proximal": lambda tf: tf.train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.3, l2_regularization_strength=0.2
    ),
    "proximal_adagrad": lambda tf: tf.train.ProximalAdagradOptimizer(
        0.1, l1_regularization_strength=0.3, l2_regularization_strength=0.2
    ),
}

# TensorFlow's penalties are float32, whatever the variable is.
_SINGLE = ("proximal", "proximal_adagrad")

RUNS = [
    (name, kind, dtype)
    for name in OPTIMIZERS
    for kind in ("dense", "rows", "elements")
    for dtype in DTYPES
    if dtype == "float32" or name not in _SINGLE
]


# TensorFlow takes reciprocal square roots of float32 from an approximation of the processor's
# (Adagrad, Adadelta, sparse RMSProp), powers from its own (Ftrl); computes updates of a vector's
# elements in another order than those of rows; and simplifies the many nodes of a sparse Adam.
# Everything else has its bits.
ROUNDED = {
    "dense": {"adagrad", "adadelta", "ftrl_power", "proximal_adagrad"},
    "rows": {"adagrad", "adadelta", "ftrl_power", "proximal_adagrad", "rmsprop", "centered"}
    | {"adam"},
}
ROUNDED["elements"] = ROUNDED["rows"] | {"ftrl", "ftrl_shrinkage", "proximal"}


def roundings(count: int) -> dict[str, float]:
    """So many roundings of the largest value, as relative tolerances; 0 for the same bits."""
    dtypes = ("float16", "float32", "float64")
    return {dtype: count * float(np.finfo(dtype).eps) / 2 for dtype in dtypes}


def train(tf: Any, name: str, kind: str, dtype: str) -> dict[str, np.ndarray]:
    """What 20 steps make of a variable and its slots, by name.

    Args:
      tf: the engine.
      name: of the optimizer.
      kind: of gradient: "dense"; of "rows" of a matrix or "elements" of a vector, with repetitions.
      dtype: of the variable.
    """
    rng = np.random.RandomState(len(name))
    shape = (7,) if kind == "elements" else (7, 3)
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(rng.standard_normal(shape).astype(dtype), name="v")
        values = tf.placeholder(dtype, [None, *shape[1:]])
        indices = tf.placeholder(tf.int64, [None])
        grad = values if kind == "dense" else tf.IndexedSlices(values, indices, tf.shape(v))
        optimizer = OPTIMIZERS[name](tf)
        step = optimizer.apply_gradients([(grad, v)])
        sess.run(tf.global_variables_initializer())
        for _ in range(STEPS):
            feeds = {values: rng.standard_normal(shape).astype(dtype)}
            where = rng.randint(7, size=7)
            if kind != "dense":
                feeds[indices] = where
            sess.run(step, feeds)
        made = [v, *optimizer.variables()]
        return {variable.op.name: sess.run(variable) for variable in made}


DECAYS: dict[str, Callable[[Any, Any], Any]] = {
    "exponential": lambda tf, s: tf.train.exponential_decay(0.1, s, 10, 0.5),
    "exponential_stairs": lambda tf, s: tf.train.exponential_decay(
        tf.constant(0.1, tf.float64), s, tf.constant(10), 0.5, staircase=True, name="rate"
    ),
    "natural": lambda tf, s: tf.train.natural_exp_decay(0.1, s, 10, 0.5),
    "natural_stairs": lambda tf, s: tf.train.natural_exp_decay(0.1, s, 10, 0.5, staircase=True),
    "inverse": lambda tf, s: tf.train.inverse_time_decay(0.1, s, 10, 0.5),
    "inverse_stairs": lambda tf, s: tf.train.inverse_time_decay(0.1, s, 10, 0.5, staircase=True),
    "polynomial": lambda tf, s: tf.train.polynomial_decay(0.1, s, 10, power=2.0),
    "polynomial_cycle": lambda tf, s: tf.train.polynomial_decay(
        0.1, s, 10, end_learning_rate=0.01, power=0.5, cycle=True
    ),
    "cosine": lambda tf, s: tf.train.cosine_decay(0.1, s, 10, alpha=0.2),
    "restarts": lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 10, m_mul=0.8, alpha=0.1),
    "restarts_equal": lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 10, t_mul=1.0),
    "linear_cosine": lambda tf, s: tf.train.linear_cosine_decay(0.1, s, 10),
    "noisy_linear_cosine": lambda tf, s: tf.train.noisy_linear_cosine_decay(
        0.1, s, 10, num_periods=1.5, alpha=0.1
    ),
    "piecewise_constant": lambda tf, s: tf.train.piecewise_constant(s, [10, 20], [1.0, 0.5, 0.1]),
    "piecewise_constant_two": lambda tf, s: tf.train.piecewise_constant(s, [7], [3, 4]),
    "piecewise_constant_float": lambda tf, s: tf.train.piecewise_constant(
        tf.cast(s, tf.float32), [9.5, 20.0], [1.0, 0.5, 0.1]
    ),
}


def rates(tf: Any, name: str) -> np.ndarray:
    """A learning rate at steps 0 ... 44."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        step = tf.placeholder(tf.int64, [])
        rate = DECAYS[name](tf, step)
        return np.stack([sess.run(rate, {step: s}) for s in range(45)])


for _run in RUNS:
    family.add(
        "train-" + "-".join(_run),
        "values",
        lambda tf, run=_run: list(train(tf, *run).values()),
        rtol=roundings(STEPS if _run[0] in ROUNDED[_run[1]] else 0),
    )
for _name in DECAYS:
    # Powers, logarithms and cosines are approximated in several ways.
    family.add(
        f"rates-{_name}", "values", lambda tf, name=_name: [rates(tf, name)], rtol=roundings(10)
    )


def averages(tf: Any) -> dict[str, np.ndarray]:
    """Moving averages of a variable and of a tensor over ten updates."""
    rng = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [3])
        v = tf.Variable([1.0, 2.0, 3.0], name="v")
        count = tf.Variable(0, trainable=False)
        emas = {
            "plain": tf.train.ExponentialMovingAverage(0.9),
            "counted": tf.train.ExponentialMovingAverage(0.9, num_updates=count, name="counted"),
            "unbiased": tf.train.ExponentialMovingAverage(0.9, zero_debias=True, name="unbiased"),
        }
        moved = tf.identity(x, name="x")
        changes = tf.group(v.assign_add(x), count.assign_add(1))
        with tf.control_dependencies([changes]):
            updates = tf.group(*[ema.apply([v, moved]) for ema in emas.values()])
        shadows = {
            f"{name}_{what}": ema.average(source)
            for name, ema in emas.items()
            for what, source in (("variable", v), ("tensor", moved))
        }
        sess.run(tf.global_variables_initializer())
        seen: dict[str, list[np.ndarray]] = {name: [] for name in shadows}
        for _ in range(10):
            sess.run(updates, {x: rng.standard_normal(3)})
            for name, value in sess.run(shadows).items():
                seen[name].append(value)
        return {name: np.stack(values) for name, values in seen.items()}


def regression(tf: Any, name: str) -> np.ndarray:
    """The losses of 20 steps of `minimize` on a small model, its gradients included."""
    rng = np.random.RandomState(3)
    x = rng.standard_normal((30, 4)).astype("float32")
    y = np.eye(3, dtype="float32")[rng.randint(3, size=30)]
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.train.get_or_create_global_step()
        w = tf.Variable(rng.standard_normal((4, 3)).astype("float32"), name="w")
        b = tf.Variable(tf.zeros([3]), name="b")
        logits = tf.matmul(x, w) + b
        log_p = logits - tf.reduce_logsumexp(logits, 1, keepdims=True)
        loss = -tf.reduce_mean(tf.reduce_sum(y * log_p, 1))
        train_op = OPTIMIZERS[name](tf).minimize(loss, global_step=step)
        sess.run(tf.global_variables_initializer())
        losses = []
        for _ in range(STEPS):
            sess.run(train_op)
            losses.append(sess.run(loss))
        return np.stack([*losses, np.float32(sess.run(step))])


@family.values(rtol=roundings(4))
def moving_averages(tf: Any) -> list[np.ndarray]:
    """To the last bit, but for the power in the correction for a start at zero."""
    return list(averages(tf).values())


for _name in OPTIMIZERS:
    family.add(
        f"losses-{_name}",
        "values",
        lambda tf, name=_name: [regression(tf, name)],
        rtol=roundings(STEPS),
    )
