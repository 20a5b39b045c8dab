"""Random expressions: fused, compiled or not, they have the bits of the reference interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.framework.kernel_context import ResourceManager
from minitf.kernels import generated, jit
from minitf.runtime.fusion import fused
from minitf.runtime.interpreter import interpret
from minitf.runtime.program import Program

# Of elements that belong together: with what they are broadcast from, and over what they are
# summed. Few enough for Python, and some of them too few for a loop, or none.
SHAPES: list[tuple[list[tuple[int, ...]], list[Any]]] = [
    ([(600,), (), (1,)], [None, [0]]),
    ([(24, 32), (32,), (24, 1), (1, 1)], [None, [0], [1], [-1, 0]]),
    ([(3, 1, 5, 40), (40,), (3, 1, 1, 1), (5, 40), (3, 1, 5, 1)], [None, [3], [1, 2], [0, 1, 2]]),
    ([(130, 33), (33,), (130, 1)], [None, [0], [1]]),
    ([(70, 65), (65,), (70, 1), (1, 65)], [None, [0], [1]]),
    ([(0, 600), (600,), (0, 1)], [None, [0], [1]]),
    ([(2, 1, 3), (2, 1, 1)], [None, [0]]),
]
UNARY = [
    tf.square,
    tf.negative,
    tf.nn.relu,
    tf.abs,
    tf.sign,
    tf.floor,
    tf.rint,
    tf.reciprocal,
    tf.sqrt,
    tf.rsqrt,
    tf.nn.relu6,
    tf.nn.softsign,
    tf.nn.leaky_relu,
    lambda t: tf.clip_by_value(t, -1.0, 2.0),
    lambda t: t * 2.0 + 1.0,
    lambda t: 0.5 - t,
    lambda t: tf.where(tf.logical_or(tf.is_nan(t), tf.is_inf(t)), tf.zeros_like(t), t),
]
CURVED = [tf.tanh, tf.sigmoid, tf.exp, tf.log, tf.nn.softplus, tf.nn.elu]
BINARY = [
    tf.add,
    tf.subtract,
    tf.multiply,
    tf.divide,
    tf.maximum,
    tf.minimum,
    tf.squared_difference,
    tf.div_no_nan,
    lambda a, b: tf.where_v2(a < b, a, b * 2.0),
    lambda a, b: tf.where_v2(tf.logical_and(a >= b, tf.not_equal(b, 0.0)), b, a),
    lambda a, b: tf.add_n([a + b, a * b, a - b]),
]
NUMBERS = [0.0, -0.0, 1.0, -2.5, 1e-39, 3e38, np.inf, -np.inf, np.nan, 1.5, 0.1, -0.7, 1e-3, 7.0]


@st.composite
def recipes(draw: Any) -> Any:
    """What to build, in numbers: a seed, a place in SHAPES, operands, steps, and what to fetch."""
    number = st.integers(0, 99)
    operands = st.lists(st.tuples(number, st.booleans(), st.booleans()), min_size=1, max_size=4)
    kinds = st.sampled_from(["unary", "binary", "binary", "sum"])
    steps = st.lists(st.tuples(kinds, number, number, number), min_size=5, max_size=16)
    fetches = st.lists(number, max_size=3)
    return draw(st.tuples(number, number, st.booleans(), operands, steps, fetches))


def built(recipe: Any, functions: list[Any]) -> tuple[list[Any], list[Any]]:
    """Feeds (tensors and arrays), and fetches."""
    seed, where, double, operands, steps, fetched = recipe
    shapes, axes = SHAPES[where % len(SHAPES)]
    rng = np.random.default_rng(seed)
    dtype = tf.float64 if double else tf.float32
    tensors: list[Any] = []
    feeds: list[Any] = []
    for which, is_fed, is_odd in [(0, True, seed % 2 == 0), *operands]:
        shape = shapes[which % len(shapes)]
        value = rng.choice(NUMBERS, shape) if is_odd else rng.standard_normal(shape)
        value = np.asarray(value, dtype.as_numpy_dtype)
        tensors.append(tf.placeholder(dtype, shape) if is_fed else tf.constant(value))
        if is_fed:
            feeds.append((tensors[-1], value))
    whole = tensors[:1]
    for kind, which, i, j in steps:
        a, b = whole[-1 - i % min(3, len(whole))], tensors[j % len(tensors)]
        if kind == "unary":
            tensors.append(functions[which % len(functions)](a))
        elif kind == "binary":
            tensors.append(BINARY[which % len(BINARY)](a, b))
        else:
            function = tf.reduce_sum if which % 2 else tf.reduce_mean
            tensors.append(function(a, axes[which % len(axes)], keepdims=True))
        if tensors[-1].shape == whole[0].shape:
            whole.append(tensors[-1])
    fetches = [whole[-1], *(tensors[i % len(tensors)] for i in fetched)]
    return feeds, list(dict.fromkeys(fetches))


def check(feeds: list[Any], fetches: list[Any]) -> None:
    """Runs a program twice, and compares with the interpreter's results, to the bit."""
    tensors, values = [tensor for tensor, _ in feeds], [value for _, value in feeds]
    state = ResourceManager(), ResourceManager()
    expected = interpret(fetches, dict(feeds), *state)
    program = Program(fetches, tensors, *state)
    for _ in range(2):
        for result, right in zip(program.run(values), expected, strict=True):
            assert result.dtype == right.dtype and np.shape(result) == np.shape(right)
            np.testing.assert_array_equal(result, right)
            if right.dtype != bool:
                signs = np.signbit(result) == np.signbit(right)
                assert np.all(signs | np.isnan(right))


@pytest.fixture
def hot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops are compiled before they run for the first time."""
    if not jit.available():
        pytest.skip("needs Numba")
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", -1.0)


@pytest.fixture
def as_written(hot: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops run as the Python that they are."""
    monkeypatch.setattr(fused, "_hotness", {})
    monkeypatch.setattr(generated, "compile_for", lambda kernel, *_, **__: kernel.py_func)


SHARED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=100)
@given(recipes())
def test_cold_the_bits_are_those_of_the_interpreter(recipe: Any) -> None:
    with tf.Graph().as_default():
        check(*built(recipe, UNARY + CURVED))


@settings(max_examples=250, suppress_health_check=SHARED)
@given(recipes())
def test_as_written_the_bits_are_those_of_the_interpreter(as_written: None, recipe: Any) -> None:
    with tf.Graph().as_default():
        check(*built(recipe, UNARY))


@settings(max_examples=25, suppress_health_check=SHARED)
@given(recipes())
def test_compiled_the_bits_are_those_of_the_interpreter(hot: None, recipe: Any) -> None:
    with tf.Graph().as_default():
        check(*built(recipe, UNARY + CURVED))
