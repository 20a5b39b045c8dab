"""With this module one can give an op type a gradient of one's own: `@tf.RegisterGradient`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import errors
from minitf.framework import op_def as op_def_lib
from minitf.framework.operation import Operation

GradientFunction = Callable[..., Any]

_BY_NAME: dict[str, GradientFunction | None] = {}


class RegisterGradient:
    """A decorator that registers a gradient function under a name.

    Mirrors `tf.RegisterGradient`. Use the name in `graph.gradient_override_map({"Sign": name})`, or
    name an op type that has no gradient yet.

    >>> import minitf as tf
    >>> @tf.RegisterGradient("StraightThrough")
    ... def straight_through(op, grad):
    ...     return grad
    >>> x = tf.constant(0.3)
    >>> with tf.get_default_graph().gradient_override_map({"Round": "StraightThrough"}):
    ...     y = tf.round(x)
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.gradients(y, x)[0]))
    1.0
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise errors.type_error("op_type must be a string", see="no-gradient")
        self._op_type = op_type

    def __call__(self, function: GradientFunction) -> GradientFunction:
        _register(self._op_type, function)
        return function


def no_gradient(op_type: str) -> None:
    """Declares an op type not differentiable (mirrors `tf.NotDifferentiable`, `tf.NoGradient`)."""
    if not isinstance(op_type, str):
        raise errors.type_error("op_type must be a string", see="no-gradient")
    _register(op_type, None)


def _register(op_type: str, function: GradientFunction | None) -> None:
    declared = op_def_lib._REGISTRY.get(op_type)
    if op_type in _BY_NAME or (declared is not None and declared.differentiable is not None):
        raise errors.key_error(
            f"A gradient is already registered for {op_type!r}.", see="no-gradient"
        )
    _BY_NAME[op_type] = function


def gradient_function(op: Operation) -> GradientFunction | None:
    """The gradient function of a node; None if no gradient flows through it.

    Raises:
      LookupError: if nobody has said what the gradient is.
    """
    op_def = op._op_def
    override = op._attrs.get("_gradient_op_type")
    if override is None:
        if op_def.differentiable is not None:
            return op_def.gradient_fn
        override = op_def.name
    if override in _BY_NAME:
        return _BY_NAME[override]
    declared = op_def_lib._REGISTRY.get(override)
    if declared is not None and declared.differentiable is not None:
        return declared.gradient_fn
    raise LookupError(
        errors.report(
            f"No gradient defined for operation {op.name!r} (op type: {op.type}).",
            op=op,
            do="use another op, put tf.stop_gradient around it, or register a gradient with "
            f"@tf.RegisterGradient({override!r}).",
            see="no-gradient",
        )
    )
