"""With this module one can ask for a tensor's shape, and change it without moving an element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_shape_value, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops.constant_op import constant


def shape_operand(tensor: Tensor) -> TensorShape:
    """What is known of the shape that an integer vector asks for; -1 counts as unknown.

    Raises:
      ValueError: if it is no vector, or has an element that no shape can have.
    """
    if tensor.shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {tensor.shape.ndims}")
    value = static_value(tensor)
    if value is not None and value.size and value.min() < -1:
        raise ValueError(f"Invalid value in tensor used for shape: {value.min()}")
    return static_shape_value(tensor)


def canonical_axis(axis: int, rank: int, what: str = "axis") -> int:
    """The axis counted from the front.

    Raises:
      ValueError: if a tensor of this rank has no such axis.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"{what} {axis} not in the interval [{-rank}, {rank - 1}].")
    return axis + rank if axis < 0 else axis


# ---- Shape

SHAPE = op_def(
    "Shape(input: T) -> (output: out_type)", "T: type", "out_type: {int32, int64} = int32"
)


@SHAPE.shape
def shape_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims((tensor.shape.ndims,)) for tensor in op.inputs]


@SHAPE.constant_value
def shape_value(op: Operation) -> Any:
    known = op.inputs[0].shape
    if not known.is_fully_defined():
        return None
    return np.array(known.as_list(), op._attrs["out_type"].as_numpy_dtype)


@SHAPE.partial_shape_value
def shape_partial_value(op: Operation) -> TensorShape:
    return op.inputs[0].shape


@SHAPE.kernel
def shape_kernel(input: Any, *, out_type: Any) -> Any:
    return np.array(np.shape(input), out_type.as_numpy_dtype)


SHAPE.not_differentiable()


def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The shape of a tensor, as a tensor (mirrors `tf.shape`).

    Where the static shape is fully known the result is a constant.

    Args:
      input: a tensor of any dtype and shape.
      name: the node's name.
      out_type: `tf.int32` or `tf.int64`.

    Returns:
      A vector with the size of each dim, as it is when the graph runs.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 3])
    >>> with tf.Session() as sess:
    ...     print(x.shape, sess.run(tf.shape(x), {x: [[1, 2, 3]]}))
    (?, 3) [1 3]
    """
    with name_scope(name, "Shape", [input]) as scope:
        input = convert_to_tensor(input)
        if input.shape.is_fully_defined():
            return constant(input.shape.as_list(), out_type, name=scope)
        result: Tensor = SHAPE(input, out_type=out_type, name=scope)
        return result


def shape_vector(input: Any, optimize: bool = True) -> Tensor:
    """`tf.shape` in the nodes in which TensorFlow's own functions ask for it."""
    with name_scope("Shape", values=[input]) as scope:
        input = convert_to_tensor(input)
        if optimize and input.shape.is_fully_defined():
            return convert_to_tensor(input.shape, dtypes.int32)
        result: Tensor = SHAPE(input, name=scope)
        return result


# ---- ShapeN

SHAPE_N = op_def(
    "ShapeN(input: N * T) -> (output: N * out_type)",
    "N: int > 1",
    "T: type",
    "out_type: {int32, int64} = int32",
    shape=shape_shape,
)


@SHAPE_N.kernel
def shape_n_kernel(*inputs: Any, out_type: Any) -> Any:
    shapes = tuple(shape_kernel(value, out_type=out_type) for value in inputs)
    return shapes if len(shapes) > 1 else shapes[0]


