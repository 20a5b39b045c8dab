"""Identities, shapes, reshaping and filling."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.array_ops_arrays import ANY, NUMBERS, arrays, axes, index_dtypes, shapes
from tests.ops.op_case import Sample, case, tested_elsewhere

FLOAT64 = (np.float64,)


def of_one(dtypes=ANY):
    return st.builds(lambda x: Sample([x]), arrays(dtypes))


def same(input, **attrs):
    return input


# ---- identities

for name, argument in (("Identity", "input"), ("EnsureShape", "input")):
    attrs = {"shape": None} if name == "EnsureShape" else {}
    case(
        name,
        st.builds(lambda x, a=attrs: Sample([x], a), arrays()),
        same,
        gradients=(argument,),
        gradient_samples=st.builds(lambda x, a=attrs: Sample([x], a), arrays(FLOAT64)),
    )

case("StopGradient", of_one(), same)
case(
    "PlaceholderWithDefault",
    st.builds(lambda x: Sample([x], {"shape": [None] * x.ndim}), arrays()),
    same,
    gradients=("input",),
    gradient_samples=st.builds(lambda x: Sample([x], {"shape": list(x.shape)}), arrays(FLOAT64)),
)
case(
    "IdentityN",
    st.builds(lambda xs: Sample([xs]), st.lists(arrays(), min_size=1, max_size=3)),
    lambda inputs: inputs,
    gradients=("input",),
    gradient_samples=st.builds(
        lambda xs: Sample([xs]), st.lists(arrays(FLOAT64), min_size=1, max_size=3)
    ),
)
tested_elsewhere("Placeholder", "tests/ops/test_array_ops.py::test_placeholder")
tested_elsewhere("PreventGradient", "tests/ops/test_array_ops.py::test_prevent_gradient")

# ---- shapes

INDEX = st.sampled_from(["int32", "int64"])
SHAPE_SAMPLES = st.builds(lambda x, t: Sample([x], {"out_type": t}), arrays(), INDEX)

case("Shape", SHAPE_SAMPLES, lambda input, out_type: np.array(input.shape, out_type))
case("Size", SHAPE_SAMPLES, lambda input, out_type: np.array(math.prod(input.shape), out_type))
case("Rank", of_one(), lambda input: np.int32(len(input.shape)))
case(
    "ShapeN",
    st.builds(
        lambda xs, t: Sample([xs], {"out_type": t}),
        st.lists(arrays(FLOAT64), min_size=1, max_size=3),
        INDEX,
    ),
    lambda input, out_type: [np.array(x.shape, out_type) for x in input],
)


@st.composite
def reshapes(draw, dtypes=ANY):
    x = draw(arrays(dtypes, sizes=(1, 2, 3, 4)))
    left, dims = x.size, []
    while left > 1 or draw(st.integers(0, 2)) == 0:
        size = draw(st.sampled_from([d for d in range(1, left + 1) if left % d == 0]))
        dims.append(size)
        left //= size
        if len(dims) == 4:
            break
    if left > 1:
        dims.append(left)
    if dims and draw(st.booleans()):
        dims[draw(st.integers(0, len(dims) - 1))] = -1
    return Sample([x, np.array(dims, draw(index_dtypes()))])


def reshape(tensor, shape):
    flat = list(tensor.flat)
    known = math.prod(d for d in shape.tolist() if d != -1)
    dims = [len(flat) // known if d == -1 else d for d in shape.tolist()]
    result = np.empty(dims, tensor.dtype)
    for i, index in enumerate(np.ndindex(*dims)):
        result[index] = flat[i]
    return result


case(
    "Reshape",
    reshapes(),
    reshape,
    static=("shape",),
    gradients=("tensor",),
    gradient_samples=reshapes(FLOAT64),
)


@st.composite
def expansions(draw, dtypes=ANY):
    x = draw(arrays(dtypes))
    axis = draw(axes(x.ndim + 1))
    return Sample([x, np.array(axis, draw(index_dtypes()))])


def expand_dims(input, dim):
    axis = int(dim) % (input.ndim + 1)
    return input.reshape(input.shape[:axis] + (1,) + input.shape[axis:])


case(
    "ExpandDims",
    expansions(),
    expand_dims,
    static=("dim",),
    gradients=("input",),
    gradient_samples=expansions(FLOAT64),
)


@st.composite
def squeezes(draw, dtypes=ANY):
    x = draw(arrays(dtypes, sizes=(0, 1, 1, 3)))
    single = [i for i, d in enumerate(x.shape) if d == 1]
    chosen = draw(st.lists(st.sampled_from(single), unique=True)) if single else []
    signed = [i - x.ndim if draw(st.booleans()) else i for i in chosen]
    return Sample([x], {"squeeze_dims": signed})


def squeeze(input, squeeze_dims):
    drop = [a % input.ndim for a in squeeze_dims] or range(input.ndim)
    return input.reshape([d for i, d in enumerate(input.shape) if d != 1 or i not in drop])


case(
    "Squeeze",
    squeezes(),
    squeeze,
    gradients=("input",),
    gradient_samples=squeezes(FLOAT64),
)

# ---- filling


@st.composite
def fills(draw, dtypes=ANY):
    return Sample([np.array(draw(shapes()), draw(index_dtypes())), draw(arrays(dtypes, shape=[]))])


def fill(dims, value):
    return np.array([value] * math.prod(dims.tolist()), value.dtype).reshape(dims)


case(
    "Fill",
    fills(),
    fill,
    static=("dims",),
    gradients=("value",),
    gradient_samples=fills(FLOAT64),
)
case("ZerosLike", of_one(), lambda x: x * 0 if x.dtype != object else np.full(x.shape, b"", object))
case("OnesLike", of_one((*NUMBERS, np.bool_)), lambda x: np.array(x * 0 + 1, x.dtype))
