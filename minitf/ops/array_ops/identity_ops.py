"""With this module one can pass tensors on: identities, gradient stops and placeholders."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape

# ---- Identity

IDENTITY = op_def(
    "Identity(input: T) -> (output: T)", "T: type", aliases=True, passes_on=True, shape=unchanged
)


@IDENTITY.kernel
def identity_kernel(input: Any) -> Any:
    return input


@IDENTITY.gradient
def identity_gradient(op: Operation, grad: Tensor) -> Any:
    return grad


@IDENTITY.partial_shape_value
def identity_partial_value(op: Operation) -> Any:
    return partial_value(op.inputs[0])


def partial_value(tensor: Tensor) -> Any:
    """What a declaration says of a tensor that stands for a shape or a size, or None."""
    partial_fn = tensor.op.op_def.partial_fn
    return None if partial_fn is None else partial_fn(tensor.op)


def identity(input: Any, name: str | None = None) -> Tensor:
    """The same tensor as a new node (mirrors `tf.identity`).

    It gives a tensor a name of its own, or an order of its own: made inside
    `tf.control_dependencies`, it is the value after those operations.

    Args:
      input: a tensor of any dtype and shape. A variable is read.
      name: the node's name.

    Returns:
      A tensor of the same dtype, shape and value.

    >>> import minitf as tf
    >>> tf.identity([1.0, 2.0], name="result")
    <tf.Tensor 'result:0' shape=(2,) dtype=float32>
    """
    result: Tensor = IDENTITY(input, name=name)
    return result


# ---- IdentityN

IDENTITY_N = op_def("IdentityN(input: T) -> (output: T)", "T: list(type) > 1")


@IDENTITY_N.shape
def identity_n_shape(op: Operation) -> list[TensorShape]:
    return [tensor.shape for tensor in op.inputs]


@IDENTITY_N.kernel
def identity_n_kernel(*inputs: Any) -> Any:
    copies = tuple(value.copy() for value in inputs)
    return copies if len(copies) > 1 else copies[0]


@IDENTITY_N.gradient
def identity_n_gradient(op: Operation, *grads: Tensor) -> Any:
    return grads


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Several tensors as the outputs of one node (mirrors `tf.identity_n`).

    Args:
      input: a list of tensors, of any dtypes and shapes.
      name: the node's name.

    Returns:
      A list of tensors of the same dtypes, shapes and values. All exist once all inputs do.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     a, b = tf.identity_n([1, 2.5])
    ...     print(*sess.run([a, b]))
    1 2.5
    """
    result: list[Tensor] = IDENTITY_N(input, name=name)
    return result


# ---- StopGradient

STOP_GRADIENT = op_def(
    "StopGradient(input: T) -> (output: T)",
    "T: type",
    aliases=True,
    passes_on=True,
    shape=unchanged,
)


@STOP_GRADIENT.kernel
def stop_gradient_kernel(input: Any) -> Any:
    return input


STOP_GRADIENT.not_differentiable()


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """The same value, through which no gradient flows (mirrors `tf.stop_gradient`).

    `tf.gradients` treats the result as a constant: `d stop_gradient(f(x)) / dx = 0`.

    Args:
      input: a tensor of any dtype and shape.
      name: the node's name.

    Returns:
      A tensor of the same dtype, shape and value.

    >>> import minitf as tf
    >>> tf.stop_gradient(tf.constant([1.0, 2.0]))
    <tf.Tensor 'StopGradient:0' shape=(2,) dtype=float32>
    """
    result: Tensor = STOP_GRADIENT(input, name=name)
    return result


# ---- PreventGradient

PREVENT_GRADIENT = op_def(
    "PreventGradient(input: T) -> (output: T)",
    "T: type",
    'message: string = ""',
    aliases=True,
    passes_on=True,
    shape=unchanged,
)


@PREVENT_GRADIENT.kernel
def prevent_gradient_kernel(input: Any) -> Any:
    return input


