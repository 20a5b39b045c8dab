"""What kernels compute of each element: every elementwise op, against its own kernel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.framework import op_def
from minitf.kernels import generated, jit
from minitf.runtime.fusion.layout import layout
from minitf.runtime.fusion.loop import Loop
from minitf.runtime.fusion.record import BOOL, FLOAT32, FLOAT64, Symbol, Unfit, record

ELEMENTWISE = [d for d in op_def.all_ops() if d.elementwise]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 6.0, 7.25, 1e-40, -1e30, np.inf, -np.inf, np.nan]
# All triples of these, for ops of up to three inputs.
TRIPLES = list(itertools.product(SPECIAL, repeat=3))
AT_ONCE = 8


def arguments(declared: op_def.OpDef, dtype: Any) -> list[Any]:
    """Arrays that are special in every way, one for each input."""
    columns = np.array(TRIPLES, np.float64).T.astype(dtype, order="C")
    inputs = list(columns[: len(declared.inputs)])
    if declared.takes_lists:
        inputs = list(columns)
    types = [BOOL if arg.type is tf.bool else None for arg in declared.inputs]
    return [x.astype(bool) if kind else x for x, kind in zip(inputs, types * 3)]


def recorded(dtype: Any) -> Iterator[tuple[Any, list[Any], list[Symbol], Symbol]]:
    """Kernels, arrays for them, and what is recorded of them."""
    for declared in ELEMENTWISE:
        arrays = arguments(declared, dtype)
        kernel = declared.bind_kernel({name: a.default for name, a in declared.attrs.items()})
        leaves = [Symbol(array.dtype, "x") for array in arrays]
        try:
            yield kernel, arrays, leaves, record(kernel, leaves)
        except Unfit:
            continue


def run(function: Any, cases: list[Any]) -> list[Any]:
    """The results of some recorded expressions, by one loop."""
    inputs = [(leaf, array) for case in cases for leaf, array in zip(case[2], case[1], strict=True)]
    size = len(TRIPLES)
    way = layout((size,), [(size,)] * len(inputs))
    assert way is not None
    leaves = list(zip((leaf for leaf, _ in inputs), way.accesses, strict=True))
    loop = Loop("fused_cases", leaves, [case[3] for case in cases], [])
    outputs = [np.empty(size, case[3].dtype) for case in cases]
    compiled = function(generated.kernel(loop.name, loop.text), loop.parameters)
    compiled(0, 1, size, size, *(array for _, array in inputs), *outputs)
    return outputs


def compare(cases: list[Any], outputs: list[Any]) -> None:
    for (kernel, arrays, _, symbol), result in zip(cases, outputs, strict=True):
        expected = kernel(*arrays)
        assert expected.dtype == result.dtype, symbol
        np.testing.assert_array_equal(result, expected, err_msg=str(symbol))
        if expected.dtype != bool:
            there = ~np.isnan(expected)
            np.testing.assert_array_equal(
                np.signbit(result)[there], np.signbit(expected)[there], err_msg=str(symbol)
            )


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64, BOOL], ids=str)
@np.errstate(all="ignore")
def test_as_written_it_is_what_the_kernel_computes(dtype: Any) -> None:
    cases = [case for case in recorded(dtype) if "_float32(" not in _templates(case[3])]
    assert len(cases) > (6 if dtype == BOOL else 35)
    compare(cases, run(lambda kernel, parameters: kernel.py_func, cases))


@pytest.mark.skipif(not jit.available(), reason="needs Numba")
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64, BOOL], ids=str)
@np.errstate(all="ignore")
def test_compiled_it_is_what_the_kernel_computes(dtype: Any) -> None:
    cases = list(recorded(dtype))
    for begin in range(0, len(cases), AT_ONCE):
        some = cases[begin : begin + AT_ONCE]
        compare(some, run(generated.compile_for, some))


def _templates(symbol: Any) -> str:
    args = [_templates(arg) for arg in symbol.args if isinstance(arg, Symbol)]
    return " ".join([symbol.template, *args])


def test_what_is_not_of_single_elements_is_not_recorded() -> None:
    x = Symbol(FLOAT32, "x")
    for kernel in (
        np.sum,
        np.cumsum,
        lambda x: x.size,
        lambda x: x if x > 0 else -x,
        lambda x: x + np.ones(3, np.float32),
        lambda x: np.sin(x),
        lambda x: np.add(x, 1, dtype=np.float64),
        lambda x: 1.0,
    ):
        with pytest.raises(Unfit):
            record(kernel, [x])


def test_dtypes_follow_numpy() -> None:
    x, y, b = Symbol(FLOAT32, "x"), Symbol(FLOAT64, "y"), Symbol(BOOL, "b")
    assert (x * 2).dtype == (x + 0.5).dtype == (x * b).dtype == FLOAT32
    assert (x * y).dtype == (x * np.float64(2)).dtype == FLOAT64
    assert (x < y).dtype == (b & (x < 1)).dtype == BOOL
    assert np.where(b, x, 0).dtype == FLOAT32
    assert np.where(b, x, y).dtype == x.astype(np.float64).dtype == FLOAT64
