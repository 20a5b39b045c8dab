"""Functions on vectors: within the errors that they state, and the same bits however they run."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.kernels import jit, parallel, vector_math
from minitf.kernels.jit import Kernel
from minitf.kernels.vector_math.instructions import fma

NAMES = ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf")
STATED = {n: float(e) for n, e in re.findall(r"(\w+) +(\d\.\d+) ulp", vector_math.__doc__ or "")}

INF, NAN, TINY = np.inf, np.nan, 1e-45  # the least denormal

# For each function numbers and what it makes of them.
LIMITS: dict[str, tuple[list[float], list[float]]] = {
    "exp": ([0.0, -0.0, TINY, INF, -INF, 88.8, -104.0], [1, 1, 1, INF, 0, INF, 0]),
    "expm1": ([0.0, -0.0, TINY, -TINY, INF, -INF, 88.8], [0.0, -0.0, TINY, -TINY, INF, -1, INF]),
    "log": ([1.0, 0.0, -0.0, INF, -INF, -TINY], [0, -INF, -INF, INF, NAN, NAN]),
    "log1p": ([0.0, -0.0, TINY, -1.0, -1.1, INF, -INF], [0.0, -0.0, TINY, -INF, NAN, INF, NAN]),
    "tanh": ([0.0, -0.0, TINY, 9.1, -9.1, INF, -INF], [0.0, -0.0, TINY, 1, -1, 1, -1]),
    "sigmoid": ([0.0, -0.0, 18.0, -104.0, INF, -INF], [0.5, 0.5, 1, 0, 1, 0]),
    "softplus": ([-104.0, 30.0, INF, -INF], [0, 30, INF, 0]),
    "erf": ([0.0, -0.0, 4.0, -4.0, INF, -INF], [0.0, -0.0, 1, -1, 1, -1]),
}

needs_numba = pytest.mark.skipif(not jit.available(), reason="needs Numba")


def exact(name: str, x: np.ndarray) -> np.ndarray:
    """The function in float64; nothing here cancels."""
    small = np.exp(-np.abs(x))
    if name == "sigmoid":
        return np.where(x > 0, 1 / (1 + small), small / (1 + small))
    if name == "softplus":
        return np.maximum(x, 0) + np.log1p(small)
    return vector_math.erf(x) if name == "erf" else getattr(np, name)(x)


def ulps(result: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How far float32 results are from exact ones, by the distance of float32 numbers there."""
    rounded = wanted.astype(np.float32)
    exponent = np.where(wanted == 0, -149, np.frexp(wanted)[1])
    error = np.abs(result - wanted) / np.ldexp(1.0, np.maximum(exponent - 24, -149))
    is_limit = np.isnan(rounded) | np.isinf(rounded)
    same = (result == rounded) | (np.isnan(result) & np.isnan(rounded))
    return np.where(is_limit, np.where(same, 0, INF), np.where(np.isnan(result), INF, error))


def numbers() -> np.ndarray:
    """Numbers of each sign and exponent, many of usual sizes, and those next to special ones."""
    rng = np.random.default_rng(0)
    bits = np.arange(0, 1 << 32, 1 << 17, dtype=np.uint64).astype(np.uint32)
    bits += rng.integers(0, 1 << 17, bits.size, dtype=np.uint32)
    usual = [rng.normal(0, size, 50_000) for size in (1e-3, 1, 10, 60)]
    special = [0, 0.5, 1, 2, 20, *np.log([0.5, 2]) / 2, np.sqrt(0.5), 0.75, 1.5, -103.97, 88.7228]
    near = np.float32(special).view(np.uint32)[:, np.newaxis] + np.arange(-500, 500)
    limits = [number for given, _ in LIMITS.values() for number in given]
    near_special = near.astype(np.uint32).ravel().view(np.float32)
    parts = [bits.view(np.float32), *usual, near_special, -near_special, limits, [NAN]]
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


NUMBERS = numbers()


@pytest.fixture(autouse=True)
def _quietly() -> Any:
    with np.errstate(all="ignore"):
        yield


@needs_numba
@pytest.mark.parametrize("name", NAMES)
def test_it_is_within_the_error_that_is_stated(name):
    errors = ulps(getattr(vector_math, name)(NUMBERS), exact(name, NUMBERS.astype(float)))
    assert errors.max() <= STATED[name]


@needs_numba
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_is_within_the_error_that_is_stated_everywhere(name):
    function: Callable[[Any], Any] = getattr(vector_math, name)
    for start in range(0, 1 << 32, 1 << 20):
        x = np.arange(start, start + (1 << 20), dtype=np.uint64).astype(np.uint32).view(np.float32)
        assert ulps(function(x), exact(name, x.astype(float))).max() <= STATED[name]


@needs_numba
@pytest.mark.parametrize("name", NAMES)
def test_limits_are_exact(name):
    given, wanted = (np.resize(np.float32(each), 1000) for each in LIMITS[name])
    result = getattr(vector_math, name)(given)
    np.testing.assert_array_equal(result, wanted)
    if -0.0 in LIMITS[name][1]:
        np.testing.assert_array_equal(np.signbit(result), np.signbit(wanted))


@needs_numba
@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_odd_functions_are_odd_to_the_bit(name):
    function = getattr(vector_math, name)
    np.testing.assert_array_equal(function(-NUMBERS), -function(NUMBERS))


