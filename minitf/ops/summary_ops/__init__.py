"""With this package a graph can make summaries of itself: what TensorBoard shows.

The value of each op is a string, a serialised `Summary` message. The public functions are those of
`tf.summary`.
"""

from minitf.ops.summary_ops.audio import audio as audio
from minitf.ops.summary_ops.histograms import histogram as histogram
from minitf.ops.summary_ops.images import image as image
from minitf.ops.summary_ops.merge import merge as merge
from minitf.ops.summary_ops.merge import merge_all as merge_all
from minitf.ops.summary_ops.scalars import scalar as scalar
from minitf.ops.summary_ops.tensors import tensor_summary as tensor_summary
from minitf.ops.summary_ops.tensors import text as text
