"""With this module one can draw TensorFlow's own random numbers: same seed, same bits.

TensorFlow's random ops draw from Philox4x32-10, a generator without hidden state: a 64-bit key and
a 128-bit counter go in, four 32-bit words come out, and the next four come from the counter plus
one. So a stream of words is a pure function of (key, counter), any piece of it can be made
without the pieces before it, and it looks the same however many threads make it:

    seed, seed2  ->  Philox           key = seed, counter = (0, seed2): one per op and session
    Philox       ->  reserve(blocks)  a Stream, where this run of the op begins to read
    Stream       ->  words            4 x blocks integers of 32 bits, from `philox4x32`
    words        ->  elements         uniform: some bits of a word; normal: Box-Muller on words

>>> from minitf.kernels import philox
>>> generator = philox.Philox(seed=7, seed2=3)
>>> philox.uniform(generator, (3,), "float32")          # what the first session.run gives
array([0.40108788, 0.37683892, 0.3092928 ], dtype=float32)
>>> philox.uniform(generator, (3,), "float32")          # and the second
array([0.5707437 , 0.57991314, 0.14430916], dtype=float32)

Normal numbers go through the logarithm, sine and cosine of the C library, whose last bit differs
between C libraries, and so between machines; on one machine they are TensorFlow's. Numba calls
that library. numpy's vectorised float32 functions do not (they differ in one value out of eight),
which is why the versions for machines without Numba call it value by value, and are slow. Numba
leaves the C library too where Intel's SVML is installed: NUMBA_DISABLE_INTEL_SVML=1 restores it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import random_elements
from minitf.kernels.jit import Kernel, NativeKernel, available, jit, native
from minitf.kernels.parallel import parallel_for
from minitf.kernels.random_elements import Array, Convert
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.simd import take, word
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.workspace import output, workspace

_LOW_32 = np.uint64(0xFFFFFFFF)
_BITS_32 = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10

# TensorFlow moves an op's counter by this much for each element, whatever the op reads of it, so
# that an element may reject many candidates before it runs into the words of the next run.
_BLOCKS_PER_ELEMENT = 256

# Blocks made at once, by one thread: 32 kB of words, which stay in the cache until they are used.
_CHUNK = 2048


class Stream(NamedTuple):
    """Where an endless sequence of random words begins: a pure value, free to copy and share."""

    key: int
    counter: int

    def words(self, offsets: Array, out: Array | None = None) -> Array:
        """The words of the blocks `counter + offset`: uint32 of shape (4, len(offsets)).

        Args:
          offsets: uint64, of rank 1.
          out: where to put them, if given.
        """
        made = output(out, (4, len(offsets)), np.uint32)
        _fill_words(*self.numbers(), offsets, made)
        return made

    def numbers(self) -> tuple[Any, Any, Any]:
        """The key, and the lower and the upper half of the counter, as uint64."""
        low, high = self.counter & (2**64 - 1), self.counter >> 64
        return np.uint64(self.key), np.uint64(low), np.uint64(high)


class Philox:
    """The generator of one random op in one session; safe to use from several threads.

    Args:
      seed: becomes the key. TensorFlow's attribute `seed`, read as 64 bits without sign.
      seed2: becomes the upper half of the counter; the lower half, the position, begins at 0.
        When both seeds are 0, as in an op without any seed, both are chosen at random.

    >>> generator = Philox(7, 3)
    >>> generator.reserve(10).counter == 3 << 64, generator.position
    (True, 10)
    """

    def __init__(self, seed: int = 0, seed2: int = 0) -> None:
        if seed == 0 and seed2 == 0:
            seed, seed2 = (int.from_bytes(os.urandom(8), "little") for _ in range(2))
        self._key = seed % 2**64
        self._counter = (seed2 % 2**64) << 64
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        """How many blocks have been reserved so far, modulo 2^64."""
        return self._counter % 2**64

    def reserve(self, blocks: int) -> Stream:
        """Returns the stream that begins here, and moves on so that no one else reads `blocks`."""
        with self._lock:
            stream = Stream(self._key, self._counter)
            self._counter = (self._counter + blocks) % 2**128
        return stream


def uniform(
    generator: Philox,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Uniform numbers in [0, 1): the kernel of RandomUniform, of `tf.random_uniform`.

    An element is m * 2^-bits, where m is the lowest 23 bits of one word for float32, 10 bits of
    one word for float16, and 20 bits of one word followed by the next word for float64.

    Args:
      generator: moves on by 256 blocks for each element.
      shape: of the result.
      dtype: float16, float32 or float64.
      out: a contiguous array of this shape and dtype to fill; otherwise a new one is made.

    Raises:
      TypeError: `dtype` is none of these.
    """
    result = output(out, shape, dtype)
    convert = _lookup(random_elements.UNIFORM, result.dtype, "uniform")
    stream = generator.reserve(_BLOCKS_PER_ELEMENT * result.size)
    return _fill_straight(convert, stream, result)


