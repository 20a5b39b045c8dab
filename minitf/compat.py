"""With this module one can turn text into bytes and back, and tell kinds of numbers apart.

It mirrors `tf.compat`, which TensorFlow 1.x scripts use to run on Python 2 and 3 alike.

>>> import minitf as tf
>>> tf.compat.as_bytes("caf\\u00e9"), tf.compat.as_text(b"caf\\xc3\\xa9")
(b'caf\\xc3\\xa9', 'café')
>>> isinstance(np.int64(3), tf.compat.integral_types), isinstance(3.0, tf.compat.integral_types)
(True, False)
"""

from __future__ import annotations

import numbers
import os
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.tensor_shape import dimension_at_index as dimension_at_index
from minitf.framework.tensor_shape import dimension_value as dimension_value

# For the second argument of `isinstance`, numpy's scalars included.
bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)


def as_bytes(bytes_or_text: str | bytes | bytearray, encoding: str = "utf-8") -> bytes:
    """Returns bytes, encoding text (mirrors `tf.compat.as_bytes`).

    Raises:
      TypeError: the argument is neither text nor bytes.
      UnicodeEncodeError: the encoding cannot express the text.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text)
    raise errors.type_error(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: str | bytes, encoding: str = "utf-8") -> str:
    """Returns text, decoding bytes (mirrors `tf.compat.as_text`).

    Raises:
      TypeError: the argument is neither text nor bytes.
      UnicodeDecodeError: the bytes are not text in this encoding.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise errors.type_error(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_str(bytes_or_text: str | bytes, encoding: str = "utf-8") -> str:
    """Returns a `str`; the same as `as_text` on Python 3 (mirrors `tf.compat.as_str`)."""
    return as_text(bytes_or_text, encoding)


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Returns `str(value)`, or bytes decoded (mirrors `tf.compat.as_str_any`).

    >>> as_str_any(b"x"), as_str_any(5)
    ('x', '5')
    """
    return as_str(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """Returns the text of a path-like object, anything else unchanged (`tf.compat.path_to_str`).

    >>> import pathlib
    >>> path_to_str(pathlib.PurePosixPath("a", "b"))
    'a/b'
    """
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path
