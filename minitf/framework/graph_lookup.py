"""With this module a graph can be asked for its nodes and tensors by name."""

from __future__ import annotations

import difflib
from typing import Any

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor


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
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        found: Operation = self.as_graph_element(name, allow_tensor=False, allow_operation=True)
        return found

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor of this name, such as "add:0".

        Raises:
          KeyError: if there is none. ValueError: if the name is an operation's, such as "add".
        """
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
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
        wanted = " or ".join(
            kind
            for kind, allowed in (("Tensor", allow_tensor), ("Operation", allow_operation))
            if allowed
        )
        convert = getattr(obj, "_as_graph_element", None)
        element = convert() if convert is not None else obj
        if isinstance(element, (str, bytes)):
            text = element.decode() if isinstance(element, bytes) else element
            return self._by_name(text, allow_tensor, allow_operation)
        allowed = (allow_tensor and isinstance(element, Tensor)) or (
            allow_operation and isinstance(element, Operation)
        )
        if not allowed:
            raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")
        if element.graph is not self:
            raise ValueError(self._foreign(element))
        return element

    def _foreign(self, element: Any) -> str:
        kind = "Tensor" if isinstance(element, Tensor) else "Operation"
        op = element.op if isinstance(element, Tensor) else element
        text = (
            f"{kind} {element} is not an element of this graph. It was created at "
            f"{op.traceback}, in the graph made at {element.graph._created_at}; this graph was "
            f"made at {self._created_at}."
        )
        if op.name in self._nodes:
            text += (
                f" This graph has a node of the same name, {op.name!r}, created at "
                f"{self._nodes[op.name].traceback}: did you mean that one?"
            )
        return text

    def _by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        op_name, colon, index = name.partition(":")
        if colon:
            if not allow_tensor:
                raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a Operation.")
            if not index.isdigit():
                raise ValueError(
                    f"The name {name!r} looks like a Tensor name, but is not a valid one. Tensor "
                    'names must be of the form "<op_name>:<output_index>".'
                )
            op = self._nodes.get(op_name)
            if op is None:
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                    f"{op_name!r}, does not exist in the graph.{self._nearest(op_name)}"
                )
            if int(index) >= len(op.outputs):
                raise KeyError(
                    f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                    f"{op_name!r}, exists but only has {len(op.outputs)} outputs."
                )
            return op.outputs[int(index)]
        if not allow_operation:
            if name in self._nodes:
                hint = f" Perhaps you meant to ask for {name + ':0'!r}."
                raise ValueError(
                    f"The name {name!r} refers to an Operation, not a Tensor. Tensor names must be "
                    f'of the form "<op_name>:<output_index>".{hint}'
                )
            raise ValueError(
                f"The name {name!r} looks like an (invalid) Operation name, not a Tensor. Tensor "
                'names must be of the form "<op_name>:<output_index>".'
            )
        if name not in self._nodes:
            raise KeyError(
                f"The name {name!r} refers to an Operation not in the graph.{self._nearest(name)}"
            )
        return self._nodes[name]

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._nodes, n=3)
        return f" The nearest names are {', '.join(map(repr, near))}." if near else ""
