"""Records in random.npz what TensorFlow's random ops give, for tests that run without TensorFlow.

    python tests/golden/record_random.py

needs `tensorflow` (the parity extra). Each case is one op in one session that runs it twice. The
file holds, in the order of `cases`: `heads`, the first 64 bytes of each result, and `digests`, the
SHA-256 of all its bytes; and `libm`, digests that tell whether a machine's C library computes the
logarithms, sines and cosines of the machine that recorded.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow.compat.v1 as tf

RUNS = 2
HEAD = 64
SIZES = (0, 1, 3, 4, 5, 255, 256, 257, 1000)
SEEDS = ((7, None), (None, 3), (7, 3))  # graph seed, op seed
FLOATS = ("float16", "float32", "float64")
KINDS: tuple[dict[str, Any], ...] = (
    *({"function": "uniform", "dtype": dtype} for dtype in FLOATS),
    *({"function": "standard_normal", "dtype": dtype} for dtype in FLOATS),
    *({"function": "truncated_normal", "dtype": dtype} for dtype in FLOATS),
    {"function": "uniform_int", "dtype": "int32", "minval": -5, "maxval": 7},
    {"function": "uniform_int", "dtype": "int32", "minval": -(2**31), "maxval": 2**31 - 1},
    {"function": "uniform_int", "dtype": "int64", "minval": 0, "maxval": 10},
    {"function": "uniform_int", "dtype": "int64", "minval": -(10**15), "maxval": 2**62},
    {"function": "random_shuffle", "dtype": "int32", "columns": 1},
    {"function": "random_shuffle", "dtype": "float32", "columns": 3},
    *({"function": "multinomial", "dtype": dtype, "batch": 3, "classes": 5} for dtype in FLOATS),
)


def cases() -> Iterator[dict[str, Any]]:
    for kind, (graph_seed, op_seed), size in itertools.product(KINDS, SEEDS, SIZES):
        yield {**kind, "graph_seed": graph_seed, "op_seed": op_seed, "size": size}
    for kind in KINDS:
        yield {**kind, "graph_seed": 11, "op_seed": 2**31 - 2, "size": 10**6}


def build(case: dict[str, Any]) -> Any:
    dtype, size = case["dtype"], case["size"]
    if case["function"] == "uniform_int":
        bounds = case["minval"], case["maxval"]
        return tf.random_uniform([size], *bounds, dtype=dtype, seed=case["op_seed"])
    if case["function"] == "random_shuffle":
        rows = np.arange(size * case["columns"], dtype=dtype).reshape(size, case["columns"])
        value = rows[:, 0] if case["columns"] == 1 else rows
        return tf.random_shuffle(value, seed=case["op_seed"])
    if case["function"] == "multinomial":
        count = case["batch"] * case["classes"]
        logits = (np.arange(count) % 7 / 2).astype(dtype).reshape(case["batch"], -1)
        return tf.multinomial(logits, size, seed=case["op_seed"])
    op = {
        "uniform": tf.raw_ops.RandomUniform,
        "standard_normal": tf.raw_ops.RandomStandardNormal,
        "truncated_normal": tf.raw_ops.TruncatedNormal,
    }[case["function"]]
    seed, seed2 = tf.get_seed(case["op_seed"])
    return op(shape=[size], dtype=dtype, seed=seed or 0, seed2=seed2 or 0)


def record(case: dict[str, Any]) -> list[bytes]:
    """Runs the case; adds to it the attributes `seed` and `seed2` that TensorFlow chose."""
    one_thread = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(case["graph_seed"])
        fetch = build(case)
        drawing = next(op for op in graph.get_operations() if "seed2" in op.node_def.attr)
        case["seed"], case["seed2"] = drawing.get_attr("seed"), drawing.get_attr("seed2")
        with tf.Session(config=one_thread) as session:
            return [session.run(fetch).tobytes() for _ in range(RUNS)]


def libm_digest(name: str, dtype: Any) -> bytes:
    inputs = np.arange(1, 2**14, dtype=dtype) / dtype(1024)
    function: Callable[[float], float] = getattr(math, name)
    if dtype is np.float32:
        function = getattr(ctypes.CDLL(None), name + "f")
        function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return hashlib.sha256(np.array([function(x) for x in inputs.tolist()], dtype)).digest()


def main() -> None:
    tf.disable_v2_behavior()
    recorded, heads, digests = [], [], []
    for case in cases():
        results = record(case)
        recorded.append(case)
        heads += [np.frombuffer(result[:HEAD].ljust(HEAD, b"\0"), np.uint8) for result in results]
        digests += [np.frombuffer(hashlib.sha256(r).digest(), np.uint8) for r in results]
    libm = {
        f"{name} {dtype.__name__}": libm_digest(name, dtype).hex()
        for name, dtype in itertools.product(("log", "sin", "cos"), (np.float32, np.float64))
    }
    np.savez_compressed(
        Path(__file__).with_name("random.npz"),
        cases=np.array(json.dumps(recorded)),
        heads=np.array(heads).reshape(-1, RUNS, HEAD),
        digests=np.array(digests).reshape(-1, RUNS, 32),
        libm=np.array(json.dumps(libm)),
        tensorflow=np.array(tf.__version__),
    )


if __name__ == "__main__":
    main()
