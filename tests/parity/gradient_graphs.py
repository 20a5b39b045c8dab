"""Gradients of single ops: cases, and what minitf and TensorFlow make of them.

A case is one op at one sample in one dtype, on placeholders of one of four kinds (`MODES`). What is
observed of it is `tf.gradients` of its float outputs by all of its inputs, with random `grad_ys`,
and `tf.gradients` of those gradients, again with random weights, by all inputs and by `grad_ys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitf.framework import op_def as op_def_lib
from minitf.framework.dtypes import DType
from minitf.framework.tensor_shape import TensorShape
from tests.ops.op_case import Sample
from tests.parity.gradient_inputs import OUTPUTS, Source, converted, dtypes_of, seed_of
from tests.parity.gradient_tolerances import NOT_CONJUGATED

# What is known when the graph is built: all shapes; some dims; no rank; nor which axes and shapes
# the op is given (these are constants in the other modes).
MODES = ("known", "dims", "rank", "nothing")


@dataclass(frozen=True)
class GradientCase:
    """One op at one sample, in one dtype.

    Attributes:
      outputs: the shapes of the op's outputs.
      static: names of inputs that are constants unless the mode is "nothing".
    """

    op: str
    index: int
    dtype: str
    sample: Sample
    outputs: list[list[int]]
    static: tuple[str, ...]
    mode: str = "known"

    def __str__(self) -> str:
        values = self.sample.inputs
        shapes = [[*map(np.shape, v)] if isinstance(v, list) else np.shape(v) for v in values]
        attrs = " ".join(f"{k}={v}" for k, v in self.sample.attrs.items())
        return f"{self.op}[{self.index}] {self.dtype}, {self.mode}: {shapes} {attrs}"

    @property
    def inputs(self) -> list[Any]:
        """The arrays, in this case's dtype."""
        return converted(self.sample, self.dtype, seed_of(self.op, self.index)).inputs

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes, in this case's dtype."""
        return converted(self.sample, self.dtype, 0).attrs

    def weights(self, order: int, position: int, shape: Sequence[int], dtype: Any) -> Any:
        """Random numbers for `grad_ys`."""
        rng = np.random.RandomState(seed_of(self.op, self.index, order, position))
        values = rng.standard_normal(shape).astype(np.float32)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * rng.standard_normal(shape).astype(np.float32)
        return np.asarray(values, dtype)

    def shape_of(self, position: int, shape: Sequence[int]) -> Any:
        """The static shape of the placeholder of an input, or of a weight."""
        if self.mode == "known":
            return list(shape)
        if self.mode == "dims":
            rng = np.random.RandomState(seed_of(self.op, self.index, position))
            return [None if rng.randint(2) else size for size in shape]
        return None


@dataclass
class Slices:
    """The value of an `IndexedSlices`."""

    values: np.ndarray
    indices: np.ndarray
    dense_shape: np.ndarray

    def dense(self) -> np.ndarray:
        """The same as an array: rows of one index are added up."""
        array = np.zeros(self.dense_shape, self.values.dtype)
        np.add.at(array, self.indices, self.values)
        return array


@dataclass
class Gradients:
    """What one engine makes of a case: an error's class, or values, None among them."""

    error: str = ""
    first: list[Any] = field(default_factory=list)
    second: list[Any] = field(default_factory=list)
    second_error: str = ""
    message: str = ""


def cases_of(source: Source, samples: list[Sample], start: int = 0) -> list[GradientCase]:
    """The cases of samples, with all shapes known; every other also in complex dtypes."""
    found = []
    for index, sample in enumerate(samples, start):
        with np.errstate(all="ignore"):
            outputs = source.outputs(*sample.inputs, **sample.attrs)
        outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        shapes = [list(np.shape(output)) for output in outputs]
        dtypes = dtypes_of(source.op, sample)
        few = index % 2 and source.op not in NOT_CONJUGATED
        for dtype in dtypes[:2] if few else dtypes:
            found.append(GradientCase(source.op, index, dtype, sample, shapes, source.static))
    return found


# ---- building


def apply(tf: Any, op: str, inputs: list[Any], attrs: dict[str, Any]) -> list[Any]:
    """A node of one op in either engine; returns its outputs."""
    declared = op_def_lib.get(op)
    if tf.__name__ == "minitf":
        result = declared(*inputs, **attrs)
        return [result] if isinstance(result, tf.Tensor) else list(result)
    from tensorflow.python.framework import op_def_library

    names = [arg.name for arg in declared.inputs]
    given = {a.name: a.default for a in declared.attrs.values() if a.has_default} | attrs
    given = {
        name: _plain(tf, v) for name, v in given.items() if name not in declared.inferred_attrs
    }
    keywords = {**dict(zip(names, inputs, strict=True)), **given}
    _, _, node, _ = op_def_library._apply_op_helper(op, **keywords)
    return list(node.outputs)


