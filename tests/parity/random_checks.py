"""A random program in both engines: the same nodes, values, gradients, and errors.

`check` builds and runs a program in each engine and compares what came out; the tolerance of each
tensor is what `rounding` finds that rounding does to it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.parity.harness import engine, node_lines
from tests.parity.random_graphs import Program, forward_text, gradient_text, script, widened
from tests.parity.rounding import Condition, conditions

# What a user's mistake may raise, besides `tf.errors.OpError`; anything else is a bug.
ERRORS = (TypeError, LookupError, ValueError, NotImplementedError)


# Op types that TensorFlow cannot differentiate and minitf can: its gradients are graph, and their
# kernels stand beside one another, so that one more order comes nearly free.
BEYOND = frozenset(
    ["LRNGrad", "MaxPoolGradWithArgmax", "MaxPoolGradGradWithArgmax", "SoftsignGrad"]
)
# Op types whose second derivatives divide by zero in TensorFlow: where an element, or the gradient
# that arrives, is zero, or a segment empty. minitf's are written so that they do not.
NOT_A_NUMBER = frozenset(["EuclideanNorm", "SegmentMax", "SegmentMin", "UnsortedSegmentProd"])
_UNDIFFERENTIABLE = re.compile(r"No gradient defined for operation.*\(op type: (\w+)\)")


@dataclass
class Tally:
    """What was compared.

    Attributes:
      errors: programs that end in an error in both engines, by its class.
      beyond: gradients that minitf has and TensorFlow has not, by op type; see `BEYOND`.
      undefined: tensors that rounding makes jump, which are not compared.
      coarser: tensors where TensorFlow rounds more than minitf's graph explains; see
        `_compare_again`.
      largest: by dtype: the largest difference, relative to the largest element of its tensor.
      closest: the largest difference as a part of its tolerance.
      op_types: how many nodes of each type, in all graphs with their gradients.
    """

    programs: int = 0
    nodes: int = 0
    tensors: int = 0
    first: int = 0
    second: int = 0
    none: int = 0
    undefined: int = 0
    coarser: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    beyond: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    closest: float = 0.0
    entries: Counter[str] = field(default_factory=Counter)
    op_types: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Counts what another tally counted too."""
        for name, value in vars(other).items():
            own = getattr(self, name)
            if isinstance(value, Counter):
                own.update(value)
            elif name == "largest":
                self.largest |= {k: max(x, own.get(k, 0.0)) for k, x in value.items()}
            else:
                setattr(self, name, max(own, value) if name == "closest" else own + value)


class TooFarApart(AssertionError):
    """Two values differ by more than rounding explains."""


@dataclass
class Outcome:
    """What a program came to in one engine.

    Attributes:
      error: of building, of gradients and of running: the class and the moment; "" if there was
        none.
      lines: a line for each forward node.
      tensors: those whose values were asked for, with a name for each.
      missing: the gradients that are None.
      second: whether there are gradients of gradients.
    """

    graph: Any
    feed: dict[Any, Any] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    lines: list[str] = field(default_factory=list)
    tensors: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    second: bool = False
    values: dict[str, np.ndarray] = field(default_factory=dict)


def run(tf: Any, program: Program, order: int) -> Outcome:
    """Builds a program, adds gradients up to an order, and runs it."""
    with tf.Graph().as_default() as graph:
        outcome = Outcome(graph)
        try:
            moment = "when built"
            scope = _build(tf, program, outcome)
            moment = "when differentiated"
            _differentiate(program, order, outcome, scope)
            moment = "when run"
            _run(tf, outcome)
        except (*ERRORS, tf.errors.OpError) as error:
            outcome.error = f"{_class(tf, error)} {moment}"
            outcome.message = str(error)
    return outcome


def _build(tf: Any, program: Program, outcome: Outcome) -> dict[str, Any]:
    scope: dict[str, Any] = {"tf": tf, "np": np}
    exec(forward_text(program), scope)
    outcome.feed = scope["feed"]
    outcome.lines = node_lines(outcome.graph)
    for name in program.tensors():
        outcome.tensors[name] = scope[name]
    return scope


