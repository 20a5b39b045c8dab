"""With this module one can pick by a mask of bools, and make masks from lengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import concat
from minitf.ops.array_ops.gather_ops import gather
from minitf.ops.array_ops.select_ops import where
from minitf.ops.array_ops.shape_ops import RANK, expand_dims, reshape, shape, squeeze
from minitf.ops.constant_op import constant


def boolean_mask(tensor: Any, mask: Any, name: str = "boolean_mask", axis: Any = None) -> Tensor:
    """The slices of a tensor where a mask is True (mirrors `tf.boolean_mask`).

    Args:
      tensor: a tensor.
      mask: a tensor of bools of known rank 1 or more, whose shape is that of `tensor` from `axis`
        on.
      name: the scope of the nodes.
      axis: the first dim that the mask is about; 0 if None.

    Returns:
      A tensor in which the dims of the mask are one dim, of the size of the number of Trues.

    Raises:
      ValueError: if the rank of the mask is 0 or not known, or the shapes do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.boolean_mask([1, 2, 3], [True, False, True])))
    [1 3]
    """
    with name_scope(name, values=[tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        rank = mask.shape.ndims
        if rank == 0:
            raise errors.value_error("mask cannot be scalar.")
        if rank is None:
            raise errors.value_error(
                "Number of mask dimensions must be specified, even if some dimensions are None.  "
                "E.g. shape=[None] is ok, but shape=None is not."
            )
        at = 0 if axis is None else int(axis if isinstance(axis, int) else static_value(axis))
        known = tensor.shape
        known[at:][:rank].assert_is_compatible_with(mask.shape)
        count = math_ops.reduce_prod(shape(tensor)[at : at + rank], [0])
        joined = concat([shape(tensor)[:at], [count], shape(tensor)[at + rank :]], 0)
        flat = reshape(tensor, joined)
        if known.ndims is not None:
            flat.set_shape(
                known[:at]
                .concatenate([known[at:][:rank].num_elements()])
                .concatenate(known[at:][rank:])
            )
        positions = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(flat, positions, axis=axis)


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None
) -> Tensor:
    """True for the first so many elements of each row (mirrors `tf.sequence_mask`).

    `result[i, j] = j < lengths[i]`.

    Args:
      lengths: an integer tensor.
      maxlen: the size of the new last dim; the largest length if None.
      dtype: the result's dtype.
      name: the scope of the nodes.

    Raises:
      ValueError: if `maxlen` is not a scalar.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.sequence_mask([1, 3], 3, dtype=tf.int32)))
    [[1 0 0]
     [1 1 1]]
    """
    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            longest = math_ops.MAX(lengths, _all_axes(lengths))
            maxlen = math_ops.maximum(constant(0, lengths.dtype), longest)
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen.shape.ndims not in (None, 0):
            raise errors.value_error(
                f"Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = {maxlen} "
                f"with shape '{maxlen.shape}' instead"
            )
        counted = maxlen.dtype.base_dtype
        positions = math_ops.RANGE(constant(0, counted), maxlen, constant(1, counted))
        column = expand_dims(lengths, -1)
        result: Tensor = math_ops.LESS(positions, math_ops.CAST(column, DstT=counted))
        wanted = dtypes.as_dtype(dtype)
        if wanted is not dtypes.bool_:
            result = math_ops.cast(result, wanted)
        return result


def _all_axes(tensor: Tensor) -> Tensor:
    if tensor.shape.ndims is None:
        axes: Tensor = math_ops.range(RANK(tensor), name="Range")
        return axes
    return constant(np.arange(tensor.shape.ndims, dtype=np.int32))
