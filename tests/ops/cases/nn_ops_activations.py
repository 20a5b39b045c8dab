"""Activations, softmax, losses and biases."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.math_ops_arrays import FLOATS, SHAPES, array
from tests.ops.op_case import Sample, case

REAL = (np.float32, np.float64, np.float16, np.int8, np.int32, np.int64)
FLOAT64 = (np.float64,)


def elementwise(function):
    """An oracle for arrays, from a function of Python numbers."""

    def oracle(*arrays, **attrs):
        arrays = np.broadcast_arrays(*arrays)
        result = np.empty(arrays[0].shape, arrays[0].dtype)
        for index in np.ndindex(*result.shape):
            result[index] = function(*(a[index].item() for a in arrays), **attrs)
        return result

    return oracle


@st.composite
def same_shape(draw, count=1, dtypes=FLOATS, **attrs):
    """Arrays of one shape, without the kinks at 0 and 6 for float64."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(SHAPES)
    arrays = [array(draw, shape, dtype, -9.0, 9.0) for _ in range(count)]
    if np.dtype(dtype).kind == "f":
        arrays = [np.where(np.abs(a % 3) < 0.01, a + a.dtype.type(0.1), a) for a in arrays]
    return Sample(arrays, {name: draw(values) for name, values in attrs.items()})


def activation(name, function, grad_name, grad_function, dtypes=FLOATS, **attrs):
    """The cases of an activation and of the op that its gradient is made of."""
    case(
        name,
        same_shape(dtypes=dtypes, **attrs),
        elementwise(function),
        gradients=("features",),
        gradient_samples=same_shape(dtypes=FLOAT64, **attrs),
    )
    second = "outputs" if name in ("Elu", "Selu") else "features"
    case(
        grad_name,
        same_shape(2, dtypes, **attrs),
        elementwise(grad_function),
        gradients=("gradients", second),
        gradient_samples=same_shape(2, FLOAT64, **attrs),
    )


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
SLOPES = st.sampled_from([0.0, 0.25, 2.0])  # numbers that 32 bits hold exactly


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


activation(
    "Relu",
    lambda x: max(x, 0),
    "ReluGrad",
    lambda g, x: g if x > 0 else 0,
    REAL,
)
activation(
    "Relu6",
    lambda x: min(max(x, 0), 6),
    "Relu6Grad",
    lambda g, x: g if 0 < x < 6 else 0,
    REAL,
)
activation(
    "LeakyRelu",
    lambda x, alpha: x if x > 0 else alpha * x,
    "LeakyReluGrad",
    lambda g, x, alpha: g if x > 0 else alpha * g,
    alpha=SLOPES,
)
activation(
    "Elu",
    lambda x: x if x > 0 else math.exp(x) - 1,
    "EluGrad",
    lambda g, y: g if y >= 0 else g * (y + 1),
)
activation(
    "Selu",
    lambda x: SCALE * x if x > 0 else SCALE * ALPHA * (math.exp(x) - 1),
    "SeluGrad",
    lambda g, y: g * SCALE if y >= 0 else g * (y + SCALE * ALPHA),
)
activation(
    "Softplus",
    lambda x: math.log(1 + math.exp(x)),
    "SoftplusGrad",
    lambda g, x: g * sigmoid(x),
)
activation(
    "Softsign",
    lambda x: x / (1 + abs(x)),
    "SoftsignGrad",
    lambda g, x: g / (1 + abs(x)) ** 2,
)


# ---- softmax


@st.composite
def logits(draw, dtypes=FLOATS):
    shape = [*draw(st.lists(st.integers(0, 3), max_size=2)), draw(st.integers(0, 4))]
    return Sample([array(draw, shape, draw(st.sampled_from(dtypes)), -9.0, 9.0)])


def softmax(logits):
    """Row by row, from the definition, in double precision."""
    result = np.empty(logits.shape, np.float64)
    for index in np.ndindex(*logits.shape[:-1]):
        row = logits[index].astype(np.float64)
        powers = [math.exp(x) for x in row]
        result[index] = [p / sum(powers) for p in powers]
    return result


