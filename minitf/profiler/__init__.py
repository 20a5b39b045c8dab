"""Where time, memory and parameters go, by TensorFlow's names: `tf.profiler`.

A traced run (`tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)`) becomes a table by op type, by
name scope or by line of the script, or a timeline for the browser's trace viewer.
"""

from minitf.profiler.options import ProfileOptionBuilder as ProfileOptionBuilder
from minitf.profiler.profile import Profiler as Profiler
from minitf.profiler.profile import profile as profile
from minitf.profiler.timeline import Timeline as Timeline
