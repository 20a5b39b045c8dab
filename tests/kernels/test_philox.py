"""Random bits: against recordings of TensorFlow, and compiled against interpreted kernels."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minitf.framework.random_seed import DEFAULT_GRAPH_SEED
from minitf.kernels import jit as jit_module
from minitf.kernels import parallel, philox, random_elements
from minitf.kernels.philox import Philox, Stream
from tests.parity.random_cases import MODES, RUNS, SIZES, hash_of, read, same_libm

RECORDED = read()
FLOATS = ("float16", "float32", "float64")
# Names of recorded cases, and the kernel that they come down to.
KERNELS: dict[str, dict[str, Any]] = {
    **{f"random_uniform {d}": {"function": "uniform", "dtype": d} for d in FLOATS},
    **{f"random_normal {d}": {"function": "standard_normal", "dtype": d} for d in FLOATS},
    **{f"truncated_normal {d}": {"function": "truncated_normal", "dtype": d} for d in FLOATS},
    **{
        f"random_uniform {dtype} [{low}, {high})": {
            "function": "uniform_int",
            "dtype": dtype,
            "minval": low,
            "maxval": high,
        }
        for dtype, low, high in (
            ("int32", -5, 7),
            ("int32", -(2**31), 2**31 - 1),
            ("int64", 0, 10),
            ("int64", -(10**15), 2**62),
        )
    },
    "random_shuffle": {"function": "random_shuffle", "dtype": "int32", "columns": 1},
    "random_shuffle of rows": {"function": "random_shuffle", "dtype": "float32", "columns": 3},
    **{
        f"multinomial {d}": {"function": "multinomial", "dtype": d, "batch": 3, "classes": 5}
        for d in FLOATS
    },
}


def draw(case: dict[str, Any], generator: Philox, module: Any = philox) -> np.ndarray:
    """What the kernel of the case gives."""
    function, dtype, size = case["function"], case["dtype"], case["size"]
    if function == "uniform_int":
        return module.uniform_int(generator, (size,), case["minval"], case["maxval"], dtype)
    if function == "random_shuffle":
        rows = np.arange(size * case["columns"], dtype=dtype).reshape(size, case["columns"])
        return module.random_shuffle(generator, rows[:, 0] if case["columns"] == 1 else rows)
    if function == "multinomial":
        count = case["batch"] * case["classes"]
        logits = (np.arange(count) % 7 / 2).astype(dtype).reshape(case["batch"], -1)
        return module.multinomial(generator, logits, size)
    return getattr(module, function)(generator, (size,), dtype)


def seeds(mode: str, index: int) -> tuple[int, int]:
    """The seeds of the op that comes at this place of a case."""
    graph_seed, op_seed = MODES[mode]
    return graph_seed or DEFAULT_GRAPH_SEED, index if op_seed is None else op_seed


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KERNELS)
def test_three_runs_give_the_bits_of_tensorflow(name: str, mode: str) -> None:
    """The whole ops are compared in tests/parity; here it is the kernel alone, given two seeds."""
    recorded = RECORDED[f"{name}, {mode}"]
    for index, size in enumerate(SIZES):
        generator = Philox(*seeds(mode, index))
        runs = [draw({**KERNELS[name], "size": size}, generator) for _ in range(RUNS)]
        if "normal" in name and not same_libm(runs[0].dtype):
            expected = recorded.heads[index]
            np.testing.assert_array_max_ulp(runs[0][: expected.size], expected, maxulp=4)
        else:
            assert hash_of(np.stack(runs)) == recorded.hashes[index]


# The published test vectors of Philox4x32-10, as (key, low, high, words).
VECTORS = [
    (0, 0, 0, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    (2**64 - 1, 2**64 - 1, 2**64 - 1, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        0x299F31D0_A4093822,
        0x85A308D3_243F6A88,
        0x03707344_13198A2E,
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("key", "low", "high", "words"), VECTORS)
def test_words_are_those_of_the_published_vectors(
    key: int, low: int, high: int, words: list[int]
) -> None:
    assert list(philox.philox4x32(*map(np.uint64, (key, low, high)))) == words
    stream = Stream(key, high << 64 | low)
    assert stream.words(np.zeros(1, np.uint64))[:, 0].tolist() == words


def reference_words(key: int, counter: int) -> list[int]:
    """Philox4x32-10 once more, in integers without bounds."""
    keys = [key % 2**32, key >> 32]
    words = [counter >> 32 * i & (2**32 - 1) for i in range(4)]
    for _ in range(10):
        first, second = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [
            second >> 32 ^ words[1] ^ keys[0],
            second % 2**32,
            first >> 32 ^ words[3] ^ keys[1],
            first % 2**32,
        ]
        keys = [(keys[0] + 0x9E3779B9) % 2**32, (keys[1] + 0xBB67AE85) % 2**32]
    return words


@given(
    key=st.integers(0, 2**64 - 1),
    counter=st.integers(0, 2**128 - 1) | st.integers(2**64 - 9, 2**64) | st.just(2**128 - 3),
    offsets=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9), min_size=1, max_size=9),
)
def test_any_block_of_a_stream_is_philox_of_the_128_bit_counter(
    key: int, counter: int, offsets: list[int]
) -> None:
    words = Stream(key, counter).words(np.array(offsets, np.uint64))
    for column, offset in zip(words.T, offsets, strict=True):
        assert column.tolist() == reference_words(key, (counter + offset) % 2**128)


# Compiled against interpreted


def load_interpreted() -> ModuleType:
    """A second copy of the module, in which each kernel is what runs where Numba is absent."""

    def interpreted(py_func: Any = None, *, fallback: Any = None, **_: Any) -> Any:
        def choose(function: Any) -> Any:
            chosen = fallback or function
            chosen.py_func = function
            return chosen

        return choose if py_func is None else choose(py_func)

    copies = []
    with mock.patch.object(jit_module, "jit", interpreted):
        for original in (random_elements, philox):
            spec = importlib.util.spec_from_file_location("copy", original.__file__)
            copies.append(importlib.util.module_from_spec(spec))
            spec.loader.exec_module(copies[-1])
    elements, copy = copies
    copy.random_elements = elements
    return copy


INTERPRETED = load_interpreted()
DRAWN_SIZES = st.integers(0, 70) | st.sampled_from([4 * 8192 - 1, 4 * 8192 + 1, 2 * 8192 + 3])
KINDS = st.sampled_from(
    [(function, dtype) for function in ("uniform", "standard_normal") for dtype in FLOATS]
    + [("truncated_normal", dtype) for dtype in FLOATS]
    + [("uniform_int", "int32"), ("uniform_int", "int64"), ("random_shuffle", "int64")]
    + [("multinomial", dtype) for dtype in FLOATS]
)


@settings(max_examples=150, deadline=None)
@given(
    kind=KINDS,
    size=DRAWN_SIZES,
    seeds=st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**63 - 1)),
    bounds=st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1)),
)
def test_numba_and_numpy_give_the_same_bits(
    kind: tuple[str, str], size: int, seeds: tuple[int, int], bounds: tuple[int, int]
) -> None:
    case = {"function": kind[0], "dtype": kind[1], "size": size, "columns": 2}
    case |= {"batch": 2, "classes": 5, "minval": min(bounds), "maxval": max(bounds) + 1}
    if case["maxval"] == 2**31:
        case["minval"], case["maxval"] = -7, 8
    compiled, interpreted = Philox(*seeds), INTERPRETED.Philox(*seeds)
    for _ in range(2):
        ours, theirs = draw(case, compiled), draw(case, interpreted, INTERPRETED)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert ours.tobytes() == theirs.tobytes()


def test_the_interpreted_copy_is_interpreted() -> None:
    kernels = {n for n, v in vars(random_elements).items() if isinstance(v, jit_module.Kernel)}
    assert {"normal_float32", "uniform_float64", "keep_inside"} <= kernels
    native = jit_module.NativeKernel  # of addresses, for which there is Python beside it
    own = [v for v in vars(INTERPRETED).values() if not isinstance(v, native)]
    assert not any(isinstance(v, jit_module.Kernel) for v in own)
    elements = vars(INTERPRETED.random_elements)
    assert not any(isinstance(elements[name], jit_module.Kernel) for name in kernels)


def test_without_numba_the_numbers_stay_the_same() -> None:
    script = """
