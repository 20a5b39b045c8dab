"""With this module one can say what is known of a tensor's shape before it is computed.

Three degrees are possible: a fully known shape, a known rank with some unknown dims (printed `?`),
and an unknown rank. Shapes merge: what either side knows, both know.

>>> import minitf as tf
>>> tf.TensorShape([None, 784]).merge_with([50, None])
TensorShape([Dimension(50), Dimension(784)])
>>> print(tf.TensorShape([None, 784]), tf.TensorShape(None))
(?, 784) <unknown>
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import index
from typing import Any, Union

from minitf.framework import errors

MAX_RANK = 254  # TensorFlow's limit

ShapeLike = Any  # a TensorShape, a list of ints, None and Dimensions, one int, or None


class Dimension:
    """One dim of a shape: an integer, or unknown (mirrors `tf.Dimension`).

    Arithmetic with an unknown dim gives an unknown dim; comparison with one gives None.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = _as_dim(value)

    @property
    def value(self) -> int | None:
        """The size, or None if it is unknown."""
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        """Whether both could be the same size."""
        other_value = _as_dim(other)
        return self._value is None or other_value is None or self._value == other_value

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError if the two cannot be the same size."""
        if not self.is_compatible_with(other):
            raise errors.value_error(
                f"Dimensions {self} and {as_dimension(other)} are not compatible",
                see="shapes-that-do-not-fit",
            )

    def merge_with(self, other: Any) -> Dimension:
        """The size that either knows.

        Raises:
          ValueError: if they are known and differ.
        """
        self.assert_is_compatible_with(other)
        return Dimension(_as_dim(other) if self._value is None else self._value)

    def _combine(self, other: Any, operation: Any) -> Any:
        try:
            other_value = _as_dim(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other_value is None:
            return Dimension(None)
        return Dimension(operation(self._value, other_value))

    def __add__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: b + a)

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: b * a)

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: a // b)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: b // a)

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: a % b)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, lambda a, b: b % a)

    def __truediv__(self, other: Any) -> Any:
        raise errors.type_error(
            f"unsupported operand type(s) for /: 'Dimension' and {type(other).__name__!r}, "
            "please use // instead",
            see="shapes-that-do-not-fit",
        )

    def _compare(self, other: Any, operation: Any) -> bool | None:
        other_value = _as_dim(other)
        if self._value is None or other_value is None:
            return None
        return bool(operation(self._value, other_value))

    def __lt__(self, other: Any) -> bool | None:
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> bool | None:
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> bool | None:
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> bool | None:
        return self._compare(other, lambda a, b: a >= b)

    def __eq__(self, other: Any) -> Any:  # None where it cannot be known, as in TF1
        try:
            other_value = _as_dim(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or other_value is None:
            return None
        return self._value == other_value

    def __ne__(self, other: Any) -> Any:
        equal = self.__eq__(other)
        return equal if equal is None or equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __int__(self) -> int:
        return self.__index__()

    def __index__(self) -> int:
        if self._value is None:
            raise errors.type_error(
                "An unknown Dimension cannot be used as an integer: its size is known only when a "
                "session runs.",
                do="take it from tf.shape(x), as in tf.zeros([tf.shape(x)[0], 3]).",
                see="shapes-that-do-not-fit",
            )
        return self._value

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)


def _as_dim(value: Any) -> int | None:
    """The plain form of a dim: an int of at least 0, or None."""
    if value is None:
        return None
    if isinstance(value, Dimension):
        return value._value
    try:
        size = index(value)
    except TypeError:
        # Python numbers that hold an integer, and strings that spell one, as TF1 takes them.
        if isinstance(value, (float, str, bytes)) or not hasattr(value, "__int__"):
            raise errors.type_error(
                f"Dimension value must be integer or None or have an __index__ method, "
                f"got value '{value!r}' with type '{type(value)!r}'",
                see="shapes-that-do-not-fit",
            ) from None
        size = int(value)
    if size < 0:
        raise errors.value_error(f"Dimension {size} must be >= 0", see="shapes-that-do-not-fit")
    return size


def as_dimension(value: Any) -> Dimension:
    """Converts an int, None or Dimension to a `Dimension` (mirrors `tf.Dimension`)."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> int | None:
    """The plain int (or None) of a Dimension or int (mirrors `tf.dimension_value`)."""
    return _as_dim(dimension)


