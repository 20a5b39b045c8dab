"""With this module one can name what went wrong as TensorFlow does: `tf.errors.*`.

Every error that minitf raises while a graph is built or run says, in this order:

1. what is wrong, in one sentence, in the user's terms;
2. the op, its type, and the shapes and dtypes that met;
3. the user's own source line that created the op;
4. what to do about it;
5. where docs/errors.md says more.

`report` lays a message out that way, so that all errors read alike; `value_error` and its like are
for what one sentence says.

>>> import minitf as tf
>>> issubclass(tf.errors.OutOfRangeError, tf.errors.OpError)
True
>>> tf.errors.InvalidArgumentError(None, None, "bad").error_code
3
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from minitf.framework import traceback as traceback_lib

if TYPE_CHECKING:
    from minitf.framework.operation import Operation

# The last line of every message: the section of the page that says more.
_SEE = "\n  see: docs/errors.md#"
_GENERAL = "how-to-read-an-error"
_ARGUMENTS = "arguments"
# What `report` ends a message with that is about no op.
_END = re.compile(r"(\n  called at: .*)?\n  see: docs/errors\.md#[\w-]+")

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class OpError(Exception):
    """A failure of one operation (mirrors `tf.errors.OpError`).

    Args:
      node_def: the node's definition, or None where no node failed.
      op: the `Operation` that failed, or None when it is not known.
      message: what happened; see the module's docstring for the layout.
      error_code: one of the codes above; each subclass has its own.
    """

    code_of_class = UNKNOWN

    def __init__(
        self, node_def: Any, op: Operation | None, message: str, error_code: int | None = None
    ) -> None:
        own = next(cls for cls in type(self).__mro__ if cls.__module__ == __name__)
        message = _with_section(message, own.__name__.lower())
        super().__init__(message)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = self.code_of_class if error_code is None else error_code

    @property
    def message(self) -> str:
        """What happened, as one text."""
        return self._message

    @property
    def op(self) -> Operation | None:
        """The operation that failed, or None when it is not known."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The definition of the node that failed, or None."""
        if self._node_def is None and self._op is not None:
            return self._op.node_def
        return self._node_def

    @property
    def error_code(self) -> int:
        """TensorFlow's integer code of this class of errors."""
        return self._error_code

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> tuple[Any, ...]:
        # An op belongs to its process's graph; what travels between processes is the text.
        return type(self)._rebuild, (self._message, self._error_code)

    @classmethod
    def _rebuild(cls, message: str, error_code: int) -> OpError:
        error = cls(None, None, message)
        error._error_code = error_code
        return error


class CancelledError(OpError):
    """The operation was cancelled, for example by closing its session or queue."""

    code_of_class = CANCELLED


class UnknownError(OpError):
    """An error that fits no other class, such as an exception inside a `py_func`."""

    code_of_class = UNKNOWN


class InvalidArgumentError(OpError):
    """An input of an operation is not one that it accepts, such as an unfed placeholder."""

    code_of_class = INVALID_ARGUMENT


class DeadlineExceededError(OpError):
    """A deadline passed before the operation was done."""

    code_of_class = DEADLINE_EXCEEDED


class NotFoundError(OpError):
    """Something that was asked for, such as a file or a checkpoint's key, does not exist."""

    code_of_class = NOT_FOUND


class AlreadyExistsError(OpError):
    """Something that was to be created exists already."""

    code_of_class = ALREADY_EXISTS


class PermissionDeniedError(OpError):
    """The caller may not do this, for example write to a file."""

    code_of_class = PERMISSION_DENIED


class UnauthenticatedError(OpError):
    """The caller did not prove who it is."""

    code_of_class = UNAUTHENTICATED


class ResourceExhaustedError(OpError):
    """Memory, disk space or another resource ran out."""

    code_of_class = RESOURCE_EXHAUSTED


class FailedPreconditionError(OpError):
    """The system is not in the state that the operation needs: an uninitialized variable."""

    code_of_class = FAILED_PRECONDITION


class AbortedError(OpError):
    """The operation was aborted, typically because a concurrent one came between."""

    code_of_class = ABORTED


class OutOfRangeError(OpError):
    """The operation went past the valid range: the end of a data set or a closed queue."""

    code_of_class = OUT_OF_RANGE


class UnimplementedError(OpError):
    """minitf has no implementation of this operation for these arguments."""

    code_of_class = UNIMPLEMENTED


class InternalError(OpError):
    """Something that minitf relies on does not hold: a bug of minitf."""

    code_of_class = INTERNAL


