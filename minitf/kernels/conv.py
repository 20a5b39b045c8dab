"""With this module one can convolve images, and propagate gradients back through that.

    output[n, i, j, k] = sum over r, s, c of
        padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, k]

where `padded` is the input with zeros around it. (TensorFlow's convolution is what mathematics
calls correlation: the filter is not flipped.) Both gradients are linear in the gradient of the
output, and are the transposes of this map in the filter and in the input.

Arrays are NHWC: batch, height, width, channels; who has NCHW transposes. Several algorithms
compute the same functions; `_algorithm` is the one place that chooses, and `why` says for what
reason. A setting says which of them it may choose from:

    fast      Winograd's method too, for float32 and windows of 3x3 or 5x5 that move by one cell.
              It takes a fraction of the time. Results are off by some 1e-5 of the largest; in
              some hundred layers of random numbers by less than 4e-5 with windows of 5x5, and less
              than 1.5e-5 with 3x3. An inf or a nan in the input
              makes nan of outputs near it, up to four cells further than its own windows reach.
    direct    those that add up the products above and round nothing else: float32 results are off
              by 2e-6 of the largest or so. For when last bits matter more than time.

It is "fast" unless MINITF_CONV=direct is in the environment, or `set_mode("direct")` is called.

>>> import numpy as np
>>> from minitf.kernels.conv import conv2d
>>> image = np.arange(9.0).reshape(1, 3, 3, 1)
>>> conv2d(image, np.ones((2, 2, 1, 1))).reshape(2, 2)
array([[ 8., 12.],
       [20., 24.]])
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from minitf.kernels import direct, im2col, pointwise, reference, winograd
from minitf.kernels.dispatch import compiles, half_as_float32
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import Machine, machine

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


MODES = ("direct", "fast")

# Winograd's method wins if it saves this much, with this many channels in and out, and tiles.
_LEAST_SAVING, _LEAST_CHANNELS, _LEAST_PRODUCT, _LEAST_TILES = 1.5, 8, 256, 4


def mode() -> str:
    """Which algorithms may be used: "fast", or "direct", which is slower and more exact."""
    return _mode


def set_mode(mode: str) -> None:
    """Sets which algorithms may be used, in the whole process.

    Raises:
      ValueError: if it is neither "direct" nor "fast".
    """
    global _mode
    if mode not in MODES:
        raise ValueError(f"the algorithms for convolutions are 'direct' or 'fast', got {mode!r}")
    _mode = mode


_mode = "fast"
set_mode(os.environ.get("MINITF_CONV") or _mode)


def _algorithm(
    which: str,
    dtype: np.dtype[Any],
    outputs: Sequence[int],
    filter_shape: Sequence[int],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> _Choice:
    """Chooses how to compute a convolution or one of its gradients: `which` of the three.

    `outputs` are the sizes (batch, height, width) of what windows slide over: of the output, or
    of the input where that is computed.
    """
    if not compiles(dtype):
        return _Choice(reference, f"reference: {dtype} does not run compiled here")
    sizes, shape = tuple(outputs), tuple(filter_shape)
    return _compiled_algorithm(
        which, dtype, sizes, shape, strides, padding, dilations, mode(), machine()
    )


@functools.lru_cache(1024)
def _compiled_algorithm(
    which: str,
    dtype: np.dtype[Any],
    outputs: tuple[int, ...],
    filter_shape: tuple[int, ...],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
    mode: str,
    processor: Machine,
) -> _Choice:
    # What the columns of the matrix product are.
    columns = filter_shape[2] if which == INPUT_GRADIENT else filter_shape[3]
    if 4 * columns <= processor.lanes(dtype):
        return _Choice(im2col, f"im2col: {columns} channels would leave most of a vector empty")
    if pointwise.suits(filter_shape[:2], strides, padding):
        return _Choice(pointwise, "pointwise: each pixel has a window of its own")
    obstacle = _against_winograd(dtype, outputs, filter_shape, strides, dilations, mode)
    if obstacle:
        return _Choice(direct, f"direct: no Winograd, since {obstacle}")
    times = winograd.saving(outputs[1:], filter_shape[0])
    return _Choice(winograd, f"winograd: {times:.1f} times fewer multiplications")


def _against_winograd(
    dtype: np.dtype[Any],
    outputs: Sequence[int],
    filter_shape: Sequence[int],
    strides: Pair,
    dilations: Pair,
    mode: str,
) -> str:
    """Why not to use Winograd's method, or nothing."""
    window, (channels, out_channels) = filter_shape[:2], filter_shape[2:]
    if mode != "fast":
        return "the direct algorithms are asked for"
    if dtype != np.float32:
        return f"{dtype} asks for exactness"
    if not winograd.suits(window):
        return f"it has no transforms for a window of {window[0]}x{window[1]}"
    if (strides, dilations) != (ONE, ONE):
        return "windows move by more than one cell, or have gaps"
    small = min(channels, out_channels) < _LEAST_CHANNELS
    if small or channels * out_channels < _LEAST_PRODUCT:
        return f"{channels} to {out_channels} channels are too few to pay for the transforms"
    if 0 in outputs or winograd.saving(outputs[1:], window[0]) < _LEAST_SAVING:
        return f"{outputs[1]}x{outputs[2]} outputs fill its tiles badly"
    if outputs[0] * winograd.tiles_of(outputs[1:], window[0]) < _LEAST_TILES:
        return "the outputs are too few to pay for the filter's transform"
    return ""