def _differentiate(program: Program, order: int, outcome: Outcome, scope: dict[str, Any]) -> None:
    exec(gradient_text(program, order), scope)
    outcome.second = order == 2
    for name in ("first", "second"):
        for (x, _, _), gradient in zip(program.inputs, scope.get(name, []), strict=False):
            if gradient is None:
                outcome.missing.append(f"{name}({x})")
            else:
                outcome.tensors[f"{name}({x})"] = gradient


def _run(tf: Any, outcome: Outcome) -> None:
    with _session(tf) as sess:
        sess.run(tf.global_variables_initializer(), outcome.feed)
        values = sess.run(list(outcome.tensors.values()), outcome.feed)
    outcome.values = dict(zip(outcome.tensors, map(np.asarray, values), strict=True))


def _session(tf: Any) -> Any:
    """A session that computes node for node what the graph says.

    TensorFlow's rewriting is off: it would make 0 of x * 0 where x is not a number.
    """
    if tf.__name__ == "minitf":
        return tf.Session()
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    return tf.Session(config=config)


def _class(tf: Any, error: Exception) -> str:
    if isinstance(error, tf.errors.OpError):
        return type(error).__name__
    return next(kind.__name__ for kind in ERRORS if isinstance(error, kind))


def check(program: Program, tally: Tally) -> None:
    """Asserts that a program comes to the same in both engines.

    Raises:
      AssertionError: saying what differs; ends with the script.
    """
    try:
        _check(program, tally)
    except AssertionError as error:
        raise AssertionError(f"{error}\n\n{script(program)}") from None


def _check(program: Program, tally: Tally) -> None:
    tally.programs += 1
    tally.entries.update(statement.kind for statement in program.statements)
    ours, theirs = _run_both(program, 2, tally)
    for order in (1, 0):
        # Where there is no gradient of a gradient, there may be a first one, and values.
        if "differentiated" in ours.error:
            ours, theirs = _run_both(program, order, tally)
    tally.nodes += len(ours.lines)
    tally.op_types.update(op.type for op in ours.graph.get_operations())
    if ours.error:
        return
    tally.none += len(ours.missing)
    found = conditions(ours.graph, ours.feed, [_tensor(t) for t in ours.tensors.values()])
    doubted: list[tuple[str, Condition, TooFarApart]] = []
    for name, condition in zip(ours.tensors, found, strict=True):
        if _is_lost(name, ours, theirs):
            tally.beyond["not a number"] += 1
            continue
        try:
            _compare(name, ours.values[name], theirs.values[name], condition, tally)
        except TooFarApart as error:
            doubted.append((name, condition, error))
    if doubted:
        _compare_again(program, ours, theirs, doubted, tally)


def _is_lost(name: str, ours: Outcome, theirs: Outcome) -> bool:
    """Whether TensorFlow's second derivative is not a number for a known reason."""
    if not name.startswith("second") or np.all(np.isfinite(theirs.values[name])):
        return False
    types = {op.type for op in ours.graph.get_operations()}
    return bool(np.all(np.isfinite(ours.values[name])) and types & NOT_A_NUMBER)


def _compare_again(
    program: Program,
    ours: Outcome,
    theirs: Outcome,
    doubted: list[tuple[str, Condition, TooFarApart]],
    tally: Tally,
) -> None:
    """Where TensorFlow rounds more than minitf's graph explains.

    A gradient may be written in ways of which one cancels and the other does not, or of which one
    comes out exactly. So another condition is tried, in which nothing comes out exactly; and if
    that does not explain it either, TensorFlow's number in double precision has to agree with
    minitf's, both in double and in the precision in question.
    """
    tensors = [_tensor(ours.tensors[name]) for name, _, _ in doubted]
    rounded = conditions(ours.graph, ours.feed, tensors, exempt=False)
    wide: Outcome | None = None
    for (name, condition, error), other in zip(doubted, rounded, strict=True):
        tally.coarser += 1
        if other.defined and _apart(ours.values[name], theirs.values[name]) <= other.tolerance:
            continue
        if wide is None:
            order = 2 if ours.second else 1
            wide = run(engine("tensorflow.compat.v1"), widened(program), order)
        value, tolerance = wide.values.get(name), condition.tolerance
        if value is None or value.dtype == ours.values[name].dtype:
            raise error
        if max(_apart(ours.values[name], value), _apart(condition.exact, value)) > tolerance:
            raise error


