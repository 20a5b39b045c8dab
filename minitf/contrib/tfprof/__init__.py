"""The profiler under the name that it had first: `tf.contrib.tfprof`; today `tf.profiler`."""

from minitf.contrib.tfprof import model_analyzer as model_analyzer
