"""With this module gradients of several workers come together: what an accumulator is in a run.

A gradient is taken in if it was computed from the values of the current step, or a later one; a
stale one is dropped. Who takes the average waits until there are enough, and begins a new step.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from minitf.framework.dtypes import DType
from minitf.framework.tensor_shape import TensorShape
from minitf.framework.waiting import current_run


class AccumulatorResource:
    """What all accumulators share.

    Args:
      name: for messages.
      dtype: of the gradients.
      shape: what is known of their shape.
      reduction_type: "MEAN" to give the average of what was taken in, "SUM" to give the sum.

    Attributes:
      dropped: how many gradients were stale.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, dtype: DType, shape: TensorShape, reduction_type: str) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.reduction_type = reduction_type
        self.dropped = 0
        self._count = 0
        self._global_step = 0
        self._changed = threading.Condition()
        self._taking: deque[object] = deque()

    # ---- what subclasses say

    def _add(self, gradient: Any, first: bool) -> None:
        """Adds a gradient; the first one of a step takes the place of what is left."""
        raise NotImplementedError

    def _result(self, count: int) -> Any:
        """The sum, or the average, of the gradients that were added."""
        raise NotImplementedError

    # ----

    def apply(self, gradient: Any, local_step: int) -> None:
        """Takes a gradient in, unless it is stale.

        Args:
          gradient: the arrays.
          local_step: the step whose values it was computed from.
        """
        with self._changed:
            if local_step < self._global_step:
                self.dropped += 1
                return
            self._add(gradient, first=self._count == 0)
            self._count += 1
            self._changed.notify_all()

    def take(self, num_required: int) -> Any:
        """The average of all gradients that came since the last time, once there are enough.

        Raises:
          InvalidArgumentError: if `num_required` is not positive.
        """
        if num_required <= 0:
            raise ValueError(f"Argument num_required must be positive, but is {num_required}")
        with self._changed, self._turn() as turn:
            current_run().wait(
                self._changed,
                lambda: self._taking[0] is turn and self._count >= num_required,
                lambda: (
                    f"{num_required} gradients in {self}, which has {self._count} of step "
                    f"{self._global_step}, and has dropped {self.dropped} stale ones"
                ),
                remark=True,
            )
            taken = self._result(self._count)
            self._count = 0
            self._global_step += 1
        return taken

    @contextmanager
    def _turn(self) -> Iterator[object]:
        turn = object()
        self._taking.append(turn)
        try:
            yield turn
        finally:
            self._taking.remove(turn)
            self._changed.notify_all()

    def num_accumulated(self) -> int:
        """How many gradients there are."""
        with self._changed:
            return self._count

    def set_global_step(self, step: int) -> None:
        """Sets the step whose gradients are taken in.

        Where that is an earlier one, since training goes on from a checkpoint, what was taken in
        belongs to a model that is no more.
        """
        with self._changed:
            if step < self._global_step:
                self._count = 0
            self._global_step = step

    def read(self) -> Any:
        """What a fetched reference to it shows, as in TensorFlow: container and name."""
        return np.array([b"", self.name.encode()], object)

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"


class ConditionalAccumulatorResource(AccumulatorResource):
    """Accumulates arrays of one shape."""

    kind = "ConditionalAccumulator"

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._sum: Any = None

    def _add(self, gradient: Any, first: bool) -> None:
        known = self.shape if first else TensorShape(self._sum.shape)
        if not self.shape.is_compatible_with(gradient.shape) or not known.is_compatible_with(
            gradient.shape
        ):
            raise ValueError(f"Shape mismatch: expected {known}, got {gradient.shape}")
        if first:
            self._sum = np.array(gradient)
        else:
            self._sum = np.add(self._sum, gradient, out=self._sum if self._sum.ndim else None)

    def _result(self, count: int) -> Any:
        total, self._sum = self._sum, None
        if self.reduction_type == "SUM":
            return total
        return np.asarray(total / total.dtype.type(count), total.dtype)


class SparseConditionalAccumulatorResource(AccumulatorResource):
    """Accumulates rows of a large array; the average of a row is over those who gave it."""

    kind = "SparseConditionalAccumulator"

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._indices: Any = None
        self._values: Any = None
        self._counts: Any = None

    def _add(self, gradient: Any, first: bool) -> None:
        indices, values, shape = gradient
        self._check(indices, values, shape, first)
        if first:
            self._indices, self._values = np.array(indices), np.array(values)
            self._counts = np.ones(len(indices), np.int64)
            return
        rows, ours, theirs = _merged(self._indices.tolist(), indices.tolist())
        total = np.zeros((len(rows), *values.shape[1:]), values.dtype)
        counts = np.zeros(len(rows), np.int64)
        total[ours], counts[ours] = self._values, self._counts
        total[theirs] += values
        counts[theirs] += 1
        self._indices, self._values, self._counts = np.array(rows, np.int64), total, counts

    def _check(self, indices: Any, values: Any, shape: Any, first: bool) -> None:
        if indices.ndim != 1:
            raise ValueError(f"Input indices should be vector but received shape {indices.shape}")
        if not values.ndim or len(values) != len(indices):
            raise ValueError(
                f"Number of indices ({len(indices)}) does not match the shape of values, "
                f"{values.shape}"
            )
        dims = self.shape.as_list() if self.shape.ndims else [None, *([None] * (values.ndim - 1))]
        if len(shape):
            # A scalar's shape stands for that of any array here.
            if self.shape.ndims and not self.shape.is_compatible_with(shape.tolist()):
                raise ValueError(f"Shape mismatch: expected {self.shape}, got {shape.tolist()}")
            dims = shape.tolist()
        if not TensorShape(dims[1:]).is_compatible_with(values.shape[1:]):
            raise ValueError(f"Shape mismatch: rows of {dims[1:]} expected, got {values.shape[1:]}")
        if not first and values.shape[1:] != self._values.shape[1:]:
            raise ValueError(
                f"Shape mismatch: rows of {self._values.shape[1:]} expected, got {values.shape[1:]}"
            )
        bad = [i for i in indices.tolist() if i < 0 or (dims[0] is not None and i >= dims[0])]
        if bad:
            raise ValueError(f"index {bad[0]} is out of bounds for a shape of {dims[0]} rows")

    def _result(self, count: int) -> Any:
        values = self._values
        if self.reduction_type == "MEAN":
            counts = self._counts.reshape([-1, *[1] * (values.ndim - 1)])
            values = (values / counts.astype(values.dtype)).astype(values.dtype)
        dims = self.shape.as_list() if self.shape.ndims else None
        full = [dims[0] if dims else None, *values.shape[1:]]
        shape = np.array([-1 if dim is None else dim for dim in full], np.int64)
        return self._indices, values, shape


def _merged(ours: list[int], theirs: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Two lists of rows merged as sorted ones are: the rows, and the places of each list's."""
    rows: list[int] = []
    our_places: list[int] = []
    their_places: list[int] = []
    i = j = 0
    while i < len(ours) or j < len(theirs):
        of_us = i < len(ours) and (j == len(theirs) or ours[i] <= theirs[j])
        of_them = j < len(theirs) and (i == len(ours) or theirs[j] <= ours[i])
        if of_us:
            our_places.append(len(rows))
        if of_them:
            their_places.append(len(rows))
        rows.append(ours[i] if of_us else theirs[j])
        i, j = i + of_us, j + of_them
    return rows, our_places, their_places
