"""With this module one can write machine code by hand, where the compiler needs to be told.

LLVM, which is behind Numba, turns many plain loops into instructions on vectors: 16 float32
numbers at once with AVX-512, 8 with AVX2, 4 with NEON. It does not do so where a loop's results
should stay in registers from one turn to the next (a matrix product), nor where it cannot tell
that two arrays do not overlap. There a function written here says instruction by instruction what
is to be done, and a kernel calls it like any other:

>>> from minitf.kernels.jit import available, jit
>>> from minitf.kernels import simd
>>> @simd.emitted
... def double(write, source, target):
...     numbers = write.load(source)
...     write.store(write.add(numbers, numbers), target)
>>> @jit
... def run(source, target):
...     double(source.ctypes.data, target.ctypes.data)

`double` is not run with numbers: it is called once, when `run` is compiled, with a `Writer` and
with names for the numbers (addresses and sizes) that will be there, and writes instructions.

`machine()` tells how wide a vector is here, and how many registers there are.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.kernels.jit import remember_source

# A number, address or vector that will be there when the code runs: a `llvmlite.ir.Value`.
Value = Any


class Machine(NamedTuple):
    """What the processor offers.

    Attributes:
      name: the set of instructions.
      bytes: of a vector register.
      tile: the part of a matrix product that is kept in registers (see `microkernel`): so many
        rows, of so many vectors. rows x vectors of them hold sums; `vectors` hold what is being
        multiplied; and there is one more where a number cannot be taken from memory directly.
    """

    name: str
    bytes: int
    tile: tuple[int, int]

    def lanes(self, dtype: Any) -> int:
        """How many numbers of a dtype fit into a register."""
        return max(self.bytes // int(np.dtype(dtype).itemsize), 1)


AVX512 = Machine("AVX-512", 64, (14, 2))  # 32 registers
AVX2 = Machine("AVX2", 32, (6, 2))  # 16 registers
NEON = Machine("NEON", 16, (6, 4))  # 32 registers
OTHER = Machine("128 bits", 16, (4, 2))


@functools.cache
def machine() -> Machine:
    """The processor for which Numba compiles.

    MINITF_SIMD=AVX2 (or another name) has another one's code be made: shorter vectors work on any
    processor, longer ones are cut into pieces.
    """
    known = {each.name.replace("-", "").lower(): each for each in (AVX512, AVX2, NEON)}
    asked = os.environ.get("MINITF_SIMD", "").replace("-", "").lower()
    if asked:
        return known.get(asked, OTHER)
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        return OTHER
    binding = importlib.import_module("llvmlite.binding")
    if binding.get_process_triple().startswith(("aarch64", "arm64")):
        return NEON
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return AVX512
    return AVX2 if features.get("avx2") and features.get("fma") else OTHER


class Emitted:
    """A function that writes machine code into the kernels that call it; see `emitted`."""

    def __init__(self, emit: Callable[..., Any], dtype: Any, lanes: int | None) -> None:
        self._emit = emit
        self._dtype = np.dtype(dtype)
        self._lanes = lanes
        self._intrinsic: Any = None
        functools.update_wrapper(self, emit)
        for module in self.sources():
            remember_source(module)

    __module__: str

    def __call__(self, *args: int | tuple[int, ...]) -> Any:
        raise TypeError(f"{self._emit.__name__} can be called by compiled kernels only")

    def compile_for_numba(self) -> Any:
        """What stands for this function inside a kernel."""
        if self._intrinsic is None:
            self._intrinsic = self._make_intrinsic()
        return self._intrinsic

    def sources(self) -> Iterator[str]:
        """The modules that decide what is written."""
        yield from (__name__, self.__module__)

    def _make_intrinsic(self) -> Any:
        numba = importlib.import_module("numba")
        extending = importlib.import_module("numba.extending")

        intp = numba.types.intp

        def define(typing_context: Any, *args: Any) -> Any:
            kinds = [numba.types.UniTuple(intp, len(a)) if _is_tuple(a) else intp for a in args]

            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                write = Writer(builder, self._dtype, self._lanes or machine().lanes(self._dtype))
                result = self._emit(write, *(write.unpacked(value) for value in values))
                return context.get_dummy_value() if result is None else result

            return (intp if self._returns else numba.types.void)(*kinds), generate

        define.__name__ = self._emit.__name__
        parameters = inspect.signature(self._emit).parameters.values()
        define.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]
        return extending.intrinsic(define)

    @property
    def _returns(self) -> bool:
        return self._emit.__annotations__.get("return") in (Value, "Value")


def _is_tuple(numba_type: Any) -> bool:
    return hasattr(numba_type, "count") and hasattr(numba_type, "__len__")


def emitted(emit: Callable[..., Any]) -> Emitted:
    """Has a function write machine code, on float32 vectors as wide as the machine has them.

    Args:
      emit: takes a `Writer` and integers (addresses, sizes), and returns nothing, or, where it is
        annotated to return a `Value`, an integer.
    """
    return Emitted(emit, np.float32, None)


def emit_for(emit: Callable[..., Any], dtype: Any, lanes: int | None = None) -> Emitted:
    """`emitted`, for vectors of another dtype, or of a given width."""
    return Emitted(emit, dtype, lanes)


class Writer:
    """Writes instructions for vectors of one dtype.

    Attributes:
      lanes: how many numbers are in a vector.
      size: how many bytes a number has.
      builder: the `llvmlite.ir.IRBuilder`, for all that has no name here.
    """

    def __init__(self, builder: Any, dtype: np.dtype[Any], lanes: int) -> None:
        self._ir = ir = importlib.import_module("llvmlite.ir")
        self._utils = importlib.import_module("numba.core.cgutils")
        self.builder = builder
        self.lanes = lanes
        self.size = dtype.itemsize
        self._name = {4: "f32", 8: "f64"}[self.size]
        self._scalar = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self._vector = ir.VectorType(self._scalar, lanes)
        self._integer = ir.IntType(64)
        self._bytes = ir.VectorType(ir.IntType(8), lanes)

    # Integers and addresses

    def integer(self, value: int) -> Value:
        """A constant."""
        return self._ir.Constant(self._integer, int(value))

    def offset(self, address: Value, *factors: Value | int) -> Value:
        """The address plus the product of the factors, in bytes."""
        values = [self.integer(f) if isinstance(f, int) else f for f in factors]
        return self.builder.add(address, functools.reduce(self.builder.mul, values))

    def word(self, address: Value, index: int = 0) -> Value:
        """The integer in memory, `index` integers after the address."""
        return self.builder.load(self._pointer(self.offset(address, 8 * index), self._integer))

    def set_word(self, address: Value, value: Value) -> None:
        """Puts an integer into memory."""
        self.builder.store(value, self._pointer(address, self._integer))

    def _pointer(self, address: Value, to: Any) -> Value:
        return self.builder.inttoptr(address, to.as_pointer())

    def unpacked(self, value: Value) -> Value | list[Value]:
        """A number as it is, or the numbers of a tuple."""
        is_tuple = isinstance(value.type, self._ir.ArrayType)
        return self._utils.unpack_tuple(self.builder, value) if is_tuple else value

    # Vectors

    def load(self, address: Value) -> Value:
        """The vector in memory; the address need not be a multiple of its size."""
        return self.builder.load(self._pointer(address, self._vector), align=self.size)

    def store(self, vector: Value, address: Value) -> None:
        """Puts a vector into memory."""
        self.builder.store(vector, self._pointer(address, self._vector), align=self.size)

    def prefetch(self, address: Value) -> None:
        """Asks for a line of the cache that will be read soon; any address will do."""
        ir = self._ir
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
        function = self._utils.get_or_insert_function(
            self.builder.module, kind, "llvm.prefetch.p0i8"
        )
        read, keep, data = (ir.Constant(integer, flag) for flag in (0, 3, 1))
        self.builder.call(function, [self.builder.inttoptr(address, byte), read, keep, data])

    def broadcast(self, address: Value) -> Value:
        """The number in memory, in all places of a vector."""
        number = self.builder.load(self._pointer(address, self._scalar))
        return self._splat(number)

    def _splat(self, number: Value) -> Value:
        ir = self._ir
        undefined, first = ir.Constant(self._vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        vector = self.builder.insert_element(undefined, number, first)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(vector, undefined, mask)

    def constant(self, number: float) -> Value:
        """A vector that has one number in all places."""
        rounded = float(np.float32(number)) if self.size == 4 else float(number)
        one = self._ir.Constant(self._scalar, rounded)
        return self._ir.Constant(self._vector, [one] * self.lanes)

    def zero_like(self, value: Value) -> Value:
        """Zeros, in the place of a number or a vector."""
        return self._ir.Constant(value.type, None)

    def mixed(self, a: Value, b: Value, places: Sequence[int]) -> Value:
        """A vector of numbers of a and b: for each its place in a, or in b with `lanes` added."""
        ir = self._ir
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), list(places))
        return self.builder.shuffle_vector(a, b, mask)

    def add(self, a: Value, b: Value) -> Value:
        return self.builder.fadd(a, b)

    def subtract(self, a: Value, b: Value) -> Value:
        return self.builder.fsub(a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        return self.builder.fmul(a, b)

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, rounded once where the processor can do that."""
        kind = self._ir.FunctionType(self._vector, [self._vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}{self._name}"
        function = self._utils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    # Choices, and bytes that go with the numbers of a vector

    def compare(self, relation: str, a: Value, b: Value) -> Value:
        """Where a > b, or another relation, holds; nowhere where one is NaN."""
        return self.builder.fcmp_ordered(relation, a, b)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition holds, and b elsewhere."""
        return self.builder.select(condition, a, b)

    def bytes(self, value: int) -> Value:
        """A vector of bytes that has one value in all places."""
        return self._ir.Constant(self._bytes, [value] * self.lanes)

    def same_bytes(self, a: Value, value: int) -> Value:
        """Where bytes have a value."""
        return self.builder.icmp_unsigned("==", a, self.bytes(value))

    def load_bytes(self, address: Value) -> Value:
        """As many bytes as a vector has numbers."""
        return self.builder.load(self._pointer(address, self._bytes), align=1)

    def store_bytes(self, value: Value, address: Value) -> None:
        """Puts them into memory."""
        self.builder.store(value, self._pointer(address, self._bytes), align=1)

    # Variables, loops and calls

    def variables(self, count: int) -> list[Value]:
        """Places for vectors, which the compiler keeps in registers if there are enough."""
        return [self._utils.alloca_once(self.builder, self._vector) for _ in range(count)]

    def scratch(self, vectors: int) -> Value:
        """The address of memory on the stack with room for so many vectors."""
        kind = self._ir.ArrayType(self._scalar, vectors * self.lanes)
        place = self._utils.alloca_once(self.builder, kind)
        place.align = self.lanes * self.size
        return self.builder.ptrtoint(place, self._integer)

    def loop(self, count: Value) -> Any:
        """`with write.loop(count) as index:` writes what is done for index 0 ... count - 1."""
        return _Loop(self._utils.for_range(self.builder, count))

    def if_(self, condition: Value) -> Any:
        """`with write.if_(condition):` writes what is done if the condition holds."""
        return self.builder.if_then(condition)

    def call(self, address: Value, args: Sequence[Value]) -> None:
        """Calls a function of integers by its address."""
        ir = self._ir
        kind = ir.FunctionType(ir.VoidType(), [self._integer] * len(args))
        self.builder.call(self._pointer(address, kind), args)

    def each(self, count: Value, arrays: Sequence[Value], compute: Callable[..., Value]) -> None:
        """Writes a loop over arrays, at their addresses: sets the last to what is computed of all.

        A vector at a time, and the rest number by number.
        """
        build, lanes = self.builder, self.integer(self.lanes)
        vectors = build.udiv(count, lanes)
        for step, kind in ((self.lanes, self._vector), (1, self._scalar)):
            done = self.integer(0) if step > 1 else build.mul(vectors, lanes)
            turns = vectors if step > 1 else build.sub(count, done)
            starts = [self.offset(array, done, self.size) for array in arrays]
            with self.loop(turns) as index:
                places = [
                    self._pointer(self.offset(start, index, step * self.size), kind)
                    for start in starts
                ]
                values = [build.load(place, align=self.size) for place in places]
                build.store(compute(*values), places[-1], align=self.size)

    def take(self, address: Value) -> Value:
        """The integer in memory, to which one is added in the same moment."""
        place = self._pointer(address, self._integer)
        return self.builder.atomic_rmw("add", place, self.integer(1), "monotonic")

    def exchange(self, operation: str, address: Value, value: Value) -> Value:
        """Has "add" or "xchg" change the integer in memory in one moment; gives the one before.

        Who sees the new one sees all that this thread has written before, and the other way round.
        """
        place = self._pointer(address, self._integer)
        return self.builder.atomic_rmw(operation, place, value, "acq_rel")

    def fresh_word(self, address: Value) -> Value:
        """The integer in memory, which other threads change."""
        place = self._pointer(address, self._integer)
        return self.builder.load_atomic(place, "acquire", 8)

    def pause(self) -> None:
        """Tells the processor that this is a loop that waits, where it can be told."""
        ir, machine = self._ir, self.builder.module.triple.split("-")[0]
        integer = ir.IntType(32)
        if machine == "x86_64":
            name, kinds, args = "llvm.x86.sse2.pause", [], []
        elif machine in ("aarch64", "arm64"):
            name, kinds, args = "llvm.aarch64.hint", [integer], [ir.Constant(integer, 1)]
        else:
            return
        kind = ir.FunctionType(ir.VoidType(), kinds)
        function = self._utils.get_or_insert_function(self.builder.module, kind, name)
        self.builder.call(function, args)

    def zero(self, address: Value) -> None:
        """Sets one number in memory to 0."""
        number = self._ir.Constant(self._scalar, 0.0)
        self.builder.store(number, self._pointer(address, self._scalar))

    def copy(self, source: Value, target: Value) -> None:
        """Copies one number in memory."""
        number = self.builder.load(self._pointer(source, self._scalar))
        self.builder.store(number, self._pointer(target, self._scalar))


class _Loop:
    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def __enter__(self) -> Value:
        return self._loop.__enter__().index

    def __exit__(self, *error: Any) -> Any:
        return self._loop.__exit__(*error)


@emitted
def call(write: Writer, address: Value, args: Sequence[Value]) -> None:
    """Calls the code of a `native` kernel: `call(address, (a, b, c))`."""
    write.call(address, args)


@emitted
def word(write: Writer, address: Value, index: Value) -> Value:
    """The integer in memory, `index` integers after the address."""
    return write.word(write.offset(address, index, 8))


@emitted
def set_word(write: Writer, address: Value, index: Value, value: Value) -> None:
    """Puts an integer into memory, `index` integers after the address."""
    write.set_word(write.offset(address, index, 8), value)


@emitted
def take(write: Writer, counter: Value) -> Value:
    """The integer at an address, which becomes one more: no two threads take the same one."""
    return write.take(counter)


@emitted
def add_word(write: Writer, address: Value, value: Value) -> Value:
    """Adds to an integer at an address, for other threads to see; gives what was there before."""
    return write.exchange("add", address, value)


@emitted
def swap_word(write: Writer, address: Value, value: Value) -> Value:
    """Sets an integer at an address, for other threads to see; gives what was there before."""
    return write.exchange("xchg", address, value)


@emitted
def fresh_word(write: Writer, address: Value) -> Value:
    """The integer at an address as it is now, whatever other threads do."""
    return write.fresh_word(address)


@emitted
def pause(write: Writer) -> None:
    """What a loop that waits for another thread does meanwhile: nothing, cheaply."""
    write.pause()


@emitted
def copy_numbers(write: Writer, source: Value, target: Value, count: Value) -> None:
    """Copies float32 numbers."""
    write.each(count, [source, target], lambda value, _: value)


@emitted
def add_numbers(write: Writer, source: Value, target: Value, count: Value) -> None:
    """Adds float32 numbers to others."""
    write.each(count, [source, target], lambda value, to: write.builder.fadd(to, value))


@emitted
def zero_numbers(write: Writer, target: Value, count: Value) -> None:
    """Sets float32 numbers to 0."""
    write.each(count, [target], lambda value: write.zero_like(value))
