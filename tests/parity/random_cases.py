"""What is drawn in both engines and compared bit by bit.

    python -m tests.parity.random_cases record

records in `tests/golden/random.json` and `random.npz` what TensorFlow draws; it needs the `parity`
extra. A case is a graph that draws several tensors, with a seed of the graph, of the ops, or both.
Each is run three times in one session, and in a second session, which has to repeat the first.

Of each tensor that was drawn the recording holds a hash of its bits in all three runs, and of the
first run its first numbers, for machines whose C library computes other logarithms. Tensors that go
through the factors of a matrix are kept whole, since those differ in rounding.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.harness import engine, session

GOLDEN = Path(__file__).parents[1] / "golden"
RUNS = 3
HEAD = 4  # numbers
MODES: dict[str, tuple[int | None, int | None]] = {  # seed of the graph, of the op
    "graph seed": (7, None),
    "op seed": (None, 3),
    "both seeds": (7, 3),
}
SPECIAL = {"seeds of zero": (0, 0), "negative seeds": (-1, -5)}
# Groups of 2 or 4 elements, 256 blocks of the generator for each, chunks of 1024 and more.
SIZES = (0, 1, 2, 3, 4, 5, 255, 256, 257, 1023, 1024, 1025)
LARGE = 10**6
FLOATS = ("float16", "float32", "float64")

Draw = Callable[[Any, int, Any], Any]  # of tf, a size and a seed


@dataclass(frozen=True)
class Case:
    """A graph that draws.

    Attributes:
      build: makes its tensors; variables among them are initialized before each run.
      graph_seed: the seed of the graph, or None.
      exact: whether all bits are TensorFlow's.
    """

    build: Callable[[Any], list[Any]]
    graph_seed: int | None
    exact: bool = True


CASES: dict[str, Case] = {}


def add(
    name: str, build: Callable[[Any, Any], list[Any]], exact: bool = True, seeded: bool = True
) -> None:
    """A case for each way to give seeds; `build` takes tf and the op's seed, if it is `seeded`."""
    for mode, (graph_seed, op_seed) in MODES.items():
        if seeded or graph_seed is not None:
            case = Case(partial(_with_seed, build, op_seed), graph_seed, exact)
            assert CASES.setdefault(f"{name}, {mode}", case) is case, f"{name} is there twice"


def _with_seed(build: Callable[[Any, Any], list[Any]], seed: int | None, tf: Any) -> list[Any]:
    return build(tf, seed)


def sizes(name: str, draw: Draw, large: bool = True) -> None:
    """An op in a graph for each way to give seeds, in all sizes, and maybe one that is large."""
    add(name, lambda tf, seed: [draw(tf, size, seed) for size in SIZES])
    if large:
        for mode, (graph_seed, op_seed) in SPECIAL.items():
            CASES[f"{name}, {mode}"] = Case(lambda tf, s=op_seed: [draw(tf, 9, s)], graph_seed)
        CASES[f"{name}, large"] = Case(lambda tf: [draw(tf, LARGE, 2**31 - 2)], 11)


# ---- the ops

for _d in FLOATS:
    sizes(f"random_uniform {_d}", lambda tf, n, s, d=_d: tf.random_uniform([n], dtype=d, seed=s))
    sizes(
        f"random_uniform {_d} between bounds",
        lambda tf, n, s, d=_d: tf.random_uniform([n], -0.3, 0.7, dtype=d, seed=s),
        large=False,
    )
    sizes(
        f"random_uniform {_d} below a bound",
        lambda tf, n, s, d=_d: tf.random_uniform([n], maxval=3, dtype=d, seed=s),
        large=False,
    )
    sizes(f"random_normal {_d}", lambda tf, n, s, d=_d: tf.random_normal([n], dtype=d, seed=s))
    sizes(
        f"random_normal {_d} scaled",
        lambda tf, n, s, d=_d: tf.random_normal([n], 1.5, 0.3, dtype=d, seed=s),
        large=False,
    )
    sizes(
        f"truncated_normal {_d}", lambda tf, n, s, d=_d: tf.truncated_normal([n], dtype=d, seed=s)
    )
    sizes(
        f"truncated_normal {_d} scaled",
        lambda tf, n, s, d=_d: tf.truncated_normal([n], 0.1, 0.3, dtype=d, seed=s),
        large=False,
    )

for _d, _low, _high in (
    ("int32", -5, 7),
    ("int32", 0, 1),
    ("int32", -(2**31), 2**31 - 1),
    ("int64", 0, 10),
    ("int64", -(10**15), 2**62),
    ("int64", -(2**63), 2**63 - 1),
):
    sizes(
        f"random_uniform {_d} [{_low}, {_high})",
        lambda tf, n, s, d=_d, low=_low, high=_high: tf.random_uniform([n], low, high, d, s),
        large=_low < 0,
    )

