"""With this module a failure inside a run is told in the user's terms, with the user's line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import VariableResource
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

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
    what = errors.without_section(str(error)) or type(error).__name__
    if cls is errors.InternalError:
        what = f"{type(error).__name__}: {what}"
    if op.type == "CheckNumerics":
        return cls(None, op, _not_finite(op, what, values))
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


def _not_finite(check: Operation, what: str, values: list[Any]) -> str:
    """The message for a value with an inf or nan: about what computed it, not about the check."""
    op = check.inputs[0].op
    array = np.asarray(values[0]) if values else np.zeros(0)
    wrong = int(array.size - np.isfinite(array).sum())
    facts = [f"given: {array.dtype}{list(array.shape)}, {wrong} of {array.size} not finite"]
    if wrong < array.size:
        finite = array[np.isfinite(array)]
        facts.append(f"the others: from {finite.min():.6g} to {finite.max():.6g}")
    facts.append(f"checked at: {check.traceback}")
    return errors.report(
        what,
        op=op,
        facts="\n  ".join(facts),
        do=_NOT_FINITE.get(op.type, "look at its inputs: session.run of them shows their values."),
        see="not-finite",
    )


def refuse_not_finite(op: Operation, inputs: list[Any], outputs: list[Any]) -> None:
    """Refuses what a node has made if an inf or nan is in it: for a run that is observed.

    Raises:
      InvalidArgumentError: about the node.
    """
    for tensor, value in zip(op.outputs, outputs, strict=True):
        if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "fc":
            continue
        if np.isfinite(value).all():
            continue
        kind = "NaN" if np.isnan(value).any() else "Inf"
        wrong = int(value.size - np.isfinite(value).sum())
        facts = [f"made: {_describe(value)}, {wrong} of {value.size} not finite"]
        facts += [
            f"from {source.name}: {_describe(array)}{_range(array)}"
            for source, array in zip(op.inputs, inputs, strict=True)
        ]
        do = _NOT_FINITE.get(op.type, "look at its inputs: session.run of them shows their values.")
        what = f"{tensor.name} : Tensor had {kind} values"
        report = errors.report(what, op=op, facts="\n  ".join(facts), do=do, see="not-finite")
        raise errors.InvalidArgumentError(None, op, report)


def _range(value: Any) -> str:
    """From where to where the numbers of an array go, for a message."""
    array = value.value if isinstance(value, VariableResource) else value
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.kind not in "fiu":
        return ""
    return f", from {array.min():.6g} to {array.max():.6g}" if array.size else ""


_WITH_LOGITS = "use tf.nn.softmax_cross_entropy_with_logits_v2, which takes the logits"
_NOT_FINITE = {
    "Log": "the log of 0 is -inf, of a negative number nan. For the log of a softmax "
    f"{_WITH_LOGITS}; else keep the input away from 0, as in tf.log(tf.maximum(x, 1e-10)).",
    "RealDiv": "a division by 0: keep the divisor away from it, or use tf.div_no_nan.",
    "Div": "a division by 0: keep the divisor away from it, or use tf.div_no_nan.",
    "Exp": f"the exp of more than 88 is no float32 any more. For a softmax {_WITH_LOGITS}.",
    "Sqrt": "the root of a negative number is nan.",
    "SqrtGrad": "the slope of the root at 0 is infinite: take the root of x + 1e-10.",
    "Reciprocal": "a division by 0: keep the divisor away from it.",
    "Pow": "a negative base with a fractional exponent is nan, 0 with a negative one infinite.",
    "VariableV2": "an update has made it so: try a smaller learning rate, or clip the gradients.",
}


def _describe(value: Any) -> str:
    if isinstance(value, VariableResource):
        return "a variable" if value.value is None else _describe(value.value)
    if not isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__
    return f"{value.dtype}{list(value.shape)}"


def refuse_fed_references(ops: list[Operation], fed: Iterable[Tensor]) -> None:
    """Refuses an array in the place of a variable where the variable itself is wanted.

    Raises:
      InvalidArgumentError: if one of the operations updates a variable that is fed.
    """
    variables = {tensor for tensor in fed if tensor._dtype._is_ref_dtype}
    for op in ops if variables else ():
        wants_ref = op.op_def.ref_inputs(len(op.inputs))
        for tensor, ref in zip(op.inputs, wants_ref, strict=True):
            if ref and tensor in variables:
                raise errors.InvalidArgumentError(
                    None,
                    op,
                    errors.report(
                        f"{op.name!r} changes the variable {tensor.op.name!r} or asks about it, "
                        "but for this run a value is fed in its place.",
                        op=op,
                        do="do not feed the variable, or fetch only what reads it; "
                        "variable.load(value, session) gives it another value.",
                        see="feeding-a-tensor",
                    ),
                )


def unfed_placeholder(op: Operation, fetches: list[Any], ops: list[Operation]) -> errors.OpError:
    """The error for a placeholder that a fetch needs and nobody fed, with the path to it."""
    from minitf.framework.tensor_shape import as_shape

    shape = as_shape(op._attrs["shape"])
    dtype = op._attrs["dtype"].name
    known = "" if shape.ndims is None else f" and shape {shape}"
    path = _path_to(op, fetches, ops)
    facts = [f"needed by: {_in_short(path)}"] if path else []
    facts += [
        f"{node.name!r} is a summary: tf.summary.merge_all() collects all of the graph"
        for node in path
        if node.type.endswith("Summary") and node.type != "MergeSummary"
    ]
    facts += [
        f"another placeholder of that name: {other.name!r}, created at {other.traceback}"
        for other in _namesakes(op)
    ]
    return errors.InvalidArgumentError(
        None,
        op,
        errors.report(
            f"You must feed a value for placeholder tensor {op.name!r} with dtype {dtype}{known}",
            op=op,
            facts="\n  ".join(facts),
            do=f"pass feed_dict={{<the tensor {op.name}:0>: value}} to run, or fetch something "
            "that does not depend on it.",
            see="unfed-placeholder",
        ),
    )


_UNNUMBERED = re.compile(r"_\d+$")


def _path_to(op: Operation, fetches: list[Any], ops: list[Operation]) -> list[Operation]:
    """The nodes on a shortest path from a fetch down to `op`."""
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
    path: list[Operation] = []
    step: Operation | None = op if op in came_from else None
    while step is not None:
        path.append(step)
        step = came_from[step]
    path.reverse()
    return path


def _in_short(path: list[Operation]) -> str:
    names = [op.name for op in path]
    if len(names) > 8:
        names = [*names[:3], "...", *names[-4:]]
    return " <- ".join(names)


def _namesakes(op: Operation) -> list[Operation]:
    """Placeholders whose names differ by a number only, as after a cell of a notebook ran twice."""
    base = _UNNUMBERED.sub("", op.name)
    others = [node for node in op.graph.get_operations() if node.type == op.type and node is not op]
    return [node for node in others if _UNNUMBERED.sub("", node.name) == base][:3]
