"""How far apart two engines may be that both compute rightly: an estimate by random rounding.

Two programs that round at every step need not agree to the last bit, and how far they drift apart
depends on the graph: a sum that cancels magnifies what its terms were rounded by. A fixed bound is
too loose for one graph and too tight for the next. So a graph is evaluated in double precision too,
once as it is and some times with the result of every node off by up to one unit roundoff of the
precision in question, up or down at random (Monte Carlo arithmetic). How far that throws a tensor
is the graph's condition; gradients have theirs, since they are nodes too. Elements that the
precision in question holds exactly are left alone, as they would not be rounded: 0.5 * 2 is 1.

Perturbations come in pairs of opposite sign and in two sizes. A smooth tensor is thrown less by the
smaller; a comparison of numbers that are equal but for rounding, or a kink such as that of `relu`,
jumps just as far. Such a tensor has no well-defined value, and whoever compares says so instead of
comparing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitf.framework import op_def
from minitf.framework.kernel_context import (
    DEAD,
    KernelContext,
    ResourceManager,
    VariableResource,
)

# Unit roundoff: half the distance from 1 to the next number.
UNIT = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
UNIT |= {"complex64": 2.0**-24, "complex128": 2.0**-53}
_WIDE = {"float16": np.float64, "float32": np.float64, "complex64": np.complex128}

# What to do to a result of a node of some type; for a sum, also what its terms' sizes add up to.
Rounding = Callable[[str, np.ndarray, Any], np.ndarray]


class Evaluator:
    """Runs all nodes of a minitf graph in order, and goes on when it grows.

    Attributes:
      values: by tensor.
    """

    def __init__(self, graph: Any, wide: bool = False, rounding: Rounding | None = None) -> None:
        """
        Args:
          wide: whether to compute in double precision what the graph computes in a coarser one.
          rounding: what to do to the floating results of nodes that compute, by their type.
        """
        self.graph = graph
        self.wide = wide
        self.rounding = rounding
        self.values: dict[Any, Any] = {}
        self._dead: set[Any] = set()
        self._resources, self._state = ResourceManager(), ResourceManager()
        self._done = 0

    def advance(self, feeds: dict[Any, Any]) -> None:
        """Runs the nodes that are new since the last call."""
        operations = self.graph.get_operations()
        with np.errstate(all="ignore"):
            for op in _in_order(operations[self._done :]):
                self._run(op, feeds)
        self._done = len(operations)

    def __getitem__(self, tensor: Any) -> np.ndarray:
        value = self.values[tensor]
        return np.asarray(value.read() if isinstance(value, VariableResource) else value)

    def _run(self, op: Any, feeds: dict[Any, Any]) -> None:
        if op.outputs and op.outputs[0] in feeds:
            self.values[op.outputs[0]] = self._widened(feeds[op.outputs[0]])
            return
        inputs = [self.values[tensor] for tensor in op.inputs]
        if self._is_dead(op, inputs):
            self._dead.add(op)
            outputs: Any = [DEAD] * len(op.outputs)
        else:
            outputs = [self._widened(value) for value in self._call(op, inputs)]
            if self.rounding and op.inputs and not (op.op_def.aliases or op.type in _MOVES):
                terms: list[Any] = [None] * len(outputs)
                if op.type in _SUMS:
                    terms = self._call(op, [np.abs(v) if _is_inexact(v) else v for v in inputs])
                outputs = [
                    self.rounding(op.type, value, of) if _is_inexact(value) else value
                    for value, of in zip(outputs, terms, strict=True)
                ]
        for tensor, value in zip(op.outputs, outputs, strict=True):
            self.values[tensor] = value

    def _is_dead(self, op: Any, inputs: list[Any]) -> bool:
        if any(control in self._dead for control in op.control_inputs):
            return True
        dead = [value is DEAD for value in inputs]
        return all(dead) and bool(inputs) if op.op_def.is_merge else any(dead)

    def _call(self, op: Any, inputs: list[Any]) -> list[Any]:
        arguments = [
            value.read() if isinstance(value, VariableResource) and not reference else value
            for value, reference in zip(inputs, op.op_def.ref_inputs(len(inputs)), strict=True)
        ]
        if self.wide and op.type == "Cast" and op.outputs[0].dtype.name in _WIDE:
            return [np.asarray(arguments[0]).astype(_WIDE[op.outputs[0].dtype.name])]
        context = KernelContext(
            op.name, self._resources, self._state, [t.shape for t in op.outputs]
        )
        result = op.op_def.bind_kernel(op._attrs, context)(*arguments)
        return [result] if len(op.outputs) == 1 else list(result or ())

    def _widened(self, value: Any) -> Any:
        if self.wide and isinstance(value, (np.ndarray, np.generic)) and value.dtype.name in _WIDE:
            return np.asarray(value, _WIDE[value.dtype.name])
        return value


def _in_order(operations: list[Any]) -> Iterator[Any]:
    """Operations after those that they depend on, and else in the order of their creation."""
    waiting = {op: {t.op for t in op.inputs} | set(op.control_inputs) for op in operations}
    followers: dict[Any, list[Any]] = {op: [] for op in operations}
    for op, before in waiting.items():
        before.intersection_update(followers)
        for other in before:
            followers[other].append(op)
    ready = [(op._id, op) for op, before in waiting.items() if not before]
    while ready:
        _, op = heapq.heappop(ready)
        yield op
        for follower in followers[op]:
            waiting[follower].discard(op)
            if not waiting[follower]:
                heapq.heappush(ready, (follower._id, follower))


def _is_inexact(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc"


# These hand elements on, and round nothing.
_MOVING = """
    Abs BatchToSpaceND BroadcastTo ConcatV2 Conj DepthToSpace Diag DiagPart DynamicPartition
    DynamicStitch Gather GatherNd GatherV2 Imag MatrixBandPart MatrixDiagPartV3 MatrixDiagV3
    MatrixSetDiagV3 Max MaxPool Maximum Merge Min Minimum MirrorPad Neg Pack Pad PadV2 Real Relu
    ReverseSequence ReverseV2 Roll Select SelectV2 Slice SpaceToBatchND SpaceToDepth Split SplitV
    StridedSlice StridedSliceGrad Switch Tile TopKV2 Transpose Unpack
