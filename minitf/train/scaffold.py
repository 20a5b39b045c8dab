"""With this module a graph gets the parts that every training program has: `tf.train.Scaffold`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import errors
from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import device, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, constant_op, control_flow_ops, variable_lists
from minitf.train.saver import Saver


class Scaffold:
    """What initializes, checks, summarizes and saves a model (mirrors `tf.train.Scaffold`).

    What is not given is taken from the graph's collection for it (`GraphKeys.INIT_OP`, ...), or
    made by `finalize`, which a monitored session calls.

    Args:
      init_op: initializes the variables; the global variables' initializers by default.
      init_feed_dict: what to feed `init_op`.
      init_fn: a function of the scaffold and the session, called after `init_op`.
      ready_op: a tensor that is empty when the model is ready; the names of uninitialized
        variables by default.
      ready_for_local_init_op: the same for when `local_init_op` may run; global variables only.
      local_init_op: initializes what belongs to this process; by default local variables, tables.
      summary_op: the merged summaries.
      saver: a `Saver`.
      copy_from_scaffold: a scaffold to take what is not given from.
      local_init_feed_dict: what to feed `local_init_op`.

    >>> import minitf as tf
    >>> w = tf.Variable(3.0)
    >>> scaffold = tf.train.Scaffold(init_fn=lambda scaffold, sess: w.load(5.0, sess))
    >>> with tf.train.MonitoredTrainingSession(scaffold=scaffold) as sess:
    ...     print(sess.run(w))
    5.0
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Scaffold, Any], Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise errors.type_error("copy_from_scaffold is not a Scaffold instance.")
        given: dict[str, Any] = {
            "init_op": init_op,
            "init_feed_dict": init_feed_dict,
            "ready_op": ready_op,
            "ready_for_local_init_op": ready_for_local_init_op,
            "local_init_op": local_init_op,
            "local_init_feed_dict": local_init_feed_dict,
            "summary_op": summary_op,
            "saver": saver,
        }
        self._parts: dict[str, Any] = {
            name: part
            if part is not None or copy_from_scaffold is None
            else copy_from_scaffold._parts[name]
            for name, part in given.items()
        }
        self._user_init_fn: Callable[[Scaffold, Any], Any] | None = init_fn
        if init_fn is None and copy_from_scaffold is not None:
            self._user_init_fn = copy_from_scaffold._user_init_fn

    init_op = property(lambda self: self._parts["init_op"])
    init_feed_dict = property(lambda self: self._parts["init_feed_dict"])
    ready_op = property(lambda self: self._parts["ready_op"])
    ready_for_local_init_op = property(lambda self: self._parts["ready_for_local_init_op"])
    local_init_op = property(lambda self: self._parts["local_init_op"])
    local_init_feed_dict = property(lambda self: self._parts["local_init_feed_dict"])
    summary_op = property(lambda self: self._parts["summary_op"])
    saver = property(lambda self: self._parts["saver"])

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """The given function, of the session alone."""
        function = self._user_init_fn
        return (lambda sess: function(self, sess)) if function else None

    def finalize(self) -> Scaffold:
        """Makes what is missing, and the graph read-only."""
        for name, key, make in (
            ("init_op", GraphKeys.INIT_OP, _init_op),
            ("ready_op", GraphKeys.READY_OP, _ready_op),
            ("ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP, _ready_for_local_init),
            ("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op),
            ("summary_op", GraphKeys.SUMMARY_OP, _merged_summaries),
            ("saver", GraphKeys.SAVERS, _saver),
        ):
            if self._parts[name] is None:
                self._parts[name] = Scaffold.get_or_default(name, key, make)
        if self.saver is not None:
            self.saver.build()
        get_default_graph().finalize()
        return self

    @staticmethod
    def get_or_default(
        arg_name: str, collection_key: str, default_constructor: Callable[[], Any]
    ) -> Any:
        """What a collection holds, or else what a function makes; that joins the collection.

        Raises:
          RuntimeError: if the collection holds several things.
        """
        graph = get_default_graph()
        found = graph.get_collection(collection_key)
        if len(found) > 1:
            raise errors.runtime_error(
                f'More than one item in the collection "{collection_key}". Please indicate which '
                f"one to use by passing it to the tf.Scaffold constructor as:  tf.Scaffold("
                f"{arg_name}=item to use)"
            )
        if found:
            return found[0]
        made = default_constructor()
        if made is not None:
            graph.add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Initializes what belongs to this process: local variables and tables."""
        return control_flow_ops.group(
            variable_lists.local_variables_initializer(),
            variable_lists.tables_initializer(),
            _initialize_resources(GraphKeys.LOCAL_RESOURCES),
        )


def _init_op() -> Any:
    return control_flow_ops.group(
        variable_lists.global_variables_initializer(), _initialize_resources(GraphKeys.RESOURCES)
    )


def _initialize_resources(collection: str) -> Any:
    """What initializes resources that are no variables; libraries of TensorFlow's have some."""
    made = [resource.create for resource in get_default_graph().get_collection(collection)]
    return control_flow_ops.group(*made, name="init")


def _ready_op() -> Tensor:
    missing = variable_lists.report_uninitialized_variables()
    return array_ops.concat([missing, _no_resources()], 0)


def _ready_for_local_init() -> Tensor:
    missing = variable_lists.report_uninitialized_variables(variable_lists.global_variables())
    return array_ops.concat([missing, _no_resources()], 0)


def _no_resources() -> Tensor:
    with name_scope("report_uninitialized_resources"), device("/cpu:0"):
        return constant_op.constant([], dtype="string")


def _merged_summaries() -> Any:
    summaries = get_default_graph().get_collection(GraphKeys.SUMMARIES)
    if not summaries:
        return None
    from minitf import summary

    return summary.merge_all()


def _saver() -> Saver:
    return Saver(sharded=True, allow_empty=True)
