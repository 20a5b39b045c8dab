"""With this module a profile is looked through for what stands out: `tf.profiler.advise`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minitf.framework import default, errors, protos
from minitf.framework.graph import Graph
from minitf.profiler.nodes import Cost, Entry, by_key
from minitf.profiler.profile import costs_of

_MOST_TYPES = 3


def advise(
    graph: Graph | None = None, run_meta: Any = None, options: Mapping[str, Any] | None = None
) -> Any:
    """Says what is expensive in a traced run, and prints it (mirrors `tf.profiler.advise`).

    There are TensorFlow's checkers. `ExpensiveOperationChecker` names the op types that take most
    of the time, the most expensive node, and the line of the script that made most of the work.
    `AcceleratorUtilizationChecker`, `OperationChecker` and `JobChecker` look for what can only be
    wrong on accelerators and in clusters of those: here they find nothing.

    Args:
      graph: the graph; the default one if None.
      run_meta: the `RunMetadata` of a traced run; without it nothing is known of times.
      options: the checkers to run, as `{"ExpensiveOperationChecker": {}}`; all if None.

    Returns:
      An `AdviceProto`: the reports by checker.

    Raises:
      ValueError: if there is no such checker.

    >>> import minitf as tf
    >>> advice = tf.profiler.advise(options={"OperationChecker": {}})
    OperationChecker:
    >>> list(advice.checkers["OperationChecker"].reports)
    []
    """
    graph = graph if graph is not None else default.get_default_graph()
    wanted = list(_CHECKERS if options is None else options)
    if not set(wanted) <= set(_CHECKERS):
        unknown = sorted(set(wanted) - set(_CHECKERS))
        raise errors.value_error(f"There is no checker {unknown}; there are {list(_CHECKERS)}.")
    advice = protos.AdviceProto()
    costs = costs_of(graph, [] if run_meta is None else [run_meta])
    for name in wanted:
        reports = list(_CHECKERS[name](costs))
        advice.checkers[name].reports.extend(reports)
        print("\n".join([f"{name}:", *reports]))
    return advice


def _expensive_operations(costs: list[Cost]) -> Iterable[str]:
    """By type, by node and by line, what has taken the most time."""
    ran = [cost for cost in costs if cost.exec_micros]
    if not ran:
        return
    total = sum(cost.exec_micros for cost in ran)
    yield "\n".join(
        _top(place, "operation type", entry, total)
        for place, entry in enumerate(_by_time(ran, "type")[:_MOST_TYPES], 1)
    )
    yield _top(1, "graph node", _by_time(ran, "name")[0], total)
    lines = _by_time([cost for cost in ran if cost.line], "line")
    if lines:
        yield _top(1, "line", lines[0], total)


def _by_time(costs: list[Cost], key: str) -> list[Entry]:
    return sorted(by_key(costs, key).children, key=lambda entry: -entry.total_exec_micros)


def _top(place: int, what: str, entry: Entry, total: float) -> str:
    micros = entry.total_exec_micros
    return (
        f"top {place} {what}: {entry.name}, cpu: {micros:.0f}us, accelerator: 0us, "
        f"total: {micros:.0f}us ({micros / total:.2%})"
    )


def _nothing(costs: list[Cost]) -> Iterable[str]:
    return []


_CHECKERS: dict[str, Callable[[list[Cost]], Iterable[str]]] = {
    "ExpensiveOperationChecker": _expensive_operations,
    "AcceleratorUtilizationChecker": _nothing,
    "JobChecker": _nothing,
    "OperationChecker": _nothing,
}
ALL_ADVICE: dict[str, dict[str, Any]] = {name: {} for name in _CHECKERS}
