"""With this module one can draw random numbers in a graph: `tf.random_uniform([2, 3])`.

Every run draws new ones. A node's generator lives in the session and begins anew in a new
session, so that a script with seeds repeats its numbers; they are TensorFlow's own, bit for bit.
See `minitf.framework.random_seed` for the two seeds, and `minitf.kernels.philox` for the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.dtypes import DType
from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.random_seed import counts_nodes, get_seed
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.kernels import philox
from minitf.ops import array_ops, control_flow_ops, logging_ops, math_ops
from minitf.ops.array_ops.shape_ops import shape_operand


def _generator(ctx: KernelContext, seed: int, seed2: int) -> philox.Philox:
    """The node's generator in this session."""
    generator: philox.Philox = ctx.state(lambda: philox.Philox(seed, seed2))
    return generator


def drawn_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of ops whose first input is the shape of what they draw."""
    return [shape_operand(op.inputs[0])]


def _dims(shape: Any) -> tuple[int, ...]:
    dims = tuple(int(d) for d in np.ravel(shape))
    if np.ndim(shape) != 1 or any(d < 0 for d in dims):
        raise ValueError(f"shape must be a vector of sizes >= 0, not {np.asarray(shape).tolist()}")
    return dims


def _scalar_bound(op: Operation) -> None:
    for bound in op.inputs[1:]:
        if bound.shape.ndims not in (None, 0):
            raise ValueError(f"Shape must be rank 0 but is rank {bound.shape.ndims}: {bound.name}")


# ---- RandomUniform

RANDOM_UNIFORM = op_def(
    "RandomUniform(shape: T) -> (output: dtype)",
    "seed: int = 0",
    "seed2: int = 0",
    "dtype: float",
    "T: index",
    stateful=True,
    shape=drawn_shape,
)


@RANDOM_UNIFORM.kernel
def random_uniform_kernel(
    ctx: KernelContext, shape: Any, *, seed: int, seed2: int, dtype: DType, out: Any = None
) -> Any:
    return philox.uniform(_generator(ctx, seed, seed2), _dims(shape), dtype.as_numpy_dtype, out)


RANDOM_UNIFORM.not_differentiable()

# ---- RandomUniformInt

RANDOM_UNIFORM_INT = op_def(
    "RandomUniformInt(shape: T, minval: Tout, maxval: Tout) -> (output: Tout)",
    "seed: int = 0",
    "seed2: int = 0",
    "Tout: index",
    "T: index",
    stateful=True,
)


@RANDOM_UNIFORM_INT.shape
def random_uniform_int_shape(op: Operation) -> list[TensorShape]:
    _scalar_bound(op)
    return drawn_shape(op)


@RANDOM_UNIFORM_INT.kernel
def random_uniform_int_kernel(
    ctx: KernelContext, shape: Any, minval: Any, maxval: Any, *, seed: int, seed2: int
) -> Any:
    generator = _generator(ctx, seed, seed2)
    return philox.uniform_int(generator, _dims(shape), int(minval), int(maxval), minval.dtype)


RANDOM_UNIFORM_INT.not_differentiable()


def _shape_tensor(shape: Any) -> Tensor:
    """The shape as a vector, whatever it was given as; `[]` is a vector of integers too."""
    if isinstance(shape, (list, tuple)):
        # A Dimension stands for its size; tensors among the sizes are packed.
        shape = [getattr(d, "value", d) if not isinstance(d, Tensor) else d for d in shape]
        return convert_to_tensor(shape, None if shape else dtypes.int32, name="shape")
    return convert_to_tensor(shape, name="shape")


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers that are uniform in [minval, maxval) (mirrors `tf.random_uniform`).

    Integers are slightly uneven unless `maxval - minval` is a power of two.

    Args:
      shape: an integer vector.
      minval: the least value, a scalar (for floats: or what broadcasts with the result).
      maxval: the bound, which is never drawn; 1 for floats if None.
      dtype: float16, float32, float64, int32 or int64.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the node's name.

    Raises:
      ValueError: for another dtype, or integers without a `maxval`.

    >>> import minitf as tf
    >>> tf.set_random_seed(1)
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.random_uniform([2, 2], maxval=10, dtype=tf.int32)))
    [[2 6]
     [2 7]]
    """
    dtype = dtypes.as_dtype(dtype)
    if dtype not in (*_FLOATS, dtypes.int32, dtypes.int64):
        raise errors.value_error(
            f"Argument `dtype` got invalid value {dtype!r}. Accepted dtypes are float16, float32, "
            "float64, int32 and int64."
        )
    if maxval is None:
        if dtype.is_integer:
            raise errors.value_error(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = _shape_tensor(shape)
        # TensorFlow leaves out steps only for Python's own 0 and 1; 1.x, which counted them, never.
        may_leave_out = not counts_nodes()
        from_zero = may_leave_out and type(minval) is int and minval == 0
        to_one = may_leave_out and type(maxval) is int and maxval == 1
        if not (from_zero and to_one and dtype.is_floating):
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
        seed1, seed2 = _seeds(seed)
        if dtype.is_integer:
            result: Tensor = RANDOM_UNIFORM_INT(
                shape, minval, maxval, seed=seed1, seed2=seed2, name=scope
            )
            return result
        drawn: Tensor = RANDOM_UNIFORM(shape, dtype=dtype, seed=seed1, seed2=seed2)
        if from_zero:
            return drawn if to_one else math_ops.multiply(drawn, maxval)
        return math_ops.add(drawn * (maxval - minval), minval, name=scope)


_FLOATS = (dtypes.float16, dtypes.float32, dtypes.float64)


def _seeds(seed: int | None) -> tuple[int, int]:
    """The two attributes; zeros ask for a generator that nobody can repeat."""
    seed1, seed2 = get_seed(seed)
    return seed1 or 0, seed2 or 0


# ---- RandomStandardNormal

RANDOM_STANDARD_NORMAL = op_def(
    "RandomStandardNormal(shape: T) -> (output: dtype)",
    "seed: int = 0",
    "seed2: int = 0",
    "dtype: float",
    "T: index",
    stateful=True,
    shape=drawn_shape,
)


@RANDOM_STANDARD_NORMAL.kernel
def random_standard_normal_kernel(
    ctx: KernelContext, shape: Any, *, seed: int, seed2: int, dtype: DType
) -> Any:
    return philox.standard_normal(_generator(ctx, seed, seed2), _dims(shape), dtype.as_numpy_dtype)


RANDOM_STANDARD_NORMAL.not_differentiable()


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of a normal distribution (mirrors `tf.random_normal`).

    Args:
      shape: an integer vector.
      mean: the mean, a scalar or what broadcasts with the result.
      stddev: the standard deviation, likewise.
      dtype: float16, float32 or float64.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     x = sess.run(tf.random_normal([10000], mean=5.0, stddev=2.0, seed=3))
    >>> bool(abs(x.mean() - 5.0) < 0.1 and abs(x.std() - 2.0) < 0.1)
    True
    """
    with name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        return _scaled(RANDOM_STANDARD_NORMAL, shape, mean, stddev, dtype, seed, scope)


def _scaled(
    declared: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None, scope: str
) -> Tensor:
    """What `declared` draws, times `stddev`, plus `mean`: two roundings, as in TensorFlow."""
    shape = _shape_tensor(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    seed1, seed2 = _seeds(seed)
    drawn: Tensor = declared(shape, dtype=dtype, seed=seed1, seed2=seed2)
    return math_ops.add(drawn * stddev, mean, name=scope)


# ---- TruncatedNormal

TRUNCATED_NORMAL = op_def(
    "TruncatedNormal(shape: T) -> (output: dtype)",
    "seed: int = 0",
    "seed2: int = 0",
    "dtype: float",
    "T: index",
    stateful=True,
    shape=drawn_shape,
)


@TRUNCATED_NORMAL.kernel
def truncated_normal_kernel(
    ctx: KernelContext, shape: Any, *, seed: int, seed2: int, dtype: DType
) -> Any:
    return philox.truncated_normal(_generator(ctx, seed, seed2), _dims(shape), dtype.as_numpy_dtype)


TRUNCATED_NORMAL.not_differentiable()


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of a normal distribution within two deviations (mirrors `tf.truncated_normal`).

    Those further from the mean are drawn again.

    Args:
      shape: an integer vector.
      mean: the mean, a scalar or what broadcasts with the result.
      stddev: the standard deviation before the cut, likewise.
      dtype: float16, float32 or float64.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     x = sess.run(tf.truncated_normal([10000], stddev=0.1, seed=3))
    >>> bool(abs(x).max() < 0.2)
    True
    """
    with name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        return _scaled(TRUNCATED_NORMAL, shape, mean, stddev, dtype, seed, scope)


# ---- RandomShuffle

RANDOM_SHUFFLE = op_def(
    "RandomShuffle(value: T) -> (output: T)",
    "seed: int = 0",
    "seed2: int = 0",
    "T: type",
    stateful=True,
    shape=unchanged,
)


@RANDOM_SHUFFLE.kernel
def random_shuffle_kernel(ctx: KernelContext, value: Any, *, seed: int, seed2: int) -> Any:
    return philox.random_shuffle(_generator(ctx, seed, seed2), np.asarray(value))


RANDOM_SHUFFLE.not_differentiable()


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows of a tensor in a random order (mirrors `tf.random_shuffle`).

    Args:
      value: a tensor, to be shuffled along its first axis.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     rows = sess.run(tf.random_shuffle([[1, 10], [2, 20], [3, 30]]))
    >>> sorted(rows.tolist())
    [[1, 10], [2, 20], [3, 30]]
    """
    seed1, seed2 = _seeds(seed)
    result: Tensor = RANDOM_SHUFFLE(value, seed=seed1, seed2=seed2, name=name)
    return result


# ---- Multinomial

MULTINOMIAL = op_def(
    "Multinomial(logits: T, num_samples: int32) -> (output: output_dtype)",
    "seed: int = 0",
    "seed2: int = 0",
    "T: realnumber",
    "output_dtype: index = int64",
    stateful=True,
)


@MULTINOMIAL.shape
def multinomial_shape(op: Operation) -> list[TensorShape]:
    logits, num_samples = op.inputs
    if logits.shape.ndims not in (None, 2):
        raise ValueError(f"Shape must be rank 2 but is rank {logits.shape.ndims}: {logits.name}")
    _scalar_bound(op)
    return [shape_of_dims((logits.shape[0].value, static_dim(num_samples)))]


@MULTINOMIAL.kernel
def multinomial_kernel(
    ctx: KernelContext,
    logits: Any,
    num_samples: Any,
    *,
    seed: int,
    seed2: int,
    output_dtype: DType,
) -> Any:
    if num_samples < 0:
        raise ValueError(f"num_samples should be >= 0, not {num_samples}")
    if logits.dtype.kind != "f":
        logits = logits.astype(np.float64)
    generator = _generator(ctx, seed, seed2)
    return philox.multinomial(generator, logits, int(num_samples), output_dtype.as_numpy_dtype)


MULTINOMIAL.not_differentiable()


def multinomial(
    logits: Any,
    num_samples: Any,
    seed: int | None = None,
    name: str | None = None,
    output_dtype: Any = None,
) -> Tensor:
    """Draws classes with the probabilities softmax(logits) (mirrors `tf.multinomial`).

    Args:
      logits: of shape (batch, classes): for each row, logarithms of weights.
      num_samples: an int32 scalar: how many to draw for each row.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the scope's name.
      output_dtype: int32 or int64; int64 if None.

    Returns:
      Numbers of classes, of shape (batch, num_samples).

    Raises:
      ValueError: if `logits` is not a matrix.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.multinomial([[0.0, 50.0]], 5))
    array([[1, 1, 1, 1, 1]])
    """
    with name_scope(name, "multinomial", [logits]):
        return _categorical(logits, num_samples, output_dtype, seed)


def categorical(
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`multinomial` under its newer name, which mirrors `tf.random.categorical`."""
    with name_scope(name, "categorical", [logits]):
        return _categorical(logits, num_samples, dtype, seed)


