"""The files are TensorFlow's to the byte, and can be read whoever wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.checkpoint import coding, slices
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, index_content, write_bundle
from minitf.checkpoint.table import entries, table
from minitf.kernels.crc32c import crc32c
from minitf.ops import io_ops
from tests.checkpoint.cases import CASES, recorded, saved
from tests.engines import ENGINES, MODULES
from tests.parity.harness import engine


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("which", ENGINES)
def test_bytes_are_those_recorded(which: str, name: str) -> None:
    """TensorFlow itself, where it is installed, has to agree with its recording too."""
    files, expected = saved(engine(which), name), recorded(name)
    assert list(files) == list(expected)
    for file, content in files.items():
        assert content == expected[file], file
    assert len(files) == (4 if name == "sharded" else 3)


def test_what_tensorflow_wrote_is_read(tmp_path: Path) -> None:
    for file, content in recorded("every_dtype").items():
        (tmp_path / file).write_bytes(content)
    with minitf.Graph().as_default(), minitf.Session() as sess:
        CASES["every_dtype"](minitf)
        variables = minitf.global_variables()
        sess.run(minitf.global_variables_initializer())
        expected = sess.run(variables)
    with BundleReader(str(tmp_path / "m-7")) as reader:
        for variable, value in zip(variables, expected, strict=True):
            read = reader.read(variable.op.name)
            assert read.shape == np.shape(value) and read.tolist() == np.asarray(value).tolist()
        assert len(reader.entries) == len(variables)


# ---- parts of tensors

WHOLE = np.arange(40, dtype=np.float32).reshape(8, 5)


def in_parts(path: Path) -> str:
    """A tensor in four parts, and one beside it."""
    prefix = str(path / "m")
    named = [
        Named("p", WHOLE[a:b, c:d], (8, 5), ((a, b - a), (c, d - c)))
        for a, b in ((0, 3), (3, 8))
        for c, d in ((0, 1), (1, 5))
    ]
    write_bundle(prefix, [*named, Named("q", np.int32(1))])
    return prefix


def test_parts_make_a_whole(tmp_path: Path) -> None:
    with BundleReader(in_parts(tmp_path)) as reader:
        assert set(reader.entries) == {"p", "q"}
        assert reader.shape("p") == (8, 5) and reader.size("p") == WHOLE.nbytes
        np.testing.assert_array_equal(reader.read("p"), WHOLE)
        np.testing.assert_array_equal(reader.read("p", ((2, 5), (0, 3))), WHOLE[2:5, :3])
        np.testing.assert_array_equal(reader.read("p", ((4, 6), (2, 4))), WHOLE[4:6, 2:4])


def test_a_whole_is_read_in_parts(tmp_path: Path) -> None:
    write_bundle(str(tmp_path / "m"), [Named("p", WHOLE)])
    with BundleReader(str(tmp_path / "m")) as reader:
        np.testing.assert_array_equal(reader.read("p", ((2, 5), (0, 3))), WHOLE[2:5, :3])


def test_a_part_that_is_missing_is_told(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    write_bundle(prefix, [Named("p", WHOLE[:3], (8, 5), ((0, 3), (0, -1)))])
    with BundleReader(prefix) as reader:
        np.testing.assert_array_equal(reader.read("p", ((1, 2), (0, 5))), WHOLE[1:2])
        with pytest.raises(minitf.errors.InvalidArgumentError, match="15 of the 40 elements"):
            reader.read("p")


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_variables_in_parts_are_tensorflows(tmp_path: Path) -> None:
    tf = engine(MODULES[1])
    values = {"p": WHOLE, "s/q": np.arange(300.0), "r": np.arange(24).reshape(2, 3, 4)}
    with tf.Graph().as_default(), tf.Session() as sess:
        for count, (name, value) in enumerate(values.items(), 2):
            axis = 1 if name == "p" else 0
            count = min(count, value.shape[axis])
            tf.get_variable(
                name,
                initializer=tf.constant(value),
                partitioner=tf.fixed_size_partitioner(count, axis),
            )
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, str(tmp_path / "t"))
        parts = tf.global_variables()
        named = [
            Named(v._save_slice_info.full_name, value, *slices.parse(v._save_slice_info.spec))
            for v, value in zip(parts, sess.run(parts), strict=True)
        ]
    assert len(named) > len(values)
    write_bundle(str(tmp_path / "m"), named)
    for end in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"m{end}").read_bytes() == (tmp_path / f"t{end}").read_bytes()
    with minitf.Graph().as_default(), minitf.Session() as sess:
        whole = [minitf.Variable(np.zeros_like(value), name=n) for n, value in values.items()]
        minitf.train.Saver().restore(sess, str(tmp_path / "t"))
        for variable, value in zip(whole, values.values(), strict=True):
            np.testing.assert_array_equal(sess.run(variable), value)


@pytest.mark.parametrize("spec", ["5 2 3,2", "5 3,2:-", "5 4,2", "x -", "5 -1,2", ""])
def test_what_is_no_part(spec: str) -> None:
    with pytest.raises(minitf.errors.InvalidArgumentError, match="is no part of a tensor"):
        slices.parse(spec)


# ---- tables, codes


def test_tables_of_many_sizes() -> None:
    rng = np.random.default_rng(0)
    for count in (0, 1, 15, 16, 17, 1000):
        keys = sorted({rng.bytes(int(rng.integers(0, 30))) for _ in range(count)})
        items = [(key, rng.bytes(int(rng.integers(0, 2000)))) for key in keys]
        assert list(entries(table(items), "t")) == items


def test_a_value_larger_than_a_block() -> None:
    items = [(b"a", b"1"), (b"b", b"x" * 600_000), (b"c", b"2")]
    assert list(entries(table(items), "t")) == items


def test_a_compressed_table_is_refused() -> None:
    data = bytearray(table([(b"", b"")]))
    end = 3 + 4 + 4  # behind one entry, one restart and their number
    data[end] = 1
    data[end + 1 : end + 5] = coding.fixed32(coding.mask(crc32c(bytes(data[: end + 1]))))
    with pytest.raises(minitf.errors.UnimplementedError, match="compressed"):
        list(entries(bytes(data), "t"))


def test_ordered_codes_are_ordered() -> None:
    numbers = sorted([0, 1, -1, 63, 64, -64, -65, 2**20, -(2**20), 2**62, -(2**62)])
    assert sorted(numbers, key=coding.ordered_number) == numbers
    texts = sorted([b"", b"\0", b"\0\0", b"\xff", b"\xff\0", b"a", b"a\0b", b"ab"])
    assert sorted(texts, key=coding.ordered_text) == texts


def test_numbers() -> None:
    for number in (0, 127, 128, 2**32, 2**64 - 1):
        written = coding.varint(number)
        assert coding.read_varint(b"x" + written, 1) == (number, 1 + len(written))
    for bad in (b"", b"\x80", b"\x80" * 11):
        with pytest.raises(ValueError):
            coding.read_varint(bad, 0)


# ---- others in the same folder


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    from minitf.checkpoint import commit, files

    with files.Unfinished(str(tmp_path / "m-1.index")) as alive:
        dead = files.Unfinished(str(tmp_path / "m-2.index"))
        dead.close()  # as when the process ends
        foreign = tmp_path / "m-3.index.tempstate123"
        foreign.touch()
        commit.clean(str(tmp_path))
        assert Path(alive.path).exists() and foreign.exists() and not Path(dead.path).exists()


def test_what_a_redo_step_still_needs_is_not_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses to rename, for a while, but would delete."""
    from minitf.checkpoint import commit, files

    prefix = str(tmp_path / "m")
    write_bundle(prefix, [Named("v", np.float32(1))])
    with monkeypatch.context() as patch:
        rename = files.rename

        def refuse(old: str, new: str) -> None:
            if new.endswith(".redo"):
                rename(old, new)
            else:
                raise OSError(5, "Input/output error")

        patch.setattr(files, "rename", refuse)
        with pytest.raises(minitf.errors.OpError):
            write_bundle(prefix, [Named("v", np.float32(2))])
        left = sorted(tmp_path.iterdir())
        assert len(left) == 5
        commit.clean(str(tmp_path))
        assert sorted(tmp_path.iterdir()) == left
        with BundleReader(prefix) as reader:
            assert reader.read("v") == 2.0
    commit.clean(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2
    with BundleReader(prefix) as reader:
        assert reader.read("v") == 2.0


def test_a_damaged_redo_step_is_told(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    write_bundle(prefix, [Named("v", np.float32(1))])
    (tmp_path / "m.redo").write_bytes(b'{"rename": []}\n00000000\n')
    with pytest.raises(minitf.errors.DataLossError, match=r"m\.redo"):
        BundleReader(prefix)


def test_no_more_memory_than_some_megabytes(tmp_path: Path) -> None:
    """64 MB are saved and restored while little else is allocated."""
    import tracemalloc

    value: Any = np.arange(1 << 24, dtype=np.float32)
    tracemalloc.start()
    try:
        write_bundle(str(tmp_path / "m"), [Named("v", value)])
        with BundleReader(str(tmp_path / "m")) as reader:
            assert np.array_equal(reader.read("v")[::4096], value[::4096])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


# ---- what numpy lacks, and what is of an older version


def of_dtype(prefix: str, value: Any, dtype: int) -> None:
    """Writes a checkpoint whose only value is said to be of another dtype."""
    write_bundle(prefix, [Named("v", value)])
    with BundleReader(prefix) as reader:
        entries = dict(reader.all_entries())
    entries[b"v"].dtype = dtype
    Path(prefix + ".index").write_bytes(index_content(1, entries))


@pytest.mark.parametrize("size", [2, 100_000])
def test_bfloat16_is_read_as_float32(size: int, tmp_path: Path) -> None:
    tf, prefix = minitf, str(tmp_path / "m")
    of_dtype(prefix, np.resize(np.array([0x3F80, 0xC000], np.uint16), size), 14)
    value = tf.train.load_variable(prefix, "v")
    assert value.dtype == np.float32 and value[:2].tolist() == [1.0, -2.0]
    with BundleReader(prefix) as reader:
        assert reader.dtype("v") == tf.bfloat16
        assert reader.read("v", ((1, 2),)).tolist() == [-2.0]
        reader.verify("v")
    values = io_ops.RESTORE_V2(prefix, ["v"], [""], dtypes=[tf.bfloat16])
    with tf.Session() as sess, pytest.raises(tf.errors.UnimplementedError, match="bfloat16"):
        sess.run(values)


def test_a_value_that_cannot_be_read_can_be_checked(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    of_dtype(prefix, np.arange(5, dtype=np.int8), 11)
    with BundleReader(prefix) as reader:
        reader.verify("v")
        with pytest.raises(minitf.errors.UnimplementedError, match="qint8"):
            reader.read("v")
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"\0\1\2\3\5")
    with BundleReader(prefix) as reader, pytest.raises(minitf.errors.DataLossError, match="'v'"):
        reader.verify("v")


def test_version_1_is_told(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"a table")
    minitf.Variable(1.0)
    with minitf.Session() as sess, pytest.raises(ValueError, match="one file, as of version 1"):
        minitf.train.Saver().restore(sess, str(tmp_path / "m"))
