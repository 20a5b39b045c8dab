"""With this module a restore that cannot succeed says so before it changes anything."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minitf.checkpoint import slices, state_file
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.framework import dtypes, errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor_shape import TensorShape, unknown_shape
from minitf.runtime.session import BaseSession
from minitf.train import checkpoint_management


@dataclass(frozen=True)
class Wanted:
    """What a graph wants of a checkpoint.

    Attributes:
      name: the tensor's name there.
      dtype: what it is to be.
      shape: the variable's; unknown if any will do.
      spec: the part, or "".
      op: the variable's node.
    """

    name: str
    dtype: dtypes.DType
    shape: TensorShape
    spec: str
    op: Operation | None


# How often a checkpoint is restored that is overwritten meanwhile.
_ATTEMPTS = 100


def restore(sess: BaseSession, saver_def: Any, prefix: str) -> None:
    """Runs the nodes that restore, once the checkpoint fits.

    Where several of them read it, each opens the files for itself: if a save has put others in
    their place meanwhile, they are run again.

    Args:
      sess: the session.
      saver_def: the `SaverDef` that names the nodes.
      prefix: the checkpoint's.

    Raises:
      NotFoundError, InvalidArgumentError, DataLossError, OutOfRangeError: see `check`.
      AbortedError: if it is overwritten all the time.
    """
    for _ in range(_ATTEMPTS):
        version = state_file.version(prefix)
        check(sess.graph, saver_def.restore_op_name, prefix)
        sess.run(saver_def.restore_op_name, {saver_def.filename_tensor_name: prefix})
        if state_file.version(prefix) == version:
            return
    raise errors.AbortedError(
        None,
        None,
        errors.report(
            f"{prefix} was saved anew each of the {_ATTEMPTS} times that it was being restored.",
            do="restore when nobody saves under this name, or give each save a name of its own, "
            "with global_step.",
            see="checkpoints",
        ),
    )


def check(graph: Graph, restore_op_name: str, prefix: str) -> None:
    """Compares what a graph restores with what a checkpoint has.

    Where several nodes read the checkpoint, its values are checked as well: else the first could
    be stored before a later one turns out to be damaged.

    Args:
      graph: the graph.
      restore_op_name: the operation that restores.
      prefix: the checkpoint's.

    Raises:
      NotFoundError: if the checkpoint lacks something.
      InvalidArgumentError: if something has another shape or dtype.
      DataLossError, OutOfRangeError: if it is damaged.
    """
    readers = _readers(graph.get_operation_by_name(restore_op_name))
    wanted = [each for op in readers for each in _wanted(op)]
    with BundleReader(prefix) as reader:
        missing = [each for each in wanted if each.name not in reader.entries]
        there = [each for each in wanted if each.name in reader.entries]
        different = [each for each in there if _difference(each, reader)]
        if missing or different:
            _refuse(wanted, missing, different, reader)
        if len(readers) > 1:
            for each in there:
                reader.read(each.name)


def _readers(restore: Operation) -> list[Operation]:
    """The nodes behind an operation that read a checkpoint, in the order of their creation."""
    pending, seen, found = [restore], {restore}, []
    while pending:
        op = pending.pop()
        if op.type == "RestoreV2":
            found.append(op)
            continue
        for before in [*op.control_inputs, *(tensor.op for tensor in op.inputs)]:
            if before not in seen:
                seen.add(before)
                pending.append(before)
    return sorted(found, key=lambda op: op._id)


def _wanted(op: Operation) -> Iterator[Wanted]:
    names, specs = static_value(op.inputs[1]), static_value(op.inputs[2])
    if names is None or specs is None:
        return  # fed or computed: the run will tell
    for tensor, name, spec in zip(op.outputs, names.tolist(), specs.tolist(), strict=True):
        shape, variable = unknown_shape(), None
        for user in tensor.consumers():
            if user.type == "Assign":
                variable = user.inputs[0].op
                if user.get_attr("validate_shape"):
                    shape = user.inputs[0].shape
        yield Wanted(name.decode(), tensor.dtype, shape, spec.decode(), variable)


def _difference(wanted: Wanted, reader: BundleReader) -> str:
    """In what a tensor in a checkpoint differs from what is wanted; "" if it does not."""
    dtype, shape = reader.dtype(wanted.name), reader.shape(wanted.name)
    if dtype is not wanted.dtype:
        return f"dtype {wanted.dtype.name} in the graph, {dtype.name} in the checkpoint"
    expected = wanted.shape
    if wanted.spec:
        expected = TensorShape(slices.parse(wanted.spec)[0])
    if not expected.is_compatible_with(TensorShape(shape)):
        return f"shape {_text(expected)} in the graph, {_text(shape)} in the checkpoint"
    return ""


def _text(shape: Any) -> str:
    return str(list(shape) if isinstance(shape, tuple) else shape.as_list())


# As many lines say more than they hide.
_MOST_LINES = 20


def _refuse(
    wanted: list[Wanted], missing: list[Wanted], different: list[Wanted], reader: BundleReader
) -> None:
    known = {each.name for each in wanted}
    unused = [name for name in reader.entries if name not in known]
    lines = [f"The checkpoint {reader.prefix} does not fit this graph."]
    lines += _section(
        "only in the graph",
        [_with_nearest(each.name, unused or reader.entries) for each in missing],
    )
    lines += _section("only in the checkpoint", [f"{n} {_text(reader.shape(n))}" for n in unused])
    lines += _section(
        "different", [f"{each.name}: {_difference(each, reader)}" for each in different]
    )
    first = (missing or different)[0]
    if first.op is not None and first.op.traceback:
        lines.append(f"  {first.name} was created at: {first.op.traceback}")
    lines.append(
        "  what to do: build the graph as it was when the checkpoint was saved; or restore only "
        "what both have, with tf.train.Saver(var_list), where a dictionary {name in the "
        "checkpoint: variable} gives variables other names."
        "\n  see: docs/errors.md#checkpoints"
    )
    if missing:
        text = f"Key {missing[0].name} not found in checkpoint\n" + "\n".join(lines)
        raise errors.NotFoundError(None, first.op, text)
    lines[0] = f"{lines[0][:-1]}: {first.name} has {_difference(first, reader)}."
    raise errors.InvalidArgumentError(None, first.op, "\n".join(lines))


def _section(title: str, items: list[str]) -> list[str]:
    if not items:
        return []
    lines = [f"  {title} ({len(items)}):"] + [f"    {item}" for item in items[:_MOST_LINES]]
    return lines + ([f"    ... and {len(items) - _MOST_LINES} more"] if items[_MOST_LINES:] else [])


def _with_nearest(name: str, others: Any) -> str:
    """A name, and those in the checkpoint that look like it."""
    near = difflib.get_close_matches(name, list(others), n=2, cutoff=0.5)
    if not near:  # the scope is another one
        by_last = {other.rpartition("/")[2]: other for other in others}
        last = difflib.get_close_matches(name.rpartition("/")[2], by_last, n=2)
        near = [by_last[each] for each in last]
    return f"{name}  (nearest in the checkpoint: {', '.join(near)})" if near else name


# ---- which checkpoint is meant

_FILE_OF = re.compile(r"(.+)\.(index|meta|data-\d{5,}-of-\d{5,})")


def as_prefix(path: str) -> str:
    """The prefix that somebody means who names a folder, or a file of a checkpoint."""
    if state_file.exists(path):
        return path
    if os.path.isdir(path):
        return checkpoint_management.latest_checkpoint(path) or path
    named = _FILE_OF.fullmatch(path)
    return named[1] if named and state_file.exists(named[1]) else path


def no_checkpoint(prefix: str) -> str:
    """The message for a prefix without a checkpoint, with those that are near."""
    folder = os.path.dirname(prefix) or "."
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    near = [name.removesuffix(".index") for name in names if name.endswith(".index")]
    if os.path.isfile(prefix):
        facts = (
            f"{prefix} is one file, as of version 1; minitf reads version 2: restore it in "
            "TensorFlow, and save it there with tf.train.Saver()"
        )
    elif not names:
        facts = f"there is no folder {folder}, or nothing is in it"
    else:
        facts = f"checkpoints in {folder}: {', '.join(near[:10]) or 'none'}"
    return errors.report(
        f"The passed save_path is not a valid checkpoint: {prefix}",
        facts=facts,
        do="give what `save` returned, or tf.train.latest_checkpoint(folder).",
        see="checkpoints",
    )
