"""With this module one can multiply matrices on all cores, with the same bits on any number.

Large products of float32 and float64 run on the project's own microkernel (`packed_product`), which
is somewhat faster than OpenBLAS; all others on numpy's BLAS, in pieces. `_on_blas` is the one place
that decides, and `why` says for what reason.

numpy's BLAS would use all cores by itself, but then keeps them from the kernels that come next (see
`blas`); and how it shares out the work, and so the last bit, depends on how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import packed_product
from minitf.kernels.blas import is_openblas, single_threaded
from minitf.kernels.dispatch import compiles
from minitf.kernels.parallel import parallel_ranges
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]

# Multiply-adds in a block: some 80 microseconds, and large enough for BLAS to be at its best.
_BLOCK = 1 << 22

# BLAS computes tiles of the result; a block's edges lie on edges of tiles.
_TILE = 64

# Where one of the matrices has few rows or columns, reading the other takes all the time. OpenBLAS
# copies it before it multiplies, unless there are no more than a million multiply-adds: a block of
# so many stays below that. A vector it multiplies without copying, in blocks as large as can be.
_THIN, _THIN_BLOCK, _THIN_TILE = 8, 750_000, 16
_VECTOR_BLOCK = 3 << 19


# The microkernel wins from so many multiply-adds on, with so many rows, columns and terms.
_LARGE, _LEAST = 1 << 22, 16

# A product that the caches do not hold, of so few terms that to write it down and to read it back
# takes a good part of the time.
_LARGE_PRODUCT, _FEW_TERMS = 1 << 20, 256


def _on_blas(dtype: np.dtype[Any], rows: int, inner: int, columns: int) -> str:
    """Why a product is computed by BLAS, or nothing if it is not."""
    if rows * inner * columns < _LARGE:
        return "the product is small"
    if min(rows, inner, columns) < _LEAST:
        return "one of the matrices is thin"
    if not is_openblas():
        return "this library may know more about the processor"
    if not compiles(dtype):  # last, since asking imports Numba
        return f"{dtype} does not run compiled here"
    return ""


def why(dtype: npt.DTypeLike, sizes: Sequence[int]) -> str:
    """Says what computes a product, and for what reason.

    Args:
      dtype: of the matrices.
      sizes: rows of the left matrix, its columns, and columns of the right one.

    >>> why("float32", (2, 3, 4)).startswith("BLAS: ")
    True
    """
    reason = _on_blas(np.dtype(dtype), *sizes)
    return f"BLAS: {reason}" if reason else "microkernel: the product is large"


def matmul(
    a: Array,
    b: Array,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    out: Array | None = None,
) -> Array:
    """The matrix product out[i, j] = sum_k a[i, k] b[k, j]. Mirrors the kernel of `tf.matmul`.

    Args:
      a: of shape (m, k), or (k, m) if `transpose_a`.
      b: of shape (k, n), or (n, k) if `transpose_b`, and of the dtype of `a`.
      transpose_a: multiply with the transpose of `a`.
      transpose_b: multiply with the transpose of `b`.
      out: where to put the result, of shape (m, n), if given.

    Returns:
      `out`, or a new array.

    Raises:
      ValueError: if the shapes do not fit, or that of `out` is another.

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    given = a, b
    a, b = a.T if transpose_a else a, b.T if transpose_b else b
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matrices of shapes {a.shape} and {b.shape} cannot be multiplied")
    (rows, inner), columns = a.shape, b.shape[1]
    if out is None:
        out = np.empty((rows, columns), a.dtype)
    elif out.shape != (rows, columns):  # what is written there is not checked again
        raise ValueError(f"out must have shape {(rows, columns)}, got {out.shape}")
    result = out
    fits = a.dtype == b.dtype == out.dtype and out.flags.c_contiguous
    if fits and not _on_blas(a.dtype, rows, inner, columns):
        packed_product.multiply(*given, out, transpose_a=transpose_a, transpose_b=transpose_b)
        return out

    def some_rows(start: int, stop: int) -> None:
        np.matmul(a[start:stop], b, out=result[start:stop])

    def some_columns(start: int, stop: int) -> None:
        np.matmul(a, b[:, start:stop], out=result[:, start:stop])

    thin, total = min(rows, columns), max(rows, columns)
    least, multiple = (_THIN_BLOCK, _THIN_TILE) if thin <= _THIN else (_BLOCK, _TILE)
    if thin == 1:
        least = _VECTOR_BLOCK
    some = some_rows if rows > columns else some_columns
    with single_threaded():
        parallel_ranges(total, some, work=thin * inner, least=least, multiple=multiple)
    return result


class InParts(NamedTuple):
    """A matrix product of which each thread computes the rows that it needs, when it needs them.

    Where something passes once over a large product, that saves writing it to memory and reading
    it back.

    Attributes:
      a, b, transpose_a, transpose_b: as for `matmul`.

    >>> product = InParts(np.ones((3, 2), np.float32), np.ones((2, 4), np.float32))
    >>> product.shape, product.rows(1, 3).shape
    ((3, 4), (2, 4))
    """

    a: Array
    b: Array
    transpose_a: bool = False
    transpose_b: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Of the whole product."""
        return self.a.shape[self.transpose_a], self.b.shape[not self.transpose_b]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the product."""
        return self.a.dtype

    @property
    def size(self) -> int:
        """How many numbers the whole product has."""
        return self.shape[0] * self.shape[1]

    def suits(self) -> bool:
        """Whether the numbers are those of `matmul`, to the bit, and faster if used once."""
        if self.a.ndim != 2 or self.b.ndim != 2:
            return False
        (rows, columns), inner = self.shape, self.a.shape[not self.transpose_a]
        fits = inner == self.b.shape[self.transpose_b]
        large = self.size >= _LARGE_PRODUCT and inner <= _FEW_TERMS
        return fits and large and not _on_blas(self.dtype, rows, inner, columns)

    def rows(self, start: int, stop: int) -> Array:
        """Some rows of the product, which are there until this thread asks for others."""
        part = self.a[:, start:stop] if self.transpose_a else self.a[start:stop]
        left = workspace("left part", part.shape, self.dtype)
        np.copyto(left, part)
        result = workspace("part", (stop - start, self.shape[1]), self.dtype)
        packed_product.multiply(
            left, self.b, result, transpose_a=self.transpose_a, transpose_b=self.transpose_b
        )
        return result
