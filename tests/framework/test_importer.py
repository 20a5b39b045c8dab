"""Hostile and broken GraphDefs, one by one: the error names the node, and nothing is added.

What TensorFlow does with these and many more is compared in tests/parity/test_import_cases.py.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from google.protobuf.message import DecodeError

import minitf as tf
from minitf.framework import importer
from minitf.framework.tensor_proto import PackedTensor
from tests.parity.import_cases import AR, FLOAT, A, const, node, placeholder, relu, shape


def parsed(text: str) -> Any:
    return text_format.Parse(text, tf.GraphDef())


@contextmanager
def megabytes_at_most(limit: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit * 1e6, f"{peak / 1e6:.1f} MB"


def refused(graph_def: Any, match: str, error: Any = ValueError, **arguments: Any) -> str:
    """The message of the refusal, during which the graph stayed as it was."""
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.float32, name="there")
        before = dict(graph._nodes), dict(graph._names_in_use), graph.version
        with pytest.raises(error, match=match) as caught:
            tf.import_graph_def(graph_def, **arguments)
        assert (dict(graph._nodes), dict(graph._names_in_use), graph.version) == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (A + relu("b", name="user"), "Node 'user': Unknown input node 'b'"),
        (A + relu("aa", name="user"), "nearest names are 'a'"),
        (A + relu("a:3", name="user"), "'user': Connecting to invalid output 3 of source node a"),
        (A + relu("a", name="user", T="i: 1"), "'user': .*type 'int' when 'type' expected"),
        (A + node("user", "Relu", "a"), "'user': NodeDef missing attr 'T'"),
        (A + relu("a", name="user", T="type: DT_INT64"), "'user': Input 0 .* float .* int64"),
        (A + relu("a", "a", name="user"), "'user': .* do not match 2 inputs"),
        (relu("q", name="p") + relu("p", name="q"), "2 nodes in a cycle.* 'p' <- 'q' <- 'p'"),
        (A + A, "Node 'a': the name is not unique"),
        (A + relu("a", name="a b"), "Node 'a b': Node name contains invalid characters"),
        (const("", shape(-3), name="user"), "Node 'user': Shape .* not fully defined"),
        (placeholder(2**40, 2**40, name="user"), "Node 'user': Shape .* too large"),
    ],
)
def test_the_node_is_named(text: str, match: str) -> None:
    refused(parsed(text), f"(?s){match}")


def test_an_unknown_op_type_is_told_with_the_nearest() -> None:
    text = A + relu("a", name="user").replace("Relu", "Rellu")
    message = refused(parsed(text), "Op type not registered", tf.errors.NotFoundError)
    assert "'user'" in message and "'Rellu'" in message and "'Relu'" in message


@pytest.mark.parametrize("op", ["Enter", "NextIteration"])
def test_loops_are_refused_for_now(op: str) -> None:
    text = A + node("user", op, "a", T=FLOAT, frame_name='s: "f"')
    refused(
        parsed(text), "(?s)'user'.*tf.while_loop cannot be imported yet", tf.errors.NotFoundError
    )


def test_a_function_that_is_used_is_refused() -> None:
    text = A + node("user", "f", "a") + 'library { function { signature { name: "f" } } }'
    refused(parsed(text), "(?s)'user': 'f' is a function", tf.errors.NotFoundError)


def test_truncated_bytes_are_no_message() -> None:
    data = parsed(AR).SerializeToString()
    outcomes = set()
    for length in range(len(data)):
        try:
            graph_def = tf.GraphDef.FromString(data[:length])
        except DecodeError:
            outcomes.add("not a message")
        else:
            with tf.Graph().as_default() as graph:
                tf.import_graph_def(graph_def)
                outcomes.add(len(graph.get_operations()))
    assert outcomes == {"not a message", 0, 1}


@pytest.mark.parametrize("value", ["float_val: 1", "tensor_content: 'abcd'", ""])
def test_a_constant_of_a_terabyte_takes_no_memory_before_it_is_run(value: str) -> None:
    graph_def = parsed(const(value, shape(2**40)))
    with tf.Graph().as_default() as graph:
        with megabytes_at_most(1):
            (c,) = tf.import_graph_def(graph_def, return_elements=["c:0"], name="")
        assert c.shape.as_list() == [2**40]
        assert isinstance(c.op._attrs["value"], PackedTensor)
        assert graph.as_graph_def().node[0].attr["value"] == graph_def.node[0].attr["value"]
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="'c'"):
            sess.run(c)


def test_many_constants_of_a_megabyte_take_no_memory_either() -> None:
    text = "".join(const("float_val: 1", shape(2**18), name=f"c{i}") for i in range(500))
    graph_def = parsed(text)
    with megabytes_at_most(5):
        tf.import_graph_def(graph_def, name="")
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run("c7:0"), np.ones(2**18, np.float32))
        np.testing.assert_array_equal(sess.graph.get_operation_by_name("c8").get_attr("value"), 1)


@pytest.mark.parametrize("count", [10**12, 2**63 - 1])
def test_a_giant_number_of_outputs(count: int) -> None:
    split = node("user", "Split", "d", "a", T=FLOAT, num_split=f"i: {count}")
    graph_def = parsed(placeholder(-1) + const("int_val: 0", "", "DT_INT32", "d") + split)
    with megabytes_at_most(2):
        refused(graph_def, "(?s)'user': Number of outputs is too big")


def test_many_outputs_of_many_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node asks for no more outputs than are believed; all of them do."""
    monkeypatch.setattr(importer, "_MAX_OUTPUTS", 10_000)
    split = [node(f"s{i}", "Split", "d", "a", T=FLOAT, num_split="i: 3000") for i in range(5)]
    text = placeholder(-1) + const("int_val: 0", "", "DT_INT32", "d") + "".join(split)
    refused(parsed(text), "'s3': Number of outputs is too big: 3000")


