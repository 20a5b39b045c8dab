"""With this module traced runs become a timeline for the browser's trace viewer.

    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    timeline = Timeline()
    for _ in range(5):
        metadata = tf.RunMetadata()
        session.run(train, feed, options=options, run_metadata=metadata)
        timeline.add(metadata.step_stats)
    timeline.save("timeline.json")  # for chrome://tracing, about:tracing or ui.perfetto.dev

TensorFlow's class of this name shows one run, unless one knows how to merge what it writes; this
one accumulates, and always shows how much memory a run needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from minitf.framework import errors

# `name = Type(input, input)`, and what a fused node stands for.
_LABEL = re.compile(r"(?P<name>\S+) = (?P<type>\w+)\((?P<inputs>[^)]*)\)(?: for (?P<parts>.*))?")

Event = dict[str, Any]


class Timeline:
    """What ran when, of one or more runs (mirrors `tensorflow.python.client.timeline.Timeline`).

    Args:
      step_stats: the `StepStats` of a run, if there is one already.
      graph: accepted as in TensorFlow; the names and types are in the `StepStats`.

    >>> import json
    >>> import minitf as tf
    >>> options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    >>> metadata = tf.RunMetadata()
    >>> timeline = Timeline()
    >>> x = tf.placeholder(tf.float32, name="x")
    >>> y = tf.add(x, 1.0, name="y")
    >>> with tf.Session() as sess:
    ...     for _ in range(2):
    ...         _ = sess.run(y, {x: 2.0}, options, metadata)
    ...         timeline.add(metadata.step_stats)
    >>> events = json.loads(timeline.generate_chrome_trace_format())["traceEvents"]
    >>> [event["args"]["name"] for event in events if event["ph"] == "X"]
    ['x', 'y', 'x', 'y']
    """

    def __init__(self, step_stats: Any = None, graph: Any = None) -> None:
        self._steps: list[Any] = []
        if step_stats is not None:
            self.add(step_stats)

    def add(self, step_stats: Any) -> None:
        """Adds another run, which keeps its place in time.

        Raises:
          TypeError: if `step_stats` is something else, such as the `RunMetadata` around it.
        """
        if not hasattr(step_stats, "dev_stats"):
            raise errors.type_error(
                f"step_stats must be a StepStats, as in run_metadata.step_stats, but got "
                f"{type(step_stats)}"
            )
        copy = type(step_stats)()
        copy.CopyFrom(step_stats)
        self._steps.append(copy)

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = True, op_time: str = "schedule"
    ) -> str:
        """The timeline as the JSON that trace viewers read.

        Args:
          show_dataflow: whether arrows lead from a node to those that read what it made.
          show_memory: accepted as in TensorFlow; how much memory is in use is always shown.
          op_time: accepted as in TensorFlow; minitf has one time for each node.
        """
        devices = list(dict.fromkeys(d.device for step in self._steps for d in step.dev_stats))
        events: list[Event] = []
        for pid, device in enumerate(devices):
            events.append(_named("process_name", f"{device} Compute", pid))
        flows = 0
        for step in self._steps:
            made: dict[str, tuple[int, int, float]] = {}
            for stats in step.dev_stats:
                pid = devices.index(stats.device)
                threads = _threads(stats)
                events += [_named("thread_name", name, pid, tid) for tid, name in threads.values()]
                for node in stats.node_stats:
                    tid, _ = threads[node.thread_id]
                    event = _node_event(node, pid, tid)
                    events.append(event)
                    events.extend(_memory_event(node, event))
                    if show_dataflow:
                        for flow in _flow_events(event, made, flows):
                            events.append(flow)
                            flows = max(flows, flow["id"] + 1)
                    made[node.node_name] = pid, tid, event["ts"] + event["dur"]
        return json.dumps({"traceEvents": events}, indent=1)

    def save(self, path: str) -> None:
        """Writes the timeline to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.generate_chrome_trace_format())


def parse_label(node: Any) -> tuple[str, list[str], list[str]]:
    """From a `NodeExecStats` the type of what ran, its inputs, and what it stands for."""
    found = _LABEL.match(node.timeline_label)
    if found is None:
        return node.node_name, [], []
    inputs = found["inputs"].split(", ") if found["inputs"] else []
    parts = found["parts"].split(", ") if found["parts"] else []
    return found["type"], inputs, parts


def _named(kind: str, name: str, pid: int, tid: int = 0) -> Event:
    return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


def _threads(stats: Any) -> dict[int, tuple[int, str]]:
    """The threads of a device, each with a small number of its own and its name."""
    ids = sorted({node.thread_id for node in stats.node_stats})
    names = stats.thread_names
    return {each: (n, names.get(each, f"thread {each}")) for n, each in enumerate(ids)}


def _node_event(node: Any, pid: int, tid: int) -> Event:
    kind, inputs, parts = parse_label(node)
    arguments: dict[str, Any] = {"name": node.node_name, "op": kind}
    arguments.update((f"input{i}", name) for i, name in enumerate(inputs))
    if parts:
        arguments["stands for"] = ", ".join(parts)
    for output in node.output:
        shape = [dim.size for dim in output.tensor_description.shape.dim]
        arguments[f"output{output.slot} shape"] = str(shape)
    start = node.all_start_nanos / 1000 or node.all_start_micros
    duration = node.op_end_rel_nanos / 1000 or node.op_end_rel_micros
    event = {"name": kind, "cat": "Op", "ph": "X", "pid": pid, "tid": tid}
    return event | {"ts": start, "dur": duration, "args": arguments}


def _memory_event(node: Any, event: Event) -> Iterator[Event]:
    for memory in node.memory:
        yield {
            "name": f"memory in use ({memory.allocator_name})",
            "cat": "Memory",
            "ph": "C",
            "pid": event["pid"],
            "ts": event["ts"] + event["dur"],
            "args": {"bytes": memory.live_bytes},
        }


def _flow_events(
    event: Event, made: dict[str, tuple[int, int, float]], first: int
) -> Iterator[Event]:
    """Arrows to this node from those that made its inputs."""
    inputs = [value for key, value in event["args"].items() if re.fullmatch(r"input\d+", key)]
    sources = [made[name] for each in inputs if (name := each.partition(":")[0]) in made]
    for number, (pid, tid, time) in enumerate(sources, first):
        common = {"name": "data", "cat": "DataFlow", "id": number}
        yield common | {"ph": "s", "pid": pid, "tid": tid, "ts": time}
        yield common | {"ph": "t", "pid": event["pid"], "tid": event["tid"], "ts": event["ts"]}
