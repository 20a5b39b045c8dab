"""tf.saved_model: what one engine writes, either loads, and predicts the same from."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.framework import protos
from tests.engines import ENGINES, MODULES
from tests.parity.harness import engine
from tests.saved_model.cases import CASES, X, files_of, recorded, used, written


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


minitf = engine("minitf")


def model_of(files: dict[str, bytes]) -> Any:
    """The `SavedModel` among a model's files, without what engines may say differently."""
    if "saved_model.pb" in files:
        model = protos.SavedModel.FromString(files["saved_model.pb"])
    else:
        model = protos.from_text(files["saved_model.pbtxt"], protos.SavedModel())
    for meta in model.meta_graphs:
        meta.meta_info_def.ClearField("tensorflow_version")
        meta.meta_info_def.ClearField("tensorflow_git_version")
        for op in meta.meta_info_def.stripped_op_list.op:  # tests/framework/test_op_list.py
            op.ParseFromString(protos.OpDef(name=op.name).SerializeToString())
        meta.graph_def.ClearField("versions")
        meta.graph_def.ClearField("library")
        for node in meta.graph_def.node:
            for name in [name for name in node.attr if name.startswith("_")]:
                del node.attr[name]
            if node.op == "Const":
                tensor = node.attr["value"].tensor
                value = minitf.make_ndarray(tensor)
                if node.name.startswith("path_"):  # of a file, which is elsewhere
                    value[()] = b""
                tensor.CopyFrom(minitf.make_tensor_proto(value))  # which can be written in two ways
        del meta.meta_info_def.tags[:]
    return model


def assert_same(values: list[Any], expected: list[Any]) -> None:
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6)


# ---- both ways


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_what_was_recorded(tf: Any, name: str, tmp_path: Path) -> None:
    files, (path, _) = files_of(written(tf, name, tmp_path)), recorded(name, tmp_path / "theirs")
    theirs = files_of(path)
    assert list(files) == list(theirs)
    assert model_of(files) == model_of(theirs)
    for file in files:
        if not file.startswith("saved_model"):
            assert files[file] == theirs[file], file


@pytest.mark.parametrize("scope", [None, "a/b"])
@pytest.mark.parametrize("name", CASES)
def test_what_was_recorded_is_loaded(tf: Any, name: str, scope: str | None, tmp_path: Path) -> None:
    path, values = recorded(name, tmp_path)
    found = used(tf, name, path, scope)
    if name == "with_assets":
        assert found[0].tolist() == [
            os.fsencode(path / "assets" / file) for file in ("words.txt", "words.txt_1")
        ]
        assert (path / "assets" / "words.txt_1").read_text() == "b"
        found = found[1:]
    assert_same(found, values)


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
@pytest.mark.parametrize("name", CASES)
def test_what_minitf_writes_tensorflow_loads(name: str, tmp_path: Path) -> None:
    path = written(minitf, name, tmp_path)
    ours, theirs = used(minitf, name, path), used(engine(MODULES[1]), name, path)
    if name == "with_assets":
        assert ours.pop(0).tolist() == theirs.pop(0).tolist()
    assert_same(ours, theirs)


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_a_loaded_model_trains_on_and_is_written_again(tmp_path: Path) -> None:
    """minitf writes, TensorFlow loads, changes and writes, minitf loads."""
    path = written(minitf, "simple", tmp_path)
    other = engine(MODULES[1])
    with other.Graph().as_default() as graph, other.Session() as sess:
        other.saved_model.load(sess, ["serve"], str(path))
        sess.run(other.assign(graph.get_tensor_by_name("dense/b:0"), [1.0, 2.0, 3.0, 4.0]))
        x, y = (graph.get_tensor_by_name(f"{name}:0") for name in "xy")
        other.saved_model.simple_save(sess, str(tmp_path / "again"), {"x": x}, {"y": y})
        expected = sess.run(y, {x: X})
    prediction, b, _ = used(minitf, "simple", tmp_path / "again")
    assert b.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert_same([prediction], [expected])


# ---- what is asked for


