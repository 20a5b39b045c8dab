"""With this module one can multiply less: the transforms of Winograd's fast convolution.

Two polynomials are multiplied by evaluating both at n points, multiplying value by value, and
interpolating: n multiplications for a product with n coefficients, where the schoolbook needs one
for each pair. A filter g of r numbers that slides over data d is the transpose of that, and m
outputs need n = m + r - 1 multiplications instead of m * r:

    y = A' [(G g) * (B' d)]          * is value by value

    G  (n, r)   evaluates a polynomial with the filter's coefficients at the points
    A  (n, m)   evaluates one with m coefficients
    B' (n, n)   what interpolation is when transposed: the inverse transpose of evaluation

The last point is infinity, where a polynomial's value is its leading coefficient. In two dimensions
each is applied to rows and columns: y = A' [(G g G') * (B' d B)] A. For a 5x5 filter and tiles of
4x4 outputs, F(4x4, 5x5), 64 multiplications take the place of 400; for F(5x5, 5x5) 81 that of 625.

The gradients are transposes again: that of the filter is G' [(B' d B) * (A dy A')] G, that of the
data a convolution.

The points decide how large the numbers become in between, and so how much is lost to rounding. Up
to seven of them, 0, 1, -1, 1/2, -1/2, 2, -2 lose the least; for eight, a search found four pairs
that lose a third as much as those with any eighth. Points come in pairs p, -p, whose rows differ by
signs only: such pairs share their work (`write_map`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import simd
from minitf.kernels.jit import native
from minitf.kernels.simd import Value, Writer, machine

Array = npt.NDArray[Any]

_HALF = Fraction(1, 2)
_POINTS = (0, 1, -1, _HALF, -_HALF, 2, -2)
_EIGHT_POINTS = tuple(
    sign * Fraction(point) for point in ("2/7", "5/7", "8/7", "7/4") for sign in (1, -1)
)


class Matrices(NamedTuple):
    """G, A and B' of F(m, r), exactly."""

    filter: tuple[tuple[Fraction, ...], ...]
    output: tuple[tuple[Fraction, ...], ...]
    data: tuple[tuple[Fraction, ...], ...]


@functools.cache
def matrices(outputs: int, window: int) -> Matrices:
    """The matrices of F(outputs, window).

    Each row of B' is scaled to have 1 or -1 as its last coefficient, and the row of G inversely.

    Raises:
      ValueError: if that needs more points than there are good ones.

    >>> import numpy as np
    >>> g, a, b = (np.array(matrix, float) for matrix in matrices(2, 3))
    >>> filter, data = np.array([1.0, 2.0, 3.0]), np.array([5.0, 0.0, -1.0, 4.0])
    >>> a.T @ ((g @ filter) * (b @ data))
    array([ 2., 10.])
    """
    size = outputs + window - 1
    if not 2 <= size <= len(_EIGHT_POINTS) + 1:
        raise ValueError(f"no F({outputs}, {window}): it needs {size} points")
    points = _EIGHT_POINTS if size - 1 == len(_EIGHT_POINTS) else _POINTS[: size - 1]
    interpolation = list(zip(*_inverse(_evaluation(points, size))))
    filter_ = _evaluation(points, window)
    for row, coefficients in enumerate(interpolation):
        scale = abs([c for c in coefficients if c != 0][-1])
        interpolation[row] = tuple(c / scale for c in coefficients)
        filter_[row] = tuple(c * scale for c in filter_[row])
    return Matrices(tuple(filter_), tuple(_evaluation(points, outputs)), tuple(interpolation))


def _evaluation(points: Sequence[Fraction | int], coefficients: int) -> list[tuple[Fraction, ...]]:
    """The values, at the points and at infinity, of polynomials: a row for each point."""
    rows = [tuple(Fraction(point) ** power for power in range(coefficients)) for point in points]
    return [*rows, tuple(Fraction(power == coefficients - 1) for power in range(coefficients))]


