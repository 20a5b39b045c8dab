"""With this module one can turn Python values, arrays, variables and the like into tensors.

How each type of object becomes a tensor is registered, by `minitf.ops` for numbers, arrays, lists
and variables, and by anyone for types of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.tensor import IndexedSlices, Tensor

ConversionFunction = Callable[..., Any]  # (value, dtype=None, name=None, as_ref=False) -> Tensor

_CONVERSIONS: list[tuple[int, tuple[type, ...], ConversionFunction]] = []
_by_type: dict[type, list[ConversionFunction]] = {}


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...],
    conversion_func: ConversionFunction,
    priority: int = 100,
) -> None:
    """Says how objects of a type become tensors.

    Mirrors `tf.register_tensor_conversion_function`.

    Args:
      base_type: the type, or several; subclasses count too.
      conversion_func: `(value, dtype, name, as_ref)` to a tensor, or NotImplemented to let
        another function try.
      priority: lower ones are tried first.
    """
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    _CONVERSIONS.append((priority, types, conversion_func))
    _CONVERSIONS.sort(key=lambda entry: entry[0])
    _by_type.clear()


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    as_ref: bool = False,
) -> Tensor:
    """Converts a value to a tensor (mirrors `tf.convert_to_tensor`).

    Args:
      value: a tensor, variable, number, string, array or nested list of these.
      dtype: the dtype that is asked for; taken from the value if None.
      name: the name of the constant, if one is made.
      preferred_dtype: a dtype to try first where `dtype` is None.
      as_ref: whether a variable becomes its reference instead of its value.

    Raises:
      TypeError: if no conversion is known, or the value does not fit the dtype.
      ValueError: if `value` is a tensor of another dtype.
      RuntimeError: if the type's conversion function does not return a tensor.

    >>> import minitf as tf
    >>> tf.convert_to_tensor([[1, 2]], dtype=tf.float32)
    <tf.Tensor 'Const:0' shape=(1, 2) dtype=float32>
    """
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, Tensor):
        if dtype is not None and not dtype.is_compatible_with(value.dtype):
            raise ValueError(
                errors.report(
                    f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                    f"{value.dtype.name}.",
                    facts=f"tensor: {errors.describe(value)}, created at {value.op.traceback}",
                    do=f"use tf.cast(x, tf.{dtype.name}).",
                    see="dtypes-that-do-not-fit",
                )
            )
        return value
    functions = _by_type.get(type(value))
    if functions is None:
        functions = [f for _, types, f in _CONVERSIONS if isinstance(value, types)]
        _by_type[type(value)] = functions
    for function in functions:
        result = NotImplemented
        if dtype is None and preferred_dtype is not None:
            try:
                preferred = dtypes.as_dtype(preferred_dtype)
                result = function(value, dtype=preferred, name=name, as_ref=as_ref)
            except (TypeError, ValueError):
                result = NotImplemented
        if result is NotImplemented:
            result = function(value, dtype=dtype, name=name, as_ref=as_ref)
        if result is not NotImplemented:
            return _checked_result(function, value, result)
    raise TypeError(
        errors.report(
            f"Cannot convert {errors.brief(value)} with type {type(value)} to a Tensor: no "
            "conversion function is registered for this type.",
            do="give a number, a string, a numpy array, or a nested list of these.",
            see="values",
        )
    )


def _checked_result(function: ConversionFunction, value: Any, result: Any) -> Tensor:
    if not isinstance(result, Tensor):
        raise RuntimeError(
            errors.report(
                f"Conversion function {function!r} for type {type(value)} returned non-Tensor: "
                f"{errors.brief(result)}",
                do="return a tensor, or NotImplemented to let another function try.",
                see="values",
            )
        )
    return result


def convert_n_to_tensor_or_indexed_slices(values: Any) -> list[Any]:
    """Converts each of several values, leaving None and `IndexedSlices` as they are."""
    return [
        v if v is None or isinstance(v, IndexedSlices) else convert_to_tensor(v) for v in values
    ]
