"""With this module one can write a model as a folder that can be served: `SavedModelBuilder`.

    folder/saved_model.pb      the graphs, each with its tags and its signatures
    folder/variables/          the variables' values, as a checkpoint
    folder/assets/             files that the graph reads, such as a vocabulary

`saved_model.pb` comes last and gets its name when it is on the disk: without it nobody takes the
folder for a model, so that an interrupted export leaves none that is half there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minitf import gfile
from minitf.checkpoint import files
from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.saved_model import assets, constants
from minitf.train.saver import Saver


class SavedModelBuilder:
    """Writes a model as a folder (mirrors `tf.saved_model.builder.SavedModelBuilder`).

    Args:
      export_dir: the folder, which is made; it may be there if nothing is in it.

    Raises:
      AssertionError: if something is in it.
      NotFoundError: if it is a file.

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     x = tf.placeholder(tf.float32, name="x")
    ...     y = tf.multiply(x, tf.Variable(3.0), name="y")
    ...     sess.run(tf.global_variables_initializer())
    ...     builder = SavedModelBuilder(folder)
    ...     signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})
    ...     builder.add_meta_graph_and_variables(sess, ["serve"], {"triple": signature})
    ...     _ = builder.save()
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     model = tf.saved_model.loader.load(sess, ["serve"], folder)
    ...     triple = model.signature_def["triple"]
    ...     print(sess.run(triple.outputs["y"].name, {triple.inputs["x"].name: 2.0}))
    6.0
    """

    def __init__(self, export_dir: Any) -> None:
        self._folder = os.fsdecode(export_dir)
        if os.path.exists(self._folder) and not os.path.isdir(self._folder):
            raise errors.NotFoundError(None, None, f"{self._folder} is a file, not a folder.")
        gfile.MakeDirs(self._folder)
        if os.listdir(self._folder):
            raise AssertionError(errors.report(_not_empty(self._folder), see="checkpoints"))
        self._model = protos.SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_variables = False

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Sequence[Any] | None = None,
        legacy_init_op: Operation | None = None,
        clear_devices: bool = False,
        main_op: Operation | None = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Adds the session's graph, and writes its variables and assets.

        Args:
          sess: the session whose variables are written.
          tags: tell this graph from the others, such as `["serve"]`.
          signature_def_map: signatures by name; see `signature_def_utils`.
          assets_collection: constants with the paths of files that belong to the model.
          legacy_init_op: the old name of `main_op`.
          clear_devices: whether the nodes' devices are left out.
          main_op: what is run when the model has been loaded. It is fed the new paths of assets.
          strip_default_attrs: whether attributes that have their default values are left out.
          saver: writes the variables; if None, one that writes all.

        Raises:
          AssertionError: if variables were added before, or a signature is not complete.
          ValueError: if a signature names a tensor that is not in the graph.
          TypeError: if something is not what it has to be.
          OpError: if the system refuses, or a variable is not initialized.
        """
        if self._has_variables:
            raise AssertionError(
                errors.report(
                    "Graph state including variables and assets has already been saved. Please "
                    "invoke `add_meta_graph()` instead.",
                    see="order-of-calls",
                )
            )
        with sess.graph.as_default() as graph:
            tags = _checked_tags(tags)
            _check_signatures(graph, signature_def_map)
            self._note_assets(graph, assets_collection)
            _note_main_op(graph, legacy_init_op if main_op is None else main_op)
            saver = saver or Saver(sharded=True, allow_empty=True)
            self._write_variables(sess, saver)
            self._add(tags, saver, signature_def_map, clear_devices, strip_default_attrs)
        self._has_variables = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Sequence[Any] | None = None,
        legacy_init_op: Operation | None = None,
        clear_devices: bool = False,
        main_op: Operation | None = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
    ) -> None:
        """Adds the default graph; it uses the variables that were written before.

        Args:
          tags: tell this graph from the others.
          signature_def_map, assets_collection, legacy_init_op, clear_devices, main_op,
            strip_default_attrs, saver: as in `add_meta_graph_and_variables`.

        Raises:
          AssertionError: if no variables were added yet, or a signature is not complete.
          ValueError: if a signature names a tensor that is not in the graph.
          TypeError: if something is not what it has to be.
        """
        if not self._has_variables:
            raise AssertionError(
                errors.report(
                    "Graph state including variables and assets has not been saved yet. Please "
                    "invoke `add_meta_graph_and_variables()` first.",
                    see="order-of-calls",
                )
            )
        graph = get_default_graph()
        tags = _checked_tags(tags)
        _check_signatures(graph, signature_def_map)
        self._note_assets(graph, assets_collection)
        _note_main_op(graph, legacy_init_op if main_op is None else main_op)
        saver = saver or Saver(sharded=True, allow_empty=True)
        self._add(tags, saver, signature_def_map, clear_devices, strip_default_attrs)

    def save(self, as_text: bool = False) -> bytes:
        """Writes `saved_model.pb`, which makes the folder a model.

        Args:
          as_text: whether it is written as text, to `saved_model.pbtxt`.

        Returns:
          The path of what was written.

        Raises:
          OpError: if the system refuses.
        """
        if as_text:
            from google.protobuf import text_format

            name = constants.SAVED_MODEL_FILENAME_PBTXT
            content = text_format.MessageToString(self._model).encode()
        else:
            name = constants.SAVED_MODEL_FILENAME_PB
            content = self._model.SerializeToString(deterministic=True)
        path = os.path.join(self._folder, name)
        gfile.MakeDirs(self._folder)
        files.write_whole(path, content)
        with as_tensorflow_errors(self._folder):
            files.sync_folder(os.path.dirname(os.path.abspath(self._folder)))
        return os.fsencode(path)

    # ---- what is written

    def _note_assets(self, graph: Graph, given: Sequence[Any] | None) -> None:
        """Copies files into the folder, and has the graph say which constants are their paths."""
        if given:
            folder = os.path.join(self._folder, constants.ASSETS_DIRECTORY)
            graph.clear_collection(constants.ASSETS_KEY)
            for message in assets.copied(given, folder):
                graph.add_to_collection(constants.ASSETS_KEY, message)

    def _write_variables(self, sess: Any, saver: Saver) -> None:
        folder = os.path.join(self._folder, constants.VARIABLES_DIRECTORY)
        path = os.path.join(folder, constants.VARIABLES_FILENAME)
        gfile.MakeDirs(folder)
        try:
            saver.save(sess, path, write_meta_graph=False, write_state=False)
            saver.wait()
        except BaseException:
            with contextlib.suppress(OSError):  # so that the export can be tried again
                os.rmdir(folder)
            raise

    def _add(
        self,
        tags: list[str],
        saver: Saver,
        signatures: Mapping[str, Any] | None,
        clear_devices: bool,
        strip_default_attrs: bool,
    ) -> None:
        meta = saver.export_meta_graph(
            clear_devices=clear_devices, strip_default_attrs=strip_default_attrs
        )
        meta.meta_info_def.tags.extend(tags)
        for name, signature in (signatures or {}).items():
            meta.signature_def[name].ParseFromString(signature.SerializeToString())
        self._model.meta_graphs.append(meta)


