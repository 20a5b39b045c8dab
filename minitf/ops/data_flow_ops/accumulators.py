"""With this module workers can average their gradients: `tf.ConditionalAccumulator`.

Each worker adds its gradient, with the step whose values it was computed from; whoever takes the
average waits until there are enough. It is what `tf.train.SyncReplicasOptimizer` stands on.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes as dtypes_lib
from minitf.framework.convert import convert_to_tensor
from minitf.framework.dtypes import DType, int64
from minitf.framework.operation import Operation
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape, unknown_shape
from minitf.ops import math_ops
from minitf.ops.data_flow_ops import accumulator_ops


class ConditionalAccumulatorBase:
    """What both accumulators share.

    Args:
      dtype: of the gradients.
      shape: what is known of their shape.
      accumulator_ref: the handle.
    """

    def __init__(self, dtype: DType, shape: TensorShape, accumulator_ref: Tensor) -> None:
        self._dtype = dtype
        self._shape = shape
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.rpartition("/")[2]

    @property
    def accumulator_ref(self) -> Tensor:
        """The handle."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The accumulator's name."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The dtype of the gradients."""
        return self._dtype


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Averages gradients that are not stale (mirrors `tf.ConditionalAccumulator`).

    Args:
      dtype: the dtype of the gradients.
      shape: their shape; unknown dims take any size, but one for all of a step.
      shared_name: accumulators of one shared name are one, also in other sessions of a server.
      name: the node's name.
      reduction_type: "MEAN", or "SUM" to take the sum in the place of the average.

    >>> import minitf as tf
    >>> accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2])
    >>> add, average = accumulator.apply_grad([1.0, 3.0]), accumulator.take_grad(2)
    >>> other = accumulator.apply_grad([3.0, 4.0])
    >>> with tf.Session() as sess:
    ...     sess.run(add)
    ...     sess.run(other)
    ...     print(sess.run(average))
    ...     sess.run(add)  # of step 0, and step 1 has begun
    ...     print(sess.run(accumulator.num_accumulated()))
    [2.  3.5]
    0
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        known = unknown_shape() if shape is None else as_shape(shape)
        ref = accumulator_ops.RESOURCE_CONDITIONAL_ACCUMULATOR(
            dtype=dtype,
            shape=known,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtypes_lib.as_dtype(dtype), known, ref)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds a gradient, or drops it if it is stale.

        Args:
          grad: a tensor of the accumulator's dtype and shape.
          local_step: the step whose values it was computed from; stale if that is less than the
            accumulator's own.
          name: the operation's name.

        Raises:
          ValueError: if dtype or shape do not fit.
        """
        grad = convert_to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        step = math_ops.cast(convert_to_tensor(local_step), int64)
        op: Operation = accumulator_ops.RESOURCE_ACCUMULATOR_APPLY_GRADIENT(
            self._accumulator_ref, step, grad, name=name
        )
        return op

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """The average of all gradients there are, once there are enough.

        Then the accumulator is empty, and its step one more.

        Args:
          num_required: how many gradients are waited for; more may have come.
          name: the node's name.

        Raises:
          tf.errors.InvalidArgumentError: when it runs, if `num_required` is not positive.
        """
        taken: Tensor = accumulator_ops.RESOURCE_ACCUMULATOR_TAKE_GRADIENT(
            self._accumulator_ref, num_required, dtype=self._dtype, name=name
        )
        taken.set_shape(self._shape)
        return taken

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients there are now: a scalar int32."""
        count: Tensor = accumulator_ops.RESOURCE_ACCUMULATOR_NUM_ACCUMULATED(
            self._accumulator_ref, name=f"{self._name}_NumAccumulated" if name is None else name
        )
        return count

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """An operation that sets the step whose gradients are not stale."""
        step = math_ops.cast(convert_to_tensor(new_global_step), int64)
        op: Operation = accumulator_ops.RESOURCE_ACCUMULATOR_SET_GLOBAL_STEP(
            self._accumulator_ref, step, name=name
        )
        return op


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Averages rows of sparse gradients (mirrors `tf.SparseConditionalAccumulator`).

    The average of a row is over the gradients that have it. Rows of a gradient should be in order,
    and none twice; what comes of others is TensorFlow's, too.

    Args:
      dtype: the dtype of the gradients.
      shape: the shape of the array that they are rows of.
      shared_name, name, reduction_type: as for `ConditionalAccumulator`.

    >>> import minitf as tf
    >>> accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[9, 1])
    >>> add = accumulator.apply_grad([2, 5], [[1.0], [2.0]])
    >>> other = accumulator.apply_grad([5], [[4.0]])
    >>> average = accumulator.take_indexed_slices_grad(2)
    >>> with tf.Session() as sess:
    ...     sess.run(add)
    ...     sess.run(other)
    ...     value = sess.run(average)
    >>> value.indices.tolist(), value.values.tolist()
    ([2, 5], [[1.0], [3.0]])
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        known = unknown_shape() if shape is None else as_shape(shape)
        ref = accumulator_ops.SPARSE_CONDITIONAL_ACCUMULATOR(
            dtype=dtype,
            shape=known,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtypes_lib.as_dtype(dtype), known, ref)

    def apply_indexed_slices_grad(
        self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None
    ) -> Operation:
        """An operation that adds `tf.IndexedSlices`; see `apply_grad`."""
        return self.apply_grad(
            grad.indices, grad.values, grad.dense_shape, local_step=local_step, name=name
        )

    def apply_grad(
        self,
        grad_indices: Any,
        grad_values: Any,
        grad_shape: Any = None,
        local_step: Any = 0,
        name: str | None = None,
    ) -> Operation:
        """An operation that adds rows, or drops them if they are stale.

        Args:
          grad_indices: the positions of the rows, a vector.
          grad_values: the rows.
          grad_shape: the shape of the array that they are rows of; not checked if None.
          local_step: the step whose values they were computed from.
          name: the operation's name.

        Raises:
          tf.errors.InvalidArgumentError: when it runs, if a position is out of bounds, or rows
            have another shape than the accumulator's.
        """
        step = math_ops.cast(convert_to_tensor(local_step), int64)
        indices = math_ops.cast(grad_indices, int64)
        known = grad_shape is not None
        shape = math_ops.cast(grad_shape if known else [], int64)
        op: Operation = accumulator_ops.SPARSE_ACCUMULATOR_APPLY_GRADIENT(
            self._accumulator_ref,
            step,
            indices,
            grad_values,
            shape,
            dtype=self._dtype,
            has_known_shape=known,
            name=name,
        )
        return op

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Indices, values and shape of the average; see `ConditionalAccumulator.take_grad`."""
        return accumulator_ops.SPARSE_ACCUMULATOR_TAKE_GRADIENT(
            self._accumulator_ref, num_required, dtype=self._dtype, name=name
        )

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """The same as `tf.IndexedSlices`."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(taken.values, taken.indices, taken.shape)

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients there are now: a scalar int32."""
        count: Tensor = accumulator_ops.ACCUMULATOR_NUM_ACCUMULATED(
            self._accumulator_ref, name=f"{self._name}_NumAccumulated" if name is None else name
        )
        return count

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """An operation that sets the step whose gradients are not stale."""
        step = math_ops.cast(convert_to_tensor(new_global_step), int64)
        op: Operation = accumulator_ops.ACCUMULATOR_SET_GLOBAL_STEP(
            self._accumulator_ref, step, name=name
        )
        return op
