"""With this module a profile becomes a table for the terminal.

op type                       calls        time       %      memory
Conv2DBackpropFilter              1     2.67 ms  13.3 %     0.20 MB
MatMul                            6     6.96 ms  34.6 %    13.70 MB
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from minitf.framework import errors
from minitf.profiler.nodes import Entry


class Column(NamedTuple):
    """A column of the table: its head, the measure that it shows, and how that is written."""

    head: str
    measure: str
    text: Callable[[float], str]


def _time(micros: float) -> str:
    if micros >= 1e6:
        return f"{micros / 1e6:.2f} s"
    return f"{micros / 1e3:.2f} ms" if micros >= 1e3 else f"{micros:.0f} us"


def _size(nbytes: float) -> str:
    if nbytes >= 1e6:
        return f"{nbytes / 1e6:.2f} MB"
    return f"{nbytes / 1e3:.2f} kB" if nbytes >= 1e3 else f"{nbytes:.0f} B"


def _count(number: float) -> str:
    return f"{number:,.0f}"


# By the names that `select` and `order_by` use.
COLUMNS = {
    "occurrence": Column("calls", "run_count", _count),
    "micros": Column("time", "exec_micros", _time),
    "bytes": Column("memory", "requested_bytes", _size),
    "params": Column("parameters", "parameters", _count),
    "float_ops": Column("float ops", "float_ops", _count),
}

# What is a time or a memory on accelerators and the like is the same here.
_SAME = {
    "cpu_micros": "micros",
    "accelerator_micros": "micros",
    "peak_bytes": "bytes",
    "residual_bytes": "bytes",
    "output_bytes": "bytes",
}
_LEAST = {
    "min_micros": "exec_micros",
    "min_bytes": "requested_bytes",
    "min_params": "parameters",
    "min_float_ops": "float_ops",
    "min_occurrence": "definition_count",
}


def known_column(name: str) -> str:
    """The column that an option means.

    Raises:
      ValueError: if there is none of that name.
    """
    name = _SAME.get(name, name)
    if name not in COLUMNS and name not in ("name", "device", "op_types", "input_shapes"):
        raise errors.value_error(f"A profile has no {name!r}; it has {['name', *COLUMNS]}.")
    return name


def arranged(root: Entry, options: dict[str, Any], is_tree: bool) -> Entry:
    """Leaves out what the options hide, orders the rest, and adds it up again if they say so."""
    order = known_column(options["order_by"])
    prefix = "total_" if is_tree else ""
    for entry in [entry for entry, _ in root.walk()]:
        entry.children = [c for c in entry.children if _is_wanted(c, options, is_tree)]
        if order in COLUMNS:
            measure = prefix + COLUMNS[order].measure
            entry.children.sort(key=lambda child: -getattr(child, measure))
        else:
            entry.children.sort(key=lambda child: child.name)
    if options["account_displayed_op_only"]:
        root.add_up()
    return root


def _is_wanted(entry: Entry, options: dict[str, Any], is_tree: bool) -> bool:
    """Whether to show an entry; a scope is shown for what is below it."""
    if _matches(entry.name, options["trim_name_regexes"]):
        return False
    within = [each for each, _ in entry.walk()] if is_tree else [entry]
    return any(_is_shown(each, options) for each in within)


def _is_shown(entry: Entry, options: dict[str, Any]) -> bool:
    least = all(
        getattr(entry, measure) >= options[option] or not options[option]
        for option, measure in _LEAST.items()
        if option in ("min_params", "min_float_ops", "min_occurrence")
    )
    # As in TensorFlow, either enough time or enough memory will do.
    asked = [option for option in ("min_micros", "min_bytes") if options[option]]
    enough = not asked or any(getattr(entry, _LEAST[o]) >= options[o] for o in asked)
    return (
        least
        and enough
        and _matches(entry.name, options["show_name_regexes"])
        and not _matches(entry.name, options["hide_name_regexes"])
    )


def _matches(name: str, regexes: list[str]) -> bool:
    return any(re.match(regex, name) for regex in regexes)


def table(root: Entry, options: dict[str, Any], head: str, is_tree: bool) -> str:
    """The entries as text, one a line.

    Args:
      root: what to show.
      options: which columns, and how deep.
      head: of the column of names.
      is_tree: whether entries are indented, and show what is below them too.
    """
    names = dict.fromkeys(known_column(name) for name in options["select"])
    columns = [COLUMNS[name] for name in COLUMNS if name in names or name == "occurrence"]
    if not root.total_run_count:  # nothing ran
        columns = [column for column in columns if column.measure != "run_count"]
    entries = [(entry, depth) for entry, depth in root.walk() if depth <= options["max_depth"]]
    rows = [[head, *_heads(columns)]]
    for entry, depth in entries[1:]:
        name = "  " * (depth - 1) + (entry.name.rpartition("/")[2] if is_tree else entry.name)
        rows.append([name, *_cells(entry, root, columns, "total_" if is_tree else "")])
    rows.append(["total", *_cells(root, root, columns, "total_")])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _heads(columns: list[Column]) -> list[str]:
    heads = []
    for column in columns:
        heads.append(column.head)
        if column.measure == "exec_micros":
            heads.append("%")
    return heads


def _cells(entry: Entry, root: Entry, columns: list[Column], prefix: str) -> list[str]:
    cells = []
    for column in columns:
        value = getattr(entry, prefix + column.measure)
        cells.append(column.text(value))
        if column.measure == "exec_micros":
            cells.append(f"{100 * value / (root.total_exec_micros or 1):.1f}")
    return cells