def _not_empty(folder: str) -> str:
    names = os.listdir(folder)
    whole = {constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT}
    interrupted = constants.VARIABLES_DIRECTORY in names and whole.isdisjoint(names)
    return (
        f"Export directory {folder} already exists, and isn't empty. Please choose a different "
        "export directory, or delete all the contents of the specified directory"
        + (": it is what an interrupted export has left." if interrupted else ".")
    )


def _note_main_op(graph: Graph, main_op: Operation | None) -> None:
    if main_op is not None:
        if not isinstance(main_op, Operation):
            raise errors.type_error(
                f"Expected {main_op!r} to be an Operation, such as tf.group(...).",
                see="checkpoints",
            )
        graph.clear_collection(constants.MAIN_OP_KEY)
        graph.add_to_collection(constants.MAIN_OP_KEY, main_op)


def _checked_tags(tags: Iterable[str]) -> list[str]:
    """Tags as a list; a single text is one tag."""
    tags = [tags] if isinstance(tags, str) else list(tags)
    if not all(isinstance(tag, str) for tag in tags):
        raise errors.type_error(
            f"Tags are texts, such as [tf.saved_model.tag_constants.SERVING]: {tags}",
            see="checkpoints",
        )
    return tags


_RESERVED = {
    constants.INIT_OP_SIGNATURE_KEY: "initialization",
    constants.TRAIN_OP_SIGNATURE_KEY: "the train op",
}


def _check_signatures(graph: Graph, signatures: Mapping[str, Any] | None) -> None:
    for key, signature in (signatures or {}).items():
        if key in _RESERVED:
            raise errors.key_error(
                f"SignatureDef map key {key!r} is reserved for {_RESERVED[key]}. Please use a "
                "different key.",
                see="checkpoints",
            )
        if getattr(getattr(signature, "DESCRIPTOR", None), "name", "") != "SignatureDef":
            raise errors.type_error(
                f"The signature {key!r} is no SignatureDef: {signature!r}",
                see="checkpoints",
            )
        for name, info in [*signature.inputs.items(), *signature.outputs.items()]:
            _check_tensor_info(graph, f"{name!r} of the signature {key!r}", info)


def _check_tensor_info(graph: Graph, what: str, info: Any) -> None:
    if info.WhichOneof("encoding") is None:
        raise AssertionError(
            errors.report(f"The TensorInfo of {what} names no tensor: {info}", see="checkpoints")
        )
    if not info.dtype:
        raise AssertionError(
            errors.report(f"The TensorInfo of {what} has no dtype: {info}", see="checkpoints")
        )
    if info.name:
        try:
            graph.get_tensor_by_name(info.name)
        except (KeyError, ValueError) as error:
            raise errors.value_error(
                f"{what} is not in the graph that is saved: {error.args[0]}",
                see="checkpoints",
            ) from None
