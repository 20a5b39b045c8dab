"""With this module one can count training steps: the *global step*, one variable of a graph.

Optimizers add 1 to it at each step, learning rates decay by it, checkpoints are named after it.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.default import get_default_graph
from minitf.framework.dtypes import int64
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.tensor import Tensor
from minitf.ops import init_ops, variable_scope
from minitf.ops.variables import Variable


def get_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, or None (mirrors `tf.train.get_global_step`).

    It is what the collection `GraphKeys.GLOBAL_STEP` holds, or else the tensor "global_step:0".

    Args:
      graph: the default graph if None.

    Raises:
      TypeError: if that is no integer scalar.

    >>> import minitf as tf
    >>> tf.train.get_global_step() is None
    True
    """
    graph = graph or get_default_graph()
    steps = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(steps) == 1:
        step = steps[0]
    elif not steps:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        return None  # nobody can say which of several counts
    assert_global_step(step)
    return step


def create_global_step(graph: Graph | None = None) -> Variable:
    """Makes the graph's global step, an int64 that begins at 0.

    Mirrors `tf.train.create_global_step`.

    Args:
      graph: the default graph if None.

    Raises:
      ValueError: if there is one.

    >>> import minitf as tf
    >>> tf.train.create_global_step()
    <tf.Variable 'global_step:0' shape=() dtype=int64_ref>
    """
    graph = graph or get_default_graph()
    existing = get_global_step(graph)
    if existing is not None:
        raise ValueError(
            errors.report(
                '"global_step" already exists.',
                op=existing.op,
                do="call tf.train.get_or_create_global_step() instead.",
                see="global-step",
            )
        )
    with graph.as_default(), graph.name_scope(None):
        step: Variable = variable_scope.get_variable(
            GraphKeys.GLOBAL_STEP,
            shape=[],
            dtype=int64,
            initializer=init_ops.zeros_initializer(),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )
    return step


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The graph's global step, made if there is none.

    Mirrors `tf.train.get_or_create_global_step`.

    Args:
      graph: the default graph if None.

    >>> import minitf as tf
    >>> tf.train.get_or_create_global_step() is tf.train.get_or_create_global_step()
    True
    """
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


_READ_KEY = "global_step_read_op_cache"


def _get_or_create_global_step_read(graph: Graph | None = None) -> Any:
    """A tensor that copies the global step, made once for a graph; None if it has no global step.

    Hooks fetch it with a training step. Whether it is read before or after the step counts is not
    said, as in TensorFlow: who has to know reads the global step itself, in another run.
    """
    graph = graph or get_default_graph()
    kept = graph.get_collection(_READ_KEY)
    if len(kept) == 1:
        return kept[0]
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{step.op.name}/"):
        # It can be read before it has a value.
        value = step.initialized_value() if isinstance(step, Variable) else step
        read = value + 0
    graph.add_to_collection(_READ_KEY, read)
    return read


def assert_global_step(global_step_tensor: Any) -> None:
    """Refuses what cannot count steps (mirrors `tf.train.assert_global_step`).

    Raises:
      TypeError: if it is no variable or tensor, no integer, or no scalar.
    """
    if not isinstance(global_step_tensor, (Variable, Tensor)):
        raise errors.type_error(
            f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.',
            see="global-step",
        )
    problem = ""
    if not global_step_tensor.dtype.base_dtype.is_integer:
        problem = f"does not have integer type: {global_step_tensor.dtype!r}"
    elif global_step_tensor.shape.ndims not in (0, None):
        problem = f"is not scalar: {global_step_tensor.shape}"
    if problem:
        raise TypeError(
            errors.report(
                f'Existing "global_step" {problem}',
                op=global_step_tensor.op,
                do="count steps with tf.train.get_or_create_global_step().",
                see="global-step",
            )
        )


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """How many steps were taken in a session (mirrors `tf.train.global_step`).

    Args:
      sess: a `tf.Session`.
      global_step_tensor: the global step.

    >>> import minitf as tf
    >>> step = tf.train.create_global_step()
    >>> with tf.Session() as sess:
    ...     sess.run(step.initializer)
    ...     _ = sess.run(step.assign_add(5))
    ...     tf.train.global_step(sess, step)
    5
    """
    return int(sess.run(global_step_tensor))
