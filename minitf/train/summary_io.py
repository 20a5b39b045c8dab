"""With this module one can read an event file again: `tf.train.summary_iterator`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any


def summary_iterator(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The events in a file, in their order (mirrors `tf.train.summary_iterator`).

    Args:
      path: the file, not its folder.

    Yields:
      `tf.Event` messages.

    Raises:
      tf.errors.NotFoundError: if there is no such file.
      tf.errors.DataLossError: at the first event that is damaged or, at the end, not whole.

    >>> import minitf as tf, glob, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with tf.summary.FileWriter(folder) as writer:
    ...     value = tf.Summary.Value(tag="loss", simple_value=0.5)
    ...     writer.add_summary(tf.Summary(value=[value]), 7)
    >>> for event in tf.train.summary_iterator(glob.glob(folder + "/events*")[0]):
    ...     for value in event.summary.value:
    ...         print(event.step, value.tag, value.simple_value)
    7 loss 0.5
    """
    from minitf.framework import protos
    from minitf.summary.event_file import read_records

    for record in read_records(os.fsdecode(path)):
        yield protos.Event.FromString(record)
