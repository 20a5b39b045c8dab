"""With this module a summary gets its tag, and a place where `tf.summary.merge_all` finds it."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import add_to_collections, name_scope
from minitf.framework.tensor import Tensor

_INVALID = re.compile(r"[^-/\w.]")


@contextlib.contextmanager
def summary_scope(
    name: str, family: str | None, values: Sequence[Any]
) -> Iterator[tuple[str, str]]:
    """A name scope for a summary's nodes.

    Args:
      name: what the user calls the summary. What no node may be called becomes "_".
      family: what the user groups summaries by; it comes first in the tag.
      values: the summary's inputs.

    Yields:
      The tag, which TensorBoard shows, and the name of the summary's node.

    Raises:
      TypeError: if the name is no string.
      ValueError: if it is None, or no node may be called so, even then.
    """
    prefix = "" if family is None else f"{_valid(family)}/"
    with name_scope(prefix + _valid(name), None, values) as scope:
        yield prefix + scope.rstrip("/"), scope


def _valid(name: object) -> str:
    if not isinstance(name, str):
        error = ValueError if name is None else TypeError
        raise error(f"A summary's name and family are strings, not {name!r}.")
    valid = _INVALID.sub("_", name).lstrip("/")
    if valid != name:
        # The logger that `tf.logging` writes to.
        logging.getLogger("tensorflow").info(
            "Summary name %s is illegal; using %s instead.", name, valid
        )
    return valid


def collect(summary: Tensor, collections: Sequence[str] | None) -> Tensor:
    """Adds a summary to the collections that the user names, or to that of all summaries."""
    add_to_collections([GraphKeys.SUMMARIES] if collections is None else collections, summary)
    return summary


def text(value: Any) -> str:
    """The text in a string scalar, as a kernel is given it."""
    item = np.asarray(value, object).item()
    return item.decode(errors="surrogateescape") if isinstance(item, bytes) else str(item)


def serialized(summary: Any) -> Any:
    """A message as the value of a string scalar."""
    return np.array(summary.SerializeToString(deterministic=True), object)