case("Softmax", logits(), softmax, gradients=("logits",), gradient_samples=logits(FLOAT64))
case(
    "LogSoftmax",
    logits(),
    lambda x: np.log(softmax(x)),
    gradients=("logits",),
    gradient_samples=logits(FLOAT64),
)


# ---- losses


@st.composite
def logits_and_labels(draw, dtypes=FLOATS, is_normalized=False):
    """Logits and labels; one side may be a single row for all.

    The gradient by the logits is TensorFlow's: right for labels that sum to 1.
    """
    rows, classes = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from(dtypes))
    few = draw(st.sampled_from([(rows, rows), (rows, rows), (1, rows), (rows, 1)]))
    features = array(draw, [few[0], classes], dtype)
    labels = array(draw, [few[1], classes], dtype, 0.1, 1.0)
    if is_normalized:
        labels /= labels.sum(axis=1, keepdims=True)
    return Sample([features, labels])


def softmax_cross_entropy(features, labels):
    features, labels = np.broadcast_arrays(features, labels)
    probabilities = softmax(features)
    loss = [
        -sum(y * math.log(p) for y, p in zip(y_row, p_row, strict=True))
        for y_row, p_row in zip(labels.astype(np.float64), probabilities, strict=True)
    ]
    return np.array(loss, np.float64), probabilities - labels


case(
    "SoftmaxCrossEntropyWithLogits",
    logits_and_labels(),
    softmax_cross_entropy,
    gradients=("features", "labels"),
    gradient_samples=logits_and_labels(FLOAT64, is_normalized=True),
)


@st.composite
def logits_and_classes(draw, dtypes=FLOATS):
    rows, classes = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    features = array(draw, [rows, classes], draw(st.sampled_from(dtypes)))
    labels = array(draw, [rows], draw(st.sampled_from([np.int32, np.int64])), 0, classes - 1)
    return Sample([features, labels])


def sparse_softmax_cross_entropy(features, labels):
    one_hot = np.zeros(features.shape)
    for row, label in enumerate(labels):
        one_hot[row, label] = 1
    return softmax_cross_entropy(features, one_hot)


case(
    "SparseSoftmaxCrossEntropyWithLogits",
    logits_and_classes(),
    sparse_softmax_cross_entropy,
    gradients=("features",),
    gradient_samples=logits_and_classes(FLOAT64),
)
case(
    "L2Loss",
    same_shape(),
    lambda t: np.asarray(math.fsum(float(x) ** 2 for x in t.ravel()) / 2),
    gradients=("t",),
    gradient_samples=same_shape(dtypes=FLOAT64),
)


# ---- biases

FORMATS = st.sampled_from(["NHWC", "NCHW"])
BIASED = (np.float32, np.float64, np.int32, np.complex64)


@st.composite
def value_and_bias(draw, dtypes=BIASED):
    shape = draw(st.lists(st.integers(0, 3), min_size=2, max_size=4))
    data_format = draw(FORMATS)
    dtype = draw(st.sampled_from(dtypes))
    channels = shape[1] if data_format == "NCHW" else shape[-1]
    arrays = [array(draw, shape, dtype), array(draw, [channels], dtype)]
    return Sample(arrays, {"data_format": data_format})


@st.composite
def biased(draw, dtypes=BIASED):
    sample = draw(value_and_bias(dtypes))
    return Sample(sample.inputs[:1], sample.attrs)


def channels_last(value, data_format):
    return np.moveaxis(value, 1, -1) if data_format == "NCHW" else value


def bias_add(value, bias, data_format):
    result = value.copy()
    for c, number in enumerate(bias):
        channels_last(result, data_format)[..., c] += number
    return result


def bias_add_grad(out_backprop, data_format):
    moved = channels_last(out_backprop, data_format)
    return np.array([moved[..., c].sum() for c in range(moved.shape[-1])], out_backprop.dtype)


case(
    "BiasAdd",
    value_and_bias(),
    bias_add,
    gradients=("value", "bias"),
    gradient_samples=value_and_bias(FLOAT64),
)
case(
    "BiasAddGrad",
    biased(),
    bias_add_grad,
    gradients=("out_backprop",),
    gradient_samples=biased(FLOAT64),
)
