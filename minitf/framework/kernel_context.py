"""With this module a stateful kernel can reach what lives between runs: variables, generators.

A kernel that names its first parameter `ctx` is given a `KernelContext`. What it reaches belongs
to the session (or, on a server, to the task), never to the graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.tensor_shape import TensorShape


class Dead:
    """What flows along the branch of a `tf.cond` that is not taken: no value, and no work."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<dead>"


DEAD = Dead()


class UninitializedVariableError(errors.FailedPreconditionError):
    """What reading a variable without a value raises; the executor tells the user more.

    Args:
      variable: the `VariableResource` that was read.
      op: the operation that read it, where the executor does not know.
    """

    def __init__(self, variable: VariableResource, op: Any = None) -> None:
        super().__init__(None, op, f"Attempting to use uninitialized value {variable.name}")
        self.variable = variable


class VariableResource:
    """The place that holds a variable's value: what a `_ref` tensor is while a graph runs.

    Attributes:
      name: the variable's name, for messages.
      shape: the dims that it was declared with; None where the rank was not known.
      value: the array, or None until an initializer has run. Updates write into it in place.
      lock: taken by updates that were built with `use_locking`.
    """

    __slots__ = ("_resources", "lock", "name", "shape", "value")

    def __init__(
        self,
        name: str,
        shape: tuple[int | None, ...] | None = None,
        resources: ResourceManager | None = None,
    ) -> None:
        self.name = name
        self.shape = shape
        self.value: Any = None
        self.lock = threading.Lock()
        self._resources = resources

    def read(self) -> Any:
        """The array.

        Raises:
          FailedPreconditionError: if no initializer has run.
        """
        if self.value is None:
            raise UninitializedVariableError(self)
        return self.value

    def current_shape(self) -> tuple[int | None, ...] | None:
        """The shape of the value; the declared one before there is a value."""
        if self.value is None:
            return self.shape
        shape: tuple[int | None, ...] = self.value.shape
        return shape

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether a value of this shape can be stored without changing the variable's shape."""
        return _fits(shape, self.current_shape())

    def assign(self, value: Any) -> None:
        """Stores a copy of `value`: in place where shape and dtype stay, else in a new array."""
        old = self.value
        if old is not None and old.shape == value.shape and old.dtype == value.dtype:
            np.copyto(old, value)
            return
        if self._resources is not None and not _fits(value.shape, self.shape):
            self._resources.reshaped = True  # before anybody can read it
        self.value = np.array(value, order="C")


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...] | None) -> bool:
    if wanted is None or wanted == shape:
        return True
    return len(wanted) == len(shape) and all(
        a is None or a == b for a, b in zip(wanted, shape, strict=True)
    )


class ResourceManager:
    """Everything that outlives a run: variables, queues and the like, by container and name.

    Attributes:
      initializers: the operations that have given variables their initial values, for messages.
      owner: the task whose they are, "/job:ps/task:0"; empty for those of a session.
      reshaped: whether a variable was ever given another shape than it was declared with: from
        then on static shapes say nothing of what a run will meet.
    """

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.reshaped = False
        self.initializers: list[Any] = []
        self._resources: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def lookup_or_create(
        self, kind: str, container: str, name: str, factory: Callable[[], Any]
    ) -> Any:
        """The resource of this kind and name; made by `factory` the first time."""
        key = (kind, container, name)
        found = self._resources.get(key)
        if found is None:
            with self._lock:
                found = self._resources.get(key)
                if found is None:
                    found = self._resources[key] = factory()
        return found

    def lookup(self, kind: str, container: str, name: str) -> Any:
        """The resource of this kind and name, or None."""
        return self._resources.get((kind, container, name))

    def note_initializers(self, ops: list[Any]) -> None:
        """Remembers that these operations have run; a task, where many sessions come, does not."""
        if not self.owner and any(op not in self.initializers for op in ops):
            with self._lock:
                self.initializers.extend(op for op in ops if op not in self.initializers)

    def clear(self, containers: list[str] | None = None) -> None:
        """Forgets everything, or what is in some containers."""
        with self._lock:
            if containers is None:
                self._resources.clear()
            else:
                for key in [k for k in self._resources if k[1] in containers]:
                    del self._resources[key]


class KernelContext:
    """What a stateful kernel may reach.

    Attributes:
      node_name: the node's name.
      resources: the session's (or the task's) resources.
      shapes: what is known of the outputs' shapes, be it that the user has promised it.
    """

    __slots__ = ("_node_state", "node_name", "resources", "shapes")

    def __init__(
        self,
        node_name: str,
        resources: ResourceManager,
        node_state: ResourceManager,
        shapes: Sequence[TensorShape],
    ) -> None:
        self.node_name = node_name
        self.resources = resources
        self.shapes = shapes
        self._node_state = node_state

    def state(self, factory: Callable[[], Any]) -> Any:
        """This node's own state in this session, such as a random generator.

        Made by `factory` the first time; it survives until the session is closed.
        """
        return self._node_state.lookup_or_create("node", "", self.node_name, factory)
