"""Products, inverses, factors and contractions of matrices."""

import itertools

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.linalg_ops import householder
from tests.ops.cases.math_ops_arrays import array, broadcast_shape
from tests.ops.op_case import Sample, case, tested_elsewhere

F64 = (np.float64,)
TYPES = (np.float32, np.float64, np.float16, np.int32, np.complex64)
SIZES = st.integers(0, 3)

# ---- MatMul and BatchMatMulV2


@st.composite
def products(draw, dtypes=TYPES):
    rows, inner, columns = draw(SIZES), draw(SIZES), draw(SIZES)
    flags = {"transpose_a": draw(st.booleans()), "transpose_b": draw(st.booleans())}
    a = (inner, rows) if flags["transpose_a"] else (rows, inner)
    b = (columns, inner) if flags["transpose_b"] else (inner, columns)
    dtype = draw(st.sampled_from(dtypes))
    return Sample([array(draw, a, dtype), array(draw, b, dtype)], flags)


def product(a, b):
    """Row by column."""
    result = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for i, k, j in itertools.product(range(a.shape[0]), range(a.shape[1]), range(b.shape[1])):
        result[i, j] += a[i, k] * b[k, j]
    return result


case(
    "MatMul",
    products(),
    lambda a, b, transpose_a, transpose_b: product(
        a.T if transpose_a else a, b.T if transpose_b else b
    ),
    gradients=("a", "b"),
    gradient_samples=products(F64),
)


@st.composite
def batches(draw, dtypes=TYPES):
    rows, inner, columns = draw(SIZES), draw(SIZES), draw(SIZES)
    batch = draw(st.lists(st.integers(0, 2), max_size=2))
    flags = {"adj_x": draw(st.booleans()), "adj_y": draw(st.booleans())}
    x = [inner, rows] if flags["adj_x"] else [rows, inner]
    y = [columns, inner] if flags["adj_y"] else [inner, columns]
    lead = [batch, broadcast_shape(draw, batch)]
    if draw(st.booleans()):
        lead.reverse()
    dtype = draw(st.sampled_from(dtypes))
    return Sample([array(draw, lead[0] + x, dtype), array(draw, lead[1] + y, dtype)], flags)


def batched_product(x, y, adj_x, adj_y):
    x = np.swapaxes(x, -1, -2).conj() if adj_x else x
    y = np.swapaxes(y, -1, -2).conj() if adj_y else y
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    xs = np.broadcast_to(x, batch + x.shape[-2:])
    ys = np.broadcast_to(y, batch + y.shape[-2:])
    result = np.zeros((*batch, x.shape[-2], y.shape[-1]), x.dtype)
    for index in np.ndindex(*batch):
        result[index] = product(xs[index], ys[index])
    return result


case(
    "BatchMatMulV2",
    batches(),
    batched_product,
    gradients=("x", "y"),
    gradient_samples=batches(F64),
)

# ---- inverses and what is like them


@st.composite
def regular(draw, dtypes=(np.float32, np.float64, np.complex128)):
    """Well-conditioned square matrices: the diagonal outweighs the rest."""
    size = draw(SIZES)
    batch = draw(st.lists(st.integers(0, 2), max_size=1))
    x = array(draw, [*batch, size, size], draw(st.sampled_from(dtypes)), -1.0, 1.0)
    return x + np.asarray(4 * np.eye(size), x.dtype)


def eliminated(matrix, right):
    """The solution of one system by Gauss and Jordan's elimination with pivots."""
    wide = np.complex128 if matrix.dtype.kind == "c" else np.float64
    work = np.concatenate([matrix, right], axis=1).astype(wide)
    size = len(matrix)
    for j in range(size):
        pivot = j + int(np.argmax(np.abs(work[j:, j])))
        work[[j, pivot]] = work[[pivot, j]]
        work[j] /= work[j, j]
        for i in range(size):
            if i != j:
                work[i] -= work[i, j] * work[j]
    return work[:, size:]


def solved(matrix, rhs, adjoint):
    matrix = np.swapaxes(matrix, -1, -2).conj() if adjoint else matrix
    result = np.zeros(rhs.shape, rhs.dtype)
    for index in np.ndindex(*matrix.shape[:-2]):
        result[index] = eliminated(matrix[index], rhs[index])
    return result


def inverted(input, adjoint):
    identity = np.broadcast_to(np.eye(input.shape[-1], dtype=input.dtype), input.shape)
    return solved(input, identity, adjoint)


def determinant(input):
    """The sum over all permutations."""
    size = input.shape[-1]
    result = np.zeros(input.shape[:-2], input.dtype)
    for index in np.ndindex(*result.shape):
        for order in itertools.permutations(range(size)):
            swaps = sum(a > b for a, b in itertools.combinations(order, 2))
            term = input.dtype.type((-1) ** swaps)
            for i, j in enumerate(order):
                term = term * input[index][i, j]
            result[index] += term
    return result