def uniform_int(
    generator: Philox,
    shape: tuple[int, ...],
    minval: int,
    maxval: int,
    dtype: npt.DTypeLike = np.int32,
    out: Array | None = None,
) -> Array:
    """Integers in [minval, maxval): the kernel of RandomUniformInt, of `tf.random_uniform`.

    An element is `minval + w % (maxval - minval)`, where w is one word for int32 and two for
    int64, so that small values are more likely by at most (maxval - minval) / 2^32, or 2^64.

    Args:
      generator: moves on by 256 blocks for each element.
      shape: of the result.
      minval: the least value that can be drawn.
      maxval: one more than the greatest.
      dtype: int32 or int64.
      out: a contiguous array of this shape and dtype to fill; otherwise a new one is made.

    Raises:
      TypeError: `dtype` is none of these.
      ValueError: minval >= maxval, and there are elements to draw; or a bound exceeds the dtype.

    >>> uniform_int(Philox(7, 3), (5,), -2, 3)
    array([ 1,  1, -2,  1,  0], dtype=int32)
    """
    result = output(out, shape, dtype)
    convert = _lookup(random_elements.UNIFORM_INT, result.dtype, "uniform_int")
    limits = np.iinfo(result.dtype)
    if not limits.min <= minval <= limits.max or not limits.min <= maxval <= limits.max:
        raise ValueError(f"[{minval}, {maxval}) is not within the range of {result.dtype}")
    if result.size and minval >= maxval:
        raise ValueError(f"Need minval < maxval, got {minval} >= {maxval}")
    stream = generator.reserve(_BLOCKS_PER_ELEMENT * result.size)
    unsigned = np.uint32 if limits.bits == 32 else np.uint64
    low, span = unsigned(minval % 2**limits.bits), unsigned(max(maxval - minval, 1))
    _fill_straight(convert, stream, result.view(unsigned), low, span)
    return result


