"""With this module a graph can let its signals be heard."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors, protos
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, scalars
from minitf.framework.tensor import Tensor
from minitf.ops.summary_ops.naming import collect, serialized, summary_scope, text

# ---- AudioSummaryV2

AUDIO_SUMMARY = op_def(
    "AudioSummaryV2(tag: string, tensor: float32, sample_rate: float32) -> (summary: string)",
    "max_outputs: int >1 = 3",
    shape=scalars,
)


@AUDIO_SUMMARY.kernel
def audio_summary_kernel(tag: Any, tensor: Any, sample_rate: Any, *, max_outputs: int) -> Any:
    if tensor.ndim not in (2, 3):
        raise errors.InvalidArgumentError(
            None, None, f"Tensor must be 3-D or 2-D, got: {list(tensor.shape)}"
        )
    rate = float(sample_rate)
    if not rate > 0:
        raise errors.InvalidArgumentError(None, None, f"sample_rate must be > 0, not {rate:g}")
    summary = protos.Summary()
    for index, signal in enumerate(tensor[:max_outputs]):
        frames = signal if signal.ndim == 2 else signal[:, np.newaxis]
        number = "" if max_outputs == 1 else f"/{index}"
        added = summary.value.add(tag=f"{text(tag)}/audio{number}").audio
        added.sample_rate = rate
        added.length_frames, added.num_channels = frames.shape
        added.encoded_audio_string = _wav(frames, round(rate))
        added.content_type = "audio/wav"
    return serialized(summary)


def _wav(frames: Any, rate: int) -> bytes:
    """A file of 16 bits per sample; what is beyond [-1, 1] is cut off."""
    scaled = frames * np.float32(1 << 15)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))  # halves away from 0
    samples = np.clip(rounded, -(1 << 15), (1 << 15) - 1).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((frames.shape[1], 2, rate, len(frames), "NONE", ""))
        writer.writeframes(samples.tobytes())
    return file.getvalue()


AUDIO_SUMMARY.not_differentiable()


def audio(
    name: str,
    tensor: Any,
    sample_rate: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary of sounds (mirrors `tf.summary.audio`).

    Args:
      name: its name; the tags in TensorBoard are the name with the name scopes around it, and
        `/audio/0`, `/audio/1` ..., or `/audio` if `max_outputs` is 1.
      tensor: float32 in [-1, 1], of shape [batch, frames] or [batch, frames, channels].
      sample_rate: frames per second, a number or a scalar tensor.
      max_outputs: how many of the batch to keep.
      collections: the graph's collections to add it to; that of `merge_all` if None.
      family: a name to group it by in TensorBoard.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      ValueError: if `max_outputs` is less than 1.
      tf.errors.InvalidArgumentError: when it runs, if the tensor has another shape.

    >>> import minitf as tf
    >>> beep = tf.sin(tf.range(800.0) * 0.3)[tf.newaxis]
    >>> with tf.Session() as sess:
    ...     data = sess.run(tf.summary.audio("beep", beep, 8000, max_outputs=1))
    >>> tf.Summary.FromString(data).value[0].audio.length_frames
    800
    """
    with summary_scope(name, family, [tensor]) as (tag, scope):
        rate = convert_to_tensor(sample_rate, dtypes.float32, name="sample_rate")
        made = AUDIO_SUMMARY(tag, tensor, rate, max_outputs=max_outputs, name=scope)
        return collect(made, collections)
