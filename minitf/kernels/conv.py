"""With this module one can convolve images, and propagate gradients back through that.

    output[n, i, j, k] = sum over r, s, c of
        padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, k]

where `padded` is the input with zeros around it. (TensorFlow's convolution is what mathematics
calls correlation: the filter is not flipped.) Both gradients are linear in the gradient of the
output, and are the transposes of this map in the filter and in the input.

Arrays are NHWC: batch, height, width, channels; who has NCHW transposes. Several algorithms may
compute the same function; `_algorithm` is the one place that chooses.

>>> import numpy as np
>>> from minitf.kernels.conv import conv2d
>>> image = np.arange(9.0).reshape(1, 3, 3, 1)
>>> conv2d(image, np.ones((2, 2, 1, 1))).reshape(2, 2)
array([[ 8., 12.],
       [20., 24.]])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from minitf.kernels import direct, im2col, reference
from minitf.kernels.dispatch import compiles, half_as_float32
from minitf.kernels.padding import Pair
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import machine

Array = npt.NDArray[Any]

FORWARD, FILTER_GRADIENT, INPUT_GRADIENT = "forward", "filter gradient", "input gradient"


class _Algorithm(Protocol):
    """A module that has the functions of this one."""

    def conv2d(
        self,
        input: Array,
        filter: Array,
        *,
        strides: Pair,
        padding: Pads,
        dilations: Pair,
        out: Array | None,
    ) -> Array: ...

    def conv2d_backprop_filter(
        self,
        input: Array,
        filter_shape: Sequence[int],
        out_backprop: Array,
        *,
        strides: Pair,
        padding: Pads,
        dilations: Pair,
        out: Array | None,
    ) -> Array: ...

    def conv2d_backprop_input(
        self,
        input_shape: Sequence[int],
        filter: Array,
        out_backprop: Array,
        *,
        strides: Pair,
        padding: Pads,
        dilations: Pair,
        out: Array | None,
    ) -> Array: ...


class _Choice(NamedTuple):
    """An algorithm, and what speaks for it."""

    algorithm: _Algorithm
    reason: str


def _algorithm(
    which: str, dtype: np.dtype[Any], filter_shape: Sequence[int], strides: Pair, dilations: Pair
) -> _Choice:
    """Chooses how to compute a convolution or one of its gradients: `which` of the three."""
    del strides, dilations
    if not compiles(dtype):
        return _Choice(reference, f"reference: {dtype} does not run compiled here")
    # What the columns of the matrix product are.
    columns = filter_shape[2] if which == INPUT_GRADIENT else filter_shape[3]
    if 4 * columns <= machine().lanes(dtype):
        return _Choice(im2col, f"im2col: {columns} channels would leave most of a vector empty")
    return _Choice(direct, "direct: a matrix product on the image as it lies")


def why(
    which: str,
    dtype: npt.DTypeLike,
    filter_shape: Sequence[int],
    *,
    strides: Pair = ONE,
    dilations: Pair = ONE,
) -> str:
    """Says which algorithm computes a convolution or one of its gradients, and for what reason.

    Args:
      which: FORWARD, FILTER_GRADIENT or INPUT_GRADIENT.
      dtype: of the arrays.
      filter_shape: (window height, window width, channels, output channels).
      strides: as for `conv2d`.
      dilations: as for `conv2d`.

    >>> why(FORWARD, "int32", (5, 5, 32, 64))
    'reference: int32 does not run compiled here'
    """
    return _algorithm(which, np.dtype(dtype), filter_shape, strides, dilations).reason


@half_as_float32
def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """Two-dimensional convolution. Mirrors the kernel of `tf.nn.conv2d`.

    Args:
      input: of shape (batch, height, width, channels); float16 (which is computed in float32 and
        rounded once), float32, float64, or integers.
      filter: of shape (window height, window width, channels, output channels).
      strides: how far the window moves, vertically and horizontally.
      padding: how many zeros are added, ((top, bottom), (left, right)); see `padding`.
      dilations: how far apart the window's cells are.
      out: where to put the result, if given: contiguous, and of the right shape and dtype.

    Returns:
      `out`, or a new array, of shape (batch, output height, output width, output channels).

    Raises:
      ValueError: if the channels do not agree, or the window is larger than the padded input.
    """
    _check_channels(input.shape[3], filter.shape)
    algorithm, _ = _algorithm(FORWARD, input.dtype, filter.shape, strides, dilations)
    return algorithm.conv2d(
        input, filter, strides=strides, padding=padding, dilations=dilations, out=out
    )


@half_as_float32
def conv2d_backprop_filter(
    input: Array,
    filter_shape: Sequence[int],
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """The gradient of a convolution in its filter. Mirrors `tf.nn.conv2d_backprop_filter`.

        gradient[r, s, c, k] = sum over n, i, j of
            padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * out[n, i, j, k]

    Args:
      input: the input of the convolution.
      filter_shape: (window height, window width, channels, output channels).
      out_backprop: the gradient in the output.
      strides: as for `conv2d`.
      padding: as for `conv2d`.
      dilations: as for `conv2d`.
      out: as for `conv2d`.

    Returns:
      `out`, or a new array, of shape `filter_shape`.

    Raises:
      ValueError: if the channels do not agree.
    """
    _check_channels(input.shape[3], filter_shape, out_backprop.shape[3])
    algorithm, _ = _algorithm(FILTER_GRADIENT, input.dtype, filter_shape, strides, dilations)
    return algorithm.conv2d_backprop_filter(
        input,
        filter_shape,
        out_backprop,
        strides=strides,
        padding=padding,
        dilations=dilations,
        out=out,
    )


@half_as_float32
def conv2d_backprop_input(
    input_shape: Sequence[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """The gradient of a convolution in its input. Mirrors `tf.nn.conv2d_backprop_input`.

    The gradient at a cell of the input is the sum, over all windows that cover it, of the
    gradient in the output times what the filter has at that place of the window.

    Args:
      input_shape: (batch, height, width, channels).
      filter: the filter of the convolution.
      out_backprop: the gradient in the output.
      strides: as for `conv2d`.
      padding: as for `conv2d`.
      dilations: as for `conv2d`.
      out: as for `conv2d`.

    Returns:
      `out`, or a new array, of shape `input_shape`.

    Raises:
      ValueError: if the channels do not agree.
    """
    _check_channels(input_shape[3], filter.shape, out_backprop.shape[3])
    algorithm, _ = _algorithm(INPUT_GRADIENT, out_backprop.dtype, filter.shape, strides, dilations)
    return algorithm.conv2d_backprop_input(
        input_shape,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        dilations=dilations,
        out=out,
    )


def _check_channels(
    channels: int, filter_shape: Sequence[int], out_channels: int | None = None
) -> None:
    if channels != filter_shape[2] or out_channels not in (None, filter_shape[3]):
        outputs = "" if out_channels is None else f" and outputs with {out_channels} channels"
        raise ValueError(
            f"a filter of shape {tuple(filter_shape)}, that is (height, width, input channels, "
            f"output channels), does not fit inputs with {channels} channels{outputs}"
        )
