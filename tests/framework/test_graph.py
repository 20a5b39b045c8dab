"""Graphs: names, scopes, devices, control dependencies, collections, lookups."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf


def names(graph=None):
    return [op.name for op in (graph or tf.get_default_graph()).get_operations()]


# ---- names


def test_unique_names_by_tensorflows_rule():
    graph = tf.Graph()
    asked = ["a", "a", "A", "a_1", "a"]
    assert [graph.unique_name(name) for name in asked] == ["a", "a_1", "A_2", "a_1_1", "a_3"]


def test_asking_without_marking_reserves_nothing():
    graph = tf.Graph()
    assert graph.unique_name("a", mark_as_used=False) == "a"
    assert graph.unique_name("a") == "a"
    assert graph.unique_name("a", mark_as_used=False) == "a_1"
    assert graph.unique_name("a") == "a_1"


@given(st.lists(st.sampled_from(["a", "A", "a_1", "a_2", "b", "a_1_1"]), max_size=20))
def test_unique_names_differ_by_more_than_case(asked):
    graph = tf.Graph()
    given_names = [graph.unique_name(name).lower() for name in asked]
    assert len(set(given_names)) == len(given_names)


@pytest.mark.parametrize("name", ["a b", "é", "-a", "a:0", "_a"])
def test_invalid_names(name):
    with pytest.raises(ValueError, match="not a valid"):
        tf.constant(1, name=name)


def test_name_scopes():
    with tf.name_scope("outer") as outer:
        assert outer == "outer/"
        assert tf.constant(1, name="c").op.name == "outer/c"
        with tf.name_scope("inner"):
            assert tf.constant(1, name="c").op.name == "outer/inner/c"
            with tf.name_scope(None):
                assert tf.constant(1, name="c").op.name == "c"
        with tf.name_scope("inner") as second:
            assert second == "outer/inner_1/"
    with tf.name_scope("outer/"):
        assert tf.constant(1, name="d").op.name == "outer/d"
    with tf.name_scope("outer") as again:
        assert again == "outer_1/"
    with tf.name_scope(None, "default") as scope:
        assert scope == "default/"
    assert tf.constant(1, name="outer/e/").op.name == "outer/e"


def test_name_scope_needs_a_name():
    with pytest.raises(ValueError, match="At least one of name"):
        tf.name_scope(None, None, [tf.constant(1)])
    with pytest.raises(ValueError, match="not a valid scope name"), tf.name_scope("a b"):
        pass


def test_a_name_scope_is_left_after_an_error():
    with pytest.raises(RuntimeError), tf.name_scope("broken"):
        raise RuntimeError
    assert tf.constant(1, name="c").op.name == "c"


# ---- default graphs


def test_default_graphs_nest():
    outer = tf.get_default_graph()
    graph = tf.Graph()
    with graph.as_default():
        assert tf.get_default_graph() is graph
        assert tf.constant(1).graph is graph
        with pytest.raises(AssertionError, match="nested"):
            tf.reset_default_graph()
    assert tf.get_default_graph() is outer
    tf.reset_default_graph()
    assert tf.get_default_graph() is not outer


def test_a_graph_may_be_the_default_twice():
    a, b = tf.Graph(), tf.Graph()
    with a.as_default(), b.as_default():
        with a.as_default():
            assert tf.get_default_graph() is a
        assert tf.get_default_graph() is b


def test_default_graph_and_scopes_are_per_thread():
    seen = {}

    def build():
        seen["graph"] = tf.get_default_graph()
        with graph.as_default():
            seen["name"] = tf.constant(1, name="in_thread").op.name

    graph = tf.Graph()
    with graph.as_default(), tf.name_scope("main"), tf.device("/job:ps"):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join()
    assert seen["graph"] is not graph
    assert seen["name"] == "in_thread"
    assert graph.get_operation_by_name("in_thread").device == ""


def test_many_threads_build_one_graph():
    graph = tf.Graph()

    def build():
        with graph.as_default():
            for _ in range(200):
                tf.constant(1, name="c") + tf.constant(2, name="c")

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names(graph))) == 4 * 200 * 3
    ids = [op._id for op in graph.get_operations()]
    assert sorted(ids) == ids and len(set(ids)) == len(ids)


def test_tensors_of_two_graphs_do_not_mix():
    other = tf.Graph()
    with other.as_default():
        b = tf.constant(2.0)
    a = tf.constant(1.0)
    with pytest.raises(ValueError, match="must be from the same graph") as error:
        a + b
    assert __file__ in str(error.value)


def test_ops_go_to_the_graph_of_their_inputs():
    graph = tf.Graph()
    with graph.as_default():
        a = tf.constant(1.0)
    assert (a + 2.0).graph is graph
    assert names() == []


# ---- devices and colocation


def test_devices_merge_inner_first():
    with tf.device("/job:ps/task:1"):
        a = tf.constant(1)
        with tf.device("/cpu:0"):
            b = tf.constant(1)
        with tf.device("/task:2/device:GPU:1"):
            c = tf.constant(1)
        with tf.device(None):
            d = tf.constant(1)
        with tf.device(lambda op: "/job:worker" if op.type == "Const" else ""):
            e = tf.constant(1)
    assert a.device == "/job:ps/task:1"
    assert b.device == "/job:ps/task:1/device:CPU:0"
    assert c.device == "/job:ps/task:2/device:GPU:1"
    assert d.device == ""
    assert e.device == "/job:worker/task:1"


@pytest.mark.parametrize("text", ["/jobs:ps", "/task:x", "nonsense", "/cpu:a"])
def test_unreadable_device(text):
    with pytest.raises(ValueError, match="Unknown part"), tf.device(text):
        pass


def test_colocation():
    with tf.device("/job:ps"):
        a = tf.constant(1, name="a")
    with tf.colocate_with(a.op):
        b = tf.constant(1, name="b")
        with tf.colocate_with(b.op, ignore_existing=True):
            c = tf.constant(1)
    assert b.op.colocation_groups() == [b"loc:@a"] and b.device == "/job:ps"
    assert c.op.colocation_groups() == [b"loc:@a"]
    assert a.op.colocation_groups() == [b"loc:@a"]


# ---- control dependencies


def test_control_dependencies():
    a, b = tf.constant(1, name="a"), tf.constant(2, name="b")
    with tf.control_dependencies([a, b.op]):
        c = tf.constant(3)
        with tf.control_dependencies([c]):
            d = tf.no_op()
        with tf.control_dependencies(None):
            e = tf.no_op()
        f = tf.identity(a)  # a is waited for as an input already
        g = tf.identity(c)  # c waits for both
    assert [op.name for op in c.op.control_inputs] == ["a", "b"]
    assert [op.name for op in d.control_inputs] == ["a", "b", c.op.name] or [
        op.name for op in d.control_inputs
    ] == [c.op.name, "a", "b"]
    assert e.control_inputs == []
    assert [op.name for op in f.op.control_inputs] == ["b"]
    assert g.op.control_inputs == []


def test_control_dependencies_take_only_graph_elements():
    with pytest.raises(TypeError, match="Can not convert a float"), tf.control_dependencies([1.0]):
        pass


# ---- finalizing


def test_a_finalized_graph_is_read_only():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant(1)
        graph.finalize()
        assert graph.finalized
        with pytest.raises(RuntimeError, match="finalized and cannot be modified") as error:
            tf.constant(2)
        assert __file__ in str(error.value)
        with pytest.raises(RuntimeError):
            tf.add_to_collection("things", 1)
        with tf.Session() as sess:
            assert sess.run(x) == 1


# ---- collections


def test_collections():
    graph = tf.Graph()
    with graph.as_default():
        c = tf.constant(1, name="layer/c")
        tf.add_to_collection("things", c)
        tf.add_to_collections(["things", "others", "others"], "text")
        assert tf.get_collection("things") == [c, "text"]
        assert tf.get_collection("others") == ["text"]
        assert tf.get_collection("things", scope="layer") == [c]
        assert tf.get_collection("nothing") == []
        tf.get_collection("things").append("a copy only")
        assert len(tf.get_collection("things")) == 2
        tf.get_collection_ref("things").append("the list itself")
        assert len(tf.get_collection("things")) == 3
        assert set(graph.get_all_collection_keys()) == {"things", "others"}
        graph.clear_collection("things")
        assert tf.get_collection("things") == []


# ---- lookups


def test_lookups():
    graph = tf.get_default_graph()
    c = tf.constant(1, name="c")
    assert graph.get_tensor_by_name("c:0") is c
    assert graph.get_operation_by_name("c") is c.op
    assert graph.as_graph_element("c") is c.op
    assert graph.as_graph_element("c:0") is c and graph.as_graph_element(c) is c
    for call, error, match in (
        (lambda: graph.get_tensor_by_name("x:0"), KeyError, "'x', does not exist"),
        (lambda: graph.get_tensor_by_name("c:1"), KeyError, "only has 1 outputs"),
        (lambda: graph.get_tensor_by_name("c"), ValueError, "c:0"),
        (lambda: graph.get_tensor_by_name("x"), ValueError, "looks like an"),
        (lambda: graph.get_tensor_by_name("c:x"), ValueError, "Tensor name"),
        (lambda: graph.get_operation_by_name("cc"), KeyError, "nearest names are 'c'"),
        (lambda: graph.get_operation_by_name("c:0"), ValueError, "refers? to a Tensor"),
        (lambda: graph.get_operation_by_name(3), TypeError, "strings"),
        (lambda: graph.as_graph_element(3.0), TypeError, "Can not convert a float"),
        (lambda: tf.Graph().as_graph_element(c), ValueError, "not an element of this graph"),
    ):
        with pytest.raises(error, match=match):
            call()


# ---- tensors


def test_tensor_text():
    A, B = tf.constant(1), tf.constant(2)
    C = A + B
    assert str(C) == 'Tensor("add:0", shape=(), dtype=int32)'

    with tf.Graph().as_default():
        assert str(tf.add(1, 2)) == 'Tensor("Add:0", shape=(), dtype=int32)'
    assert repr(C) == "<tf.Tensor 'add:0' shape=() dtype=int32>"
    assert repr(C.op) == "<tf.Operation 'add' type=AddV2>"
    x = tf.placeholder(tf.float32, [None, 784])
    assert str(x) == 'Tensor("Placeholder:0", shape=(?, 784), dtype=float32)'
    assert str(tf.placeholder(tf.float32)) == 'Tensor("Placeholder_1:0", dtype=float32)'


@pytest.mark.parametrize(
    ("use", "match"),
    [
        (bool, "as a Python `bool` is not allowed"),
        (list, "not iterable"),
        (lambda t: 1.0 in t, "not iterable"),
        (len, "len is not well defined"),
        (float, "cannot be converted to a Python float"),
        (int, "cannot be converted to a Python int"),
        (range, "cannot be converted to a Python index"),
    ],
)
def test_what_needs_a_value_is_refused_with_the_tensors_line(use, match):
    t = tf.constant([1.0, 2.0])
    with pytest.raises(TypeError, match=match) as error:
        use(t)
    assert "test_graph.py" in str(error.value)


def test_numpy_is_refused():
    import numpy as np

    with pytest.raises(NotImplementedError, match="numpy"):
        np.array(tf.constant(1.0))


def test_tensors_compare_by_identity():
    a, b = tf.constant(1), tf.constant(1)
    assert a == a and a != b and len({a, b, a}) == 2


def test_set_shape():
    x = tf.placeholder(tf.float32, [None, 3])
    x.set_shape([2, None])
    assert x.shape.as_list() == [2, 3]
    with pytest.raises(ValueError, match="not compatible"):
        x.set_shape([4, 3])
    assert tf.placeholder(tf.float32).get_shape().ndims is None


def test_the_users_line_is_kept():
    c = tf.constant(1)
    filename, _, function, text = c.op.traceback.frames[0]
    assert filename == __file__ and function == "test_the_users_line_is_kept"
    assert text == "c = tf.constant(1)"
    package = os.path.dirname(tf.__file__) + os.sep
    assert not any(f[0].startswith(package) for f in c.op.traceback.frames)


def test_scopes_of_a_graph_as_decorators():
    graph = tf.Graph()

    @graph.as_default()
    @graph.name_scope("layer")
    def layer(depth):
        name = tf.constant(1.0, name="c").op.name
        return [name, *(layer(depth - 1) if depth else [])]

    assert layer(1) == ["layer/c", "layer/layer/c"]
    assert layer(0) == ["layer_1/c"]
    assert graph.get_name_scope() == "" and tf.get_default_graph() is not graph


def test_a_scope_that_cannot_be_entered_leaves_nothing_open():
    graph = tf.Graph()
    with pytest.raises(ValueError, match="not a valid scope name"), tf.name_scope("a b"):
        pass
    with graph.as_default(), pytest.raises(RuntimeError, match="inside"), tf.name_scope("outer"):
        raise RuntimeError("inside")
    assert graph.get_name_scope() == "" and tf.get_default_graph() is not graph
