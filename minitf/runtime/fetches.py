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

from minitf.framework import traceback as traceback_lib
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
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
            raise TypeError("Argument `fetch` = None has invalid type 'NoneType'. Cannot be None")
        try:
            element = self._graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f"Argument `fetch` = {_brief(fetch)} has invalid type "
                f"{type(fetch).__name__!r}: it must be a string or Tensor. ({error}){_hint(fetch)}"
            ) from None
        except (ValueError, KeyError) as error:
            reason = error.args[0] if error.args else str(error)
            raise ValueError(
                f"Argument `fetch` = {_brief(fetch)} cannot be interpreted as a Tensor. ({reason})"
            ) from None
        if not self._graph.is_fetchable(element):
            raise ValueError(f"{element} may not be fetched.")
        return element


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _hint(fetch: Any) -> str:
    if isinstance(fetch, (int, float, np.ndarray, np.generic)):
        return (
            "\n  what to do: this is a value, perhaps of an earlier fetch, as in "
            "`loss = sess.run(loss)`: give the result a Python variable of its own."
            f"\n  fetched at: {traceback_lib.capture()}"
        )
    return ""


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