def _categorical(logits: Any, num_samples: Any, dtype: Any, seed: int | None) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    seed1, seed2 = _seeds(seed)
    result: Tensor = MULTINOMIAL(
        logits, num_samples, seed=seed1, seed2=seed2, output_dtype=dtype or dtypes.int64
    )
    return result


# ---- random_crop


def random_crop(value: Any, size: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """A slice of a given size at a random place (mirrors `tf.random_crop`).

    Args:
      value: a tensor.
      size: the slice's shape, an integer vector with a size for each axis of `value`.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the scope's name.

    Raises:
      tf.errors.InvalidArgumentError: at run time, if `value` is smaller than `size`.

    >>> import minitf as tf
    >>> tf.random_crop(tf.zeros([28, 28, 1]), [24, 24, 1]).shape
    TensorShape([Dimension(24), Dimension(24), Dimension(1)])
    """
    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtypes.int32, name="size")
        shape = array_ops.shape(value)
        check = logging_ops.Assert(
            math_ops.reduce_all(shape >= size),
            ["Need value.shape >= size, got ", shape, size],
            summarize=1000,
        )
        checked: Any = control_flow_ops.with_dependencies([check], shape)
        limit = checked - size + 1
        drawn = random_uniform(
            array_ops.shape(checked), dtype=size.dtype, maxval=size.dtype.max, seed=seed
        )
        return array_ops.slice(value, drawn % limit, size, name=scope)
