"""With this module a graph can be asked for its nodes and tensors by name."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor


class NameNotFoundError(errors.ReadableKeyError):
    """A graph has nothing of this name."""


class LookupMixin:
    """Finding operations and tensors of a graph."""

    _nodes: dict[str, Operation]
    _created_at: str

    def get_operations(self) -> list[Operation]:
        """All operations, in the order of their creation."""
        return list(self._nodes.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation of this name.

        Raises:
          KeyError: if there is none. ValueError: if the name is a tensor's, such as "add:0".
        """
        if not isinstance(name, str):
            raise errors.type_error(
                f"Operation names are strings (or similar), not {type(name).__name__}."
            )
        found: Operation = self.as_graph_element(name, allow_tensor=False, allow_operation=True)
        return found

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of this name, such as "add:0".

        Raises:
          KeyError: if there is none. ValueError: if the name is an operation's, such as "add".
        """
        if not isinstance(name, str):
            raise errors.type_error(
                f"Tensor names are strings (or similar), not {type(name).__name__}."
            )
        found: Tensor = self.as_graph_element(name, allow_tensor=True, allow_operation=False)
        return found

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """The operation or tensor of this graph that an object stands for.

        Args:
          obj: an Operation, a Tensor, the name of either, or an object such as a Variable that
            says what it stands for (`_as_graph_element`).
          allow_tensor, allow_operation: what is asked for.

        Raises:
          TypeError: if `obj` is no such thing.
          ValueError: if it belongs to another graph, or the name is of the wrong kind.
          KeyError: if the graph has nothing of that name.
        """
        if type(obj) is Tensor and allow_tensor and obj._op._graph is self:
            return obj
        if not (allow_tensor or allow_operation):
            raise errors.value_error("allow_tensor and allow_operation can't both be False.")
        convert = getattr(obj, "_as_graph_element", None)
        element = convert() if convert is not None else obj
        if isinstance(element, (str, bytes)):
            text = element.decode() if isinstance(element, bytes) else element
            return self._by_name(text, allow_tensor, allow_operation)
        allowed = (allow_tensor and isinstance(element, Tensor)) or (
            allow_operation and isinstance(element, Operation)
        )
        if not allowed:
            kinds = (("Tensor", allow_tensor), ("Operation", allow_operation))
            wanted = " or ".join(kind for kind, is_allowed in kinds if is_allowed)
            raise TypeError(
                errors.report(
                    f"Can not convert a {type(obj).__name__} into a {wanted}.",
                    facts=f"given: {errors.brief(obj)}",
                    do=_what_to_give(element, wanted),
                    see="not-a-tensor",
                )
            )
        if element.graph is not self:
            raise ValueError(self._foreign(element))
        return element

    def _foreign(self, element: Any) -> str:
        op = element.op if isinstance(element, Tensor) else element
        facts = (
            f"it is in the graph made at {element.graph._created_at}\n"
            f"  this graph was made at {self._created_at}"
        )
        do = (
            "build it inside `with graph.as_default()` of the session's graph, or open the session "
            "with the graph that it is in; after tf.reset_default_graph(), build the model anew."
        )
        if op.name in self._nodes:
            facts += (
                f"\n  this graph has a node of the same name, {op.name!r}, created at "
                f"{self._nodes[op.name].traceback}: did you mean that one?"
            )
        if isinstance(element, Tensor):
            what = f"Tensor {element} is not an element of this graph."
        else:
            what = f"Operation {element.name!r} is not an element of this graph."
        return errors.report(what, op=op, facts=facts, do=do, see="tensors-of-two-graphs")

    def _by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        op_name, colon, index = name.partition(":")
        if colon:
            return self._tensor_by_name(name, op_name, index, allow_tensor)
        op = self._nodes.get(name)
        if not allow_operation:
            do = f"Perhaps you meant to ask for {name + ':0'!r}." if op is not None else ""
            refers = "refers to an Operation" if op is not None else "looks like an Operation name"
            raise ValueError(
                errors.report(
                    f"The name {name!r} {refers}, not a Tensor. Tensor names must be of the form "
                    '"<op_name>:<output_index>".',
                    do=do or self._nearest(name),
                    see="names-that-are-not-there",
                )
            )
        if op is None:
            raise NameNotFoundError(
                errors.report(
                    f"The name {name!r} refers to an Operation not in the graph.",
                    do=self._nearest(name),
                    see="names-that-are-not-there",
                )
            )
        return op

    def _tensor_by_name(self, name: str, op_name: str, index: str, allow_tensor: bool) -> Tensor:
        if not allow_tensor:
            raise ValueError(
                errors.report(
                    f"Name {name!r} appears to refer to a Tensor, not a Operation.",
                    do=f"ask for {op_name!r}.",
                    see="names-that-are-not-there",
                )
            )
        if not index.isdigit():
            raise ValueError(
                errors.report(
                    f"The name {name!r} looks like a Tensor name, but is not a valid one.",
                    do='write it as "<op_name>:<output_index>".',
                    see="names-that-are-not-there",
                )
            )
        op = self._nodes.get(op_name)
        if op is None:
            raise NameNotFoundError(
                errors.report(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                    f"{op_name!r}, does not exist in the graph.",
                    do=self._nearest(op_name),
                    see="names-that-are-not-there",
                )
            )
        if int(index) >= len(op._outputs):
            raise NameNotFoundError(
                errors.report(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                    f"{op_name!r}, exists but only has {len(op._outputs)} outputs.",
                    op=op,
                    do=f"ask for one of {', '.join(repr(t.name) for t in op._outputs[:9])}."
                    if op._outputs
                    else f"ask for {op_name!r}: it has no value, and is only run.",
                    see="names-that-are-not-there",
                )
            )
        return op._outputs[int(index)]

    def _nearest(self, name: str) -> str:
        import difflib

        last = name.rpartition("/")[2]
        near = [known for known in self._nodes if known.rpartition("/")[2] == last][:3]
        near = near or difflib.get_close_matches(name, self._nodes, n=3)
        if near:
            return f"the nearest names are {', '.join(map(repr, near))}."
        return "graph.get_operations() lists what is there; names carry the scopes they stand in."


def _what_to_give(element: Any, wanted: str) -> str:
    if isinstance(element, Operation) and element.outputs:
        return f"give the tensor that the operation computes, {element.outputs[0].name!r}."
    return f"give a {wanted} of this graph, or the name of one."