@PREVENT_GRADIENT.gradient
def prevent_gradient_gradient(op: Operation, grad: Tensor) -> Any:
    raise LookupError(
        errors.report(
            f"Gradient explicitly disabled. Reason: {op.get_attr('message').decode()!r}.",
            op=op,
            do="take gradients of a tensor that does not depend on this one.",
            see="no-gradient",
        )
    )


def prevent_gradient(input: Any, message: str = "", name: str | None = None) -> Tensor:
    """The same value, of which asking for a gradient is an error (as TensorFlow's op does).

    Args:
      input: a tensor of any dtype and shape.
      message: why there is no gradient; the error that `tf.gradients` raises says it.
      name: the node's name.

    Returns:
      A tensor of the same dtype, shape and value.

    >>> import minitf as tf
    >>> from minitf.ops import array_ops
    >>> x = tf.constant(1.0)
    >>> tf.gradients(array_ops.prevent_gradient(x, "no derivative"), x)
    Traceback (most recent call last):
        ...
    LookupError: Gradient explicitly disabled. Reason: 'no derivative'...
    """
    result: Tensor = PREVENT_GRADIENT(input, message=message, name=name)
    return result


# ---- Placeholder

PLACEHOLDER = op_def(
    "Placeholder() -> (output: dtype)", "dtype: type", "shape: shape = unknown", foldable=False
)


@PLACEHOLDER.shape
def placeholder_shape(op: Operation) -> list[TensorShape]:
    return [op._attrs["shape"]]


@PLACEHOLDER.kernel
def placeholder_kernel() -> Any:
    raise errors.InvalidArgumentError(None, None, "You must feed a value for a placeholder.")


PLACEHOLDER.not_differentiable()


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value is given when the graph runs (mirrors `tf.placeholder`).

    Args:
      dtype: the type of the elements: a `tf.DType`, a numpy dtype, or a name such as "float".
      shape: what is known of the shape, with None for unknown dims; None if nothing is known.
        What is fed must be compatible with it.
      name: the node's name.

    Returns:
      A tensor that can be fed. Running what needs it without feeding it raises
      `tf.errors.InvalidArgumentError`.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 2])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.identity(x), feed_dict={x: [[1, 2]]}))
    [[1. 2.]]
    """
    result: Tensor = PLACEHOLDER(dtype=dtypes.as_dtype(dtype), shape=shape, name=name)
    return result


# ---- PlaceholderWithDefault

PLACEHOLDER_WITH_DEFAULT = op_def(
    "PlaceholderWithDefault(input: dtype) -> (output: dtype)",
    "dtype: type",
    "shape: shape",
    aliases=True,
    foldable=False,
)


@PLACEHOLDER_WITH_DEFAULT.shape
def placeholder_with_default_shape(op: Operation) -> list[TensorShape]:
    # The declared shape, not the default's: another value may be fed.
    declared: TensorShape = op._attrs["shape"]
    given = op.inputs[0].shape
    if not given.is_compatible_with(declared):
        raise ValueError(
            f"The default of shape {given} does not have the declared shape {declared}"
        )
    return [declared]


@PLACEHOLDER_WITH_DEFAULT.kernel
def placeholder_with_default_kernel(input: Any) -> Any:
    return input


@PLACEHOLDER_WITH_DEFAULT.gradient
def placeholder_with_default_gradient(op: Operation, grad: Tensor) -> Any:
    return grad


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A placeholder that has a value if none is fed (mirrors `tf.placeholder_with_default`).

    Args:
      input: the value to use where none is fed.
      shape: what is known of the shape of any value; it must be compatible with that of `input`.
      name: the node's name.

    Raises:
      ValueError: if `input` does not have the shape.

    >>> import minitf as tf
    >>> rate = tf.placeholder_with_default(0.5, [])
    >>> with tf.Session() as sess:
    ...     print(sess.run(rate), sess.run(rate, feed_dict={rate: 0.0}))
    0.5 0.0
    """
    result: Tensor = PLACEHOLDER_WITH_DEFAULT(input, shape=shape, name=name)
    return result
