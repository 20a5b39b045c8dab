"""With this module a graph can keep tensors in files: the ops under `tf.train.Saver`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor_shape import TensorShape, unknown_shape

# The package of checkpoints loads when the first one is written or read.


def _text(value: Any) -> str:
    item = np.asarray(value, object).item()
    return item.decode() if isinstance(item, bytes) else str(item)


def _texts(values: Any) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in values.tolist()]


def _refuse_lengths(names: Any, specs: Any, dtypes: list[Any]) -> None:
    if not len(names) == len(specs) == len(dtypes):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Got {len(dtypes)} tensors, but {len(names)} names and {len(specs)} parts",
        )


# ---- SaveV2

SAVE_V2 = op_def(
    "SaveV2(prefix: string, tensor_names: string, shape_and_slices: string, tensors: dtypes)",
    "dtypes: list(type) >1",
    stateful=True,
)


@SAVE_V2.kernel
def save_v2_kernel(
    prefix: Any, tensor_names: Any, shape_and_slices: Any, *tensors: Any, dtypes: list[Any]
) -> tuple[()]:
    from minitf.checkpoint import slices
    from minitf.checkpoint.background import current_snapshot
    from minitf.checkpoint.bundle_writer import Named, write_bundle

    names, specs = _texts(tensor_names), _texts(shape_and_slices)
    _refuse_lengths(names, specs, dtypes)
    named = []
    for name, spec, tensor in zip(names, specs, tensors, strict=True):
        value = np.asarray(tensor)
        shape, part = slices.parse(spec) if spec else ((), None)
        if part is not None and slices.dims(slices.extent(shape, part)) != value.shape:
            raise errors.InvalidArgumentError(
                None, None, f"the part {spec!r} of {name!r} has not the shape {value.shape}"
            )
        named.append(Named(name, value, shape, part))
    snapshot = current_snapshot()
    save = write_bundle if snapshot is None else snapshot.bundle
    save(_text(prefix), named)
    return ()


SAVE_V2.not_differentiable()


# ---- RestoreV2

RESTORE_V2 = op_def(
    "RestoreV2(prefix: string, tensor_names: string, shape_and_slices: string)"
    " -> (tensors: dtypes)",
    "dtypes: list(type) >1",
    stateful=True,
)


@RESTORE_V2.shape
def restore_v2_shape(op: Operation) -> list[TensorShape]:
    from minitf.checkpoint import slices

    specs = static_value(op.inputs[2])
    if specs is None:
        return [unknown_shape()] * len(op.outputs)
    shapes = []
    for spec in _texts(specs):
        if spec:
            shapes.append(TensorShape(slices.dims(slices.extent(*slices.parse(spec)))))
        else:
            shapes.append(unknown_shape())
    return shapes


@RESTORE_V2.kernel
def restore_v2_kernel(
    prefix: Any, tensor_names: Any, shape_and_slices: Any, *, dtypes: list[Any]
) -> Any:
    from minitf.checkpoint.background import wait_for_all
    from minitf.checkpoint.bundle_reader import BundleReader
    from minitf.checkpoint.progress import Progress

    names, specs = _texts(tensor_names), _texts(shape_and_slices)
    _refuse_lengths(names, specs, dtypes)
    wait_for_all()
    with BundleReader(_text(prefix)) as reader:
        for name, dtype in zip(names, dtypes, strict=True):
            if reader.dtype(name) != dtype:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    f"tensor_name = {name}; expected dtype {dtype.name} does not equal original "
                    f"dtype {reader.dtype(name).name} in {reader.prefix}",
                )
            if not dtype.is_numpy_compatible:
                raise errors.UnimplementedError(
                    None, None, f"{name!r} is of dtype {dtype.name}, and minitf has no such tensors"
                )
        total = sum(map(reader.size, names))
        with Progress(f"restoring {os.path.basename(reader.prefix)}", total) as progress:
            values = [
                _restored(reader, name, spec, progress)
                for name, spec in zip(names, specs, strict=True)
            ]
    return values[0] if len(values) == 1 else tuple(values)


def _restored(reader: Any, name: str, spec: str, progress: Any) -> Any:
    from minitf.checkpoint import slices

    if not spec:
        return reader.read(name, progress=progress)
    shape, part = slices.parse(spec)
    if reader.shape(name) != shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Shape of {name!r} is {reader.shape(name)} in {reader.prefix}, but {shape} is asked "
            "for",
        )
    return reader.read(name, slices.extent(shape, part), progress)


RESTORE_V2.not_differentiable()


# ---- ShardedFilename

SHARDED_FILENAME = op_def(
    "ShardedFilename(basename: string, shard: int32, num_shards: int32) -> (filename: string)",
    shape=scalars,
)


@SHARDED_FILENAME.kernel
def sharded_filename_kernel(basename: Any, shard: Any, num_shards: Any) -> Any:
    name = f"{_text(basename)}-{int(shard):05d}-of-{int(num_shards):05d}"
    return np.array(name.encode(), object)


SHARDED_FILENAME.not_differentiable()


# ---- MergeV2Checkpoints

MERGE_V2_CHECKPOINTS = op_def(
    "MergeV2Checkpoints(checkpoint_prefixes: string, destination_prefix: string)",
    "delete_old_dirs: bool = true",
    "allow_missing_files: bool = false",
    stateful=True,
)


@MERGE_V2_CHECKPOINTS.kernel
def merge_v2_checkpoints_kernel(
    checkpoint_prefixes: Any,
    destination_prefix: Any,
    *,
    delete_old_dirs: bool,
    allow_missing_files: bool,
) -> tuple[()]:
    from minitf.checkpoint.background import current_snapshot
    from minitf.checkpoint.bundle_writer import index_name
    from minitf.checkpoint.merge import merge_bundles

    prefixes, destination = _texts(checkpoint_prefixes), _text(destination_prefix)

    def merge() -> None:
        there = [prefix for prefix in prefixes if os.path.exists(index_name(prefix))]
        merge_bundles(there if allow_missing_files else prefixes, destination, delete_old_dirs)

    snapshot = current_snapshot()
    if snapshot is None:
        merge()
    else:
        snapshot.later(merge)
    return ()


MERGE_V2_CHECKPOINTS.not_differentiable()