sizes("random_shuffle", lambda tf, n, s: tf.random_shuffle(tf.range(n), seed=s))
sizes(
    "random_shuffle of rows",
    lambda tf, n, s: tf.random_shuffle(tf.reshape(tf.range(3.0 * n), [n, 3]), seed=s),
)
sizes(
    "random_crop",
    lambda tf, n, s: tf.random_crop(
        tf.reshape(tf.range(4 * (n + 2)), [n + 2, 4]), [max(n, 1), 3], s
    ),
    large=False,
)


def logits(tf: Any, dtype: str, rows: int, classes: int) -> Any:
    return tf.constant((np.arange(rows * classes) % 7 / 2).reshape(rows, classes), dtype)


for _d in FLOATS:
    sizes(
        f"multinomial {_d}",
        lambda tf, n, s, d=_d: tf.multinomial(logits(tf, d, 3, 5), n, seed=s),
    )
    add(
        f"multinomial {_d}, batches",
        lambda tf, s, d=_d: [
            tf.multinomial(logits(tf, d, rows, classes), samples, seed=s)
            for rows, classes, samples in ((0, 3, 4), (1, 1, 5), (2, 1000, 3), (400, 50, 7))
        ],
    )
sizes(
    "multinomial of int32",
    lambda tf, n, s: tf.multinomial(logits(tf, "float32", 2, 9), n, s, output_dtype=tf.int32),
    large=False,
)
sizes(
    "random.categorical",
    lambda tf, n, s: tf.random.categorical(logits(tf, "float32", 2, 9), n, seed=s),
    large=False,
)
add(
    "log_uniform_candidate_sampler",
    lambda tf, s: [
        part
        for unique, count in ((True, 20), (False, 257))
        for part in tf.nn.log_uniform_candidate_sampler(
            tf.constant([[0], [7], [99]], tf.int64), 1, count, unique, 100, seed=s
        )
    ],
)


# ---- dropout


def numbers(tf: Any, shape: Any, dtype: str) -> Any:
    """Different numbers, of which none is 0, and which nothing can be folded with."""
    values = np.arange(1.0, np.prod(shape) + 1).reshape(shape) % 1000 + 1
    return tf.placeholder_with_default(values.astype(dtype), shape)


for _d in FLOATS:
    sizes(
        f"dropout {_d}, keep_prob",
        lambda tf, n, s, d=_d: tf.nn.dropout(numbers(tf, [n], d), keep_prob=0.4, seed=s),
    )
    sizes(
        f"dropout {_d}, rate",
        lambda tf, n, s, d=_d: tf.nn.dropout(numbers(tf, [n], d), rate=0.3, seed=s),
        large=False,
    )
    sizes(
        f"dropout {_d}, keep_prob as a tensor",
        lambda tf, n, s, d=_d: tf.nn.dropout(
            numbers(tf, [n], d),
            tf.placeholder_with_default(np.array(0.7, d), []),
            seed=s,
        ),
        large=False,
    )
    sizes(
        f"layers.dropout {_d}",
        lambda tf, n, s, d=_d: tf.layers.dropout(
            numbers(tf, [2, n], d), rate=0.25, training=True, seed=s
        ),
        large=False,
    )
add(
    "dropout, noise_shape",
    lambda tf, s: (
        [
            tf.nn.dropout(numbers(tf, [4, 3, 2, 65], "float32"), 0.6, shape, seed=s)
            for shape in ([4, 1, 1, 65], [1, 3, 2, 1], [4, 3, 2, 65], [None, 1, 1, None])
        ]
        + [
            tf.layers.dropout(
                numbers(tf, [4, 3, 65], "float32"),
                0.5,
                noise_shape=[4, 1, 65],
                training=True,
                seed=s,
            ),
            tf.layers.dropout(
                numbers(tf, [4, 65], "float32"),
                0.5,
                training=tf.placeholder_with_default(True, []),
                seed=s,
            ),
        ]
    ),
)
# Nothing is dropped, yet a seed is used up: the op after it draws what it would have otherwise.
add(
    "dropout of nothing, then another",
    lambda tf, s: [
        tf.nn.dropout(numbers(tf, [9], "float32"), 1.0, seed=s),
        tf.nn.dropout(numbers(tf, [99], "float32"), 0.5, seed=s),
    ],
)


# ---- initializers