SHAPE_N.not_differentiable()


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors, from one node (mirrors `tf.shape_n`).

    Args:
      input: a list of tensors of one dtype.
      out_type: `tf.int32` or `tf.int64`.
      name: the node's name.

    Returns:
      A list of vectors.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(*sess.run(tf.shape_n([tf.zeros([2, 3]), tf.zeros([])])))
    [2 3] []
    """
    result: list[Tensor] = SHAPE_N(input, out_type=out_type, name=name)
    return result


# ---- Size

SIZE = op_def(
    "Size(input: T) -> (output: out_type)",
    "T: type",
    "out_type: {int32, int64} = int32",
    shape=scalars,
)


@SIZE.constant_value
def size_value(op: Operation) -> Any:
    count = op.inputs[0].shape.num_elements()
    return None if count is None else np.array(count, op._attrs["out_type"].as_numpy_dtype)


@SIZE.kernel
def size_kernel(input: Any, *, out_type: Any) -> Any:
    return np.array(np.size(input), out_type.as_numpy_dtype)


SIZE.not_differentiable()


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """How many elements a tensor has (mirrors `tf.size`).

    Args:
      input: a tensor of any dtype and shape.
      name: the node's name.
      out_type: `tf.int32` or `tf.int64`.

    Returns:
      A scalar; a constant where the static shape is fully known, or has an axis of size 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.size([[1, 2, 3], [4, 5, 6]])))
    6
    """
    with name_scope(name, "Size", [input]) as scope:
        input = convert_to_tensor(input)
        count = 0 if 0 in (input.shape._dims or ()) else input.shape.num_elements()
        if count is not None:
            return constant(count, out_type, name=scope)
        result: Tensor = SIZE(input, out_type=out_type, name=scope)
        return result


# ---- Rank

RANK = op_def("Rank(input: T) -> (output: int32)", "T: type", shape=scalars)


@RANK.constant_value
def rank_value(op: Operation) -> Any:
    ndims = op.inputs[0].shape.ndims
    return None if ndims is None else np.array(ndims, np.int32)


@RANK.kernel
def rank_kernel(input: Any) -> Any:
    return np.array(np.ndim(input), np.int32)


RANK.not_differentiable()


def rank(input: Any, name: str | None = None) -> Tensor:
    """How many dims a tensor has (mirrors `tf.rank`).

    Args:
      input: a tensor of any dtype and shape.
      name: the node's name.

    Returns:
      An int32 scalar; a constant where the rank is known.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.rank([[1, 2, 3], [4, 5, 6]])))
    2
    """
    with name_scope(name, "Rank", [input]) as scope:
        input = convert_to_tensor(input)
        if input.shape.ndims is not None:
            return constant(input.shape.ndims, dtypes.int32, name=scope)
        result: Tensor = RANK(input, name=scope)
        return result


# ---- Reshape

RESHAPE = op_def(
    "Reshape(tensor: T, shape: Tshape) -> (output: T)",
    "T: type",
    "Tshape: {int32, int64} = int32",
    aliases=True,
    passes_on_same_shape=True,
)


@RESHAPE.shape
def reshape_shape(op: Operation) -> list[TensorShape]:
    wanted = shape_operand(op.inputs[1])
    given = op.inputs[0].shape
    dims = wanted._dims
    if dims is None:
        return [wanted]
    count = _element_count(given)
    known = math.prod(d for d in dims if d is not None)
    if None not in dims:
        _check_count(given, count, wanted, known)
        return [wanted]
    if dims.count(None) > 1 or known == 0 or count is None:
        # With an unknown dim on both sides the open one is unknown, whatever divides what.
        return [wanted]
    if count % known:
        raise ValueError(f"Dimension size must be evenly divisible by {known} but is {count}")
    return [shape_of_dims(tuple(count // known if d is None else d for d in dims))]


def _element_count(shape: TensorShape) -> int | None:
    """How many elements there are; none if one dim is 0, whatever the others are."""
    return 0 if shape._dims is not None and 0 in shape._dims else shape.num_elements()


def _check_count(given: TensorShape, count: int | None, wanted: TensorShape, needed: int) -> None:
    """Compares the elements that are there with those that a shape asks for.

    Raises:
      ValueError: if no shape like `given` has as many elements as the one that is wanted.
    """
    if count is not None and count != needed:
        raise ValueError(
            f"Cannot reshape a tensor with {count} elements to shape {wanted.as_list()} "
            f"({needed} elements)"
        )
    if count is None and given._dims is not None:
        known = math.prod(d for d in given._dims if d is not None)
        if needed % known:
            raise ValueError(f"Dimension size must be evenly divisible by {known} but is {needed}")


@RESHAPE.kernel
def reshape_kernel(tensor: Any, shape: Any) -> Any:
    dims = tuple(np.ravel(shape).tolist())
    count = math.prod(tensor.shape)
    known, open_ = math.prod(dims), dims.count(-1)
    fits = known == count if open_ == 0 else open_ == 1 and known < 0 == count % known
    if fits and shape.ndim == 1 and min(dims, default=0) >= -1:
        return tensor.reshape(dims)
    if np.ndim(shape) != 1:
        raise ValueError(f"sizes input must be 1-D, not {list(np.shape(shape))}")
    if dims.count(-1) > 1:
        first, second = [i for i, d in enumerate(dims) if d == -1][:2]
        raise ValueError(f"Only one input size may be -1, not both {first} and {second}")
    if any(d < -1 for d in dims):
        raise ValueError(f"Size {dims.index(min(dims))} must be non-negative, not {min(dims)}")
    known = math.prod(d for d in dims if d >= 0)
    if -1 in dims:
        if known == 0:  # beside dims of size 0, the open one keeps what is left of the others
            count, known = (math.prod(d for d in s if d > 0) for s in (np.shape(tensor), dims))
        if count % known:
            raise ValueError(
                f"Input to reshape is a tensor with {count} values, but the requested shape "
                f"requires a multiple of {known}"
            )
        dims = tuple(count // known if d == -1 else d for d in dims)
    if math.prod(dims) != np.size(tensor):
        raise ValueError(
            f"Input to reshape is a tensor with {count} values, but the requested shape has "
            f"{math.prod(dims)}"
        )
    return np.reshape(tensor, dims)


@RESHAPE.gradient
def reshape_gradient(op: Operation, grad: Tensor) -> Any:
    return reshape(grad, shape(op.inputs[0])), None


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements, in order, in another shape (mirrors `tf.reshape`).

    Args:
      tensor: a tensor of any dtype and shape.
      shape: an integer vector; one element may be -1, which is then computed so that the number
        of elements stays.
      name: the node's name.

    Raises:
      ValueError: if the number of elements cannot be the same.
      tf.errors.InvalidArgumentError: if that turns out only when the graph runs.

    >>> import minitf as tf
    >>> images = tf.placeholder(tf.float32, [None, 784])
    >>> tf.reshape(images, [-1, 28, 28, 1]).shape
    TensorShape([Dimension(None), Dimension(28), Dimension(28), Dimension(1)])
    """
    result: Tensor = RESHAPE(tensor, shape, name=name)
    return result


