"""What random ops must draw, said once more in plain Python.

Recordings of TensorFlow are in tests/kernels/test_philox.py and tests/ops/test_random_ops.py; here
the same numbers are computed another way, for every shape.
"""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample, case

MASK = 2**32 - 1


class Words:
    """The stream of 32-bit words of a random op with two seeds, from a block on."""

    def __init__(self, seed, seed2, block=0):
        self.key = seed
        self.counter = (seed2 << 64) + block
        self.left = []

    def next(self):
        if not self.left:
            self.left = self.block()
            self.counter += 1
        return self.left.pop(0)

    def block(self):
        keys = [self.key & MASK, self.key >> 32]
        words = [self.counter >> 32 * i & MASK for i in range(4)]
        for _ in range(10):
            first, second = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
            words = [
                second >> 32 ^ words[1] ^ keys[0],
                second & MASK,
                first >> 32 ^ words[3] ^ keys[1],
                first & MASK,
            ]
            keys = [keys[0] + 0x9E3779B9 & MASK, keys[1] + 0xBB67AE85 & MASK]
        return words

    def uniform(self, dtype):
        if dtype == "float64":
            high, low = self.next(), self.next()
            return ((high & 0xFFFFF) << 32 | low) / 2**52
        bits = 10 if dtype == "float16" else 23
        return (self.next() & (1 << bits) - 1) / 2**bits

    def normals(self, dtype):
        wide = "float64" if dtype == "float64" else "float32"
        first, second = self.uniform(wide), self.uniform(wide)
        radius = math.sqrt(-2 * math.log(max(first, 1e-7)))
        return radius * math.sin(2 * math.pi * second), radius * math.cos(2 * math.pi * second)


def name_of(dtype):
    return np.dtype(getattr(dtype, "as_numpy_dtype", dtype)).name


def random_uniform(shape, seed, seed2, dtype):
    words = Words(seed, seed2)
    values = [words.uniform(name_of(dtype)) for _ in range(math.prod(shape))]
    return np.array(values, name_of(dtype)).reshape(shape)


def random_uniform_int(shape, minval, maxval, seed, seed2):
    words = Words(seed, seed2)

    def word():
        return words.next() if minval.dtype == np.int32 else words.next() | words.next() << 32

    span = int(maxval) - int(minval)
    values = [int(minval) + word() % span for _ in range(math.prod(shape))]
    return np.array(values, minval.dtype).reshape(shape)


def random_normal(shape, seed, seed2, dtype):
    words = Words(seed, seed2)
    values = []
    while len(values) < math.prod(shape):
        values.extend(words.normals(name_of(dtype)))
    return np.array(values[: math.prod(shape)], name_of(dtype)).reshape(shape)


def truncated_normal(shape, seed, seed2, dtype):
    group = 2 if name_of(dtype) == "float64" else 4
    values = []
    while len(values) < math.prod(shape):
        words = Words(seed, seed2, len(values) * 64)
        kept = []
        while len(kept) < group:
            kept.extend(v for v in words.normals(name_of(dtype)) if abs(v) < 2)
        values.extend(kept[:group])
    return np.array(values[: math.prod(shape)], name_of(dtype)).reshape(shape)


def random_shuffle(value, seed, seed2):
    words = Words(seed, seed2)
    order = list(range(len(value))) if value.ndim and value.size > 1 else []
    for i in range(len(order) - 1):
        j = i + words.next() % (len(order) - i)
        order[i], order[j] = order[j], order[i]
    return value[order] if order else value


def multinomial(logits, num_samples, seed, seed2, output_dtype):
    words = Words(seed, seed2)
    rows = []
    for row in logits.astype(np.float64):
        weights = np.exp(row - row.max())
        edges = np.cumsum(weights)
        row_draws = [words.uniform("float64") * edges[-1] for _ in range(num_samples)]
        rows.append([int(np.sum(edges <= draw)) for draw in row_draws])
    return np.array(rows, name_of(output_dtype)).reshape(len(logits), num_samples)


shapes = st.lists(st.integers(0, 4), max_size=3).map(lambda dims: np.array(dims, np.int32))
seeds = st.fixed_dictionaries({"seed": st.integers(1, 2**31 - 1), "seed2": st.integers(0, 2**31)})
floats = st.sampled_from([np.float16, np.float32, np.float64])


@st.composite
def drawn(draw):
    shape = draw(shapes)
    shape = shape.astype(draw(st.sampled_from([np.int32, np.int64])))
    return Sample([shape], {**draw(seeds), "dtype": draw(floats)})


@st.composite
def drawn_integers(draw):
    dtype = draw(st.sampled_from([np.int32, np.int64]))
    low, high = sorted(
        draw(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2, unique=True))
    )
    return Sample([draw(shapes), np.array(low, dtype), np.array(high, dtype)], draw(seeds))


@st.composite
def shuffled(draw):
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    dtype = draw(st.sampled_from([np.float32, np.int64, np.bool_]))
    return Sample([np.arange(math.prod(shape)).reshape(shape).astype(dtype)], draw(seeds))


@st.composite
def logits(draw):
    batch, classes = draw(st.integers(0, 3)), draw(st.integers(1, 5))
    values = draw(st.lists(st.integers(-8, 8), min_size=batch * classes, max_size=batch * classes))
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    matrix = np.array(values, dtype).reshape(batch, classes) / dtype(2)
    count = np.array(draw(st.integers(0, 5)), np.int32)
    attrs = {**draw(seeds), "output_dtype": draw(st.sampled_from([np.int32, np.int64]))}
    return Sample([matrix, count], attrs)


case("RandomUniform", drawn(), random_uniform, static=("shape",))
case("RandomStandardNormal", drawn(), random_normal, static=("shape",))
case("TruncatedNormal", drawn(), truncated_normal, static=("shape",))
case("RandomUniformInt", drawn_integers(), random_uniform_int, static=("shape",))
case("RandomShuffle", shuffled(), random_shuffle)
case("Multinomial", logits(), multinomial, static=("num_samples",))
