"""Random numbers, bit by bit: minitf against what TensorFlow drew, recorded and here and now.

What is drawn stands in `tests/parity/random_cases.py`: every random op, dropout, every initializer,
with a seed of the graph, of the op and both, three runs in each of two sessions, in sizes from 0 to
10^6. A hash of all bits is compared. Where the C library is not that of the machine that recorded,
normal numbers may differ in their last digits from the recording, though never from the TensorFlow
that is installed beside.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import minitf
from tests.engines import ENGINES, MODULES
from tests.parity.harness import engine, session
from tests.parity.random_cases import CASES, Drawn, draw, read, record_apart, same_libm

# The factors of a matrix are LAPACK's here and Eigen's there, which add up in another order. The
# largest difference of any element of an orthogonal matrix that was seen is 1.1e-6 in float32 and
# 1.1e-15 in float64; this is twice that.
ORTHOGONAL = {"float32": 2.2e-6, "float64": 2.2e-15}

recorded = cache(read)
EXACT = [name for name, case in CASES.items() if case.exact]
INEXACT = [name for name, case in CASES.items() if not case.exact]


def summary() -> dict[str, float]:
    """What is compared here, for the page that reports on parity; runs some cases to measure."""
    drawn = recorded()
    return {
        "cases": len(CASES),
        "tensors": sum(len(drawn[name].hashes) for name in CASES),
        "numbers": sum(drawn[name].elements for name in CASES),
        "numbers compared bit by bit": sum(drawn[name].elements for name in EXACT),
        **{
            f"largest difference in an orthogonal matrix, {dtype}": max(
                largest_difference(draw(minitf, name), drawn[name], dtype) for name in INEXACT
            )
            for dtype in ORTHOGONAL
        },
    }


def largest_difference(ours: Drawn, theirs: Drawn, dtype: str) -> float:
    return max(
        float(abs(our - their).max(initial=0))
        for our, their in zip(ours.heads, theirs.heads, strict=True)
        if our.dtype == their.dtype == dtype
    )


def assert_recorded(ours: Drawn, theirs: Drawn) -> None:
    """Compares with a recording, by hash; normal numbers by their heads where libm differs."""
    assert len(ours.hashes) == len(theirs.hashes) > 0 and ours.elements == theirs.elements
    for i, (our, their) in enumerate(zip(ours.heads, theirs.heads, strict=True)):
        if same_libm(our.dtype) or our.dtype.kind != "f":
            np.testing.assert_array_equal(our, their)
            assert ours.hashes[i] == theirs.hashes[i], f"tensor {i}, after its first numbers"
        else:
            np.testing.assert_allclose(our, their, rtol=1e-3 if our.itemsize == 2 else 1e-5)


def test_the_recording_is_of_these_cases() -> None:
    assert list(recorded()) == list(CASES)
    counts = [len(drawn.hashes) for drawn in recorded().values()]
    assert len(counts) >= 300 and sum(counts) >= 5000 and min(counts) > 0
    assert sum(drawn.elements for drawn in recorded().values()) > 80e6


@pytest.mark.parametrize("name", EXACT)
def test_bits_are_the_recorded_ones(name: str) -> None:
    assert_recorded(draw(minitf, name), recorded()[name])


@pytest.mark.parametrize("name", INEXACT)
def test_orthogonal_matrices_are_the_recorded_ones_up_to_rounding(name: str) -> None:
    ours = draw(minitf, name)
    assert ours.elements == recorded()[name].elements > 0
    for dtype, tolerance in ORTHOGONAL.items():
        assert largest_difference(ours, recorded()[name], dtype) < tolerance


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="needs TensorFlow: make parity")
def test_bits_are_those_of_the_tensorflow_beside(tmp_path: Path) -> None:
    """All cases in one test, since TensorFlow draws them in one process of its own."""
    live = record_apart(tmp_path)
    assert list(live) == list(CASES)
    for name, theirs in live.items():
        ours = draw(minitf, name)
        if CASES[name].exact:
            assert ours.hashes == theirs.hashes, name
            assert_recorded(theirs, recorded()[name])
        else:
            for dtype, tolerance in ORTHOGONAL.items():
                assert largest_difference(ours, theirs, dtype) < tolerance, name


@pytest.mark.parametrize("name", ENGINES)
def test_without_any_seed_each_session_draws_anew(name: str) -> None:
    tf = engine(name)
    with tf.Graph().as_default() as graph:
        drawn = [
            tf.random_uniform([9]),
            tf.random_normal([9]),
            tf.truncated_normal([9]),
            tf.random_uniform([9], 0, 10**9, tf.int64),
            tf.random_shuffle(tf.range(99)),
            tf.multinomial(tf.zeros([1, 99]), 9),
            tf.nn.dropout(tf.ones([99]), 0.5),
            tf.glorot_uniform_initializer()([9]),
        ]
        seeds = [
            (op.get_attr("seed"), op.get_attr("seed2"))
            for op in graph.get_operations()
            if "seed2" in op.node_def.attr
        ]
        assert seeds == [(0, 0)] * len(drawn)
        runs = []
        for _ in range(2):
            with session(tf) as sess:
                runs += [sess.run(drawn), sess.run(drawn)]
    for values in zip(*runs, strict=True):
        assert len({value.tobytes() for value in values}) == 4