SHAPES = ([], [13], [30, 3], [1, 257], [3, 2, 5], [5, 5, 2, 4], [3, 2, 2, 3, 4], [0, 4])
MATRICES = ([6, 4], [4, 6], [5, 5], [1, 1], [7, 1], [2, 2, 7], [12, 13], [24, 17])


def initializer(
    name: str,
    make: Callable[[Any, Any], Any],
    dtypes: tuple[str, ...] = FLOATS,
    shapes: Any = SHAPES,
    exact: bool = True,
) -> None:
    """What an initializer gives, called, and to a variable of `tf.get_variable`."""

    def build(tf: Any, seed: Any) -> list[Any]:
        made = [make(tf, seed)(shape, tf.as_dtype(d)) for d in dtypes for shape in shapes]
        variables = [
            tf.get_variable(f"{d}_{i}", shape, tf.as_dtype(d), make(tf, seed))
            for d in dtypes
            for i, shape in enumerate(shapes)
        ]
        return made + variables

    add(name, build, exact)


initializer("zeros", lambda tf, s: tf.zeros_initializer(), (*FLOATS, "int32"))
initializer("ones", lambda tf, s: tf.ones_initializer(), (*FLOATS, "int32"))
initializer("constant", lambda tf, s: tf.constant_initializer(1.25))
initializer("random_uniform", lambda tf, s: tf.random_uniform_initializer(-2.0, 3.0, seed=s))
initializer("random_uniform by default", lambda tf, s: tf.random_uniform_initializer(seed=s))
initializer(
    "random_uniform of integers",
    lambda tf, s: tf.random_uniform_initializer(-9, 99, seed=s),
    ("int32", "int64"),
)
initializer("random_normal", lambda tf, s: tf.random_normal_initializer(1.0, 2.0, seed=s))
initializer("truncated_normal", lambda tf, s: tf.truncated_normal_initializer(0.0, 0.1, seed=s))
initializer("unit scaling", lambda tf, s: tf.uniform_unit_scaling_initializer(1.43, seed=s))
initializer("glorot_uniform", lambda tf, s: tf.glorot_uniform_initializer(seed=s))
initializer("glorot_normal", lambda tf, s: tf.glorot_normal_initializer(seed=s))
for _name in ("he_normal", "he_uniform", "lecun_normal", "lecun_uniform"):
    initializer(_name, lambda tf, s, name=_name: getattr(tf.initializers, name)(seed=s))
for _mode, _distribution in itertools.product(
    ("fan_in", "fan_out", "fan_avg"), ("normal", "uniform", "untruncated_normal")
):
    initializer(
        f"variance_scaling {_mode} {_distribution}",
        lambda tf, s, mode=_mode, distribution=_distribution: tf.variance_scaling_initializer(
            1.7, mode, distribution, seed=s
        ),
    )
initializer("identity", lambda tf, s: tf.initializers.identity(1.5), FLOATS, MATRICES[:5])
initializer(
    "orthogonal",
    lambda tf, s: tf.orthogonal_initializer(1.1, seed=s),
    FLOATS[1:],
    MATRICES,
    exact=False,
)
# What `tf.get_variable` does when it is told nothing.
add(
    "get_variable",
    lambda tf, s: [
        tf.get_variable(d, [30, 33], tf.as_dtype(d)) for d in (*FLOATS, "int32", "int64")
    ],
    seeded=False,
)


def layers(tf: Any, seed: Any) -> list[Any]:
    """The variables of each layer, with its default initializers."""
    del seed
    images = tf.zeros([2, 12, 12, 3])
    tf.layers.dense(tf.zeros([2, 33]), 17)
    tf.layers.dense(tf.zeros([2, 3, 5], tf.float64), 4)
    tf.layers.conv1d(tf.zeros([2, 12, 3]), 5, 3)
    tf.layers.conv2d(images, 32, 5)
    tf.layers.conv2d_transpose(images, 4, 3)
    tf.layers.separable_conv1d(tf.zeros([2, 12, 3]), 5, 3)
    tf.layers.separable_conv2d(images, 8, 3, depth_multiplier=2)
    tf.layers.batch_normalization(images)
    return list(tf.global_variables())


add("layers", layers, seeded=False)


# ---- observing


def observe(tf: Any, case: Case) -> list[list[np.ndarray]]:
    """The tensors of a case in each run of a session, which a second session has repeated."""
    with tf.Graph().as_default():
        tf.set_random_seed(case.graph_seed)
        tensors = case.build(tf)
        initialize = tf.global_variables_initializer()
        sessions = []
        for _ in range(2):
            with session(tf) as sess:
                runs = []
                for _ in range(RUNS):
                    sess.run(initialize)
                    runs.append(sess.run(tensors))
                sessions.append(runs)
    first, second = map(hashes, sessions)
    assert first == second, "a second session draws other numbers"
    return sessions[0]


