"""Ways to damage a GraphDef, for the fuzzing of its import: by bytes, and by the parts of messages.

Every mutation takes a random generator and changes a little. They are meant to come far: most of
what they leave is a graph in which one thing is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError

from minitf.framework import op_def, protos

NUMBERS = (0, 1, -1, 2, 3, 7, 127, 255, 256, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, 2**63 - 1)
SIZES = (*NUMBERS, -2, -(2**63), 4, 5, 100, 1000)
TEXTS = (b"", b"a", b"SAME", b"VALID", b"NHWC", b"NCHW", b"loc:@x", b"\xff\xfe", b"a\0", b"x" * 999)
NAMES = ("", "^x", "a b", "a:0", "_a", "a\n", "\u00e9", "/a", "a/", "x" * 2000, "a>b", "-", "a\\b")
ENUMS = (*range(34), 99, 100, 101, 103, 107, 109, 119, 120, 123, 200, 2**31 - 1, -1)
DEVICES = ("/cpu:0", "/job:ps/task:1", "junk", "/device:", "/job:a/job:b", "/task:x", "//", ":")
OPS = [each.name for each in op_def.all_ops()]
UNKNOWN_OPS = ("", "Rellu", "Enter", "NextIteration", "PartitionedCall", "_Arg", "\u00e9", "x" * 99)

# ---- bytes


def bytes_mutated(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Some bytes are changed, lost, doubled or taken from another message."""
    buffer = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(buffer) + 1)
        size = rng.choice((1, 1, 2, 4, 8, 64))
        kind = rng.randrange(8)
        if kind == 0:
            return bytes(buffer[:at])
        if kind == 1 and at < len(buffer):
            buffer[at] ^= 1 << rng.randrange(8)
        elif kind == 2 and at < len(buffer):
            buffer[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 3:
            del buffer[at : at + size]
        elif kind == 4:
            buffer[at:at] = buffer[at : at + size]
        elif kind == 5:
            buffer[at:at] = rng.randbytes(size)
        elif kind == 6:
            source = rng.randrange(len(other))
            buffer[at : at + size] = other[source : source + 4 * size]
        else:
            buffer[at:at] = b"\xff" * rng.randrange(1, 10) + bytes([rng.randrange(128)])
    return bytes(buffer)


# ---- messages


def message_mutated(rng: random.Random, graph_def: Any, other: Any) -> list[str]:
    """A few things in a GraphDef are changed; the names of the mutations."""
    done = []
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        if not len(graph_def.node):
            break
        mutation = rng.choice(MUTATIONS)
        mutation(rng, graph_def, other)
        done.append(mutation.__name__)
    return done


def _node(rng: random.Random, graph_def: Any) -> Any:
    return graph_def.node[rng.randrange(len(graph_def.node))]


def name(rng: random.Random, graph_def: Any, other: Any) -> None:
    node = _node(rng, graph_def)
    node.name = rng.choice((*NAMES, _node(rng, graph_def).name, node.name + "_1"))


def op_type(rng: random.Random, graph_def: Any, other: Any) -> None:
    names = rng.choice((OPS, OPS, UNKNOWN_OPS, [_node(rng, graph_def).op]))
    _node(rng, graph_def).op = rng.choice(names)


def device(rng: random.Random, graph_def: Any, other: Any) -> None:
    _node(rng, graph_def).device = rng.choice(DEVICES)


def inputs(rng: random.Random, graph_def: Any, other: Any) -> None:
    node = _node(rng, graph_def)
    texts = list(node.input)
    source = _node(rng, graph_def).name
    new = rng.choice(
        (source, f"{source}:{rng.choice((0, 1, 2, 9, 10**9, -1))}", f"^{source}", "gone", "^gone")
        + (node.name, f"{source}:x", "", ":", "^", source + ":" + "9" * 40)
    )
    at = rng.randrange(len(texts) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        texts.insert(at, new)
    elif kind == 1:
        texts[at : at + 1] = [new]
    elif kind == 2:
        del texts[at : at + 1]
    else:
        rng.shuffle(texts)
    del node.input[:]
    node.input.extend(texts)


def many_inputs(rng: random.Random, graph_def: Any, other: Any) -> None:
    node = _node(rng, graph_def)
    node.input.extend([_node(rng, graph_def).name] * rng.choice((1, 2, 100, 3000)))


def nodes(rng: random.Random, graph_def: Any, other: Any) -> None:
    kind = rng.randrange(4)
    at = rng.randrange(len(graph_def.node))
    if kind == 0:
        del graph_def.node[at]
    elif kind == 1:
        graph_def.node.add().CopyFrom(graph_def.node[at])
    elif kind == 2:
        graph_def.node.add().CopyFrom(_node(rng, other))
    else:
        shuffled = list(graph_def.node)
        rng.shuffle(shuffled)
        with suppress(DecodeError):  # where functions are nested more deeply than can be copied
            copy = protos.GraphDef(node=shuffled)
            del graph_def.node[:]
            graph_def.node.extend(copy.node)


def attr_gone(rng: random.Random, graph_def: Any, other: Any) -> None:
    node = _node(rng, graph_def)
    if len(node.attr):
        del node.attr[rng.choice(sorted(node.attr))]


def attr_of_another(rng: random.Random, graph_def: Any, other: Any) -> None:
    node, source = _node(rng, graph_def), _node(rng, rng.choice((graph_def, other)))
    if len(source.attr):
        key = rng.choice(sorted(source.attr))
        target = rng.choice(sorted([*node.attr, key]))
        node.attr[target].CopyFrom(source.attr[key])


def attr_value(rng: random.Random, graph_def: Any, other: Any) -> None:
    """An attribute gets a value of its own kind or of another."""
    node = _node(rng, graph_def)
    names = sorted([*node.attr, "_class", "_output_shapes", "N", "unknown", "T"])
    message = node.attr[rng.choice(names)]
    kind = message.WhichOneof("value") if rng.randrange(3) else None
    _fill(rng, message, kind or rng.choice(KINDS))


KINDS = ("s", "i", "f", "b", "type", "shape", "tensor", "list", "func", "placeholder", "")


def _fill(rng: random.Random, message: Any, kind: str) -> None:
    if kind == "s":
        message.s = rng.choice(TEXTS)
    elif kind == "i":
        message.i = rng.choice(NUMBERS)
    elif kind == "f":
        message.f = rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf"), 1e-45))
    elif kind == "b":
        message.b = rng.random() < 0.5
    elif kind == "type":
        message.type = rng.choice(ENUMS)
    elif kind == "shape":
        _fill_shape(rng, message.shape)
    elif kind == "tensor":
        _fill_tensor(rng, message.tensor)
    elif kind == "func":
        deep = message.func
        for _ in range(rng.choice((1, 1, 5, 40))):
            deep.name = "f"
            deep = deep.attr["a"].func
    elif kind == "placeholder":
        message.placeholder = "x"
    elif kind == "list":
        message.list.SetInParent()
        _fill_list(rng, message.list)
    else:
        message.Clear()


def _fill_list(rng: random.Random, items: Any) -> None:
    count = rng.choice((0, 1, 2, 3, 4, 5, 300))
    kind = rng.choice(("keep", "s", "i", "f", "b", "type", "shape", "tensor"))
    if kind == "s":
        items.s.extend(rng.choice(TEXTS) for _ in range(count))
    elif kind == "i":
        items.i.extend(rng.choice(NUMBERS) for _ in range(count))
    elif kind == "f":
        items.f.extend([1.5] * count)
    elif kind == "b":
        items.b.extend([True] * count)
    elif kind == "type":
        items.type.extend(rng.choice(ENUMS) for _ in range(count))
    elif kind == "shape":
        for _ in range(min(count, 5)):
            _fill_shape(rng, items.shape.add())
    elif kind == "tensor":
        _fill_tensor(rng, items.tensor.add())
    else:
        for values in (items.i, items.f, items.type):
            if len(values):
                del values[rng.randrange(len(values)) :]
        if len(items.i) and rng.random() < 0.5:
            items.i[rng.randrange(len(items.i))] = rng.choice(NUMBERS)


def _fill_shape(rng: random.Random, shape: Any) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        shape.unknown_rank = not shape.unknown_rank
    elif kind == 1:
        shape.Clear()
    elif kind == 2 and len(shape.dim):
        shape.dim[rng.randrange(len(shape.dim))].size = rng.choice(SIZES)
    elif kind == 3:
        for _ in range(rng.choice((1, 2, 4, 64, 65, 254, 255, 3000))):
            shape.dim.add(size=1)
    else:
        shape.dim.add(size=rng.choice(SIZES))


def _fill_tensor(rng: random.Random, tensor: Any) -> None:
    kind = rng.randrange(6)
    if kind == 0:
        tensor.dtype = rng.choice(ENUMS)
    elif kind == 1:
        tensor.tensor_content = rng.choice((b"", b"abc", b"\0" * 8, tensor.tensor_content[:-1]))
    elif kind == 2:
        tensor.tensor_content += rng.randbytes(rng.choice((1, 4, 8)))
    elif kind == 3:
        for values in (tensor.float_val, tensor.int_val, tensor.string_val, tensor.int64_val):
            if len(values):
                del values[rng.randrange(len(values)) :]
    elif kind == 4:
        tensor.int_val.extend(rng.choice((0, 1, -1, 300, 2**31 - 1)) for _ in range(3))
    else:
        _fill_shape(rng, tensor.tensor_shape)


def tensor_value(rng: random.Random, graph_def: Any, other: Any) -> None:
    """The value of a constant is changed: shapes, axes and sizes that others are built on."""
    constants = [node for node in graph_def.node if node.op == "Const" and "value" in node.attr]
    if constants:
        tensor = rng.choice(constants).attr["value"].tensor
        if rng.random() < 0.5 and len(tensor.int_val):
            tensor.int_val[0] = rng.choice((0, 1, -1, -2, 5, 2**31 - 1, -(2**31)))
        elif rng.random() < 0.5 and len(tensor.tensor_content) >= 4:
            number = rng.choice((0, 1, -1, -5, 2**31 - 1, -(2**31)))
            tensor.tensor_content = number.to_bytes(4, "little", signed=True) * (
                len(tensor.tensor_content) // 4
            )
        else:
            _fill_tensor(rng, tensor)


def node_bytes(rng: random.Random, graph_def: Any, other: Any) -> None:
    """The bytes of one node are damaged so that they still are a node."""
    node = _node(rng, graph_def)
    data = node.SerializeToString()
    for _ in range(20):
        changed = bytes_mutated(rng, data, _node(rng, other).SerializeToString() or b"\0")
        try:
            damaged = protos.NodeDef.FromString(changed)
            if damaged != node:
                node.CopyFrom(damaged)
                break
        except DecodeError:
            continue


def versions(rng: random.Random, graph_def: Any, other: Any) -> None:
    graph_def.versions.producer = rng.choice((0, 1, 27, 134, 2474, 2**31 - 1, -1))
    graph_def.versions.min_consumer = rng.choice((0, 12, 134, 99999, 2**31 - 1, -1))
    graph_def.versions.bad_consumers.extend(rng.choice(((), (134,), (2474,))))


def library(rng: random.Random, graph_def: Any, other: Any) -> None:
    function = graph_def.library.function.add()
    function.signature.name = rng.choice(("f", _node(rng, graph_def).op, ""))
    if rng.random() < 0.5:
        _node(rng, graph_def).op = "f"


MUTATIONS: list[Callable[[random.Random, Any, Any], None]] = [
    *(name, op_type, device, inputs, inputs, inputs, many_inputs, nodes, attr_gone),
    *(attr_of_another, attr_of_another, attr_value, attr_value, attr_value, tensor_value),
    *(tensor_value, versions, library, node_bytes, node_bytes, node_bytes),
]
