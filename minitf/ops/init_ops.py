"""With this module one can choose what a variable starts from: `tf.glorot_uniform_initializer()`.

An initializer is a function of a shape that makes nodes. What they draw depends on the seeds alone
and is TensorFlow's own, to the last bit.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, constant_op, linalg_ops, math_ops, random_ops


class Initializer:
    """What all initializers share; a subclass says how to make the tensor in `__call__`."""

    _settings: ClassVar[tuple[str, ...]] = ()  # the arguments of the constructor, besides the dtype

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        self.dtype = dtypes.as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        """Makes the tensor.

        Args:
          shape: its shape, a list of sizes.
          dtype: its dtype; that of the initializer if None.
          partition_info: says what larger variable this is a part of; see `tf.get_variable`.
        """
        raise NotImplementedError("An initializer must say what it makes.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain data."""
        return {name: getattr(self, name) for name in self._settings} | {"dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described.

        >>> import minitf as tf
        >>> config = tf.random_uniform_initializer(-1.0, 1.0).get_config()
        >>> tf.random_uniform_initializer.from_config(config).get_config() == config
        True
        """
        return cls(**config)


class Zeros(Initializer):
    """Zeros, or what stands for them: False, "" (mirrors `tf.zeros_initializer`).

    >>> import minitf as tf
    >>> w = tf.get_variable("w", [2], initializer=tf.zeros_initializer())
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     print(sess.run(w))
    [0. 0.]
    """

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return array_ops.zeros(shape, self.dtype if dtype is None else dtype)


class Ones(Initializer):
    """Ones (mirrors `tf.ones_initializer`)."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return array_ops.ones(shape, self.dtype if dtype is None else dtype)


class Constant(Initializer):
    """A fixed value (mirrors `tf.constant_initializer`).

    Args:
      value: a number, or a list or array, which is reshaped to the shape that is asked for; where
        it is shorter its last element is repeated.
      dtype: used where the caller gives none.
      verify_shape: whether a value of another shape is refused.

    Raises:
      TypeError: if `value` is something else; when called, with `verify_shape`.
      ValueError: when called, if `value` is too long.

    >>> import minitf as tf
    >>> w = tf.get_variable("w", [2, 2], initializer=tf.constant_initializer([1, 2, 3, 4]))
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     print(sess.run(w))
    [[1. 2.]
     [3. 4.]]
    """

    def __init__(
        self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False
    ) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise errors.type_error(
                f"Invalid type for initial value={value} of type: {type(value).__name__}. Expected "
                "Python scalar, list or tuple of values, or numpy.ndarray."
            )
        super().__init__(dtype)
        self.value = value
        self._verify_shape = verify_shape

    def __call__(
        self,
        shape: Any,
        dtype: Any = None,
        partition_info: Any = None,
        verify_shape: bool | None = None,
    ) -> Tensor:
        verify_shape = self._verify_shape if verify_shape is None else verify_shape
        dtype = self.dtype if dtype is None else dtype
        return constant_op.constant(self.value, dtype, shape, verify_shape=verify_shape)

    def get_config(self) -> dict[str, Any]:
        # As in TensorFlow, `verify_shape` is not part of it.
        return {"value": self.value, "dtype": self.dtype.name}


class RandomUniform(Initializer):
    """Uniform numbers in [minval, maxval) (mirrors `tf.random_uniform_initializer`).

    Args:
      minval: the least value.
      maxval: the bound; 1 for floats if None.
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: used where the caller gives none.
    """

    _settings: ClassVar[tuple[str, ...]] = ("minval", "maxval", "seed")

    def __init__(
        self,
        minval: Any = 0.0,
        maxval: Any = None,
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(dtype)
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return random_ops.random_uniform(shape, self.minval, self.maxval, dtype, self.seed)


class RandomNormal(Initializer):
    """Normal numbers (mirrors `tf.random_normal_initializer`).

    Args:
      mean: the mean.
      stddev: the standard deviation.
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: a float dtype, used where the caller gives none.

    Raises:
      ValueError: if the dtype is not a float.
    """

    _settings: ClassVar[tuple[str, ...]] = ("mean", "stddev", "seed")

    def __init__(
        self,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        super().__init__(_float(dtype))
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return random_ops.random_normal(shape, self.mean, self.stddev, dtype, self.seed)


class TruncatedNormal(RandomNormal):
    """Normal numbers within two deviations (mirrors `tf.truncated_normal_initializer`).

    Its arguments are those of `RandomNormal`; `stddev` is the deviation before the cut.
    """

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        return random_ops.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class UniformUnitScaling(Initializer):
    """Uniform numbers that keep the scale of a layer's input.

    Mirrors `tf.uniform_unit_scaling_initializer`: for weights of n inputs they lie within
    sqrt(3 / n) * factor.

    Args:
      factor: 1 for linear layers; about 1.15 goes with tanh, 1.43 with relu.
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: a float dtype, used where the caller gives none.
    """

    _settings: ClassVar[tuple[str, ...]] = ("factor", "seed")

    def __init__(
        self, factor: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(_float(dtype))
        self.factor = factor
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        sizes = _full_shape(shape, partition_info)
        limit = math.sqrt(3 / max(1.0, float(math.prod(sizes[:-1])))) * self.factor
        return random_ops.random_uniform(shape, -limit, limit, dtype, self.seed)


class VarianceScaling(Initializer):
    """Numbers whose variance fits the layer: scale / n (mirrors `tf.variance_scaling_initializer`).

    n is the number of inputs of a unit ("fan_in"), of outputs ("fan_out"), or their mean
    ("fan_avg"). For a convolution's filter each is times the number of its pixels.

    Args:
      scale: a positive number.
      mode: one of the three above.
      distribution: "truncated_normal" (which is also meant by "normal"), "untruncated_normal" or
        "uniform". The first widens the deviation by what cutting the tails takes away.
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: a float dtype, used where the caller gives none.

    Raises:
      ValueError: for another scale, mode, distribution or dtype.
    """

    _settings: ClassVar[tuple[str, ...]] = ("scale", "mode", "distribution", "seed")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = dtypes.float32,
    ) -> None:
        if scale <= 0.0:
            raise errors.value_error(
                f"Argument `scale` must be a positive float. Received: {scale}"
            )
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise errors.value_error(
                f"Argument `mode` should be one of ('fan_in', 'fan_out', 'fan_avg'). Received: "
                f"{mode}"
            )
        distribution = distribution.lower()
        known = ("normal", "uniform", "truncated_normal", "untruncated_normal")
        if distribution not in known:
            raise errors.value_error(
                f"Argument `distribution` should be one of {known}. Received: {distribution}"
            )
        super().__init__(_float(dtype))
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        fan_in, fan_out = fans(_full_shape(shape, partition_info))
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_ops.random_uniform(shape, -limit, limit, dtype, self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random_ops.random_normal(shape, 0.0, stddev, dtype, self.seed)
        stddev /= _TRUNCATED_DEVIATION
        return random_ops.truncated_normal(shape, 0.0, stddev, dtype, self.seed)


# The standard deviation of what is left of a standard normal distribution within (-2, 2).
_TRUNCATED_DEVIATION = 0.87962566103423978


def fans(shape: list[int]) -> tuple[int, int]:
    """How many inputs and outputs a unit with weights of this shape has.

    >>> fans([784, 10]), fans([5, 5, 32, 64])
    ((784, 10), (800, 1600))
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    pixels = math.prod(shape[:-2])
    return shape[-2] * pixels, shape[-1] * pixels


def _full_shape(shape: Any, partition_info: Any) -> list[int]:
    """The sizes of the whole variable, where `shape` is that of a part."""
    return [int(d) for d in (shape if partition_info is None else partition_info.full_shape)]


def _float(dtype: Any) -> dtypes.DType:
    known: dtypes.DType = dtypes.as_dtype(dtype)
    if not known.is_floating:
        raise errors.value_error(
            f"Argument `dtype` expected to be a floating point type. Received {known!r}."
        )
    return known


class GlorotUniform(VarianceScaling):
    """Uniform within sqrt(6 / (fan_in + fan_out)) (mirrors `tf.glorot_uniform_initializer`).

    What `tf.get_variable` uses for floats where it is told nothing else. Also called Xavier.

    Args:
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: ignored, as TensorFlow does: float32 where the caller gives none.

    >>> import minitf as tf
    >>> w = tf.get_variable("w", [300, 300])
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     print(bool(abs(sess.run(w)).max() <= 0.1))
    True
    """

    _settings: ClassVar[tuple[str, ...]] = ("seed",)

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)  # as in TensorFlow, whatever `dtype`


class GlorotNormal(VarianceScaling):
    """Normal numbers of variance 2 / (fan_in + fan_out), within two deviations.

    Mirrors `tf.glorot_normal_initializer`; see `GlorotUniform` for the arguments.
    """

    _settings: ClassVar[tuple[str, ...]] = ("seed",)

    def __init__(self, seed: int | None = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(
            1.0, "fan_avg", "truncated_normal", seed
        )  # as in TensorFlow, whatever `dtype`


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Normal numbers of variance 1 / fan_in, truncated (mirrors `tf.initializers.lecun_normal`)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform within sqrt(3 / fan_in) (mirrors `tf.initializers.lecun_uniform`)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Normal numbers of variance 2 / fan_in, truncated (mirrors `tf.initializers.he_normal`)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform within sqrt(6 / fan_in) (mirrors `tf.initializers.he_uniform`)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


class Orthogonal(Initializer):
    """A matrix whose rows or columns are orthonormal (mirrors `tf.orthogonal_initializer`).

    A shape of more axes is that of a matrix whose rows are all axes but the last. With fewer rows
    than columns the rows are orthonormal, otherwise the columns.

    Args:
      gain: a factor.
      seed: the op's seed; see `tf.set_random_seed`.
      dtype: a float dtype, used where the caller gives none.

    Raises:
      ValueError: when called, for a shape of fewer than two axes.
    """

    _settings: ClassVar[tuple[str, ...]] = ("gain", "seed")

    def __init__(
        self, gain: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32
    ) -> None:
        super().__init__(_float(dtype))
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        sizes = _matrix_sizes(shape)
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = [max(rows, columns), min(rows, columns)]
        drawn = random_ops.random_normal(tall, dtype=dtype, seed=self.seed)
        q, r = math_ops.qr(drawn)
        # A QR decomposition is unique up to signs; with these it is uniformly distributed.
        q = q * math_ops.sign(linalg_ops.diag_part(r))
        if rows < columns:
            q = array_ops.matrix_transpose(q)
        result: Tensor = self.gain * array_ops.reshape(q, sizes)
        return result


class Identity(Initializer):
    """The identity matrix (mirrors `tf.initializers.identity`).

    Args:
      gain: a factor.
      dtype: a float dtype, used where the caller gives none.

    Raises:
      ValueError: when called, for a shape that is not a matrix's.
    """

    _settings: ClassVar[tuple[str, ...]] = ("gain",)

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        super().__init__(_float(dtype))
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self.dtype if dtype is None else dtype
        rows, columns = _matrix_sizes(_full_shape(shape, partition_info), exactly=True)
        matrix = linalg_ops.eye(rows, columns, dtype=dtype)
        if partition_info is not None:
            matrix = array_ops.slice(matrix, partition_info.var_offset, shape)
        result: Tensor = self.gain * matrix
        return result


def _matrix_sizes(shape: Any, exactly: bool = False) -> list[int]:
    """The sizes of a shape of two axes, or of more unless `exactly`."""
    sizes = [int(d) for d in shape]
    if len(sizes) < 2 or (exactly and len(sizes) > 2):
        raise ValueError(
            "The tensor to initialize, specified by argument `shape` must be "
            f"{'' if exactly else 'at least '}two-dimensional. Received shape={sizes}"
        )
    return sizes


zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
orthogonal_initializer = Orthogonal