def dimension_at_index(shape: TensorShape, position: int) -> Dimension:
    """One dim of a shape; unknown if the rank is (mirrors `tf.dimension_at_index`)."""
    return Dimension(None) if shape.ndims is None else shape[position]


Dims = Union["tuple[int | None, ...]", None]


class TensorShape:
    """What is known of a shape (mirrors `tf.TensorShape`).

    Args:
      dims: a list of sizes, where None is an unknown size; None for an unknown rank.
    """

    __slots__ = ("_dims",)

    _dims: Dims

    def __init__(self, dims: ShapeLike) -> None:
        if isinstance(dims, TensorShape):
            self._dims = dims._dims
        elif dims is None:
            self._dims = None
        elif hasattr(dims, "unknown_rank") and hasattr(dims, "dim"):  # a TensorShapeProto
            self._dims = (
                None
                if dims.unknown_rank
                else tuple(None if d.size == -1 else int(d.size) for d in dims.dim)
            )
        elif isinstance(dims, Iterable) and not isinstance(dims, (str, bytes)):
            self._dims = tuple([d if type(d) is int and d >= 0 else _as_dim(d) for d in dims])
        else:
            self._dims = (_as_dim(dims),)

    @property
    def dims(self) -> list[Dimension] | None:
        """The dims as Dimensions; None if the rank is unknown."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def ndims(self) -> int | None:
        """The rank, or None if it is unknown."""
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def as_list(self) -> list[int | None]:
        """The sizes as a list; None for an unknown one.

        Raises:
          ValueError: if the rank is unknown.
        """
        if self._dims is None:
            raise errors.value_error(
                "as_list() is not defined on an unknown TensorShape.", see="shapes-that-do-not-fit"
            )
        return list(self._dims)

    def is_fully_defined(self) -> bool:
        """Whether every dim is known."""
        return self._dims is not None and None not in self._dims

    def num_elements(self) -> int | None:
        """How many elements a tensor of this shape has; None if that is not known."""
        if self._dims is None:
            return None
        product = 1
        for d in self._dims:
            if d is None:
                return None
            product *= d
        return product

    def is_compatible_with(self, other: ShapeLike) -> bool:
        """Whether one tensor could have both shapes."""
        a, b = self._dims, as_shape(other)._dims
        if a is None or b is None or a == b:
            return True
        return len(a) == len(b) and all(
            x is None or y is None or x == y for x, y in zip(a, b, strict=True)
        )

    def is_subtype_of(self, other: ShapeLike) -> bool:
        """Whether every tensor of this shape has the other shape too."""
        a, b = self._dims, as_shape(other)._dims
        if b is None:
            return True
        return (
            a is not None
            and len(a) == len(b)
            and all(y is None or x == y for x, y in zip(a, b, strict=True))
        )

    def assert_is_compatible_with(self, other: ShapeLike) -> None:
        """Raises ValueError if no tensor can have both shapes."""
        if not self.is_compatible_with(other):
            raise errors.value_error(
                f"Shapes {self} and {as_shape(other)} are incompatible",
                see="shapes-that-do-not-fit",
            )

    def merge_with(self, other: ShapeLike) -> TensorShape:
        """The shape that knows what either knows.

        Raises:
          ValueError: if the two shapes are not compatible.
        """
        merged: TensorShape = as_shape(other)
        if self._dims is None:
            return merged
        if merged._dims is None:
            return self
        if not self.is_compatible_with(merged):
            raise errors.value_error(
                f"Shapes {self} and {merged} are not compatible", see="shapes-that-do-not-fit"
            )
        pairs = zip(self._dims, merged._dims, strict=True)
        return _shape(tuple(y if x is None else x for x, y in pairs))

    def concatenate(self, other: ShapeLike) -> TensorShape:
        """The dims of this shape followed by those of the other."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return UNKNOWN
        return _shape(self._dims + other._dims)

    def assert_same_rank(self, other: ShapeLike) -> None:
        """Raises ValueError if both ranks are known and differ."""
        other = as_shape(other)
        if self.ndims is not None and other.ndims is not None and self.ndims != other.ndims:
            raise errors.value_error(
                f"Shapes {self} and {other} must have the same rank", see="shapes-that-do-not-fit"
            )

    def assert_has_rank(self, rank: int) -> None:
        """Raises ValueError if the rank is known and is not `rank`."""
        if self.ndims not in (None, rank):
            raise errors.value_error(
                f"Shape {self} must have rank {rank}", see="shapes-that-do-not-fit"
            )

    def with_rank(self, rank: int) -> TensorShape:
        """This shape with the given rank.

        Raises:
          ValueError: if this shape is known to have another rank.
        """
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            raise errors.value_error(
                f"Shape {self} must have rank {rank}", see="shapes-that-do-not-fit"
            ) from None

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape; raises ValueError if its rank is known and smaller."""
        if self.ndims is not None and self.ndims < rank:
            raise errors.value_error(
                f"Shape {self} must have rank at least {rank}", see="shapes-that-do-not-fit"
            )
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape; raises ValueError if its rank is known and greater."""
        if self.ndims is not None and self.ndims > rank:
            raise errors.value_error(
                f"Shape {self} must have rank at most {rank}", see="shapes-that-do-not-fit"
            )
        return self

    def assert_is_fully_defined(self) -> None:
        """Raises ValueError if a dim is unknown."""
        if not self.is_fully_defined():
            raise errors.value_error(
                f"Shape {self} is not fully defined", see="shapes-that-do-not-fit"
            )

    def __len__(self) -> int:
        if self._dims is None:
            raise errors.value_error(
                "Cannot take the length of shape with unknown rank.", see="shapes-that-do-not-fit"
            )
        return len(self._dims)

    def __iter__(self) -> Iterator[Dimension]:
        if self._dims is None:
            raise errors.value_error(
                "Cannot iterate over a shape with unknown rank.", see="shapes-that-do-not-fit"
            )
        return iter([Dimension(d) for d in self._dims])

    def __getitem__(self, key: Any) -> Any:
        if self._dims is not None:
            if isinstance(key, slice):
                return _shape(self._dims[key])
            return Dimension(self._dims[key])
        if not isinstance(key, slice):
            return Dimension(None)
        start, stop = key.start or 0, key.stop
        if key.step is not None or stop is None or start < 0 or stop < 0:
            return UNKNOWN
        return unknown_shape(max(0, stop - start))

    def __bool__(self) -> bool:
        return self._dims is not None

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == as_shape(other)._dims
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __add__(self, other: ShapeLike) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: ShapeLike) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __repr__(self) -> str:
        return f"TensorShape({self.dims!r})"

    def __str__(self) -> str:
        if self._dims is None:
            return "<unknown>"
        inside = ", ".join("?" if d is None else str(d) for d in self._dims)
        return f"({inside},)" if len(self._dims) == 1 else f"({inside})"

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self._dims,)


