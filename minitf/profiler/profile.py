"""With this module one can see where time, memory, parameters and arithmetic of a graph go."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from minitf.framework import default, errors
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.tensor_shape import as_shape
from minitf.profiler.flops import float_operations
from minitf.profiler.nodes import Cost, Entry, by_key, by_scope
from minitf.profiler.options import ProfileOptionBuilder
from minitf.profiler.report import arranged, table
from minitf.profiler.timeline import Timeline, parse_label

_COMMANDS = {"scope": "scope", "op": "op type", "code": "line"}


def profile(
    graph: Graph | None = None,
    run_meta: Any = None,
    op_log: Any = None,
    cmd: str = "scope",
    options: dict[str, Any] | None = None,
) -> Entry:
    """Adds up what nodes cost, and prints it as a table (mirrors `tf.profiler.profile`).

    What passes have put together counts as one node, under its own type.

    Args:
      graph: the graph; the default one if None.
      run_meta: the `RunMetadata` of a traced run, for time and memory.
      op_log: accepted as in TensorFlow.
      cmd: what to add up by: "scope" (or "graph") for the tree of name scopes, "op" for op types,
        "code" for the lines of the script.
      options: what to count and to show; see `ProfileOptionBuilder`.

    Returns:
      The table as a tree of entries, with the fields of TensorFlow's: `total_float_ops`,
      `total_parameters`, `total_exec_micros`, `total_requested_bytes`, `children`, ...

    Raises:
      ValueError: if `cmd` or an option is none that there is.

    >>> import minitf as tf
    >>> w = tf.get_variable("w", [3, 4])
    >>> b = tf.get_variable("b", [4])
    >>> options = tf.profiler.ProfileOptionBuilder.trainable_variables_parameter()
    >>> tf.profiler.profile(options=options).total_parameters
    scope  parameters
    b               4
    w              12
    total          16
    16
    """
    graph = graph if graph is not None else default.get_default_graph()
    metadata = [run_meta] if run_meta is not None else []
    return show(graph, metadata, cmd, options)


def show(
    graph: Graph, run_metadata: list[Any], cmd: str, options: dict[str, Any] | None = None
) -> Entry:
    """As `profile`, for the mean of several runs."""
    command = "scope" if cmd == "graph" else cmd
    if command not in _COMMANDS:
        raise errors.value_error(f"cmd must be one of {[*_COMMANDS, 'graph']}, but got {cmd!r}")
    wanted = ProfileOptionBuilder().build() | (options or {})
    costs = [cost for cost in costs_of(graph, run_metadata) if _is_counted(cost, graph, wanted)]
    is_tree = command == "scope"
    root = by_scope(costs) if is_tree else by_key(costs, "type" if command == "op" else "line")
    root = arranged(root, wanted, is_tree)
    text = table(root, wanted, _COMMANDS[command], is_tree)
    _write(text, wanted["output"], run_metadata)
    return root


def costs_of(graph: Graph, run_metadata: Iterable[Any] = ()) -> list[Cost]:
    """What every node of a graph costs, and what ran that is not in the graph.

    Args:
      graph: the graph.
      run_metadata: traced runs, of which the mean is taken.
    """
    runs = list(run_metadata)
    ran: dict[str, list[Any]] = {}
    for metadata in runs:
        for device in metadata.step_stats.dev_stats:
            for stats in device.node_stats:
                ran.setdefault(stats.node_name, []).append(stats)
    costs = []
    for op in graph.get_operations():
        parameters = 0
        if op.op_def.name in ("VariableV2", "Variable", "VarHandleOp"):
            parameters = _parameters(op)
        cost = Cost(
            op.name,
            op.type,
            _line(op),
            parameters=parameters,
            float_ops=float_operations(op),
        )
        costs.append(_with_runs(cost, ran.pop(op.name, []), len(runs)))
    costs += [_with_runs(Cost(name, ""), stats, len(runs)) for name, stats in ran.items()]
    return costs


def _line(op: Operation) -> str:
    if not op.traceback:
        return ""
    filename, line, _, text = op.traceback.frames[0]
    return f"{os.path.basename(filename)}:{line}: {textwrap.shorten(text, 64)}"


def _parameters(op: Operation) -> int:
    return as_shape(op._attrs["shape"]).num_elements() or 0


def _with_runs(cost: Cost, stats: list[Any], runs: int) -> Cost:
    if not stats:
        return cost
    kind, _, _ = parse_label(stats[-1])
    nanos = [s.op_end_rel_nanos or 1000 * s.op_end_rel_micros for s in stats]
    outputs = [o.tensor_description.allocation_description for s in stats for o in s.output]
    return cost._replace(
        type=kind,
        exec_micros=sum(nanos) / 1000 / runs,
        requested_bytes=sum(each.requested_bytes for each in outputs) / runs,
        run_count=len(stats) / runs,
    )


def _is_counted(cost: Cost, graph: Graph, options: dict[str, Any]) -> bool:
    regexes = options["account_type_regexes"]
    kinds = [cost.type]
    if "_trainable_variables" in regexes:
        trainable = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
        if any(variable.op.name == cost.name for variable in trainable):
            kinds.append("_trainable_variables")
    starts = options["start_name_regexes"]
    return any(re.match(r, kind) for r in regexes for kind in kinds) and any(
        re.match(regex, cost.name) for regex in starts
    )


def _write(text: str, output: str, run_metadata: list[Any]) -> None:
    kind, _, rest = output.partition(":")
    path = rest.removeprefix("outfile=")
    if kind == "stdout":
        print(text)
    elif kind == "file":
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    elif kind == "timeline":
        timeline = Timeline()
        for metadata in run_metadata:
            timeline.add(metadata.step_stats)
        timeline.save(path)
    elif kind != "none":
        raise errors.value_error(f"A profile cannot be written to {output!r}.")


class Profiler:
    """Collects traced runs and shows profiles of them (mirrors `tf.profiler.Profiler`).

    Args:
      graph: the graph; the default one if None.
      op_log: accepted as in TensorFlow.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [2, 3])
    >>> y = tf.matmul(x, tf.ones([3, 4]), name="y")
    >>> options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    >>> profiler = tf.profiler.Profiler()
    >>> with tf.Session() as sess:
    ...     for step in range(3):
    ...         metadata = tf.RunMetadata()
    ...         _ = sess.run(y, {x: [[1, 2, 3], [4, 5, 6]]}, options, metadata)
    ...         profiler.add_step(step, metadata)
    >>> _ = profiler.profile_operations(tf.profiler.ProfileOptionBuilder.float_operation())
    op type  calls  float ops
    MatMul       1         48
    total        1         48
    """

    def __init__(self, graph: Graph | None = None, op_log: Any = None) -> None:
        self._graph = graph if graph is not None else default.get_default_graph()
        self._steps: dict[int, Any] = {}

    def add_step(self, step: int, run_meta: Any) -> None:
        """Adds the `RunMetadata` of a traced run."""
        copy = type(run_meta)()
        copy.CopyFrom(run_meta)
        self._steps[step] = copy

    def profile_name_scope(self, options: dict[str, Any]) -> Entry:
        """Shows the tree of name scopes."""
        return self._show("scope", options)

    def profile_graph(self, options: dict[str, Any]) -> Entry:
        """Shows the tree of name scopes, as `profile_name_scope` does."""
        return self._show("scope", options)

    def profile_operations(self, options: dict[str, Any]) -> Entry:
        """Shows the types of operations."""
        return self._show("op", options)

    def profile_python(self, options: dict[str, Any]) -> Entry:
        """Shows the lines of the script."""
        return self._show("code", options)

    def _show(self, command: str, options: dict[str, Any]) -> Entry:
        step = options.get("step", -1)
        if step != -1 and step not in self._steps:
            raise errors.value_error(f"There is no step {step}; there are {sorted(self._steps)}.")
        steps = list(self._steps.values()) if step == -1 else [self._steps[step]]
        return show(self._graph, steps, command, options)
