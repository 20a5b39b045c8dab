"""The parity harness: a builder runs under minitf and under TensorFlow, and comes to the same.

A builder is a function of `tf`, which is either engine. Modules in `tests/parity/builders` register
theirs in a `Family`:

    layers = Family("layers")

    @layers.graph
    def dense(tf): tf.layers.dense(tf.placeholder(tf.float32, [None, 4]), 3)

Three kinds of case are observed in one engine and compared with what TensorFlow was recorded with:

- of a `graph` all forward nodes (name, type, inputs in order, control inputs, attributes, static
  shapes, device), and the value of every tensor in it, or the class of the error that it ends in,
  with placeholders fed by `feed_of`;
- of `values` the nodes as well, and what the tensors are that the builder returns: gradients are
  compared this way, since their nodes need not have TensorFlow's names;
- of an `error` the class, and whether it came when the graph was built or when it ran.

Each test runs under every engine that is installed (`tests/engines.py`), so that where TensorFlow
is there, it is run again and has to agree with its own recording.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.engines import load

Builder = Callable[[Any], Any]

# The seed of every graph, so that its random ops give the same in each run.
SEED = 1

# Nodes of gradients; those are compared by value. The scope's name is that of both engines.
GRADIENT = re.compile(r"(^|/)gradients(_\d+)?/")


@dataclass(frozen=True)
class Case:
    """One builder: what kind of thing is observed of it, and how exactly values must agree.

    Attributes:
      kind: "graph", "values" or "error".
      rtol: relative tolerance per numpy dtype name, over the defaults in `RTOL`; a builder that
        needs one says why beside it.
      run: whether the tensors of a `graph` are run.
      nodes: whether nodes are compared. A builder that turns one of these off says why beside it.
      feeds: by placeholder name, what is fed where `feed_of` would not make sense.
    """

    name: str
    kind: str
    build: Builder
    rtol: dict[str, float] = field(default_factory=dict)
    run: bool = True
    nodes: bool = True
    feeds: dict[str, Any] = field(default_factory=dict)


@dataclass
class Observed:
    """What a case came to in one engine.

    Attributes:
      nodes: a line per forward node.
      values: by tensor name, or by position in what the builder returned: the value, and of a
        large one a sample.
      shapes: of the whole values.
      errors: by tensor name the class of the error that running it ended in; of an error case,
        under "" the class and the moment.
    """

    nodes: list[str] = field(default_factory=list)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, list[int]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, value: Any) -> None:
        """Notes a value."""
        array = np.asarray(value)
        if array.dtype.kind in "SU":
            array = array.astype(object)
        self.values[name], self.shapes[name] = sampled(array), list(array.shape)


FAMILIES: dict[str, Family] = {}


class Family:
    """The cases of one builder module; they are recorded together in `tests/golden`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: dict[str, Case] = {}
        FAMILIES[name] = self

    def add(self, name: str, kind: str, build: Builder, **options: Any) -> None:
        """Registers a builder under a name of its own."""
        assert name not in self.cases, f"{self.name}/{name} is there twice"
        self.cases[name] = Case(name, kind, build, **options)

    def graph(self, build: Builder | None = None, **options: Any) -> Any:
        """Registers a function that builds a graph; also used as `@family.graph(run=False)`."""
        return self._decorate("graph", build, options)

    def values(self, build: Builder | None = None, **options: Any) -> Any:
        """Registers a function that returns tensors, or arrays that it fetched itself."""
        return self._decorate("values", build, options)

    def error(self, name: str, build: Builder) -> None:
        """Registers a function that ends in an error, when built or when its result is run."""
        self.add(name, "error", build)

    def _decorate(self, kind: str, build: Builder | None, options: dict[str, Any]) -> Any:
        def register(function: Builder) -> Builder:
            self.add(function.__name__, kind, function, **options)
            return function

        return register if build is None else register(build)


# ---- observing


def engine(name: str) -> Any:
    """The engine's `tf`, in the state in which TensorFlow is the reference."""
    tf = load(name)
    if name != "minitf":
        tf.logging.set_verbosity(tf.logging.FATAL)
        tf.disable_v2_behavior()
        tf.disable_resource_variables()
    return tf


