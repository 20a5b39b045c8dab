"""Inputs at which gradients of ops are compared with TensorFlow's.

They are drawn from the strategies in `tests/ops/cases`, which say of each op where it is smooth;
what has no case there has a strategy here. A drawn sample is rounded to float32, so that one sample
is the same numbers in float32, in float64 and, for the real part, as complex numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minitf.framework import op_def as op_def_lib
from minitf.framework.dtypes import DType, as_dtype
from tests.ops import cases as _cases  # noqa: F401 - registers the cases
from tests.ops.cases.math_ops_arrays import array, binary, unary
from tests.ops.op_case import CASES, Sample

DTYPES = ("float32", "float64", "complex64", "complex128")

# Of these TensorFlow has no gradient, so that there is nothing to compare with.
NO_GRADIENT = {
    "LRNGrad": "minitf has none either, and says so",
    "MaxPoolGradGradWithArgmax": "a third derivative of pooling",
    "MaxPoolGradWithArgmax": "the second derivative of pooling with places",
    "Mod": "TensorFlow differentiates FloorMod only",
    "PreventGradient": "both engines refuse, which is its purpose",
    "SoftsignGrad": "the second derivative of softsign",
    "TruncateMod": "TensorFlow differentiates FloorMod only",
}
# These work in pairs, or on variables: functions in `builders/gradients.py` are made of them.
IN_BUILDERS = ("Merge", "RefMerge", "RefSwitch", "Switch")

# Of which outputs gradients are taken, where not of all.
OUTPUTS = {
    # The second is the gradient by the features, which TensorFlow takes for free of the labels.
    "SoftmaxCrossEntropyWithLogits": (0,),
}


@dataclass(frozen=True)
class Source:
    """Where samples of one op come from.

    Attributes:
      samples: a strategy of samples in float64 (complex128 where an input has to be complex).
      outputs: from a sample to its outputs, of which only the shapes are used.
      static: inputs that are constants where static shapes are known.
    """

    op: str
    samples: st.SearchStrategy[Sample]
    outputs: Callable[..., Any]
    static: tuple[str, ...] = ()


def sources() -> dict[str, list[Source]]:
    """By op with a gradient, in the registry's order: where its samples come from."""
    found: dict[str, list[Source]] = {}
    for op in op_def_lib.all_ops():
        if op.gradient_fn is None or op.name in NO_GRADIENT:
            continue
        of_op = [
            Source(
                op.name,
                case.samples if case.gradient_samples is None else case.gradient_samples,
                case.oracle,
                case.static,
            )
            for case in CASES.get(op.name, [])
            if case.gradients and op.name != "EnsureShape"  # its shape is not known at all there
        ]
        if op.name.startswith("Conv2D"):
            # In float64 TensorFlow's kernels know neither dilations nor groups of channels.
            of_op.append(replace(of_op[0], samples=of_op[0].samples.filter(_one_group)))
        of_op += [source for source in EXTRA if source.op == op.name]
        if of_op:
            found[op.name] = of_op
    return found


# ---- ops that have no case of their own


@st.composite
def complex_arrays(draw: Any, **attrs: Any) -> Sample:
    """One array of complex numbers away from 0."""
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = array(draw, shape, np.float64, 0.5, 3.0)
    return Sample([size * np.exp(1j * array(draw, shape, np.float64, -3.0, 3.0))], attrs)


@st.composite
def two_parts(draw: Any) -> Sample:
    """A real and an imaginary part, which broadcast."""
    return Sample(draw(binary((np.float64,))).inputs, {"Tout": np.complex128})


@st.composite
def casts(draw: Any) -> Sample:
    """Conversions to a dtype that is always the same."""
    target = draw(st.sampled_from([np.float32, np.float16, np.int32, np.complex64]))
    return Sample(draw(unary((np.float64,))).inputs, {"DstT": target})


