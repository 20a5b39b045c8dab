"""With this module one can compute with texts in a graph: `tf.string_join`."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, unknown_shape


def _each(function: Any, *arrays: Any) -> Any:
    """An array of what a function makes of each element of arrays that broadcast."""
    return np.frompyfunc(function, len(arrays), 1)(*arrays)


def _as_array(value: Any) -> Any:
    array = np.empty(np.shape(value), object)
    array[...] = value
    return array


# ---- StringJoin

STRING_JOIN = op_def(
    "StringJoin(inputs: N * string) -> (output: string)",
    "N: int",
    'separator: string = ""',
)


@STRING_JOIN.shape
def string_join_shape(op: Operation) -> list[TensorShape]:
    # Scalars go with anything; the others must have one shape.
    shape = unknown_shape()
    for tensor in op.inputs:
        if tensor.shape.ndims != 0:
            shape = shape.merge_with(tensor.shape)
    all_scalars = all(tensor.shape.ndims == 0 for tensor in op.inputs)
    return [TensorShape([]) if all_scalars else shape]


@STRING_JOIN.kernel
def string_join_kernel(*inputs: Any, separator: str) -> Any:
    between = separator.encode() if isinstance(separator, str) else separator
    shapes = {np.shape(value) for value in inputs} - {()}
    if len(shapes) > 1:
        raise ValueError(f"Input shapes do not match: {sorted(shapes)}")
    joined = _each(lambda *texts: between.join(texts), *inputs)
    return _as_array(joined)


STRING_JOIN.not_differentiable()


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """Joins texts, element by element (mirrors `tf.string_join`).

    Args:
      inputs: a list of string tensors of one shape; scalars among them go with each element.
      separator: what stands between two texts.
      name: the node's name.

    Returns:
      A string tensor.

    Raises:
      ValueError: if the shapes cannot match.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.string_join(["a", ["b", "c"]], separator="/"))
    array([b'a/b', b'a/c'], dtype=object)
    """
    result: Tensor = STRING_JOIN(inputs, separator=separator, name=name)
    return result


# ---- StaticRegexFullMatch

STATIC_REGEX_FULL_MATCH = op_def(
    "StaticRegexFullMatch(input: string) -> (output: bool)",
    "pattern: string",
    shape=unchanged,
)


@STATIC_REGEX_FULL_MATCH.kernel
def static_regex_full_match_kernel(input: Any, *, pattern: str) -> Any:
    compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.DOTALL)
    found = _each(lambda text: compiled.fullmatch(text) is not None, input)
    return np.asarray(found, np.bool_)


STATIC_REGEX_FULL_MATCH.not_differentiable()
