"""The ops under tf.train.Saver, one at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops import io_ops


def save(prefix: Path, names: list[str], values: list[Any], specs: list[str] | None = None) -> Any:
    return io_ops.SAVE_V2(str(prefix), names, specs or [""] * len(names), values)


def restore(prefix: Path, names: list[str], dtypes: list[Any], specs: Any = None) -> Any:
    return io_ops.RESTORE_V2(
        str(prefix), names, [""] * len(names) if specs is None else specs, dtypes=dtypes
    )


def test_save_and_restore(tmp_path: Path) -> None:
    """Whole tensors and parts, in any order, some of them only."""
    prefix, whole = tmp_path / "new" / "m", np.arange(10.0).reshape(5, 2)
    saved = save(
        prefix,
        ["b", "p", "a", "p"],
        [3, whole[3:], "text", whole[:3]],
        ["", "5 2 3,2:-", "", "5 2 0,3:-"],
    )
    restored = restore(
        prefix, ["p", "a", "b", "p"], [tf.float64, tf.string, tf.int32, tf.float64],
        ["", "", "", "5 2 2,2:1,1"],
    )  # fmt: skip
    assert saved.type == "SaveV2"
    assert [tensor.shape.ndims for tensor in restored] == [None, None, None, 2]
    assert restored[3].shape.as_list() == [2, 1]
    with tf.Session() as sess:
        sess.run(saved)
        p, a, b, part = sess.run(restored)
    assert np.array_equal(p, whole) and (a, b) == (b"text", 3)
    assert np.array_equal(part, whole[2:4, 1:])


def test_merge(tmp_path: Path) -> None:
    """Parts become one checkpoint; their folder goes when nothing else is in it."""
    for keep in (False, True):
        parts = [tmp_path / f"{keep}_temp" / f"part-{i}" for i in range(2)]
        saved = [save(parts[i], [f"v{i}"], [np.float32(i)]) for i in range(2)]
        with tf.control_dependencies(saved):
            merged = io_ops.MERGE_V2_CHECKPOINTS(
                [str(path) for path in [*parts, tmp_path / "missing"]],
                str(tmp_path / "m"),
                delete_old_dirs=not keep,
                allow_missing_files=True,
            )
        values = restore(tmp_path / "m", ["v0", "v1"], [tf.float32] * 2)
        with tf.Session() as sess:
            sess.run(merged)
            assert sess.run(values) == [0.0, 1.0]
        assert parts[0].parent.exists() == keep
        assert sorted(p.name for p in tmp_path.glob("m.*")) == [
            "m.data-00000-of-00002",
            "m.data-00001-of-00002",
            "m.index",
        ]


def test_fewer_shards_take_the_place_of_more(tmp_path: Path) -> None:
    test_merge(tmp_path)
    with tf.Session() as sess:
        sess.run(save(tmp_path / "m", ["v"], [1.0]))
    assert sorted(p.name for p in tmp_path.glob("m.*")) == ["m.data-00000-of-00001", "m.index"]


@pytest.mark.parametrize(
    ("names", "dtypes", "specs", "error", "message"),
    [
        (["v"], ["float32", "int32"], [""], tf.errors.InvalidArgumentError, "2 tensors, but 1"),
        (["w"], ["float32"], [""], tf.errors.NotFoundError, "Key w not found in checkpoint"),
        (["v"], ["int32"], [""], tf.errors.InvalidArgumentError, "expected dtype int32"),
        (["v"], ["float32"], ["4 0,2"], tf.errors.InvalidArgumentError, r"\(2,\) in .*\(4,\) is"),
    ],
)
def test_what_cannot_be_restored(
    tmp_path: Path, names: list[str], dtypes: list[str], specs: list[str], error: Any, message: str
) -> None:
    given = tf.placeholder_with_default(specs, [None])
    values = restore(tmp_path / "m", names, dtypes, given)
    with tf.Session() as sess:
        sess.run(save(tmp_path / "m", ["v"], [[1.0, 2.0]]))
        with pytest.raises(error, match=message):
            sess.run(values)


@pytest.mark.parametrize(
    ("names", "specs", "message"),
    [
        (["v", "v"], ["", ""], "to be saved twice"),
        (["v", "w"], ["", "4 0,3"], "has not the shape"),
        (["v", "w"], ["", "4"], "is no part"),
    ],
)
def test_what_cannot_be_saved(
    tmp_path: Path, names: list[str], specs: list[str], message: str
) -> None:
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match=message):
        sess.run(save(tmp_path / "m", names, [[1.0], [2.0]], specs))
    assert os.listdir(tmp_path) == []


def test_two_parts_with_one_tensor_do_not_merge(tmp_path: Path) -> None:
    with tf.Session() as sess:
        for i in range(2):
            sess.run(save(tmp_path / str(i), ["v"], [1.0]))
        merge = io_ops.MERGE_V2_CHECKPOINTS(
            [str(tmp_path / str(i)) for i in range(2)], str(tmp_path / "m")
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="two parts"):
            sess.run(merge)
    assert not list(tmp_path.glob("m.*"))
