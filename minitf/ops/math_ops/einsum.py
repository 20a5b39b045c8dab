"""With this module one can contract tensors by naming axes: `tf.einsum("ij,jk->ik", a, b)`."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import (
    TensorShape,
    broadcast_shape,
    shape_of_dims,
    unknown_shape,
)
from minitf.ops import array_ops
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import EQUAL
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.sequence import range as range_op

_EQUATION = re.compile(r"^[A-Za-z.,]*->[A-Za-z.]*$")

# ---- Einsum

EINSUM = op_def("Einsum(inputs: N * T) -> (output: T)", "equation: string", "N: int > 1", "T: type")


def _split(equation: str) -> tuple[list[str], str]:
    """The labels of each input, and of the output."""
    inputs, _, output = equation.partition("->")
    return inputs.split(","), output


def _check_equation(equation: str) -> None:
    """Refuses an equation that a node may have and that no product of tensors is."""
    inputs, arrow, output = equation.partition("->")
    parts = [*inputs.split(","), output]
    letters = [part.replace("...", "", 1) for part in parts]
    if not arrow or not all(re.fullmatch("[A-Za-z]*", part) for part in letters):
        raise ValueError(f"Expecting an equation like 'ij,jk->ik', but got {ascii(equation)[:80]}")
    for label in letters[-1]:
        if letters[-1].count(label) > 1 or not any(label in part for part in letters[:-1]):
            raise ValueError(
                f"Expected label {label!r} of the output to be once in it, and in an input"
            )


def _dims_of(labels: str, shape: TensorShape) -> tuple[dict[str, int | None], TensorShape]:
    """The static size of each label of one input, and the shape that its ellipsis stands for."""
    named = labels.replace("...", "")
    if shape._dims is None:
        return dict.fromkeys(named), unknown_shape(None if "..." in labels else 0)
    extra = len(shape._dims) - len(named)
    if extra < 0 or (extra and "..." not in labels):
        raise ValueError(f"Shape must be rank {len(named)} but is rank {len(shape._dims)}")
    start = labels.find("...") if "..." in labels else len(named)
    dims = shape._dims[:start] + shape._dims[start + extra :]
    sizes: dict[str, int | None] = {}
    for label, size in zip(named, dims, strict=True):
        _meet(sizes, label, size)
    return sizes, shape_of_dims(shape._dims[start : start + extra])


def _meet(sizes: dict[str, int | None], label: str, size: int | None) -> None:
    known = sizes.get(label)
    if known is not None and size is not None and known != size:
        raise ValueError(f"Dimensions must be equal, but are {known} and {size}")
    sizes[label] = size if known is None else known


@EINSUM.shape
def einsum_shape(op: Operation) -> list[TensorShape]:
    _check_equation(op._attrs["equation"])
    inputs, output = _split(op._attrs["equation"])
    if len(inputs) != len(op.inputs):
        raise ValueError(f"Expected {len(inputs)} inputs but got: {len(op.inputs)}")
    sizes: dict[str, int | None] = {}
    rest = shape_of_dims(())
    for labels, tensor in zip(inputs, op.inputs, strict=True):
        found, ellipsis = _dims_of(labels, tensor.shape)
        for label, size in found.items():
            _meet(sizes, label, size)
        rest = broadcast_shape(rest, ellipsis)
    if "..." in output and rest._dims is None:
        return [unknown_shape()]
    before, _, after = output.partition("...")
    dims = [sizes[label] for label in before]
    if "..." in output:
        dims += rest._dims or ()
    return [shape_of_dims((*dims, *(sizes[label] for label in after)))]


@EINSUM.kernel
def einsum_kernel(*inputs: Any, equation: str) -> Any:
    labels, output = _split(equation)
    plain = "." not in equation and all(len(set(part)) == len(part) for part in labels)
    if len(inputs) == 2 and plain:
        return _contract(inputs[0], labels[0], inputs[1], labels[1], output)
    return np.array(np.einsum(equation, *inputs, optimize=True))


def _contract(a: Any, in_a: str, b: Any, in_b: str, output: str) -> Any:
    """Two inputs as one batched matrix product: batches, then what is free, then what is summed."""
    a, in_a = _without(a, in_a, in_b + output)
    b, in_b = _without(b, in_b, in_a + output)
    batch = [label for label in in_a if label in in_b and label in output]
    inner = [label for label in in_a if label in in_b and label not in output]
    free_a = [label for label in in_a if label not in in_b]
    free_b = [label for label in in_b if label not in in_a]
    sizes = dict(zip(in_a + in_b, a.shape + b.shape, strict=True))
    for label in batch + inner:
        if a.shape[in_a.index(label)] != b.shape[in_b.index(label)]:
            raise ValueError(f"Expected dimension {label} to be equal in all inputs")

    def shape(*groups: list[str]) -> list[int]:
        return [int(np.prod([sizes[label] for label in group], dtype=int)) for group in groups]

    left = a.transpose([in_a.index(label) for label in batch + free_a + inner])
    right = b.transpose([in_b.index(label) for label in batch + inner + free_b])
    product = np.matmul(
        left.reshape(shape(batch, free_a, inner)), right.reshape(shape(batch, inner, free_b))
    )
    order = batch + free_a + free_b
    product = product.reshape([sizes[label] for label in order])
    # (ascontiguousarray would make a vector of a scalar.)
    turned = product.transpose([order.index(label) for label in output])
    return np.asarray(turned, order="C")


def _without(array: Any, labels: str, wanted: str) -> tuple[Any, str]:
    """Sums over the labels that nothing else has."""
    gone = tuple(i for i, label in enumerate(labels) if label not in wanted)
    if gone:
        array = np.sum(array, axis=gone, dtype=array.dtype)
    return array, "".join(label for label in labels if label in wanted)


@EINSUM.gradient
def einsum_gradient(op: Operation, grad: Tensor) -> Any:
    return [_gradient_by_input(op, grad, position) for position in range(len(op.inputs))]


def _gradient_by_input(op: Operation, grad: Tensor, position: int) -> Tensor:
    """The other inputs and the gradient, contracted to the labels of one input."""
    inputs, output = _split(op._attrs["equation"])
    x, labels = op.inputs[position], inputs[position]
    operands = [grad, *(conj(t) for i, t in enumerate(op.inputs) if i != position)]
    given = [output, *(part for i, part in enumerate(inputs) if i != position)]
    named = list(labels.replace("...", ""))
    spare = [c for c in string.ascii_letters if c not in op._attrs["equation"]]
    for place, label in enumerate(named):
        if label in named[:place]:  # a diagonal: zero off it
            named[place] = spare.pop()
            operands.append(_identity_matrix(x, labels, place, grad))
            given.append(label + named[place])
    present = [label for label in named if any(label in part for part in given)]
    dots = "..." if "..." in op._attrs["equation"] else ""
    equation = f"{','.join(given)}->{dots}{''.join(present)}"
    result: Tensor = EINSUM(operands, equation=equation)
    for place, label in enumerate(named):  # what was summed away is the same all along
        if label not in present:
            result = array_ops.expand_dims(result, place - len(present) - 1)
            present.insert(place, label)
    if dots:
        return _fit_ellipsis(result, x, labels, named)
    return array_ops.broadcast_to(result, array_ops.shape(x))


def _identity_matrix(x: Tensor, labels: str, place: int, like: Tensor) -> Tensor:
    """The identity of the size of one label of `x`, counted without the ellipsis."""
    from_end = "..." in labels and place >= labels.index("...")
    axis = place - len(labels.replace("...", "")) if from_end else place
    places = range_op(array_ops.shape(x)[axis])
    mask = EQUAL(array_ops.expand_dims(places, 0), array_ops.expand_dims(places, 1))
    identity: Tensor = cast(mask, like.dtype)
    return identity


def _fit_ellipsis(result: Tensor, x: Tensor, labels: str, named: list[str]) -> Tensor:
    """From axes `...` and then `named` to the order and the sizes of `x`, which was broadcast."""
    order = "".join(named)
    if "..." not in labels:
        summed = unbroadcast(result, x, result, trailing=len(named))
        return array_ops.broadcast_to(summed, array_ops.shape(x))
    start = labels.index("...")
    if start:
        moved = f"{order[:start]}...{order[start:]}->...{order}"
        front: Tensor = EINSUM([x], equation=moved)
    else:
        front = x
    summed = unbroadcast(result, front, result, trailing=len(named))
    summed = array_ops.broadcast_to(summed, array_ops.shape(front))
    if start:
        back: Tensor = EINSUM([summed], equation=f"...{order}->{order[:start]}...{order[start:]}")
        return back
    return summed


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Products of tensors, summed over the labels that the output lacks (mirrors `tf.einsum`).

    `einsum("ij,jk->ik", a, b)` is the matrix product, `"ij->ji"` the transpose, `"ii"` the trace,
    `"bij,bjk->bik"` a batch of products. `...` stands for axes without labels, which broadcast.

    Args:
      equation: the labels of each input, separated by commas, then `->` and those of the output;
        without an arrow the output has the labels that occur once, sorted.
      *inputs: tensors of one dtype.
      name: the scope of the nodes.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if the equation cannot be read or does not fit the inputs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.einsum("ij,j->i", [[1, 2], [3, 4]], [10, 100]))
    array([210, 430], dtype=int32)
    """
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise errors.type_error(f"einsum() got unexpected keyword arguments: {sorted(kwargs)}")
    if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
        inputs = tuple(inputs[0])
    equation = _explicit(equation.replace(" ", ""))
    labels, output = _split(equation)
    if len(labels) != len(inputs):
        raise errors.value_error(
            f'Got {len(inputs)} inputs for equation "{equation}", expecting {len(labels)}'
        )
    with name_scope(name, "einsum", list(inputs)):
        tensors = [convert_to_tensor(x) for x in inputs]
        while len(tensors) > 2:
            pair, labels = labels[:2], labels[2:]
            kept = _labels_still_needed(pair, labels, output)
            product = EINSUM(tensors[:2], equation=f"{','.join(pair)}->{kept}")
            tensors, labels = [product, *tensors[2:]], [kept, *labels]
        result: Tensor = EINSUM(tensors, equation=f"{','.join(labels)}->{output}")
        return result


def _explicit(equation: str) -> str:
    """The equation with its output written out.

    Raises:
      ValueError: if it cannot be read.
    """
    if "->" not in equation:
        named = equation.replace("...", "")
        once = [c for c in sorted(set(named) - {","}) if named.count(c) == 1]
        equation = f"{equation}->{'...' if '...' in equation else ''}{''.join(once)}"
    labels, output = _split(equation)
    known = set("".join(labels))
    bare = output.replace("...", "")
    if (
        not _EQUATION.match(equation)
        or any("." in part.replace("...", "", 1) for part in [*labels, output])
        or not set(output) <= known
        or len(set(bare)) < len(bare)
    ):
        raise errors.value_error(f"Indices have incorrect format: {equation}")
    return equation


def _labels_still_needed(pair: list[str], others: list[str], output: str) -> str:
    """The labels of two inputs that the output or another input has."""
    joined = "".join(pair)
    later = output + "".join(others)
    dots = "..." if "..." in joined else ""
    return dots + "".join(c for c in dict.fromkeys(joined.replace(".", "")) if c in later)
