"""tf.compat: text and bytes, and what counts as a number."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from tests.engines import ENGINES, load


@pytest.fixture(params=ENGINES)
def compat(request: pytest.FixtureRequest) -> Any:
    return load(request.param).compat


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        ("as_bytes", ("é",), b"\xc3\xa9"),
        ("as_bytes", ("é", "latin1"), b"\xe9"),
        ("as_bytes", (b"\xff",), b"\xff"),
        ("as_bytes", (bytearray(b"x"),), b"x"),
        ("as_text", (b"\xc3\xa9",), "é"),
        ("as_text", (b"\xe9", "latin1"), "é"),
        ("as_text", ("x",), "x"),
        ("as_str", (b"x",), "x"),
        ("as_str", ("x", "ascii"), "x"),
        ("as_str_any", (b"x",), "x"),
        ("as_str_any", ("x",), "x"),
        ("as_str_any", (5,), "5"),
        ("as_str_any", ([1],), "[1]"),
        ("path_to_str", (pathlib.Path("/a/b"),), "/a/b"),
        ("path_to_str", ("a",), "a"),
        ("path_to_str", (b"a",), b"a"),
        ("path_to_str", (5,), 5),
        ("dimension_value", (3,), 3),
        ("dimension_value", (None,), None),
    ],
)
def test_conversions(compat: Any, function: str, arguments: Any, result: Any) -> None:
    converted = getattr(compat, function)(*arguments)
    assert converted == result and type(converted) is type(result)


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        ("as_bytes", (5,), TypeError),
        ("as_text", (None,), TypeError),
        ("as_text", (bytearray(b"x"),), TypeError),
        ("as_str", (5,), TypeError),
        ("as_text", (b"\xff",), UnicodeDecodeError),
        ("as_bytes", ("é", "ascii"), UnicodeEncodeError),
        ("as_bytes", ("x", "no such encoding"), LookupError),
    ],
)
def test_what_cannot_be_converted(compat: Any, function: str, arguments: Any, error: Any) -> None:
    with pytest.raises(error) as raised:
        getattr(compat, function)(*arguments)
    if error is TypeError:
        first, *_ = str(raised.value).splitlines()
        assert first == f"Expected binary or unicode string, got {arguments[0]!r}"


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (3, {"integral", "real", "complex"}),
        (np.uint8(3), {"integral", "real", "complex"}),
        (3.0, {"real", "complex"}),
        (np.float16(3), {"real", "complex"}),
        (3j, {"complex"}),
        (np.complex64(3), {"complex"}),
        ("3", {"bytes_or_text"}),
        (b"3", {"bytes_or_text"}),
        (None, set()),
    ],
)
def test_kinds(compat: Any, value: Any, kinds: set[str]) -> None:
    names = ("integral", "real", "complex", "bytes_or_text")
    assert {n for n in names if isinstance(value, getattr(compat, f"{n}_types"))} == kinds