@st.composite
def shapes_ensured(draw: Any) -> Sample:
    """One array, and a shape that leaves dims open."""
    sample = draw(unary((np.float64,)))
    dims = [None if draw(st.booleans()) else size for size in sample.inputs[0].shape]
    return Sample(sample.inputs, {"shape": dims})


@st.composite
def positive_definite(draw: Any) -> Sample:
    """A stack of matrices that have a Cholesky factor."""
    size = draw(st.integers(1, 4))
    shape = [*draw(st.lists(st.integers(0, 2), max_size=2)), size, size]
    root = array(draw, shape, np.float64, -1.0, 1.0)
    return Sample([root @ np.swapaxes(root, -1, -2) + np.eye(size)])


@st.composite
def normalized(draw: Any) -> Sample:
    """Images for LRN, and its settings."""
    shape = [draw(st.integers(1, 3)) for _ in range(3)] + [draw(st.integers(1, 6))]
    attrs = {"depth_radius": draw(st.integers(0, 3)), "bias": 1.5, "alpha": 0.5, "beta": 0.75}
    return Sample([array(draw, shape, np.float64)], attrs)


def batch_norm(draw: Any) -> tuple[list[int], dict[str, Any], Callable[[float, float], Any]]:
    """A shape of images, settings, and what draws a vector with an element per channel."""
    shape = [draw(st.integers(2, 3)) for _ in range(4)]
    data_format = "NHWC"
    attrs = {"epsilon": 0.01, "data_format": data_format, "is_training": draw(st.booleans())}
    return shape, attrs, lambda low, high: array(draw, shape[3:], np.float64, low, high)


@st.composite
def batch_norms(draw: Any) -> Sample:
    """Inputs of FusedBatchNormV3; while training it takes no mean and variance."""
    shape, attrs, vector = batch_norm(draw)
    image = array(draw, shape, np.float64)
    moments = [vector(-1.0, 1.0), vector(0.5, 2.0)]
    if attrs["is_training"]:
        moments = [np.zeros(0), np.zeros(0)]
    return Sample([image, vector(0.5, 2.0), vector(-1.0, 1.0), *moments], attrs)


@st.composite
def batch_norm_grads(draw: Any) -> Sample:
    """Inputs of FusedBatchNormGradV3: the reserved ones are those that training would have left."""
    shape, attrs, vector = batch_norm(draw)
    image, grad = array(draw, shape, np.float64), array(draw, shape, np.float64)
    moments = [vector(-1.0, 1.0), vector(0.5, 2.0)]
    if attrs["is_training"]:
        moments = [image.mean((0, 1, 2)), image.var((0, 1, 2))]
    return Sample([grad, image, vector(0.5, 2.0), *moments, np.zeros(0)], attrs)


def first(*inputs: Any, **_: Any) -> Any:
    """Outputs of the first input's shape."""
    return inputs[0]


def batch_norm_outputs(image: Any, scale: Any, *_: Any, **__: Any) -> Any:
    """The images, four vectors of one element per channel, and a last output that is not used."""
    return image, scale, scale, scale, scale, np.zeros(0)


def batch_norm_grad_outputs(grad: Any, image: Any, scale: Any, *_: Any, **__: Any) -> Any:
    """What goes back to the images, the scale and the offset, and two empty outputs."""
    return image, scale, scale, np.zeros(0), np.zeros(0)


EXTRA = [
    Source("Angle", complex_arrays(Tout=np.float64), first),
    Source("Cast", casts(), first),
    Source("Cholesky", positive_definite(), first),
    Source("Complex", two_parts(), lambda x, y, **_: x + y),
    Source("ComplexAbs", complex_arrays(Tout=np.float64), first),
    Source("Conj", complex_arrays(), first),
    Source("EnsureShape", shapes_ensured(), first),
    Source("FusedBatchNormGradV3", batch_norm_grads(), batch_norm_grad_outputs),
    Source("FusedBatchNormV3", batch_norms(), batch_norm_outputs),
    Source("Imag", complex_arrays(Tout=np.float64), first),
    Source("LRN", normalized(), first),
    Source("Real", complex_arrays(Tout=np.float64), first),
    Source("Conj", unary((np.float64,)), first),
]


