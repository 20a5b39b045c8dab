"""With this module one can make what a SavedModel runs when it has been loaded."""

from __future__ import annotations

from typing import Any

from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies
from minitf.ops.control_flow_ops import group
from minitf.ops.variable_lists import global_variables_initializer, local_variables_initializer


def main_op() -> Operation:
    """An operation that initializes variables and tables (mirrors `tf.saved_model.main_op`).

    >>> import minitf as tf
    >>> [op.name for op in main_op().control_inputs]
    ['init', 'init_1', 'init_all_tables']
    """
    tables = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(
        global_variables_initializer(),
        local_variables_initializer(),
        group(*tables, name="init_all_tables"),
    )


def main_op_with_restore(restore_op_name: Any) -> Operation:
    """An operation that initializes all, and then restores.

    Args:
      restore_op_name: the operation that restores, or its name, as in a `SaverDef`.

    >>> import minitf as tf
    >>> v = tf.Variable(1.0)
    >>> saver = tf.train.Saver()
    >>> main_op_with_restore(saver.saver_def.restore_op_name).type
    'NoOp'
    """
    with control_dependencies([main_op()]):
        return group(get_default_graph().as_graph_element(restore_op_name))
