"""With this module a value becomes what a page can show of it: numbers, a histogram, a picture.

`describe` looks at an array once, while it is there, and keeps little: its statistics, how its
elements are spread, and a picture where one says something. Images and feature maps are shown as
images, filters as the stencils that they are, matrices as a field of colours.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.framework.kernel_context import DEAD, VariableResource

Array = npt.NDArray[Any]

BINS = 32
# Of a larger array the spread is taken from so many elements.
_MOST_SAMPLED = 1 << 16
# The longest side of a picture, in elements.
_SIDE = 160
# A tiled picture shows at most so many images.
_MOST_TILES = 36
# A filter is no larger than this, an image larger.
_LARGEST_FILTER = 11
# The side of MNIST's images, which scripts keep as rows of 784.
_DIGIT = 28


def describe(value: Any) -> dict[str, Any]:
    """What can be shown of a value.

    Args:
      value: what flows along an edge of a graph while it runs.

    Returns:
      Plain data. Always `kind`: "dead", "empty", "text" or "number"; of arrays `dtype` and `shape`
      as well, of numbers `min`, `max`, `mean`, `std` (of what is finite), `zeros`, `nan`, `inf`,
      `bins` with `low` and `high`, `some` of the elements, and where there is a picture, `picture`.

    >>> found = describe(np.array([0.0, 1.0, 2.0, np.nan], np.float32))
    >>> found["mean"], found["zeros"], found["nan"]
    (1, 1, 1)
    """
    if isinstance(value, VariableResource):
        value = value.value
        if value is None:
            return {"kind": "empty"}
    if value is DEAD:
        return {"kind": "dead"}
    if value is None:
        return {"kind": "empty"}
    if not isinstance(value, (np.ndarray, np.generic, int, float, bool)):
        return {"kind": "text", "some": [_short(value)]}
    array = np.asarray(value)
    base = {"dtype": array.dtype.name, "shape": list(array.shape), "bytes": array.nbytes}
    if array.dtype == object or array.dtype.kind in "SU":
        some = [_short(item) for item in array.reshape(-1)[:8]]
        return {"kind": "text", **base, "dtype": "string", "some": some}
    if array.size == 0:
        return {"kind": "number", **base, "some": []}
    found = {"kind": "number", **base, **_statistics(array)}
    picture = _picture(array)
    if picture is not None:
        found["picture"] = picture
    return found


def _short(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _number(value: Any) -> float | int:
    """Six digits: what a person reads."""
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.6g}")


def _statistics(array: Array) -> dict[str, Any]:
    flat = array.reshape(-1)
    values = np.abs(flat) if flat.dtype.kind == "c" else flat
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    found: dict[str, Any] = {
        "zeros": int(np.count_nonzero(values == 0)),
        "nan": int(np.count_nonzero(np.isnan(values))),
        "inf": int(np.count_nonzero(np.isinf(values))),
        "some": [_element(item) for item in flat[:8]],
    }
    values = values[finite]
    if values.size == 0:
        return found
    low, high = values.min(), values.max()
    found |= {"min": _number(low), "max": _number(high)}
    with np.errstate(all="ignore"):
        mean, std = values.mean(), values.std()
    if np.isfinite([mean, std]).all():
        found |= {"mean": _number(mean), "std": _number(std)}
    if values.size > 1 and high > low and np.isfinite(high - low):
        sample = values[:: -(-values.size // _MOST_SAMPLED)]
        counts, _ = np.histogram(sample, BINS, (low, high))
        found |= {"bins": counts.tolist(), "low": _number(low), "high": _number(high)}
    return found


def _element(item: Any) -> Any:
    if isinstance(item, np.bool_):
        return bool(item)
    if isinstance(item, np.complexfloating):
        return f"{item:.4g}"
    number = float(item)
    return _number(number) if math.isfinite(number) else str(number)


# ---- pictures


def _picture(array: Array) -> dict[str, Any] | None:
    """A picture of an array as a PNG, and what it shows; None where there is nothing to see."""
    if array.dtype.kind == "c" or array.size < 16:
        return None
    shown = _tiles(array) or _matrix(array)
    if shown is None:
        return None
    what, tiles, columns = shown
    sheet, low, high = _coloured(tiles, columns)
    from PIL import Image

    image = Image.fromarray(sheet, "P" if sheet.ndim == 2 else "RGB")
    if sheet.ndim == 2:
        image.putpalette(_palette(low < 0).tobytes())
    file = io.BytesIO()
    # The number 0 is the gap between tiles.
    options = {"transparency": 0} if sheet.ndim == 2 else {}
    image.save(file, "PNG", optimize=True, **options)
    return {
        "what": what,
        "png": base64.b64encode(file.getvalue()).decode(),
        "width": sheet.shape[1],
        "height": sheet.shape[0],
        "low": _number(low),
        "high": _number(high),
        "signed": bool(low < 0),
    }


def _tiles(array: Array) -> tuple[str, Array, int] | None:
    """Images side by side, if an array is some: what they are, [n, height, width(, 3)], columns."""
    shape = array.shape
    if array.ndim == 4 and _is_filter(shape):
        return _filters(array)
    if array.ndim == 4 and min(shape[1:3]) > 1:
        return _images(array)
    if array.ndim == 3 and shape[2] in (1, 3, 4) and min(shape[:2]) >= 8:
        return _images(array[np.newaxis, :, :, :3])
    if array.ndim == 2 and shape[1] == _DIGIT**2:
        return _images(array.reshape(-1, _DIGIT, _DIGIT, 1))
    if array.ndim == 2 and shape[0] == _DIGIT**2 and shape[1] <= _MOST_TILES:
        digits = array.T.reshape(-1, _DIGIT, _DIGIT)
        return f"the weights of {len(digits)} outputs, as images", digits, _columns(len(digits))
    return None


def _is_filter(shape: tuple[int, ...]) -> bool:
    return shape[0] == shape[1] <= _LARGEST_FILTER and shape[0] < max(shape[2:])


def _filters(array: Array) -> tuple[str, Array, int]:
    height, width, inputs, outputs = array.shape
    shown = min(outputs, _MOST_TILES)
    tiles = array[:, :, 0, :shown].transpose(2, 0, 1)
    which = f"{outputs} filters of {height}x{width}"
    if shown < outputs:
        which = f"{shown} of {which}"
    return which + (", first input channel" if inputs > 1 else ""), tiles, _columns(shown)


def _images(array: Array) -> tuple[str, Array, int]:
    count, height, width, channels = array.shape
    room = max(1, (_SIDE // (max(height, width) + 1)) ** 2)
    if channels == 3 and array.min() >= 0:
        shown = min(count, room, _MOST_TILES)
        return f"{shown} of {count} images", array[:shown], _columns(shown)
    if channels > 1:
        shown = min(channels, room, _MOST_TILES)
        tiles = array[0, :, :, :shown].transpose(2, 0, 1)
        return f"{shown} of {channels} channels of the first image", tiles, _columns(shown)
    shown = min(count, room, _MOST_TILES)
    return f"{shown} of {count} images", array[:shown, :, :, 0], _columns(shown)


def _columns(count: int) -> int:
    return math.ceil(math.sqrt(count))


def _matrix(array: Array) -> tuple[str, Array, int] | None:
    """A matrix as one image, thinned out if it is large."""
    if array.ndim != 2 or min(array.shape) < 2:
        return None
    rows, columns = (-(-size // _SIDE) for size in array.shape)
    what = "the matrix"
    if max(rows, columns) > 1:
        what += f", every {_ordinal(rows)} row and {_ordinal(columns)} column"
    return what, array[np.newaxis, ::rows, ::columns], 1


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number if number < 20 else number % 10, "th")
    return "" if number == 1 else f"{number}{ending}"


def _coloured(tiles: Array, columns: int) -> tuple[Array, float, float]:
    """All tiles as one sheet of palette numbers (or of colours), and the range that it spans."""
    values = tiles[: -(-len(tiles) // columns) * columns].astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low < 0:  # zero is in the middle
        high = max(-low, high)
        low = -high
    with np.errstate(all="ignore"):
        scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    is_rgb = values.ndim == 4
    scale, offset = (255, 0) if is_rgb else (254, 1)
    numbers = (np.nan_to_num(scaled).clip(0, 1) * scale + offset).astype(np.uint8)
    count, height, width = numbers.shape[:3]
    rows = -(-count // columns)
    gap = 0 if count == 1 else 1
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    sheet = sheet if is_rgb else sheet[:, :, 0]
    for number, tile in enumerate(numbers):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return np.ascontiguousarray(sheet), low, high


def _palette(signed: bool) -> Array:
    """256 colours: from blue over white to red where there are signs, else from black to white."""
    place = np.linspace(0, 1, 255)[:, np.newaxis]
    if signed:
        blue, white, red = (np.array(c) for c in ((33, 92, 168), (247, 247, 247), (190, 62, 28)))
        below = blue + (white - blue) * np.minimum(place * 2, 1)
        colours = below + (red - white) * np.maximum(place * 2 - 1, 0)
    else:
        colours = place * np.array([255, 255, 255])
    palette: Array = np.vstack([np.zeros((1, 3)), colours]).round().astype(np.uint8)
    return palette
