"""With this module a traced run becomes the messages that TensorBoard and timelines read.

`run_metadata_of` writes a `RunMetadata` with the fields that TensorFlow fills: for each node when
it began and ended, on which thread, the dtype, shape and size of what it made, and how much memory
the run needed at that moment. What passes have put together is one entry under the name of one of
its nodes; its label says what it stands for, as in

    conv1/Conv2D = ConvolveBiasReluMaxPool(x, conv1/W/read, conv1/b/read) for conv1/Conv2D, ...
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf.framework import dtypes, protos
from minitf.framework.graph_def import PRODUCER, node_def_of
from minitf.framework.operation import Operation
from minitf.runtime.trace import Made, NodeRun

# Where everything runs that asks for no other task.
DEVICE = "/job:localhost/replica:0/task:0/device:CPU:0"


def run_metadata_of(
    runs: Iterable[NodeRun] | None = None, ops: Iterable[Operation] = (), device: str = DEVICE
) -> Any:
    """A traced run as a `RunMetadata`.

    Args:
      runs: what ran, in its order; None if the run was not traced.
      ops: the nodes that were needed, if the message is to hold them as a graph.
      device: where they ran.
    """
    metadata = protos.RunMetadata()
    if runs is not None:
        add_device(metadata.step_stats, runs, device)
    ops = list(ops)
    if ops:
        graph = metadata.partition_graphs.add()
        graph.versions.producer = PRODUCER
        graph.node.extend(node_def_of(op) for op in ops)
    return metadata


def step_stats_of(runs: Iterable[NodeRun]) -> Any:
    """What ran, by the devices of its nodes."""
    by_device: dict[str, list[NodeRun]] = {}
    for run in runs:
        by_device.setdefault(run.op.device or DEVICE, []).append(run)
    step_stats = protos.RunMetadata().step_stats
    for device, there in by_device.items():
        add_device(step_stats, there, device)
    return step_stats


def add_all(step_stats: Any, parts: Iterable[bytes]) -> None:
    """Adds serialized `StepStats` to one, in which each device is there once."""
    by_device = {}
    for data in parts:
        for found in type(step_stats).FromString(data).dev_stats:
            if found.device not in by_device:
                by_device[found.device] = step_stats.dev_stats.add(device=found.device)
            by_device[found.device].MergeFrom(found)
    for stats in by_device.values():
        stats.node_stats.sort(key=lambda node: node.all_start_nanos)


def add_device(step_stats: Any, runs: Iterable[NodeRun], device: str = DEVICE) -> None:
    """Adds what ran on one device to a `StepStats`."""
    stats = step_stats.dev_stats.add(device=device)
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    for run in runs:
        _write(stats.node_stats.add(), run)
        stats.thread_names[run.thread] = names.get(run.thread, f"thread {run.thread}")


def _write(stats: Any, run: NodeRun) -> None:
    stats.node_name = run.op.name
    stats.timeline_label = _label(run)
    stats.thread_id = run.thread
    duration = run.end - run.start
    stats.scheduled_nanos = stats.all_start_nanos = run.start
    stats.op_end_rel_nanos = stats.all_end_rel_nanos = duration
    # Two nodes that follow one another must not seem to overlap: ends are rounded, not durations.
    stats.scheduled_micros = stats.all_start_micros = run.start // 1000
    stats.op_end_rel_micros = stats.all_end_rel_micros = run.end // 1000 - run.start // 1000
    if run.variable_bytes:
        stats.memory_stats.persistent_memory_size = run.variable_bytes
    new = sum(made.nbytes for made in run.made) - run.variable_bytes
    stats.memory.add(
        allocator_name="cpu", total_bytes=new, peak_bytes=new, live_bytes=run.live_bytes
    )
    for made in run.made:
        _write_output(stats.output.add(slot=made.slot).tensor_description, made)


def _write_output(description: Any, made: Made) -> None:
    description.dtype = _data_type(made.dtype)
    description.shape.SetInParent()
    for size in made.shape:
        description.shape.dim.add(size=size)
    description.allocation_description.requested_bytes = made.nbytes
    description.allocation_description.allocated_bytes = made.nbytes
    description.allocation_description.allocator_name = "arena" if made.is_planned else "cpu"
    description.allocation_description.ptr = made.address


def _data_type(dtype: np.dtype[Any]) -> int:
    return int(dtypes.as_dtype(dtype).as_datatype_enum)


def _label(run: NodeRun) -> str:
    inputs = ", ".join(name.removesuffix(":0") for name in run.inputs)
    label = f"{run.op.name} = {run.kind}({inputs})"
    if run.parts:
        label += " for " + ", ".join(part.name for part in run.parts)
    return label
