"""With this module one can pass a session its options, by TensorFlow's names.

Options that have no meaning for minitf (those of GPUs) are accepted, so that scripts run
unchanged, and have no effect.
"""

from __future__ import annotations

from typing import Any, ClassVar

from minitf.framework import errors


class _Options:
    """A bag of named options; a name that TensorFlow does not have is refused."""

    _fields: ClassVar[dict[str, Any]] = {}

    def __init__(self, **options: Any) -> None:
        for name, default in self._fields.items():
            object.__setattr__(self, name, default() if callable(default) else default)
        for name, value in options.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            what = f"{type(self).__name__} has no field {name!r}; it has {sorted(self._fields)}."
            raise AttributeError(errors.report(what, see="arguments"))
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, default in self._fields.items()
            if not callable(default) and getattr(self, name) != default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


class GPUOptions(_Options):
    """Options of GPUs (mirrors `tf.GPUOptions`); accepted and without effect."""

    _fields: ClassVar[dict[str, Any]] = {
        "per_process_gpu_memory_fraction": 0.0,
        "allow_growth": False,
        "allocator_type": "",
        "deferred_deletion_bytes": 0,
        "visible_device_list": "",
        "polling_active_delay_usecs": 0,
        "polling_inactive_delay_msecs": 0,
        "force_gpu_compatible": False,
    }


class OptimizerOptions(_Options):
    """Options of the passes that rewrite a program (mirrors `tf.OptimizerOptions`)."""

    L1, L0 = 0, -1
    OFF, DEFAULT, ON_1, ON_2 = -1, 0, 1, 2

    _fields: ClassVar[dict[str, Any]] = {
        "do_common_subexpression_elimination": False,
        "do_constant_folding": False,
        "max_folded_constant_in_bytes": 0,
        "do_function_inlining": False,
        "opt_level": 0,
        "global_jit_level": 0,
    }


class RewriterConfig(_Options):
    """Which passes rewrite programs (mirrors TensorFlow's `RewriterConfig`).

    A switch is on unless it is `RewriterConfig.OFF`; `optimizers`, if it names any, says which
    passes run, by the names that `session.explain` shows.

    >>> import minitf as tf
    >>> config = tf.ConfigProto()
    >>> config.graph_options.rewrite_options.constant_folding = RewriterConfig.OFF
    >>> config.graph_options.rewrite_options.optimizers += ["merge", "drop"]
    """

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3

    _fields: ClassVar[dict[str, Any]] = {
        "arithmetic_optimization": 0,
        "common_subgraph_elimination": 0,
        "constant_folding": 0,
        "debug_stripper": 0,
        "dependency_optimization": 0,
        "disable_meta_optimizer": False,
        "disable_model_pruning": False,
        "fail_on_optimizer_errors": False,
        "function_optimization": 0,
        "layout_optimizer": 0,
        "loop_optimization": 0,
        "memory_optimization": 0,
        "meta_optimizer_iterations": 0,
        "min_graph_nodes": 0,
        "optimizers": list,
        "remapping": 0,
        "shape_optimization": 0,
    }


class GraphOptions(_Options):
    """Options of how graphs are rewritten (mirrors `tf.GraphOptions`)."""

    _fields: ClassVar[dict[str, Any]] = {
        "enable_recv_scheduling": False,
        "optimizer_options": OptimizerOptions,
        "build_cost_model": 0,
        "build_cost_model_after": 0,
        "infer_shapes": False,
        "place_pruned_graph": False,
        "enable_bfloat16_sendrecv": False,
        "timeline_step": 0,
        "rewrite_options": RewriterConfig,
    }


class ConfigProto(_Options):
    """Options of a session (mirrors `tf.ConfigProto`).

    `intra_op_parallelism_threads` says how many threads may share the work of one operation; by
    default all cores. Results do not depend on it. Operations run one after another, so that
    `inter_op_parallelism_threads` makes no difference. `strict`, which TensorFlow does not have,
    refuses reads and writes of a variable in no order: see `minitf.runtime.order`. Nor does it have
    `check_numerics`, which ends a run at the first node that makes an inf or nan, and is slow.

    >>> import minitf as tf
    >>> config = tf.ConfigProto(allow_soft_placement=True)
    >>> config.gpu_options.allow_growth = True
    """

    _fields: ClassVar[dict[str, Any]] = {
        "device_count": dict,
        "intra_op_parallelism_threads": 0,
        "inter_op_parallelism_threads": 0,
        "use_per_session_threads": False,
        "session_inter_op_thread_pool": list,
        "placement_period": 0,
        "device_filters": list,
        "gpu_options": GPUOptions,
        "allow_soft_placement": False,
        "log_device_placement": False,
        "graph_options": GraphOptions,
        "operation_timeout_in_ms": 0,
        "rpc_options": None,
        "cluster_def": None,
        "isolate_session_state": False,
        "experimental": None,
        "strict": False,
        "check_numerics": False,
    }


class RunOptions(_Options):
    """Options of one run (mirrors `tf.RunOptions`).

    With `trace_level=RunOptions.FULL_TRACE` (any level but NO_TRACE means the same) a run fills the
    `run_metadata` that it is given with what ran when; `output_partition_graphs` adds the nodes
    that were needed.

    >>> import minitf as tf
    >>> options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    >>> metadata = tf.RunMetadata()
    >>> x = tf.placeholder(tf.float32, name="x")
    >>> with tf.Session() as sess:
    ...     y = sess.run(tf.add(x, 2.0), {x: 1.0}, options, metadata)
    >>> [node.timeline_label for node in metadata.step_stats.dev_stats[0].node_stats]
    ['x = Placeholder()', 'Add = AddV2(x, Add/y)']
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3

    _fields: ClassVar[dict[str, Any]] = {
        "trace_level": 0,
        "timeout_in_ms": 0,
        "inter_op_thread_pool": 0,
        "output_partition_graphs": False,
        "debug_options": None,
        "report_tensor_allocations_upon_oom": False,
        "experimental": None,
    }