def session(tf: Any, rewrite: bool = True) -> Any:
    """A session of one thread, in which TensorFlow's multinomial gives all rows to one shard.

    Args:
      rewrite: False keeps TensorFlow from rewriting the graph, which would fold and merge nodes
        whose values are to be seen, and refuses nodes that a run does not need.
    """
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    if not rewrite and tf.__name__ != "minitf":
        config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(config=config)


def observe(tf: Any, case: Case) -> Observed:
    """Builds a case in one engine, runs it, and says what came of it."""
    if case.kind == "error":
        return Observed(errors={"": error_of(tf, case.build)})
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(SEED)
        result = case.build(tf)
        observed = Observed(nodes=node_lines(graph) if case.nodes else [])
        if case.kind == "values":
            for i, value in enumerate(_returned(tf, result)):
                observed.keep(str(i), value)
        elif case.run:
            run_everything(tf, graph, observed, case.feeds)
    return observed


def _returned(tf: Any, result: Any) -> list[Any]:
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    if hasattr(results[0], "op"):
        with session(tf) as sess:
            results = sess.run(results)
    return results


# What Python itself raises for a mistake, the more special ones first.
_KINDS = (
    NotImplementedError,
    AssertionError,
    RuntimeError,
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
)


def error_of(tf: Any, build: Builder) -> str:
    """The class of the error that a builder ends in, and when.

    What it returns is run: fetches, or a function that takes a session.
    """
    with tf.Graph().as_default():
        mistakes = (tf.errors.OpError, *_KINDS)
        try:
            result = build(tf)
        except mistakes as error:
            return f"{_class_of(tf, error)} when built"
        with session(tf) as sess:
            try:
                _ = result(sess) if callable(result) else sess.run(result)
            except mistakes as error:
                return f"{_class_of(tf, error)} when run"
    return "no error"


def _class_of(tf: Any, error: Exception) -> str:
    if isinstance(error, tf.errors.OpError):
        return type(error).__name__
    return next(kind.__name__ for kind in _KINDS if isinstance(error, kind))


# Writing a variable or a file while others read it is a race: tensors behind such ops are not run.
_WRITES = re.compile(
    r"^(Assign|Scatter(Nd)?(Add|Sub|Update|Mul|Div|Min|Max)|(Sparse)?Apply|CountUpTo|ResourceA"
    r"|SaveV2|RestoreV2)"
)
_OPAQUE = ("resource", "variant")
# Fed with another rank than theirs, or with channels first, TensorFlow's CPU kernels of these abort
# the process or are not there.
_WINDOWED = re.compile(r"Conv2D|Pool|FusedBatchNorm|LRN|SpaceTo|ToSpace|ImagePatches")


def run_everything(tf: Any, graph: Any, observed: Observed, own: dict[str, Any]) -> None:
    """Runs every forward tensor of a graph that can be run, into `observed`.

    All of them in one run, so that random ops draw once. If that fails, halves of them are run in
    new sessions, the ones that fail are noted with their errors, and the others are run together.
    """
    ops = graph.get_operations()
    fed = [op for op in ops if op.type == "Placeholder"]
    feeds = {op.outputs[0]: own[op.name] if op.name in own else feed_of(op) for op in fed}
    setters = [v.initializer for v in tf.global_variables() + tf.local_variables()]
    tensors = runnable(ops)
    try:
        values = _run(tf, setters, tensors, feeds)
    except (tf.errors.OpError, TypeError, ValueError) as error:
        observed.errors = _failing(tf, setters, tensors, feeds, error)
        tensors = [tensor for tensor in tensors if tensor.name not in observed.errors]
        values = _run(tf, setters, tensors, feeds)
    for tensor, value in zip(tensors, values, strict=True):
        observed.keep(tensor.name, value)


def _failing(
    tf: Any, setters: list[Any], tensors: list[Any], feeds: dict[Any, Any], error: Exception
) -> dict[str, str]:
    """By name the tensors that fail, found by halves, with the classes of their errors."""
    if len(tensors) == 1:
        return {tensors[0].name: type(error).__name__}
    found: dict[str, str] = {}
    middle = len(tensors) // 2
    for half in (tensors[:middle], tensors[middle:]):
        try:
            _run(tf, setters, half, feeds)
        except (tf.errors.OpError, TypeError, ValueError) as of_half:
            found.update(_failing(tf, setters, half, feeds, of_half))
    return found