import sys, hashlib
from minitf.kernels import philox
generator = philox.Philox(7, 3)
made = [philox.truncated_normal(generator, (257,), dtype) for dtype in ("float32", "float64")]
made.append(philox.uniform(generator, (257,)))
print("numba" in sys.modules, hashlib.sha256(b"".join(a.tobytes() for a in made)).hexdigest())
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    output = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout
    generator = Philox(7, 3)
    made = [philox.truncated_normal(generator, (257,), dtype) for dtype in FLOATS[1:]]
    made.append(philox.uniform(generator, (257,)))
    digest = hashlib.sha256(b"".join(array.tobytes() for array in made)).hexdigest()
    assert output.split() == ["False", digest]


@pytest.mark.parametrize("function", [philox.uniform, philox.truncated_normal])
def test_the_number_of_threads_does_not_matter(function: Callable[..., Any]) -> None:
    size = 5 * 4 * 8192 + 1
    try:
        results = []
        for threads in (1, 2, 5):
            parallel.set_num_threads(threads)
            results.append(function(Philox(7, 3), (size,)).tobytes())
    finally:
        parallel.set_num_threads(0)
    assert results[0] == results[1] == results[2]


# The generator


@pytest.mark.parametrize(
    ("advance", "blocks"),
    [
        (lambda g: philox.uniform(g, (3, 5), "float64"), 256 * 15),
        (lambda g: philox.standard_normal(g, (), "float16"), 256),
        (lambda g: philox.truncated_normal(g, (3, 0)), 0),
        (lambda g: philox.uniform_int(g, (7,), 0, 2, "int64"), 256 * 7),
        (lambda g: philox.random_shuffle(g, np.zeros((6, 2))), 2),
        (lambda g: philox.random_shuffle(g, np.zeros((1, 9))), 0),
        (lambda g: philox.random_shuffle(g, np.zeros((9, 0))), 0),
        (lambda g: philox.random_shuffle(g, np.array(3.0)), 0),
        (lambda g: philox.multinomial(g, np.zeros((3, 2)), 5), 256 * 3 * 2 * 8),
    ],
)
def test_a_run_reserves_as_many_blocks_as_tensorflow(
    advance: Callable[[Philox], object], blocks: int
) -> None:
    generator = Philox(7, 3)
    advance(generator)
    assert generator.position == blocks


