"""With this module a layer can say what inputs it takes, so that a wrong one is refused by name."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import as_shape


class InputSpec:
    """What a layer knows of an input before it sees one (mirrors `tf.layers.InputSpec`).

    Args:
      dtype: the dtype that it must have.
      shape: the shape that it must have; None stands for any size.
      ndim: the number of dims that it must have.
      max_ndim, min_ndim: bounds for the number of dims.
      axes: a dict from axes to the sizes that they must have.

    >>> import minitf as tf
    >>> tf.layers.InputSpec(min_ndim=2, axes={-1: 3})
    InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self.shape = None if shape is None else tuple(as_shape(shape).as_list())
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}

    def __repr__(self) -> str:
        known = {
            "dtype": None if self.dtype is None else self.dtype.name,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes or None,
        }
        parts = [f"{name}={value}" for name, value in known.items() if value is not None]
        return f"InputSpec({', '.join(parts)})"

    def problem(self, tensor: Tensor) -> str | None:
        """What is wrong with an input, or None. Of what is not known nothing is wrong."""
        if self.dtype is not None and tensor.dtype.base_dtype is not self.dtype:
            return f"expected dtype={self.dtype.name}, found dtype={tensor.dtype.base_dtype.name}"
        rank = tensor.shape.ndims
        if rank is None:
            return None
        full = f"found ndim={rank}. Full shape received: {tensor.shape}"
        if self.ndim is not None and rank != self.ndim:
            return f"expected ndim={self.ndim}, {full}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, {full}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, {full}"
        dims = tensor.shape.as_list()
        for axis, size in self.axes.items():
            if -rank <= axis < rank and None not in (size, dims[axis]) and dims[axis] != size:
                return (
                    f"expected axis {axis} of input shape to have value {size}, but received input "
                    f"with shape {tensor.shape}"
                )
        if self.shape is not None and not tensor.shape.is_compatible_with(self.shape):
            return f"expected shape={as_shape(self.shape)}, found shape={tensor.shape}"
        return None


def check_inputs(specs: Any, inputs: list[Tensor], layer_name: str) -> None:
    """Refuses inputs that do not fit a layer's `input_spec`, a spec or a list of them.

    Raises:
      ValueError: if one does not fit.
    """
    if specs is None:
        return
    specs = specs if isinstance(specs, (list, tuple)) else [specs]
    if len(specs) != len(inputs):
        raise errors.value_error(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(inputs)} '
            f"input tensors. Inputs received: {inputs}"
        )
    for position, (spec, tensor) in enumerate(zip(specs, inputs)):
        problem = None if spec is None else spec.problem(tensor)
        if problem is not None:
            raise ValueError(
                errors.report(
                    f'Input {position} of layer "{layer_name}" is incompatible with the layer: '
                    f"{problem}",
                    facts=f"input: {errors.describe(tensor)}, created at {tensor.op.traceback}",
                    line=str(traceback_lib.capture()),
                    do="give the input the dims that the layer expects, for example with "
                    "tf.reshape, tf.expand_dims or tf.layers.flatten.",
                    see="arguments",
                )
            )
