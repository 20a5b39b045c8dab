"""With this module one can say which array a Python value stands for, by TensorFlow's rules."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.tensor_shape import Dimension, TensorShape


def as_array(value: Any, dtype: Any = None) -> Any:
    """The numpy array, in C order and of its own, that a Python value stands for.

    Python numbers take the dtype asked for only where nothing is lost: 2.5 is no int32, and 300 no
    uint8. A numpy array is cast, as TensorFlow does.

    Raises:
      TypeError: if the value, or one in it, is of another kind than the dtype.
      ValueError: if rows have different lengths, or a number is out of the dtype's range.
    """
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype).base_dtype
    if type(value) is float and (dtype is None or dtype.is_floating):
        return np.array(value, dtype=(dtype or dtypes.float32).as_numpy_dtype)
    if value is None:
        raise ValueError(
            errors.report(
                "None values not supported.",
                do="give a number, a string or an array.",
                see="values",
            )
        )
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        wanted = dtype if dtype is not None else dtypes.as_dtype(array.dtype)
        return _cast(array, wanted)
    array = _nested_to_array(value.as_list() if isinstance(value, TensorShape) else value)
    if array.dtype == object and not _has_text(array):
        return _foreign_numbers(value, array, dtype)
    if dtype is None:
        return _cast(array, _natural_dtype(array))
    _check_fits(value, array, dtype)
    return _cast(array, dtype)


def _nested_to_array(value: Any) -> Any:
    try:
        array = np.array(value)
    except NotImplementedError:  # what a tensor says to numpy
        raise TypeError(
            errors.report(
                "Expected any non-tensor type, but got a tensor instead.",
                facts=f"given: {errors.brief(value)}",
                do="a tensor is one already; tf.stack puts several into one.",
                see="values",
            )
        ) from None
    except UnicodeDecodeError:  # bytes that are no text, beside text
        _refuse_mixed(value)
        return np.array(value, dtype=object)
    except ValueError:
        raise ValueError(
            errors.report(
                f"Cannot make a tensor from {errors.brief(value)}: its rows have different "
                "lengths.",
                do="give rows of one length; fill up shorter ones.",
                see="values",
            )
        ) from None
    if array.dtype.kind == "U":
        # numpy turns a number among strings into text; TensorFlow refuses the mix.
        _refuse_mixed(value)
        return np.array(value, dtype=object)
    if array.dtype.kind == "S":
        return np.array(value, dtype=object)  # numpy's own bytes type drops trailing zeros
    return array


def _has_text(array: Any) -> bool:
    return any(isinstance(item, (str, bytes)) for item in array.reshape(-1))


def _foreign_numbers(value: Any, array: Any, dtype: dtypes.DType | None) -> Any:
    """An array from objects that numpy has no type for: large ints, fractions, Dimensions."""
    numpy_dtype = np.dtype(object if dtype is None else dtype.as_numpy_dtype)
    accepted: Any = {"i": _INTEGERS, "u": _INTEGERS, "f": Real, "c": Real}.get(numpy_dtype.kind, ())
    for item in array.reshape(-1):
        if not isinstance(item, accepted):
            large = isinstance(item, int)
            raise TypeError(
                errors.report(
                    f"Failed to convert elements of {errors.brief(value)} to Tensor: "
                    f"{errors.brief(item)}" + (" is too large." if large else "."),
                    facts=f"element: of type {type(item).__name__!r}",
                    do="give numbers, strings, bools, arrays, or nested lists of these.",
                    see="values",
                )
            )
    try:
        return np.array(array, dtype=numpy_dtype)
    except OverflowError:
        raise ValueError(_out_of_range(value, dtype)) from None


_INTEGERS = (Integral, Dimension)


def _leaves(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, np.ndarray):
        yield from value.reshape(-1).tolist()
    else:
        yield value


def _refuse_mixed(value: Any) -> None:
    for leaf in _leaves(value):
        if not isinstance(leaf, (str, bytes)):
            raise TypeError(_unexpected(dtypes.string, leaf))


def _unexpected(dtype: dtypes.DType, leaf: Any) -> str:
    return errors.report(
        f"Expected {dtype.name}, but got {errors.brief(leaf)} of type '{type(leaf).__name__}'.",
        do=f"convert it to {dtype.name} first, or ask for the dtype that it has.",
        see="values",
    )


def _out_of_range(value: Any, dtype: Any) -> str:
    return errors.report(
        f"{errors.brief(value)} is outside the range of {dtype.name}.",
        do="use a larger dtype, such as tf.int64.",
        see="values",
    )


def _natural_dtype(array: Any) -> dtypes.DType:
    if array.dtype.kind == "f" and array.dtype != np.float16:
        return dtypes.float32
    if array.dtype == np.int64:
        bounds = np.iinfo(np.int32)
        fits = array.size == 0 or (array.min() >= bounds.min and array.max() <= bounds.max)
        return dtypes.int32 if fits else dtypes.int64
    return dtypes.as_dtype(array.dtype)


# Kinds of numpy dtypes: for each one, what may be given where it is asked for.
_ACCEPTS = {"b": "b", "i": "biu", "u": "biu", "f": "biuf", "c": "biufc", "O": "OSU"}


def _check_fits(value: Any, array: Any, dtype: dtypes.DType) -> None:
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    if array.dtype.kind not in _ACCEPTS[numpy_dtype.kind] and array.size:
        for leaf in _leaves(value):
            leaf_array = np.asarray(leaf)
            if leaf_array.dtype.kind not in _ACCEPTS[numpy_dtype.kind]:
                raise TypeError(_unexpected(dtype, leaf))
    if numpy_dtype.kind in "iu" and array.size:
        bounds = np.iinfo(numpy_dtype)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise ValueError(_out_of_range(value, dtype))


def _cast(array: Any, dtype: dtypes.DType) -> Any:
    if dtype is dtypes.string:
        return _bytes_array(array)
    return np.array(array, dtype=dtype.as_numpy_dtype, order="C")


def _bytes_array(array: Any) -> Any:
    flat = []
    for item in array.reshape(-1).tolist():
        if not isinstance(item, (str, bytes)):
            raise TypeError(_unexpected(dtypes.string, item))
        flat.append(item.encode() if isinstance(item, str) else bytes(item))
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)
