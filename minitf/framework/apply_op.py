"""With this module one can build a node from a declaration and Python values.

This is what `RELU(x, name="hidden")` does: find the graph, convert the inputs, infer the attributes
that the inputs decide (`T` is the dtype of `x`), check the others, and add the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors, tensor_shape
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph, in_name_scope
from minitf.framework.graph import Graph
from minitf.framework.op_def import ArgDef, AttrDef, OpDef
from minitf.framework.tensor import Tensor


def apply_op(
    op_def: OpDef, inputs: tuple[Any, ...], given_attrs: dict[str, Any], name: str | None
) -> Any:
    """Adds a node to the graph of its inputs.

    Args:
      op_def: the declaration.
      inputs: one value per declared input; a list for a list input.
      given_attrs: attributes by name; those with a default may be left out.
      name: the node's name, made unique; the op type's name if None.

    Returns:
      The output tensor, a named tuple of several outputs, or the operation if there are none.

    Raises:
      TypeError: if a dtype does not fit the declaration or the other inputs.
      ValueError: if an attribute or a shape does not fit.
    """
    if len(inputs) != len(op_def.inputs):
        wanted = ", ".join(arg.name for arg in op_def.inputs)
        raise errors.type_error(
            f"{op_def.name} takes the inputs ({wanted}), but got {len(inputs)}."
        )
    graph = graph_of(inputs)
    attrs: dict[str, Any] = {}
    for key, value in given_attrs.items():
        attrs[key] = _checked_attr(op_def, key, value)
    if not op_def.takes_lists and _ONLY_TENSORS.issuperset(map(type, inputs)):
        flat = list(inputs)
    else:
        with in_name_scope(graph, name or op_def.name) as name:
            flat = _convert_inputs(op_def, inputs, attrs)
    _infer_types(op_def, flat, attrs)
    _fill_defaults(op_def, attrs)
    output_types = _output_types(op_def, attrs)
    if op_def.takes_references:
        with _at_references(graph, op_def, flat):
            op = graph.create_op(op_def, flat, output_types, attrs, name)
    else:
        op = graph.create_op(op_def, flat, output_types, attrs, name)
    outputs = op._outputs
    if not outputs:
        return op
    if len(op_def.outputs) == 1 and not op_def.outputs[0].is_list:
        return outputs[0]
    if op_def.result_type is not None and len(outputs) == len(op_def.outputs):
        return op_def.result_type(*outputs)
    return outputs


OpDef.apply = apply_op
_ONLY_TENSORS = frozenset({Tensor})


@contextmanager
def _at_references(graph: Graph, op_def: OpDef, inputs: list[Tensor]) -> Iterator[None]:
    """Puts a node where the variables are that it is given references to."""
    with ExitStack() as stack:
        for tensor, wants_ref in zip(inputs, op_def.ref_inputs(len(inputs)), strict=True):
            if wants_ref:
                stack.enter_context(graph.colocate_with(tensor))
        yield


def graph_of(values: Any) -> Graph:
    """The graph that tensors in `values` belong to; the default graph if there are none.

    Raises:
      ValueError: if they belong to different graphs.
    """
    graph: Graph | None = None
    first: Any = None
    for value in values:
        if type(value) is Tensor and value._op._graph is graph:
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            item_graph = getattr(item, "graph", None)
            if isinstance(item_graph, Graph):
                if graph is None:
                    graph, first = item_graph, item
                elif item_graph is not graph:
                    raise ValueError(
                        errors.report(
                            f"{errors.brief(item)} must be from the same graph as "
                            f"{errors.brief(first)}.",
                            facts=f"the first was created at: {_line_of(item)}\n"
                            f"  the second was created at: {_line_of(first)}",
                            do="build both inside one `with graph.as_default()` block; after "
                            "tf.reset_default_graph() older tensors belong to the old graph.",
                            see="tensors-of-two-graphs",
                        )
                    )
    return graph if graph is not None else get_default_graph()


def _line_of(element: Any) -> str:
    return str(getattr(element, "op", element).traceback)


def _convert_inputs(op_def: OpDef, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> list[Tensor]:
    """Makes every input a tensor; tensors of the same type attribute decide a number's dtype."""
    # An attribute that is a dtype may be decided by any input that is a tensor already, except
    # that TensorFlow lets the first input decide: `1 + tensor_of_floats` converts the 1.
    known = dict(attrs)
    flat: list[Tensor] = []
    for arg, value in zip(op_def.inputs, inputs, strict=True):
        if arg.is_list:
            flat.extend(_convert_list(op_def, arg, value, known))
            continue
        dtype = arg.type or known.get(arg.type_attr)
        tensor = _convert_one(op_def, arg, value, dtype, arg.name)
        if arg.type_attr and arg.type_attr not in known:
            known[arg.type_attr] = tensor.dtype.base_dtype
        flat.append(tensor)
    for arg in op_def.inputs:
        if arg.number_attr:
            attrs[arg.number_attr] = known[arg.number_attr]
        if arg.type_list_attr:
            attrs[arg.type_list_attr] = known[arg.type_list_attr]
    return flat


def _convert_one(
    op_def: OpDef, arg: ArgDef, value: Any, dtype: dtypes.DType | None, name: str
) -> Tensor:
    try:
        if isinstance(value, Tensor):
            return value
        if dtype is not None:
            return convert_to_tensor(value, dtype=dtype, name=name, as_ref=arg.is_ref)
        attr = op_def.attrs.get(arg.type_attr)
        if attr is None or not attr.has_default:
            return convert_to_tensor(value, name=name, as_ref=arg.is_ref)
        if attr.allowed:
            # The value's own dtype counts where it is allowed; the default is for `[]` and such.
            tensor = convert_to_tensor(value, name=name, as_ref=arg.is_ref)
            if tensor.dtype.base_dtype in attr.allowed:
                return tensor
        return convert_to_tensor(value, name=name, preferred_dtype=attr.default, as_ref=arg.is_ref)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and hasattr(value, "_ref"):
            # A variable of another dtype is told of as a tensor would be, with the other inputs.
            return convert_to_tensor(value, as_ref=arg.is_ref)
        raise _conversion_error(op_def, arg, dtype, error) from None


def _conversion_error(
    op_def: OpDef, arg: ArgDef, dtype: dtypes.DType | None, error: Exception
) -> Exception:
    """The error of a conversion, which also says for which op and input it was."""
    what, _, rest = str(error).partition("\n")
    wanted = f" of dtype {dtype.name}" if dtype else ""
    about = f"  op: type {op_def.name}, which takes {arg.name!r} as a tensor{wanted}"
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind("\n".join(filter(None, (what, about, rest))))


def _convert_list(op_def: OpDef, arg: ArgDef, values: Any, known: dict[str, Any]) -> list[Tensor]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(
            errors.report(
                f"Expected list for {arg.name!r} argument to {op_def.name!r} Op, not "
                f"{errors.brief(values)}.",
                do=f"put it into a list: [{arg.name}].",
                see="arguments",
            )
        )
    if arg.type_list_attr:
        tensors = [convert_to_tensor(v, name=f"{arg.name}_{i}") for i, v in enumerate(values)]
        known[arg.type_list_attr] = [t.dtype.base_dtype for t in tensors]
        return tensors
    length = known.get(arg.number_attr, len(values))
    if len(values) != length:
        first = next(each.name for each in op_def.inputs if each.number_attr == arg.number_attr)
        raise ValueError(
            errors.report(
                f"List argument {arg.name!r} to {op_def.name!r} Op with length {len(values)} must "
                f"match length {length} of argument {first!r}.",
                do="give lists of one length.",
                see="arguments",
            )
        )
    least = op_def.attrs[arg.number_attr].minimum
    if len(values) < least:
        raise ValueError(
            errors.report(
                f"List argument {arg.name!r} to {op_def.name!r} Op with length {len(values)} must "
                f"have length at least {least}.",
                do=f"give at least {least} of them.",
                see="arguments",
            )
        )
    dtype = arg.type or known.get(arg.type_attr)
    if dtype is None:
        dtype = next((v.dtype.base_dtype for v in values if isinstance(v, Tensor)), None)
    tensors = []
    for i, value in enumerate(values):
        tensor = _convert_one(op_def, arg, value, dtype, f"{arg.name}_{i}")
        dtype = dtype or tensor.dtype.base_dtype
        tensors.append(tensor)
    types = [tensor.dtype.base_dtype for tensor in tensors]
    if len(set(types)) > 1:
        names = ", ".join(each.name for each in types)
        raise TypeError(
            errors.report(
                f"Tensors in list passed to {arg.name!r} of {op_def.name!r} Op have types "
                f"[{names}] that don't all match.",
                facts=f"op: type {op_def.name}, inputs: "
                + ", ".join(errors.describe(tensor) for tensor in tensors),
                do="convert them to one dtype with tf.cast.",
                see="dtypes-that-do-not-fit",
            )
        )
    known[arg.number_attr] = len(tensors)
    if arg.type_attr and dtype is not None:
        known[arg.type_attr] = dtype
    return tensors