@needs_numba
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_threads_or_places(name):
    function = getattr(vector_math, name)
    parallel.set_num_threads(1)
    alone = function(NUMBERS)
    parallel.set_num_threads(3)
    np.testing.assert_array_equal(function(NUMBERS), alone)
    for start in (1, 3, 17):  # other numbers are left over where vectors end
        np.testing.assert_array_equal(function(NUMBERS[start : start + 777]), alone[start:][:777])
    np.testing.assert_array_equal(function(NUMBERS[::5]), alone[::5])
    table = NUMBERS[:6000].reshape(2, 30, 100)
    np.testing.assert_array_equal(function(table), alone[:6000].reshape(table.shape))


def scalar(x):
    """What the next two call; `specialize` puts a function in its place."""
    return x


@jit.jit
def weighted(x, weights, target):
    for i in range(x.size):
        target[i] = scalar(x[i] * weights[i & 3] + np.float32(1)) * np.float32(3)


@jit.jit
def one_by_one(x, target):
    for i in range(x.size):
        if target[i] != 0:  # the compiler cannot make this loop one over vectors
            break
        target[i] = scalar(x[i])


@needs_numba
@pytest.mark.parametrize("name", NAMES)
def test_other_loops_get_the_same_bits(name):
    function = getattr(vector_math, name)
    called = vector_math.SCALAR[function]
    weights, target = np.float32([1, 0.5, -2, 3]), np.zeros_like(NUMBERS)
    weighted.specialize(f"_{name}", scalar=called)(NUMBERS, weights, target)
    x = NUMBERS * weights[np.arange(NUMBERS.size) & 3] + np.float32(1)
    np.testing.assert_array_equal(target, function(x) * np.float32(3))

    x, target = NUMBERS[:5000], np.zeros(5000, np.float32)
    one_by_one.specialize(f"_{name}", scalar=called)(x, target)
    np.testing.assert_array_equal(target, function(x))


def test_numpy_s_functions_have_the_same_scalar_form():
    for name in ("exp", "expm1", "log", "log1p", "tanh"):
        by_name = vector_math.SCALAR[getattr(np, name)]
        assert isinstance(by_name, Kernel)
        assert by_name is vector_math.SCALAR[getattr(vector_math, name)]


DIGESTS = """
import hashlib
import numpy as np
from minitf.kernels import simd, vector_math
from tests.kernels.test_vector_math import NAMES, NUMBERS, digest
print(simd.machine().name)
print(*[digest(name) for name in NAMES])
"""


def digest(name: str) -> str:
    result = getattr(vector_math, name)(NUMBERS)
    return hashlib.sha256(np.where(np.isnan(result), 0, result).tobytes()).hexdigest()


@needs_numba
def test_a_processor_without_fused_multiply_add_gets_the_same_bits(tmp_path):
    environment = {**os.environ, "MINITF_SIMD": "none", "NUMBA_CACHE_DIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    machine, digests = ran.stdout.splitlines()
    assert machine == "128 bits"
    assert digests.split() == [digest(name) for name in NAMES]


@needs_numba
@pytest.mark.parametrize("name", NAMES)
def test_the_result_goes_where_it_is_wanted(name):
    function = getattr(vector_math, name)
    wanted = function(NUMBERS)
    out = np.empty_like(NUMBERS)
    assert function(NUMBERS, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    same = NUMBERS.copy()
    assert function(same, out=same) is same
    np.testing.assert_array_equal(same, wanted)
    room = np.concatenate([NUMBERS, [NAN]], dtype=np.float32)
    function(room[:-1], out=room[1:])
    np.testing.assert_array_equal(room[1:], wanted)


def test_the_result_fits_where_it_is_wanted():
    with pytest.raises(ValueError, match="out must be contiguous"):
        vector_math.exp(NUMBERS, out=np.empty(3, np.float32))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "x",
    [np.linspace(0.1, 2, 1000), np.linspace(0.1, 2, 100, dtype=np.float32), np.float32(0.5), 0.5],
    ids=["float64", "few", "one", "Python's"],
)
def test_what_is_not_large_and_float32_is_numpy_s(name, x, monkeypatch):
    function = getattr(vector_math, name)
    result = function(x)
    assert np.asarray(result).dtype == np.asarray(x).dtype
    np.testing.assert_allclose(result, exact(name, np.float64(x)), rtol=1e-6)
    monkeypatch.setattr(jit, "available", lambda: False)
    np.testing.assert_array_equal(function(x), result)


def test_without_numba_everything_is_numpy_s(monkeypatch):
    monkeypatch.setattr(jit, "available", lambda: False)
    out = np.empty_like(NUMBERS)
    np.testing.assert_array_equal(vector_math.tanh(NUMBERS, out=out), np.tanh(NUMBERS))
    np.testing.assert_array_equal(out, np.tanh(NUMBERS))


@pytest.mark.parametrize("name", NAMES)
def test_symbols_record_the_function(name):
    class Symbol:
        def __minitf_symbolic__(self, function, *args):
            return function, args

    function, symbol = getattr(vector_math, name), Symbol()
    assert function(symbol) == (function, (symbol,))
    assert function in vector_math.SCALAR


def test_instructions_are_for_compiled_kernels():
    with pytest.raises(TypeError, match="fma can be called by compiled kernels only"):
        fma(1.0, 2.0, 3.0)
