"""Entries of the op table of random programs: order, branches, scopes, variables that change."""

from __future__ import annotations

import numpy as np

from tests.parity.random_graphs import (
    COMPLEX,
    NUMBERS,
    Maker,
    entry,
)

ALL = NUMBERS + ("bool",) + COMPLEX


@entry
def stop_gradient(m: Maker) -> None:
    m.emit(f"tf.stop_gradient({m.pick()})")


@entry
def identity_n(m: Maker) -> None:
    x = m.pick(ALL)
    m.emit(f"tf.identity_n([{x}, {m.pick(ALL)}])", 2)


@entry
def tuple_(m: Maker) -> None:
    """Both or none."""
    x = m.pick(ALL)
    m.emit(f"tf.tuple([{x}, {m.pick(ALL)}])", 2)


@entry
def check_numerics(m: Maker) -> None:
    m.emit(f"tf.check_numerics({m.pick()}, 'a message')")


@entry
def with_dependencies(m: Maker) -> None:
    x = m.pick(ALL)
    name = m.name()
    code = (
        f"with tf.control_dependencies([tf.assert_equal({x}, {x})]):\n"
        f"    {name} = tf.identity({x}, name='checked')"
    )
    if np.any(x.array != x.array):
        code = f"with tf.control_dependencies([tf.no_op()]):\n    {name} = tf.identity({x})"
    m.add(code, [name])


@entry
def named(m: Maker) -> None:
    """Nodes with a name of their own, in a scope that is entered twice."""
    x = m.pick()
    m.emit(f"tf.multiply({x}, 0.5, name='half')")
    name = m.name()
    m.add(f"with tf.name_scope('scope', values=[{x}]):\n    {name} = tf.add({x}, 1.0)", [name])


# Bodies of branches, of two operands of one dtype and shape.
_BODIES = (
    "tf.identity({0})",
    "tf.multiply({0}, {1})",
    "tf.add({0}, {1})",
    "tf.tanh({0})",
    "tf.maximum({0}, {1})",
    "tf.square({1})",
    "tf.zeros_like({0})",
    "{0} * 2.0",
    "tf.reduce_sum({0}) + {1}",
    "tf.cond(tf.reduce_all(tf.equal({0}, {0})), lambda: {0} + {1}, lambda: tf.negative({1}))",
)


@entry
def cond(m: Maker) -> None:
    x = m.pick()
    y = m.like(x)
    which = m.operand("bool", [])
    first, second = m.choose(_BODIES).format(x, y), m.choose(_BODIES).format(x, y)
    m.emit(f"tf.cond({which}, lambda: {first}, lambda: {second})")


@entry
def cond_of_two(m: Maker) -> None:
    x = m.pick()
    y = m.like(x)
    which = m.operand("bool", [])
    one, two = (m.choose(_BODIES).format(x, y) for _ in range(2))
    m.emit(f"tf.cond({which}, lambda: [{one}, {x}], lambda: [{two}, tf.negative({y})])", 2)


@entry
def cond_by_value(m: Maker) -> None:
    x = m.pick()
    m.emit(f"tf.cond(tf.reduce_sum({x}) > 0.3, lambda: tf.exp(-tf.abs({x})), lambda: 2.0 - {x})")


@entry
def case(m: Maker) -> None:
    x = m.pick()
    first, second = m.operand("bool", []), m.operand("bool", [])
    m.emit(
        f"tf.case([({first}, lambda: {x} + 1.0), ({second}, lambda: tf.sigmoid({x}))], "
        f"default=lambda: tf.negative({x}))"
    )


@entry
def changing_variable(m: Maker) -> None:
    """A variable, some changes of it in order, and what it is after each."""
    dtype = m.floating()
    start = m.pick((dtype,))
    variable, reads = m.name("v"), []
    initial = np.ones(start.shape, dtype)
    lines = [f"{variable} = tf.Variable(np.ones({list(initial.shape)}, '{dtype}'))"]
    before = f"{variable}.read_value() + 0.0"
    reads.append(m.name())
    lines.append(f"{reads[-1]} = {before}")
    for _ in range(m.integer(1, 3)):
        change = m.choose(("assign_add", "assign", "assign_sub"))
        operand = start if m.flag() else m.like(start)
        reads.append(m.name())
        lines += [
            f"with tf.control_dependencies([{reads[-2]}]):",
            f"    {reads[-1]} = tf.{change}({variable}, {operand})",
            f"with tf.control_dependencies([{reads[-1]}]):",
            f"    {reads[-1]} = {variable}.read_value() * 1.0",
        ]
    m.add("\n".join(lines), reads)
    m.inputs.append((variable, dtype, tuple(start.shape)))


@entry
def scattered_variable(m: Maker) -> None:
    """Rows of a variable are changed."""
    dtype = m.choose(("float32", "float64"))
    rows, at = m.integer(1, 4), [0, 0]
    at = [m.integer(0, rows - 1) for _ in at]
    if at[0] == at[1]:
        at = at[:1]
    updates = m.operand(dtype, [len(at), 2])
    variable, after = m.name("v"), m.name()
    change = m.choose(("update", "add", "sub", "mul", "max", "min"))
    m.add(
        f"{variable} = tf.Variable(np.full([{rows}, 2], 0.5, '{dtype}'))\n"
        f"with tf.control_dependencies([tf.scatter_{change}({variable}, {at}, {updates})]):\n"
        f"    {after} = {variable}.read_value() * 1.0",
        [after],
    )
