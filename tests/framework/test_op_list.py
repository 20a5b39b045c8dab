"""The declarations of ops as messages."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import minitf as tf
from minitf.framework import op_list, protos
from minitf.framework.op_def import all_ops, get
from tests.engines import MODULES


def test_a_declaration_as_text() -> None:
    expected = """
        name: "Sum" input_arg { name: "input" type_attr: "T" }
        input_arg { name: "reduction_indices" type_attr: "Tidx" }
        output_arg { name: "output" type_attr: "T" }
        attr { name: "keep_dims" type: "bool" default_value { b: false } }
        attr { name: "Tidx" type: "type" default_value { type: DT_INT32 }
               allowed_values { list { type: DT_INT32 type: DT_INT64 } } }
    """
    found = protos.OpDef.FromString(op_list.op_proto(get("Sum")).SerializeToString())
    found.attr.remove(next(attr for attr in found.attr if attr.name == "T"))  # has many dtypes
    written = protos.from_text(expected, protos.OpDef())
    assert sorted(map(str, found.attr)) == sorted(map(str, written.attr))
    for field in ("name", "input_arg", "output_arg", "is_stateful"):
        assert getattr(found, field) == getattr(written, field)


def test_the_ops_of_a_graph() -> None:
    with tf.Graph().as_default() as graph:
        tf.Variable(tf.random_normal([2]))
        graph_def = graph.as_graph_def()
        graph_def.node.add(name="n", op="NobodyKnows")
        ops = op_list.ops_of(graph_def).op
    assert [op.name for op in ops] == [
        *("AddV2", "Assign", "Const", "Identity", "Mul", "RandomStandardNormal", "VariableV2")
    ]
    assert {op.name for op in ops if op.is_stateful} == {"RandomStandardNormal", "VariableV2"}


def default(attr: Any) -> Any:
    if attr.default_value.HasField("tensor"):  # which can be written in two ways
        return tf.make_ndarray(attr.default_value.tensor).tolist()
    return attr.default_value


def comparable(message: Any, attrs: set[str]) -> Any:
    """What a reader takes from a declaration: the arguments, and these attributes' defaults."""
    found = protos.OpDef.FromString(message.SerializeToString())
    for arg in found.output_arg:
        arg.ClearField("experimental_full_type")
    defaults = {a.name: (a.type, default(a)) for a in found.attr if a.name in attrs}
    return [found.name, *found.input_arg, *found.output_arg, defaults, found.is_stateful]


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_declarations_are_tensorflows() -> None:
    importlib.import_module(MODULES[1])
    registry = importlib.import_module("tensorflow.python.framework.op_def_registry")
    different, compared = [], 0
    for declared in all_ops():
        ours, theirs = op_list.op_proto(declared), registry.get(declared.name)
        if theirs is not None:  # some are minitf's own
            compared += 1
            if comparable(ours, {*declared.attrs}) != comparable(theirs, {*declared.attrs}):
                different.append(f"{ours} instead of {theirs}")
    assert not different, "\n".join(different)
    assert compared > 250