def _run(tf: Any, setters: list[Any], tensors: list[Any], feeds: dict[Any, Any]) -> list[Any]:
    with session(tf, rewrite=False) as sess:
        for setter in setters:
            with contextlib.suppress(tf.errors.OpError):  # whoever needs the variable says so
                sess.run(setter, feeds)
        values: list[Any] = sess.run(tensors, feeds)
        return values


def runnable(ops: Iterable[Any]) -> list[Any]:
    """The tensors that a test may run: forward ones with a value, and no write or abort before."""
    tainted: set[str] = set()
    tensors: list[Any] = []
    for op in ops:
        sources = [tensor.op.name for tensor in op.inputs] + [c.name for c in op.control_inputs]
        unfit = _WRITES.match(op.type) or GRADIENT.search(op.name) or _aborts(op)
        if unfit or not tainted.isdisjoint(sources):
            tainted.add(op.name)
        else:
            tensors.extend(_with_a_value(op))
    return [tensor for tensor in tensors if tensor.graph.is_fetchable(tensor)]


def _with_a_value(op: Any) -> list[Any]:
    outputs = [t for t in op.outputs if t.dtype.base_dtype.name not in _OPAQUE]
    # The last output is scratch of the kernel that TensorFlow chooses, and has its form.
    return outputs[:5] if op.type == "FusedBatchNormV3" else outputs


def _aborts(op: Any) -> bool:
    if not _WINDOWED.search(op.type):
        return False
    layout = _text(op.get_attr("data_format")) if "data_format" in op.node_def.attr else "NHWC"
    return layout != "NHWC" or any(t.shape.ndims is None for t in op.inputs)


def feed_of(op: Any) -> Any:
    """What a placeholder is fed: numbers made from its name, 2 for each unknown dim."""
    tensor = op.outputs[0]
    dims = [2, 3] if tensor.shape.ndims is None else tensor.shape.as_list()
    dims = [2 if d is None else d for d in dims]
    rng = np.random.default_rng(zlib.crc32(op.name.encode()))
    dtype = np.dtype(tensor.dtype.as_numpy_dtype)
    if dtype.kind in "iu":
        return rng.integers(0, 2, dims).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, dims).astype(bool)
    if dtype.kind in "fc":
        return np.asarray(rng.uniform(-1.5, 1.5, dims)).astype(dtype)
    return np.array(rng.choice([b"a", b"bc", b""], dims), object)


# ---- a graph as text


def node_lines(graph: Any) -> list[str]:
    """One line per forward node: name, type, inputs, control inputs, attributes, shapes, device."""
    return [_line(op) for op in graph.get_operations() if not GRADIENT.search(op.name)]


def _line(op: Any) -> str:
    inputs = [t.name for t in op.inputs] + sorted(f"^{c.name}" for c in op.control_inputs)
    inputs = ["(a gradient)" if GRADIENT.search(name) else name for name in inputs]
    names = op.node_def.attr if hasattr(op.op_def, "input_arg") else op._attrs
    attrs = [f"{name}={_attr_text(op, name)}" for name in sorted(names) if _means(name)]
    shapes = [f"{t.dtype.name}{t.shape}" for t in op.outputs]
    return f"{op.name} {op.type}({', '.join(inputs)}) {' '.join(attrs)} -> {shapes} {op.device}"


def _means(attr: str) -> bool:
    """`_class` says where a node belongs; other attributes with a "_" are TensorFlow's notes."""
    return attr == "_class" or not attr.startswith("_")


def _attr_text(op: Any, name: str) -> str:
    value = op.get_attr(name)
    if name == "token":  # under which a function is kept; it counts those of the process
        return "(a function)"
    if name == "_class":
        value = ["(a gradient)" if GRADIENT.search(_text(group)[5:]) else group for group in value]
    return _text(value)


def _text(value: Any) -> str:
    if hasattr(value, "tensor_content"):
        from tensorflow.python.framework.tensor_util import MakeNdarray

        value = MakeNdarray(value)
    if isinstance(value, np.ndarray):
        return _array_text(value)
    if hasattr(value, "as_datatype_enum"):
        return str(value.name)
    if hasattr(value, "unknown_rank"):
        return "?" if value.unknown_rank else str([d.size for d in value.dim])
    if hasattr(value, "as_list"):
        known = value.ndims is not None
        return str([-1 if d is None else d for d in value.as_list()]) if known else "?"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    return value.decode() if isinstance(value, bytes) else str(value)


def _array_text(value: np.ndarray) -> str:
    if value.size <= 1000:
        return f"{value.dtype}{value.tolist()}"
    return f"{value.dtype}{list(value.shape)} crc32 {zlib.crc32(value.tobytes())}"


# ---- comparing

# Values that both engines compute in another order agree to a few roundings of the largest.
RTOL = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12, "complex64": 1e-5, "complex128": 1e-12}


def compare(actual: Observed, expected: Observed, case: Case) -> dict[str, float]:
    """Asserts that two observations agree; returns the largest relative difference per dtype.

    Raises:
      AssertionError: naming the first nodes, tensors or errors that differ; and if there was
        nothing to compare.
    """
    assert_something(expected, case)
    _compare_nodes(actual.nodes, expected.nodes)
    _compare_texts("errors", actual.errors, expected.errors)
    _compare_texts("shapes", actual.shapes, expected.shapes)
    largest: dict[str, float] = {}
    for name, value in actual.values.items():
        apart = difference(value, expected.values[name], name, case.rtol)
        largest[value.dtype.name] = max(apart, largest.get(value.dtype.name, 0.0))
    return largest


def assert_something(expected: Observed, case: Case) -> None:
    """A case that would compare nothing fails: each kind has what it is there for."""
    if case.kind == "error":
        assert expected.errors[""] != "no error", "nothing is wrong with this"
    elif case.kind == "values":
        assert expected.values, "no value was recorded"
    else:
        assert expected.nodes, "no node was recorded"
        assert expected.values or expected.errors or not case.run, "no value was recorded"


def _compare_nodes(actual: list[str], expected: list[str]) -> None:
    if actual == expected:
        return
    wrong = [line for line in actual if line not in set(expected)]
    missing = [line for line in expected if line not in set(actual)]
    assert actual == expected, "\n".join(
        ["the graphs differ:", *(f"- {line}" for line in missing), *(f"+ {line}" for line in wrong)]
    )


def _compare_texts(what: str, actual: dict[str, Any], expected: dict[str, Any]) -> None:
    names = [name for name in {**expected, **actual} if actual.get(name) != expected.get(name)]
    assert not names, "\n".join(
        [f"the {what} differ:"]
        + [f"  {name}: {actual.get(name)}, expected {expected.get(name)}" for name in names]
    )


def difference(
    actual: np.ndarray, expected: np.ndarray, name: str, rtol: dict[str, float]
) -> float:
    """Asserts that two values agree; returns how far they are apart, relative to the largest."""
    assert actual.dtype == expected.dtype, name
    assert actual.shape == expected.shape, name
    if actual.dtype.kind not in "fc":
        np.testing.assert_array_equal(actual, expected, err_msg=name)
        return 0.0
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], err_msg=name)
    wide = np.complex128 if actual.dtype.kind == "c" else np.float64
    apart = np.abs(actual[finite].astype(wide) - expected[finite].astype(wide)).max(initial=0.0)
    scale = float(np.abs(expected[finite].astype(wide)).max(initial=0.0))
    relative = float(apart) / scale if apart else 0.0
    limit = {**RTOL, **rtol}[actual.dtype.name]
    assert relative <= limit, f"{name}: {relative:.2e} of the largest value, allowed {limit:.0e}"
    return relative


# Of large arrays so many elements are recorded, from places spread evenly over them.
SAMPLE = 512


def sampled(array: np.ndarray) -> np.ndarray:
    """An array, or of a large one a vector of some of its elements."""
    if array.size <= 2 * SAMPLE:
        return array
    places = np.linspace(0, array.size - 1, SAMPLE).astype(np.int64)
    return array.reshape(-1)[places]
