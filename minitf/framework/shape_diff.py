"""With this module an error about shapes shows them below one another, and where they differ.

>>> import minitf as tf
>>> try:
...     tf.zeros([2, 3]) + tf.zeros([2, 4])
... except ValueError as error:
...     print(*str(error).splitlines()[2:5], sep="\\n")
  zeros:0    [2, 3]
  zeros_1:0  [2, 4]
                 ^
"""

from __future__ import annotations

from collections.abc import Callable

from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor

_IMAGES = "give images the shape [batch, height, width, channels], for example with tf.reshape."
_REMEDIES = {
    "Conv2D": _IMAGES,
    "MaxPool": _IMAGES,
    "AvgPool": _IMAGES,
    "ConcatV2": "sizes may differ only along the axis of the concatenation: choose that axis.",
    "Split": "split an axis whose size divides, or name the sizes, as in tf.split(x, [4, 6]).",
    "Squeeze": "name only axes of size 1, or none, which drops all of these.",
    "StridedSlice": "indices count from 0 to the size less 1, or from the end from -1.",
    "Transpose": "name each axis of the tensor once.",
}
_TAKES_AN_AXIS = {"Sum", "Mean", "Prod", "Max", "Min", "All", "Any", "ArgMax", "ArgMin"}

Dims = list[int | None]
# The axes of each shape, counted from the end where the shapes are to be seen as aligned there.
Marks = list[set[int]]


def shape_diff(op: Operation) -> str:
    """The shapes of a node's inputs, aligned, with a mark at each axis that does not fit.

    Returns:
      Lines of text, or "" where it is not known which axes are to fit.
    """
    rule = _RULES.get(op.type) or (_broadcast if op.op_def.elementwise else None)
    if rule is None:
        return ""
    tensors = [tensor for tensor in op.inputs if tensor.shape.ndims is not None]
    if len(tensors) != len(op.inputs) or len(tensors) < 2:
        return ""
    shown, from_the_end = rule(op)
    shapes = [tensor.shape.as_list() for tensor in shown]
    marks = _MARKS[op.type](op, shapes) if op.type in _MARKS else _unequal(shapes, from_the_end)
    return _laid_out(shown, shapes, marks, from_the_end) if any(marks) else ""


def shape_remedy(op: Operation) -> str:
    """What to do about shapes that a node does not take."""
    shapes = [
        tensor.shape.as_list() if tensor.shape.ndims is not None else [] for tensor in op.inputs
    ]
    if op.type == "Conv2D" and any(_channels(op, shapes)):
        return "give the filter the shape [height, width, channels of the images, channels out]."
    if "MatMul" in op.type and [len(shape) for shape in shapes] == [2, 2]:
        (_, inner), (_, last) = shapes
        if inner == last and not op._attrs.get("transpose_b", op._attrs.get("adj_y")):
            return "the second factor would fit transposed: tf.matmul(a, b, transpose_b=True)."
        return "a product of [m, k] and [k, n] is [m, n]: the two sizes k must be equal."
    if op.type == "Reshape":
        return "ask for as many elements as there are; one size may be -1, which is worked out."
    if op.type == "ConcatV2" and len({t.shape.ndims for t in op.inputs[:-1]} - {None}) > 1:
        return "what is concatenated has one rank: add axes of size 1 with tf.expand_dims."
    if op.type in _TAKES_AN_AXIS and shapes[0]:
        rank = len(shapes[0])
        return f"axes count from 0: a tensor of rank {rank} has the axes {-rank} to {rank - 1}."
    return _REMEDIES.get(op.type, "Make the shapes fit, for example with tf.reshape.")


def _broadcast(op: Operation) -> tuple[list[Tensor], bool]:
    return list(op.inputs), True


def _all(op: Operation) -> tuple[list[Tensor], bool]:
    return list(op.inputs), False


def _but_last(op: Operation) -> tuple[list[Tensor], bool]:
    return list(op.inputs[:-1]), False


def _unequal(shapes: list[Dims], from_the_end: bool) -> Marks:
    """Axes at which known sizes differ; a size of 1 fits any other where shapes are broadcast."""
    marks: Marks = [set() for _ in shapes]
    rank = max(map(len, shapes))
    for axis in range(rank):
        sizes = [_size(shape, axis, rank, from_the_end) for shape in shapes]
        known = {size for size in sizes if size is not None}
        if from_the_end:
            known.discard(1)
        if len(known) > 1:
            for mark, size in zip(marks, sizes, strict=True):
                if size is not None:
                    mark.add(axis)
    return marks


