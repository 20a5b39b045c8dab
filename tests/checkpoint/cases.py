"""Checkpoints that both engines write, and whose bytes are compared; recorded from TensorFlow.

python -m tests.parity.record checkpoints        (make parity-record ARGS=checkpoints)
"""

from __future__ import annotations

import base64
import json
import lzma
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.harness import engine
from tests.parity.recording import GOLDEN

RECORDING = GOLDEN / "checkpoints.xz"


def every_dtype(tf: Any) -> Any:
    """One of each, with shapes of all kinds."""
    for number, dtype in enumerate(
        ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "?", "c8", "c16"]
    ):
        value = (np.arange(3.0 * number).reshape(3, number) * 37 % 101 - 50).astype(dtype)
        tf.Variable(value, name=f"v{number}/{np.dtype(dtype).name}")
    tf.Variable(np.float32(0.1), name="scalar")
    tf.Variable(np.array("h\u00e9llo", object), name="text")
    tf.Variable(np.array([["a", ""], ["b" * 200, "c"]], object), name="texts")
    return tf.train.Saver()


def training(tf: Any) -> Any:
    """A model with slots, averages and a global step."""
    w = tf.Variable(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3), name="dense/w")
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w), global_step=step)
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.9).apply([w])
    return tf.train.Saver()


def many(tf: Any) -> Any:
    """So many and such long names that the index has several blocks."""
    for number in range(40):
        tf.Variable(np.int32(number), name=f"{'abc'[number % 3]}{number * 7 % 40}/" + 9000 * "n")
    return tf.train.Saver()


def renamed(tf: Any) -> Any:
    """Other names in the file than in the graph."""
    a = tf.Variable([1.0, 2.0], name="a")
    b = tf.Variable([3], name="b")
    return tf.train.Saver({"z/first": a, "0": b, "\u00e9": tf.Variable(True, name="c")})


def sharded(tf: Any) -> Any:
    """A file for each device, and one index."""
    with tf.device("/cpu:0"):
        tf.Variable([1.0, 2.0], name="b")
        tf.Variable(np.arange(70000, dtype=np.int16) % 7, name="d")
    tf.Variable([3.0], name="a")
    tf.Variable(4, name="c")
    return tf.train.Saver(sharded=True)


CASES: dict[str, Callable[[Any], Any]] = {
    case.__name__: case for case in (every_dtype, training, many, renamed, sharded)
}


def saved(tf: Any, name: str) -> dict[str, bytes]:
    """The files of a case's checkpoint, but for the graph."""
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
        saver = CASES[name](tf)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            os.mkdir(os.path.join(folder, "d"))
            here = os.getcwd()
            os.chdir(folder)
            try:
                saver.save(sess, "d/m", global_step=7, write_meta_graph=False)
            finally:
                os.chdir(here)
        paths = sorted(path for path in (Path(folder) / "d").iterdir() if path.is_file())
        return {path.name: path.read_bytes() for path in paths}


def record() -> None:
    """Records what TensorFlow writes."""
    tf = engine("tensorflow.compat.v1")
    found = {
        name: {
            file: base64.b64encode(content).decode() for file, content in saved(tf, name).items()
        }
        for name in CASES
    }
    RECORDING.write_bytes(lzma.compress(json.dumps(found).encode()))
    print(f"checkpoints: {len(found)} cases, {RECORDING.stat().st_size} bytes", flush=True)


def recorded(name: str) -> dict[str, bytes]:
    """What TensorFlow wrote when it was recorded."""
    found = json.loads(lzma.decompress(RECORDING.read_bytes()))[name]
    return {file: base64.b64decode(content) for file, content in found.items()}
