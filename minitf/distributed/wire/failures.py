"""With this module an error goes from the process where it happened to the one that must know.

Not the exception travels but what its reader needs: TensorFlow's code of its class, its message,
and the name of the op that failed. At the caller it is raised again, by that class, with the
caller's own op of that name.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from minitf.distributed.wire.interface import Header
from minitf.framework import errors
from minitf.framework.operation import Operation

FindOp = Callable[[str], "Operation | None"]


def as_header(error: BaseException) -> Header:
    """What travels of an error.

    >>> as_header(errors.NotFoundError(None, None, "There is no variable w."))
    {'code': 5, 'message': 'There is no variable w...', 'op': ''}
    """
    if isinstance(error, errors.OpError):
        name = error.op.name if error.op is not None else getattr(error.node_def, "name", "")
        return {"code": error.error_code, "message": error.message, "op": name or ""}
    if isinstance(error, MemoryError):
        message = f"There is not enough memory. {error}".rstrip()
        return {"code": errors.RESOURCE_EXHAUSTED, "message": message, "op": ""}
    message = f"{type(error).__name__}: {error}"
    return {"code": errors.UNKNOWN, "message": message, "op": ""}


def from_header(header: Header, where: str, find_op: FindOp | None = None) -> errors.OpError:
    """The error that a header speaks of.

    Args:
      header: as `as_header` made it; anything, if the sender is hostile.
      where: the task and the address where it happened.
      find_op: gives the caller's op of a name.
    """
    code, name = header.get("code"), header.get("op")
    try:
        cls = errors.exception_type_from_error_code(code if isinstance(code, int) else 0)
    except KeyError:
        cls = errors.UnknownError
    op = find_op(name) if find_op is not None and isinstance(name, str) and name else None
    message = f"{header.get('message')}"
    if "\n  where: " not in message:  # it may have come a long way
        message += f"\n  where: {where}"
    return cls(None, op, message)


def clock(monotonic: float) -> str:
    """The time of day at a time of `time.monotonic()`, for messages."""
    then = time.time() - (time.monotonic() - monotonic)
    return time.strftime("%H:%M:%S", time.localtime(then))
