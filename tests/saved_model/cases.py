"""Models that both engines write and load; recorded from TensorFlow, folder by folder.

python -m tests.parity.record saved_models        (make parity-record ARGS=saved_models)
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

RECORDING = GOLDEN / "saved_models.xz"

X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2)


def _network(tf: Any) -> tuple[Any, Any]:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    weights = np.linspace(-1, 2, 8, dtype=np.float32).reshape(2, 4)
    with tf.variable_scope("dense"):
        w = tf.get_variable("w", initializer=weights)
        b = tf.get_variable("b", [4], initializer=tf.constant_initializer(0.5))
    return x, tf.nn.softmax(tf.matmul(x, w) + b, name="y")


def _initialized(tf: Any) -> Any:
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess


def simple(tf: Any, folder: str) -> None:
    """One signature, through the shortest function."""
    x, y = _network(tf)
    with _initialized(tf) as sess:
        tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": y})


def with_assets(tf: Any, folder: str) -> None:
    """Two files of one name, and an operation that reads where they are."""
    for name in ("a", "b"):
        os.makedirs(f"{folder}-{name}")
        Path(f"{folder}-{name}", "words.txt").write_text(name)
    tf.placeholder(tf.float32, [None, 2], name="x")
    paths = [tf.constant(f"{folder}-{name}/words.txt", name=f"path_{name}") for name in ("a", "b")]
    where = tf.Variable(["", ""], name="y", trainable=False, collections=["local_variables"])
    tf.Variable(1.0, name="v")
    fill = tf.assign(where, tf.stack(paths)).op
    with _initialized(tf) as sess:
        builder = tf.saved_model.builder.SavedModelBuilder(folder)
        builder.add_meta_graph_and_variables(
            sess, ["serve", "gpu"], assets_collection=paths, main_op=fill
        )
        builder.save()


def two_graphs(tf: Any, folder: str) -> None:
    """A graph to train and one to serve, with every kind of signature; as text."""
    info = tf.saved_model.build_tensor_info
    with tf.device("/cpu:0"):
        x, y = _network(tf)
    with _initialized(tf) as sess:
        builder = tf.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(sess, ["train"], strip_default_attrs=True)
    examples = tf.placeholder(tf.string, [None], name="examples")
    classes = tf.constant(["one", "two"], name="classes")
    scores = tf.reduce_sum(y, 1, name="scores")
    own = tf.saved_model.build_signature_def({"a": info(x)}, {"b": info(y), "c": info(x)}, "own")
    builder.add_meta_graph(
        ["serve"],
        {
            "classify": tf.saved_model.classification_signature_def(examples, classes, scores),
            "regress": tf.saved_model.regression_signature_def(examples, scores),
            "serving_default": tf.saved_model.predict_signature_def({"x": x}, {"y": y}),
            "own": own,
        },
        clear_devices=True,
    )
    builder.save(as_text=True)


def without_variables(tf: Any, folder: str) -> None:
    """Nothing to restore."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.Session() as sess:
        tf.saved_model.simple_save(sess, folder, {"x": x}, {"y": tf.square(x, name="y")})


CASES: dict[str, Callable[[Any, str], None]] = {
    case.__name__: case for case in (simple, with_assets, two_graphs, without_variables)
}
TAGS = {"with_assets": {"serve", "gpu"}}


def written(tf: Any, name: str, folder: Path) -> Path:
    """Has an engine write a model into a new folder; returns its path."""
    path = folder / name
    with tf.Graph().as_default():
        CASES[name](tf, str(path))
    return path


def used(tf: Any, name: str, path: Path, scope: str | None = None) -> list[Any]:
    """Has an engine load a model; returns what it predicts, and its variables."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.saved_model.loader.load(sess, TAGS.get(name, {"serve"}), str(path), import_scope=scope)
        prefix = f"{scope}/" if scope else ""
        values = [sess.run(f"{prefix}y:0", {f"{prefix}x:0": X})]
        variables = sorted(tf.global_variables(), key=lambda variable: str(variable.name))
        return values + [sess.run(variable) for variable in variables]


def files_of(path: Path) -> dict[str, bytes]:
    """The files of a model by their paths in its folder."""
    found = sorted(each for each in path.rglob("*") if each.is_file())
    return {str(each.relative_to(path)): each.read_bytes() for each in found}


def record() -> None:
    """Records what TensorFlow writes, and what it predicts."""
    tf = engine("tensorflow.compat.v1")
    found: dict[str, Any] = {}
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = written(tf, name, Path(folder))
            values = used(tf, name, path)
            found[name] = {
                "files": {k: base64.b64encode(v).decode() for k, v in files_of(path).items()},
                "values": [value.tolist() for value in values if value.dtype != object],
            }
    RECORDING.write_bytes(lzma.compress(json.dumps(found).encode()))
    print(f"saved_models: {len(found)} cases, {RECORDING.stat().st_size} bytes", flush=True)


def recorded(name: str, folder: Path) -> tuple[Path, list[Any]]:
    """A model that TensorFlow wrote when it was recorded, and what it predicted then."""
    found = json.loads(lzma.decompress(RECORDING.read_bytes()))[name]
    for file, content in found["files"].items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))
    return folder / name, [np.array(value, np.float32) for value in found["values"]]
