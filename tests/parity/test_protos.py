"""minitf's messages are TensorFlow's, field for field and byte for byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitf.framework import protos
from tests.engines import MODULES
from tests.parity.harness import engine

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed"),
]


# What only TensorFlow 2 writes, and minitf passes over: objects, and tensors of composite types.
PASSED_OVER = {"object_graph_def", "composite_tensor"}


def described(descriptor: Any, found: dict[str, Any]) -> dict[str, Any]:
    """All messages and enumerations that a message is made of, by full name."""
    from google.protobuf import descriptor_pb2

    if descriptor.full_name not in found:
        written = descriptor_pb2.DescriptorProto()
        descriptor.CopyToProto(written)
        found[descriptor.full_name] = sorted(
            (f.name, f.number, f.type, f.label, f.type_name, f.HasField("oneof_index"))
            for f in written.field
            if f.name not in PASSED_OVER
        )
        for field in [field for field in descriptor.fields if field.name not in PASSED_OVER]:
            if field.message_type:
                described(field.message_type, found)
            if field.enum_type:
                values = [(value.name, value.number) for value in field.enum_type.values]
                found[field.enum_type.full_name] = sorted(values)
    return found


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("GraphDef", "core.framework.graph_pb2"),
        ("OpList", "core.framework.op_def_pb2"),
        ("TensorSliceProto", "core.framework.tensor_slice_pb2"),
        ("VariableDef", "core.framework.variable_pb2"),
        ("SaverDef", "core.protobuf.saver_pb2"),
        ("Event", "core.util.event_pb2"),
        ("SummaryDescription", "core.framework.summary_pb2"),
        ("RunMetadata", "core.protobuf.config_pb2"),
        ("SavedModel", "core.protobuf.saved_model_pb2"),
        ("CheckpointState", "python.training.checkpoint_state_pb2"),
        ("ClusterDef", "core.protobuf.cluster_pb2"),
    ],
)
def test_messages_have_tensorflows_fields(name: str, module: str) -> None:
    import importlib

    theirs = getattr(importlib.import_module(f"tensorflow.{module}"), name)
    ours = getattr(protos, name)
    found = described(ours.DESCRIPTOR, {})
    assert found == described(theirs.DESCRIPTOR, {})
    assert all(found.values())


VALUES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a number": (1.5, {}),
    "an integer": (3, {}),
    "a large integer": (2**40, {}),
    "a bool": (True, {}),
    "text": ("caf\u00e9", {}),
    "texts": ([b"a", b"\xff\0"], {}),
    "nothing": ([], {}),
    "a list": ([1, 2, 3], {}),
    "a matrix": ([[1.0, 2.0], [3.0, 4.0]], {}),
    "a shape": (7, {"shape": [3]}),
    **{
        f"{dtype} {np.shape(value)}": (np.array(value, dtype), {})
        for dtype in ("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32")
        + ("uint32", "int64", "uint64", "complex64", "complex128", "bool")
        for value in (1, [1], [0, 1, 1], [[], []])
    },
}


@pytest.mark.parametrize("label", VALUES)
def test_tensors_are_written_and_read_alike(label: str) -> None:
    value, options = VALUES[label]
    minitf, tensorflow = engine("minitf"), engine("tensorflow.compat.v1")
    ours = minitf.make_tensor_proto(value, **options)
    theirs = tensorflow.make_tensor_proto(value, **options)
    read = minitf.make_ndarray(theirs)
    expected = tensorflow.make_ndarray(theirs)
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(tensorflow.make_ndarray(type(theirs).FromString(
        ours.SerializeToString())), expected)  # fmt: skip
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )
