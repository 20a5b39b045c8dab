"""The op table of random programs: importing this fills it."""

from tests.parity import (
    random_array_ops,
    random_control_ops,
    random_index_ops,
    random_math_ops,
    random_nn_ops,
    random_reductions,
    random_window_ops,
)

__all__ = [
    "random_array_ops",
    "random_control_ops",
    "random_index_ops",
    "random_math_ops",
    "random_nn_ops",
    "random_reductions",
    "random_window_ops",
]
