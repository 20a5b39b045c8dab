"""With this module the debugger shows arrays: what they are in one line, and their numbers.

>>> print(summary(np.array([[1.0, np.nan], [0.0, 3.0]], np.float32)))
float32 [2, 2]  min 0  mean 1.33333  max 3  1 of 4 not finite
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

_LINES = 40
_INDEX = re.compile(r"^(?P<name>[^\[\]]+?)\s*(\[(?P<index>[^\[\]]*)\])?$")


def summary(value: Any) -> str:
    """One line on a value: its dtype and shape, its range, what is not finite in it."""
    if value is None:
        return "no value"
    array = np.asarray(value)
    head = f"{array.dtype.name} {list(array.shape)}"
    if array.dtype.kind not in "fiu" or not array.size:
        return head
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    if finite.size:
        low, high = finite.min(), finite.max()
        mean = finite.mean(dtype=np.float64)
        head += f"  min {low:.6g}  mean {mean:.6g}  max {high:.6g}"
    if finite.size < array.size:
        head += f"  {array.size - finite.size} of {array.size} not finite"
    return head


def numbers(value: Any) -> str:
    """The numbers of a value, the middle left out where they are many."""
    array = np.asarray(value)
    text = np.array2string(array, threshold=400, edgeitems=3, precision=6, max_line_width=96)
    lines = text.splitlines()
    if len(lines) > _LINES:
        half = _LINES // 2
        lines = [*lines[:half], f"... ({len(lines) - _LINES} lines)", *lines[-half:]]
    return "\n".join(lines)


def whole_number(text: str) -> int | None:
    """Reads a number from 0 on; None if the text is none.

    >>> whole_number("12"), whole_number("-1"), whole_number("\\u00b2")
    (12, None, None)
    """
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def name_and_index(text: str) -> tuple[str, tuple[Any, ...] | None]:
    """Reads `name[index]`, where the index is of numbers, slices and `...`.

    Raises:
      ValueError: if it is written in another way.

    >>> name_and_index("conv1/W:0[..., 2, 1:5]")
    ('conv1/W:0', (Ellipsis, 2, slice(1, 5, None)))
    """
    match = _INDEX.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not written like name or name[0, :5].")
    if match["index"] is None:
        return match["name"], None
    return match["name"], tuple(_one(part.strip()) for part in match["index"].split(","))


def _one(text: str) -> Any:
    if text == "...":
        return Ellipsis
    try:
        if ":" in text:
            parts = [int(part) if part.strip() else None for part in text.split(":")]
            if len(parts) <= 3:
                return slice(*parts)
        return int(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} in an index is no number, slice or '...'.")
