"""With this module one can look into a checkpoint without a graph."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minitf.checkpoint import state_file
from minitf.checkpoint.background import wait_for_all
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.framework import errors, protos
from minitf.train.checkpoint_management import latest_checkpoint


class CheckpointReader:
    """A checkpoint's names, shapes and values (mirrors what `tf.train.NewCheckpointReader` gives).

    Args:
      filepattern: the checkpoint's prefix.

    Raises:
      NotFoundError: if there is none.
      DataLossError: if its index is damaged.
    """

    def __init__(self, filepattern: Any) -> None:
        wait_for_all()
        prefix = os.fsdecode(filepattern)
        if not state_file.exists(prefix):
            raise errors.NotFoundError(
                None,
                None,
                "Unsuccessful TensorSliceReader constructor: Failed to find any matching files "
                f"for {prefix}",
            )
        self._reader = BundleReader(prefix)

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether it has a tensor of this name."""
        return tensor_str in self._reader.entries

    def get_tensor(self, tensor_str: Any) -> Any:
        """A tensor's value, as `session.run` would give it.

        Raises:
          NotFoundError: if it has no such tensor.
          DataLossError: if the value is damaged.
        """
        name = tensor_str.decode() if isinstance(tensor_str, bytes) else tensor_str
        value = np.array(self._reader.read(name))
        self._reader.close()
        return value.item() if value.dtype == object and not value.ndim else value[()]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes, as lists, by name."""
        return {name: list(self._reader.shape(name)) for name in self._reader.entries}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The dtypes by name."""
        return {name: self._reader.dtype(name) for name in self._reader.entries}

    def debug_string(self) -> bytes:
        """A line for each tensor: name, dtype, shape."""
        lines = []
        for name, entry in self._reader.entries.items():
            dtype = (protos.data_type_name(entry.dtype) or "invalid").upper()
            lines.append(f"{name} (DT_{dtype}) [{','.join(map(str, self._reader.shape(name)))}]\n")
        return "".join(lines).encode()


def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """Opens a checkpoint by its prefix (mirrors `tf.train.NewCheckpointReader`).

    >>> import minitf as tf, tempfile
    >>> v = tf.Variable([1.0, 2.0], name="v")
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     path = tf.train.Saver().save(sess, tempfile.mkdtemp() + "/m")
    >>> reader = tf.train.NewCheckpointReader(path)
    >>> reader.get_variable_to_shape_map(), reader.get_tensor("v")
    ({'v': [2]}, array([1., 2.], dtype=float32))
    """
    return CheckpointReader(filepattern)


def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Opens a checkpoint, or the latest one of a folder (mirrors `tf.train.load_checkpoint`).

    Raises:
      ValueError: if a folder has no checkpoint.
      NotFoundError: if there is no such checkpoint.
    """
    path = os.fsdecode(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise errors.value_error(
                f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}",
                see="checkpoints",
            )
        path = latest
    return CheckpointReader(path)


def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """The value of one variable of a checkpoint (mirrors `tf.train.load_variable`).

    Args:
      ckpt_dir_or_file: a prefix, or a folder, for its latest checkpoint.
      name: the variable's name; a ":0" behind it does not count.

    Raises:
      NotFoundError: if the checkpoint or the variable does not exist.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Names and shapes of what a checkpoint has, by name (mirrors `tf.train.list_variables`).

    Args:
      ckpt_dir_or_file: a prefix, or a folder, for its latest checkpoint.

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> v = tf.Variable([1.0, 2.0], name="v")
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     _ = tf.train.Saver().save(sess, folder + "/m")
    >>> tf.train.list_variables(folder)
    [('v', [2])]
    """
    shapes = load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map()
    return sorted(shapes.items())