# ---- what TensorFlow's kernels for this processor do not do, or not well

_CHANNELS_LAST = "its kernels for this processor want channels last"


def _plain_window(sample: Sample) -> bool:
    return sample.attrs["data_format"] == "NHWC" and all(a.size for a in flat(sample))


def _image_and_filter(sample: Sample) -> Any:
    """The shapes of a convolution's image and filter, one of which may be given as a vector."""
    return (value if value.ndim == 1 else value.shape for value in sample.inputs[:2])


def _plain_convolution(sample: Sample) -> bool:
    image, _ = _image_and_filter(sample)
    stride = sample.attrs["strides"][2]
    return _plain_window(sample) and (stride == 1 or image[2] > stride)


def _one_group(sample: Sample) -> bool:
    image, filter = _image_and_filter(sample)
    return image[-1] == filter[2] and set(sample.attrs["dilations"]) == {1}


def _plain_depthwise(sample: Sample) -> bool:
    strides, dilations = sample.attrs["strides"], sample.attrs["dilations"]
    return _plain_window(sample) and strides[1] == strides[2] and set(dilations) == {1}


LIMITS: dict[str, tuple[Callable[[Sample], bool], str]] = {
    **dict.fromkeys(
        ("AvgPool", "AvgPoolGrad"),
        (_plain_window, _CHANNELS_LAST + ", and mistake the shapes of empty batches"),
    ),
    **dict.fromkeys(
        ("Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"),
        (
            _plain_convolution,
            _CHANNELS_LAST + ", mistake the shapes of empty batches, and, with oneDNN, give other "
            "numbers where a stride leaves a single column (without it, the numbers of minitf)",
        ),
    ),
    **dict.fromkeys(
        ("MaxPool", "MaxPoolGrad", "MaxPoolGradGrad"),
        (
            _plain_window,
            _CHANNELS_LAST + ", and its process dies of the second derivative of an empty batch",
        ),
    ),
    **dict.fromkeys(
        (
            "DepthwiseConv2dNative",
            "DepthwiseConv2dNativeBackpropFilter",
            "DepthwiseConv2dNativeBackpropInput",
        ),
        (
            _plain_depthwise,
            _CHANNELS_LAST + " and equal strides, ignore dilations (the public function makes "
            "them of other ops), and leave gradients of an empty batch unset",
        ),
    ),
    **dict.fromkeys(
        ("DepthToSpace", "SpaceToDepth"),
        (lambda sample: sample.attrs["data_format"] == "NHWC", _CHANNELS_LAST),
    ),
    "MaxPoolWithArgmax": (
        lambda sample: np.dtype(sample.attrs["Targmax"]) == np.int64,
        "its gradient gives places as int64 only",
    ),
    "ScatterNd": (
        lambda sample: sample.inputs[0].ndim > 1,
        "the gradient of its gradient wants a list of places, not one of them",
    ),
    "Softmax": (
        lambda s: not s.inputs[0].size or bool((np.ptp(s.inputs[0], axis=-1) < 5).all()),
        "where one class is certain, what the others leave of its gradient in float32 is rounding",
    ),
    "TopKV2": (
        lambda sample: sample.attrs["sorted"] and np.dtype(sample.attrs["index_type"]).itemsize > 2,
        "unsorted results may come in any order; its gradient adds int32 to places",
    ),
}


# ---- drawing

