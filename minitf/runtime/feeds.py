"""With this module a session understands what it is given: values for any tensor of the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.array_value import as_array
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.sparse_tensor import SparseTensor
from minitf.framework.tensor import IndexedSlices, Tensor


def resolve_feeds(graph: Graph, feed_dict: Any) -> dict[Tensor, Any]:
    """The fed tensors with their arrays, checked against dtype and static shape.

    Raises:
      TypeError: if a key is no tensor of the graph, or a value is a tensor.
      ValueError: if a value does not fit its tensor's dtype or shape.
    """
    if feed_dict is None:
        return {}
    if not hasattr(feed_dict, "items"):
        do = "give a dictionary: run(fetches, {tensor: value})."
        if isinstance(feed_dict, (Tensor, Operation)):
            do = "to fetch several things, pass them as one list: run([a, b])."
        raise TypeError(
            errors.report(
                "feed_dict, the second argument of run, must be a dictionary from tensors to "
                f"values, not {type(feed_dict).__name__}: {errors.brief(feed_dict)}.",
                do=do,
                see="feeding-a-tensor",
            )
        )
    feeds: dict[Tensor, Any] = {}
    for key, value in feed_dict.items():
        if isinstance(key, (IndexedSlices, SparseTensor, tuple)):
            parts = _parts(key)
            values = list(value)
            if len(parts) != len(values):
                raise errors.type_error(
                    f"Feeding {key} needs {len(parts)} values, not {len(values)}."
                )
            for part, part_value in zip(parts, values, strict=True):
                tensor = _resolve_key(graph, part)
                feeds[tensor] = as_fed_array(tensor, part_value)
        else:
            tensor = _resolve_key(graph, key)
            feeds[tensor] = as_fed_array(tensor, value)
    return feeds


def _parts(key: Any) -> list[Any]:
    if isinstance(key, tuple):
        return list(key)
    if isinstance(key, SparseTensor):
        return [key.indices, key.values, key.dense_shape]
    parts = [key.values, key.indices, key.dense_shape]
    return [part for part in parts if part is not None]


def _resolve_key(graph: Graph, key: Any) -> Tensor:
    if type(key) is Tensor and key._op._graph is graph:
        tensor = key
    else:
        try:
            tensor = graph.as_graph_element(key, allow_operation=False)
        except (TypeError, ValueError, KeyError) as error:
            reason = error.args[0] if error.args else str(error)
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {reason}") from None
    if not graph.is_feedable(tensor):
        raise ValueError(
            errors.report(
                f"Tensor {tensor} may not be fed.",
                op=tensor.op,
                do="feed what it is computed from.",
                see="feeding-a-tensor",
            )
        )
    return tensor


def as_fed_array(tensor: Tensor, value: Any) -> Any:
    """The array that a fed value stands for, in C order. It is never written to."""
    if isinstance(value, Tensor):
        raise TypeError(
            errors.report(
                "The value of a feed cannot be a tf.Tensor object. Feed Python numbers, strings, "
                "lists or numpy arrays.",
                facts=f"the value: {value}\n  fed for: {tensor}",
                do="get its value with session.run(t) first, or connect the two in the graph.",
                see="feeding-a-value",
            )
        )
    dtype = tensor._dtype.base_dtype
    array = _convert(tensor, value, dtype)
    shape = tensor._shape._dims
    if shape is not None and array.shape != shape and not _fits(array.shape, shape):
        if value is None:
            raise ValueError(_none_message(tensor))
        raise ValueError(_shape_message(tensor, array, dtype))
    return array


def _convert(tensor: Tensor, value: Any, dtype: dtypes.DType) -> Any:
    if dtype is dtypes.string:
        return as_array(value, dtype)
    numpy_dtype = dtype.as_numpy_dtype
    if type(value) is np.ndarray and value.dtype == numpy_dtype and value.flags.c_contiguous:
        return value
    try:
        array = np.asarray(value, dtype=numpy_dtype, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise (ValueError if isinstance(error, ValueError) else TypeError)(
            errors.report(
                f"Cannot feed a value of type {type(value).__name__!r} for Tensor "
                f"{tensor.name!r}: {error}",
                facts=f"tensor: {errors.describe(tensor)}",
                line=str(tensor.op.traceback),
                do=f"Feed numbers that fit {dtype.name}, in rows of equal length.",
                see="feeding-a-value",
            )
        ) from None
    if isinstance(value, int) and dtype.is_integer and int(array) != value:
        raise TypeError(
            errors.report(
                f"Type of feed value {value!r} is not compatible with Tensor type {dtype.name} of "
                f"{tensor.name!r}: try explicitly setting the type with numpy.",
                line=str(tensor.op.traceback),
                do=f"feed a number that {dtype.name} holds, or give the placeholder another dtype.",
                see="feeding-a-value",
            )
        )
    return array


def _fits(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(given) == len(wanted) and all(
        w is None or w == g for g, w in zip(given, wanted, strict=True)
    )


def _none_message(tensor: Tensor) -> str:
    return errors.report(
        f"Cannot feed None for Tensor {tensor.name!r}, which has shape {tensor._shape}",
        facts=f"placeholder: {errors.describe(tensor)}",
        line=str(tensor.op.traceback),
        do="feed an array or numbers; the function that gave the value may lack a `return`.",
        see="feeding-a-value",
    )


def _shape_message(tensor: Tensor, array: Any, dtype: dtypes.DType) -> str:
    wanted = tensor._shape._dims or ()
    given = array.shape
    facts = [f"placeholder: {errors.describe(tensor)}", f"fed:         {dtype.name}{list(given)}"]
    if len(given) == len(wanted):
        wrong = [
            f"axis {i} is {g}, not {w}"
            for i, (g, w) in enumerate(zip(given, wanted, strict=True))
            if w is not None and w != g
        ]
        facts.append("differs:     " + "; ".join(wrong))
    else:
        facts.append(f"differs:     rank is {len(given)}, not {len(wanted)}")
    return errors.report(
        f"Cannot feed value of shape {given} for Tensor {tensor.name!r}, which has shape "
        f"{tensor._shape}",
        facts="\n  ".join(facts),
        line=str(tensor.op.traceback),
        do=_shape_remedy(array, wanted),
        see="feeding-a-value",
    )


def _shape_remedy(array: Any, wanted: tuple[int | None, ...]) -> str:
    given = array.shape
    if len(given) == len(wanted) == 2 and _fits(given[::-1], wanted):
        return "the transposed value would fit: feed value.T."
    if len(given) + 1 == len(wanted) and _fits((1, *given), wanted):
        return "a batch of one would fit: feed value[None]."
    known = [d for d in wanted if d is not None]
    product = int(np.prod(known, dtype=np.int64)) if known else 1
    unknown = len(wanted) - len(known)
    fits = array.size == product if unknown == 0 else array.size % product == 0
    if array.size and fits and unknown <= 1:
        target = [-1 if d is None else d for d in wanted]
        return f"a reshaped value would fit: feed value.reshape({target})."
    if len(wanted) == len(given) + 1 and wanted[-1] is not None:
        return f"if the values are class numbers, feed numpy.eye({wanted[-1]})[value] (one-hot)."
    return "feed a value of the placeholder's shape, or change the placeholder's shape."
