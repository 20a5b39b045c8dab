"""With this module one can write the declarations of a graph's ops beside it, as an `OpList`.

Whoever reads the graph with another version can tell from it what an attribute's default was.
"""

from __future__ import annotations

import functools
from typing import Any

from minitf.framework import op_def as op_def_lib
from minitf.framework import protos
from minitf.framework.attr_value import write_attr
from minitf.framework.op_def import ArgDef, AttrDef, OpDef


def ops_of(graph_def: Any) -> Any:
    """The ops that a graph has nodes of, by name.

    Args:
      graph_def: a `GraphDef`.

    Returns:
      An `OpList`. An op that minitf does not have is not in it.

    >>> import minitf as tf
    >>> with tf.Graph().as_default() as g:
    ...     _ = tf.negative(1)
    >>> [op.name for op in ops_of(g.as_graph_def()).op]
    ['Const', 'Neg']
    """
    found = map(op_def_lib.find, sorted({node.op for node in graph_def.node}))
    return protos.OpList(op=[op_proto(declared) for declared in found if declared is not None])


@functools.cache
def op_proto(declared: OpDef) -> Any:
    """The declaration of an op as an `OpDef` message, which is not to be changed."""
    message = protos.OpDef(name=declared.name)
    for written, args in (
        (message.input_arg, declared.inputs),
        (message.output_arg, declared.outputs),
    ):
        for arg in args:
            _write_arg(written.add(name=arg.name), arg)
    for attr in declared.attrs.values():
        _write_declared_attr(message.attr.add(name=attr.name), attr)
    # To TensorFlow, an op that changes a variable through a reference has no state of its own.
    message.is_stateful = declared.stateful and not declared.takes_references
    return message


def _write_arg(message: Any, arg: ArgDef) -> None:
    if arg.type is not None:
        message.type = arg.type.as_datatype_enum
    message.type_attr, message.type_list_attr = arg.type_attr, arg.type_list_attr
    message.number_attr, message.is_ref = arg.number_attr, arg.is_ref


def _write_declared_attr(message: Any, attr: AttrDef) -> None:
    message.type = f"list({attr.kind})" if attr.is_list else attr.kind
    if attr.has_default:
        write_attr(message.default_value, attr.default, attr)
    if attr.minimum:
        message.has_minimum, message.minimum = True, attr.minimum
    if attr.allowed:
        allowed = protos.AttrValue()
        write_attr(allowed, list(attr.allowed), attr)
        message.allowed_values.CopyFrom(allowed)