def standard_normal(
    generator: Philox,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Normal numbers, mean 0 and deviation 1: the kernel of RandomStandardNormal.

    Two uniform numbers u1, u2 (each from one word, or two for float64) give two elements by the
    Box-Muller transform, r sin(a) and then r cos(a), with r = sqrt(-2 log max(u1, 1e-7)) and
    a = 2 pi u2. float16 is float32, rounded.

    Args:
      generator: moves on by 256 blocks for each element.
      shape: of the result.
      dtype: float16, float32 or float64.
      out: a contiguous array of this shape and dtype to fill; otherwise a new one is made.

    Raises:
      TypeError: `dtype` is none of these.
    """
    result = output(out, shape, dtype)
    convert = _lookup(random_elements.NORMAL, result.dtype, "standard_normal")
    stream = generator.reserve(_BLOCKS_PER_ELEMENT * result.size)
    return _fill_straight(convert, stream, result)


def truncated_normal(
    generator: Philox,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike = np.float32,
    out: Array | None = None,
) -> Array:
    """Normal numbers, redrawn until they lie in (-2, 2): the kernel of TruncatedNormal.

    The elements come in groups of four (two for float64). Group g reads its own stream, g times
    256 (128) blocks further on, and keeps the first four (two) normal numbers between -2 and 2.

    Args:
      generator: moves on by 256 blocks for each element.
      shape: of the result.
      dtype: float16, float32 or float64.
      out: a contiguous array of this shape and dtype to fill; otherwise a new one is made.

    Raises:
      TypeError: `dtype` is none of these.
    """
    result = output(out, shape, dtype)
    _lookup(random_elements.NORMAL, result.dtype, "truncated_normal")
    stream = generator.reserve(_BLOCKS_PER_ELEMENT * result.size)
    return _fill(_truncated(stream, result.dtype), result)


def random_shuffle(generator: Philox, value: Array) -> Array:
    """A copy of `value`, shuffled along its first axis: the kernel of RandomShuffle.

    Step i of n - 1 swaps row i with row i + w % (n - i), where w is the stream's next word.

    Args:
      generator: moves on by ceil((n - 1) / 4) blocks, or not at all if there is nothing to do.
      value: an array of any shape and dtype.

    >>> random_shuffle(Philox(7, 3), np.arange(5))
    array([3, 0, 4, 1, 2])
    """
    if value.ndim == 0 or len(value) <= 1 or value.size <= 1:
        return np.array(value)
    blocks = -(-(len(value) - 1) // 4)
    words = generator.reserve(blocks).words(np.arange(blocks, dtype=np.uint64))
    order = np.arange(len(value))
    random_elements.shuffle(np.ascontiguousarray(words.T).reshape(-1), order)
    return value.take(order, axis=0)


def multinomial(
    generator: Philox, logits: Array, num_samples: int, dtype: npt.DTypeLike = np.int64
) -> Array:
    """Draws classes with probabilities softmax(logits): the kernel of Multinomial.

    A sample is the number of classes whose cumulated weight, in float64, does not exceed a
    uniform number between 0 and the sum of the weights exp(logit - largest logit).

    Args:
      generator: moves on by 512 * batch * num_samples blocks, num_samples rounded up to fours.
      logits: (batch, classes) of float16, float32 or float64. A class whose logit is not finite
        is never drawn; if none is finite, the number of classes is drawn, as in TensorFlow.
      num_samples: to draw for each row.
      dtype: of the result, int32 or int64.

    Returns:
      Classes, of shape (batch, num_samples). They are what TensorFlow draws on one thread: on
      several it gives rows of a large batch to each, which begin to read elsewhere.

    Raises:
      TypeError: the logits have another dtype.
      ValueError: the logits are not a matrix, or there are no classes.

    >>> multinomial(Philox(7, 3), np.log([[0.1, 0.2, 0.7]]), 6)
    array([[1, 2, 2, 0, 2, 2]])
    """
    if logits.dtype.type not in random_elements.NORMAL:
        raise TypeError(f"multinomial takes float16, float32 or float64, not {logits.dtype}")
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(f"logits should be (batch, classes), classes > 0, not {logits.shape}")
    batch = len(logits)
    padded_samples = -(-num_samples // 4) * 4
    stream = generator.reserve(_BLOCKS_PER_ELEMENT * batch * 2 * padded_samples)
    draws = np.empty((batch, num_samples))
    _fill_straight(random_elements.uniform_float64, stream, draws)
    finite = np.isfinite(logits)
    lowest = np.finfo(logits.dtype).min
    largest = np.max(logits, axis=1, keepdims=True, where=finite, initial=lowest)
    weights = np.where(finite, logits, largest).astype(np.float64) - largest.astype(np.float64)
    random_elements.exponentials(weights.reshape(-1))
    weights[~finite] = 0
    classes = np.empty((batch, num_samples), np.int64)
    random_elements.search(np.cumsum(weights, axis=1), draws, classes)
    return classes.astype(dtype, copy=False)


# From counter to words


@jit(inline="always")
def philox4x32(key: Any, low: Any, high: Any) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10: the four words of one block, as uint64 values below 2^32.

    Integers (in compiled code) or arrays (anywhere) of uint64; a loop around it vectorises.

    Args:
      key: 64 bits.
      low: the lower half of the 128-bit counter.
      high: the upper half.

    >>> [hex(word) for word in philox4x32(np.uint64(0), np.uint64(0), np.uint64(0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    key0, key1 = key & _LOW_32, key >> _BITS_32
    word0, word1, word2, word3 = low & _LOW_32, low >> _BITS_32, high & _LOW_32, high >> _BITS_32
    for _ in range(_ROUNDS):
        product0, product1 = _MULTIPLIERS[0] * word0, _MULTIPLIERS[1] * word2
        word0, word1 = (product1 >> _BITS_32) ^ word1 ^ key0, product1 & _LOW_32
        word2, word3 = (product0 >> _BITS_32) ^ word3 ^ key1, product0 & _LOW_32
        key0, key1 = (key0 + _KEY_STEPS[0]) & _LOW_32, (key1 + _KEY_STEPS[1]) & _LOW_32
    return word0, word1, word2, word3


def _fill_words_numpy(key: Any, low: Any, high: Any, offsets: Array, words: Array) -> None:
    at = low + offsets
    words[:] = philox4x32.py_func(key, at, high + (at < low))


@jit(fallback=_fill_words_numpy, inline="always")
def _fill_words(key: Any, low: Any, high: Any, offsets: Array, words: Array) -> None:
    for i in range(len(offsets)):
        at = low + offsets[i]
        carry = np.uint64(at < low)
        words[0, i], words[1, i], words[2, i], words[3, i] = philox4x32(key, at, high + carry)


# What `fill_chunks` is given: how many elements there are, in a group, and how many groups at once.
FILL = fields("total", "size", "groups")

# Put in by `specialize`.
convert: Any = None
BETWEEN = False
DTYPE: Any = np.float32


@native
def fill_chunks(given_: int, places: int, room: int, counter: int) -> None:
    """Fills an array with what `convert` makes of a stream, some groups of elements at a time.

    The places are the array, the stream's numbers and, for a `convert` that takes them, the least
    number and how many there are.
    """
    given = record_at(given_, FILL)
    groups, size = given.groups, given.size
    out = array_at(word(places, 0), given.total, DTYPE)
    key, low, high = np.uint64(word(places, 1)), np.uint64(word(places, 2)), word(places, 3)
    words = array_at(room, (4, groups), np.uint32)
    offsets = array_at(room + 16 * groups, groups, np.uint64)
    made = array_at(room + 24 * groups, (groups, size), DTYPE)
    first = take(counter) * groups
    while first * size < given.total:
        for i in range(groups):
            offsets[i] = first + i
        _fill_words(key, low, np.uint64(high), offsets, words)
        if BETWEEN:
            convert(words, made, DTYPE(word(places, 4)), DTYPE(word(places, 5)))
        else:
            convert(words, made)
        there, flat = out[first * size :], made.reshape(-1)
        for i in range(min(len(there), len(flat))):
            there[i] = flat[i]
        first = take(counter) * groups


# What the public functions share


def _group_size(dtype: np.dtype[Any]) -> int:
    """How many elements one block of four words gives."""
    return 2 if dtype.itemsize == 8 else 4


def _lookup(table: dict[type[Any], Convert], dtype: np.dtype[Any], function: str) -> Convert:
    if dtype.type not in table:
        known = ", ".join(each.__name__ for each in table)
        raise TypeError(f"{function} makes {known}, not {dtype.name}")
    return table[dtype.type]


def _fill_straight(convert: Convert, stream: Stream, out: Array, *args: Any) -> Array:
    """Fills `out` with what `convert` makes of the blocks of a stream, on all threads; returns it.

    In compiled code from beginning to end, where `convert` is.
    """
    if not isinstance(convert, Kernel) or not available():
        return _fill(_elements(convert, stream, out.dtype, *args), out)
    if out.size > 0:
        stages = _filler(convert, out.size, out.dtype, bool(args))
        stages.run(out, *map(_signed, (*stream.numbers(), *args)))
    return out


@planned
def _filler(convert: Kernel[Any, None], total: int, dtype: np.dtype[Any], between: bool) -> Stages:
    size = _group_size(dtype)
    groups = min(_CHUNK, -(-total // size))
    given = record(FILL, total=total, size=size, groups=groups)
    blocks = -(-total // (size * groups))
    code = _filling(convert, dtype, between)
    return Stages(Stage(code, blocks, given), room=(24 + size * dtype.itemsize) * groups)


@functools.cache
def _filling(
    convert: Kernel[Any, None], dtype: np.dtype[Any], between: bool
) -> NativeKernel[Any, None]:
    return fill_chunks.specialize(
        f"_{convert.name}", convert=convert, BETWEEN=between, DTYPE=dtype.type
    )


def _signed(number: Any) -> int:
    """The number of 64 bits as `places` have it, with a sign."""
    return (int(number) + 2**63) % 2**64 - 2**63


Make = Callable[[Array], Array]


def _fill(make: Make, out: Array) -> Array:
    """Fills `out` with make([0, 1, 2, ...]), a chunk at a time and on all threads; returns `out`.

    Args:
      make: from the numbers of groups of elements to these, (len(groups), elements in a group).
      out: contiguous.
    """
    flat, size = out.reshape(-1), _group_size(out.dtype)

    def fill_chunk(index: int) -> None:
        first = index * _CHUNK
        piece = flat[first * size : (first + _CHUNK) * size]
        count = -(-piece.size // size)
        groups = workspace("groups", (count,), np.uint64)
        np.add(_first_numbers()[:count], np.uint64(first), out=groups)
        piece[:] = make(groups).reshape(-1)[: piece.size]  # the last group may be cut

    parallel_for(-(-flat.size // (_CHUNK * size)), fill_chunk)
    return out


@functools.cache
def _first_numbers() -> Array:
    return np.arange(_CHUNK, dtype=np.uint64)


def _elements(convert: Convert, stream: Stream, dtype: np.dtype[Any], *args: Any) -> Make:
    """Group g is what `convert` makes of block g of the stream, until this thread makes more."""

    def make(groups: Array) -> Array:
        words = stream.words(groups, workspace("words", (4, len(groups)), np.uint32))
        made = workspace("elements", (len(groups), _group_size(dtype)), dtype)
        convert(words, made, *args)
        return made

    return make


def _truncated(stream: Stream, dtype: np.dtype[Any]) -> Make:
    """Group g is the first normal numbers inside (-2, 2) from block g * (64 times its size) on."""
    size = _group_size(dtype)
    step = np.uint64(size * _BLOCKS_PER_ELEMENT // 4)
    # float16 is float32 that is rounded at the end.
    wide = np.dtype(np.float64 if size == 2 else np.float32)
    normal = _elements(random_elements.NORMAL[wide.type], stream, wide)

    def make(groups: Array) -> Array:
        made = np.empty((len(groups), size), wide)
        blocks, rows, kept = groups * step, np.arange(len(groups)), np.zeros(len(groups), np.int64)
        while len(rows):
            random_elements.keep_inside(normal(blocks), rows, kept, made)
            short = kept < size
            blocks, rows, kept = blocks[short] + np.uint64(1), rows[short], kept[short]
        return made

    return make
