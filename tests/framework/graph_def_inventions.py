"""Graphs of one op each that nobody would write: inputs and attributes of the right kinds, and of
any value. They reach the shape rules, to which damaged files seldom come.
"""

from __future__ import annotations

import random
from typing import Any

from minitf.framework import dtypes, op_def, protos, tensor_proto
from minitf.framework.op_def import ArgDef, AttrDef, OpDef
from tests.framework.graph_def_mutations import NUMBERS, TEXTS

OPS = [each for each in op_def.all_ops() if each.name not in ("Const", "NoOp")]
SMALL = (-2, -1, 0, 1, 2, 3, 4, 5)
DIMS = (*(None, 0, 1, 1, 2, 2, 3, 4, 5, 7) * 8, 2**31, 2**40, 2**62)
TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.bool_, dtypes.string)


def invented(rng: random.Random) -> Any:
    """A GraphDef with one op and what it takes."""
    graph_def = protos.GraphDef()
    chosen = rng.choice(OPS)
    node = protos.NodeDef(name="invented", op=chosen.name)
    attrs = {key: _attr(rng, attr, node.attr[key]) for key, attr in chosen.attrs.items()}
    common = _shape(rng)  # often what an op asks for is that its inputs are alike
    alike = rng.choice((0.0, 0.0, 0.6, 1.0))
    for arg in chosen.inputs:
        for dtype in _dtypes_of(chosen, arg, attrs):
            wanted = common if rng.random() < alike else None
            node.input.append(_input(rng, graph_def, arg, dtype, wanted))
    if rng.random() < 0.1 and node.attr:
        del node.attr[rng.choice(sorted(node.attr))]
    graph_def.node.add().CopyFrom(node)
    return graph_def


def _attr(rng: random.Random, attr: AttrDef, message: Any) -> Any:
    if not attr.is_list:
        value = _value(rng, attr)
        _write(message, attr.kind, value)
        return value
    values = [_value(rng, attr) for _ in range(rng.choice((0, 1, 2, 3, 4, 4, 4, 5, 8)))]
    if attr.kind == "int" and rng.random() < 0.6:  # windows, and strides of them
        sizes = rng.choice(((1, 2, 3), (1, 2, 3), NUMBERS))
        values = [1, rng.choice(sizes), rng.choice(sizes), 1]
    message.list.SetInParent()
    for value in values:
        if attr.kind in ("shape", "tensor"):
            getattr(message.list, attr.kind).add().CopyFrom(value)
        else:
            getattr(message.list, _FIELD[attr.kind]).append(
                value.as_datatype_enum if attr.kind == "type" else value
            )
    return values


_FIELD = {"int": "i", "float": "f", "bool": "b", "string": "s", "type": "type"}


def _write(message: Any, kind: str, value: Any) -> None:
    if kind in ("shape", "tensor"):
        getattr(message, kind).CopyFrom(value)
    else:
        setattr(message, _FIELD[kind], value.as_datatype_enum if kind == "type" else value)


def _value(rng: random.Random, attr: AttrDef) -> Any:
    if attr.kind == "type":
        return rng.choice(attr.allowed or TYPES)
    if attr.kind == "int":
        return rng.choice((SMALL, SMALL, NUMBERS))[rng.randrange(8)]
    if attr.kind == "float":
        return rng.choice((0.0, 1.0, -1.0, 0.5, 1e30, float("nan")))
    if attr.kind == "bool":
        return rng.random() < 0.5
    if attr.kind == "string":
        if attr.allowed and rng.random() < 0.9:
            return rng.choice(attr.allowed).encode()
        return rng.choice((*TEXTS, b"ij,jk->ik", b"ij->i", b"...i->i", b"->", b"ii,,->"))
    if attr.kind == "shape":
        return tensor_proto.shape_proto(_shape(rng))
    return tensor_proto.make_tensor_proto(_numbers(rng, rng.choice(TYPES)))


def _shape(rng: random.Random) -> list[int | None] | None:
    if rng.random() < 0.15:
        return None
    return [rng.choice(DIMS) for _ in range(rng.choice((0, 1, 2, 2, 3, 4, 4, 5, 6)))]


def _dtypes_of(chosen: OpDef, arg: ArgDef, attrs: dict[str, Any]) -> list[dtypes.DType]:
    if arg.type_list_attr:
        return list(attrs[arg.type_list_attr])
    dtype = arg.type or attrs[arg.type_attr]
    count = attrs[arg.number_attr] if arg.number_attr else 1
    return [dtype] * max(0, min(count, 6))


def _input(
    rng: random.Random, graph_def: Any, arg: ArgDef, dtype: dtypes.DType, wanted: Any
) -> str:
    dims = wanted or _shape(rng)
    node = graph_def.node.add(name=f"input{len(graph_def.node)}")
    node.attr["dtype"].type = dtype.as_datatype_enum
    if arg.is_ref:
        node.op = "VariableV2"
        node.attr["shape"].shape.CopyFrom(tensor_proto.shape_proto(dims))
    elif wanted is None and rng.random() < 0.5 and dtype in TYPES:
        node.op = "Const"
        proto = tensor_proto.make_tensor_proto(_numbers(rng, dtype), dtype)
        node.attr["value"].tensor.CopyFrom(proto)
    else:
        node.op = "Placeholder"
        node.attr["shape"].shape.CopyFrom(tensor_proto.shape_proto(dims))
    return node.name


def _numbers(rng: random.Random, dtype: dtypes.DType) -> Any:
    """A scalar, vector or matrix: sizes, axes and permutations, and what is none."""

    def one() -> Any:
        if dtype is dtypes.string:
            return rng.choice(TEXTS)
        if dtype is dtypes.bool_:
            return rng.random() < 0.5
        large = (2**31 - 1, -(2**31)) if dtype is not dtypes.int64 else (2**62, -(2**63), 2**40)
        return rng.choice((*SMALL, *SMALL, *large))

    kind = rng.randrange(4)
    if kind == 0:
        return one()
    if kind < 3:
        return [one() for _ in range(rng.choice((1, 1, 2, 3, 4, 5)))]
    columns = rng.choice((1, 2, 2, 3))
    return [[one() for _ in range(columns)] for _ in range(rng.choice((1, 2, 3, 4)))]
