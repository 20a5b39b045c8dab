"""Where time, memory and parameters go, by TensorFlow's names: `tf.profiler`.

A traced run (`tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)`) becomes a table by op type, by
name scope or by line of the script, or a timeline for the browser's trace viewer.
"""

from typing import Any

from minitf.profiler.advice import ALL_ADVICE as ALL_ADVICE
from minitf.profiler.advice import advise as advise
from minitf.profiler.op_log import write_op_log as write_op_log
from minitf.profiler.options import ProfileOptionBuilder as ProfileOptionBuilder
from minitf.profiler.profile import Profiler as Profiler
from minitf.profiler.profile import profile as profile
from minitf.profiler.timeline import Timeline as Timeline


def __getattr__(name: str) -> Any:
    """The messages of `tf.profiler`, which load protobuf when they are first asked for."""
    if name in ("AdviceProto", "OpLogProto"):
        from minitf.framework import protos

        return getattr(protos, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
