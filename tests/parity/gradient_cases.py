"""Gradients of single ops against TensorFlow's: what is recorded of it, and how it is compared.

    python -m tests.parity.gradient_cases     (records anew, and measures; needs TensorFlow)

`record()` draws samples of each op with a gradient, keeps those that TensorFlow can differentiate,
and writes them to `tests/golden/gradients.npz` with what TensorFlow made of them. Values are those
with all shapes known; of the other modes (`gradient_graphs.MODES`) only errors are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import minitf
from minitf.framework.dtypes import DType, as_dtype
from tests.ops.op_case import Sample
from tests.parity.gradient_graphs import (
    MODES,
    GradientCase,
    Gradients,
    Slices,
    cases_of,
    observe,
)
from tests.parity.gradient_inputs import Source, draw, sources
from tests.parity.gradient_tolerances import (
    NAN_FOR_NOTHING,
    NOT_COMPARED,
    NOT_CONJUGATED,
    reason,
    tolerance,
)
from tests.parity.harness import engine
from tests.parity.recording import GOLDEN

PATH = GOLDEN / "gradients.npz"
DIFFERENCES = GOLDEN / "gradient_differences.json"

# How many samples of each op are recorded, and how many more the live run draws.
RECORDED, LIVE = 3, 4


@dataclass
class Expected:
    """What TensorFlow makes of a case: values, and errors of modes that it refuses, by order."""

    case: GradientCase
    gradients: Gradients
    refused: dict[str, str] = field(default_factory=dict)
    refused_second: dict[str, str] = field(default_factory=dict)


def modes_of(case: GradientCase) -> list[GradientCase]:
    """A case with all shapes known, and in one of the other modes, which take turns."""
    turn = case.index + ("float32", "float64", "complex64", "complex128").index(case.dtype)
    return [case, replace(case, mode=MODES[1 + turn % 3])]


# ---- what TensorFlow does


def expect(tf: Any, source: Source, count: int, start: int = 0) -> list[Expected]:
    """What TensorFlow makes of so many samples that it can differentiate; numbered from `start`."""
    samples = draw(source, count)
    found: list[Expected] = []
    for first in range(0, len(samples), count):
        cases = cases_of(source, samples[first : first + count], start + first)
        found += check(tf, cases)
        if len({each.case.index for each in found}) >= count:
            break
    return found


def check(tf: Any, cases: list[GradientCase]) -> list[Expected]:
    """What TensorFlow makes of those of the cases that it can differentiate with shapes known."""
    every = [each for case in cases for each in modes_of(case)]
    found: dict[tuple[int, str], Expected] = {}
    for case, gradients in zip(every, observe(tf, every), strict=True):
        key = (case.index, case.dtype)
        if case.mode == "known" and not gradients.error:
            found[key] = Expected(case, gradients)
        elif gradients.error and key in found:
            found[key].refused[case.mode] = gradients.error
        elif gradients.second_error and key in found:
            found[key].refused_second[case.mode] = gradients.second_error
    return list(found.values())


# ---- comparing


def compare(case: GradientCase, actual: Gradients, expected: Expected) -> float:
    """Asserts that gradients are TensorFlow's; returns the largest relative difference.

    Where TensorFlow refuses to build a gradient, minitf may refuse with the same error, or give
    what TensorFlow gives when it knows all shapes.
    """
    if case.mode in expected.refused and actual.error:
        assert actual.error == expected.refused[case.mode], f"{case}: {actual.message}"
        return 0.0
    assert not actual.error, f"{case}: {actual.error}: {actual.message}"
    if case.op in NOT_CONJUGATED and case.dtype.startswith("complex"):
        return 0.0
    right = expected.gradients
    if case.mode in expected.refused_second and actual.second_error:
        assert actual.second_error == expected.refused_second[case.mode], f"{case}: second order"
        right = replace(right, second_error=actual.second_error)
    return compare_values(case, actual, right)


def compare_values(case: GradientCase, actual: Gradients, right: Gradients) -> float:
    """Asserts that two engines' gradients are the same; returns the largest difference."""
    largest = _compare_order(case, 1, actual.first, right.first)
    if right.second_error:
        return largest
    assert not actual.second_error, f"{case}: {actual.second_error}: {actual.message}"
    return max(largest, _compare_order(case, 2, actual.second, right.second))


