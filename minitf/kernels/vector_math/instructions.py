"""With this module kernels can use instructions of the processor for which Python has no operator.

They are for single float32 numbers; a loop of them becomes one of vectors.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from minitf.kernels import simd
from minitf.kernels.jit import remember_source


class Instruction:
    """A function that writes an instruction into the kernels that call it; see `instruction`."""

    def __init__(self, emit: Callable[..., Any], returns: str, takes: str) -> None:
        self._emit = emit
        self._returns = returns
        self._takes = takes
        self._intrinsic: Any = None
        functools.update_wrapper(self, emit)
        for module in self.sources():
            remember_source(module)

    __name__: str
    __module__: str

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.__name__} can be called by compiled kernels only")

    def compile_for_numba(self) -> Any:
        """What stands for this function inside a kernel."""
        if self._intrinsic is None:
            self._intrinsic = self._make_intrinsic()
        return self._intrinsic

    def sources(self) -> Iterator[str]:
        """The modules that decide what is written."""
        yield from (simd.__name__, self.__module__)

    def _make_intrinsic(self) -> Any:
        types = importlib.import_module("numba.types")
        extending = importlib.import_module("numba.extending")
        returns, takes = getattr(types, self._returns), getattr(types, self._takes)

        def define(typing_context: Any, *args: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                return self._emit(builder, *values)

            return returns(*[takes] * len(args)), generate

        define.__name__ = self.__name__
        parameters = list(inspect.signature(self._emit).parameters.values())
        define.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return extending.intrinsic(define)


def instruction(returns: str, takes: str) -> Callable[[Callable[..., Any]], Instruction]:
    """Has a function write an instruction where a kernel calls it.

    Args:
      returns: the dtype of the result.
      takes: the dtype of the operands.
    """
    return lambda emit: Instruction(emit, returns, takes)


def _ir() -> Any:
    return importlib.import_module("llvmlite.ir")


@instruction("float32", takes="float32")
def fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once.

    Where the processor does not do that, by way of float64: the product is exact there.
    """
    if simd.machine() != simd.OTHER:
        return builder.fma(a, b, c)
    ir = _ir()
    wide_a, wide_b, wide_c = (builder.fpext(each, ir.DoubleType()) for each in (a, b, c))
    return builder.fptrunc(builder.fadd(builder.fmul(wide_a, wide_b), wide_c), ir.FloatType())


@instruction("float32", takes="float32")
def with_sign(builder: Any, magnitude: Any, sign: Any) -> Any:
    """The first number with the sign of the second, which may be that of a zero."""
    number = _ir().FloatType()
    kind = _ir().FunctionType(number, [number, number])
    copysign = builder.module.declare_intrinsic("llvm.copysign", [number], kind)
    return builder.call(copysign, [magnitude, sign])


@instruction("int32", takes="float32")
def bits_of(builder: Any, number: Any) -> Any:
    """The 32 bits of a number: its sign, 8 of its exponent, 23 of its fraction."""
    return builder.bitcast(number, _ir().IntType(32))


@instruction("float32", takes="int32")
def with_bits(builder: Any, bits: Any) -> Any:
    """The number that has these bits."""
    return builder.bitcast(bits, _ir().FloatType())
