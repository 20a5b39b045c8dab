"""With this module one can hold a tensor: the promise of an array that a session will compute.

A `Tensor` is one output of an `Operation`. It has a name, a dtype and what is known of its shape,
but no value: that exists only while a session runs.

What `a + b` and `a[1:]` build is said by `minitf.ops`, which fills the table of operators here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minitf.framework import errors, tensor_shape
from minitf.framework.dtypes import DType
from minitf.framework.tensor_shape import TensorShape

if TYPE_CHECKING:
    from minitf.framework.graph import Graph
    from minitf.framework.operation import Operation

# Operator name -> function(x, y) or function(x); filled by `register_operator`.
_OPERATORS: dict[str, Callable[..., Any]] = {}


def register_operator(operator: str, function: Callable[..., Any]) -> None:
    """Says what a Python operator, such as "__add__", builds for tensors and variables."""
    _OPERATORS[operator] = function


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operation that needs a value was applied to a tensor, which has none yet."""


class OperatorMixin:
    """Python's operators, looked up in the table. Tensors and variables share them."""

    __slots__ = ()

    # numpy asks the other operand first when this is higher than its own: `array + tensor`.
    __array_priority__ = 100

    def __add__(self, other: Any) -> Any:
        return _OPERATORS["__add__"](self, other)

    def __radd__(self, other: Any) -> Any:
        return _OPERATORS["__radd__"](self, other)

    def __sub__(self, other: Any) -> Any:
        return _OPERATORS["__sub__"](self, other)

    def __rsub__(self, other: Any) -> Any:
        return _OPERATORS["__rsub__"](self, other)

    def __mul__(self, other: Any) -> Any:
        return _OPERATORS["__mul__"](self, other)

    def __rmul__(self, other: Any) -> Any:
        return _OPERATORS["__rmul__"](self, other)

    def __truediv__(self, other: Any) -> Any:
        return _OPERATORS["__truediv__"](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _OPERATORS["__rtruediv__"](self, other)

    def __floordiv__(self, other: Any) -> Any:
        return _OPERATORS["__floordiv__"](self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _OPERATORS["__rfloordiv__"](self, other)

    def __mod__(self, other: Any) -> Any:
        return _OPERATORS["__mod__"](self, other)

    def __rmod__(self, other: Any) -> Any:
        return _OPERATORS["__rmod__"](self, other)

    def __pow__(self, other: Any) -> Any:
        return _OPERATORS["__pow__"](self, other)

    def __rpow__(self, other: Any) -> Any:
        return _OPERATORS["__rpow__"](self, other)

    def __matmul__(self, other: Any) -> Any:
        return _OPERATORS["__matmul__"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _OPERATORS["__rmatmul__"](self, other)

    def __lt__(self, other: Any) -> Any:
        return _OPERATORS["__lt__"](self, other)

    def __le__(self, other: Any) -> Any:
        return _OPERATORS["__le__"](self, other)

    def __gt__(self, other: Any) -> Any:
        return _OPERATORS["__gt__"](self, other)

    def __ge__(self, other: Any) -> Any:
        return _OPERATORS["__ge__"](self, other)

    def __and__(self, other: Any) -> Any:
        return _OPERATORS["__and__"](self, other)

    def __rand__(self, other: Any) -> Any:
        return _OPERATORS["__rand__"](self, other)

    def __or__(self, other: Any) -> Any:
        return _OPERATORS["__or__"](self, other)

    def __ror__(self, other: Any) -> Any:
        return _OPERATORS["__ror__"](self, other)

    def __xor__(self, other: Any) -> Any:
        return _OPERATORS["__xor__"](self, other)

    def __rxor__(self, other: Any) -> Any:
        return _OPERATORS["__rxor__"](self, other)

    def __invert__(self) -> Any:
        return _OPERATORS["__invert__"](self)

    def __neg__(self) -> Any:
        return _OPERATORS["__neg__"](self)

    def __abs__(self) -> Any:
        return _OPERATORS["__abs__"](self)

    def __getitem__(self, key: Any) -> Any:
        return _OPERATORS["__getitem__"](self, key)


class Tensor(OperatorMixin):
    """One output of an operation (mirrors `tf.Tensor`).

    >>> import minitf as tf
    >>> tf.constant(1) + tf.constant(2)
    <tf.Tensor 'add:0' shape=() dtype=int32>
    >>> print(tf.square(3.0))
    Tensor("Square:0", shape=(), dtype=float32)
    """

    __slots__ = ("__weakref__", "_consumers", "_dtype", "_op", "_shape", "_static", "_value_index")

    _shape: TensorShape

    def __init__(self, op: Operation, value_index: int, dtype: DType) -> None:
        self._op = op
        self._value_index = value_index
        self._dtype = dtype
        self._shape = tensor_shape.UNKNOWN
        self._consumers: list[Operation] = []
        self._static: Any = None  # what `static_value` remembers

    @property
    def op(self) -> Operation:
        """The operation that produces this tensor."""
        return self._op

    @property
    def value_index(self) -> int:
        """Which output of its operation this tensor is."""
        return self._value_index

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def graph(self) -> Graph:
        """The graph that this tensor belongs to."""
        return self._op.graph

    @property
    def name(self) -> str:
        """The operation's name and the output's number, such as "add:0"."""
        return f"{self._op.name}:{self._value_index}"

    @property
    def device(self) -> str:
        """The device that the operation was placed on, or the empty string."""
        return self._op.device

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape before it is computed."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self._shape

    def _shape_as_list(self) -> list[int | None] | None:
        return None if self._shape.ndims is None else self._shape.as_list()

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge of the shape that minitf cannot infer by itself.

        Raises:
          ValueError: if `shape` contradicts what is known.
        """
        self._shape = self._shape.merge_with(shape)
        self._static = None

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor as an input."""
        return list(self._consumers)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Computes this tensor's value in a session (mirrors `tf.Tensor.eval`).

        Args:
          feed_dict: values for placeholders, as for `Session.run`.
          session: the session to run in; the default session if None.

        Raises:
          ValueError: if there is no session to run in.
        """
        from minitf.framework.default import session_for

        return session_for("evaluate tensor using `eval()`", self.graph, session).run(
            self, feed_dict
        )

    def experimental_ref(self) -> Tensor:
        """This tensor as a dictionary key; in TF1 a tensor is one itself."""
        return self

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self._shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        parts = [f'"{self.name}"']
        if self._shape.ndims is not None:
            parts.append(f"shape={self._shape}")
        parts.append(f"dtype={self._dtype.name}")
        if self.device:
            parts.append(f"device={self.device}")
        return f"Tensor({', '.join(parts)})"

    __hash__ = object.__hash__  # said, as the next line would take it away

    def __eq__(self, other: object) -> bool:
        return self is other

    def _refuse(self, error: type[Exception], what: str, do: str) -> Exception:
        return error(
            errors.report(
                what,
                facts=f"tensor: {errors.describe(self)}",
                line=str(self._op.traceback),
                do=do,
                see="a-tensor-is-not-a-value",
            )
        )

    def __bool__(self) -> bool:
        raise self._refuse(
            OperatorNotAllowedInGraphError,
            "Using a tf.Tensor as a Python `bool` is not allowed: it has no value until a session "
            "runs.",
            "Use `if t is not None:` to test whether a tensor is defined, tf.cond to choose in "
            "the graph by a tensor's value, or session.run(t) to get the value.",
        )

    def __iter__(self) -> Any:
        raise self._refuse(
            OperatorNotAllowedInGraphError,
            "Tensor objects are not iterable: how many elements there are is known only when a "
            "session runs.",
            "Use tf.unstack(t) for the slices along the first axis, or iterate over the array "
            "that session.run(t) returns.",
        )

    def __contains__(self, item: object) -> bool:
        raise self._refuse(
            OperatorNotAllowedInGraphError,
            "`in` is not allowed on a tf.Tensor: argument of type 'Tensor' is not iterable.",
            "Use tf.reduce_any(tf.equal(t, item)), or look in the array of session.run(t).",
        )

    def __len__(self) -> int:
        raise self._refuse(
            TypeError,
            f"len is not well defined for a symbolic Tensor ({self.name}).",
            "Use t.shape[0].value for the static size, or tf.shape(t)[0] for the run-time one.",
        )

    def __float__(self) -> float:
        raise self._no_number("float")

    def __int__(self) -> int:
        raise self._no_number("int")

    def __index__(self) -> int:
        raise self._no_number("index")

    def _no_number(self, kind: str) -> Exception:
        return self._refuse(
            TypeError,
            f"A tf.Tensor cannot be converted to a Python {kind}: it has no value until a session "
            "runs.",
            "Get the value with session.run(t) first, or stay in the graph with tf.cast.",
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self._refuse(
            NotImplementedError,
            f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array.",
            "Use the tf function instead of numpy's, or pass session.run(t) to numpy.",
        )

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self


class IndexedSlices:
    """A sparse gradient: rows `values` at the positions `indices` (mirrors `tf.IndexedSlices`).

    It stands for the dense tensor `dense[indices[i]] += values[i]` without building it: the
    gradient of `tf.gather` with respect to a large embedding touches only a few rows.
    """

    __slots__ = ("_dense_shape", "_indices", "_values")

    def __init__(self, values: Tensor, indices: Tensor, dense_shape: Tensor | None = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Tensor:
        """The rows."""
        return self._values

    @property
    def indices(self) -> Tensor:
        """The position of each row in the dense tensor; positions may repeat."""
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the dense tensor, or None if it was not given."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """What is known of the dense tensor's shape."""
        from minitf.framework.static_value import static_shape_value

        if self._dense_shape is None:
            return tensor_shape.unknown_shape()
        return static_shape_value(self._dense_shape)

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def name(self) -> str:
        """The name of the rows."""
        return self._values.name

    @property
    def dtype(self) -> DType:
        """The type of the rows."""
        return self._values.dtype

    @property
    def op(self) -> Operation:
        """The operation that produces the rows."""
        return self._values.op

    @property
    def device(self) -> str:
        """The device of the rows."""
        return self._values.device

    @property
    def graph(self) -> Graph:
        """The graph that all parts belong to."""
        return self._values.graph

    def __str__(self) -> str:
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{dense})"

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)
