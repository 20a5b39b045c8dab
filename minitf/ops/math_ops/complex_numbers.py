"""With this module one can put complex numbers together and take them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

# ---- Conj

CONJ = op_def("Conj(input: T) -> (output: T)", "T: complex = complex64", shape=unchanged)


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
    x = convert_to_tensor(x)
    dtype = x.dtype.base_dtype
    if dtype.is_complex:
        result: Tensor = CONJ(x, name=name)
        return result
    if dtype.is_floating or dtype.is_integer:
        return x  # type: ignore[no-any-return]
    raise TypeError(f"Expected numeric or variant tensor, got dtype {dtype!r}")