def _size(shape: Dims, axis: int, rank: int, from_the_end: bool) -> int | None:
    place = axis - (rank - len(shape)) if from_the_end else axis
    return shape[place] if 0 <= place < len(shape) else None


def _product(op: Operation, shapes: list[Dims]) -> Marks:
    """A product sums over the last axis of the first factor and the last but one of the second."""
    attrs = op._attrs
    first = -2 if attrs.get("transpose_a", attrs.get("adj_x")) else -1
    second = -1 if attrs.get("transpose_b", attrs.get("adj_y")) else -2
    axes = [len(shapes[0]) + first, len(shapes[1]) + second]
    if min(axes) < 0 or shapes[0][axes[0]] == shapes[1][axes[1]]:
        return _unequal([shape[:-2] for shape in shapes], True)
    return [{axis} for axis in axes]


def _channels(op: Operation, shapes: list[Dims]) -> Marks:
    """The channels of the images, and those that the filter takes."""
    axis = 1 if op._attrs.get("data_format") == "NCHW" else 3
    if [len(shape) for shape in shapes] != [4, 4] or shapes[0][axis] == shapes[1][2]:
        return [set(), set()]
    return [{axis}, {2}]


def _but_the_axis(op: Operation, shapes: list[Dims]) -> Marks:
    """What is concatenated may differ along one axis."""
    axis = static_value(op.inputs[-1])
    marks = _unequal(shapes, False)
    if axis is None or axis.ndim:  # a vector may be what the message is about
        return [set() for _ in shapes]
    return [mark - {int(axis) % max(len(shape), 1)} for mark, shape in zip(marks, shapes)]


_RULES: dict[str, Callable[[Operation], tuple[list[Tensor], bool]]] = {
    "MatMul": _all,
    "BatchMatMul": _all,
    "BatchMatMulV2": _all,
    "Conv2D": _all,
    "ConcatV2": _but_last,
    "AddN": _all,
    "Pack": _all,
    "Assign": _all,
    "AssignAdd": _all,
    "AssignSub": _all,
    "Select": _all,
    "SoftmaxCrossEntropyWithLogits": _broadcast,
    "BiasAdd": _broadcast,
}
_MARKS: dict[str, Callable[[Operation, list[Dims]], Marks]] = {
    "MatMul": _product,
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
    "Conv2D": _channels,
    "ConcatV2": _but_the_axis,
}


def _laid_out(tensors: list[Tensor], shapes: list[Dims], marks: Marks, from_the_end: bool) -> str:
    """A line for each tensor, with its sizes in columns, and marks below those that have one."""
    rank = max(map(len, shapes))
    rows, under = [], []
    for shape, mark in zip(shapes, marks, strict=True):
        ahead = rank - len(shape) if from_the_end else 0
        row = [""] * ahead + ["?" if d is None else str(d) for d in shape]
        rows.append(row + [""] * (rank - len(row)))
        under.append({axis if from_the_end else axis + ahead for axis in mark})
    wide = [max(len(row[axis]) for row in rows) for axis in range(rank)]
    names = [tensor.name for tensor in tensors]
    margin = max(map(len, names)) + 2
    lines = []
    for number, (name, row) in enumerate(zip(names, rows, strict=True)):
        sizes = [text.rjust(width) for text, width in zip(row, wide, strict=True)]
        lines.append(name.ljust(margin) + _in_brackets(sizes, row))
        is_last = number + 1 == len(rows)
        if under[number] and (is_last or under[number] != under[number + 1]):
            lines.append(" " * margin + _carets(wide, under[number]))
    return "\n  ".join(lines)


def _in_brackets(sizes: list[str], row: list[str]) -> str:
    """The sizes of one shape, where columns that it does not have stay blank."""
    there = [axis for axis, text in enumerate(row) if text]
    if not there:
        return " " * sum(len(size) + 2 for size in sizes) + "[]"
    ahead = "".join(" " * (len(size) + 2) for size in sizes[: there[0]])
    return f"{ahead}[{', '.join(sizes[axis] for axis in there)}]"


def _carets(wide: list[int], axes: set[int]) -> str:
    cells = [("^" if axis in axes else "").rjust(width) for axis, width in enumerate(wide)]
    return (" " + "  ".join(cells)).rstrip()