def _plain(tf: Any, value: Any) -> Any:
    """A value of an attribute, as TensorFlow takes it."""
    if isinstance(value, DType):
        return tf.as_dtype(value.name)
    return tf.TensorShape(value.as_list()) if isinstance(value, TensorShape) else value


class _Builder:
    """Builds cases into one graph of one engine."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        self.feeds: dict[Any, Any] = {}

    def placeholder(self, array: Any, shape: Any) -> Any:
        tensor = self.tf.placeholder(self.tf.as_dtype(array.dtype.name), shape)
        self.feeds[tensor] = array
        return tensor

    def build(self, case: GradientCase) -> Gradients:
        """Adds a case's nodes; what is returned holds tensors where values are to come."""
        tf = self.tf
        try:
            inputs, xs = self._inputs(case)
            outputs = apply(tf, case.op, inputs, case.attrs)
            ys = [outputs[i] for i in OUTPUTS.get(case.op, range(len(outputs)))]
            ys = [y for y in ys if _is_inexact(y)]
            grad_ys = [self._weight(case, 1, i, y, case.outputs) for i, y in enumerate(ys)]
            first = tf.gradients(ys, xs, grad_ys)
        except Exception as error:
            return Gradients(error=type(error).__name__, message=str(error))
        found = Gradients(first=first)
        try:
            found.second = self._second(case, first, xs, grad_ys)
        except Exception as error:
            found.second_error, found.message = type(error).__name__, str(error)
        return found

    def _inputs(self, case: GradientCase) -> tuple[list[Any], list[Any]]:
        inputs, xs = [], []
        for arg, value in zip(op_def_lib.get(case.op).inputs, case.inputs, strict=True):
            constant = arg.name in case.static and case.mode != "nothing"
            tensors = []
            for item in value if arg.is_list else [value]:
                shape = case.shape_of(len(xs), item.shape)
                name = item.dtype.name
                tensors.append(
                    self.tf.constant(item, self.tf.as_dtype(name))
                    if constant
                    else self.placeholder(item, shape)
                )
                xs.append(tensors[-1])
            inputs.append(tensors if arg.is_list else tensors[0])
        return inputs, xs

    def _weight(self, case: GradientCase, order: int, i: int, y: Any, shapes: list[Any]) -> Any:
        shape = shapes[int(y.name.rpartition(":")[2])] if order == 1 else shapes[i]
        weights = case.weights(order, i, shape, y.dtype.as_numpy_dtype)
        return self.placeholder(weights, case.shape_of(100 * order + i, shape))

    def _second(self, case: GradientCase, first: Any, xs: Any, grad_ys: Any) -> list[Any]:
        tf = self.tf
        pairs = [
            (g, self.feed_shape(x))
            for g, x in zip(first, xs, strict=True)
            if g is not None and _is_inexact(g)
        ]
        ys = [tf.convert_to_tensor(g) for g, _ in pairs]
        shapes = [shape for _, shape in pairs]
        weights = [self._weight(case, 2, i, y, shapes) for i, y in enumerate(ys)]
        return list(tf.gradients(ys, [*xs, *grad_ys], weights)) if ys else []

    def feed_shape(self, x: Any) -> list[int]:
        """The shape that an input has when it runs."""
        return list(self.feeds[x].shape) if x in self.feeds else x.shape.as_list()


def _is_inexact(tensor: Any) -> bool:
    return np.dtype(tensor.dtype.as_numpy_dtype).kind in "fc"


# ---- running


def observe(tf: Any, cases: Sequence[GradientCase]) -> list[Gradients]:
    """What an engine makes of cases: all in one graph and run, or, if that fails, in two halves."""
    if not cases:
        return []
    try:
        return _observe(tf, cases)
    except Exception as error:
        if len(cases) == 1:
            return [Gradients(error=type(error).__name__, message=str(error))]
    half = len(cases) // 2
    return observe(tf, cases[:half]) + observe(tf, cases[half:])


def _observe(tf: Any, cases: Sequence[GradientCase]) -> list[Gradients]:
    with tf.Graph().as_default():
        builder = _Builder(tf)
        built = [builder.build(case) for case in cases]
        fetches = [_fetches(each.first + each.second) for each in built]
        with tf.Session() as sess:
            values = sess.run(fetches, builder.feeds)
    for found, value in zip(built, values, strict=True):
        made = [_value(parts) for parts in value]
        count = len(found.first)
        found.first, found.second = made[:count], made[count:]
    return built


def _fetches(tensors: list[Any]) -> list[Any]:
    parts = []
    for tensor in tensors:
        if hasattr(tensor, "indices"):
            parts.append([tensor.values, tensor.indices, tensor.dense_shape])
        else:
            parts.append([] if tensor is None else [tensor])
    return parts


def _value(parts: list[Any]) -> Any:
    if len(parts) == 3:
        return Slices(*map(np.asarray, parts))
    return np.asarray(parts[0]) if parts else None
