"""With this module a graph can show images: its inputs, its filters, what it has made."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors, protos
from minitf.framework.op_def import op_def, scalars
from minitf.framework.tensor import Tensor
from minitf.ops.summary_ops.naming import collect, serialized, summary_scope, text

# ---- ImageSummary

IMAGE_SUMMARY = op_def(
    "ImageSummary(tag: string, tensor: T) -> (summary: string)",
    "max_images: int >1 = 3",
    "T: {uint8, float32, float16, float64} = float32",
    "bad_color: tensor = uint8 255 0 0 255",
    shape=scalars,
)

# With less than this, an image is black: there is nothing to stretch.
_ALL_BLACK = 1e-6


@IMAGE_SUMMARY.kernel
def image_summary_kernel(tag: Any, tensor: Any, *, max_images: int, bad_color: Any) -> Any:
    if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
        raise errors.InvalidArgumentError(
            None,
            None,
            "Tensor must be 4-D with last dim 1, 3, or 4, not " + str(list(tensor.shape)),
        )
    height, width, depth = tensor.shape[1:]
    color = np.asarray(bad_color, np.uint8)[:depth]
    if len(color) < depth:
        raise errors.InvalidArgumentError(
            None, None, f"bad_color has {len(color)} numbers, but the images have {depth} channels"
        )
    summary = protos.Summary()
    for index, image in enumerate(tensor[:max_images]):
        pixels = image if image.dtype == np.uint8 else _as_bytes(image, color)
        number = "" if max_images == 1 else f"/{index}"
        added = summary.value.add(tag=f"{text(tag)}/image{number}").image
        added.height, added.width, added.colorspace = height, width, depth
        added.encoded_image_string = _png(pixels)
    return serialized(summary)


def _as_bytes(image: Any, bad_color: Any) -> Any:
    """Pixels from 0 to 255, of an image of floats that is stretched over them.

    Where none is negative the greatest becomes 255; else 0 becomes 128, and the farthest from it
    1 or 255.
    """
    finite = np.isfinite(image).all(axis=-1, keepdims=True)
    valid = np.where(finite, image, 0)
    least, greatest = valid.min(initial=0), valid.max(initial=0)
    reach = np.float32(max(-least, greatest))
    most, offset = (127, 128) if least < 0 else (255, 0)
    scale = np.float32(most) / reach if reach >= _ALL_BLACK else np.float32(0)
    pixels = valid * image.dtype.type(scale) + image.dtype.type(offset)
    return np.where(finite, pixels.astype(np.uint8), bad_color)


def _png(pixels: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


IMAGE_SUMMARY.not_differentiable()


def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary of images (mirrors `tf.summary.image`).

    Floats are stretched over the pixel values, each image by itself: where no element is negative,
    the greatest becomes 255; otherwise 0 becomes 128, and the farthest from it 1 or 255. Pixels
    that are not finite are red.

    Args:
      name: its name; the tags in TensorBoard are the name with the name scopes around it, and
        `/image/0`, `/image/1` ..., or `/image` if `max_outputs` is 1.
      tensor: of shape [batch, height, width, channels], with 1 channel for grey, 3 for colours or
        4 for colours with opacity; uint8 or floats.
      max_outputs: how many of the batch to show.
      collections: the graph's collections to add it to; that of `merge_all` if None.
      family: a name to group it by in TensorBoard.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      ValueError: if `max_outputs` is less than 1.
      TypeError: if the tensor has another dtype.
      tf.errors.InvalidArgumentError: when it runs, if the tensor has another shape.

    >>> import minitf as tf
    >>> grey = tf.summary.image("digit", tf.ones([5, 28, 28, 1]), max_outputs=2)
    >>> with tf.Session() as sess:
    ...     [value.tag for value in tf.Summary.FromString(sess.run(grey)).value]
    ['digit/image/0', 'digit/image/1']
    """
    with summary_scope(name, family, [tensor]) as (tag, scope):
        made = IMAGE_SUMMARY(tag, tensor, max_images=max_outputs, name=scope)
        return collect(made, collections)
