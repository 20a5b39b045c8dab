"""With this module one can say which tensors a debugger is to stop at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Datum:
    """Which tensor a filter is asked about (as `tf_debug`'s DebugTensorDatum, its names only)."""

    node_name: str
    output_slot: int

    @property
    def tensor_name(self) -> str:
        """The tensor's name, such as "loss:0"."""
        return f"{self.node_name}:{self.output_slot}"


TensorFilter = Callable[[Datum, Any], bool]


def has_inf_or_nan(datum: Datum, tensor: Any) -> bool:
    """Whether a tensor has an infinite number or none (mirrors `tf_debug.has_inf_or_nan`).

    Args:
      datum: which tensor it is.
      tensor: its value.

    >>> has_inf_or_nan(Datum("x", 0), np.array([1.0, np.inf]))
    True
    >>> has_inf_or_nan(Datum("x", 0), np.array([1, 2]))
    False
    """
    array = np.asarray(tensor)
    return array.dtype.kind in "fc" and not bool(np.isfinite(array).all())
