"""With this module one can combine the bits of integers: what `&`, `|`, `^` and `~` build."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged

# ---- BitwiseAnd

BITWISE_AND = op_def(
    "BitwiseAnd(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_AND.kernel
def bitwise_and_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_and(x, y)


BITWISE_AND.not_differentiable()

# ---- BitwiseOr

BITWISE_OR = op_def(
    "BitwiseOr(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_OR.kernel
def bitwise_or_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_or(x, y)


BITWISE_OR.not_differentiable()

# ---- BitwiseXor

BITWISE_XOR = op_def(
    "BitwiseXor(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_XOR.kernel
def bitwise_xor_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_xor(x, y)


BITWISE_XOR.not_differentiable()

# ---- Invert

INVERT = op_def("Invert(x: T) -> (y: T)", "T: integer", elementwise=True, shape=unchanged)


@INVERT.kernel
def invert_kernel(x: Any) -> Any:
    return np.invert(x)


INVERT.not_differentiable()