"""
_MOVES = frozenset(_MOVING.split())
assert {op.name for op in op_def.all_ops()} >= _MOVES


# These are differences of terms of the size of 1 inside (TensorFlow's elu is exp(x) - 1): near a
# zero they are as far off as elsewhere.
_CANCELLING = frozenset(["Digamma", "Elu", "Lgamma", "Selu"])


# These add: on the way, a sum may be as large as the sizes of its terms together, and is rounded.
_ADDING = """
    AddN BatchMatMulV2 BiasAddGrad Conv2D Conv2DBackpropFilter Conv2DBackpropInput Cumsum
    DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
    Einsum MatMul Mean SegmentSum Sum UnsortedSegmentSum
"""
_SUMS = frozenset(_ADDING.split())
assert {op.name for op in op_def.all_ops()} >= _SUMS

# These mix the elements of a matrix: each result is as far off as the largest.
_MIXING = frozenset(["Cholesky", "MatrixInverse", "MatrixSolve", "Qr"])


def randomly_rounded(
    unit: float, size: float, seed: int, sign: int, exempt: bool = True
) -> Rounding:
    """A rounding that moves elements up or down at random.

    Args:
      unit: the unit roundoff of the precision in question.
      size: by what part of itself an element is moved, at most.
      seed: what is moved up and what down; with the opposite sign, the other way.
      exempt: whether elements that the precision holds exactly stay as they are.
    """
    random = np.random.default_rng(seed)
    coarse = next(np.dtype(name) for name, its_unit in UNIT.items() if its_unit == unit)

    def held(real: np.ndarray) -> np.ndarray:
        return real.astype(coarse).astype(real.dtype) == real if exempt else real == 0

    def move(op_type: str, real: np.ndarray, terms: Any) -> np.ndarray:
        spared, least = held(real), np.asarray(0.0)
        if terms is not None:
            # If the sum of the sizes is held too, the terms have few digits: any order is exact.
            spared, least = spared & held(np.abs(terms)), np.abs(terms)
        elif op_type in _CANCELLING:
            least = np.asarray(1.0)
        elif op_type in _MIXING:
            spared, least = np.zeros_like(spared), np.abs(real).max(initial=0.0)
        # Not all by the same size: a variance of two numbers that move alike would stay as it is.
        moves = sign * size * random.uniform(-1, 1, real.shape)
        return np.where(spared, real, real + moves * np.maximum(np.abs(real), least))

    def rounding(op_type: str, value: np.ndarray, terms: Any) -> np.ndarray:
        if value.dtype.kind != "c":
            return move(op_type, np.asarray(value), terms)
        return move(op_type, value.real, terms) + 1j * move(op_type, value.imag, terms)

    return rounding


@dataclass(frozen=True)
class Condition:
    """What rounding does to one tensor.

    Attributes:
      exact: its value in double precision.
      tolerance: how far apart two right results may be, at most.
      defined: whether the tensor has a value that does not jump when something is rounded.
    """

    exact: np.ndarray
    tolerance: float
    defined: bool


# Two engines may both be off, by more roundings per node than the one that was tried at random, and
# few random trials do not find the worst: of a second derivative of a hundred nodes, TensorFlow was
# seen to be off by 5 times what four trials found, and minitf by 11 times.
SAFETY = 32.0
# And within one node: by so many units of the largest element.
ROUNDINGS = 8.0


def conditions(
    graph: Any, feeds: dict[Any, Any], tensors: Iterable[Any], exempt: bool = True
) -> list[Condition]:
    """What rounding does to tensors of a minitf graph.

    Args:
      exempt: whether what comes out exactly is not rounded. Sums of numbers with few digits come
        out exactly in one order and perhaps not in another, nor in other formulas.
    """
    units = _coarsest_units(graph)
    coarsest = max([UNIT["float32"], *units.values()])
    exact = _evaluated(graph, feeds, None)
    large, small = (
        [
            _evaluated(
                graph, feeds, randomly_rounded(coarsest, coarsest * scale, seed, sign, exempt)
            )
            for seed in seeds
            for sign in (1, -1)
        ]
        for scale, seeds in ((1.0, (1, 2, 3)), (1 / 16, (4, 5)))
    )
    return [
        _condition(exact[t], [e[t] for e in large], [e[t] for e in small], units[t], coarsest)
        for t in tensors
    ]


def _evaluated(graph: Any, feeds: dict[Any, Any], rounding: Rounding | None) -> Evaluator:
    evaluator = Evaluator(graph, wide=True, rounding=rounding)
    evaluator.advance(feeds)
    return evaluator


def _coarsest_units(graph: Any) -> dict[Any, float]:
    """For each tensor, the coarsest precision that it or what it is made of was computed in."""
    units: dict[Any, float] = {}
    for op in _in_order(graph.get_operations()):
        inherited = max((units[tensor] for tensor in op.inputs), default=0.0)
        for tensor in op.outputs:
            units[tensor] = max(UNIT.get(tensor.dtype.base_dtype.name, 0.0), inherited)
    return units


def _condition(
    exact: np.ndarray, large: list[Any], small: list[Any], unit: float, coarsest: float
) -> Condition:
    if any(value.shape != exact.shape for value in large + small):
        return Condition(exact, 0.0, False)
    if exact.dtype.kind not in "fc":
        return Condition(exact, 0.0, all(np.array_equal(value, exact) for value in large + small))
    far, near = (max(_distance(value, exact) for value in each) for each in (large, small))
    scale = float(np.abs(exact[np.isfinite(exact)]).max(initial=0.0))
    # Sixteen times less is thrown sixteen times less far, unless one of the two jumps.
    defined = near <= far / 2 + 1e-13 * scale and far <= 256 * near + 64 * coarsest * scale
    tolerance = SAFETY * far * unit / coarsest + ROUNDINGS * unit * scale
    return Condition(exact, tolerance, defined)


def _distance(value: np.ndarray, exact: np.ndarray) -> float:
    finite = np.isfinite(value) & np.isfinite(exact)
    return float(np.abs(value[finite] - exact[finite]).max(initial=0.0))