def hashes(runs: list[list[Any]]) -> list[str]:
    """For each tensor, eight bytes of a hash of its dtype, its shape and its bits in all runs."""
    return [hash_of(np.stack(values)) for values in zip(*runs, strict=True)]


def hash_of(array: np.ndarray) -> str:
    kind = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.blake2b(kind + array.tobytes(), digest_size=8).hexdigest()


@dataclass
class Drawn:
    """What one engine drew in a case.

    Attributes:
      hashes: of the bits of each tensor.
      heads: in the first run the first numbers of each tensor; all, where bits may differ.
      elements: how many numbers were drawn in the three runs together.
    """

    hashes: list[str]
    heads: list[np.ndarray]
    elements: int


def draw(tf: Any, name: str) -> Drawn:
    """Runs a case in one engine."""
    case = CASES[name]
    runs = observe(tf, case)
    flat = [np.asarray(array).reshape(-1) for array in runs[0]]
    heads = [array[:HEAD] for array in flat] if case.exact else flat
    return Drawn(hashes(runs), heads, RUNS * sum(array.size for array in flat))


# ---- the recording


def record(target: Path = GOLDEN) -> None:
    """Runs all cases in TensorFlow and writes what it drew, `random.json` and `random.npz`."""
    tf = engine("tensorflow.compat.v1")
    index: dict[str, Any] = {}
    heads: list[bytes] = []
    for name in CASES:
        drawn = draw(tf, name)
        kinds = [f"{head.dtype.str[1:]} {head.size}" for head in drawn.heads]
        index[name] = [" ".join(drawn.hashes), ", ".join(kinds), drawn.elements]
        heads += [head.tobytes() for head in drawn.heads]
    text = {"tensorflow": tf.__version__, "libm": libm(), "cases": index}
    (target / "random.json").write_text(json.dumps(text, indent=0) + "\n")
    data = np.frombuffer(b"".join(heads), np.uint8)
    np.savez_compressed(target / "random.npz", heads=data)
    tensors = sum(len(entry[0].split()) for entry in index.values())
    print(f"random: {len(CASES)} cases, {tensors} tensors", flush=True)


def read(source: Path = GOLDEN) -> dict[str, Drawn]:
    """What was recorded."""
    index = json.loads((source / "random.json").read_text())["cases"]
    with np.load(source / "random.npz") as arrays:
        data = arrays["heads"].tobytes()
    found, position = {}, 0
    for name, (hashed, kinds, elements) in index.items():
        heads = []
        for kind in kinds.split(", "):
            dtype, size = kind.split()
            heads.append(np.frombuffer(data, dtype, int(size), position))
            position += heads[-1].nbytes
        found[name] = Drawn(hashed.split(), heads, elements)
    return found


@cache
def libm() -> dict[str, str]:
    """Hashes of logarithms, sines and cosines: whether two machines' C libraries compute alike."""
    found = {}
    for name, dtype in itertools.product(("log", "sin", "cos"), (np.float32, np.float64)):
        inputs = np.arange(1, 2**14, dtype=dtype) / dtype(1024)
        function: Callable[[float], float] = getattr(math, name)
        if dtype is np.float32:
            function = getattr(ctypes.CDLL(None), name + "f")
            function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
        values = np.array([function(x) for x in inputs.tolist()], dtype)
        found[f"{name} {dtype.__name__}"] = hash_of(values)
    return found


def same_libm(dtype: Any) -> bool:
    """Whether logarithms, sines and cosines of a dtype are those of the machine that recorded."""
    name = "float64" if dtype == np.float64 else "float32"  # float16 is rounded from float32
    recorded = json.loads((GOLDEN / "random.json").read_text())["libm"]
    here = libm()
    return all(here[key] == recorded[key] for key in recorded if key.endswith(name))


def record_apart(target: Path = GOLDEN) -> dict[str, Drawn]:
    """Records in a process of its own, and returns what TensorFlow drew.

    The first session of a TensorFlow process decides how many threads all have. With more than one,
    multinomial gives each of them a part of the rows, and other words to draw from.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.parity.random_cases", "record"]
    subprocess.run([*command, str(target)], check=True, cwd=GOLDEN.parents[1])
    return read(target)


if __name__ == "__main__":
    if sys.argv[1:2] != ["record"]:
        sys.exit(__doc__)
    record(*map(Path, sys.argv[2:]))