def _compare_order(case: GradientCase, order: int, actual: list[Any], right: list[Any]) -> float:
    assert len(actual) == len(right), f"{case}: gradients of other tensors"
    limit = tolerance(case.op, case.dtype)
    sizes = [np.nan_to_num(np.abs(_dense(r)), posinf=0.0) for r in right if _is_inexact(r)]
    scale = max((size.max(initial=0.0) for size in sizes), default=0.0)
    largest = 0.0
    for position, (mine, theirs) in enumerate(zip(actual, right, strict=True)):
        where = f"{case}: order {order}, gradient {position}"
        if (case.op, order, position) in NOT_COMPARED:
            continue
        if theirs is not None and not _is_inexact(theirs):
            # By whole numbers nothing can be differentiated; TensorFlow hands out some zeros.
            assert mine is None or np.array_equal(mine, theirs), where
            continue
        if order == 1 and case.mode == "known":
            _same_kind(mine, theirs, where)
        if theirs is not None and case.op in NAN_FOR_NOTHING and order == 2:
            theirs = np.nan_to_num(_dense(theirs))
        largest = max(largest, _difference(mine, theirs, float(scale), where))
    assert largest <= limit, f"{case}: order {order}: {largest:.1e} apart, allowed {limit:.0e}"
    return largest


def _same_kind(mine: Any, theirs: Any, where: str) -> None:
    """Asserts that both are None, or tensors, or slices of the same rows."""
    assert type(mine) is type(theirs), f"{where}: {type(mine)} for {type(theirs)}"
    if isinstance(mine, Slices):
        for part in ("indices", "dense_shape"):
            np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part), where)


def _dense(value: Any) -> Any:
    return value.dense() if isinstance(value, Slices) else value


def _is_inexact(value: Any) -> bool:
    return value is not None and _dense(value).dtype.kind in "fc"


def _difference(mine: Any, theirs: Any, scale: float, where: str) -> float:
    """How far two gradients are apart, relative to `scale`; None counts as zeros."""
    mine, theirs = _dense(mine), _dense(theirs)
    if mine is None or theirs is None:
        present = [v for v in (mine, theirs) if v is not None]
        mine = theirs = np.zeros(0)
        if present:
            mine, theirs = present[0], np.zeros_like(present[0])
    assert mine.shape == theirs.shape, f"{where}: shape {mine.shape} for {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{where}: {mine.dtype} for {theirs.dtype}"
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(mine[~finite], theirs[~finite], where)
    apart = float(np.abs(mine[finite] - theirs[finite]).max(initial=0.0))
    return apart / scale if apart and scale else apart


# ---- the recording


