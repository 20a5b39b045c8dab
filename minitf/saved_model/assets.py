"""With this module a SavedModel takes files along that its graph reads, and finds them again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf import gfile
from minitf.checkpoint import files
from minitf.framework import dtypes, errors, protos
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.saved_model import constants


def copied(given: Sequence[Any], folder: str) -> list[Any]:
    """Copies files into a folder.

    Args:
      given: constants with their paths.
      folder: is made if need be.

    Returns:
      For each constant a message that says which file in the folder it stands for.

    Raises:
      TypeError: if one is no constant text.
      NotFoundError: if a file does not exist.
    """
    sources = [_path(tensor) for tensor in given]
    names = _names(sources)
    gfile.MakeDirs(folder)
    for source, name in names.items():
        _copy(source, os.path.join(folder, name))
    found = []
    for tensor, source in zip(given, sources, strict=True):
        asset = protos.AssetFileDef(filename=names[source])
        asset.tensor_info.name = tensor.name
        found.append(protos.wrapped(asset))
    return found


def _path(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        raise errors.type_error(
            f"Asset path tensor {tensor!r} must be a Tensor: tf.constant(path).",
            see="checkpoints",
        )
    if tensor.dtype != dtypes.string:
        raise errors.type_error(
            f"Asset path tensor {tensor.name} must be text, not {tensor.dtype.name}.",
            see="checkpoints",
        )
    if tensor.op.type != "Const":
        raise errors.type_error(
            f"Asset path tensor {tensor.name} must be a constant, not {tensor.op.type}.",
            see="checkpoints",
        )
    return os.fsdecode(static_value(tensor).item())


def _names(sources: Sequence[str]) -> dict[str, str]:
    """What each file is called in the folder; of those of one name the later ones get a number."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for source in dict.fromkeys(sources):
        name = base = os.path.basename(source)
        count = 0
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        names[source] = name
    return names


def _copy(source: str, path: str) -> None:
    if not os.path.isfile(source):
        raise errors.NotFoundError(
            None, None, f"{source}; there is no such file, which is to be an asset of the model"
        )
    with as_tensorflow_errors(source), open(source, "rb") as file:
        files.write_whole(path, iter(lambda: file.read(files.CHUNK), b""))


def paths(meta_graph: Any, export_dir: str) -> dict[str, str]:
    """The paths of a loaded model's assets, by the names of the tensors that stand for them.

    Args:
      meta_graph: a `MetaGraphDef`.
      export_dir: the model's folder.
    """
    found = list(meta_graph.asset_file_def)
    noted = meta_graph.collection_def.get(constants.ASSETS_KEY)
    if not found and noted is not None:
        found = [protos.AssetFileDef.FromString(each.value) for each in noted.any_list.value]
    folder = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    return {each.tensor_info.name: os.path.join(folder, each.filename) for each in found}