def test_reservations_of_many_threads_do_not_overlap() -> None:
    generator = Philox(1, 2)
    starts: list[int] = []

    def reserve_often() -> None:
        starts.extend([generator.reserve(7).counter - (2 << 64) for _ in range(2000)])

    threads = [threading.Thread(target=reserve_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(starts) == list(range(0, 8 * 2000 * 7, 7))


def test_without_seeds_every_generator_is_another_and_with_them_the_same() -> None:
    def bits(*seeds: int) -> bytes:
        return philox.uniform(Philox(*seeds), (4,)).tobytes()

    assert bits() != bits() and bits(0, 0) != bits(0, 0)
    assert bits(0, 1) == bits(0, 1) and bits(-1, -1) == bits(2**64 - 1, 2**64 - 1)
    assert bits(0, 1) != bits(1, 0)


# Edges


def test_out_is_filled_and_returned() -> None:
    for function in (philox.uniform, philox.standard_normal, philox.truncated_normal):
        out = np.full((3, 5), np.nan, np.float32)
        assert function(Philox(7, 3), (3, 5), "float32", out) is out
        assert out.tobytes() == function(Philox(7, 3), (3, 5)).tobytes()
    counts = np.zeros((3, 5), np.int64)
    assert philox.uniform_int(Philox(7, 3), (3, 5), -3, 3, "int64", counts) is counts
    assert counts.min() < 0


@pytest.mark.parametrize(
    "out", [np.empty((3, 5)), np.empty((5, 3), "f4"), np.empty((3, 10), "f4")[:, ::2]]
)
def test_an_out_that_does_not_fit_is_refused(out: np.ndarray) -> None:
    generator = Philox(7, 3)
    with pytest.raises(ValueError, match=r"contiguous, of shape \(3, 5\) and dtype float32"):
        philox.uniform(generator, (3, 5), "float32", out)
    assert generator.position == 0


def test_dtypes_that_tensorflow_does_not_draw_are_refused() -> None:
    with pytest.raises(TypeError, match="uniform makes float16, float32, float64, not int32"):
        philox.uniform(Philox(7, 3), (2,), "int32")
    with pytest.raises(TypeError, match=r"truncated_normal makes .* not complex64"):
        philox.truncated_normal(Philox(7, 3), (2,), "complex64")
    with pytest.raises(TypeError, match="uniform_int makes int32, int64, not uint8"):
        philox.uniform_int(Philox(7, 3), (2,), 0, 2, "uint8")
    with pytest.raises(TypeError, match="not int64"):
        philox.multinomial(Philox(7, 3), np.zeros((2, 2), np.int64), 2)


def test_an_empty_range_is_refused_unless_nothing_is_drawn_from_it() -> None:
    with pytest.raises(ValueError, match="Need minval < maxval, got 5 >= 5"):
        philox.uniform_int(Philox(7, 3), (2,), 5, 5)
    with pytest.raises(ValueError, match="not within the range of int32"):
        philox.uniform_int(Philox(7, 3), (2,), 0, 2**31)
    assert philox.uniform_int(Philox(7, 3), (0,), 5, 5).shape == (0,)


def test_shuffle_permutes_rows_of_any_dtype() -> None:
    rows = np.array([["a", "b"], ["c", "d"], ["e", "f"]], dtype=object)
    shuffled = philox.random_shuffle(Philox(7, 3), rows)
    assert sorted(map(tuple, shuffled)) == sorted(map(tuple, rows))
    copy = philox.random_shuffle(Philox(7, 3), rows[:1])
    copy[:] = "x"
    assert rows[0, 0] == "a"


def test_multinomial_never_draws_what_has_no_weight() -> None:
    logits = np.array([[0, -np.inf, 1, np.nan, np.inf], [-np.inf] * 5], np.float32)
    classes = philox.multinomial(Philox(7, 3), logits, 1000, "int32")
    assert classes.dtype == np.int32
    assert set(classes[0].tolist()) == {0, 2}
    assert set(classes[1].tolist()) == {5}  # no class: TensorFlow gives their number
    assert philox.multinomial(Philox(7, 3), logits[:0], 4).shape == (0, 4)
    for bad in (np.zeros((2, 0)), np.zeros(3)):
        with pytest.raises(ValueError, match="logits should be"):
            philox.multinomial(Philox(7, 3), bad, 4)


def test_moments_are_those_of_the_distributions() -> None:
    size = (200_000,)
    for dtype in FLOATS:
        uniform = philox.uniform(Philox(7, 3), size, dtype).astype(np.float64)
        assert uniform.min() >= 0 and uniform.max() < 1
        assert abs(uniform.mean() - 0.5) < 0.004 and abs(uniform.var() - 1 / 12) < 0.002
        normal = philox.standard_normal(Philox(7, 3), size, dtype).astype(np.float64)
        assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01
        truncated = philox.truncated_normal(Philox(7, 3), size, dtype).astype(np.float64)
        assert abs(truncated).max() <= 2 and abs(truncated.std() - 0.8796) < 0.01
