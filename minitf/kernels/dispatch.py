"""With this module one can say which dtypes run compiled, and what runs for the others."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, cast

import numpy as np
import numpy.typing as npt

from minitf.kernels import jit
from minitf.kernels.workspace import into

Array = npt.NDArray[Any]
P = ParamSpec("P")


def compiles(dtype: np.dtype[Any]) -> bool:
    """Whether kernels for arrays of this dtype run compiled: float32 and float64, with Numba."""
    return dtype in (np.float32, np.float64) and jit.available()


def half_as_float32(function: Callable[P, Array]) -> Callable[P, Array]:
    """Has a function of float16 arrays compute in float32, and round its result once.

    The dtype is that of the first array among the arguments. If the function has an argument `out`,
    to put the result into, it is given by its name.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> Array:
        for arg in args:
            if type(arg) is np.ndarray:
                if arg.dtype != np.float16:
                    return function(*args, **kwargs)
                break
        out: Any = kwargs.pop("out", None)
        wide_args: Any = [_widened(arg) for arg in args]
        wide_kwargs: Any = {name: _widened(arg) for name, arg in kwargs.items()}
        result = function(*wide_args, **wide_kwargs)
        if out is None:
            return result.astype(np.float16)
        np.copyto(out, result, casting="same_kind")
        return cast(Array, out)

    return run


def or_reference(
    reference: Callable[P, Array],
) -> Callable[[Callable[P, Array]], Callable[P, Array]]:
    """Has `reference` run instead of a function for dtypes, and on machines, that do not compile.

    The dtype is that of the first array among the arguments. An argument `out`, to put the result
    into, is given by its name; a reference has none.
    """

    def decorate(function: Callable[P, Array]) -> Callable[P, Array]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Array:
            arrays = (arg for arg in (*args, *kwargs.values()) if isinstance(arg, np.ndarray))
            if compiles(next(arrays).dtype):
                return function(*args, **kwargs)
            out: Any = kwargs.pop("out", None)
            return into(out, reference(*args, **kwargs))

        return half_as_float32(run)

    return decorate


def _is_half(arg: object) -> bool:
    return isinstance(arg, np.ndarray) and arg.dtype == np.float16


def _widened(arg: Any) -> Any:
    return arg.astype(np.float32) if _is_half(arg) else arg
