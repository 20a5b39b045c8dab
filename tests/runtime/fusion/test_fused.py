"""The kernel of a group: cold and hot, errors, given places, and what explain shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.kernels import generated, jit, parallel
from minitf.runtime.block import Block
from minitf.runtime.fusion import fused
from minitf.runtime.passes import rewrite

needs_numba = pytest.mark.skipif(not jit.available(), reason="needs Numba")


@pytest.fixture
def hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", -1.0)


def kernel_of(fetches: list[Any], *feeds: Any) -> Any:
    """The kernel of a block that is fused to one node."""
    block = Block(fetches, list(feeds))
    rewrite(block, ("fold", "drop", "fuse"))
    (node,) = block.nodes
    return node.op_def.kernel_fn


def count_cold(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls = [0]
    cold = kernel._cold

    def counted(*args: Any) -> Any:
        calls[0] += 1
        return cold(*args)

    monkeypatch.setattr(kernel, "_cold", counted)
    return calls


@needs_numba
def test_it_is_compiled_when_it_has_run_for_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fused, "_hotness", {})
    monkeypatch.setattr(generated, "is_kept", lambda kernel: False)
    x = tf.placeholder(tf.float32, [600])
    kernel, value = kernel_of([tf.square(x) + 3.0], x), np.ones(600, np.float32)
    calls = count_cold(kernel, monkeypatch)
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", np.inf)
    kernel(value)
    kernel(value)
    assert calls == [2]
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", 0.0)
    np.testing.assert_array_equal(kernel(value), 4.0)
    assert calls == [2]


@needs_numba
def test_it_runs_compiled_at_once_if_an_earlier_process_left_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = tf.placeholder(tf.float32, [600])
    kernel, value = kernel_of([tf.square(x) + 3.0], x), np.ones(600, np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(fused, "COMPILE_AFTER_SECONDS", -1.0)
        kernel(value)
    monkeypatch.setattr(fused, "_hotness", {})
    again = kernel_of([tf.square(x) + 5.0], x)
    calls = count_cold(again, monkeypatch)
    np.testing.assert_array_equal(again(value), 6.0)
    assert calls == [0]


def test_where_nothing_can_be_compiled_it_stays_cold(
    hot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "_hotness", {})
    monkeypatch.setattr(generated, "compile_for", lambda kernel, parameters, is_deep: None)
    x = tf.placeholder(tf.float32, [600])
    kernel = kernel_of([tf.square(x) + 3.0], x)
    for _ in range(2):
        np.testing.assert_array_equal(kernel(np.ones(600, np.float32)), 4.0)


@pytest.mark.parametrize("seconds", [-1.0, np.inf])
def test_results_go_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", seconds)
    x = tf.placeholder(tf.float32, [80, 90])
    y = tf.square(x)
    value = np.full((80, 90), 2.0, np.float32)
    one = kernel_of([y + 1.0], x)
    place = np.zeros_like(value)
    assert one(value, out=place) is place and np.all(place == 5.0)
    three = kernel_of([y, y + 1.0, tf.reduce_sum(y, 0)], x)
    total = np.zeros(90, np.float32)
    first, second, third = three(value, out=(place, None, total))
    assert first is place and np.all(place == 4.0)
    assert np.all(second == 5.0) and third is total and np.all(total == 320.0)


def test_a_result_may_take_the_place_of_an_argument(hot: None) -> None:
    x = tf.placeholder(tf.float32, [5000])
    value = np.arange(5000, dtype=np.float32)
    right = np.sqrt(value) + 1
    assert kernel_of([tf.sqrt(x) + 1.0], x)(value, out=value) is value
    np.testing.assert_array_equal(value, right)


def test_arrays_may_lie_anyhow(hot: None) -> None:
    x = tf.placeholder(tf.float32, [60, 70])
    kernel = kernel_of([tf.square(x) + 1.0], x)
    value = np.arange(4200, dtype=np.float32).reshape(70, 60)
    shifted = np.zeros(4200 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(60, 70)
    shifted[...] = value.T
    fixed = value.T.copy()
    fixed.flags.writeable = False
    for array in (value.T, shifted, fixed, value.reshape(60, 70)[::-1]):
        np.testing.assert_array_equal(kernel(array), array * array + 1)
    z = tf.placeholder(tf.float32, [600])
    every_third = np.arange(1800, dtype=np.float32)[::3]
    result = kernel_of([tf.square(z) + 1.0], z)(every_third)
    np.testing.assert_array_equal(result, every_third * every_third + 1)


def test_a_variable_of_another_shape_than_declared(hot: None) -> None:
    v = tf.Variable(np.ones(600, np.float32))
    grown = tf.assign(v, np.full(700, 2.0, np.float32), validate_shape=False)
    y = tf.square(v) + 1.0
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(y).shape == (600,)
        sess.run(grown.op)
        assert sess.run(y).shape == (700,)


def test_an_error_names_the_operation_and_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", np.inf)
    v = tf.Variable(np.ones(600, np.float32))
    w = tf.Variable(np.ones(600, np.float32))
    grown = tf.assign(v, np.ones(700, np.float32), validate_shape=False)
    y = tf.add(tf.square(v), w, name="sum")  # this line
    with tf.Session() as sess:
        sess.run([v.initializer, w.initializer])
        sess.run(grown.op)
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(tf.abs(y))
    assert error.value.op is y.op
    assert "'sum' (type AddV2)" in str(error.value) and "# this line" in str(error.value)
    assert "float32[700], float32[600]" in str(error.value)


@pytest.mark.parametrize("seconds", [-1.0, np.inf])
def test_for_fed_shapes_that_come_again(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The graph is fused, and its memory planned, when an array of that shape is fed again."""
    monkeypatch.setattr(fused, "COMPILE_AFTER_SECONDS", seconds)
    x = tf.placeholder(tf.float32, [None, 90])
    w = tf.Variable(np.ones(90, np.float32))
    y = tf.add(tf.square(x), w, name="sum")  # this line
    fetches = [tf.matmul(y, y, transpose_b=True), tf.reduce_sum(y), tf.nn.relu(y - 2.0)]
    value = np.random.default_rng(0).standard_normal((80, 90)).astype(np.float32)
    with tf.Session() as sess:
        sess.run(w.initializer)
        assert "fused_square_add_v2" in sess.explain(fetches, {x: value})
        first, second, third = (sess.run(fetches, {x: value}) for _ in range(3))
        for one, two, three in zip(first, second, third, strict=True):
            np.testing.assert_array_equal(one, two)
            np.testing.assert_array_equal(one, three)
        sess.run(tf.assign(w, np.ones(91, np.float32), validate_shape=False).op)
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(fetches, {x: value})
    assert error.value.op is y.op and "# this line" in str(error.value)


