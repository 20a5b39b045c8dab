"""Diagonals and the QR decomposition."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample, case

ALIGNMENTS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")


def array(draw, shape, dtype):
    values = draw(
        st.lists(st.integers(-9, 9), min_size=math.prod(shape), max_size=math.prod(shape))
    )
    return np.array(values, np.int64).astype(dtype).reshape(shape)


def dtypes(only_float64):
    return st.sampled_from([np.float64] if only_float64 else [np.float32, np.float64, np.int32])


@st.composite
def diagonals(draw, only_float64=False, twice=False):
    dims = draw(st.lists(st.integers(0, 3), min_size=1, max_size=2))
    return Sample([array(draw, dims * 2 if twice else dims, draw(dtypes(only_float64)))])


def diag(diagonal):
    result = np.zeros(diagonal.shape * 2, diagonal.dtype)
    for index in np.ndindex(*diagonal.shape):
        result[index * 2] = diagonal[index]
    return result


def diag_part(input):
    result = np.zeros(input.shape[: input.ndim // 2], input.dtype)
    for index in np.ndindex(*result.shape):
        result[index] = input[index * 2]
    return result


case(
    "Diag",
    diagonals(),
    diag,
    gradients=("diagonal",),
    gradient_samples=diagonals(only_float64=True),
)
case(
    "DiagPart",
    diagonals(twice=True),
    diag_part,
    gradients=("input",),
    gradient_samples=diagonals(only_float64=True, twice=True),
)


# ---- bands


def element_of_packed(rows, columns, low, high, align):
    """Yields (diagonal's number, place in its packed row, row, column) of a band's elements."""
    lengths = {k: sum(0 <= i + k < columns for i in range(rows)) for k in range(low, high + 1)}
    longest = max(lengths.values())
    above, below = align.split("_")
    for k in range(high, low - 1, -1):
        left = (k >= 0 and above == "LEFT") or (k <= 0 and below == "LEFT")
        place = 0 if left else longest - lengths[k]
        for i in range(rows):
            if 0 <= i + k < columns:
                yield high - k, place, i, i + k
                place += 1


def longest_of(rows, columns, low, high):
    return max(sum(0 <= i + k < columns for i in range(rows)) for k in range(low, high + 1))


def packed_shape(batch, rows, columns, low, high):
    band = [] if low == high else [high - low + 1]
    return [*batch, *band, longest_of(rows, columns, low, high)]


def with_band(diagonal, low, high):
    return diagonal[..., None, :] if low == high else diagonal


def matrix_diag_part(input, k, padding_value, align):
    low, high = int(np.ravel(k)[0]), int(np.ravel(k)[-1])
    rows, columns = input.shape[-2:]
    shape = packed_shape(input.shape[:-2], rows, columns, low, high)
    result = np.full(shape, padding_value, input.dtype)
    banded = with_band(result, low, high)
    for n, place, i, j in element_of_packed(rows, columns, low, high, align):
        banded[..., n, place] = input[..., i, j]
    return result


def matrix_set_diag(input, diagonal, k, align):
    low, high = int(np.ravel(k)[0]), int(np.ravel(k)[-1])
    rows, columns = input.shape[-2:]
    result = input.copy()
    banded = with_band(diagonal, low, high)
    for n, place, i, j in element_of_packed(rows, columns, low, high, align):
        result[..., i, j] = banded[..., n, place]
    return result


def matrix_diag(diagonal, k, num_rows, num_cols, padding_value, align):
    low, high = int(np.ravel(k)[0]), int(np.ravel(k)[-1])
    longest = diagonal.shape[-1]
    rows, columns = int(num_rows), int(num_cols)
    least = longest - min(high, 0), longest + max(low, 0)
    if rows == columns == -1:
        rows = columns = max(least)
    rows, columns = (n if n >= 0 else m for n, m in zip((rows, columns), least, strict=True))
    batch = with_band(diagonal, low, high).shape[:-2]
    empty = np.full((*batch, rows, columns), padding_value, diagonal.dtype)
    return matrix_set_diag(empty, diagonal, k, align)


@st.composite
def bands(draw, kind, only_float64=False):
    dtype = draw(dtypes(only_float64))
    batch = draw(st.lists(st.integers(0, 2), max_size=1))
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    low = draw(st.integers(1 - rows, columns - 1))
    high = draw(st.integers(low, columns - 1))
    single = low == high and draw(st.booleans())
    k = np.array(low if single else [low, high], np.int32)
    attrs = {"align": draw(st.sampled_from(ALIGNMENTS))}
    matrix = array(draw, [*batch, rows, columns], dtype)
    packed = array(draw, packed_shape(batch, rows, columns, low, high), dtype)
    padding = array(draw, [], dtype)
    if kind == "part":
        return Sample([matrix, k, padding], attrs)
    if kind == "set":
        return Sample([matrix, packed, k], attrs)
    longest = packed.shape[-1]
    sizes = [rows, columns]
    # What is left to be inferred is as small as the longest diagonal allows; all must fit into it.
    least = longest - min(high, 0), longest + max(low, 0)
    if -least[0] < low and high < least[1]:
        more = draw(st.integers(0, 2))
        inferred = [[-1, -1], [least[0] + more, -1], [-1, least[1] + more]]
        sizes = draw(st.sampled_from([sizes, *inferred]))
    return Sample([packed, k, *(np.array(n, np.int32) for n in sizes), padding], attrs)


case(
    "MatrixDiagV3",
    bands("diag"),
    matrix_diag,
    static=("k", "num_rows", "num_cols"),
    gradients=("diagonal",),
    gradient_samples=bands("diag", only_float64=True),
)
case(
    "MatrixDiagPartV3",
    bands("part"),
    matrix_diag_part,
    static=("k",),
    gradients=("input",),
    gradient_samples=bands("part", only_float64=True),
)
case(
    "MatrixSetDiagV3",
    bands("set"),
    matrix_set_diag,
    static=("k",),
    gradients=("input", "diagonal"),
    gradient_samples=bands("set", only_float64=True),
)


# ---- Qr


@st.composite
def matrices(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=2, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.complex128]))
    return Sample(
        [rng.standard_normal(shape).astype(dtype)], {"full_matrices": draw(st.booleans())}
    )


def householder(input, full_matrices):
    """QR by reflections: what Lapack does, one matrix at a time."""
    *batch, rows, columns = input.shape
    inner = rows if full_matrices else min(rows, columns)
    q_all = np.zeros((*batch, rows, inner), input.dtype)
    r_all = np.zeros((*batch, inner, columns), input.dtype)
    for index in np.ndindex(*batch):
        r = input[index].astype(np.complex128 if input.dtype.kind == "c" else np.float64)
        q = np.eye(rows, dtype=r.dtype)
        for j in range(min(rows, columns)):
            x = r[j:, j]
            tail = np.linalg.norm(x[1:])
            if tail == 0 and x[0].imag == 0:
                continue
            beta = -np.copysign(np.sqrt(abs(x[0]) ** 2 + tail**2), x[0].real)
            tau = (beta - x[0]) / beta
            v = np.concatenate([[1], x[1:] / (x[0] - beta)])
            reflection = np.eye(rows, dtype=r.dtype)
            reflection[j:, j:] -= tau * np.outer(v, v.conj())
            r = reflection.conj().T @ r
            q = q @ reflection
        q_all[index], r_all[index] = q[:, :inner], np.triu(r)[:inner]
    return q_all, r_all


case("Qr", matrices(), householder, rtol={"float32": 1e-4, "float64": 1e-11, "complex128": 1e-11})