def _apart(value: np.ndarray, other: np.ndarray) -> float:
    finite = np.isfinite(other)
    return float(np.abs(value[finite] - other[finite]).max(initial=0.0))


def _run_both(program: Program, order: int, tally: Tally) -> tuple[Outcome, Outcome]:
    theirs, ours = (run(engine(e), program, order) for e in ("tensorflow.compat.v1", "minitf"))
    beyond = _UNDIFFERENTIABLE.search(theirs.message)
    if beyond and beyond[1] in BEYOND and not ours.error:
        tally.beyond[beyond[1]] += 1
        ours.error = theirs.error
    assert ours.error == theirs.error, (
        f"minitf: {ours.error or 'no error'}, TensorFlow: {theirs.error or 'no error'}\n"
        f"{ours.message[:600]}\n---\n{theirs.message[:600]}"
    )
    if ours.error:
        tally.errors[ours.error] += 1
    else:
        assert ours.missing == theirs.missing, f"None: {ours.missing} in minitf, {theirs.missing}"
    _compare_lines(ours.lines, theirs.lines)
    return ours, theirs


def _tensor(thing: Any) -> Any:
    return thing._ref() if hasattr(thing, "_ref") else thing


def _compare_lines(ours: list[str], theirs: list[str]) -> None:
    if ours == theirs:
        return
    wrong = [f"+ {line}" for line in ours if line not in theirs]
    missing = [f"- {line}" for line in theirs if line not in ours]
    order = [f"- {b}\n+ {a}" for a, b in zip(ours, theirs, strict=False) if a != b][:3]
    raise AssertionError(
        "\n".join(["the graphs differ (- TensorFlow, + minitf):", *(missing + wrong or order)])
    )


def _compare(
    name: str, ours: np.ndarray, theirs: np.ndarray, condition: Condition, tally: Tally
) -> None:
    assert ours.dtype == theirs.dtype, f"{name} is {ours.dtype}, not {theirs.dtype}"
    if not condition.defined:
        tally.undefined += 1
        return
    assert ours.shape == theirs.shape, f"{name} has shape {ours.shape}, not {theirs.shape}"
    attribute = name.split("(")[0] if "(" in name else "tensors"
    setattr(tally, attribute, getattr(tally, attribute) + 1)
    if ours.dtype.kind not in "fc":
        assert np.array_equal(ours, theirs), f"{name} is\n{ours}\nnot\n{theirs}"
        return
    finite = np.isfinite(theirs)
    same = np.array_equal(finite, np.isfinite(ours))
    same = same and np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    assert same, f"{name} is\n{ours}\nnot\n{theirs}"
    wide = np.result_type(ours.dtype, np.float64)
    apart = np.abs(ours[finite].astype(wide) - theirs[finite].astype(wide)).max(initial=0.0)
    scale = np.abs(theirs[finite].astype(wide)).max(initial=0.0)
    # Below the smallest normal number, TensorFlow has zero.
    tolerance = condition.tolerance + 2 * float(np.finfo(ours.dtype).tiny)
    if apart > tolerance:
        raise TooFarApart(
            f"{name} is off by {apart:.3g}, {apart / tolerance:.3g} times what rounding does:\n"
            f"{ours!r}\nnot\n{theirs!r}"
        )
    kind = ours.dtype.name
    tally.closest = max(tally.closest, float(apart / tolerance))
    if scale:
        tally.largest[kind] = max(tally.largest.get(kind, 0.0), float(apart / scale))
