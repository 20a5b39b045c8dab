"""With this module a failure inside a run is told in the user's terms, with the user's line."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import VariableResource
from minitf.framework.operation import Operation

_CLASS_OF: tuple[tuple[type[BaseException], type[errors.OpError]], ...] = (
    (MemoryError, errors.ResourceExhaustedError),
    (NotImplementedError, errors.UnimplementedError),
    (ValueError, errors.InvalidArgumentError),
    (IndexError, errors.InvalidArgumentError),
    (OverflowError, errors.InvalidArgumentError),
)


def op_error(op: Operation, error: BaseException, values: list[Any]) -> errors.OpError:
    """The `tf.errors` exception for what a kernel raised.

    Args:
      op: the node that was running.
      error: what its kernel raised.
      values: the arrays that it was given.
    """
    if isinstance(error, errors.OpError):
        if error.op is not None:
            return error
        cls: type[errors.OpError] = type(error)
    else:
        cls = next((c for kind, c in _CLASS_OF if isinstance(error, kind)), errors.InternalError)
    what = str(error) or type(error).__name__
    if cls is errors.InternalError:
        what = f"{type(error).__name__}: {what}"
    given = ", ".join(_describe(v) for v in values)
    do = _REMEDIES.get(cls, "")
    if cls is errors.FailedPreconditionError and not any(t.dtype._is_ref_dtype for t in op.inputs):
        do = _REMEDIES[errors.InvalidArgumentError]  # no variable is the matter
    message = errors.report(what, op=op, facts=f"given: {given}" if given else "", do=do)
    return cls(None, op, message)


_REMEDIES: dict[type[errors.OpError], str] = {
    errors.FailedPreconditionError: (
        "run the initializer first: session.run(tf.global_variables_initializer()), built after "
        "the last variable; or restore a checkpoint."
    ),
    errors.InvalidArgumentError: (
        "compare what was given with what the op takes; session.run of its inputs, by the names "
        "above, shows their values."
    ),
    errors.ResourceExhaustedError: "use a smaller batch or a smaller model.",
    errors.UnimplementedError: "use another dtype or another op.",
    errors.DeadlineExceededError: (
        "see that what it waits for is done: by tf.train.start_queue_runners(sess), by another "
        "thread or by another process; or give the run more time."
    ),
    errors.OutOfRangeError: (
        "this is how the end of the data is told: leave the loop at tf.errors.OutOfRangeError."
    ),
}


def _describe(value: Any) -> str:
    if isinstance(value, VariableResource):
        return "a variable" if value.value is None else _describe(value.value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__
    return f"{value.dtype}{list(value.shape)}"


def unfed_placeholder(op: Operation, fetches: list[Any], ops: list[Operation]) -> errors.OpError:
    """The error for a placeholder that a fetch needs and nobody fed, with the path to it."""
    from minitf.framework.tensor_shape import as_shape

    shape = as_shape(op._attrs["shape"])
    dtype = op._attrs["dtype"].name
    known = "" if shape.ndims is None else f" and shape {shape}"
    path = " <- ".join(_path_to(op, fetches, ops))
    return errors.InvalidArgumentError(
        None,
        op,
        errors.report(
            f"You must feed a value for placeholder tensor {op.name!r} with dtype {dtype}{known}",
            op=op,
            facts=f"needed by: {path}" if path else "",
            do=f"pass feed_dict={{<the tensor {op.name}:0>: value}} to run, or fetch something "
            "that does not depend on it.",
        ),
    )


def _path_to(op: Operation, fetches: list[Any], ops: list[Operation]) -> list[str]:
    """The names on a shortest path from a fetch down to `op`."""
    inside = set(ops)
    came_from: dict[Operation, Operation | None] = {}
    frontier = [getattr(f, "op", f) for f in fetches]
    for start in frontier:
        came_from.setdefault(start, None)
    while frontier and op not in came_from:
        following: list[Operation] = []
        for current in frontier:
            for before in [t._op for t in current._inputs] + current._control_inputs:
                if before in inside and before not in came_from:
                    came_from[before] = current
                    following.append(before)
        frontier = following
    names: list[str] = []
    step: Operation | None = op if op in came_from else None
    while step is not None:
        names.append(step.name)
        step = came_from[step]
    names.reverse()
    if len(names) > 8:
        names = [*names[:3], "...", *names[-4:]]
    return names