def _infer_types(op_def: OpDef, flat: list[Tensor], attrs: dict[str, Any]) -> None:
    """Sets the type attributes from the input tensors, and checks that they agree."""
    declared = _declared_of_each(op_def, attrs) if op_def.takes_lists else op_def.inputs
    for position, (arg, tensor) in enumerate(zip(declared, flat, strict=True)):
        dtype = tensor._dtype
        if dtype._is_ref:
            dtype = dtype._partner
        elif arg.is_ref:
            raise TypeError(
                errors.report(
                    f"Input {arg.name!r} of {op_def.name!r} Op requires l-value input: a "
                    "variable, not a tensor.",
                    facts=_about(op_def, tensor),
                    do="give the tf.Variable itself.",
                    see="not-a-variable",
                )
            )
        if arg.type_attr:
            seen = attrs.get(arg.type_attr)
            if seen is None:
                attrs[arg.type_attr] = dtype
                _check_allowed(op_def, arg, dtype, tensor)
            elif seen is not dtype:
                _type_clash(op_def, arg, tensor, seen, declared[:position])
        elif arg.type is not None and arg.type is not dtype:
            _type_clash(op_def, arg, tensor, arg.type, [])


def _declared_of_each(op_def: OpDef, attrs: dict[str, Any]) -> list[ArgDef]:
    """The declaration of each input tensor, where one may stand for a list of them."""
    declared: list[ArgDef] = []
    for arg in op_def.inputs:
        count = 1
        if arg.is_list:
            count = attrs[arg.number_attr] if arg.number_attr else len(attrs[arg.type_list_attr])
        declared += [arg] * count
    return declared


def _type_clash(
    op_def: OpDef, arg: ArgDef, tensor: Tensor, wanted: dtypes.DType, before: list[ArgDef]
) -> None:
    """Raises the error of an input whose type is not `wanted`, as inputs `before` it decided."""
    deciding = [each.name for each in before if each.type_attr == arg.type_attr]
    decided_by = deciding[0] if deciding else None
    reason = f" of argument {decided_by!r}" if decided_by else ""
    verb = "match" if decided_by else "match expected"
    given = tensor._dtype.base_dtype
    # A cast to integers would cut fractions off.
    target = given if decided_by and given.is_floating and wanted.is_integer else wanted
    raise TypeError(
        errors.report(
            f"Input {arg.name!r} of {op_def.name!r} Op has type {given.name} "
            f"that does not {verb} type {wanted.name}{reason}.",
            facts=_about(op_def, tensor),
            do=f"convert one of them with tf.cast(x, tf.{target.name}).",
            see="dtypes-that-do-not-fit",
        )
    )


def _check_allowed(op_def: OpDef, arg: ArgDef, dtype: dtypes.DType, tensor: Tensor) -> None:
    allowed = op_def.attrs[arg.type_attr].allowed
    if allowed and dtype not in allowed:
        names = ", ".join(d.name for d in allowed)
        raise TypeError(
            errors.report(
                f"Value passed to parameter {arg.name!r} has DataType {dtype.name} not in list of "
                f"allowed values: {names}.",
                facts=_about(op_def, tensor),
                do="convert it with tf.cast.",
                see="dtypes-that-do-not-fit",
            )
        )


