"""With this module a session understands what it is asked for: any nested structure of fetches.

A fetch is a tensor, an operation, the name of either, a variable, an `IndexedSlices`, or a list,
tuple, dict or named tuple of fetches. `FetchPlan` lists what must be computed, each thing once, and
puts the results back into the structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.sparse_tensor import SparseTensor, SparseTensorValue
from minitf.framework.tensor import IndexedSlices, Tensor

Rebuild = Callable[[list[Any]], Any]


_FIRST = itemgetter(0)


class FetchPlan:
    """What one structure of fetches asks for.

    Attributes:
      elements: the distinct tensors and operations, in the order in which they appear.
      rebuild: from the list of their values to the structure that was asked for.
    """

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        if isinstance(fetches, (Tensor, Operation)):  # the commonest case, and the simplest
            self.elements = [self._resolve(fetches)]
            self.rebuild: Rebuild = _FIRST
            return
        self._position: dict[Any, int] = {}
        self.rebuild = self._plan(fetches)
        self.elements = list(self._position)

    def _plan(self, fetch: Any) -> Rebuild:
        if isinstance(fetch, (Tensor, Operation)):
            return self._leaf(fetch)
        if isinstance(fetch, (list, tuple)):
            return self._sequence(fetch)
        if isinstance(fetch, Mapping):
            return self._mapping(fetch)
        if isinstance(fetch, IndexedSlices):
            return self._indexed_slices(fetch)
        if isinstance(fetch, SparseTensor):
            return self._sequence(SparseTensorValue(fetch.indices, fetch.values, fetch.dense_shape))
        return self._leaf(fetch)

    def _leaf(self, fetch: Any) -> Rebuild:
        element = self._resolve(fetch)
        return itemgetter(self._position.setdefault(element, len(self._position)))

    def _sequence(self, fetch: Any) -> Rebuild:
        parts = [self._plan(item) for item in fetch]
        kind = type(fetch)
        if hasattr(fetch, "_fields"):  # a named tuple
            return lambda values: kind(*[part(values) for part in parts])
        if kind is list:
            return lambda values: [part(values) for part in parts]
        return lambda values: kind([part(values) for part in parts])

    def _mapping(self, fetch: Any) -> Rebuild:
        parts = {key: self._plan(item) for key, item in fetch.items()}
        kind = type(fetch)

        def rebuild(values: list[Any]) -> Any:
            items = {key: part(values) for key, part in parts.items()}
            return items if kind is dict else kind(items)

        return rebuild

    def _indexed_slices(self, fetch: IndexedSlices) -> Rebuild:
        parts = [self._plan(fetch.values), self._plan(fetch.indices)]
        if fetch.dense_shape is not None:
            parts.append(self._plan(fetch.dense_shape))

        def rebuild(values: list[Any]) -> Any:
            arrays = [part(values) for part in parts]
            return IndexedSlicesValue(*arrays)

        return rebuild

    def _resolve(self, fetch: Any) -> Any:
        if fetch is None:
            raise TypeError(_fetched_none(self._graph))
        try:
            element = self._graph.as_graph_element(fetch)
        except TypeError as error:
            reason = str(error).partition("\n")[0]
            raise TypeError(
                errors.report(
                    f"Argument `fetch` = {errors.brief(fetch)} has invalid type "
                    f"{type(fetch).__name__!r}: it must be a string or Tensor. ({reason})",
                    do=_what_to_fetch(fetch),
                    see="fetching",
                )
            ) from None
        except (ValueError, KeyError) as error:
            reason, _, rest = str(error.args[0]).partition("\n")
            raise ValueError(
                f"Argument `fetch` = {errors.brief(fetch)} cannot be interpreted as a Tensor. "
                f"({reason})\n{rest}"
            ) from None
        if not self._graph.is_fetchable(element):
            op = element.op if isinstance(element, Tensor) else element
            raise ValueError(
                errors.report(
                    f"{element} may not be fetched.",
                    op=op,
                    do="fetch what tf.cond returns: a value inside a branch may not exist.",
                    see="branches",
                )
            )
        return element


def _fetched_none(graph: Graph) -> str:
    """The message for the fetch None, which is what `tf.gradients` gives where no path leads."""
    return errors.report(
        "Argument `fetch` = None has invalid type 'NoneType'. Cannot be None",
        facts="" if graph._why_none is None else graph._why_none(),
        do="fetch a tensor, an operation, or a name. tf.gradients gives None where the result does "
        "not depend on the variable, tf.summary.merge_all where there are no summaries; a function "
        "of the script may lack a `return`.",
        see="fetching",
    )


def _what_to_fetch(fetch: Any) -> str:
    if isinstance(fetch, (int, float, np.ndarray, np.generic)):
        return (
            "this is a value, perhaps of an earlier fetch, as in `loss = sess.run(loss)`: give "
            "the result a Python variable of its own."
        )
    return "fetch a tensor, an operation, a variable, the name of one, or a list of these."


class IndexedSlicesValue:
    """The fetched value of an `IndexedSlices` (mirrors `tf.IndexedSlicesValue`)."""

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self.values = values
        self.indices = indices
        self.dense_shape = dense_shape

    def __iter__(self) -> Any:
        return iter((self.values, self.indices, self.dense_shape))

    def __repr__(self) -> str:
        return (
            f"IndexedSlicesValue(values={self.values!r}, indices={self.indices!r}, "
            f"dense_shape={self.dense_shape!r})"
        )