# ---- ExpandDims

EXPAND_DIMS = op_def(
    "ExpandDims(input: T, dim: Tdim) -> (output: T)",
    "T: type",
    "Tdim: {int32, int64} = int32",
    aliases=True,
    passes_on_same_shape=True,
)


@EXPAND_DIMS.shape
def expand_dims_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape._dims
    dim = static_value(op.inputs[1])
    if dims is None or dim is None:
        return [unknown_shape()]
    if dim.size != 1:
        raise ValueError(f"'dim' input must be a tensor with a single value, not {dim.tolist()}")
    at = canonical_axis(int(dim.reshape(())), len(dims) + 1, "dim")
    return [shape_of_dims(dims[:at] + (1,) + dims[at:])]


@EXPAND_DIMS.kernel
def expand_dims_kernel(input: Any, dim: Any) -> Any:
    if np.size(dim) != 1:
        raise ValueError("'dim' must be a tensor with a single value")
    at = int(np.reshape(dim, ()))
    rank = np.ndim(input)
    if not -rank - 1 <= at <= rank:
        raise ValueError(f"Tried to expand dim index {at} for tensor with {rank} dimensions.")
    return np.expand_dims(input, at)


@EXPAND_DIMS.gradient
def expand_dims_gradient(op: Operation, grad: Tensor) -> Any:
    return reshape(grad, shape(op.inputs[0])), None


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """The tensor with a dim of size 1 put in (mirrors `tf.expand_dims`).

    Args:
      input: a tensor of any dtype and shape.
      axis: where the new dim stands in the result; negative ones count from the end.
      name: the node's name.
      dim: an older name of `axis`.

    Raises:
      ValueError: if no axis is given, or it is out of range.

    >>> import minitf as tf
    >>> tf.expand_dims([1, 2, 3], -1).shape.as_list()
    [3, 1]
    """
    axis = one_of("axis", axis, "dim", dim)
    if axis is None:
        raise errors.value_error("Must specify an axis argument to tf.expand_dims()")
    result: Tensor = EXPAND_DIMS(input, axis, name=name)
    return result


