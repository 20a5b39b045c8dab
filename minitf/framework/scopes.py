"""With this module one can open the scopes of the default graph: names, devices, dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minitf.framework import errors
from minitf.framework.apply_op import graph_of
from minitf.framework.default import get_default_graph, in_name_scope


class name_scope(in_name_scope):
    """Puts the nodes made inside under a common prefix (mirrors `tf.name_scope`).

    Args:
      name: the scope's name; `default_name` if None.
      default_name: the name to use where the caller gave none, as op functions do.
      values: tensors that decide the graph; they must be of one graph.

    Raises:
      ValueError: if neither name is given although `values` are.

    >>> import minitf as tf
    >>> with tf.name_scope("layer") as scope:
    ...     tf.constant(1.0, name="w").name, scope
    ('layer/w:0', 'layer/')
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None):
        if not (name is None or isinstance(name, str)):
            raise errors.type_error(f"'name' must be a string, but got {name!r}.")
        if name is None and default_name is None and values is not None:
            raise errors.value_error(
                f"At least one of name ({name}) and default_name ({default_name}) must be provided."
            )
        self._name = default_name if name is None else name
        self._values = values

    @property
    def name(self) -> str | None:
        """The name that was asked for."""
        return self._name

    def __enter__(self) -> str:
        self._graph = get_default_graph() if self._values is None else graph_of(self._values)
        return super().__enter__()


@contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """`name_scope` with its arguments in an older order (mirrors `tf.op_scope`)."""
    with name_scope(name, default_name, values) as scope:
        yield scope


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """Makes the nodes made inside run after others (mirrors `tf.control_dependencies`).

    It orders nodes that are *made* inside the block; a tensor that was made before is not affected.

    Args:
      control_inputs: operations or tensors to wait for; None clears all dependencies.

    >>> import minitf as tf
    >>> v = tf.Variable(1.0)
    >>> with tf.control_dependencies([v.assign_add(1.0)]):
    ...     after = v.read_value()
    >>> with tf.Session() as sess:
    ...     _ = sess.run(v.initializer)
    ...     print(sess.run(after))
    2.0
    """
    return get_default_graph().control_dependencies(control_inputs)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
    """Puts the nodes made inside on the device of `op` (mirrors `tf.colocate_with`)."""
    return get_default_graph().colocate_with(op, ignore_existing)


def device(device_name_or_function: Any) -> AbstractContextManager[None]:
    """Asks for a device for the nodes made inside (mirrors `tf.device`).

    >>> import minitf as tf
    >>> with tf.device("/job:ps/task:1"):
    ...     tf.constant(1.0).device
    '/job:ps/task:1'
    """
    return get_default_graph().device(device_name_or_function)


def container(container_name: str) -> AbstractContextManager[str]:
    """Puts variables and queues made inside into a resource container (mirrors `tf.container`)."""
    return get_default_graph().container(container_name)


@contextmanager
def init_scope() -> Iterator[None]:
    """Leaves all control dependencies and branches of `tf.cond` inside (mirrors `tf.init_scope`).

    An initializer that is built here does not depend on the branch that asks for the variable.
    """
    graph = get_default_graph()
    scope = graph.get_name_scope()
    with graph.control_dependencies(None), graph.name_scope(f"{scope}/" if scope else None):
        yield


def add_to_collection(name: Any, value: Any) -> None:
    """Appends to a collection of the default graph (mirrors `tf.add_to_collection`)."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Appends to several collections of the default graph (mirrors `tf.add_to_collections`)."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A copy of a collection of the default graph (mirrors `tf.get_collection`).

    Args:
      key: the collection's name, usually one of `tf.GraphKeys`.
      scope: if given, only items whose `name` begins with a match of this regular expression.
    """
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """A collection of the default graph itself (mirrors `tf.get_collection_ref`)."""
    return get_default_graph().get_collection_ref(key)
