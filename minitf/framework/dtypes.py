"""With this module one can name the types of a tensor's elements: `tf.float32`, `tf.int64_ref`.

A dtype has TensorFlow's name and number. A `_ref` dtype, numbered 100 higher, is the type of a
variable's own output: not a value but the place that holds one.

>>> import minitf as tf
>>> tf.float32
tf.float32
>>> tf.as_dtype("int64").as_numpy_dtype
<class 'numpy.int64'>
>>> tf.float32.as_datatype_enum
1
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors

_REF_OFFSET = 100


class DType:
    """The type of the elements of a tensor (mirrors `tf.DType`).

    There is one object for each type, so dtypes may be compared with `is`; `==` accepts
    anything that `as_dtype` accepts.
    """

    __slots__ = ("_enum", "_is_ref", "_name", "_numpy", "_partner")

    _partner: DType

    def __init__(self, name: str, enum: int, numpy_type: Any, is_ref: bool = False) -> None:
        self._name = name
        self._enum = enum
        self._numpy = numpy_type
        self._is_ref = is_ref

    @property
    def name(self) -> str:
        """TensorFlow's name, such as "float32" or "float32_ref"."""
        return self._name

    @property
    def as_datatype_enum(self) -> int:
        """The number of this type in TensorFlow's `DataType` enumeration."""
        return self._enum

    @property
    def as_numpy_dtype(self) -> Any:
        """The numpy scalar type; `object` for strings.

        Raises:
          TypeError: if numpy has no such type.
        """
        if self._numpy is None:
            raise errors.type_error(f"{self!r} has no numpy type.", see="dtypes-that-do-not-fit")
        return self._numpy

    @property
    def base_dtype(self) -> DType:
        """The type of the value: this type without `_ref`."""
        return self._partner if self._is_ref else self

    @property
    def _as_ref(self) -> DType:
        """The type of a variable that holds values of this type."""
        return self if self._is_ref else self._partner

    @property
    def _is_ref_dtype(self) -> bool:
        return self._is_ref

    @property
    def real_dtype(self) -> DType:
        """The type of the real part: float32 for complex64, itself for real types."""
        return {complex64: float32, complex128: float64}.get(self.base_dtype, self)

    @property
    def is_numpy_compatible(self) -> bool:
        """Whether numpy has this type."""
        return self._numpy is not None

    @property
    def is_bool(self) -> bool:
        """Whether this is the boolean type."""
        return self.base_dtype is bool_

    @property
    def is_floating(self) -> bool:
        """Whether this is a (non-complex) floating-point type."""
        return self.base_dtype in _FLOATING

    @property
    def is_complex(self) -> bool:
        """Whether this is a complex type."""
        return self.base_dtype in (complex64, complex128)

    @property
    def is_integer(self) -> bool:
        """Whether this is a (non-quantized) integer type."""
        return self.base_dtype in _INTEGER

    @property
    def is_unsigned(self) -> bool:
        """Whether this is an unsigned integer type."""
        return self.base_dtype in (uint8, uint16, uint32, uint64)

    @property
    def is_quantized(self) -> bool:
        """Whether this is a quantized type; minitf computes with none of them."""
        return self._name.startswith(("qint", "quint"))

    @property
    def size(self) -> int:
        """Bytes per element; 1 for types that numpy does not have, as TensorFlow says."""
        if self._numpy is None or self.base_dtype is string:
            return 1
        return int(np.dtype(self._numpy).itemsize)

    @property
    def min(self) -> Any:
        """The smallest finite value.

        Raises:
          TypeError: for types without an order: strings and complex numbers.
        """
        return self._limit("min")

    @property
    def max(self) -> Any:
        """The largest finite value.

        Raises:
          TypeError: for types without an order: strings and complex numbers.
        """
        return self._limit("max")

    def _limit(self, which: str) -> Any:
        if self.is_bool:
            return which == "max"
        if self.is_floating and self._numpy is not None:
            return getattr(np.finfo(self._numpy), which)
        if self.is_integer:
            return getattr(np.iinfo(self._numpy), which)
        raise errors.type_error(f"{self!r} has no {which}imum value.", see="dtypes-that-do-not-fit")

    @property
    def limits(self) -> tuple[Any, Any]:
        """The range of intensities that images of this type use: 0..255, or 0..1 for floats."""
        if self.is_floating:
            return 0, 1
        return (0 if self.is_integer else self.min), self.max

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a value of type `other` may stand where this type is asked for.

        A reference may stand where its value is asked for; the other way round it may not.
        """
        other = as_dtype(other)
        return self is other or self is other.base_dtype

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        if other is None:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return self._enum

    def __int__(self) -> int:
        return self._enum

    def __repr__(self) -> str:
        return f"tf.{self._name}"

    def __str__(self) -> str:
        return f"<dtype: {self._name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self._name,)


_BY_ENUM: dict[int, DType] = {}
_BY_NAME: dict[str, DType] = {}


def _define(name: str, enum: int, numpy_type: Any) -> DType:
    value = DType(name, enum, numpy_type)
    ref = DType(f"{name}_ref", enum + _REF_OFFSET, numpy_type, is_ref=True)
    value._partner, ref._partner = ref, value
    for dtype in (value, ref):
        _BY_ENUM[dtype.as_datatype_enum] = dtype
        _BY_NAME[dtype.name] = dtype
    return value


float32 = _define("float32", 1, np.float32)
float64 = _define("float64", 2, np.float64)
int32 = _define("int32", 3, np.int32)
uint8 = _define("uint8", 4, np.uint8)
int16 = _define("int16", 5, np.int16)
int8 = _define("int8", 6, np.int8)
string = _define("string", 7, np.object_)
complex64 = _define("complex64", 8, np.complex64)
int64 = _define("int64", 9, np.int64)
bool_ = _define("bool", 10, np.bool_)
qint8 = _define("qint8", 11, None)
quint8 = _define("quint8", 12, None)
qint32 = _define("qint32", 13, None)
bfloat16 = _define("bfloat16", 14, None)
qint16 = _define("qint16", 15, None)
quint16 = _define("quint16", 16, None)
uint16 = _define("uint16", 17, np.uint16)
complex128 = _define("complex128", 18, np.complex128)
float16 = _define("float16", 19, np.float16)
resource = _define("resource", 20, None)
variant = _define("variant", 21, None)
uint32 = _define("uint32", 22, np.uint32)
uint64 = _define("uint64", 23, np.uint64)

_FLOATING = (float32, float64, float16, bfloat16)
_INTEGER = (int32, int64, int16, int8, uint8, uint16, uint32, uint64)

_BY_NAME.update(
    {
        "half": float16,
        "float": float32,
        "double": float64,
        "half_ref": float16._as_ref,
        "float_ref": float32._as_ref,
        "double_ref": float64._as_ref,
    }
)
_BY_NUMPY: dict[Any, DType] = {
    np.dtype(d._numpy): d for d in _BY_ENUM.values() if d._numpy is not None and not d._is_ref
}
_BY_PYTHON: dict[Any, DType] = {
    float: float32,
    int: int64,
    bool: bool_,
    str: string,
    bytes: string,
    complex: complex128,
    object: string,
}


def as_dtype(type_value: Any) -> DType:
    """Converts a dtype's name, number, numpy type or Python type to a `DType`.

    Mirrors `tf.as_dtype`: Python's `float` is `tf.float32` and Python's `int` is `tf.int64`.

    Raises:
      TypeError: if `type_value` names no type.

    >>> import numpy as np
    >>> as_dtype(np.float64), as_dtype("half"), as_dtype(9)
    (tf.float64, tf.float16, tf.int64)
    """
    if isinstance(type_value, DType):
        return type_value
    if isinstance(type_value, np.dtype) and type_value in _BY_NUMPY:
        return _BY_NUMPY[type_value]
    try:
        found = _BY_PYTHON.get(type_value) or _BY_NAME.get(type_value) or _BY_ENUM.get(type_value)
    except TypeError:  # an unhashable value names no type
        found = None
    if found is not None:
        return found
    inner = getattr(type_value, "dtype", None)
    if isinstance(inner, DType):
        return inner
    try:  # numpy reads None as float64, which TensorFlow does not
        numpy_dtype = None if type_value is None else np.dtype(type_value)
    except TypeError:
        numpy_dtype = None
    if numpy_dtype is not None:
        if numpy_dtype.kind in "SU":
            return string
        found = _BY_NUMPY.get(numpy_dtype.newbyteorder("="))
        if found is not None:
            return found
    raise errors.type_error(
        f"Cannot convert {type_value!r} to a TensorFlow DType. "
        "Use a tf dtype such as tf.float32, its name, or a numpy type.",
        see="dtypes-that-do-not-fit",
    )