class UnavailableError(OpError):
    """A service, such as a parameter server, cannot be reached at the moment."""

    code_of_class = UNAVAILABLE


class DataLossError(OpError):
    """Data was lost or corrupted beyond repair: a flipped bit in a checkpoint."""

    code_of_class = DATA_LOSS


_CLASS_BY_CODE: dict[int, type[OpError]] = {
    cls.code_of_class: cls for cls in OpError.__subclasses__()
}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Returns the class for an integer code (mirrors `tf.errors.exception_type_from_error_code`).

    Raises:
      KeyError: if no class has this code.
    """
    return _CLASS_BY_CODE[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """Returns the integer code of a class of errors."""
    return cls.code_of_class


def _with_section(message: str, section: str) -> str:
    """The message with a reference to this section, where it has none to a more special one."""
    text, see, given = message.rpartition(_SEE)
    if see and given != _GENERAL:
        return message
    return (text if see else message) + _SEE + section


def without_section(message: str) -> str:
    """A message without the reference at its end, as for use inside another one.

    That one says itself what was called and where there is more to read.
    """
    return _END.sub("", message)


def report(
    what: str,
    *,
    op: Operation | None = None,
    facts: str = "",
    do: str = "",
    line: str = "",
    see: str = _GENERAL,
) -> str:
    """Lays a message out in minitf's order: what, the op with its inputs, the line, the remedy.

    Args:
      what: one sentence in the user's terms.
      op: the op that failed; its type, inputs and creation line are described from it.
      facts: further shapes, dtypes or values that met.
      do: what the user can do about it.
      line: the user's source line that made what the message is about, where there is no op to
        ask for it. With neither, it is the line that is running now.
      see: the section of docs/errors.md that says more; for a `tf.errors` class, its own if none.
    """
    parts = [without_section(what)]
    if op is not None:
        inputs = ", ".join(describe(tensor) for tensor in op.inputs)
        parts.append(
            f"  op: {op.name!r} (type {op.type})" + (f", inputs: {inputs}" if inputs else "")
        )
    if facts:
        parts.append(f"  {without_section(facts)}")
    created = str(op.traceback) if op is not None and op.traceback else line
    if created:
        parts.append(f"  created at: {created}")
    elif op is None and (called := traceback_lib.capture()):
        parts.append(f"  called at: {called}")
    if do:
        parts.append(f"  what to do: {do}")
    return "\n".join(parts) + _SEE + see


class ReadableKeyError(KeyError):
    """A KeyError that shows its text as it is written, which KeyError itself does not."""

    __str__ = Exception.__str__


def value_error(what: str, do: str = "", see: str = _ARGUMENTS) -> ValueError:
    """A ValueError that says what is wrong, the line that is running, and where there is more."""
    return ValueError(report(what, do=do, see=see))


def type_error(what: str, do: str = "", see: str = _ARGUMENTS) -> TypeError:
    """A TypeError that says what `value_error` does."""
    return TypeError(report(what, do=do, see=see))


def attribute_error(what: str, do: str = "", see: str = _ARGUMENTS) -> AttributeError:
    """An AttributeError that says what `value_error` does."""
    return AttributeError(report(what, do=do, see=see))


def runtime_error(what: str, do: str = "", see: str = _ARGUMENTS) -> RuntimeError:
    """A RuntimeError that says what `value_error` does."""
    return RuntimeError(report(what, do=do, see=see))


def not_implemented(what: str, do: str = "", see: str = _ARGUMENTS) -> NotImplementedError:
    """A NotImplementedError that says what `value_error` does."""
    return NotImplementedError(report(what, do=do, see=see))


def key_error(what: str, do: str = "", see: str = _ARGUMENTS) -> KeyError:
    """A KeyError that says what `value_error` does."""
    return ReadableKeyError(report(what, do=do, see=see))


def warn(what: str, see: str) -> None:
    """Logs a warning that ends with the section of docs/errors.md that says more."""
    import logging

    logging.getLogger("minitf").warning("%s See docs/errors.md#%s", what, see)


def describe(tensor: Any) -> str:
    """One tensor for a message: its name, dtype and shape."""
    return f"{tensor.name} {tensor.dtype.base_dtype.name}{_shape_text(tensor.shape)}"


def brief(value: Any) -> str:
    """A value for a message: its `repr`, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _shape_text(shape: Any) -> str:
    if shape.ndims is None:
        return " of unknown shape"
    return "[" + ",".join("?" if d is None else str(d) for d in shape.as_list()) + "]"
