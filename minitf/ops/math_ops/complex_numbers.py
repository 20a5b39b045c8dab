"""With this module one can put complex numbers together and take them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops

_PARTS = ("T: complex = complex64", "Tout: {float32, float64} = float32")

# ---- Complex

COMPLEX = op_def(
    "Complex(real: T, imag: T) -> (out: Tout)",
    "T: {float32, float64} = float32",
    "Tout: complex = complex64",
    shape=broadcast,
)


@COMPLEX.kernel
def complex_kernel(real: Any, imag: Any, *, Tout: dtypes.DType) -> Any:
    shape = np.broadcast_shapes(np.shape(real), np.shape(imag))
    out = np.empty(shape, Tout.as_numpy_dtype)
    out.real, out.imag = real, imag
    return out


@COMPLEX.gradient
def complex_gradient(op: Operation, grad: Tensor) -> Any:
    from minitf.ops.math_ops.broadcasting import unbroadcast

    x, y = op.inputs
    return unbroadcast(real(grad), x, y), unbroadcast(imag(grad), y, x)


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """The complex numbers with given real and imaginary parts (mirrors `tf.complex`).

    Args:
      real, imag: tensors of dtype float32 or float64, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of dtype complex64 or complex128.

    Raises:
      TypeError: if the dtypes differ or are others.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.complex([1.0, 2.0], [0.5, -1.0]))
    array([1.+0.5j, 2.-1.j ], dtype=complex64)
    """
    real = convert_to_tensor(real, name="real")
    imag = convert_to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        pair = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
        given = real.dtype.base_dtype, imag.dtype.base_dtype
        if given[0] is not given[1] or given[0] not in pair:
            raise errors.type_error(
                f"real and imag have incorrect types: {given[0].name} {given[1].name}; both must "
                "be float32, or both float64."
            )
        result: Tensor = COMPLEX(real, imag, Tout=pair[given[0]], name=scope)
        return result


# ---- Real

REAL = op_def("Real(input: T) -> (output: Tout)", *_PARTS, shape=unchanged)


@REAL.kernel
def real_kernel(input: Any) -> Any:
    return np.array(np.real(input))


@REAL.gradient
def real_gradient(op: Operation, grad: Tensor) -> Any:
    return complex(grad, array_ops.zeros_like(grad))


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part, elementwise (mirrors `tf.real`).

    Args:
      input: a tensor of a numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape, of dtype float32 or float64; `input` itself if it is real.

    Raises:
      TypeError: if `input` cannot be made a tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.real(1 + 2j)))
    1.0
    """
    with name_scope(name, "Real", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if not input.dtype.is_complex:
            itself: Tensor = input
            return itself
        result: Tensor = REAL(input, Tout=input.dtype.real_dtype, name=scope)
        return result


# ---- Imag

IMAG = op_def("Imag(input: T) -> (output: Tout)", *_PARTS, shape=unchanged)


@IMAG.kernel
def imag_kernel(input: Any) -> Any:
    return np.array(np.imag(input))


@IMAG.gradient
def imag_gradient(op: Operation, grad: Tensor) -> Any:
    return complex(array_ops.zeros_like(grad), grad)


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part, elementwise (mirrors `tf.imag`).

    Args:
      input: a tensor of a numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape, of dtype float32 or float64; zeros if `input` is real.

    Raises:
      TypeError: if `input` cannot be made a tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.imag(1 + 2j)))
    2.0
    """
    with name_scope(name, "Imag", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if not input.dtype.is_complex:
            return array_ops.zeros_like(input)
        result: Tensor = IMAG(input, Tout=input.dtype.real_dtype, name=scope)
        return result


# ---- Conj

CONJ = op_def(
    "Conj(input: T) -> (output: T)",
    "T: complex = complex64",
    elementwise=True,
    shape=unchanged,
)


@CONJ.kernel
def conj_kernel(input: Any) -> Any:
    return np.conjugate(input)


@CONJ.gradient
def conj_gradient(op: Operation, grad: Tensor) -> Any:
    return CONJ(grad)


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate, elementwise (mirrors `tf.conj`).

    Args:
      x: a tensor of a numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; `x` itself where it is real.

    Raises:
      TypeError: if `x` is not numeric.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.conj(1 + 2j)))
    (1-2j)
    """
    if type(x) is Tensor and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        if dtype.is_complex:
            result: Tensor = CONJ(x, name=scope)
            return result
    if dtype.is_floating or dtype.is_integer:
        itself: Tensor = x
        return itself
    raise errors.type_error(f"Expected numeric or variant tensor, got dtype {dtype!r}")


# ---- ComplexAbs: what `tf.abs` builds of complex numbers

COMPLEX_ABS = op_def("ComplexAbs(x: T) -> (y: Tout)", *_PARTS, shape=unchanged)


@COMPLEX_ABS.kernel
def complex_abs_kernel(x: Any) -> Any:
    return np.abs(x)


@COMPLEX_ABS.gradient
def complex_abs_gradient(op: Operation, grad: Tensor) -> Any:
    from minitf.ops import math_ops

    zeros = array_ops.zeros_like(grad)
    # Its direction, z / abs(z), has a gradient of its own; tf.sign has none.
    direction = math_ops.div_no_nan(op.inputs[0], complex(op.outputs[0], zeros))
    return math_ops.multiply(complex(grad, zeros), direction)


# ---- Angle

ANGLE = op_def("Angle(input: T) -> (output: Tout)", *_PARTS, shape=unchanged)


@ANGLE.kernel
def angle_kernel(input: Any) -> Any:
    return np.angle(input)


@ANGLE.gradient
def angle_gradient(op: Operation, grad: Tensor) -> Any:
    from minitf.ops import math_ops

    # angle(z) is the imaginary part of log(z).
    turned = complex(array_ops.zeros_like(grad), grad)
    return math_ops.realdiv(turned, conj(op.inputs[0]))


def angle(input: Any, name: str | None = None) -> Tensor:
    """The argument of a complex number, in radians, elementwise (mirrors `tf.angle`).

    Args:
      input: a tensor of a numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape, within [-pi, pi]; of a real number it is 0 or pi.

    Raises:
      TypeError: if `input` cannot be made a tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.angle([1.0, -1.0])))
    [0.        3.1415927]
    """
    with name_scope(name, "Angle", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        if input.dtype.is_complex:
            result: Tensor = ANGLE(input, Tout=input.dtype.real_dtype, name=scope)
            return result
        negative = input < 0
        half_turn = np.pi * array_ops.ones_like(input)
        result = array_ops.where(negative, half_turn, array_ops.zeros_like(input))
        return result
