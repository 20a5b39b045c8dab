"""With this module a graph can call Python: `tf.py_func`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.array_value import as_array
from minitf.framework.default import get_default_graph
from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def, unknown
from minitf.framework.tensor_shape import TensorShape

# ---- PyFunc, PyFuncStateless


class _Holder:
    """A function under a token. An attribute of a node is plain data; this is what it names."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.token = f"pyfunc_{next(_numbers)}"
        self.function = function


_numbers = itertools.count()
# The graph keeps the holders, so that functions live as long as the nodes that call them.
_HOLDERS: WeakValueDictionary[str, _Holder] = WeakValueDictionary()

_SIGNATURE = "(input: Tin) -> (output: Tout)"
_ATTRS = ("token: string", "Tin: list(type)", "Tout: list(type)")

PY_FUNC = op_def("PyFunc" + _SIGNATURE, *_ATTRS, stateful=True, shape=unknown)
PY_FUNC_STATELESS = op_def("PyFuncStateless" + _SIGNATURE, *_ATTRS, foldable=False, shape=unknown)


@PY_FUNC.shape
def py_func_shape(op: Any) -> list[Any]:
    return unknown(op) * len(op.outputs)


PY_FUNC_STATELESS.shape(py_func_shape)


# What is told of an exception of the function; of any other that it is unknown.
_AS_ERRORS: dict[type[Exception], type[errors.OpError]] = {
    TypeError: errors.InvalidArgumentError,
    ValueError: errors.InvalidArgumentError,
    StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
}


@PY_FUNC.kernel
def py_func_kernel(ctx: KernelContext, *inputs: Any, token: str, Tout: list[dtypes.DType]) -> Any:
    holder = _HOLDERS.get(token)
    if holder is None:
        raise errors.NotFoundError(
            None,
            None,
            f"The function {token!r} is not in this process: its graph came from a file.",
        )
    try:
        # The function may keep or change what it is given: it gets copies.
        result = holder.function(*[np.array(value)[()] for value in inputs])
    except Exception as error:
        import traceback

        lines = "".join(traceback.format_tb(error.__traceback__)[1:])
        found = (kind for raised, kind in _AS_ERRORS.items() if isinstance(error, raised))
        raise next(found, errors.UnknownError)(
            None, None, f"{type(error).__name__}: {error}\nin the function of tf.py_func:\n{lines}"
        ) from error
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    if result is None:
        results = []
    if len(results) != len(Tout):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{token} returns {len(results)} values, but expects to see {len(Tout)} values.",
        )
    arrays = [_checked(token, i, *pair) for i, pair in enumerate(zip(results, Tout, strict=True))]
    _check_shapes(arrays, ctx.shapes)
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


PY_FUNC_STATELESS.kernel(py_func_kernel)
PY_FUNC.not_differentiable()
PY_FUNC_STATELESS.not_differentiable()


def _checked(token: str, index: int, value: Any, dtype: dtypes.DType) -> Any:
    if dtype is dtypes.string or not isinstance(value, (np.ndarray, np.generic)):
        array = as_array(value, dtype if dtype is dtypes.string else None)
        # Python's own numbers have no exact type: they take the one that was promised.
        array = array.astype(dtype.as_numpy_dtype) if array.dtype.kind in "biuf" else array
    else:
        array = np.array(value, order="C")
    found = dtypes.as_dtype(array.dtype)
    if found is not dtype:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{index}-th value returned by {token} is {found.name}, but expects {dtype.name}",
        )
    return array


def _check_shapes(arrays: list[Any], shapes: Sequence[TensorShape]) -> None:
    """Refuses what is not as `set_shape` has promised: other nodes were built on it."""
    for index, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if not shape.is_compatible_with(np.shape(array)):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"The function of tf.py_func returned an array of shape {np.shape(array)} as value "
                f"{index}, but set_shape has promised {shape}.",
            )


def py_func(
    func: Callable[..., Any],
    inp: list[Any],
    Tout: Any,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """Calls a Python function on numpy arrays while the graph runs (mirrors `tf.py_func`).

    No gradient flows through it, and a graph with such a node runs only in the process that
    built it.

    Args:
      func: takes an array for each tensor of `inp`; returns an array, or a list of them.
      inp: a list of tensors.
      Tout: the dtype that `func` returns, or a list of them.
      stateful: whether two calls with equal inputs may differ.
      name: the node's name.

    Returns:
      A tensor, or a list of tensors if `Tout` is a list; of unknown shape (use `set_shape`). The
      operation if `Tout` is empty.

    Raises:
      tf.errors.InvalidArgumentError: when it runs, if `func` raises TypeError or ValueError, or
        returns other dtypes, or shapes that contradict `set_shape`.
      tf.errors.UnknownError: when it runs, if `func` raises something else; OutOfRangeError for
        StopIteration, UnimplementedError for NotImplementedError, ResourceExhaustedError for
        MemoryError.

    >>> import minitf as tf
    >>> y = tf.py_func(lambda v: v[::-1].copy(), [tf.constant([1, 2, 3])], tf.int32)
    >>> with tf.Session() as sess:
    ...     sess.run(y)
    array([3, 2, 1], dtype=int32)
    """
    if not callable(func):
        raise errors.value_error(
            f"Expected func to be callable. Received func={func!r} of type {type(func)}."
        )
    several = isinstance(Tout, (list, tuple))
    holder = _Holder(func)
    _HOLDERS[holder.token] = holder
    declared = PY_FUNC if stateful else PY_FUNC_STATELESS
    types = [dtypes.as_dtype(t) for t in (Tout if several else [Tout])]
    result = declared(list(inp), token=holder.token, Tout=types, name=name)
    graph = result.graph if hasattr(result, "graph") else get_default_graph()
    if isinstance(result, (list, tuple)) and result:
        graph = result[0].graph
    graph.keep_alive(holder)
    if not types:
        return result
    return list(result) if several else result[0]