def one_of(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """The value of an argument that has an older name too.

    Raises:
      ValueError: if both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise errors.value_error(f"Cannot specify both {name!r} and {old_name!r}.")
    return old_value


# ---- Squeeze

SQUEEZE = op_def(
    "Squeeze(input: T) -> (output: T)",
    "T: type",
    "squeeze_dims: list(int) = []",
    aliases=True,
    passes_on_same_shape=True,
)


@SQUEEZE.shape
def squeeze_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape._dims
    axes = op._attrs["squeeze_dims"]
    if dims is None or (not axes and None in dims):
        # With an unknown dim even the rank is unknown: that dim may turn out to be 1.
        return [unknown_shape()]
    drop = squeezed_axes(dims, axes)
    return [shape_of_dims(tuple(d for i, d in enumerate(dims) if i not in drop))]


def squeezed_axes(dims: tuple[int | None, ...], axes: list[int]) -> set[int]:
    """Which dims go away.

    Raises:
      ValueError: if one that was asked for is not of size 1.
    """
    if not axes:
        return {i for i, d in enumerate(dims) if d == 1}
    rank = len(dims)
    drop = set()
    for i, axis in enumerate(axes):
        if not -rank <= axis < rank:
            raise ValueError(f"squeeze_dims[{i}] not in [{-rank},{rank}).")
        axis %= rank
        if dims[axis] not in (1, None):
            raise ValueError(
                f"Can not squeeze dim[{axis}], expected a dimension of 1, got {dims[axis]}"
            )
        drop.add(axis)
    return drop


@SQUEEZE.kernel
def squeeze_kernel(input: Any, *, squeeze_dims: Any) -> Any:
    drop = squeezed_axes(np.shape(input), squeeze_dims)
    return np.squeeze(input, axis=tuple(sorted(drop)))


@SQUEEZE.gradient
def squeeze_gradient(op: Operation, grad: Tensor) -> Any:
    return reshape(grad, shape(op.inputs[0]))


def squeeze(
    input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None
) -> Tensor:
    """The tensor without its dims of size 1 (mirrors `tf.squeeze`).

    Args:
      input: a tensor of any dtype and shape.
      axis: an int or a list of ints: only these dims go away, and they must be of size 1. All
        dims of size 1 if None.
      name: the node's name.
      squeeze_dims: an older name of `axis`.

    Raises:
      ValueError: if a dim that was asked for is not of size 1 or does not exist.

    >>> import minitf as tf
    >>> x = tf.zeros([1, 2, 1])
    >>> tf.squeeze(x).shape.as_list(), tf.squeeze(x, [0]).shape.as_list()
    ([2], [2, 1])
    """
    axis = one_of("axis", axis, "squeeze_dims", squeeze_dims)
    axes = [] if axis is None else [axis] if np.ndim(axis) == 0 else list(axis)
    result: Tensor = SQUEEZE(input, squeeze_dims=axes, name=name)
    return result
