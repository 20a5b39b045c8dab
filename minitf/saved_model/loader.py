"""With this module one can load a SavedModel into a session, whoever wrote it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from minitf.framework import errors, protos
from minitf.framework.graph import Graph
from minitf.saved_model import assets, constants
from minitf.train.meta_graph_import import import_into_scope


def load(
    sess: Any,
    tags: Iterable[str],
    export_dir: Any,
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Adds a model's graph to the session's, and restores its variables.

    Mirrors `tf.saved_model.loader.load`. Then what the model says is run, such as the operation
    that fills its tables from its assets.

    Args:
      sess: the session.
      tags: those of the graph to load, all of them.
      export_dir: the model's folder.
      import_scope: the scope to put the graph into.
      **saver_kwargs: for `tf.train.import_meta_graph`, such as `input_map`.

    Returns:
      The `MetaGraphDef`, whose `signature_def` says what to feed and to fetch. Names in it are as
      they were when the model was saved: without the scope.

    Raises:
      OSError: if there is no model in the folder, or it cannot be read.
      RuntimeError: if it has no graph with these tags.
      DataLossError, NotFoundError, ...: if its variables are damaged or not there.

    See `SavedModelBuilder` for an example.
    """
    folder = os.fsdecode(export_dir)
    meta = _with_tags(read(folder), tags, folder)
    with sess.graph.as_default() as graph:
        saver, scope = import_into_scope(meta, import_scope=import_scope, **saver_kwargs)
        if saver is not None and meta.HasField("saver_def"):
            names = (constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
            saver.restore(sess, os.path.join(folder, *names))
        main_op = _main_op(graph, meta, scope)
        if main_op is not None:
            paths = assets.paths(meta, folder).items()
            sess.run(main_op, {_scoped(name, scope): path for name, path in paths})
    return meta


def read(folder: str) -> Any:
    """The `SavedModel` in a folder.

    Raises:
      OSError: if there is none, or it cannot be read.
    """
    from google.protobuf import message, text_format

    binary = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
    text = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT)
    path = binary if os.path.exists(binary) else text
    if not os.path.exists(path):
        raise OSError(
            errors.report(
                f"SavedModel file does not exist at: {folder}/"
                f"{{{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}}}",
                see="checkpoints",
            )
        )
    with open(path, "rb") as file:
        content = file.read()
    try:
        if path == binary:
            return protos.SavedModel.FromString(content)
        return protos.from_text(content, protos.SavedModel())
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise OSError(
            errors.report(f"Cannot parse file {path}: {error}.", see="checkpoints")
        ) from None


def _with_tags(model: Any, tags: Iterable[str], folder: str) -> Any:
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for meta in model.meta_graphs:
        if set(meta.meta_info_def.tags) == wanted:
            return meta
    available = [sorted(meta.meta_info_def.tags) for meta in model.meta_graphs]
    raise errors.runtime_error(
        f"MetaGraphDef associated with tags {sorted(wanted)} could not be found in SavedModel "
        f"{folder}, with available tags {available}.",
        do="give all the tags of one of these.",
        see="checkpoints",
    )


def _scoped(name: str, scope: str | None) -> str:
    return f"{scope}/{name}" if scope else name


def _main_op(graph: Graph, meta: Any, scope: str | None) -> Any:
    """What is to be run when the model has been loaded; None if there is nothing.

    TensorFlow has written it in three ways: in a collection, under two names, and as a signature.
    """
    signature = meta.signature_def.get(constants.INIT_OP_SIGNATURE_KEY)
    if signature is not None:
        name = signature.outputs[constants.INIT_OP_SIGNATURE_KEY].name
        return graph.as_graph_element(_scoped(name, scope))
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        noted = meta.collection_def.get(key)
        names = list(noted.node_list.value) if noted is not None else []
        if len(names) > 1:
            raise errors.runtime_error(
                f"Expected exactly one operation in the collection {key!r}: {names}",
                see="checkpoints",
            )
        if names:
            return graph.as_graph_element(_scoped(names[0], scope))
    return None


def contains_saved_model(export_dir: Any) -> bool:
    """Whether a model is in a folder (mirrors `tf.saved_model.contains_saved_model`).

    >>> import tempfile
    >>> contains_saved_model(tempfile.mkdtemp())
    False
    """
    folder = os.fsdecode(export_dir)
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    return any(os.path.isfile(os.path.join(folder, name)) for name in names)


# The name that it had first.
maybe_saved_model_directory = contains_saved_model
