"""With this module one can read the attributes that convolutions and pooling share.

A node says strides, dilations, window sizes and paddings for all four dims, in the order of its
`data_format`. The kernels know NHWC only, and take pairs for height and width. `Window` is the
bridge: shape rules ask it for output sizes, kernels for pairs and for NHWC arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.operation import Operation
from minitf.framework.tensor_shape import Dims, TensorShape, shape_of_dims
from minitf.kernels.padding import Pair, effective_size, output_size, resolve_padding

PADDING = 'padding: {"SAME", "VALID", "EXPLICIT"}'
EXPLICIT_PADDINGS = "explicit_paddings: list(int) = []"
DATA_FORMAT = 'data_format: {"NHWC", "NCHW"} = "NHWC"'

_HEIGHT_WIDTH = {"NHWC": (1, 2), "NCHW": (2, 3)}
_OTHERS = {"NHWC": (0, 3), "NCHW": (0, 1)}
_TO_NHWC, _TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)


class Window:
    """How a window slides over height and width.

    Args:
      strides, dilations, ksize: four ints each, in the order of `data_format`; no dilation, and
        no window size (a filter says it), if None.
      padding, explicit_paddings, data_format: as in the node's attributes.

    Attributes:
      strides, dilations, ksize: the pairs for height and width.
      explicit: the paddings for height and width, if they were given.
      is_nchw: whether the channels come before height and width.
      is_planar: whether only height and width are strided, dilated and pooled over.

    Raises:
      ValueError: if a stride, dilation or padding is not one that a node can have.
    """

    def __init__(
        self,
        strides: Sequence[int],
        padding: str,
        data_format: str = "NHWC",
        *,
        explicit_paddings: Sequence[int] = (),
        dilations: Sequence[int] | None = None,
        ksize: Sequence[int] | None = None,
    ) -> None:
        self._padding = padding
        self.is_nchw = data_format == "NCHW"
        self._spatial = _HEIGHT_WIDTH[data_format]
        self._others = _OTHERS[data_format]
        self.strides = self._pair("strides", strides, "Stride must be > 0, but got {}")
        self.dilations: Pair = (1, 1)
        if dilations is not None:
            wrong = "Dilation rate must be >= 1, but got {}"
            self.dilations = self._pair("dilations", dilations, wrong)
        self.ksize: Pair = (0, 0)
        if ksize is not None:
            self.ksize = self._pair("ksize", ksize, "Sliding window ksize must be > 0, but got {}")
        self.is_planar = all(
            values is None or values[axis] == 1
            for values in (strides, dilations, ksize)
            for axis in self._others
        )
        self.explicit = self._explicit_pairs(explicit_paddings)

    @classmethod
    def of(cls, op: Operation) -> Window:
        """The window of a node."""
        attrs = op._attrs
        return cls(
            attrs["strides"],
            attrs["padding"],
            attrs["data_format"],
            explicit_paddings=attrs.get("explicit_paddings", ()),
            dilations=attrs.get("dilations"),
            ksize=attrs.get("ksize"),
        )

    def _pair(self, name: str, values: Sequence[int], wrong: str) -> Pair:
        if len(values) != 4:
            raise ValueError(f"{name} must have 4 elements, but got {list(values)}")
        for value in values:
            if value < 1:
                raise ValueError(wrong.format(value))
        height, width = self._spatial
        return values[height], values[width]

    def _explicit_pairs(self, paddings: Sequence[int]) -> tuple[Pair, Pair] | None:
        if self._padding != "EXPLICIT":
            if paddings:
                raise ValueError(
                    "explicit_paddings attribute must be empty if the padding attribute is not "
                    f"EXPLICIT, but got {list(paddings)}"
                )
            return None
        if len(paddings) != 8:
            raise ValueError(
                f"explicit_paddings attribute must contain 8 values, but got: {len(paddings)}"
            )
        if min(paddings) < 0:
            raise ValueError("All elements of explicit_paddings must be nonnegative")
        pairs = [(paddings[2 * i], paddings[2 * i + 1]) for i in range(4)]
        if any(pairs[axis] != (0, 0) for axis in self._others):
            raise ValueError(
                "Nonzero explicit padding in the batch or depth dimensions is not supported"
            )
        height, width = self._spatial
        return pairs[height], pairs[width]

    # ---- for shape rules

    def split(self, dims: Sequence[int | None]) -> tuple[int | None, int | None, Any]:
        """The batch size, the channels and the (height, width) of four dims."""
        batch, channels = (dims[axis] for axis in self._others)
        return batch, channels, tuple(dims[axis] for axis in self._spatial)

    def join(self, batch: int | None, channels: int | None, sizes: Any) -> TensorShape:
        """The opposite of `split`, as a shape."""
        height, width = sizes
        if self.is_nchw:
            return shape_of_dims((batch, channels, height, width))
        return shape_of_dims((batch, height, width, channels))

    def output_sizes(
        self, sizes: Sequence[int | None], window: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """The height and width that result, as far as they are known.

        Raises:
          ValueError: if the window is larger than the padded input.
        """
        results = []
        for axis in range(2):
            size, span, padding = sizes[axis], window[axis], self._one_padding(axis)
            if size is not None and span is not None and padding != "SAME":
                before, after = (0, 0) if padding == "VALID" else padding
                room, span_size = before + size + after, effective_size(span, self.dilations[axis])
                if room < span_size:
                    raise ValueError(
                        f"Negative dimension size caused by subtracting {span_size} from {room}"
                    )
            results.append(
                output_size(padding, size, span, self.strides[axis], self.dilations[axis])
            )
        return tuple(results)

    def _one_padding(self, axis: int) -> Any:
        return self._padding if self.explicit is None else self.explicit[axis]

    # ---- for kernels

    def check_planar(self, what: str) -> None:
        """Raises UnimplementedError if the batch or the channels are strided or pooled over."""
        if not self.is_planar:
            raise errors.UnimplementedError(
                None, None, f"{what} in the batch and depth dimensions is not supported."
            )

    def keywords(self, sizes: Sequence[int], window: Sequence[int]) -> dict[str, Any]:
        """The strides and paddings that a kernel is given, for images of a height and width.

        Args:
          sizes: the height and width of the images.
          window: those of the filter or pooling window.
        """
        padding = _paddings(self, sizes[0], sizes[1], window[0], window[1])
        return {"strides": self.strides, "padding": padding}

    def check_output(
        self, sizes: Sequence[int], window: Sequence[int], out_sizes: Sequence[int]
    ) -> None:
        """Raises ValueError if images of this size do not give outputs of that one."""
        expected = self.output_sizes(sizes, window)
        if tuple(out_sizes) != expected:
            raise ValueError(
                f"The gradient must have the height and width of the output, {list(expected)}, "
                f"but has {list(out_sizes)}"
            )

    def to_nhwc(self, array: Any) -> Any:
        """The array with its channels last; kernels want it contiguous."""
        return np.ascontiguousarray(array.transpose(_TO_NHWC)) if self.is_nchw else array

    def from_nhwc(self, array: Any) -> Any:
        """The opposite of `to_nhwc`."""
        return np.ascontiguousarray(array.transpose(_TO_NCHW)) if self.is_nchw else array

    def nhwc_shape(self, sizes: Any, name: str) -> tuple[int, ...]:
        """A shape that is given as an integer vector, with its channels last.

        Raises:
          ValueError: if it is not a vector of four sizes.
        """
        if np.shape(sizes) != (4,):
            raise ValueError(f"{name} must be 4 sizes, but has shape {list(np.shape(sizes))}")
        dims = [int(size) for size in sizes]
        return tuple(dims[axis] for axis in _TO_NHWC) if self.is_nchw else tuple(dims)


# A window hashes as itself.
@functools.lru_cache(1024)
def _paddings(window: Window, height: int, width: int, rows: int, columns: int) -> tuple[Pair, ...]:
    return tuple(
        resolve_padding(
            window._one_padding(axis), size, span, window.strides[axis], window.dilations[axis]
        )
        for axis, (size, span) in enumerate(((height, rows), (width, columns)))
    )


def kept_window(
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int],
    dilations: Sequence[int],
) -> Window:
    """The window of a convolution, for its kernels, which ask for the same again and again."""
    given = tuple(strides), padding, data_format, tuple(explicit_paddings), tuple(dilations)
    return _kept_window(*given)


@functools.lru_cache(1024)
def _kept_window(
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int],
    dilations: Sequence[int],
) -> Window:
    return Window(
        strides, padding, data_format, explicit_paddings=explicit_paddings, dilations=dilations
    )


def check_rank_4(array: Any, name: str) -> None:
    """Raises ValueError unless an array has four dims."""
    if array.ndim != 4:
        raise ValueError(f"{name} must be 4-dimensional: {list(array.shape)}")


def sizes_of_filter(sizes: Any) -> tuple[int, ...]:
    """The shape of a filter, from an integer vector.

    Raises:
      ValueError: if it has not four elements.
    """
    if np.shape(sizes) != (4,):
        raise ValueError(f"filter_sizes must be 4 sizes, but has shape {list(np.shape(sizes))}")
    return tuple(int(size) for size in sizes)


def four_dims(shape: TensorShape) -> tuple[int | None, ...]:
    """The four dims of a shape, all unknown if its rank is.

    Raises:
      ValueError: if it has another rank.
    """
    if shape.ndims not in (None, 4):
        raise ValueError(f"Shape must be rank 4 but is rank {shape.ndims}")
    dims: Dims = shape.with_rank(4)._dims
    assert dims is not None
    return dims


def same_dim(first: int | None, second: int | None) -> int | None:
    """The size that either knows.

    Raises:
      ValueError: if they are known and differ.
    """
    if None not in (first, second) and first != second:
        raise ValueError(f"Dimensions must be equal, but are {first} and {second}")
    return second if first is None else first


def four_values(value: Any, name: str, data_format: str = "NHWC") -> list[int]:
    """Strides, dilations or window sizes for all dims, from one, two or four ints.

    Raises:
      ValueError: if there are others.
    """
    values = [int(v) for v in value] if np.ndim(value) else [int(value)]
    if len(values) not in (1, 2, 4):
        raise errors.value_error(
            f"{name} should be of length 1, 2 or 4. Received: {name}={value} of length "
            f"{len(values)}"
        )
    if len(values) == 4:
        return values
    pair = values * 2 if len(values) == 1 else values
    return [1, 1, *pair] if data_format == "NCHW" else [1, *pair, 1]


def padding_attrs(padding: Any) -> dict[str, Any]:
    """The attributes `padding` and `explicit_paddings` for a text, or for a list of four pairs.

    Raises:
      ValueError: if it is a list of something else.
    """
    if isinstance(padding, (str, bytes)):
        if padding == "EXPLICIT":
            raise errors.value_error(
                '"EXPLICIT" is not a valid value for `padding`: give the paddings themselves, '
                "[[0, 0], [top, bottom], [left, right], [0, 0]]."
            )
        return {"padding": padding}
    if len(padding) != 4:
        raise errors.value_error(
            f"When padding is a list, it must be of size 4. Received: padding={padding} of size "
            f"{len(padding)}"
        )
    for pair in padding:
        if np.ndim(pair) != 1 or len(pair) != 2:
            raise errors.value_error(
                "When padding is a list, each element must be a list/tuple of size 2. Received: "
                f"padding={padding} with element {pair}"
            )
    flat = [int(size) for pair in padding for size in pair]
    return {"padding": "EXPLICIT", "explicit_paddings": flat}
