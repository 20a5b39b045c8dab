"""With this module Python's operators on tensors and variables build nodes: `a + b`, `-a`, `a @ b`.

The node takes TensorFlow's name for the operator, and a Python operand the other's dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor, register_operator
from minitf.ops.math_ops import arithmetic, comparison, division, integer_division, powers
from minitf.ops.math_ops.matrix_product import matmul

BinaryFunction = Callable[..., Tensor]  # (x, y, name) -> the node's output


def _register_binary(operator: str, name: str, function: BinaryFunction) -> None:
    """Registers `__operator__` and `__roperator__`."""

    def forward(x: Any, y: Any) -> Tensor:
        if type(x) is Tensor and type(y) is Tensor:
            return function(x, y, name=name)
        with name_scope(None, name, [x, y]) as scope:
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
            return function(x, y, name=scope)

    def reflected(y: Any, x: Any) -> Tensor:
        with name_scope(None, name, [x, y]) as scope:
            y = convert_to_tensor(y, name="y")
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
            return function(x, y, name=scope)

    register_operator(f"__{operator}__", forward)
    register_operator(f"__r{operator}__", reflected)


_register_binary("add", "add", arithmetic.add)
_register_binary("sub", "sub", arithmetic.subtract)
_register_binary("mul", "mul", arithmetic.multiply)
_register_binary("truediv", "truediv", division.truediv)
_register_binary("floordiv", "floordiv", integer_division.floordiv)
_register_binary("mod", "mod", integer_division.floormod)
_register_binary("pow", "pow", powers.pow)
_register_binary("matmul", "matmul", matmul)

register_operator("__neg__", arithmetic.negative)
register_operator("__lt__", comparison.less)
register_operator("__le__", comparison.less_equal)
register_operator("__gt__", comparison.greater)
register_operator("__ge__", comparison.greater_equal)