class _Writer:
    """Arrays as bytes one after another, and what tells them apart."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def array(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return {"list": [self.array(item) for item in value]}
        if isinstance(value, Slices):
            parts = (value.values, value.indices, value.dense_shape)
            return {"slices": [self.array(part) for part in parts]}
        value = np.asarray(value, order="C")
        self.chunks.append(value.tobytes())
        return [value.dtype.str[1:], *value.shape]


class _Reader:
    """The other way around."""

    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def array(self, entry: Any) -> Any:
        if entry is None:
            return None
        if isinstance(entry, dict):
            parts = [self.array(item) for item in (entry.get("list") or entry.get("slices") or [])]
            return parts if "list" in entry else Slices(*parts)
        dtype, *shape = entry
        value = np.frombuffer(self.data, dtype, int(np.prod(shape, dtype=np.int64)), self.position)
        self.position += value.nbytes
        return value.reshape(shape)


# Samples are numbers of single precision (`gradient_inputs`), and are kept as such.
_NARROW = {"f8": np.float32, "c16": np.complex64}
_WIDE = {"f4": np.float64, "c8": np.complex128}


def _resized(value: Any, dtypes: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resized(item, dtypes) for item in value]
    return value.astype(dtypes.get(value.dtype.str[1:], value.dtype))


def _attr_out(value: Any) -> Any:
    return {"dtype": as_dtype(value).name} if isinstance(value, (type, DType)) else value


def _attr_in(value: Any) -> Any:
    return as_dtype(value["dtype"]) if isinstance(value, dict) else value


def write(expected: Iterable[Expected]) -> None:
    """Keeps what TensorFlow makes of cases."""
    writer, index = _Writer(), []
    for each in expected:
        case, gradients = each.case, each.gradients
        entry: dict[str, Any] = {"case": [case.op, case.index, case.dtype]}
        if not index or index[-1]["case"][:2] != entry["case"][:2]:
            entry["inputs"] = [writer.array(_resized(v, _NARROW)) for v in case.sample.inputs]
            entry["attrs"] = {k: _attr_out(v) for k, v in case.sample.attrs.items()}
            entry["outputs"], entry["static"] = case.outputs, list(case.static)
        entry["first"] = [writer.array(v) for v in gradients.first]
        entry["second"] = [writer.array(v) for v in gradients.second]
        entry["errors"] = [gradients.second_error, each.refused, each.refused_second]
        index.append(entry)
    np.savez_compressed(
        PATH,
        index=np.frombuffer(json.dumps(index, default=np.generic.item).encode(), np.uint8),
        data=np.frombuffer(b"".join(writer.chunks), np.uint8),
    )


def read() -> Iterator[Expected]:
    """What TensorFlow was recorded to make of cases, op by op."""
    with np.load(PATH) as arrays:
        index, reader = json.loads(arrays["index"].tobytes()), _Reader(arrays["data"].tobytes())
    sample, outputs, static = Sample([]), [], ()
    for entry in index:
        if "inputs" in entry:
            inputs = [_resized(reader.array(v), _WIDE) for v in entry["inputs"]]
            sample = Sample(inputs, {k: _attr_in(v) for k, v in entry["attrs"].items()})
            outputs, static = entry["outputs"], tuple(entry["static"])
        op, number, dtype = entry["case"]
        case = GradientCase(op, number, dtype, sample, outputs, static)
        first = [reader.array(v) for v in entry["first"]]
        second = [reader.array(v) for v in entry["second"]]
        second_error, refused, refused_second = entry["errors"]
        gradients = Gradients(first=first, second=second, second_error=second_error)
        yield Expected(case, gradients, refused, refused_second)


def record() -> None:
    """Records in `tests/golden` what TensorFlow makes of samples of every op with a gradient."""
    tf = engine("tensorflow.compat.v1")
    expected: list[Expected] = []
    for of_op in sources().values():
        for number, source in enumerate(of_op):
            expected += expect(tf, source, RECORDED, 100 * number)
    write(expected)
    ops = {each.case.op for each in expected}
    print(f"gradients: {len(ops)} ops, {len(expected)} cases", flush=True)


# ---- running


def compare_all(tf: Any, expected: list[Expected]) -> Iterator[tuple[GradientCase, float]]:
    """Compares what an engine makes of cases, each in two modes, with what is expected."""
    every = [(case, each) for each in expected for case in modes_of(each.case)]
    seen = observe(tf, [case for case, _ in every])
    for (case, each), gradients in zip(every, seen, strict=True):
        yield case, compare(case, gradients, each)


def beside_tensorflow(op: str, of_op: list[Source], tf: Any) -> dict[str, list[float]]:
    """Compares both engines live, on more samples than are recorded; by dtype the differences."""
    expected: list[Expected] = []
    for number, source in enumerate(of_op, 1):
        expected += expect(tf, source, LIVE, 1000 * number)
    found: dict[str, list[float]] = {}
    for case, difference in compare_all(minitf, expected):
        found.setdefault(case.dtype, []).append(difference)
    return found


# ---- what was found


def summary() -> list[dict[str, Any]]:
    """By op and dtype, as the last live run left it: cases, largest difference, tolerance."""
    rows: list[dict[str, Any]] = json.loads(DIFFERENCES.read_text())
    return rows


def is_left_to_differences(row: dict[str, Any]) -> bool:
    """Whether a row of `summary` is of gradients that TensorFlow has wrong, so not compared."""
    return row["op"] in NOT_CONJUGATED and row["dtype"].startswith("complex")


def rows_of(op: str, of_op: list[Source], tf: Any) -> list[dict[str, Any]]:
    """Compares both engines on one op, and says for `summary` how far they were apart."""
    return [
        {
            "op": op,
            "dtype": dtype,
            "cases": len(differences),
            "difference": float(f"{max(differences):.2g}"),
            "tolerance": tolerance(op, dtype),
            "reason": reason(op),
        }
        for dtype, differences in beside_tensorflow(op, of_op, tf).items()
    ]


def keep(rows: list[dict[str, Any]]) -> None:
    """Keeps rows for `summary`, a line each."""
    lines = sorted(json.dumps(row) for row in rows)
    text = ",\n".join(lines)
    DIFFERENCES.write_text(f"[\n{text}\n]\n")
    print(f"gradients: {sum(row['cases'] for row in rows)} cases compared", flush=True)


def measure() -> None:
    """Compares both engines on every op, and keeps what `summary` gives."""
    tf = engine("tensorflow.compat.v1")
    keep([row for op, of_op in sources().items() for row in rows_of(op, of_op, tf)])


if __name__ == "__main__":
    record()
    measure()