quiet = settings(
    database=None,
    deadline=None,
    derandomize=True,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


def draw(source: Source, count: int) -> list[Sample]:
    """Samples, always the same: so many at first, and others should these not do.

    They are as different in shapes and attributes as they come, and among the first is one with
    nothing to differentiate, if there is any.
    """
    samples: list[Sample] = []
    limit = LIMITS.get(source.op)

    @settings(quiet, max_examples=max(6 * count, 40))
    @given(source.samples if limit is None else source.samples.filter(limit[0]))
    def collect(sample: Sample) -> None:
        samples.append(sample)

    collect()
    seen: dict[Any, Sample] = {}
    for sample in samples:
        seen.setdefault(_kind(sample), sample)
    ranked = sorted(seen.values(), key=_size, reverse=True)
    empty = [sample for sample in ranked if _size(sample) == 0][:1]
    ranked = [sample for sample in ranked if _size(sample)]
    step = max(1, len(ranked) // max(1, count - len(empty)))
    first = ranked[::step][: count - len(empty)]
    others = [sample for sample in ranked if not any(sample is each for each in first)]
    return [_rounded(sample) for sample in [*first, *empty, *others]]


def _size(sample: Sample) -> int:
    """How many elements the largest array has that is differentiated; 0 if there is none."""
    sizes = [a.size for a in flat(sample) if a.dtype.kind in "fc"]
    return max(sizes, default=0)


def flat(sample: Sample) -> list[np.ndarray]:
    """All arrays of a sample."""
    arrays: list[np.ndarray] = []
    for value in sample.inputs:
        arrays.extend(value if isinstance(value, list) else [value])
    return [np.asarray(a) for a in arrays] or [np.zeros(0)]


def _kind(sample: Sample) -> Any:
    shapes = tuple((a.shape, a.dtype.str) for a in flat(sample))
    return shapes, repr(sorted(sample.attrs.items()))


def _rounded(sample: Sample) -> Sample:
    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(item) for item in value]
        value = np.asarray(value)
        kinds = {"f": np.float32, "c": np.complex64}
        narrow = kinds.get(value.dtype.kind)
        return value if narrow is None else value.astype(narrow).astype(value.dtype)

    return Sample([one(value) for value in sample.inputs], sample.attrs)


# ---- one sample in several dtypes


def dtypes_of(op: str, sample: Sample) -> list[str]:
    """The dtypes in which minitf's op takes a sample of float64 (or complex128)."""
    declared = op_def_lib.get(op)
    floats = [
        arg
        for arg, value in zip(declared.inputs, sample.inputs, strict=True)
        if any(np.asarray(v).dtype.kind in "fc" for v in (value if arg.is_list else [value]))
    ]
    has_complex = any(a.dtype.kind == "c" for a in flat(sample))
    candidates = DTYPES[:2] if has_complex else DTYPES
    return [d for d in candidates if all(_takes(declared, arg, d, has_complex) for arg in floats)]


def _takes(declared: Any, arg: Any, dtype: str, has_complex: bool) -> bool:
    wanted = as_dtype(_complex(dtype) if has_complex else dtype)
    attr = declared.attrs.get(arg.type_attr or arg.type_list_attr)
    if attr is None:
        return bool(arg.type == wanted)
    return not attr.allowed or wanted in attr.allowed


def _complex(dtype: str) -> str:
    return {"float32": "complex64", "float64": "complex128"}[dtype]


def converted(sample: Sample, dtype: str, seed: int) -> Sample:
    """A sample in another dtype; complex numbers get an imaginary part made from `seed`."""
    rng = np.random.RandomState(seed)

    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(item) for item in value]
        if value.dtype == np.float64:
            parts = rng.uniform(-1, 1, value.shape).astype(np.float32)
            return np.asarray(value + 1j * parts if dtype.startswith("c") else value, dtype)
        return value.astype(_complex(dtype)) if value.dtype == np.complex128 else value

    def attr(value: Any) -> Any:
        if not isinstance(value, (type, DType)):
            return value
        name = as_dtype(value).name
        if name == "complex128":
            return as_dtype(_complex(dtype))
        return as_dtype(dtype if name == "float64" else name)

    attrs = {name: attr(value) for name, value in sample.attrs.items()}
    return Sample([one(value) for value in sample.inputs], attrs)


def seed_of(*parts: Any) -> int:
    """A seed that is the same on each machine and in each run."""
    return zlib.crc32(repr(parts).encode())
