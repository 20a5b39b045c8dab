"""With this module a name that minitf does not have is answered by the one that is meant.

Tutorials from before TensorFlow 1.0 use names that 1.0 changed, and TensorFlow 2 changed others.

>>> import minitf as tf
>>> try:
...     tf.mul(2, 3)
... except AttributeError as error:
...     print(str(error).splitlines()[0])
minitf has no attribute 'mul': TensorFlow 1.0 calls it tf.multiply.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from minitf.framework import errors

# The names that were changed, and what TensorFlow 1.x calls the same.
_CALLED_NOW = {
    "all_variables": "global_variables",
    "audio_summary": "summary.audio",
    "batch_matmul": "matmul",
    "histogram_summary": "summary.histogram",
    "image_summary": "summary.image",
    "initialize_all_variables": "global_variables_initializer",
    "initialize_local_variables": "local_variables_initializer",
    "initialize_variables": "variables_initializer",
    "merge_all_summaries": "summary.merge_all",
    "merge_summary": "summary.merge",
    "mul": "multiply",
    "neg": "negative",
    "pack": "stack",
    "scalar_summary": "summary.scalar",
    "select": "where",
    "sub": "subtract",
    "unpack": "unstack",
}


def missing_name(name: str, known: Iterable[str]) -> AttributeError:
    """The error of a name that `minitf` does not have.

    Args:
      name: the name that was asked for.
      known: the names that there are.
    """
    do = "write it by functions that there are: the names are those of tf.compat.v1."
    if name in _CALLED_NOW:
        reason = f": TensorFlow 1.0 calls it tf.{_CALLED_NOW[name]}."
        do = f"use tf.{_CALLED_NOW[name]}."
    else:
        reason = ". If it is a name of TensorFlow 1.x, minitf does not have it (yet)."
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.75)
        if near:
            do = f"the nearest names are {', '.join('tf.' + each for each in near)}."
    return AttributeError(
        errors.report(
            f"minitf has no attribute {name!r}{reason}",
            do=do,
            see="names-that-minitf-does-not-have",
        ),
        name=name,  # with its name set, Python adds no guess of its own behind the last line
    )
