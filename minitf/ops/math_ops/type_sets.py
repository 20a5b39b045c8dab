"""With this module one can name the dtypes that several declarations of mathematics allow."""

from __future__ import annotations

_SIGNED_REAL = "float16, float32, float64, int8, int16, int32, int64"

SIGNED_REAL = f"T: {{{_SIGNED_REAL}}}"
SIGNED = f"T: {{{_SIGNED_REAL}, complex64, complex128}}"
SIGNED_OR_STRING = f"T: {{{_SIGNED_REAL}, uint8, complex64, complex128, string}}"
