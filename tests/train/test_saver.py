"""tf.train.Saver: what is kept, what is restored, how training goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from tests.engines import ENGINES, MODULES
from tests.parity.harness import engine
from tests.source_tree import ROOT


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


def initialized(tf: Any) -> Any:
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    return sess


def prefixes(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.index"))


# ---- which checkpoints are kept


def test_the_last_ones_are_kept(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        saver = tf.train.Saver(max_to_keep=2)
        with initialized(tf) as sess:
            paths = []
            for _ in range(4):
                sess.run(step.assign_add(5))
                paths.append(saver.save(sess, str(tmp_path / "m"), global_step=step))
            assert paths == [str(tmp_path / f"m-{5 * i}") for i in range(1, 5)]
            assert prefixes(tmp_path) == ["m-15", "m-20"]
            assert saver.last_checkpoints == paths[2:]
            state = tf.train.get_checkpoint_state(str(tmp_path))
            assert state.model_checkpoint_path == paths[3]
            assert list(state.all_model_checkpoint_paths) == paths[2:]
            assert sorted(os.listdir(tmp_path)) == sorted(
                ["checkpoint"]
                + [f"m-{n}.{e}" for n in (15, 20) for e in ("index", "meta", "data-00000-of-00001")]
            )
            assert saver.save(sess, str(tmp_path / "m"), global_step="global_step:0") == paths[3]
            assert saver.save(sess, str(tmp_path / "m"), global_step=np.int64(3)).endswith("m-3")
            assert saver.last_checkpoints == [paths[3], str(tmp_path / "m-3")]


def test_all_are_kept(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.Variable(1.0)
        saver = tf.train.Saver(max_to_keep=0, pad_step_number=True)
        with initialized(tf) as sess:
            for step in range(7):
                saver.save(sess, str(tmp_path / "m"), step, write_meta_graph=False)
        assert prefixes(tmp_path) == [f"m-{step:08d}" for step in range(7)]
        assert saver.last_checkpoints == []
        state = tf.train.get_checkpoint_state(str(tmp_path))
        assert list(state.all_model_checkpoint_paths) == [str(tmp_path / "m-00000006")]
        assert not list(tmp_path.glob("*.meta"))


def test_one_in_so_many_hours_is_kept(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.Variable(1.0)
        saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=0.0)
        with initialized(tf) as sess:
            for step in range(3):
                saver.save(sess, str(tmp_path / "m"), step)
        assert prefixes(tmp_path) == ["m-0", "m-1", "m-2"]


def test_another_saver_goes_on(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.Variable(1.0)
        first, second = tf.train.Saver(max_to_keep=2), tf.train.Saver(max_to_keep=2)
        with initialized(tf) as sess:
            for step in range(2):
                first.save(sess, str(tmp_path / "m"), step)
            state = tf.train.get_checkpoint_state(str(tmp_path))
            second.recover_last_checkpoints(
                [*state.all_model_checkpoint_paths, str(tmp_path / "gone")]
            )
            second.save(sess, str(tmp_path / "m"), 2)
        assert prefixes(tmp_path) == ["m-1", "m-2"]
        second.set_last_checkpoints(["x"])
        assert second.last_checkpoints == ["x"]
        second.set_last_checkpoints_with_time([("y", 1.0)])
        assert second.last_checkpoints == ["y"]
        times = tf.train.get_checkpoint_mtimes([str(tmp_path / "m-1"), str(tmp_path / "m-2")])
        assert len(times) == 2 and times == sorted(times)


# ---- the state file


@pytest.mark.parametrize("relative", [False, True])
def test_paths_in_the_state_file(tf: Any, tmp_path: Path, monkeypatch: Any, relative: bool) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    with tf.Graph().as_default():
        tf.Variable(1.0)
        saver, other = (tf.train.Saver(save_relative_paths=relative) for _ in range(2))
        with initialized(tf) as sess:
            saver.save(sess, str(tmp_path / "d" / "m"), 1)
            for step in (2, 3):
                other.save(sess, "d/m", step, latest_filename="other")
    path = "m-1" if relative else str(tmp_path / "d" / "m-1")
    assert (tmp_path / "d" / "checkpoint").read_text() == (
        f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "{path}"\n'
    )
    assert (tmp_path / "d" / "other").read_text() == (
        'model_checkpoint_path: "m-3"\n'
        'all_model_checkpoint_paths: "m-2"\nall_model_checkpoint_paths: "m-3"\n'
    )
    assert tf.train.latest_checkpoint("d", "other") == "d/m-3"
    assert tf.train.latest_checkpoint("d") == ("d/m-1" if relative else path)


def test_a_state_that_says_nothing(tf: Any, tmp_path: Path) -> None:
    assert tf.train.get_checkpoint_state(str(tmp_path)) is None
    (tmp_path / "checkpoint").write_text("no message")
    assert tf.train.get_checkpoint_state(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError, match="Invalid checkpoint state"):
        tf.train.get_checkpoint_state(str(tmp_path))
    tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "gone-1"))
    assert tf.train.get_checkpoint_state(str(tmp_path)).model_checkpoint_path.endswith("gone-1")
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert not tf.train.checkpoint_exists(str(tmp_path / "gone-1"))
    with pytest.raises(RuntimeError, match="conflicts"):
        tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "checkpoint"))


def test_a_state_with_times(tf: Any, tmp_path: Path) -> None:
    make = tf.train.generate_checkpoint_state_proto
    message = make("d", "d/m-2", ["d/m-1"], [1.5, 2.5], last_preserved_timestamp=0.5)
    assert message.model_checkpoint_path == "m-2"
    assert list(message.all_model_checkpoint_paths) == ["m-1", "m-2"]
    assert list(message.all_model_checkpoint_timestamps) == [1.5, 2.5]
    assert message.last_preserved_timestamp == 0.5
    assert make("/d", "/d/m-2").model_checkpoint_path == "/d/m-2"
    with pytest.raises(ValueError, match="timestamps"):
        make("d", "m-2", ["m-1"], [1.5])


def test_a_checkpoint_is_removed(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.Variable(1.0)
        with initialized(tf) as sess:
            path = tf.train.Saver().save(sess, str(tmp_path / "m"))
    (tmp_path / "m.py").touch()
    (tmp_path / "m-1.index").touch()
    assert tf.train.load_checkpoint(str(tmp_path)).has_tensor("Variable")
    assert tf.train.checkpoint_exists(path)
    tf.train.remove_checkpoint(path)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m-1.index", "m.py"]


def test_a_meta_graph_without_files(tf: Any) -> None:
    with tf.Graph().as_default():
        v = tf.Variable([1.0, 2.0], name="v")
        tf.add_to_collection("texts", "a")
        tf.add_to_collection("numbers", 3)
        tf.add_to_collection("nodes", tf.identity(v, name="i"))
        meta = tf.train.export_meta_graph(clear_devices=True)
    kinds = {name: part.WhichOneof("kind") for name, part in meta.collection_def.items()}
    assert kinds == {
        "nodes": "node_list",
        "numbers": "int64_list",
        "texts": "bytes_list",
        "trainable_variables": "bytes_list",
        "variables": "bytes_list",
    }
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(meta, import_scope="in")
        assert isinstance(saver, tf.train.Saver)
        assert tf.get_collection("nodes")[0].name == "in/i:0"
        assert tf.get_collection("numbers") == [3]
        (again,) = tf.trainable_variables()
        assert again is tf.global_variables()[0] and again.op.name == "in/v"
        sess.run(again.initializer)
        assert sess.run("in/i:0").tolist() == [1.0, 2.0]
        assert again.to_proto(export_scope="in").variable_name == "v:0"
    with tf.Graph().as_default(), pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph("no/such/file.meta")


# ---- what is restored

DTYPES = (
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16"),
    *("bool", "complex64", "complex128"),
)
VALUES: dict[str, Any] = {name: np.arange(6).reshape(2, 3).astype(name) for name in DTYPES}
VALUES |= {
    "scalar": np.float32(0.1),
    "nothing": np.zeros((0, 4), np.float32),
    "texts": np.array([["a", "\u00e9"], ["", "x" * 300]], object),
    "text": np.array("hello", object),
    "special": np.array([np.nan, -0.0, np.inf, 1e-45], np.float32),
    "large": np.arange(50000, dtype=np.float32),
}


def variables_of(tf: Any) -> list[Any]:
    return [tf.Variable(value, name=name) for name, value in VALUES.items()]


def bits(value: Any) -> Any:
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind in "OSU" else (array.dtype.name, array.tobytes())


@pytest.mark.parametrize("sharded", [False, True])
def test_every_dtype(tf: Any, tmp_path: Path, sharded: bool) -> None:
    with tf.Graph().as_default():
        variables = variables_of(tf)
        saver = tf.train.Saver(sharded=sharded)
        with initialized(tf) as sess:
            before = [bits(value) for value in sess.run(variables)]
            path = saver.save(sess, str(tmp_path / "m"))
        with tf.Session() as sess:
            saver.restore(sess, path)
            assert [bits(value) for value in sess.run(variables)] == before
    reader = tf.train.NewCheckpointReader(path)
    assert bits(reader.get_tensor("special")) == bits(VALUES["special"])
    assert reader.get_tensor("text") == b"hello"
    assert reader.get_variable_to_shape_map()["texts"] == [2, 2]
    assert reader.get_variable_to_dtype_map()["int8"] == tf.int8
    assert reader.has_tensor("bool") and not reader.has_tensor("b")
    assert b"nothing" in reader.debug_string()
    assert tf.train.list_variables(str(tmp_path)) == sorted(
        (name, list(value.shape)) for name, value in VALUES.items()
    )
    assert tf.train.load_variable(path, "int64:0").tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.NewCheckpointReader(str(tmp_path / "no"))


def test_other_names_and_shapes(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="v")
        tf.Variable(7, name="n")
        with initialized(tf) as sess:
            path = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.Variable(tf.zeros([4]), name="w")
        u = tf.Variable(tf.placeholder(tf.float32), validate_shape=False, name="u")
        tf.train.Saver({"v": w}, reshape=True).restore(sess, path)
        tf.train.Saver({"v": u}).restore(sess, path)
        assert sess.run(w).tolist() == [1.0, 2.0, 3.0, 4.0]
        assert sess.run(u).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_nothing_to_save(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.no_op()
        saver = tf.train.Saver(allow_empty=True)
        assert saver.save(sess, str(tmp_path / "m")) is None
        saver.restore(sess, "anything")
        assert saver.as_saver_def() is None


def test_built_later(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.Saver(defer_build=True)
        v = tf.Variable(1.0)
        with pytest.raises(RuntimeError, match="build"):
            saver.save(sess, str(tmp_path / "m"))
        saver.build()
        sess.run(v.initializer)
        other = tf.train.Saver(saver_def=saver.as_saver_def())
        assert other.save(sess, str(tmp_path / "m")) == str(tmp_path / "m")


def test_wrong_arguments(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(1.0)
        saver = tf.train.Saver()
        with pytest.raises(ValueError, match="path components"):
            saver.save(sess, str(tmp_path / "m"), latest_filename="a/b")
        with pytest.raises(ValueError, match="collides"):
            saver.save(sess, str(tmp_path / "checkpoint"))
        with pytest.raises(tf.errors.FailedPreconditionError):
            saver.save(sess, str(tmp_path / "m"))
        assert os.listdir(tmp_path) == []
        sess.run(v.initializer)
        with pytest.raises(TypeError, match="Session"):
            saver.save("session", str(tmp_path / "m"))
        with pytest.raises(ValueError, match="doesn't exist"):
            saver.save(sess, str(tmp_path / "a" / "b" / "m"))
        path = saver.save(sess, str(tmp_path / "made" / "m"))
        assert tf.train.latest_checkpoint(str(tmp_path / "made")) == path


# ---- training goes on

CONTINUED = """
import sys
import numpy as np
import minitf as tf