def test_absurd_lengths_of_text() -> None:
    long = "x" * 5_000_000
    for text in (placeholder(name=long + "~"), A + relu(long), A.replace("Placeholder", long)):
        message = refused(parsed(text), "Node", (ValueError, tf.errors.NotFoundError))
        assert len(message) < 2000
    tf.import_graph_def(parsed(placeholder(name=long)), name="")
    assert tf.get_default_graph().get_operations()[0].name == long


def test_functions_nested_without_end() -> None:
    graph_def = parsed(AR)
    deep = graph_def.node[1].attr["foo"].func
    for _ in range(100_000):
        deep = deep.attr["a"].func
    refused(graph_def, "(?s)'r': Attr 'foo' cannot be read: .*nested too deeply")
    graph_def = parsed(const("", "", "DT_VARIANT"))
    tensor = graph_def.node[0].attr["value"].tensor
    for _ in range(100_000):
        tensor = tensor.variant_val.add().tensors.add()
    refused(graph_def, "(?s)'c': Attr 'value' cannot be read: .*nested too deeply")


def test_a_long_chain_in_any_order() -> None:
    graph_def = tf.GraphDef()
    for number in reversed(range(3_000)):
        chained = graph_def.node.add(name=f"n{number}", op="Relu", input=[f"n{number - 1}"])
        chained.attr["T"].type = 1
    graph_def.node[-1].input[0] = "x"
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    (last,) = tf.import_graph_def(graph_def, return_elements=["n2999:0"])
    with tf.Session() as sess:
        assert sess.run(last, {"import/x:0": 2.0}) == 2.0
    graph_def.node[-2].input[0] = "n2999"  # now in a circle
    message = refused(graph_def, "3000 nodes in a cycle")
    assert len(message) < 2000


def test_ranks_and_sizes_that_grow() -> None:
    text = A + const("int_val: 0", "", "DT_INT32", "axis")
    name = "a"
    for number in range(300):
        text += node(f"e{number}", "ExpandDims", name, "axis", T=FLOAT, Tdim="type: DT_INT32")
        name = f"e{number}"
    refused(parsed(text), "(?s)'e253'.*too large")
    text = A + const("int_val: 2147483647", shape(1), "DT_INT32", "times")
    name = "a"
    for number in range(300):
        text += node(f"t{number}", "Tile", name, "times", T=FLOAT, Tmultiples="type: DT_INT32")
        name = f"t{number}"
    refused(parsed(text), "(?s)'t2'.*too large")


def test_constants_made_for_the_map_are_taken_back() -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, name="x")
        names = dict(graph._names_in_use)
        with pytest.raises(ValueError, match="not found in graph_def: \\[gone:0\\]"):
            tf.import_graph_def(parsed(AR), input_map={"a": 1.0, "gone": x})
        assert graph.get_operations() == [x.op]
        assert graph._names_in_use == names
        tf.import_graph_def(parsed(AR), input_map={"a": 1.0})
        assert [op.name for op in graph.get_operations()][1] == "import/_inputs/Const"


def test_what_a_failed_import_touched_works_on() -> None:
    """Consumers, names and shapes of the tensors that were given are as before."""
    graph_def = parsed(A + relu("a") + relu("gone", name="last"))
    x = tf.placeholder(tf.float32, [2], name="x")
    for _ in range(3):
        with pytest.raises(ValueError):
            tf.import_graph_def(graph_def, input_map={"a": x})
    assert x.consumers() == []
    del graph_def.node[2]
    (y,) = tf.import_graph_def(graph_def, input_map={"a": x}, return_elements=["r:0"])
    assert y.name == "import/r:0" and x.consumers() == [y.op]
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(y, {x: [-1, 2]}), [0, 2])


def test_an_import_inside_a_branch() -> None:
    pred, x = tf.placeholder(tf.bool), tf.placeholder(tf.float32, [2])

    def taken() -> Any:
        return tf.import_graph_def(parsed(AR), input_map={"a": x}, return_elements=["r:0"])[0]

    y = tf.cond(pred, taken, lambda: tf.negative(x))
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(y, {x: [-1, 2], pred: True}), [0, 2])
        np.testing.assert_array_equal(sess.run(y, {x: [-1, 2], pred: False}), [1, -2])


def test_text_and_bytes_that_are_no_text() -> None:
    """Attributes of bytes survive, whatever the bytes are."""
    graph_def = parsed(AR)
    graph_def.node[1].attr["_note"].s = b"\xff\0\xfe"
    tf.import_graph_def(graph_def, name="")
    op = tf.get_default_graph().get_operation_by_name("r")
    assert op.get_attr("_note") == b"\xff\0\xfe"
    assert op.node_def.attr["_note"].s == b"\xff\0\xfe"


@pytest.mark.slow
def test_a_million_nodes() -> None:
    graph_def = tf.GraphDef()
    graph_def.node.add(name="n0", op="Placeholder").attr["dtype"].type = 1
    for number in range(1, 1_000_000):
        made = graph_def.node.add(name=f"n{number}", op="Relu", input=[f"n{number - 1}"])
        made.attr["T"].type = 1
    with megabytes_at_most(2500):
        tf.import_graph_def(graph_def, name="")
    assert tf.get_default_graph().version == 1_000_000