def test_signatures_lead_to_tensors(tf: Any, tmp_path: Path) -> None:
    path = written(tf, "two_graphs", tmp_path)
    assert (path / "saved_model.pbtxt").exists() and not (path / "saved_model.pb").exists()
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        meta = tf.saved_model.loader.load(sess, ["serve"], str(path), import_scope="in")
        assert sorted(meta.signature_def) == ["classify", "own", "regress", "serving_default"]
        signature = meta.signature_def[
            tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        ]
        assert tf.saved_model.signature_def_utils.is_valid_signature(signature)
        assert not tf.saved_model.is_valid_signature(meta.signature_def["own"])
        find = tf.saved_model.utils.get_tensor_from_tensor_info
        x = find(signature.inputs["x"], import_scope="in")
        y = find(signature.outputs["y"], graph, "in")
        assert (x.name, y.name) == ("in/x:0", "in/y:0")
        assert sess.run(y, {x: X}).sum() == pytest.approx(3.0)
        assert not any(node.device for node in meta.graph_def.node)
        with tf.name_scope("again"):
            info = tf.saved_model.build_tensor_info(tf.Variable([1.0]))
            assert info.name == "again/Variable:0" and info.tensor_shape.dim[0].size == 1


def test_an_input_is_replaced_while_loading(tf: Any, tmp_path: Path) -> None:
    path = written(tf, "without_variables", tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        three = tf.constant([[3.0, 1.0]])
        tf.saved_model.load(sess, ["serve"], str(path), import_scope="in", input_map={"x:0": three})
        assert sess.run("in/y:0").tolist() == [[9.0, 1.0]]


def test_initializers_and_savers_of_ones_own(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable(1.0, name="v")
        kept = tf.Variable(2.0, name="kept")
        builder = tf.saved_model.builder.SavedModelBuilder(str(tmp_path / "m"))
        sess.run(v.initializer)  # the other one has no value
        builder.add_meta_graph_and_variables(
            sess, ["t"], legacy_init_op=kept.initializer, saver=tf.train.Saver([v], name="mine")
        )
        assert builder.save() == os.fsencode(tmp_path / "m" / "saved_model.pb")
        main_op = tf.saved_model.main_op.main_op()
        assert [op.name for op in main_op.control_inputs] == ["init", "init_1", "init_all_tables"]
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.saved_model.load(sess, {"t"}, str(tmp_path / "m"))
        assert sess.run(["v:0", "kept:0"]) == [1.0, 2.0]


def test_which_folders_are_models(tf: Any, tmp_path: Path) -> None:
    path = written(tf, "simple", tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "saved_model.pbtxt").touch()
    folders = [path, tmp_path / "text", tmp_path, tmp_path / "none", path / "saved_model.pb"]
    for function in (
        tf.saved_model.contains_saved_model,
        tf.saved_model.loader.maybe_saved_model_directory,
    ):
        assert [function(str(folder)) for folder in folders] == [True, True, False, False, False]


# ---- mistakes


def test_mistakes_of_who_writes(tf: Any, tmp_path: Path) -> None:
    path = written(tf, "simple", tmp_path)
    builder = tf.saved_model.Builder(str(tmp_path / "m"))
    info = tf.saved_model.build_tensor_info
    signature = tf.saved_model.build_signature_def
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable([1.0], name="v")
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
            builder.add_meta_graph_and_variables(sess, ["serve"])
        sess.run(v.initializer)
        with pytest.raises(AssertionError, match="isn't empty"):
            tf.saved_model.Builder(str(path))
        with pytest.raises(tf.errors.NotFoundError):
            tf.saved_model.Builder(str(path / "saved_model.pb"))
        with pytest.raises(AssertionError, match="first"):
            builder.add_meta_graph(["serve"])
        incomplete = [info(v).__class__(name="v:0"), info(v).__class__(dtype=1)]
        for each in incomplete:
            with pytest.raises(AssertionError, match=r"dtype|names no tensor|encoding"):
                builder.add_meta_graph_and_variables(sess, ["s"], {"k": signature({"v": each})})
        with pytest.raises(KeyError, match="reserved"):
            builder.add_meta_graph_and_variables(
                sess, ["serve"], {"__saved_model_init_op": signature({"v": info(v)})}
            )
        for wrong in (v, tf.constant(1), tf.placeholder(tf.string), "a path"):
            with pytest.raises(TypeError, match="Asset path tensor"):
                builder.add_meta_graph_and_variables(sess, ["s"], assets_collection=[wrong])
        with pytest.raises(TypeError, match="Operation"):
            builder.add_meta_graph_and_variables(sess, ["serve"], main_op="init")
        builder.add_meta_graph_and_variables(sess, ["serve"])
        with pytest.raises(AssertionError, match="already"):
            builder.add_meta_graph_and_variables(sess, ["other"])


def test_mistakes_in_signatures(tf: Any) -> None:
    make = tf.saved_model
    with tf.Graph().as_default():
        text, number = tf.placeholder(tf.string, [None]), tf.placeholder(tf.float32, [None])
        for arguments in (
            [None, text, number],
            [text, None, None],
            [number, text, number],
            [text, number, number],
            [text, text, text],
        ):
            with pytest.raises(ValueError, match=r"(?i)classification|dtype"):
                make.classification_signature_def(*arguments)
        for arguments in ([None, number], [text, None], [number, number], [text, text]):
            with pytest.raises(ValueError, match=r"(?i)regression|dtype"):
                make.regression_signature_def(*arguments)
        for given in ([None, {"y": text}], [{"x": text}, {}]):
            with pytest.raises(ValueError, match="cannot be None or empty"):
                make.predict_signature_def(*given)
        assert not make.is_valid_signature(make.build_signature_def())
        with pytest.raises((TypeError, AttributeError)):
            make.build_tensor_info("x:0")


def test_mistakes_of_who_loads(tf: Any, tmp_path: Path) -> None:
    path = written(tf, "two_graphs", tmp_path)
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(RuntimeError, match=r"available tags.*train.*serve"):
            tf.saved_model.load(sess, ["other"], str(path))
        with pytest.raises(OSError, match="does not exist"):
            tf.saved_model.load(sess, ["serve"], str(tmp_path))
        for file, content in (("saved_model.pb", b"\xff"), ("saved_model.pbtxt", b"none {")):
            (tmp_path / file).write_bytes(content)
            with pytest.raises(OSError, match=f"Cannot parse file .*{file}"):
                tf.saved_model.load(sess, ["serve"], str(tmp_path))
            (tmp_path / file).unlink()
        assert not tf.get_default_graph().get_operations()
        data = path / "variables" / "variables.data-00000-of-00001"
        data.write_bytes(bytes(data.stat().st_size))
        with pytest.raises(tf.errors.DataLossError):
            tf.saved_model.load(sess, ["serve"], str(path))


def test_minitf_tells_more(tmp_path: Path) -> None:
    """Where TensorFlow writes a model that cannot be used, or says less."""
    tf = minitf
    info = tf.saved_model.build_tensor_info
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, name="x")
        elsewhere = info(x)
        elsewhere.name = "y:0"
        builder = tf.saved_model.Builder(tmp_path / "m")
        signature = tf.saved_model.build_signature_def({"x": elsewhere})
        with pytest.raises(ValueError, match="'x' of the signature 'k' is not in the graph"):
            builder.add_meta_graph_and_variables(sess, ["serve"], {"k": signature})
        with pytest.raises(TypeError, match="no SignatureDef"):
            builder.add_meta_graph_and_variables(sess, ["serve"], {"k": None})
        with pytest.raises(TypeError, match="Tags are texts"):
            builder.add_meta_graph_and_variables(sess, [1])
        with pytest.raises(tf.errors.NotFoundError, match=r"no such file.*asset"):
            builder.add_meta_graph_and_variables(
                sess, ["serve"], assets_collection=[tf.constant(str(tmp_path / "none"))]
            )
        builder.add_meta_graph_and_variables(sess, "serve")  # one tag
        with pytest.raises(AssertionError, match="interrupted export"):
            tf.saved_model.Builder(tmp_path / "m")
        builder.save()
        with pytest.raises(ValueError, match=r"TensorInfo\.encoding: None"):
            tf.saved_model.get_tensor_from_tensor_info(protos.TensorInfo())
        assert tf.saved_model.load(sess, "serve", tmp_path / "m", "in").meta_info_def.tags


# ---- interrupted


def test_an_interrupted_export_leaves_no_model(tmp_path: Path) -> None:
    """A process is killed in the place of each operation on the file system in turn."""
    from minitf.checkpoint import files

    names = ("create", "write", "sync", "rename", "sync_folder", "remove", "make_folder")

    def export(folder: Path, deadly: int) -> None:
        count = 0

        def before(function: Any) -> Any:
            def run(*arguments: Any) -> Any:
                nonlocal count
                count += 1
                if count == deadly:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments)

            return run

        for name in names:
            setattr(files, name, before(getattr(files, name)))
        written(minitf, "simple", folder)

    models = 0
    for deadly in range(1, 100):
        folder = tmp_path / str(deadly)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(120)
                export(folder, deadly)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        path = folder / "simple"
        if minitf.saved_model.contains_saved_model(path):
            models += 1
            assert len(used(minitf, "simple", path)) == 3
        if not os.WIFSIGNALED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert deadly > 15 and models >= 2, (deadly, models)