folder, begin, steps = sys.argv[1], sys.argv[2] == "begin", int(sys.argv[3])
tf.set_random_seed(3)
rng = np.random.default_rng(0)
batches = rng.standard_normal((60, 8, 5)).astype(np.float32)
x = tf.placeholder(tf.float32, [None, 5])
y = tf.layers.dense(tf.layers.dense(x, 6, tf.nn.tanh), 1)
loss = tf.reduce_mean(tf.square(y - tf.reduce_sum(x, 1, keepdims=True)))
step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(0.1, step, 7, 0.9)
optimizer = {
    "adam": tf.train.AdamOptimizer,
    "ftrl": tf.train.FtrlOptimizer,
    "momentum": lambda rate: tf.train.MomentumOptimizer(rate, 0.9, use_nesterov=True),
    "rmsprop": lambda rate: tf.train.RMSPropOptimizer(rate, centered=True),
    "adadelta": tf.train.AdadeltaOptimizer,
}[sys.argv[4]](rate)
train = optimizer.minimize(loss, global_step=step)
average = tf.train.ExponentialMovingAverage(0.9, step)
with tf.control_dependencies([train]):
    train = average.apply(tf.trainable_variables())
saver = tf.train.Saver()
with tf.Session() as sess:
    if begin:
        sess.run(tf.global_variables_initializer())
    else:
        saver.restore(sess, tf.train.latest_checkpoint(folder))
    for _ in range(steps):
        sess.run(train, {x: batches[sess.run(step)]})
    saver.save(sess, folder + "/m", global_step=step)
