"""With this module one can look at checkpoints from a terminal: `minitf checkpoint show m-10`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minitf.checkpoint import state_file
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.framework import errors


def run(args: argparse.Namespace) -> int:
    """Does what the command line asks for; returns the exit code, 2 where that is not possible."""
    try:
        if args.action == "show":
            return _show(args.path, args.stats, args.match)
        if args.action == "verify":
            return _verify(args.paths)
        return _diff(args.first, args.second)
    except (errors.OpError, ValueError) as error:
        print(f"minitf: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the table has seen enough
        sys.stderr.close()
        return 0


def _open(path: str) -> BundleReader:
    from minitf.train.restore_check import as_prefix

    prefix = as_prefix(path)
    if not state_file.exists(prefix):
        raise errors.NotFoundError(
            None, None, f"there is no checkpoint {path}: no file {prefix}.index"
        )
    return BundleReader(prefix)


def _show(path: str, stats: bool, match: str) -> int:
    with _open(path) as reader:
        names = [name for name in reader.entries if match in name]
        header = ["name", "dtype", "shape", "bytes"] + (["min", "mean", "max"] if stats else [])
        rows = []
        for name in names:
            row = [name, reader.dtype(name).name, _shape(reader.shape(name)), _size(reader, name)]
            rows.append(row + (_statistics(reader.read(name)) if stats else []))
        total = sum(map(reader.size, names))
        print(reader.prefix)
        _print_table(header, rows)
        elements = sum(int(np.prod(reader.shape(name), dtype=np.int64)) for name in names)
        print(f"{len(names)} tensors, {elements:,} elements, {total:,} bytes")
    return 0


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _size(reader: BundleReader, name: str) -> str:
    return f"{reader.size(name):,}"


def _statistics(value: Any) -> list[str]:
    """Minimum, mean and maximum; of what has none, as far as there is anything to say."""
    if not value.size or value.dtype == object:
        return ["", "", ""]
    if value.dtype.kind == "c":
        return ["", f"{value.mean(dtype=np.complex128):.5g}", ""]
    if value.dtype.kind == "b":
        value = value.astype(np.uint8)
    numbers = value.min(), value.mean(dtype=np.float64), value.max()
    return [f"{float(number):.5g}" for number in numbers]


def _print_table(header: list[str], rows: Sequence[list[str]]) -> None:
    """Prints columns: texts to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [
            text.ljust(width) if i < 3 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _verify(paths: Iterable[str]) -> int:
    """Reads all of each checkpoint; returns 1 if one is not whole."""
    failed = 0
    for path in paths:
        try:
            with _open(path) as reader:
                for name in reader.entries:
                    reader.verify(name)
                total = sum(map(reader.size, reader.entries))
                print(f"{reader.prefix}: whole, {len(reader.entries)} tensors, {total:,} bytes")
        except (errors.OpError, ValueError) as error:
            failed = 1
            print(f"{os.fspath(path)}: {type(error).__name__}: {error}")
    return failed


def _diff(first: str, second: str) -> int:
    """Prints what two checkpoints do not have in common; returns 1 if there is anything."""
    with _open(first) as a, _open(second) as b:
        lines = [f"- {name}  only in {a.prefix}" for name in a.entries if name not in b.entries]
        lines += [f"+ {name}  only in {b.prefix}" for name in b.entries if name not in a.entries]
        same = 0
        for name in a.entries:
            if name in b.entries:
                difference = _difference(name, a, b)
                same += not difference
                lines += [f"~ {name}  {difference}"] if difference else []
    print("\n".join([*lines, f"{same} tensors are equal to the bit, {len(lines)} differ"]))
    return int(bool(lines))


def _difference(name: str, a: BundleReader, b: BundleReader) -> str:
    """In what a tensor of two checkpoints differs; "" if in nothing."""
    if a.dtype(name) is not b.dtype(name):
        return f"dtype {a.dtype(name).name}, {b.dtype(name).name}"
    if a.shape(name) != b.shape(name):
        return f"shape {_shape(a.shape(name))}, {_shape(b.shape(name))}"
    one, other = a.read(name), b.read(name)
    if one.dtype == object:
        count = sum(map(lambda x, y: x != y, one.reshape(-1), other.reshape(-1)))
        return f"{count} of {one.size} texts differ" if count else ""
    if one.tobytes() == other.tobytes():
        return ""
    count = int(np.count_nonzero(one != other))
    if one.dtype.kind == "b":
        return f"{count} of {one.size} elements differ"
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    apart = np.abs(one.astype(wide) - other.astype(wide)).max()
    return f"{count} of {one.size} elements differ, by at most {apart:.5g}"