def with_adjoint(matrices):
    return st.builds(lambda x, adjoint: Sample([x], {"adjoint": adjoint}), matrices, st.booleans())


loose = {"float32": 1e-4, "float64": 1e-11, "complex128": 1e-11}
case(
    "MatrixInverse",
    with_adjoint(regular()),
    inverted,
    gradients=("input",),
    gradient_samples=with_adjoint(regular(F64)),
    rtol=loose,
)
case(
    "MatrixDeterminant",
    regular().map(lambda x: Sample([x])),
    determinant,
    gradients=("input",),
    gradient_samples=regular(F64).map(lambda x: Sample([x])),
    rtol=loose,
)


@st.composite
def systems(draw, dtypes=(np.float32, np.float64, np.complex128)):
    matrix = draw(regular(dtypes))
    rhs = array(draw, [*matrix.shape[:-1], draw(SIZES)], matrix.dtype)
    return Sample([matrix, rhs], {"adjoint": draw(st.booleans())})


case(
    "MatrixSolve",
    systems(),
    solved,
    gradients=("matrix", "rhs"),
    gradient_samples=systems(F64),
    rtol=loose,
)


# The gradient of Cholesky is that of a symmetric matrix, of which it reads one half only: random
# changes of single elements, as the common test makes them, do not meet it.
tested_elsewhere("Cholesky", "tests/ops/test_math_ops.py::test_cholesky")

# ---- Qr: its values have a case beside the diagonals'; here its gradient


@st.composite
def full_rank(draw):
    """Matrices of full rank, high, square and wide."""
    shape = [draw(st.integers(1, 4)) for _ in range(2)]
    x = array(draw, shape, np.float64, -1.0, 1.0)
    wide = shape[0] <= shape[1]
    return Sample([x + 3 * np.eye(*shape)], {"full_matrices": wide and draw(st.booleans())})


case(
    "Qr",
    full_rank(),
    householder,
    gradients=("input",),
    gradient_samples=full_rank(),
    rtol={"float64": 1e-10},
)

# ---- Cross


@st.composite
def threes(draw, dtypes=(np.float32, np.float64, np.int32)):
    shape = [*draw(st.lists(st.integers(0, 3), max_size=2)), 3]
    dtype = draw(st.sampled_from(dtypes))
    return Sample([array(draw, shape, dtype), array(draw, shape, dtype)])


def crossed(a, b):
    result = np.empty(a.shape, a.dtype)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        result[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return result


case("Cross", threes(), crossed, gradients=("a", "b"), gradient_samples=threes(F64))

# ---- Einsum

EQUATIONS = (
    "ij,jk->ik",
    "bij,bjk->bik",
    "ij->ji",
    "ij->",
    "ii->i",
    "ii->",
    "ij,ij->",
    "i,j->ij",
    "ij,k->ik",
    "ijk,jil->kl",
    "ij,jk,kl->il",
    "aab,b->a",
    "...ij,jk->...ik",
    "...ij,...jk->...ik",
    "i...,i...->...",
    "i...j->j...",
)


@st.composite
def contractions(draw, dtypes=(np.float32, np.float64, np.complex64, np.int32)):
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {label: draw(st.integers(1, 3)) for label in "abcijkl"}
    rest = draw(st.lists(st.integers(1, 2), max_size=2))
    dtype = draw(st.sampled_from(dtypes))
    inputs = []
    for labels in equation.split("->")[0].split(","):
        before, dots, after = labels.partition("...")
        middle = broadcast_shape(draw, rest) if dots else []
        shape = [sizes[c] for c in before] + middle + [sizes[c] for c in after]
        inputs.append(array(draw, shape, dtype, -2.0, 2.0))
    return Sample([inputs], {"equation": equation})


def by_index(inputs, equation):
    """The sum over every value of every label, with an ellipsis as capital labels."""
    labels, output = equation.split("->")
    parts = labels.split(",")
    extra = [x.ndim - len(p.replace("...", "")) for x, p in zip(inputs, parts, strict=True)]
    most = max(extra)
    names = "WXYZ"[4 - most :] if most else ""
    parts = [
        p.replace("...", names[most - e :] if e else "") for p, e in zip(parts, extra, strict=True)
    ]
    output = output.replace("...", names)
    sizes = {}
    for x, part in zip(inputs, parts, strict=True):
        for label, size in zip(part, x.shape, strict=True):
            sizes[label] = max(size, sizes.get(label, 1))
    result = np.zeros([sizes[label] for label in output], inputs[0].dtype)
    for values in itertools.product(*(range(size) for size in sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        term = inputs[0].dtype.type(1)
        for x, part in zip(inputs, parts, strict=True):
            place = (at[c] if d > 1 else 0 for c, d in zip(part, x.shape, strict=True))
            term = term * x[tuple(place)]
        result[tuple(at[label] for label in output)] += term
    return result


case(
    "Einsum",
    contractions(),
    by_index,
    gradients=("inputs",),
    gradient_samples=contractions(F64),
)