"""


def continued(folder: Path, begin: bool, steps: int, optimizer: str) -> None:
    subprocess.run(
        [
            sys.executable,
            "-c",
            CONTINUED,
            str(folder),
            "begin" if begin else "restore",
            str(steps),
            optimizer,
        ],
        cwd=ROOT,
        check=True,
        env={**os.environ, "MINITF_QUIET": "1"},
    )


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "ftrl", "rmsprop", "adadelta"])
def test_interrupted_training_comes_to_the_same_bits(optimizer: str, tmp_path: Path) -> None:
    """2N steps in one process; and N, then N more in another one."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    continued(whole, True, 40, optimizer)
    continued(parts, True, 20, optimizer)
    continued(parts, False, 20, optimizer)
    for name in ("m-40.data-00000-of-00001", "m-40.index"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert len(minitf.train.list_variables(whole)) > 10


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_engine_goes_on_where_the_other_stopped(order: tuple[int, int], tmp_path: Path) -> None:
    """By the graph and the values in the other's files; and it is as if TensorFlow did it all."""
    rng = np.random.default_rng(0)
    batches = rng.standard_normal((40, 8, 5)).astype(np.float32)

    def build(tf: Any) -> None:
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 5], name="x")
        w = tf.get_variable("w", [5, 3])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0), name="loss")
        step = tf.train.get_or_create_global_step()
        tf.train.AdamOptimizer(0.05).minimize(loss, global_step=step, name="train")
        tf.train.Saver()

    def losses(sess: Any, numbers: range) -> list[float]:
        return [float(sess.run(["loss:0", "train"], {"x:0": batches[i]})[0]) for i in numbers]

    first, second = (engine(MODULES[i]) for i in order)
    theirs = engine(MODULES[1])
    with theirs.Graph().as_default():
        build(theirs)
        with initialized(theirs) as sess:
            expected = losses(sess, range(40))
    with first.Graph().as_default():
        build(first)
        saver = first.train.Saver()
        with initialized(first) as sess:
            actual = losses(sess, range(20))
            saver.save(sess, str(tmp_path / "m"), global_step=20)
    with second.Graph().as_default(), second.Session() as sess:
        path = second.train.latest_checkpoint(str(tmp_path))
        saver = second.train.import_meta_graph(path + ".meta")
        saver.restore(sess, path)
        assert sess.run("global_step:0") == 20
        actual += losses(sess, range(20, 40))
        saver.save(sess, str(tmp_path / "again"))
        assert [v.op.name for v in second.trainable_variables()] == ["w"]
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    with first.Graph().as_default(), first.Session() as sess:
        first.train.import_meta_graph(str(tmp_path / "again.meta")).restore(
            sess, str(tmp_path / "again")
        )
        assert sess.run("global_step:0") == 40


