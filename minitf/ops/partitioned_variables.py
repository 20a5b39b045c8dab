"""With this module a large variable is several smaller ones, which may lie on several servers.

    table = tf.get_variable("table", [1000000, 64], partitioner=tf.fixed_size_partitioner(4))
    rows = tf.nn.embedding_lookup(table, ids, partition_strategy="div")

The parts are cut along one axis. They are saved as parts of one tensor, so that a checkpoint does
not depend on how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import register_tensor_conversion_function
from minitf.framework.dtypes import DType
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops import array_ops
from minitf.ops.variables import Variable

Partitioner = Callable[..., Any]


class PartitionedVariable:
    """A variable in parts (mirrors `tf.PartitionedVariable`).

    `tf.get_variable` makes one where it is given a partitioner. As a tensor it is its parts put
    together.

    Args:
      name: the variable's name; parts are called `<name>/part_0` and so on.
      shape: the shape of the whole.
      dtype: of the values.
      variable_list: the parts, in order.
      partitions: into how many parts each axis is cut.

    >>> import minitf as tf
    >>> v = tf.get_variable("v", [3, 2], initializer=tf.ones_initializer(),
    ...                     partitioner=tf.fixed_size_partitioner(2))
    >>> [part.shape.as_list() for part in v]
    [[2, 2], [1, 2]]
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(tf.reduce_sum(v, axis=0))
    array([3., 3.], dtype=float32)
    """

    def __init__(
        self,
        name: str,
        shape: Any,
        dtype: Any,
        variable_list: Sequence[Variable],
        partitions: Sequence[int],
    ) -> None:
        parts = list(variable_list)
        if not all(isinstance(part, Variable) for part in parts):
            raise errors.type_error(
                f"variable_list is not a list or tuple of variables: {variable_list}"
            )
        if any(part._save_slice_info is None for part in parts):
            raise errors.value_error(
                f"All variables must have a save_slice_info available: {parts}"
            )
        if len(parts) != math.prod(partitions):
            raise errors.value_error(
                f"{len(parts)} parts do not make partitions of {list(partitions)}"
            )
        self._name = name
        self._shape = as_shape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._variable_list = parts
        self._partitions = list(partitions)

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variable_list)

    def __len__(self) -> int:
        return len(self._variable_list)

    @property
    def name(self) -> str:
        """The variable's name."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The dtype of the values."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self._shape

    def _get_variable_list(self) -> list[Variable]:
        return self._variable_list

    def _get_partitions(self) -> list[int]:
        return self._partitions

    def as_tensor(self) -> Tensor:
        """The parts, put together."""
        with name_scope(None):
            if len(self._variable_list) == 1:
                return array_ops.identity(self._variable_list[0], name=self._name)
            with name_scope(f"{self._name}/ConcatPartitions/"):
                whole = array_ops.concat(self._variable_list, self._axis())
            return array_ops.identity(whole, name=self._name)

    def _axis(self) -> int:
        """The axis along which it is cut."""
        return next((i for i, count in enumerate(self._partitions) if count > 1), 0)

    # ---- changing it

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Stores a new value: a list with what each part's `assign` returns.

        Args:
          value: a list with a value for each part, another partitioned variable, or the whole.
          use_locking, name, read_value: see `tf.Variable.assign`.
        """
        return self._each("assign", value, use_locking, name, read_value)

    def assign_add(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Adds to the parts; see `assign`."""
        return self._each("assign_add", value, use_locking, name, read_value)

    def assign_sub(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> list[Any]:
        """Subtracts from the parts; see `assign`."""
        return self._each("assign_sub", value, use_locking, name, read_value)

    def _each(
        self, method: str, value: Any, use_locking: bool, name: str | None, read_value: bool
    ) -> list[Any]:
        if isinstance(value, (list, PartitionedVariable)):
            values = list(value)
            if len(values) != len(self):
                raise errors.value_error(
                    f"Cannot assign to variable {self._name!r} of {len(self)} parts a value of "
                    f"{len(values)}."
                )
        else:
            axis = self._axis()
            sizes = [part.shape.as_list()[axis] for part in self]
            values = array_ops.split(value, sizes, axis=axis)
        return [
            getattr(part, method)(part_value, use_locking, name, read_value)
            for part, part_value in zip(self, values, strict=True)
        ]

    def __repr__(self) -> str:
        return (
            f"<tf.PartitionedVariable {self._name!r} shape={self._shape} dtype={self._dtype.name} "
            f"in {len(self)} parts>"
        )


def _convert(
    value: PartitionedVariable, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise errors.value_error(
            f"Incompatible type conversion requested to type {dtype.name!r} for variable of type "
            f"{value.dtype.name!r}"
        )
    if as_ref:
        raise errors.not_implemented(f"{value!r} has no reference: its parts have.")
    return value.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _convert)


# ---- where it is cut


def partitions_of(
    name: str, shape: TensorShape | None, dtype: DType, partitioner: Any
) -> list[int]:
    """Into how many parts a partitioner cuts each axis, checked.

    Raises:
      ValueError: if it says something else, or cuts along several axes.
    """
    if shape is None or not shape.is_fully_defined():
        known = "<unknown>" if shape is None else shape
        raise errors.value_error(
            f"Shape of a new partitioned variable ({name}) must be fully defined, but instead was "
            f"{known}."
        )
    if not shape.ndims:
        raise errors.value_error(
            f"A partitioned Variable must have rank at least 1, shape: {shape}"
        )
    found = partitioner(shape=shape, dtype=dtype)
    if not isinstance(found, Sequence) or isinstance(found, (str, bytes)):
        raise errors.value_error(f"Partitioner must return a sequence, but saw: {found!r}")
    partitions = [int(count) for count in found]
    if len(partitions) != shape.ndims:
        raise errors.value_error(
            "Partitioner returned a partition list that does not match the Variable's rank: "
            f"{partitions} vs. {shape}"
        )
    if any(count < 1 for count in partitions):
        raise errors.value_error(
            f"Partitioner returned zero partitions for some axes: {partitions}"
        )
    if sum(count > 1 for count in partitions) > 1:
        raise errors.value_error(
            f"Can only slice a variable along one dimension: shape: {shape}, partitioning: "
            f"{partitions}"
        )
    return partitions


def slices(
    shape: Sequence[int], partitions: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Where each part begins, and its shape; the first parts take what is left over.

    >>> list(slices([5, 2], [2, 1]))
    [([0, 0], [3, 2]), ([3, 0], [2, 2])]
    """
    axis = next((i for i, count in enumerate(partitions) if count > 1), 0)
    size, left_over = divmod(shape[axis], partitions[axis])
    begin = 0
    for part in range(partitions[axis]):
        length = size + (part < left_over)
        offset, extent = [0] * len(shape), list(shape)
        offset[axis], extent[axis] = begin, length
        begin += length
        yield offset, extent


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Cuts into so many parts (mirrors `tf.fixed_size_partitioner`).

    Args:
      num_shards: how many; fewer where the axis is shorter.
      axis: along which axis.

    >>> import minitf as tf
    >>> tf.fixed_size_partitioner(3)(shape=tf.TensorShape([2, 5]))
    [2, 1]
    """

    def partitioner(shape: TensorShape, **unused: Any) -> list[int]:
        sizes = _sizes(shape)
        return _along(axis, min(num_shards, sizes[axis]), sizes)

    return partitioner


def variable_axis_size_partitioner(
    max_shard_bytes: int,
    axis: int = 0,
    bytes_per_string_element: int = 16,
    max_shards: int | None = None,
) -> Partitioner:
    """Cuts into parts of at most so many bytes (mirrors `tf.variable_axis_size_partitioner`).

    Args:
      max_shard_bytes: how large a part may be.
      axis: along which axis.
      bytes_per_string_element: how large a string is taken to be.
      max_shards: how many parts there may be at most.

    Raises:
      ValueError: if one of these is not positive.

    >>> import minitf as tf
    >>> tf.variable_axis_size_partitioner(64)(shape=tf.TensorShape([10, 4]), dtype=tf.float32)
    [3, 1]
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise errors.value_error(
            "Both max_shard_bytes and bytes_per_string_element must be positive. Currently, "
            f"max_shard_bytes is {max_shard_bytes} and bytes_per_string_element is "
            f"{bytes_per_string_element}"
        )
    if max_shards is not None and max_shards < 1:
        raise errors.value_error("max_shards must be positive.")

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        sizes = _sizes(shape)
        bytes_per_slice = math.prod(sizes) / sizes[axis] * _bytes(dtype, bytes_per_string_element)
        slices_per_shard = max(1, math.floor(max_shard_bytes / bytes_per_slice))
        shards = math.ceil(sizes[axis] / slices_per_shard)
        return _along(axis, shards if max_shards is None else min(max_shards, shards), sizes)

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1,
    axis: int = 0,
    min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Partitioner:
    """Cuts into as many parts as there may be, none of them too small.

    Mirrors `tf.min_max_variable_partitioner`.

    Args:
      max_partitions: how many parts there may be at most.
      axis: along which axis.
      min_slice_size: how many bytes a part has at least.
      bytes_per_string_element: how large a string is taken to be.

    Raises:
      ValueError: if `max_partitions` or `min_slice_size` is not positive.

    >>> import minitf as tf
    >>> cut = tf.min_max_variable_partitioner(max_partitions=8, min_slice_size=16)
    >>> cut(shape=tf.TensorShape([10, 2]), dtype=tf.float32)
    [5, 1]
    """
    if max_partitions < 1 or min_slice_size < 1:
        raise errors.value_error(
            f"max_partitions and min_slice_size must be positive, not {max_partitions} and "
            f"{min_slice_size}"
        )

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        sizes = _sizes(shape)
        total = math.prod(sizes) * _bytes(dtype, bytes_per_string_element)
        wanted = math.ceil(total / min_slice_size)
        return _along(axis, max(1, min(sizes[axis], max_partitions, wanted)), sizes)

    return partitioner


def _sizes(shape: TensorShape) -> list[int]:
    if not isinstance(shape, TensorShape):
        raise errors.value_error(f"shape is not a TensorShape: {shape}")
    if not shape.is_fully_defined():
        raise errors.value_error(f"shape is not fully defined: {shape}")
    return [size or 0 for size in shape.as_list()]


def _along(axis: int, count: int, sizes: Sequence[int]) -> list[int]:
    partitions = [1] * len(sizes)
    partitions[axis] = count
    return partitions


def _bytes(dtype: DType, bytes_per_string_element: int) -> int:
    base = dtypes.as_dtype(dtype)
    return bytes_per_string_element if base.base_dtype is dtypes.string else base.size