def _inverse(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    """The inverse matrix, exactly, by Gauss and Jordan."""
    size = len(matrix)
    rows = [[*row, *(Fraction(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next(k for k in range(i, size) if rows[k][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(size):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i])]
    return [row[size:] for row in rows]


def write_map(
    write: Writer, matrix: Sequence[Sequence[Fraction]], inputs: Sequence[Value]
) -> list[Value]:
    """Writes y = matrix x for vectors x, and returns y.

    Two rows whose coefficients differ by signs only, as those of points p and -p do, share their
    products: with e the sum of the terms that have the same sign in both, and o of the others,
    they are e + o and e - o. For two such columns, x + x' and x - x' are made first.
    """
    outputs: list[Value] = [None] * len(matrix)
    pairs = _mirrored(matrix)
    if pairs:
        for i, j in pairs:
            same: Sequence[Fraction] = [
                a if a == b else Fraction(0) for a, b in zip(matrix[i], matrix[j])
            ]
            other = [Fraction(0) if a == b else a for a, b in zip(matrix[i], matrix[j])]
            e, o = _write_sum(write, same, inputs), _write_sum(write, other, inputs)
            outputs[i], outputs[j] = write.add(e, o), write.subtract(e, o)
    else:
        columns = list(zip(*matrix))
        inputs, changed = list(inputs), [list(row) for row in matrix]
        for i, j in _mirrored(columns):
            x, mirrored = inputs[i], inputs[j]
            inputs[i], inputs[j] = write.add(x, mirrored), write.subtract(x, mirrored)
            for row in changed:
                equal = row[i] == row[j]
                row[i], row[j] = (row[i], Fraction(0)) if equal else (Fraction(0), row[i])
        matrix = [tuple(row) for row in changed]
    for i, coefficients in enumerate(matrix):
        if outputs[i] is None:
            outputs[i] = _write_sum(write, coefficients, inputs)
    return outputs


def _mirrored(rows: Sequence[Sequence[Fraction]]) -> list[tuple[int, int]]:
    """The pairs of rows that differ by signs only, and have enough in common to gain from that."""
    pairs: list[tuple[int, int]] = []
    for i, a in enumerate(rows):
        for j in range(i + 1, len(rows)):
            free = not any({i, j} & set(pair) for pair in pairs)
            if free and [*map(abs, a)] == [*map(abs, rows[j])] and sum(c != 0 for c in a) > 2:
                pairs.append((i, j))
    return pairs


def _write_sum(write: Writer, coefficients: Sequence[Fraction], inputs: Sequence[Value]) -> Value:
    """Writes the sum of coefficient times input; ones cost no multiplication."""
    terms = [(c, x) for c, x in zip(coefficients, inputs) if c != 0]
    terms.sort(key=lambda term: (term[0] != 1, abs(term[0]) != 1))
    if not terms:
        return write.constant(0.0)
    (first, x), *others = terms
    total = x if first == 1 else write.multiply(write.constant(float(first)), x)
    for c, x in others:
        if abs(c) == 1:
            total = write.add(total, x) if c == 1 else write.subtract(total, x)
        else:
            total = write.multiply_add(write.constant(float(c)), x, total)
    return total


# What `write_tile` stands for is put in by `specialize`, as is the number of bytes in a vector.
BYTES = 0
write_tile: Any = None


@native
def _transform(
    source: int,
    source_row: int,
    source_column: int,
    target: int,
    target_row: int,
    target_column: int,
    vectors: int,
) -> None:
    """Transforms a square tile of cells, each of which has some vectors of channels.

    Addresses are in bytes, and so are the distances between rows and columns of cells.
    """
    for v in range(vectors):
        write_tile(
            source + v * BYTES,
            source_row,
            source_column,
            target + v * BYTES,
            target_row,
            target_column,
        )


def _tile_writer(matrix: Sequence[Sequence[Fraction]]) -> Callable[..., None]:
    """The function that writes T = M S M', for S and T whose elements are vectors."""
    outputs, inputs = len(matrix), len(matrix[0])

    def write_tile(
        write: Writer,
        source: Value,
        source_row: Value,
        source_column: Value,
        target: Value,
        target_row: Value,
        target_column: Value,
    ) -> None:
        vector = write.lanes * write.size
        between, row = write.scratch(outputs * inputs), inputs * vector
        with write.loop(write.integer(inputs)) as j:
            column = write.offset(source, j, source_column)
            cells = [write.load(write.offset(column, source_row, i)) for i in range(inputs)]
            for i, cell in enumerate(write_map(write, matrix, cells)):
                write.store(cell, write.offset(write.offset(between, i * row), j, vector))
        with write.loop(write.integer(outputs)) as i:
            line, out = write.offset(between, i, row), write.offset(target, i, target_row)
            cells = [write.load(write.offset(line, j * vector)) for j in range(inputs)]
            for j, cell in enumerate(write_map(write, matrix, cells)):
                write.store(cell, write.offset(out, target_column, j))

    return write_tile


class Transforms:
    """The transforms of F(outputs x outputs, window x window), as addresses of machine code.

    Each is compiled when it is asked for. Their arguments are those of `_transform`.
    """

    def __init__(self, outputs: int, window: int) -> None:
        self.outputs, self.window, self.size = outputs, window, outputs + window - 1
        self._addresses: dict[str, int] = {}

    def filter(self) -> int:
        """U = G g G'."""
        return self._address("filter", matrices(self.outputs, self.window).filter)

    def data(self) -> int:
        """V = B' d B."""
        return self._address("data", matrices(self.outputs, self.window).data)

    def output(self) -> int:
        """y = A' M A."""
        return self._address("output", _transposed(matrices(self.outputs, self.window).output))

    def output_gradient(self) -> int:
        """A dy A'."""
        return self._address("output_gradient", matrices(self.outputs, self.window).output)

    def filter_gradient(self) -> int:
        """G' dU G."""
        gradient = _transposed(matrices(self.outputs, self.window).filter)
        return self._address("filter_gradient", gradient)

    def _address(self, name: str, matrix: Sequence[Sequence[Fraction]]) -> int:
        if name not in self._addresses:
            lanes = machine().lanes(np.float32)
            kernel = _transform.specialize(
                f"_{name}_{self.outputs}_{self.window}_{lanes}",
                BYTES=4 * lanes,
                write_tile=simd.emit_for(_tile_writer(matrix), np.float32, lanes),
            )
            self._addresses[name] = kernel.address()
        return self._addresses[name]


def _transposed(matrix: Sequence[Sequence[Fraction]]) -> list[tuple[Fraction, ...]]:
    return list(zip(*matrix))


@functools.cache
def transforms(outputs: int, window: int) -> Transforms:
    """The transforms of F(outputs x outputs, window x window)."""
    return Transforms(outputs, window)