def why(
    which: str,
    dtype: npt.DTypeLike,
    outputs: Sequence[int],
    filter_shape: Sequence[int],
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> str:
    """Says which algorithm computes a convolution or one of its gradients, and for what reason.

    Args:
      which: FORWARD, FILTER_GRADIENT or INPUT_GRADIENT.
      dtype: of the arrays.
      outputs: (batch, height, width) of the output; for the input's gradient, of the input.
      filter_shape: (window height, window width, channels, output channels).
      strides: as for `conv2d`.
      padding: as for `conv2d`.
      dilations: as for `conv2d`.

    >>> why(FORWARD, "int32", (50, 14, 14), (5, 5, 32, 64))
    'reference: int32 does not run compiled here'
    """
    dtype = np.dtype(dtype)
    choice = _algorithm(which, dtype, outputs, filter_shape, strides, padding, dilations)
    return choice.reason


def by_winograd(
    which: str,
    dtype: npt.DTypeLike,
    outputs: Sequence[int],
    filter_shape: Sequence[int],
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> bool:
    """Whether a convolution or one of its gradients is computed by Winograd's method; see `why`."""
    dtype = np.dtype(dtype)
    choice = _algorithm(which, dtype, outputs, filter_shape, strides, padding, dilations)
    return choice.algorithm is winograd


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
    sizes = spatial_sizes(input.shape[1:3], filter.shape[:2], strides, padding, dilations)
    outputs = (len(input), *sizes)
    algorithm, _ = _algorithm(
        FORWARD, input.dtype, outputs, filter.shape, strides, padding, dilations
    )
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
    outputs = out_backprop.shape[:3]
    algorithm, _ = _algorithm(
        FILTER_GRADIENT, input.dtype, outputs, filter_shape, strides, padding, dilations
    )
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
    outputs, dtype = input_shape[:3], out_backprop.dtype
    algorithm, _ = _algorithm(
        INPUT_GRADIENT, dtype, outputs, filter.shape, strides, padding, dilations
    )
    return algorithm.conv2d_backprop_input(
        input_shape,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        dilations=dilations,
        out=out,
    )


def prepare(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> direct.Prepared:
    """A convolution of float32 or float64 whose images are computed a few at a time; see `fused`.

    Raises:
      ValueError: as `conv2d`.
    """
    _check_channels(input_shape[3], filter_shape)
    sizes = spatial_sizes(input_shape[1:3], filter_shape[:2], strides, padding, dilations)
    outputs = (input_shape[0], *sizes)
    algorithm, _ = _algorithm(FORWARD, dtype, outputs, filter_shape, strides, padding, dilations)
    given: dict[str, Any] = {"strides": strides, "padding": padding, "dilations": dilations}
    if algorithm is winograd:
        return winograd.prepare(input_shape, filter_shape, **given)
    make = pointwise.prepare if algorithm is pointwise else direct.prepare
    return make(input_shape, filter_shape, dtype, **given)


def _check_channels(
    channels: int, filter_shape: Sequence[int], out_channels: int | None = None
) -> None:
    if channels != filter_shape[2] or out_channels not in (None, filter_shape[3]):
        outputs = "" if out_channels is None else f" and outputs with {out_channels} channels"
        raise ValueError(
            f"a filter of shape {tuple(filter_shape)}, that is (height, width, input channels, "
            f"output channels), does not fit inputs with {channels} channels{outputs}"
        )
