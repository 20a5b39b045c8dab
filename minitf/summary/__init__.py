"""With this package one can write what TensorBoard shows: `tf.summary`.

>>> import minitf as tf, tempfile
>>> loss = tf.placeholder(tf.float32, [])
>>> _ = tf.summary.scalar("loss", loss)
>>> everything = tf.summary.merge_all()
>>> with tf.Session() as sess, tf.summary.FileWriter(tempfile.mkdtemp(), sess.graph) as writer:
...     for step in range(3):
...         writer.add_summary(sess.run(everything, {loss: 1.0 / (step + 1)}), step)

Then `tensorboard --logdir <folder>` draws the curve and the graph.
"""

from typing import Any

from minitf.ops.summary_ops import audio as audio
from minitf.ops.summary_ops import histogram as histogram
from minitf.ops.summary_ops import image as image
from minitf.ops.summary_ops import merge as merge
from minitf.ops.summary_ops import merge_all as merge_all
from minitf.ops.summary_ops import scalar as scalar
from minitf.ops.summary_ops import tensor_summary as tensor_summary
from minitf.ops.summary_ops import text as text
from minitf.summary.writer import FileWriter as FileWriter
from minitf.summary.writer import FileWriterCache as FileWriterCache

_MESSAGES = ("Event", "SessionLog", "Summary", "SummaryDescription", "TaggedRunMetadata")


def __getattr__(name: str) -> Any:
    """`tf.summary.Event` and other messages, made when they are first asked for."""
    if name in _MESSAGES:
        from minitf.framework import protos

        return getattr(protos, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