# ---- what minitf does better


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: Any) -> None:
    from minitf.checkpoint import files

    tf = minitf
    v = tf.Variable(1.0)
    saver = tf.train.Saver()
    with initialized(tf) as sess:
        for path in ("m", "other"):
            saver.save(sess, str(tmp_path / "m"))
            before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
            sess.run(v.assign_add(1.0))

            def full(*_: Any) -> None:
                raise OSError(28, "No space left on device")

            for operation in ("write", "sync", "create"):
                with monkeypatch.context() as patch:
                    patch.setattr(files, operation, full)
                    with pytest.raises(tf.errors.ResourceExhaustedError, match="nothing is lost"):
                        saver.save(sess, str(tmp_path / path))
                after = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
                assert after == before


@pytest.mark.parametrize("background", [False, True])
def test_an_old_checkpoint_that_cannot_be_deleted_is_told_and_does_no_harm(
    background: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tf = minitf
    tf.Variable(1.0)
    with initialized(tf) as sess:
        saver = tf.train.Saver(max_to_keep=1, background=background)
        old = saver.save(sess, str(tmp_path / "m"), 1)
        tf.train.latest_checkpoint(str(tmp_path))  # waits for what is saved in the background
        (tmp_path / "m-1.meta").unlink()
        (tmp_path / "m-1.meta" / "of the user").mkdir(parents=True)  # no file that one can delete
        later = [saver.save(sess, str(tmp_path / "m"), step) for step in (2, 3)]
        assert tf.train.latest_checkpoint(str(tmp_path)) == later[-1]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(f"The old checkpoint {old} cannot be deleted: [Errno ")
    assert prefixes(tmp_path) == ["m-1", "m-3"]
    assert saver.last_checkpoints == later[-1:]


def test_a_sharded_save_that_gets_stuck_is_completed_later(
    tmp_path: Path, monkeypatch: Any
) -> None:
    from minitf.checkpoint import files

    tf = minitf
    with tf.device("/cpu:0"):
        v = tf.Variable(1.0)
    w = tf.Variable(1.0)
    saver = tf.train.Saver(sharded=True)
    path = str(tmp_path / "m")
    with initialized(tf) as sess:
        saver.save(sess, path)
        sess.run([v.assign(2.0), w.assign(2.0)])
        rename = files.rename

        def stuck(old: str, new: str) -> None:
            if "_temp" not in new and not new.endswith(".redo"):
                raise OSError(5, "Input/output error")
            rename(old, new)

        with monkeypatch.context() as patch:
            patch.setattr(files, "rename", stuck)
            for _ in range(2):
                with pytest.raises(tf.errors.OpError, match="Input/output error"):
                    saver.save(sess, path)
        sess.run([v.assign(0.0), w.assign(0.0)])
        saver.restore(sess, path)
        assert sess.run([v, w]) == [2.0, 2.0]
        saver.save(sess, path)
    assert len(os.listdir(tmp_path)) == 5


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: Any) -> None:
    from minitf.checkpoint import files

    tf = minitf
    tf.Variable(1.0)
    with initialized(tf) as sess:

        def refuse(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(files, "create", refuse)
        with pytest.raises(tf.errors.PermissionDeniedError, match="Permission denied"):
            tf.train.Saver().save(sess, str(tmp_path / "m"))


def test_a_checkpoint_by_its_files_and_its_folder(tmp_path: Path) -> None:
    tf = minitf
    v = tf.Variable(3.0)
    saver = tf.train.Saver()
    with initialized(tf) as sess:
        path = saver.save(sess, str(tmp_path / "m"), 1)
    for given in (path, f"{path}.index", f"{path}.meta", f"{path}.data-00000-of-00001", tmp_path):
        with tf.Session() as sess:
            saver.restore(sess, given)
            assert sess.run(v) == 3.0
    with tf.Session() as sess, pytest.raises(ValueError, match=r"checkpoints in .*: m-1"):
        saver.restore(sess, str(tmp_path / "m-2"))


def test_a_saveable_object_is_saved_as_it_says(tmp_path: Path) -> None:
    from minitf.train.saver_graph import SaveableObject, SaveSpec

    tf = minitf
    v = tf.Variable([1.0, 2.0], name="v")

    class Doubled(SaveableObject):
        """What holds a half of what is saved."""

        def __init__(self) -> None:
            super().__init__(v, [SaveSpec(v * 2.0, "", "twice")], "twice")

        def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
            return v.assign(restored_tensors[0] / 2.0)

    saver = tf.train.Saver([Doubled()])
    with initialized(tf) as sess:
        path = saver.save(sess, str(tmp_path / "m"))
        assert tf.train.load_variable(path, "twice").tolist() == [2.0, 4.0]
        sess.run(v.assign([0.0, 0.0]))
        saver.restore(sess, path)
        assert sess.run(v).tolist() == [1.0, 2.0]