def test_an_uninitialized_variable_is_named(hot: None) -> None:
    v = tf.Variable(np.ones(600, np.float32), name="weights")
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError, match="weights"):
        sess.run(tf.square(v) + 1.0)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_gives_the_same_bits(hot: None, threads: int) -> None:
    x = tf.placeholder(tf.float32, [1000, 700])
    y = tf.tanh(x) * 3.0
    fetches = [y, tf.reduce_sum(y), tf.reduce_mean(y * x), tf.reduce_sum(y - x)]
    value = np.random.default_rng(0).standard_normal((1000, 700)).astype(np.float32)
    with tf.Session() as sess:
        right = sess.run(fetches, {x: value})
        try:
            parallel.set_num_threads(threads)
            results = sess.run(fetches, {x: value})
        finally:
            parallel.set_num_threads(0)
    for result, expected in zip(results, right, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_groups_that_differ_in_numbers_and_sizes_share_a_loop() -> None:
    x, z = tf.placeholder(tf.float32, [600]), tf.placeholder(tf.float32, [20, 40])
    one = kernel_of([tf.square(x) + 3.0], x)
    two = kernel_of([tf.square(z) + 4.0], z)
    assert one.code == two.code and one._hotness is two._hotness


def test_explain_shows_the_node_and_its_loop() -> None:
    x = tf.placeholder(tf.float32, [20, 40], name="x")
    b = tf.Variable(np.ones(40, np.float32), name="b")
    y = tf.nn.relu(x + b, name="y")
    with tf.Session() as sess:
        text = sess.explain(y, [x])
    assert "# fuse: without 1 AddV2, 1 Relu; with 1 fused_add_v2_relu" in text
    assert "y = fused_add_v2_relu(x, b_read)" in text
    program, loop = text.split("\n\n", 1)
    assert program.endswith("    return [y]")
    assert "def fused_add_v2_relu(start, stop, total, span, a0, a1, r0):" in loop
    assert "v2 = v0 + v1" in loop
