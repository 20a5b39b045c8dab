"""Seeded tensors whose values minitf must give as TensorFlow does, in two runs of one session.

Each function takes `tf`, which is either. `tests/golden/seeded_values.npz` holds what TensorFlow
gave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SEEDED: dict[str, Callable[[Any], Any]] = {}


def seeded(name: str, build: Callable[[Any], Any]) -> None:
    def in_seeded_graph(tf: Any) -> Any:
        tf.set_random_seed(87)
        tf.random_uniform([1])  # the next op is the graph's second
        return build(tf)

    SEEDED[name] = in_seeded_graph


def initializer(name: str, make: Callable[[Any], Any], shape: list[int], dtype: str) -> None:
    """An initializer's tensor, and the same through get_variable."""
    seeded(f"{name}-{shape}-{dtype}", lambda tf: make(tf)(shape, tf.as_dtype(dtype)))


for _dtype in ("float32", "float64"):
    seeded(f"uniform-{_dtype}", lambda tf, d=_dtype: tf.random_uniform([7, 9], dtype=d))
    seeded(f"uniform-max-{_dtype}", lambda tf, d=_dtype: tf.random_uniform([50], maxval=3, dtype=d))
    seeded(f"uniform-between-{_dtype}", lambda tf, d=_dtype: tf.random_uniform([50], -0.3, 0.7, d))
    seeded(f"normal-{_dtype}", lambda tf, d=_dtype: tf.random_normal([7, 9], 1.5, 0.3, d))
    seeded(f"truncated-{_dtype}", lambda tf, d=_dtype: tf.truncated_normal([50], 0.1, 0.3, d))
    for _shape in ([30, 3], [5, 5, 2, 4], [13]):
        initializer("glorot_uniform", lambda tf: tf.glorot_uniform_initializer(), _shape, _dtype)
        initializer("glorot_normal", lambda tf: tf.glorot_normal_initializer(), _shape, _dtype)
        initializer("he_normal", lambda tf: tf.initializers.he_normal(seed=5), _shape, _dtype)
        initializer("he_uniform", lambda tf: tf.initializers.he_uniform(), _shape, _dtype)
    initializer("lecun_normal", lambda tf: tf.initializers.lecun_normal(), [6, 7], _dtype)
    initializer("lecun_uniform", lambda tf: tf.initializers.lecun_uniform(), [6, 7], _dtype)
    initializer("unit", lambda tf: tf.uniform_unit_scaling_initializer(1.43), [6, 7], _dtype)
    initializer("random_uniform", lambda tf: tf.random_uniform_initializer(-2, 3), [6, 7], _dtype)
    initializer("random_normal", lambda tf: tf.random_normal_initializer(1, 2), [6, 7], _dtype)
    initializer("truncated", lambda tf: tf.truncated_normal_initializer(0, 0.1), [6, 7], _dtype)
    for _mode in ("fan_in", "fan_out", "fan_avg"):
        for _distribution in ("normal", "uniform", "untruncated_normal"):
            initializer(
                f"scaling-{_mode}-{_distribution}",
                lambda tf, m=_mode, d=_distribution: tf.variance_scaling_initializer(1.7, m, d),
                [3, 2, 5],
                _dtype,
            )
    initializer("orthogonal", lambda tf: tf.orthogonal_initializer(1.1), [6, 4], _dtype)
    initializer("orthogonal", lambda tf: tf.orthogonal_initializer(1.1), [2, 2, 7], _dtype)

seeded("uniform-float16", lambda tf: tf.random_uniform([50], dtype=tf.float16))
seeded("integers", lambda tf: tf.random_uniform([50], -5, 9, tf.int32))
seeded("integers-64", lambda tf: tf.random_uniform([50], 0, 10**12, tf.int64))
seeded("shuffle", lambda tf: tf.random_shuffle(tf.range(50)))
seeded("shuffle-rows", lambda tf: tf.random_shuffle(tf.reshape(tf.range(60), [20, 3]), seed=4))
seeded("multinomial", lambda tf: tf.multinomial([[0.1, 2.0, -1.0], [0.5, 0.5, 0.5]], 20))
seeded("crop", lambda tf: tf.random_crop(tf.reshape(tf.range(100), [10, 10]), [3, 4]))
