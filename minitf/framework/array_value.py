"""With this module one can say which array a Python value stands for, by TensorFlow's rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes


def as_array(value: Any, dtype: Any = None) -> Any:
    """The numpy array, in C order and of its own, that a Python value stands for.

    Python numbers take the dtype asked for only where nothing is lost: 2.5 is no int32 and True
    no number, as in TensorFlow. A numpy array is cast.
    """
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype).base_dtype
    if value is None:
        raise ValueError("None values not supported.")
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        wanted = dtype if dtype is not None else dtypes.as_dtype(array.dtype)
        return _cast(array, wanted)
    array = _nested_to_array(value)
    if dtype is None:
        return _cast(array, _natural_dtype(array))
    _check_fits(value, array, dtype)
    return _cast(array, dtype)


def _nested_to_array(value: Any) -> Any:
    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError(
            f"Cannot make a tensor from {value!r}: its rows have different lengths ({error})."
        ) from None
    if array.dtype == object and any(isinstance(v, (str, bytes)) for v in array.reshape(-1)):
        return array
    if array.dtype == object:
        bad = [v for v in array.reshape(-1) if not isinstance(v, int)]
        if not bad:
            raise ValueError(f"Cannot make a tensor from {value!r}: a number is too large.")
        raise TypeError(f"Failed to convert elements of {value!r} to Tensor: {bad[0]!r}.")
    if array.dtype.kind == "U":
        # numpy turns a number among strings into text; TensorFlow refuses the mix.
        _refuse_mixed(value)
        return np.array(value, dtype=object)
    if array.dtype.kind == "S":
        return np.array(value, dtype=object)  # numpy's own bytes type drops trailing zeros
    return array


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
            raise TypeError(f"Expected string, but got {leaf!r} of type '{type(leaf).__name__}'.")


def _natural_dtype(array: Any) -> dtypes.DType:
    if array.dtype.kind == "f" and array.dtype != np.float16:
        return dtypes.float32
    if array.dtype.kind == "i":
        bounds = np.iinfo(np.int32)
        fits = array.size == 0 or (array.min() >= bounds.min and array.max() <= bounds.max)
        return dtypes.int32 if fits else dtypes.int64
    return dtypes.as_dtype(array.dtype)


_ACCEPTS = {"b": "b", "i": "iu", "u": "iu", "f": "iuf", "c": "iufc", "O": "OSU"}


def _check_fits(value: Any, array: Any, dtype: dtypes.DType) -> None:
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    if array.dtype.kind not in _ACCEPTS[numpy_dtype.kind] and array.size:
        for leaf in _leaves(value):
            leaf_array = np.asarray(leaf)
            if leaf_array.dtype.kind not in _ACCEPTS[numpy_dtype.kind]:
                raise TypeError(
                    f"Expected {dtype.name}, but got {leaf!r} of type '{type(leaf).__name__}'."
                )
    if numpy_dtype.kind in "iu" and array.size:
        bounds = np.iinfo(numpy_dtype)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise ValueError(f"{value!r} is outside the range of {dtype.name}.")


def _cast(array: Any, dtype: dtypes.DType) -> Any:
    if dtype is dtypes.string:
        return _bytes_array(array)
    return np.array(array, dtype=dtype.as_numpy_dtype, order="C")


def _bytes_array(array: Any) -> Any:
    flat = [v.encode() if isinstance(v, str) else v for v in array.reshape(-1).tolist()]
    for item in flat:
        if not isinstance(item, bytes):
            raise TypeError(f"Expected string, but got {item!r} of type '{type(item).__name__}'.")
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)
