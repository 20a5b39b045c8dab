"""How closely gradients of single ops agree with TensorFlow's: one default, and each exception.

A tolerance is relative to the largest value among the gradients of one order of one case. The
default is eight units in the last place: both engines round the same few operations, in their own
order. An exception names what makes more of it.
"""

from __future__ import annotations

DEFAULT = {"float32": 1e-6, "float64": 2e-15, "complex64": 1e-6, "complex128": 2e-15}

# Op: tolerances in float32 and complex64, in float64 and complex128, and the reason.
_EXPONENTIAL = "its slope below 0 is 1 + (exp(x) - 1), of which the 1s take the last digits"
_LIKELY = "of a likely class 1 less nearly 1 remains"
_FACTORS = "factors of matrices, whose products nearly cancel"
_SERIES = "each engine has its own series and polynomials for digamma and its derivatives"

EXCEPTIONS: dict[str, tuple[float, float, str]] = {
    "Cholesky": (5e-6, 2e-14, _FACTORS),
    "Digamma": (1e-6, 1e-14, _SERIES),
    "Elu": (5e-6, 1e-14, _EXPONENTIAL),
    "Lgamma": (1e-6, 1e-14, _SERIES),
    "Qr": (5e-6, 2e-14, _FACTORS),
    "Selu": (5e-6, 1e-14, _EXPONENTIAL),
    "Softmax": (1e-5, 5e-14, _LIKELY),
    "SoftmaxCrossEntropyWithLogits": (5e-6, 1e-14, _LIKELY),
    "SparseSoftmaxCrossEntropyWithLogits": (5e-6, 1e-14, _LIKELY),
    "Tanh": (5e-6, 1e-14, "where it is nearly 1, its slope 1 - tanh(x)^2 is a small rest"),
}


def tolerance(op: str, dtype: str) -> float:
    """How far a gradient of an op may be from TensorFlow's, relative to the largest value."""
    if op not in EXCEPTIONS:
        return DEFAULT[dtype]
    single, double, _ = EXCEPTIONS[op]
    return single if dtype in ("float32", "complex64") else double


def reason(op: str) -> str:
    """Why an op's tolerance is not the default; empty where it is."""
    return EXCEPTIONS[op][2] if op in EXCEPTIONS else ""


# What is not compared, for a reason other than that TensorFlow has nothing to compare with.

# Complex gradients that are no derivatives in TensorFlow: a conjugate is left out. minitf's are
# held against differences instead, and TensorFlow's are seen to fail that test.
NOT_CONJUGATED = (
    "Cumprod",
    "MatrixDeterminant",
    "MulNoNan",
    "Prod",
    "SegmentProd",
    "SigmoidGrad",
    "SquaredDifference",
    "TanhGrad",
    "UnsortedSegmentProd",
    "Xdivy",
    "Xlogy",
)

# (op, order, position of the input, or after those of the weight): the reason.
NOT_COMPARED = {
    ("SoftmaxCrossEntropyWithLogits", 2, 1): "TensorFlow takes the gradient by the features for "
    "free of the labels, which it is the difference to",
}

# Second derivatives that are nan in TensorFlow at segments that do not occur, of which it divides
# a sum of nothing by their number; minitf's are 0 there.
NAN_FOR_NOTHING = ("SegmentMax", "SegmentMean", "SegmentMin")

# Op: the dtypes for which minitf has a gradient, and TensorFlow no kernel on this processor.
_COMPLEX = ("complex64", "complex128")
NOT_IN_TENSORFLOW: dict[str, tuple[str, ...]] = {
    "BatchToSpaceND": _COMPLEX,
    "ClipByValue": _COMPLEX,
    "SpaceToBatchND": _COMPLEX,
}
