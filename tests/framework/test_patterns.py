"""Patterns: how their lines are read, and that the declared ones make sense."""

from __future__ import annotations

import pytest

import minitf as tf  # whose ops declare patterns
from minitf.framework import op_def, patterns
from minitf.framework.patterns import Pattern


def test_lines_are_read() -> None:
    found = Pattern("b, c = Split(a)\nd = Add(b, c) | Sub(c, b)", "d = New(a)", lambda n, v: {})
    assert found.lines[0].outputs == ("b", "c")
    assert found.lines[1].inputs == {"Add": ("b", "c"), "Sub": ("c", "b")}
    assert found.vanishing == {"b", "c"}


@pytest.mark.parametrize("line", ["y = Square(x", "Square(x)", "y = x", "y = Square(x) | x", ""])
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="Cannot read the line"):
        Pattern(f"y = Abs(x)\n{line}\nz = Abs(y)", "z = New(x)", lambda n, v: {})


def test_declared_patterns_replace_ops_by_what_is_none() -> None:
    assert tf.nn.conv2d and len(list(patterns.all_patterns())) >= 4
    for pattern in patterns.all_patterns():
        made: set[str] = set()
        for line in pattern.lines:
            for name, inputs in line.inputs.items():
                assert len(op_def.get(name).inputs) == len(inputs)
                assert not made or made & set(inputs)
            made.update(line.outputs)
        for line in pattern.new_lines:
            ((name, inputs),) = line.inputs.items()
            declared = patterns.find(name)
            assert op_def.find(name) is None and declared.kernel_takes_out
            assert (len(declared.inputs), len(declared.outputs)) == (len(inputs), len(line.outputs))
            assert made & set(line.outputs)
