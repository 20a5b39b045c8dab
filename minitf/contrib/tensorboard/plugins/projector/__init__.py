"""With this module one can show vectors as points in TensorBoard's embedding projector.

    from tensorflow.contrib.tensorboard.plugins import projector

    config = projector.ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = vectors.name            # a variable that a Saver saves in the folder
    embedding.metadata_path = "labels.tsv"          # a label for each vector, one a line
    projector.visualize_embeddings(writer, config)

The messages are `ProjectorConfig`, `EmbeddingInfo` and `SpriteMetadata`.
"""

from __future__ import annotations

import os
from typing import Any

from minitf.framework import errors
from minitf.summary.writer import FileWriter

_FILE = "projector_config.pbtxt"
_MESSAGES = ("EmbeddingInfo", "ProjectorConfig", "SpriteMetadata")


def visualize_embeddings(summary_writer: FileWriter | str | os.PathLike[str], config: Any) -> None:
    """Tells TensorBoard which vectors of a folder to show, and how.

    It mirrors `tf.contrib.tensorboard.plugins.projector.visualize_embeddings`.

    Args:
      summary_writer: a `tf.summary.FileWriter`, or its folder. TensorBoard looks there for the
        latest checkpoint, unless `config.model_checkpoint_path` names one.
      config: a `ProjectorConfig`. What was said of the folder before is replaced.

    Raises:
      ValueError: if the writer has no folder.
      TypeError: if the config is something else.

    >>> import minitf as tf, tempfile
    >>> from minitf.contrib.tensorboard.plugins import projector
    >>> config = projector.ProjectorConfig()
    >>> config.embeddings.add().tensor_name = "words:0"
    >>> with tf.summary.FileWriter(tempfile.mkdtemp()) as writer:
    ...     projector.visualize_embeddings(writer, config)
    >>> print(open(writer.get_logdir() + "/projector_config.pbtxt").read())
    embeddings {
      tensor_name: "words:0"
    }
    <BLANKLINE>
    """
    from google.protobuf import text_format

    if isinstance(summary_writer, FileWriter):
        summary_writer = summary_writer.get_logdir()
    folder = os.fsdecode(summary_writer)
    if not folder:
        raise errors.value_error("Summary writer must have a logdir")
    if getattr(getattr(config, "DESCRIPTOR", None), "name", None) != "ProjectorConfig":
        raise errors.type_error(f"config must be a ProjectorConfig, not a {type(config).__name__}.")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, _FILE), "w") as file:
        file.write(text_format.MessageToString(config))


def __getattr__(name: str) -> Any:
    """The messages, made when they are first asked for."""
    if name in _MESSAGES:
        from minitf.framework import protos

        return getattr(protos, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
