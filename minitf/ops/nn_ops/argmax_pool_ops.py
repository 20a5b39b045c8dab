"""With this module one can pool and keep where each maximum came from, to undo the pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops import array_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.nn_ops.windows import Window, check_rank_4, four_dims

_ATTRS = (
    "ksize: list(int) > 4",
    "strides: list(int) > 4",
    'padding: {"SAME", "VALID"}',
    "include_batch_in_index: bool = false",
)
_SHARED = ("ksize", "strides", "padding", "include_batch_in_index")


def _shared_attrs(op: Operation) -> dict[str, Any]:
    return {name: op._attrs[name] for name in _SHARED}


# ---- MaxPoolWithArgmax

MAX_POOL_WITH_ARGMAX = op_def(
    "MaxPoolWithArgmax(input: T) -> (output: T, argmax: Targmax)",
    *_ATTRS[:2],
    "Targmax: index = int64",
    *_ATTRS[2:],
    "T: realnumber",
)


@MAX_POOL_WITH_ARGMAX.shape
def max_pool_with_argmax_shape(op: Operation) -> list[TensorShape]:
    attrs = op._attrs
    window = Window(attrs["strides"], attrs["padding"], ksize=attrs["ksize"])
    batch, channels, sizes = window.split(four_dims(op.inputs[0].shape))
    return [window.join(batch, channels, window.output_sizes(sizes, window.ksize))] * 2


@MAX_POOL_WITH_ARGMAX.kernel
def max_pool_with_argmax_kernel(
    input: Any,
    *,
    ksize: Any,
    strides: Any,
    Targmax: Any,
    padding: str,
    include_batch_in_index: bool,
) -> Any:
    check_rank_4(input, "tensor_in")
    window = Window(strides, padding, ksize=ksize)
    window.check_planar("Pooling")
    batch, height, width, channels = input.shape
    pads = window.keywords((height, width), window.ksize)["padding"]
    sizes: Any = window.output_sizes((height, width), window.ksize)
    tops, lefts = (
        np.arange(size) * window.strides[axis] - pads[axis][0] for axis, size in enumerate(sizes)
    )
    largest = np.zeros((batch, *sizes, channels), input.dtype)
    argmax = np.full(largest.shape, -1, np.int64)
    channel = np.arange(channels)
    for r, s in np.ndindex(*window.ksize):
        rows, columns = (tops + r)[:, np.newaxis], lefts + s
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        values = input[:, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        places = (rows * width + columns)[..., np.newaxis] * channels + channel
        better = inside[..., np.newaxis] & ((argmax < 0) | (values > largest))
        largest = np.where(better, values, largest)
        argmax = np.where(better, places, argmax)
    if include_batch_in_index:
        argmax += _first_of_image(batch, height * width * channels)
    return largest, argmax.astype(Targmax.as_numpy_dtype)


def _first_of_image(batch: int, size: int) -> Any:
    """The flat index at which each image begins, to be added to (batch, ..., ..., ...)."""
    return (np.arange(batch) * size).reshape(-1, 1, 1, 1)


@MAX_POOL_WITH_ARGMAX.gradient
def max_pool_with_argmax_gradient(op: Operation, grad: Tensor | None, _: Tensor | None) -> Any:
    if grad is None:
        return None
    return MAX_POOL_GRAD_WITH_ARGMAX(op.inputs[0], grad, op.outputs[1], **_shared_attrs(op))


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> Any:
    """The largest element of each window, and where it is (mirrors `tf.nn.max_pool_with_argmax`).

    Args:
      input: of shape (batch, height, width, channels); of a real number type.
      ksize: four ints: the size of the window.
      strides: four ints: how far it moves.
      padding: "SAME" or "VALID".
      data_format: "NHWC".
      Targmax: the dtype of the places, int32 or int64; int64 if None.
      name: the node's name.
      output_dtype: another name of `Targmax`.
      include_batch_in_index: whether places are counted through the batch, or in each image.

    Returns:
      A named tuple (output, argmax) of tensors of one shape. The element in row y, column x and
      channel c is at the place `(y * width + x) * channels + c`.

    Raises:
      ValueError: if the data format is another.

    >>> import minitf as tf
    >>> image = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 2, 2, 1])
    >>> pooled = tf.nn.max_pool_with_argmax(image, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    >>> with tf.Session() as sess:
    ...     print(*(value.ravel() for value in sess.run(pooled)))
    [5.] [1]
    """
    if data_format != "NHWC":
        raise errors.value_error(
            "`data_format` values other than 'NHWC' are not supported. Received: "
            f"data_format={data_format}"
        )
    index_type = one_of("Targmax", Targmax, "output_dtype", output_dtype)
    return MAX_POOL_WITH_ARGMAX(
        input,
        ksize=ksize,
        strides=strides,
        Targmax=dtypes.int64 if index_type is None else index_type,
        padding=padding,
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


# ---- MaxPoolGradWithArgmax


def _flat_places(input: Any, argmax: Any, include_batch_in_index: bool) -> Any:
    """Where in the flat input each maximum came from."""
    places = argmax.astype(np.int64)
    if not include_batch_in_index:
        places = places + _first_of_image(input.shape[0], int(np.prod(input.shape[1:])))
    if places.size and (places.min() < 0 or places.max() >= input.size):
        raise ValueError(f"argmax must be in the range of the input's {input.size} elements")
    return places


MAX_POOL_GRAD_WITH_ARGMAX = op_def(
    "MaxPoolGradWithArgmax(input: T, grad: T, argmax: Targmax) -> (output: T)",
    *_ATTRS,
    "Targmax: index",
    "T: realnumber",
    shape=unchanged,
)


@MAX_POOL_GRAD_WITH_ARGMAX.kernel
def max_pool_grad_with_argmax_kernel(
    input: Any, grad: Any, argmax: Any, *, include_batch_in_index: bool
) -> Any:
    output = np.zeros(input.size, input.dtype)
    np.add.at(output, _flat_places(input, argmax, include_batch_in_index), grad)
    return output.reshape(input.shape)


@MAX_POOL_GRAD_WITH_ARGMAX.gradient
def max_pool_grad_with_argmax_gradient(op: Operation, grad: Tensor) -> Any:
    input, _, argmax = op.inputs
    return (
        array_ops.zeros_like(input),
        MAX_POOL_GRAD_GRAD_WITH_ARGMAX(input, grad, argmax, **_shared_attrs(op)),
        None,
    )


# ---- MaxPoolGradGradWithArgmax

MAX_POOL_GRAD_GRAD_WITH_ARGMAX = op_def(
    "MaxPoolGradGradWithArgmax(input: T, grad: T, argmax: Targmax) -> (output: T)",
    *_ATTRS,
    "Targmax: index",
    "T: realnumber",
)


@MAX_POOL_GRAD_GRAD_WITH_ARGMAX.shape
def max_pool_grad_grad_with_argmax_shape(op: Operation) -> list[TensorShape]:
    return [op.inputs[2].shape]


@MAX_POOL_GRAD_GRAD_WITH_ARGMAX.kernel
def max_pool_grad_grad_with_argmax_kernel(
    input: Any, grad: Any, argmax: Any, *, include_batch_in_index: bool
) -> Any:
    return np.ravel(grad)[_flat_places(input, argmax, include_batch_in_index)]


@MAX_POOL_GRAD_GRAD_WITH_ARGMAX.gradient
def max_pool_grad_grad_with_argmax_gradient(op: Operation, grad: Tensor) -> Any:
    input, _, argmax = op.inputs
    return (
        array_ops.zeros_like(input),
        MAX_POOL_GRAD_WITH_ARGMAX(input, grad, argmax, **_shared_attrs(op)),
        None,
    )
