"""Graphs with what belongs to them: parts of them, by scope; and what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import minitf
from minitf.framework import protos
from tests.engines import ENGINES, MODULES
from tests.parity.harness import engine


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


def build(tf: Any) -> Any:
    """A part in the scope "hid", which takes something from outside; returns its saver."""
    x = tf.placeholder(tf.float32, [2], name="x")
    other = tf.get_variable("other/w", [2], initializer=tf.ones_initializer())
    with tf.variable_scope("hid"), tf.device("/cpu:0"):
        v = tf.get_variable("v", [2], initializer=tf.ones_initializer())
        with tf.control_dependencies([other.initializer]):
            y = tf.multiply(v, x, name="y")
    with tf.name_scope("hid/"):
        saver = tf.train.Saver([v])
        tf.train.Saver([v, other], name="both")
    for item in (x, y):
        tf.add_to_collection("tensors", item)
    tf.add_to_collection("texts", b"\xff")
    tf.add_to_collection(tf.GraphKeys.SAVERS, saver)
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver([other], name="third"))
    tf.add_to_collection("things", object())
    return saver


def nodes(meta: Any) -> dict[str, list[str]]:
    return {node.name: list(node.input) for node in meta.graph_def.node}


def test_a_scope_is_written_as_if_it_were_all(tf: Any) -> None:
    with tf.Graph().as_default():
        build(tf)
        meta = tf.train.export_meta_graph(export_scope="hid")
    found = nodes(meta)
    assert found["v/read"] == ["v"]
    assert found["y"] == ["v/read", "$unbound_inputs_x", "^$unbound_inputs_other/w/Assign"]
    assert "x" not in found and "save/restore_all" in found and "both/SaveV2" in found
    collections = meta.collection_def
    assert collections["tensors"].node_list.value == ["y:0"]
    assert collections["variables"].bytes_list.value[0].startswith(b"\n\x03v:0")
    unbound = set(collections["unbound_inputs"].bytes_list.value)
    assert {each for each in unbound if each.startswith(b"$")} == {
        b"$unbound_inputs_x",
        b"$unbound_inputs_other/w",  # of the saver of both
    }
    assert "things" not in collections
    read = next(node for node in meta.graph_def.node if node.name == "v/read")
    assert read.attr["_class"].list.s == [b"loc:@v"] and read.device == "/device:CPU:0"


def test_other_savers_are_left_out(tf: Any) -> None:
    with tf.Graph().as_default():
        saver = build(tf)
        everything = nodes(saver.export_meta_graph())
        meta = saver.export_meta_graph(clear_extraneous_savers=True, clear_devices=True)
        none = nodes(tf.train.export_meta_graph(clear_extraneous_savers=True))
    others = ("hid/both/", "third/")
    left_out = set(everything) - set(nodes(meta))
    assert left_out == {name for name in everything if name.startswith(others)}
    left_out = set(everything) - set(none)
    assert left_out == {name for name in everything if name.startswith((*others, "hid/save/"))}
    (own,) = meta.collection_def[tf.GraphKeys.SAVERS].bytes_list.value
    assert own == saver.as_saver_def().SerializeToString(deterministic=True)
    assert meta.saver_def.restore_op_name == "hid/save/restore_all"
    assert not any(node.device for node in meta.graph_def.node)


def test_a_part_takes_its_place_in_another_graph(tmp_path: Path) -> None:
    """TensorFlow writes the saver under its names in the old graph, so that it restores nothing."""
    tf = minitf
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = build(tf)
        sess.run(tf.global_variables_initializer())
        path = saver.save(sess, str(tmp_path / "m"), write_meta_graph=False)
        saver.export_meta_graph(
            str(tmp_path / "new" / "m.meta"),
            as_text=True,
            export_scope="hid/",
            clear_extraneous_savers=True,
        )
        assert saver.to_proto(export_scope="hi") is None
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        x = tf.constant([3.0, 4.0])
        bound = {"$unbound_inputs_x": x, "^$unbound_inputs_other/w/Assign": x}
        file = str(tmp_path / "new" / "m.meta")
        with pytest.raises(ValueError, match=r"unbound inputs: .*unbound_inputs_other/w/Assign"):
            tf.train.import_meta_graph(file, input_map={"$unbound_inputs_x": x})
        assert graph.get_operations() == [x.op]
        savers = [
            tf.train.import_meta_graph(file, import_scope="new", input_map=bound) for _ in "ab"
        ]
        with tf.name_scope("outer"):
            savers.append(tf.train.import_meta_graph(file, input_map=bound))
        scopes = ("new", "new_1", "outer")
        assert [v.op.name for v in tf.global_variables()] == [f"{scope}/v" for scope in scopes]
        assert [each.name for each in tf.get_collection("tensors")] == [f"{s}/y:0" for s in scopes]
        for saver, scope in zip(savers, scopes, strict=True):
            saver.restore(sess, path)
            assert sess.run(f"{scope}/y:0").tolist() == [3.0, 4.0]


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_parts_are_tensorflows() -> None:
    theirs = engine(MODULES[1])
    found = []
    for tf in (minitf, theirs):
        with tf.Graph().as_default():
            saver = build(tf)
            metas = [
                saver.export_meta_graph(clear_extraneous_savers=True, strip_default_attrs=True),
                tf.train.export_meta_graph(export_scope="hid", clear_devices=True),
                tf.train.export_meta_graph(export_scope="other"),
            ]
        found.append([(nodes(m), collections(m), m.saver_def.save_tensor_name) for m in metas])
    assert found[0] == found[1]


def collections(meta: Any) -> dict[str, Any]:
    """The items of each collection; TensorFlow lists some twice, and no control inputs."""
    read = protos.MetaGraphDef.FromString(meta.SerializeToString())
    kept = {name: each for name, each in read.collection_def.items() if each.ByteSize() > 2}
    found = {name: list(getattr(c, c.WhichOneof("kind")).value) for name, c in kept.items()}
    return {
        n: dict.fromkeys(v for v in values if str(v)[:3] != "b'^") for n, values in found.items()
    }


def test_what_is_asked_for(tf: Any) -> None:
    with tf.Graph().as_default():
        build(tf)
        meta = tf.train.export_meta_graph(collection_list=["tensors", "none"])
        assert list(meta.collection_def) == ["tensors"]
        assert {"Assign", "SaveV2"} <= {op.name for op in meta.meta_info_def.stripped_op_list.op}
        meta.meta_info_def.tags.append("t")
        again = tf.train.export_meta_graph(meta_info_def=meta.meta_info_def)
        assert list(again.meta_info_def.tags) == ["t"]
        with pytest.raises(TypeError, match="SaverDef"):
            tf.train.export_meta_graph(saver_def=3)
    with tf.Graph().as_default():
        tf.train.import_meta_graph(
            again, restore_collections_predicate=lambda name: name == "tensors"
        )
        assert tf.get_default_graph().get_all_collection_keys() == ["tensors"]
        with pytest.raises(TypeError, match="max_to_keep"):
            tf.train.import_meta_graph(again, max_to_keep=3)
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph(tf.MetaGraphDef()) is None


def test_names_that_are_taken_are_told(caplog: pytest.LogCaptureFixture) -> None:
    tf = minitf
    with tf.Graph().as_default():
        tf.Variable(1.0, name="v")
        saver = tf.train.Saver()
        meta = saver.export_meta_graph()
        tf.train.import_meta_graph(meta, import_scope="in")
        assert not caplog.records
        tf.train.import_meta_graph(meta)
        (record,) = caplog.records
        assert "has a node 'v/initial_value' already" in record.getMessage()
