"""With this module scripts of TensorFlow 1.0 count parameters and arithmetic; see `tf.profiler`."""

from __future__ import annotations

from typing import Any

from minitf.profiler import ProfileOptionBuilder, profile
from minitf.profiler.nodes import Entry

TRAINABLE_VARS_PARAMS_STAT_OPTIONS = ProfileOptionBuilder.trainable_variables_parameter()
FLOAT_OPS_OPTIONS = ProfileOptionBuilder.float_operation()
PRINT_ALL_TIMING_MEMORY = ProfileOptionBuilder.time_and_memory()


def print_model_analysis(
    graph: Any,
    run_meta: Any = None,
    op_log: Any = None,
    tfprof_cmd: str = "scope",
    tfprof_options: dict[str, Any] = TRAINABLE_VARS_PARAMS_STAT_OPTIONS,
) -> Entry:
    """Prints what nodes cost (mirrors `tf.contrib.tfprof.model_analyzer.print_model_analysis`).

    Args:
      graph, run_meta, op_log: as for `tf.profiler.profile`.
      tfprof_cmd: what to add up by: "scope", "op" or "code".
      tfprof_options: what to count and to show.

    >>> import minitf as tf
    >>> w = tf.get_variable("w", [3, 4])
    >>> found = tf.contrib.tfprof.model_analyzer.print_model_analysis(tf.get_default_graph())
    scope  parameters
    w              12
    total          12
    >>> found.total_parameters
    12
    """
    return profile(graph, run_meta, op_log, tfprof_cmd, tfprof_options)
