"""With this module one can name a part of a tensor, as variables in parts are saved.

A part is written as in the graph: the shape of the whole, then for each axis where the part begins
and how long it is, or "-" for all of it.

>>> shape, part = parse("5 2 3,2:-")
>>> shape, part
((5, 2), ((3, 2), (0, -1)))
>>> extent(shape, part)
((3, 5), (0, 2))
"""

from __future__ import annotations

from typing import Any

from minitf.checkpoint.coding import ordered_count, ordered_number, ordered_text
from minitf.framework import errors, protos

# For each axis: where it begins, and its length, which is -1 for the whole axis.
Slice = tuple[tuple[int, int], ...]
# For each axis: where it begins, and where it ends.
Extent = tuple[tuple[int, int], ...]

WHOLE = -1


def parse(spec: str) -> tuple[tuple[int, ...], Slice]:
    """Reads a part in the form in which SaveV2 and RestoreV2 take it.

    Raises:
      InvalidArgumentError: if it is not in this form, or reaches outside of the whole.
    """
    *dims, axes = spec.split(" ")
    try:
        shape = tuple(map(int, dims))
        part = tuple(_axis(text) for text in axes.split(":"))
        if len(shape) != len(part):
            raise ValueError
        for size, (start, end) in zip(shape, extent(shape, part), strict=True):
            if not 0 <= start <= end <= size:
                raise ValueError
    except ValueError:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{spec!r} is no part of a tensor; write the dims of the whole, then start,length or - "
            'for each axis: "5 2 3,2:-"',
        ) from None
    return shape, part


def _axis(text: str) -> tuple[int, int]:
    if text == "-":
        return 0, WHOLE
    start, length = text.split(",")
    return int(start), int(length)


def extent(shape: tuple[int, ...], part: Slice) -> Extent:
    """From where to where a part reaches along each axis."""
    return tuple(
        (0, size) if length == WHOLE else (start, start + length)
        for size, (start, length) in zip(shape, part, strict=True)
    )


def dims(of: Extent) -> tuple[int, ...]:
    """The shape of a part."""
    return tuple(end - start for start, end in of)


def common(a: Extent, b: Extent) -> Extent | None:
    """What two parts have in common; None if that is nothing."""
    both = tuple((max(p[0], q[0]), min(p[1], q[1])) for p, q in zip(a, b, strict=True))
    return None if any(start >= end for start, end in both) else both


def covers(outer: Extent, inner: Extent) -> bool:
    """Whether one part has all that another has."""
    return all(o[0] <= i[0] and i[1] <= o[1] for o, i in zip(outer, inner, strict=True))


def within(inner: Extent, outer: Extent) -> tuple[Any, ...]:
    """Where, in an array that holds one part, another one stands: an index for it."""
    places = tuple(slice(i[0] - o[0], i[1] - o[0]) for i, o in zip(inner, outer, strict=True))
    return places + (...,)  # which makes an array of a scalar, too


def key(name: bytes, part: Slice) -> bytes:
    """The key under which a part is found in a checkpoint: parts sort by name, then by place."""
    axes = b"".join(ordered_number(start) + ordered_number(length) for start, length in part)
    return ordered_count(0) + ordered_text(name) + ordered_count(len(part)) + axes


def to_proto(part: Slice) -> Any:
    """A part as a `TensorSliceProto`."""
    proto = protos.TensorSliceProto()
    for start, length in part:
        axis = proto.extent.add()
        if length != WHOLE:
            axis.start, axis.length = start, length
    return proto


def from_proto(proto: Any) -> Slice:
    """The part that a `TensorSliceProto` describes."""
    return tuple(
        (axis.start, axis.length) if axis.WhichOneof("has_length") else (0, WHOLE)
        for axis in proto.extent
    )