def _shape(dims: Dims) -> TensorShape:
    """A TensorShape from dims that are already plain: the fast way in."""
    shape = TensorShape.__new__(TensorShape)
    shape._dims = dims
    return shape


shape_of_dims = _shape
UNKNOWN = TensorShape(None)
SCALAR = TensorShape([])


def as_shape(shape: ShapeLike) -> TensorShape:
    """Converts a list, an int, None or a TensorShape to a `TensorShape`."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank: int | None = None) -> TensorShape:
    """A shape of unknown dims; of unknown rank if `rank` is None.

    Raises:
      ValueError: if no tensor has so many dims: what says so may be any number in a file.
    """
    if rank is not None and rank > MAX_RANK:
        raise errors.value_error(
            f"A shape has at most {MAX_RANK} dimensions, not {rank}.", see="shapes-that-do-not-fit"
        )
    return UNKNOWN if rank is None else _shape((None,) * rank)


def scalar() -> TensorShape:
    """The shape of a scalar, `()`."""
    return SCALAR


def broadcast_shape(a: TensorShape, b: TensorShape) -> TensorShape:
    """The shape of `a + b` by numpy's rules, as far as it can be known.

    A dim that is known to be greater than 1 decides; an unknown dim against 1 stays unknown.

    Raises:
      ValueError: if the shapes cannot be broadcast together.
    """
    x, y = a._dims, b._dims
    if x is None or y is None:
        return UNKNOWN
    if x == y and None not in x:
        return a
    if len(x) < len(y):
        x, y = y, x
    dims = list(x[: len(x) - len(y)])
    for p, q in zip(x[len(x) - len(y) :], y, strict=True):
        if p == q or q == 1:
            dims.append(p)
        elif p == 1:
            dims.append(q)
        elif p is None or q is None:
            known = p if q is None else q
            dims.append(known if known else None)
        else:
            raise errors.value_error(
                f"Dimensions must be equal, but are {p} and {q}", see="shapes-that-do-not-fit"
            )
    return _shape(tuple(dims))
