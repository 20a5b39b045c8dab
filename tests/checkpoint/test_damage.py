"""Whatever bit of a checkpoint is turned over, whatever is cut off: it is noticed and said.

No value is restored wrong, and a restore that fails leaves every variable as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, write_bundle
from tests.engines import MODULES
from tests.parity.harness import engine

VALUE = np.array([1.0, -2.0], np.float32)
INDEX, DATA = "m.index", "m.data-00000-of-00001"


class Restored:
    """A graph of one variable, which holds 5 and 6, and its saver."""

    def __init__(self, tf: Any) -> None:
        self.tf = tf
        with tf.Graph().as_default() as graph:
            self.v = tf.Variable(np.zeros(2, np.float32), name="v")
            self.saver = tf.train.Saver()
        self.session = tf.Session(graph=graph)
        self.v.load([5.0, 6.0], self.session)

    def error(self, folder: Path) -> Exception | None:
        """What a restore ends in; if it does, the variable must be as before."""
        try:
            self.saver.restore(self.session, str(folder / "m"))
        except Exception as error:
            assert self.session.run(self.v).tolist() == [5.0, 6.0]
            return error
        return None


def written(folder: Path) -> dict[str, bytes]:
    """The files of a checkpoint of one variable."""
    write_bundle(str(folder / "m"), [Named("v", VALUE)])
    return {name: (folder / name).read_bytes() for name in (INDEX, DATA)}


def damages(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way to turn one bit over, or to cut something off."""
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        yield f"bit {place}", bytes(changed)
    for length in range(len(data)):
        yield f"cut off at {length}", data[:length]


@pytest.mark.parametrize("name", [INDEX, DATA])
def test_every_damage_is_noticed(name: str, tmp_path: Path) -> None:
    files, graph = written(tmp_path), Restored(minitf)
    errors = minitf.errors
    count = 0
    for what, changed in damages(files[name]):
        (tmp_path / name).write_bytes(changed)
        error = graph.error(tmp_path)
        outside = "the file is cut off" if name == DATA else "behind the end of the file"
        expected = errors.OutOfRangeError if outside in str(error) else errors.DataLossError
        assert name == INDEX or (outside in str(error)) == what.startswith("cut")
        assert type(error) is expected, f"{what}: {error}"
        assert str(tmp_path / name) in str(error), what
        assert name == INDEX or "'v'" in str(error), what
        count += 1
    assert count == 9 * len(files[name])
    (tmp_path / name).write_bytes(files[name])
    assert graph.error(tmp_path) is None
    assert graph.session.run(graph.v).tolist() == VALUE.tolist()


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_tensorflow_has_the_same_classes_of_errors(tmp_path: Path) -> None:
    """Where it notices; it does not in bytes that carry nothing."""
    files = written(tmp_path)
    theirs, ours = Restored(engine(MODULES[1])), Restored(minitf)
    unnoticed = 0
    for name in (INDEX, DATA):
        for what, changed in damages(files[name]):
            (tmp_path / name).write_bytes(changed)
            theirs_is, ours_is = theirs.error(tmp_path), ours.error(tmp_path)
            if theirs_is is None:
                unnoticed += 1
                theirs.v.load([5.0, 6.0], theirs.session)
            else:
                assert type(ours_is).__name__ == type(theirs_is).__name__, (name, what)
        (tmp_path / name).write_bytes(files[name])
    assert unnoticed > 100


def test_texts_and_parts_are_checked_too(tmp_path: Path) -> None:
    path = str(tmp_path / "m")
    texts = np.array([b"ab", b"", b"xyz"], object)
    parts = [Named("p", np.ones(2, "f4"), (4,), ((i, 2),)) for i in (0, 2)]
    write_bundle(path, [Named("s", texts), *parts])
    data = (tmp_path / DATA).read_bytes()
    for what, changed in damages(data):
        (tmp_path / DATA).write_bytes(changed)
        with BundleReader(path) as reader, pytest.raises(minitf.errors.OpError) as error:
            reader.read("p")
            reader.read("s")
        assert type(error.value) in (minitf.errors.DataLossError, minitf.errors.OutOfRangeError)
        assert "'s'" in str(error.value) or "'p'" in str(error.value), what


def test_a_missing_file_of_values(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / DATA).unlink()
    error = Restored(minitf).error(tmp_path)
    assert type(error) is minitf.errors.NotFoundError and DATA in str(error)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_restore_that_fails_late_changes_nothing(sharded: bool, tmp_path: Path) -> None:
    """The first variable is whole, the second is damaged or does not fit."""
    tf = minitf
    with tf.device("/cpu:0"):
        a = tf.Variable(np.ones(30000, np.float32), name="a")
    b = tf.Variable(np.ones(30000, np.float32), name="b")
    saver = tf.train.Saver(sharded=sharded)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, str(tmp_path / "m"))
        shutil.copytree(tmp_path, tmp_path / "copy")
        last = sorted((tmp_path / "copy").glob("m.data*"))[0 if sharded else -1]
        changed = bytearray(last.read_bytes())
        changed[-1] ^= 1
        last.write_bytes(changed)
        sess.run([a.assign(a * 5.0), b.assign(b * 6.0)])
        with pytest.raises(tf.errors.DataLossError, match="checksum"):
            saver.restore(sess, str(tmp_path / "copy" / "m"))
        assert sess.run([a[0], b[-1]]) == [5.0, 6.0]
        saver.restore(sess, path)
        assert sess.run([a[0], b[-1]]) == [1.0, 1.0]


def test_what_does_not_fit_is_told_in_three_parts(tmp_path: Path) -> None:
    tf = minitf
    write_bundle(
        str(tmp_path / "m"),
        [
            Named("a", VALUE),
            Named("old/dense/kernel", VALUE),
            Named("b", VALUE),
            Named("c", np.int32(3)),
        ],
    )
    a = tf.Variable([5.0, 6.0], name="a")
    tf.Variable([0.0], name="new/dense/kernel")
    tf.Variable([[0.0, 0.0]], name="b")
    tf.Variable(0.0, name="c")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.NotFoundError) as error:
            tf.train.Saver().restore(sess, str(tmp_path / "m"))
        assert sess.run(a).tolist() == [5.0, 6.0]
        text = str(error.value)
        for line in (
            "Key new/dense/kernel not found in checkpoint",
            "only in the graph (1):",
            "new/dense/kernel  (nearest in the checkpoint: old/dense/kernel)",
            "only in the checkpoint (1):",
            "old/dense/kernel [2]",
            "different (2):",
            "b: shape [1, 2] in the graph, [2] in the checkpoint",
            "c: dtype float32 in the graph, int32 in the checkpoint",
            "what to do:",
        ):
            assert line in text, line
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not fit"):
            tf.train.Saver([v for v in tf.global_variables() if v.op.name in "abc"]).restore(
                sess, str(tmp_path / "m")
            )
        assert sess.run(a).tolist() == [5.0, 6.0]
