"""With this module one can spread variables over parameter servers: `replica_device_setter`.

In between-graph replication every worker builds the same graph. The device function that is made
here puts each variable on one of the "ps" tasks, in turn, and everything else on the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.device import DeviceSpec

STANDARD_PS_OPS = (
    "Variable",
    "VariableV2",
    "AutoReloadVariable",
    "MutableHashTable",
    "MutableHashTableV2",
    "MutableHashTableOfTensors",
    "MutableHashTableOfTensorsV2",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
    "VarHandleOp",
    "BoostedTreesEnsembleResourceHandleOp",
    "BoostedTreesQuantileStreamResourceHandleOp",
    "ResourceConditionalAccumulator",
    "DecisionTreeResource",
)


class _RoundRobin:
    """Gives tasks out in turn."""

    def __init__(self, num_tasks: int) -> None:
        self._num_tasks = num_tasks
        self._next = 0

    def __call__(self, op: Any) -> int:
        task = self._next
        self._next = (task + 1) % self._num_tasks
        return task


class GreedyLoadBalancingStrategy:
    """Gives an op to the task with the least load (`tf.contrib.training` has it in TensorFlow).

    Args:
      num_tasks: how many ps tasks there are.
      load_fn: what load an `Operation` is, as a number; `byte_size_load_fn`, for example.

    >>> strategy = GreedyLoadBalancingStrategy(2, load_fn=len)
    >>> [strategy(op) for op in ("large", "s", "s", "s", "s", "s", "s")]
    [0, 1, 1, 1, 1, 1, 0]
    """

    def __init__(self, num_tasks: int, load_fn: Callable[[Any], float]) -> None:
        self._loads = np.zeros(num_tasks)
        self._load_fn = load_fn

    def __call__(self, op: Any) -> int:
        task = int(np.argmin(self._loads))
        self._loads[task] += self._load_fn(op)
        return task


class RandomStrategy:
    """Gives an op to a task at random, the same in every process that uses the seed.

    Args:
      num_ps: how many ps tasks there are.
      seed: of the random numbers.
    """

    def __init__(self, num_ps: int, seed: int = 0) -> None:
        self._num_ps = num_ps
        self._random = np.random.RandomState(seed)

    def __call__(self, op: Any) -> int:
        return int(self._random.randint(self._num_ps))


def byte_size_load_fn(op: Any) -> int:
    """How many bytes the output of an op takes, as the load of `GreedyLoadBalancingStrategy`.

    Raises:
      ValueError: if the op has not exactly one output, or one whose shape is not known.

    >>> import minitf as tf
    >>> byte_size_load_fn(tf.Variable(tf.zeros([10, 3])).op)
    120
    """
    if len(op.outputs) != 1:
        raise ValueError(
            errors.report(
                f"Op {op.name!r} must have a single output.", op=op, do="give a variable."
            )
        )
    output = op.outputs[0]
    elements = output.shape.num_elements()
    if elements is None:
        raise ValueError(
            errors.report(
                f"The size of {op.name!r} is not known.", op=op, do="give it a static shape."
            )
        )
    return int(elements * output.dtype.base_dtype.size)


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str | None = "/job:ps",
    worker_device: str | None = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Any], int] | None = None,
) -> Callable[[Any], str] | None:
    """A device function for `tf.device` (mirrors `tf.train.replica_device_setter`).

    Args:
      ps_tasks: how many tasks the ps job has; not needed if `cluster` is given.
      ps_device: where variables go; the task is filled in.
      worker_device: where everything else goes.
      merge_devices: whether parts that a node's own device leaves open are filled in; if not, a
        node that has a device keeps just that.
      cluster: a `ClusterSpec`, a dictionary or a `ClusterDef`, for the number of ps tasks.
      ps_ops: the op types that go to `ps_device`; those that hold variables if None.
      ps_strategy: from `Operation` to the number of a ps task; in turn if None.

    Returns:
      The device function; None if there are no ps tasks.

    Raises:
      TypeError: if `cluster` is no cluster, or `ps_strategy` cannot be called.

    >>> import minitf as tf
    >>> with tf.device(tf.train.replica_device_setter(ps_tasks=2)):
    ...     a, b = tf.Variable(1.0), tf.Variable(2.0)
    ...     c = a + b
    >>> a.device, b.device, c.device
    ('/job:ps/task:0', '/job:ps/task:1', '/job:worker')
    """
    if cluster is not None:
        from minitf.distributed.cluster_spec import ClusterSpec

        job = DeviceSpec.from_string(ps_device or "").job
        tasks = ClusterSpec(cluster).as_dict()
        if job not in tasks or not tasks[job]:
            return None
        ps_tasks = len(tasks[job])
    if ps_tasks == 0:
        return None
    choose = ps_strategy or _RoundRobin(ps_tasks)
    if not callable(choose):
        raise errors.type_error(f"ps_strategy must be callable, not {errors.brief(ps_strategy)}")
    ps_types = frozenset(STANDARD_PS_OPS if ps_ops is None else ps_ops)
    ps, worker = (
        DeviceSpec.from_string(ps_device or ""),
        DeviceSpec.from_string(worker_device or ""),
    )

    def device_of(op: Any) -> str:
        if not merge_devices and op.device:
            return str(op.device)
        own = DeviceSpec.from_string(op.device or "")
        if not (ps_device and op.type in ps_types):
            return worker.merged_with(own).to_string()
        # A node that its own device sends to another job has no ps task.
        belongs = ps.job is not None and own.job in (None, ps.job)
        return (ps.replace(task=choose(op)) if belongs else ps).merged_with(own).to_string()

    return device_of
