"""With this module one can choose which nodes of a graph are written, and as what.

A part of a graph is written as if its scope were the whole: names lose the scope's. A node in it
may take something from outside; that is written as `$unbound_inputs_` and its name, and who reads
the part has to say what to take instead.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import op_def as op_def_lib
from minitf.framework import protos
from minitf.framework.attr_value import write_attr

# What stands before the name of an input that is outside of the scope.
UNBOUND = "$unbound_inputs_"
_SAVING = ("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename")


def inside(name: str, scope: str | None) -> bool:
    """Whether a node or tensor of this name is in a scope; without a scope, all are."""
    return not scope or name.startswith(scope + "/")


def stripped(name: str, scope: str | None) -> str:
    """A name as it is seen from inside of a scope."""
    return name.removeprefix(scope + "/") if scope else name


def only_scope(graph_def: Any, scope: str) -> list[str]:
    """Leaves only the nodes of a scope in a graph, under their names in it.

    Args:
      graph_def: a `GraphDef`, which is changed.
      scope: without a "/" at its end.

    Returns:
      What these nodes take from outside, under the names that it has got: a tensor as
      "$unbound_inputs_x:1", what is only waited for as "^$unbound_inputs_x".
    """
    kept = [node for node in graph_def.node if inside(node.name, scope)]
    unbound: dict[str, None] = {}
    for node in kept:
        node.name = stripped(node.name, scope)
        for i, text in enumerate(node.input):
            caret, name = ("^", text[1:]) if text.startswith("^") else ("", text)
            if inside(name, scope):
                node.input[i] = caret + stripped(name, scope)
            else:
                node.input[i] = caret + UNBOUND + name
                unbound[node.input[i]] = None
        if "_class" in node.attr:
            _only_scope_of_groups(node, scope)
    _replace(graph_def, kept)
    return list(unbound)


def _only_scope_of_groups(node: Any, scope: str) -> None:
    """What a node stands beside, if that is in the scope as well."""
    groups = [group.decode().removeprefix("loc:@") for group in node.attr["_class"].list.s]
    names = [stripped(name, scope) for name in groups if inside(name, scope)]
    if names:
        node.attr["_class"].list.s[:] = [f"loc:@{name}".encode() for name in names]
    else:
        del node.attr["_class"]


def _replace(graph_def: Any, nodes: list[Any]) -> None:
    """Leaves only these of a graph's nodes."""
    copies = protos.GraphDef(node=nodes)
    del graph_def.node[:]
    graph_def.node.extend(copies.node)


def without_other_savers(graph_def: Any, saver_def: Any) -> None:
    """Takes the nodes of savers out of a graph, but for those of one.

    Args:
      graph_def: a `GraphDef`, which is changed.
      saver_def: the saver whose nodes stay; None if there is none.
    """
    own = _scope_of(saver_def.save_tensor_name) if saver_def is not None else None
    savers = {_scope_of(node.name) for node in graph_def.node if node.op in _SAVING}
    others = tuple(f"{scope}/" for scope in savers - {own, ""})
    _replace(graph_def, [node for node in graph_def.node if not node.name.startswith(others)])


def _scope_of(name: str) -> str:
    return name.rpartition("/")[0]


def without_defaults(node: Any) -> None:
    """Leaves out attributes that have their default values."""
    declared = op_def_lib.find(node.op)
    for attr in declared.attrs.values() if declared is not None else ():
        if attr.has_default and attr.name in node.attr:
            default = protos.AttrValue()
            write_attr(default, attr.default, attr)
            if node.attr[attr.name] == default:
                del node.attr[attr.name]
