"""With this module one can write a node's attributes as `AttrValue` messages, and read them.

What is read may come from anywhere: each value is checked against the op's declaration, and what
does not fit is told in TensorFlow's words. An attribute that no declaration names is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import dtypes, protos
from minitf.framework.op_def import AttrDef, OpDef
from minitf.framework.tensor_proto import (
    PackedTensor,
    make_tensor_proto,
    shape_proto,
    tensor_value,
)
from minitf.framework.tensor_shape import MAX_RANK, TensorShape, shape_of_dims, unknown_shape

# The field of `AttrValue` for each kind of attribute.
_FIELD = {
    "int": "i",
    "float": "f",
    "bool": "b",
    "string": "s",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
}
_KIND = {field: kind for kind, field in _FIELD.items()} | {"func": "func"}
_MAX_ELEMENTS = 2**63 - 1

# ---- writing


def write_attr(message: Any, value: Any, attr: AttrDef | None) -> None:
    """Writes the value of an attribute, declared or not, into an `AttrValue`."""
    if attr is None and isinstance(value, protos.AttrValue):  # one that minitf only passes on
        message.CopyFrom(value)
        return
    kind = attr.kind if attr is not None else _kind_of(value)
    if isinstance(value, list):
        items = message.list
        items.SetInParent()
        getattr(items, _FIELD[kind]).extend(_written(item, kind) for item in value)
    elif kind in ("shape", "tensor"):
        getattr(message, kind).CopyFrom(_written(value, kind))
    else:
        setattr(message, _FIELD[kind], _written(value, kind))


def _written(value: Any, kind: str) -> Any:
    if kind == "string":
        return value.encode(errors="surrogateescape") if isinstance(value, str) else value
    if kind == "type":
        return value.as_datatype_enum
    if kind == "shape":
        return shape_proto(value)
    if kind == "tensor":
        return value.proto if isinstance(value, PackedTensor) else make_tensor_proto(value)
    return value


def _kind_of(value: Any) -> str:
    """The kind of a value whose attribute is not declared: those that begin with "_"."""
    sample = value[0] if isinstance(value, list) and value else value
    kinds = (
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (dtypes.DType, "type"),
        (TensorShape, "shape"),
        ((np.ndarray, PackedTensor), "tensor"),
    )
    return next((kind for cls, kind in kinds if isinstance(sample, cls)), "string")


# ---- reading


class AttrError(ValueError):
    """An attribute of a node does not fit the declaration of its op."""


def read_attrs(op_def: OpDef, messages: Any) -> dict[str, Any]:
    """The attributes of a node, with defaults for those that are left out.

    Args:
      op_def: the declaration of the node's op.
      messages: a map of names to `AttrValue` messages.

    Raises:
      AttrError: if an attribute is missing, of another kind, or has a value that is not allowed.
    """
    attrs: dict[str, Any] = {}
    declared = op_def.attrs
    for name in messages:
        attr = declared.get(name)
        if attr is None:
            value = _undeclared(name, messages[name])
            if value is not None:
                attrs[name] = value
        elif attr.kind != "tensor":
            attrs[name] = _declared(attr, messages[name])
    for name, attr in declared.items():
        if name not in attrs:
            if name in messages:  # tensors come last: what they are is said by the others
                attrs[name] = _tensors(op_def, attr, messages[name], attrs)
            elif attr.has_default:
                attrs[name] = list(attr.default or ()) if attr.is_list else attr.default
            else:
                missing = [f"'{n}'" for n, a in declared.items() if _is_missing(a, messages)]
                raise AttrError(
                    f"NodeDef missing attr{'s' * (len(missing) > 1)} {', '.join(missing)}"
                )
    return attrs


def _is_missing(attr: AttrDef, messages: Any) -> bool:
    return not attr.has_default and attr.name not in messages


def _declared(attr: AttrDef, message: Any) -> Any:
    found = message.WhichOneof("value")
    field = _FIELD[attr.kind]
    if attr.is_list:
        if found != "list":
            raise _wrong_kind(attr, message, found)
        items = message.list
        for other in _KIND:
            if other != field and len(getattr(items, other, ())):
                raise _wrong_kind(attr, message, f"list({_KIND[other]})")
        values = getattr(items, field)
        if attr.minimum and len(values) < attr.minimum:
            raise AttrError(
                f"Length for attr '{attr.name}' of {len(values)} must be at least minimum "
                f"{attr.minimum}"
            )
        read = _READ[attr.kind]
        return [read(attr, value) for value in values]
    if found != field:
        if found == "placeholder":
            raise AttrError(f"Attr '{attr.name}' is a placeholder: it has no value.")
        raise _wrong_kind(attr, message, found)
    return _READ[attr.kind](attr, getattr(message, field))


def _wrong_kind(attr: AttrDef, message: Any, found: str | None) -> AttrError:
    wanted = f"list({attr.kind})" if attr.is_list else attr.kind
    if found is None:
        return AttrError(
            f"AttrValue missing value with expected type '{wanted}' for attr '{attr.name}'"
        )
    if found == "list":
        items = message.list
        kinds = [kind for field, kind in _KIND.items() if len(getattr(items, field, ()))]
        found = f"list({kinds[0]})" if kinds else "list"
    return AttrError(
        f"AttrValue had value with type '{_KIND.get(found, found)}' when '{wanted}' expected for "
        f"attr '{attr.name}'"
    )


def _read_type(attr: AttrDef, number: int) -> dtypes.DType:
    dtype = _DTYPE_OF.get(number)
    if dtype is not None and (not attr.allowed or dtype in attr.allowed):
        return dtype
    name = protos.data_type_name(number)
    if number == 0:
        raise AttrError(f"AttrValue has invalid DataType for attr '{attr.name}'")
    if name is None:
        raise AttrError(f"AttrValue has invalid DataType enum: {number} for attr '{attr.name}'")
    if name.endswith("_ref"):
        raise AttrError(
            f"AttrValue must not have reference type value of {name} for attr '{attr.name}'"
        )
    allowed = ", ".join(d.name for d in attr.allowed or _DTYPE_OF.values())
    raise AttrError(
        f"Value for attr '{attr.name}' of {name} is not in the list of allowed values: {allowed}"
    )


_DTYPE_OF = {
    dtype.as_datatype_enum: dtype
    for dtype in vars(dtypes).values()
    if isinstance(dtype, dtypes.DType) and not dtype._is_ref_dtype
}


def _read_string(attr: AttrDef, value: bytes) -> str:
    text = value.decode(errors="surrogateescape")
    if attr.allowed and text not in attr.allowed:
        allowed = ", ".join(f'"{each}"' for each in attr.allowed)
        raise AttrError(
            f"Value for attr '{attr.name}' of {ascii(text)[:80]} is not in the list of allowed "
            f"values: {allowed}"
        )
    return text


def _read_int(attr: AttrDef, value: int) -> int:
    if attr.minimum and not attr.is_list and value < attr.minimum:
        raise AttrError(
            f"Value for attr '{attr.name}' of {value} must be at least minimum {attr.minimum}"
        )
    return value


def _read_shape(attr: AttrDef, message: Any) -> TensorShape:
    try:
        return read_shape(message)
    except ValueError as error:
        raise AttrError(f"{error} for attr '{attr.name}'") from None


def _unchanged(attr: AttrDef, value: Any) -> Any:
    return value


_READ: dict[str, Callable[[AttrDef, Any], Any]] = {
    "type": _read_type,
    "string": _read_string,
    "int": _read_int,
    "float": _unchanged,
    "bool": _unchanged,
    "shape": _read_shape,
}


def read_shape(message: Any) -> TensorShape:
    """A `TensorShapeProto` as a shape, in which -1 stands for an unknown dim.

    Raises:
      ValueError: if it has a negative dim, too many dims or too many elements.
    """
    if message.unknown_rank:
        if len(message.dim):
            raise ValueError("An unknown shape must not have any dimensions set.")
        return unknown_shape()
    sizes = _checked_sizes(message)
    if min(sizes, default=0) < -1:
        raise ValueError(
            f"Shape {sizes} has dimensions with values below -1 (where -1 means unknown)"
        )
    return shape_of_dims(tuple(None if size == -1 else size for size in sizes))


def _checked_sizes(message: Any) -> list[int]:
    sizes = [dim.size for dim in message.dim]
    if len(sizes) > MAX_RANK:
        raise ValueError(
            f"Shape with {len(sizes)} dimensions has too many: at most {MAX_RANK} are possible."
        )
    product = 1
    for size in sizes:
        if size < 0:  # how many elements there are is open, whatever comes behind
            break
        product *= size
        if product > _MAX_ELEMENTS:
            raise ValueError(f"Shape {sizes} is too large (more than 2**63 - 1 entries)")
    return sizes


def _tensors(op_def: OpDef, attr: AttrDef, message: Any, attrs: dict[str, Any]) -> Any:
    """The value of a tensor attribute; a Const says its dtype in another attribute."""
    found = message.WhichOneof("value")
    if found != ("list" if attr.is_list else "tensor"):
        raise _wrong_kind(attr, message, found)
    if attr.is_list:
        return [_tensor(attr, item, None) for item in message.list.tensor]
    dtype = attrs.get("dtype") if "dtype" in op_def.attrs else None
    return _tensor(attr, message.tensor, dtype)


def _tensor(attr: AttrDef, message: Any, dtype: dtypes.DType | None) -> Any:
    if dtype is None:
        dtype = _read_type(attr, message.dtype)
    try:
        # Of what may be said of shapes, a value takes no part in "unknown rank".
        sizes = _checked_sizes(message.tensor_shape)
    except ValueError as error:
        raise AttrError(f"{error} for attr '{attr.name}'") from None
    if min(sizes, default=0) < 0:
        unknown = ",".join("?" if size == -1 else str(size) for size in sizes)
        raise AttrError(f"Shape [{unknown}] is not fully defined for attr '{attr.name}'")
    try:
        return tensor_value(message, tuple(sizes), dtype)
    except ValueError as error:
        raise AttrError(f"Attr '{attr.name}' cannot be read: {error}") from None


def _undeclared(name: str, message: Any) -> Any:
    """An attribute that no declaration names, plain where that is easy; None to leave it out."""
    if name == "_output_shapes":  # for whom it was written is over when the shapes are known
        return None
    if name == "_class":  # what else it may hold says nothing about colocation
        texts = [text.decode(errors="surrogateescape") for text in message.list.s]
        return [text for text in texts if text.startswith("loc:@")] or None
    found = message.WhichOneof("value")
    if found in ("i", "f", "b"):
        return getattr(message, found)
    if found == "s":
        return message.s.decode(errors="surrogateescape")
    if found == "type" and message.type in _DTYPE_OF:
        return _DTYPE_OF[message.type]
    try:
        return protos.own_copy(message)
    except ValueError as error:
        raise AttrError(f"Attr '{name}' cannot be read: {error}") from None


def output_shapes(message: Any) -> list[TensorShape] | None:
    """The shapes that `_output_shapes` tells of a node's outputs, or None if it tells none.

    Raises:
      ValueError: if one of them is no shape.
    """
    items = message.list
    if message.WhichOneof("value") != "list" or any(
        len(getattr(items, field, ())) for field in _KIND if field != "shape"
    ):
        return None
    return [read_shape(shape) for shape in message.list.shape]
