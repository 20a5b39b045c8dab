"""With this module many arrays are changed in one sweep over them, on all cores.

A model has a few large parameters and many small ones. To change each by itself costs more than the
work on the small ones, and leaves cores idle at the end of each large one. So changes can be put
off, and are then done together, cut into blocks of about the same size:

    W (3136, 1024)    |----|----|----|----|----|----|----|----|--|
    b (1024)          |-|                                             each |----|: a block, which
    w (5, 5, 32, 64)  |----|----|---|                                 some thread takes

A change is a function of Python, for any rule, or a compiled loop. Compiled ones are stages (see
`stages`), with no Python between the blocks; for them a gradient that is a matrix product is
computed in the block that uses it, and never written to memory.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels.gemm import InParts
from minitf.kernels.jit import Kernel, NativeKernel, native
from minitf.kernels.packed_product import PART, Part, multiply_rows, pack_right, part
from minitf.kernels.parallel import cut, parallel_for
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.simd import call, take, word
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.workspace import address, contiguous

Array = npt.NDArray[Any]

# Elements of a piece: a rule's temporary arrays of this size stay in the second-level cache.
PIECE = 1 << 14

# Elements of a block in compiled code: some 20 microseconds of work. What is a product is computed
# a few more at a time, which stay in the cache as well.
_BLOCK, _PRODUCT_BLOCK = 1 << 15, 1 << 16

# Elementary steps for one element: some ten, with a square root and a division.
_WORK = 16

SomeElements = Callable[[int, Array], None]


def change(some_elements: SomeElements, grad: Array | InParts) -> None:
    """Calls `some_elements(start, numbers)` for pieces of a gradient: now, or at a sweep's end.

    Args:
      some_elements: changes as many elements as there are `numbers`, from `start` on.
      grad: the gradient; it may be a matrix product that is made as it is used.
    """
    _do(_Change(some_elements, grad if isinstance(grad, InParts) else np.asarray(grad).reshape(-1)))


def change_by_loop(
    loop: Kernel[Any, None],
    slots: Sequence[Array],
    grad: Array | InParts,
    scalars: Sequence[Any],
) -> None:
    """Runs `loop(*slots, grad, *scalars)` over the elements of arrays: now, or at a sweep's end.

    Args:
      loop: takes arrays of rank 1; there is one thread for each element.
      slots: contiguous arrays of one shape, of float32 or float64.
      grad: of that shape and dtype; it may be a matrix product that is made as it is used.
      scalars: numbers of that dtype.
    """
    made = grad if isinstance(grad, InParts) else contiguous(np.asarray(grad))
    _do(_Loop(loop, slots, made, scalars))


@contextmanager
def one_sweep() -> Iterator[None]:
    """Within this, changes are not made yet; at its end all are, on all cores.

    What they change must not be what another one of them reads.

    >>> import numpy as np
    >>> from minitf.kernels.optimizers import gradient_descent, update
    >>> one, two = np.ones(2), np.ones(3)
    >>> with one_sweep():
    ...     update(gradient_descent, [one], np.ones(2), 0.5)
    ...     update(gradient_descent, [two], np.ones(3), 0.25)
    ...     print(one)
    [1. 1.]
    >>> one, two
    (array([0.5, 0.5]), array([0.75, 0.75, 0.75]))
    """
    before = _put_off.changes
    gathered = _put_off.changes = []
    try:
        yield
    finally:
        _put_off.changes = before
    _sweep(gathered)


class _Change(NamedTuple):
    """A change by a function of Python."""

    some_elements: SomeElements
    grad: Array | InParts

    @property
    def row(self) -> int:
        """What the elements of a piece are a multiple of."""
        return self.grad.shape[1] if isinstance(self.grad, InParts) else 1

    def run(self, start: int, stop: int) -> None:
        """Makes it for some elements."""
        if isinstance(self.grad, InParts):
            numbers = self.grad.rows(start // self.row, stop // self.row).reshape(-1)
        else:
            numbers = self.grad[start:stop]
        self.some_elements(start, numbers)


class _Loop(NamedTuple):
    """A change by a compiled loop."""

    loop: Kernel[Any, None]
    slots: Sequence[Array]
    grad: Array | InParts
    scalars: Sequence[Any]


class _PutOff(threading.local):
    changes: list[_Change | _Loop] | None = None


_put_off = _PutOff()


def _do(change: _Change | _Loop) -> None:
    if _put_off.changes is None:
        _sweep([change])
    else:
        _put_off.changes.append(change)


def _sweep(changes: Sequence[_Change | _Loop]) -> None:
    _sweep_loops([each for each in changes if isinstance(each, _Loop)])
    _sweep_python([each for each in changes if isinstance(each, _Change)])


def _sweep_python(changes: Sequence[_Change]) -> None:
    """Makes changes in blocks of about the same size, of one large array or of many small ones."""
    total = sum(change.grad.size for change in changes)
    block_size = next((stop for _, stop in cut(total, work=_WORK, multiple=PIECE)), 1)
    blocks: list[list[tuple[_Change, int, int]]] = [[]]
    room = block_size
    for change in changes:
        # A product in parts is computed in larger blocks: to begin one takes some time.
        row, size = change.row, change.grad.size
        step = block_size if row == 1 else -(-2 * block_size // row) * row
        for start in range(0, size, step):
            stop = min(start + step, size)
            if stop - start > room:
                blocks.append([])
                room = block_size
            blocks[-1].append((change, start, stop))
            room -= stop - start

    def block(index: int) -> None:
        for change, start, stop in blocks[index]:
            change.run(start, stop)

    parallel_for(len(blocks), block)


# ---- compiled loops


# What decides how a loop is run: the loop, the dtype, elements, slots, scalars; and, for a gradient
# that is a product, the shapes of the factors, and which are transposed.
_Signature = tuple[
    Kernel[Any, None], np.dtype[Any], int, int, int, tuple[Any, Any, bool, bool] | None
]


def _sweep_loops(loops: Sequence[_Loop]) -> None:
    if not any(each.grad.size for each in loops):
        return
    signatures: list[_Signature] = []
    places: list[int] = []
    factors: list[Array] = []  # so that copies stay until the sweep has ended
    numbers = np.zeros((len(loops), _SCALARS))
    where = address(numbers)
    for loop, slots, grad, scalars in loops:
        product = None
        if isinstance(grad, InParts):
            product = grad.a.shape, grad.b.shape, grad.transpose_a, grad.transpose_b
            mine = [contiguous(grad.a), contiguous(grad.b)]
        else:
            mine = [grad]
        factors += mine
        # The slots come first, the gradient or its factors last.
        between = _PLACES - 1 - len(slots) - len(mine)
        places += [*map(address, slots), *[0] * between, *map(address, mine), where]
        numbers[len(signatures), : len(scalars)] = scalars
        where += _SCALARS * 8
        signatures.append(
            (loop, slots[0].dtype, grad.size, len(slots), len(scalars), product)
        )  # fmt: skip
    _plan(tuple(signatures)).run(*places)


@planned
def _plan(signatures: tuple[_Signature, ...]) -> Stages:
    updates: list[tuple[int, int, int]] = []
    blocks: list[tuple[int, int, int]] = []
    parts: list[Part] = []
    for number, (loop, dtype, size, slots, scalars, product) in enumerate(signatures):
        step, how = _BLOCK, 0
        if product is not None:
            a, b, transpose_a, transpose_b = product
            columns = b[not transpose_b]
            rows = max(_PRODUCT_BLOCK // columns, 1)
            parts.append(part(a, b, dtype, transpose_a, transpose_b, rows))
            step, how = rows * columns, address(parts[-1].given)
        updates.append((_code(loop, dtype, slots, scalars).address(), how, dtype.itemsize))
        blocks += [(number, first, min(first + step, size)) for first in range(0, size, step)]
    table, cut_ = np.array(updates, np.int64), np.array(blocks, np.int64)
    given = record(SWEEP, updates=address(table), blocks=address(cut_), count=len(blocks))
    room = max((each.room for each in parts), default=0)
    return Stages(Stage(sweep_blocks, len(blocks), given), room=room, keep=(*parts, table, cut_))


@functools.cache
def _code(
    loop: Kernel[Any, None], dtype: np.dtype[Any], slots: int, scalars: int
) -> NativeKernel[Any, None]:
    shape = {(1, 1): change_one, (2, 2): change_two, (3, 4): change_three}[slots, scalars]
    return shape.specialize(f"_{loop.name}_{dtype.name}", loop=loop, DTYPE=dtype.type)


# Compiled

# The places of a change: up to three slots and two factors, of which the last may be the gradient
# itself, and its scalars, as float64.
_PLACES, _SCALARS = 6, 4

# What `sweep_blocks` is given: the addresses of a table of changes (the code of each, its PART or
# 0, and bytes in a number) and of one of blocks (of which change, from where to where).
SWEEP = fields("updates", "blocks", "count")

# Put in by `specialize`.
loop: Any = None
DTYPE: Any = np.float32


@native
def sweep_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """The blocks of all changes."""
    given = record_at(given_, SWEEP)
    packed = -1  # of which change the right factor is in the room
    index = take(counter)
    while index < given.count:
        block = given.blocks + 3 * 8 * index
        number, start, stop = word(block, 0), word(block, 1), word(block, 2)
        update, mine = given.updates + 3 * 8 * number, places + _PLACES * 8 * number
        part_, size = word(update, 1), word(update, 2)
        grad = word(mine, 4) + start * size
        if part_ != 0:
            part = record_at(part_, PART)
            if packed != number:
                pack_right(part, word(mine, 4), room)
                packed = number
            first, last = start // part.columns, stop // part.columns
            multiply_rows(part, word(mine, 3), room, first, last)
            grad = room + part.result
        call(word(update, 0), (mine, start, stop - start, grad))
        index = take(counter)


@native
def change_one(places: int, start: int, count: int, grad: int) -> None:
    """Runs a loop that changes one array, over `count` of its elements; `grad` is their address."""
    scalars = array_at(word(places, _PLACES - 1), _SCALARS, np.float64)
    slot = array_at(word(places, 0), start + count, DTYPE)[start:]
    loop(slot, array_at(grad, count, DTYPE), DTYPE(scalars[0]))


@native
def change_two(places: int, start: int, count: int, grad: int) -> None:
    """The same, of two arrays."""
    scalars = array_at(word(places, _PLACES - 1), _SCALARS, np.float64)
    one = array_at(word(places, 0), start + count, DTYPE)[start:]
    two = array_at(word(places, 1), start + count, DTYPE)[start:]
    loop(one, two, array_at(grad, count, DTYPE), DTYPE(scalars[0]), DTYPE(scalars[1]))


@native
def change_three(places: int, start: int, count: int, grad: int) -> None:
    """The same, of three arrays."""
    scalars = array_at(word(places, _PLACES - 1), _SCALARS, np.float64)
    one = array_at(word(places, 0), start + count, DTYPE)[start:]
    two = array_at(word(places, 1), start + count, DTYPE)[start:]
    three = array_at(word(places, 2), start + count, DTYPE)[start:]
    loop(
        one, two, three, array_at(grad, count, DTYPE), DTYPE(scalars[0]), DTYPE(scalars[1]),
        DTYPE(scalars[2]), DTYPE(scalars[3]),
    )  # fmt: skip
