"""With this module Python's operators on tensors and variables build nodes: `a + b`, `-a`, `a @ b`.

The node takes TensorFlow's name for the operator, and a Python operand the other's dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor, register_operator
from minitf.ops.math_ops import (
    arithmetic,
    bitwise,
    comparison,
    division,
    integer_division,
    logical,
    powers,
    rounding,
)
from minitf.ops.math_ops.matrix_product import matmul

BinaryFunction = Callable[..., Tensor]  # (x, y, name) -> the node's output


def _register_binary(operator: str, name: str, function: BinaryFunction) -> None:
    """Registers `__operator__` and `__roperator__`."""

    def forward(x: Any, y: Any) -> Tensor:
        if type(x) is Tensor:
            return function(x, y, name=name)
        with name_scope(None, name, [x, y]) as scope:
            return function(convert_to_tensor(x, name="x"), y, name=scope)

    def reflected(y: Any, x: Any) -> Tensor:
        with name_scope(None, name, [x, y]) as scope:
            y = convert_to_tensor(y, name="y")
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
            return function(x, y, name=scope)

    register_operator(f"__{operator}__", forward)
    register_operator(f"__r{operator}__", reflected)


def _bits_or_truth(of_truth: BinaryFunction, of_bits: BinaryFunction) -> BinaryFunction:
    """`&` and its kin combine truth values, or the bits of integers."""

    def function(x: Tensor, y: Any, name: str) -> Tensor:
        if not x.dtype.is_integer:
            return of_truth(x, y, name=name)
        with name_scope(name):
            return of_bits(x, y)

    return function


def _xor(x: Tensor, y: Any, name: str) -> Tensor:
    with name_scope(name) as scope:
        return logical.logical_xor(x, y, name=scope)


def _invert(x: Any) -> Tensor:
    if x.dtype.is_integer:
        result: Tensor = bitwise.INVERT(x)
        return result
    return logical.logical_not(x)


_register_binary("add", "add", arithmetic.add)
_register_binary("sub", "sub", arithmetic.subtract)
_register_binary("mul", "mul", arithmetic.multiply)
_register_binary("truediv", "truediv", division.truediv)
_register_binary("floordiv", "floordiv", integer_division.floordiv)
_register_binary("mod", "mod", integer_division.floormod)
_register_binary("pow", "pow", powers.pow)
_register_binary("matmul", "matmul", matmul)
_register_binary("and", "and", _bits_or_truth(logical.logical_and, bitwise.BITWISE_AND))
_register_binary("or", "or", _bits_or_truth(logical.logical_or, bitwise.BITWISE_OR))
_register_binary("xor", "xor", _bits_or_truth(_xor, bitwise.BITWISE_XOR))

register_operator("__neg__", arithmetic.negative)
register_operator("__abs__", rounding.abs)
register_operator("__invert__", _invert)
register_operator("__lt__", comparison.less)
register_operator("__le__", comparison.less_equal)
register_operator("__gt__", comparison.greater)
register_operator("__ge__", comparison.greater_equal)
