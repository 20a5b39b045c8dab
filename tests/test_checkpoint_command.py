"""`minitf checkpoint show`, `verify` and `diff`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from minitf.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two checkpoints, m-1 and m-2, of which one variable differs in one element."""
    tf.Variable(np.arange(6, dtype=np.float32).reshape(2, 3), name="dense/kernel")
    tf.Variable([True, False, True], name="mask")
    tf.Variable(["a", "b"], name="words")
    step = tf.train.get_or_create_global_step()
    kernel = tf.global_variables()[0]
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, str(tmp_path / "m"), global_step=1)
        sess.run([step.assign_add(2), tf.scatter_nd_update(kernel, [[1, 2]], [7.5])])
        saver.save(sess, str(tmp_path / "m"), global_step=2)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, list[str]]:
    code = main(["checkpoint", *map(str, args)])
    return code, capsys.readouterr().out.splitlines()


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "show", folder)
    assert code == 0 and lines[0] == str(folder / "m-2")
    assert [line.split() for line in lines[1:]] == [
        ["name", "dtype", "shape", "bytes"],
        ["dense/kernel", "float32", "2x3", "24"],
        ["global_step", "int64", "scalar", "8"],
        ["mask", "bool", "3", "3"],
        ["words", "string", "2", "8"],
        ["4", "tensors,", "12", "elements,", "43", "bytes"],
    ]


def test_show_reads_values_on_demand(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "show", folder / "m-1.index", "--stats", "--match", "k")
    rows = [line.split() for line in lines[2:-1]]
    assert code == 0 and rows == [
        ["dense/kernel", "float32", "2x3", "24", "0", "2.5", "5"],
        ["mask", "bool", "3", "3", "0", "0.66667", "1"],
    ]


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "verify", folder / "m-1", folder / "m-2.meta")
    assert code == 0
    assert lines == [f"{folder}/m-{i}: whole, 4 tensors, 43 bytes" for i in (1, 2)]
    data = folder / "m-1.data-00000-of-00001"
    changed = bytearray(data.read_bytes())
    changed[0] ^= 1
    data.write_bytes(changed)
    code, lines = run(capsys, "verify", folder / "m-1", folder / "m-2")
    assert code == 1 and "DataLossError" in lines[0] and "'dense/kernel'" in lines[0]
    assert lines[-1].startswith(f"{folder}/m-2: whole")


def test_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(capsys, "diff", folder / "m-1", folder / "m-2")
    assert code == 1 and lines == [
        "~ dense/kernel  1 of 6 elements differ, by at most 2.5",
        "~ global_step  1 of 1 elements differ, by at most 2",
        "2 tensors are equal to the bit, 2 differ",
    ]
    code, lines = run(capsys, "diff", folder / "m-2", folder / "m-2")
    assert code == 0 and lines == ["4 tensors are equal to the bit, 0 differ"]
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.Variable([1, 2], name="mask")
        tf.Variable(["a", "c"], name="words")
        tf.Variable([[1.0]], name="dense/kernel")
        tf.Variable(1.0, name="new")
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, str(folder / "other"))
    code, lines = run(capsys, "diff", folder / "m-1", folder / "other")
    assert code == 1 and lines == [
        f"- global_step  only in {folder}/m-1",
        f"+ new  only in {folder}/other",
        "~ dense/kernel  shape 2x3, 1x1",
        "~ mask  dtype bool, int32",
        "~ words  1 of 2 texts differ",
        "0 tensors are equal to the bit, 5 differ",
    ]


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "show", str(tmp_path / "no")]) == 2
    assert "there is no checkpoint" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        main(["checkpoint"])
    assert exit.value.code == 2


def test_as_a_program(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "minitf", "checkpoint", "verify", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{folder}/m-2: whole, 4 tensors, 43 bytes\n" and not done.stderr
