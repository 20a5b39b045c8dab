"""With this module one can dilate any op that slides a window over an image.

A window whose cells are `rate` apart sees every `rate`-th row and column. `SpaceToBatchND` makes
small images of those, the op slides a dense window over them, and `BatchToSpaceND` puts the
results back in their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops
from minitf.ops.constant_op import constant

# (input, padding) -> output
WindowOp = Callable[[Tensor, str], Tensor]


def with_space_to_batch(
    input: Tensor,
    dilation_rate: Sequence[int],
    padding: str,
    op: WindowOp,
    window: Callable[[], Sequence[int | None]],
    spatial_dims: Sequence[int],
) -> Tensor:
    """Applies `op` as if its window's cells were `dilation_rate` apart.

    Mirrors `tf.nn.with_space_to_batch`.

    Args:
      input: the images.
      dilation_rate: how far apart the window's cells are, for each spatial dim.
      padding: "SAME" or "VALID".
      op: `(images, padding) -> results`, for a dense window.
      window: gives the sizes of the window; asked where the padding is "SAME".
      spatial_dims: which dims of `input` the window slides over.

    Returns:
      The result, a tensor.

    Raises:
      ValueError: if a rate is not positive, or the size of a window is needed and unknown.
    """
    rates = np.array(dilation_rate, np.int32)
    if np.any(rates < 1):
        raise errors.value_error(
            f"all values of `dilation_rate` must be positive. Received: dilation_rate={rates}"
        )
    rate_tensor = constant(rates, name="dilation_rate")
    if np.all(rates == 1):
        return op(input, padding)
    base_paddings: Any = np.zeros((len(rates), 2), np.int32)
    if padding == "SAME":
        base_paddings = _base_paddings(rates, window())
    paddings, crops = required_space_to_batch_paddings(
        _sizes(input, spatial_dims), rate_tensor, base_paddings
    )
    blocks = _on_leading_dims(rates, spatial_dims, 1)
    added = _on_leading_dims(paddings, spatial_dims, 0)
    cut = _on_leading_dims(crops, spatial_dims, 0)
    pieces = op(array_ops.space_to_batch_nd(input, blocks, added), "VALID")
    return array_ops.batch_to_space_nd(pieces, blocks, cut)


def _base_paddings(rates: Any, window: Sequence[int | None]) -> Tensor:
    """What "SAME" pads for a dilated window and stride 1."""
    if None in window:
        raise errors.value_error(
            "A dilated convolution with padding SAME needs a filter whose static height and "
            f"width are known, got {list(window)}"
        )
    extra = rates * (np.array(window) - 1)
    before = extra // 2
    return constant(np.stack([before, extra - before], axis=1).astype(np.int32), name="stack")


def _sizes(input: Tensor, spatial_dims: Sequence[int]) -> Any:
    dims = input.shape._dims
    if dims is not None and all(dims[axis] is not None for axis in spatial_dims):
        return [dims[axis] for axis in spatial_dims]
    shape = array_ops.shape(input)
    return array_ops.stack([shape[axis] for axis in spatial_dims])


def _on_leading_dims(values: Any, spatial_dims: Sequence[int], fill: int) -> Any:
    """Rows for all dims after the batch, up to the last spatial one, from those of these dims."""
    known = static_value(values) if isinstance(values, Tensor) else values
    skipped = spatial_dims[0] - 1  # the channels, if they come first
    if known is not None:
        return np.concatenate([np.full((skipped, *known.shape[1:]), fill, np.int32), known])
    rows = values[0 : len(spatial_dims)]
    parts = [rows] if skipped == 0 else [convert_to_tensor([[fill] * 2] * skipped), rows]
    return array_ops.concat(parts, 0)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """How much to pad so that blocks divide the input, and how much to crop afterwards.

    Mirrors `tf.required_space_to_batch_paddings`.

    Args:
      input_shape: an integer vector: the sizes of the spatial dims.
      block_shape: an integer vector: the sizes of the blocks.
      base_paddings: an integer matrix: paddings that are wanted in any case; none if None.
      name: the scope's name.

    Returns:
      (paddings, crops), two matrices with a pair for each dim: `paddings` is `base_paddings` with
      as much added after each dim as is needed, `crops` is what was added.

    >>> import minitf as tf
    >>> paddings, crops = tf.required_space_to_batch_paddings([5], [2])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([paddings, crops]))
    [[0 1]] [[0 1]]
    """
    with name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        sizes = convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
        blocks = convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
        rank = blocks.shape.as_list()[0]
        if base_paddings is None:
            base = array_ops.zeros([rank, 2], dtypes.int32)
        else:
            base = convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
        known = [static_value(tensor) for tensor in (sizes, blocks, base)]
        if all(value is not None for value in known):
            return _constant_paddings(*known)
        return _computed_paddings(sizes, blocks, base, rank)


def _constant_paddings(sizes: Any, blocks: Any, base: Any) -> tuple[Tensor, Tensor]:
    extra = -(sizes + base.sum(axis=1)) % blocks
    paddings = np.stack([base[:, 0], base[:, 1] + extra], axis=1)
    crops = np.stack([np.zeros_like(extra), extra], axis=1)
    return (
        constant(paddings.astype(np.int32), name="paddings"),
        constant(crops.astype(np.int32), name="crops"),
    )


def _computed_paddings(
    sizes: Tensor, blocks: Tensor, base: Tensor, rank: Any
) -> tuple[Tensor, Tensor]:
    before, after = base[:, 0], base[:, 1]
    extra = (blocks - (sizes + before + after) % blocks) % blocks
    after = after + extra
    paddings = array_ops.stack([[before[i], after[i]] for i in range(rank)], name="paddings")
    crops = array_ops.stack([[0, extra[i]] for i in range(rank)], name="crops")
    return paddings, crops
