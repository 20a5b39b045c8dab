"""GraphDef in and out."""

import numpy as np
import pytest

import minitf as tf


def rich_graph():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        w = tf.Variable(np.ones((3, 2), np.float32), name="w")
        with tf.device("/job:ps/task:0"), tf.control_dependencies([x]):
            tf.constant(["a", "b"], name="text")
        pred = tf.placeholder(tf.bool, name="pred")
        y = tf.cond(pred, lambda: tf.matmul(x, w), lambda: tf.zeros([1, 2]))
        tf.identity(y, name="y")
        for value in (1.5, [1, 2], True, np.float16(2), np.zeros((0, 2)), 1 + 2j, 2**40):
            tf.constant(value)
    return graph


def test_a_graph_survives_the_round_trip():
    first = rich_graph().as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(first, name="")
        second = graph.as_graph_def()
    by_name = {node.name: node for node in second.node}
    assert len(by_name) == len(first.node)
    for node in first.node:
        assert by_name[node.name] == node
    for old, new in zip(
        rich_graph().get_operations(),
        sorted(graph.get_operations(), key=lambda op: names_of(first).index(op.name)),
        strict=True,
    ):
        assert [t.shape for t in old.outputs] == [t.shape for t in new.outputs]
        assert [t.dtype for t in old.outputs] == [t.dtype for t in new.outputs]


def names_of(graph_def):
    return [node.name for node in graph_def.node]


def test_an_imported_graph_runs():
    graph_def = rich_graph().as_graph_def()
    with tf.Graph().as_default(), tf.Session() as sess:
        x, pred, y, init = tf.import_graph_def(
            graph_def, return_elements=["x:0", "pred:0", "y:0", "w/Assign"], name="again"
        )
        assert y.name == "again/y:0"
        assert y.graph.get_operation_by_name("again/w/read").colocation_groups() == [
            b"loc:@again/w"
        ]
        sess.run(init)
        np.testing.assert_array_equal(sess.run(y, {x: [[1, 2, 3]], pred: True}), [[6, 6]])
        np.testing.assert_array_equal(sess.run(y, {x: [[1, 2, 3]], pred: False}), [[0, 0]])


def test_input_map():
    with tf.Graph().as_default() as graph:
        a = tf.constant(1.0, name="a")
        tf.multiply(a, 3.0, name="y")
    with tf.Session() as sess:
        two = tf.constant(2.0)
        (y,) = tf.import_graph_def(
            graph.as_graph_def(), input_map={"a:0": two}, return_elements=["y:0"]
        )
        assert sess.run(y) == 6.0


def test_what_cannot_be_imported_adds_nothing():
    with tf.Graph().as_default() as graph:
        tf.nn.relu(tf.constant(1.0), name="y")
    graph_def = graph.as_graph_def()
    graph_def.node[-1].op = "Rellu"
    with pytest.raises(tf.errors.NotFoundError, match=r"(?s)'y'.*'Rellu'.*'Relu'"):
        tf.import_graph_def(graph_def)
    graph_def = graph.as_graph_def()
    graph_def.node[-1].input[0] = "missing"
    with pytest.raises(ValueError, match="Unknown input node 'missing'"):
        tf.import_graph_def(graph_def)
    graph_def.node[-1].input[0] = "y"
    assert tf.get_default_graph().get_operations() == []
    with pytest.raises(ValueError, match="return_elements"):
        tf.import_graph_def(graph.as_graph_def(), return_elements=["nothing"])


def test_output_shapes_for_tensorboard():
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.float32, [None, 2])
    node = graph.as_graph_def(add_shapes=True).node[0]
    shape = node.attr["_output_shapes"].list.shape[0]
    assert [d.size for d in shape.dim] == [-1, 2]


def test_from_version():
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1, name="a")
        version = graph.version
        tf.constant(2, name="b")
    assert names_of(graph.as_graph_def(from_version=version)) == ["b"]


@pytest.mark.parametrize(
    "value",
    [1.5, [1, 2], [[True], [False]], np.float16([1, 2]), np.int8([-1]), "text", [b"\xff", b"a\0"],
     np.zeros((0, 3)), np.complex64([1j]), np.uint64([2**63]), np.float64(0.1)],
)  # fmt: skip
def test_tensor_protos(value):
    proto = tf.make_tensor_proto(value)
    array = tf.make_ndarray(proto)
    with tf.Session() as sess:
        expected = sess.run(tf.constant(value))
    np.testing.assert_array_equal(array, expected)
    assert array.dtype == np.asarray(expected).dtype or array.dtype == object


def test_a_short_value_list_is_filled_up():
    proto = tf.make_tensor_proto(7, shape=[3])
    assert tf.make_ndarray(proto).tolist() == [7, 7, 7]
    del proto.int_val[:]
    proto.ClearField("tensor_content")
    proto.int_val.extend([1, 2])
    assert tf.make_ndarray(proto).tolist() == [1, 2, 2]
    proto.tensor_content = b"abc"
    with pytest.raises(ValueError):
        tf.make_ndarray(proto)


def test_messages_are_public_and_those_of_tensorboardx_are_taken_too():
    from tensorboardX.proto.graph_pb2 import GraphDef

    data = rich_graph().as_graph_def().SerializeToString()
    assert {"GraphDef", "NodeDef", "AttrValue", "NameAttrList"} <= set(dir(tf))
    assert tf.GraphDef.DESCRIPTOR.full_name == "tensorflow.GraphDef"
    tf.import_graph_def(GraphDef.FromString(data), name="")
    again = {node.name: node for node in tf.get_default_graph().as_graph_def().node}
    assert again == {node.name: node for node in rich_graph().as_graph_def().node}


def test_more_values_than_the_shape_takes():
    with pytest.raises(ValueError, match="Takes at most 2, but got 3"):
        tf.make_tensor_proto([1, 2, 3], shape=[2])
