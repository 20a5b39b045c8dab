"""With this module a kernel can reduce the rows of an array by the segment that each belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors

# Segments that are left when there are no more than this are finished one by one.
_FEW = 8


def segments(data: Any, segment_ids: Any, num_segments: Any) -> tuple[Any, Any, Any]:
    """The rows in the order of their segments, where each segment starts, and its number.

    Rows with a negative number belong to no segment. The order within a segment stays, so that
    sums come out as if the rows were added one after the other.

    Raises:
      InvalidArgumentError: if a number is too large or the shapes do not fit.
    """
    shape = np.shape(segment_ids)
    if data.shape[: len(shape)] != shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"data.shape = {list(data.shape)} does not start with segment_ids.shape = "
            f"{list(shape)}",
        )
    ids = np.reshape(segment_ids, -1)
    rows = np.reshape(data, (ids.size, *data.shape[len(shape) :]))
    if ids.size and ids.max() >= num_segments:
        where = int(np.argmax(ids >= num_segments))
        raise errors.InvalidArgumentError(
            None,
            None,
            f"segment_ids[{where}] = {ids[where]} is out of range [0, {int(num_segments)})",
        )
    if ids.size and ids.min() < 0:
        rows, ids = rows[ids >= 0], ids[ids >= 0]
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if ids.size else ids
    return rows[order], starts, ids[starts]


def reduce_segments(
    reducer: np.ufunc, data: Any, segment_ids: Any, num_segments: Any, empty: Any
) -> Any:
    """Reduces the rows of each segment; a segment without rows is filled with `empty`."""
    if num_segments < 0:
        raise errors.InvalidArgumentError(
            None, None, f"Input num_segments == {int(num_segments)} must not be negative."
        )
    rows, starts, found = segments(data, segment_ids, num_segments)
    result = np.full((int(num_segments), *rows.shape[1:]), empty, data.dtype)
    if starts.size:
        rounds = reducer in (np.add, np.multiply) and data.dtype.kind in "fc"
        if rounds:
            result[found] = _reduceat_in_order(reducer, rows, starts)
        else:
            result[found] = reducer.reduceat(rows, starts, axis=0, dtype=data.dtype)
    return result


def _reduceat_in_order(reducer: np.ufunc, rows: Any, starts: Any) -> Any:
    """`reducer.reduceat`, which may go pair by pair, one row after the other: for what rounds."""
    ends = np.r_[starts[1:], len(rows)]
    result, longer, k = rows[starts], np.arange(len(starts)), 1
    while (longer := longer[starts[longer] + k < ends[longer]]).size > _FEW:
        result[longer] = reducer(result[longer], rows[starts[longer] + k])
        k += 1
    for i in longer:
        rest = np.concatenate([result[i : i + 1], rows[starts[i] + k : ends[i]]])
        result[i] = reducer.accumulate(rest, axis=0)[-1]
    return result


def reduce_sorted_segments(reducer: np.ufunc, data: Any, segment_ids: Any, empty: Any) -> Any:
    """The same where the numbers never fall: as many segments as the last number says.

    Raises:
      InvalidArgumentError: if a number is negative, or smaller than the one before.
    """
    if segment_ids.ndim != 1 or data.ndim == 0 or len(data) != len(segment_ids):
        raise errors.InvalidArgumentError(
            None,
            None,
            "segment_ids should be the same size as dimension 0 of input, but the shapes are "
            f"{list(segment_ids.shape)} and {list(data.shape)}.",
        )
    if segment_ids.size and (segment_ids[0] < 0 or (np.diff(segment_ids) < 0).any()):
        raise errors.InvalidArgumentError(
            None, None, "segment ids must be >= 0 and must not decrease"
        )
    count = int(segment_ids[-1]) + 1 if segment_ids.size else 0
    return reduce_segments(reducer, data, segment_ids, count, empty)
