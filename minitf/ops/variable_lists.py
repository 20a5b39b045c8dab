"""With this module one can list the variables of a graph and give them their initial values."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes
from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import device, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, constant_op, control_flow_ops, math_ops, state_ops


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that all parts of a distributed run share (mirrors `tf.global_variables`).

    Args:
      scope: if given, only variables whose name begins with a match of this regular expression.

    >>> import minitf as tf
    >>> w, b = tf.Variable(1.0, name="w"), tf.Variable(0.0, name="b")
    >>> tf.global_variables() == [w, b], tf.global_variables("b") == [b]
    (True, True)
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables() -> list[Any]:
    """The older name of `global_variables` (mirrors `tf.all_variables`)."""
    return global_variables()


def local_variables(scope: str | None = None) -> list[Any]:
    """The variables of this process alone (mirrors `tf.local_variables`); checkpoints omit them.

    Args:
      scope: if given, only variables whose name begins with a match of this regular expression.
    """
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that a model needs to predict (mirrors `tf.model_variables`).

    Args:
      scope: if given, only variables whose name begins with a match of this regular expression.
    """
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change (mirrors `tf.trainable_variables`).

    Args:
      scope: if given, only variables whose name begins with a match of this regular expression.

    >>> import minitf as tf
    >>> w, step = tf.Variable(1.0), tf.Variable(0, trainable=False)
    >>> tf.trainable_variables() == [w]
    True
    """
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables that have a moving average (mirrors `tf.moving_average_variables`).

    Args:
      scope: if given, only variables whose name begins with a match of this regular expression.
    """
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Operation:
    """An operation that gives some variables their initial values.

    Mirrors `tf.variables_initializer`.

    Args:
      var_list: the variables.
      name: the node's name.

    >>> import minitf as tf
    >>> w, b = tf.Variable(1.0), tf.Variable(2.0)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.variables_initializer([b]))
    ...     print(sess.run(b))
    2.0
    """
    if not var_list:
        return control_flow_ops.group(name=name)
    return control_flow_ops.group(*[v.initializer for v in var_list], name=name)


def initialize_variables(var_list: Any, name: str = "init") -> Operation:
    """The older name of `variables_initializer` (mirrors `tf.initialize_variables`)."""
    return variables_initializer(var_list, name)


def global_variables_initializer() -> Operation:
    """An operation that gives all global variables of now their initial values.

    Mirrors `tf.global_variables_initializer`. It does not cover variables that are made after it:
    call it last.

    >>> import minitf as tf
    >>> w = tf.Variable(3.0)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.global_variables_initializer())
    ...     print(sess.run(w))
    3.0
    """
    return variables_initializer(global_variables())


def initialize_all_variables() -> Operation:
    """The older name of `global_variables_initializer` (mirrors `tf.initialize_all_variables`)."""
    return global_variables_initializer()


def local_variables_initializer() -> Operation:
    """An operation that gives all local variables of now their initial values.

    Mirrors `tf.local_variables_initializer`.
    """
    return variables_initializer(local_variables())


def initialize_local_variables() -> Operation:
    """The older name of `local_variables_initializer` (mirrors `tf.initialize_local_variables`)."""
    return local_variables_initializer()


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """An operation that fills the lookup tables of the graph (mirrors `tf.tables_initializer`).

    minitf makes no tables of its own; it is for scripts that call it in any case.

    Args:
      name: the node's name.
    """
    initializers = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return control_flow_ops.group(*initializers, name=name)


def _initializable(var_list: Any) -> list[Any]:
    """The given variables; if there are none given, the global and local ones, or bare nodes."""
    if var_list is not None:
        return list(var_list)
    found = global_variables() + local_variables()
    if found:
        return found
    types = ("Variable", "VariableV2")
    return [op.outputs[0] for op in get_default_graph().get_operations() if op.type in types]


def report_uninitialized_variables(
    var_list: Any = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names of the variables that have no value yet.

    Mirrors `tf.report_uninitialized_variables`.

    Args:
      var_list: the variables to look at; the global and local ones if None.
      name: the scope's name.

    Returns:
      A vector of strings.

    >>> import minitf as tf
    >>> w, b = tf.Variable(1.0, name="w"), tf.Variable(2.0, name="b")
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     sess.run(tf.report_uninitialized_variables())
    array([b'b'], dtype=object)
    """
    variables = _initializable(var_list)
    # Names and flags are small: wherever the variables are, this is done on the CPU.
    with name_scope(name), device("/cpu:0"):
        if not variables:
            return constant_op.constant([], dtype=dtypes.string)
        flags = [state_ops.is_variable_initialized(v) for v in variables]
        mask = math_ops.logical_not(array_ops.stack(flags))
        names = constant_op.constant([v.op.name for v in variables])
        missing: Tensor = array_ops.boolean_mask(names, mask)
        return missing


def assert_variables_initialized(var_list: Any = None) -> Tensor | None:
    """A tensor that fails unless variables are initialized (mirrors the function of `tf`).

    Args:
      var_list: the variables; the global and local ones if None.

    Returns:
      None if there are no variables.
    """
    variables = _initializable(var_list)
    if not variables:
        return None
    ranks = []
    for v in variables:
        with get_default_graph().colocate_with(v.op):
            ranks.append(array_ops.RANK(v))
    return ranks[0] if len(ranks) == 1 else array_ops.stack(ranks)
