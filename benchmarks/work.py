"""What a worker is told to do: a call to time, and how to count it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Work(NamedTuple):
    """A call to time.

    Attributes:
      call: does the work. Where it gives a number, that is what the work computed: the driver
        compares it between the engines.
      prepare: what has to be done before each call and is not timed; `call` is given the result.
      per: how many things one call does, such as nodes built; times are for one thing.
    """

    call: Callable[..., Any]
    prepare: Callable[[], Any] | None = None
    per: int = 1


def random(seed: int, *shape: int) -> npt.NDArray[np.float32]:
    """Normal numbers, the same for every engine."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)