def _about(op_def: OpDef, tensor: Tensor) -> str:
    """An op that was not made, and an input that does not fit, for a message."""
    return (
        f"op: type {op_def.name}, input {errors.describe(tensor)}, created at {tensor.op.traceback}"
    )


def _checked_attr(op_def: OpDef, name: str, value: Any) -> Any:
    attr = op_def.attrs.get(name)
    if attr is None:
        if name.startswith("_"):
            return value
        raise errors.type_error(
            f"{op_def.name} has no attribute {name!r}; it has {list(op_def.attrs)}."
        )
    if not attr.is_list:
        return _plain(op_def, attr, value)
    if not isinstance(value, (list, tuple)) and not hasattr(value, "__iter__"):
        raise TypeError(
            errors.report(
                f"Expected list for {name!r} argument to {op_def.name!r} Op, not "
                f"{errors.brief(value)}.",
                do=f"put it into a list: [{name}].",
                see="arguments",
            )
        )
    return [_plain(op_def, attr, item) for item in value]


def _plain(op_def: OpDef, attr: AttrDef, value: Any) -> Any:
    """The plain form of an attribute's value, checked against what the declaration allows."""
    kind = attr.kind
    try:
        plain = _of_kind(kind, value)
    except (TypeError, ValueError) as error:
        raise type(error)(
            errors.report(
                f"Expected {kind} for argument {attr.name!r} not {errors.brief(value)}.",
                facts=f"op: type {op_def.name}: {error}",
                do=f"give {attr.name} a value of that kind.",
                see="arguments",
            )
        ) from None
    if attr.allowed and plain not in attr.allowed:
        names = ", ".join(getattr(v, "name", repr(v)) for v in attr.allowed)
        problem = TypeError if kind == "type" else ValueError
        raise problem(
            errors.report(
                f"Value for attr {attr.name!r} of {getattr(plain, 'name', repr(plain))} is not in "
                f"the list of allowed values: {names}.",
                facts=f"op: type {op_def.name}",
                do="use one of the allowed values.",
                see="arguments",
            )
        )
    if kind == "int" and not attr.is_list and attr.minimum and plain < attr.minimum:
        raise ValueError(
            errors.report(
                f"Attr {attr.name!r} of {op_def.name!r} Op passed {plain} less than minimum "
                f"{attr.minimum}.",
                do=f"give {attr.name} a value of at least {attr.minimum}.",
                see="arguments",
            )
        )
    return plain


def _of_kind(kind: str, value: Any) -> Any:
    """The plain form of a value of one kind; TypeError if it is of another."""
    if kind == "type":
        return dtypes.as_dtype(value).base_dtype
    if kind == "shape":
        return tensor_shape.as_shape(value)
    if kind == "string":
        if not isinstance(value, (str, bytes)):
            raise TypeError(f"a {type(value).__name__} is no text")
        return value.decode() if isinstance(value, bytes) else value
    if kind == "bool":
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"a {type(value).__name__} is no bool")
        return bool(value)
    if kind in ("int", "float"):
        if isinstance(value, (str, bytes)):
            raise TypeError("text is no number")
        # Float attributes are kept as a GraphDef stores them.
        return int(value) if kind == "int" else float(np.float32(float(value)))
    return value


def _fill_defaults(op_def: OpDef, attrs: dict[str, Any]) -> None:
    for name, attr in op_def.attrs.items():
        if name in attrs:
            continue
        if not attr.has_default:
            raise errors.type_error(f"{op_def.name} needs a value for its attribute {name!r}.")
        attrs[name] = list(attr.default or ()) if attr.is_list else attr.default


def _output_types(op_def: OpDef, attrs: dict[str, Any]) -> list[dtypes.DType]:
    types: list[dtypes.DType] = []
    for arg in op_def.outputs:
        if arg.type_list_attr:
            types.extend(attrs[arg.type_list_attr])
            continue
        dtype = arg.type if arg.type is not None else attrs[arg.type_attr]
        if arg.is_ref:
            dtype = dtype._as_ref
        if arg.number_attr:
            types.extend([dtype] * attrs[arg.number_attr])
        else:
            types.append(dtype)
    return types
