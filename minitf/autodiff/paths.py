"""With this module one can ask what a tensor depends on, and why a gradient is None."""

from __future__ import annotations

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor


def dependencies(ys: list[Tensor]) -> set[Operation]:
    """All operations that `ys` depend on through data."""
    found: set[Operation] = set()
    stack = [y._op for y in ys]
    while stack:
        op = stack.pop()
        if op not in found:
            found.add(op)
            stack.extend(t._op for t in op._inputs)
    return found


def why_no_gradient(ys: list[Tensor], x: Tensor) -> str:
    """One sentence on why `tf.gradients(ys, x)` is None: no path, or where it is cut.

    >>> import minitf as tf
    >>> x = tf.constant([1.0, 2.0], name="x")
    >>> y = tf.cast(tf.argmax(x), tf.float32)
    >>> print(why_no_gradient([y], x).split(",")[0])
    the path from 'x:0' is cut at 'ArgMax' (ArgMax)
    """
    below = _depends_on_x(ys, x)
    if not below:
        return f"no path leads from {x.name!r} to {', '.join(repr(y.name) for y in ys)}"
    frontier, seen = [y._op for y in ys if y._op in below], set()
    cuts: list[Operation] = []
    while frontier:
        op = frontier.pop()
        if op in seen:
            continue
        seen.add(op)
        if op._op_def.differentiable is False or not any(
            t.dtype.is_floating or t.dtype.is_complex for t in op._outputs
        ):
            cuts.append(op)
            continue
        frontier.extend(t._op for t in op._inputs if t._op in below)
    if not cuts:
        return f"the gradient rules on the path from {x.name!r} give none"
    cut = min(cuts, key=lambda op: op._id)
    return (
        f"the path from {x.name!r} is cut at {cut.name!r} ({cut.type}), which is not "
        f"differentiable, created at {cut.traceback}"
    )


def _depends_on_x(ys: list[Tensor], x: Tensor) -> set[Operation]:
    """The operations among the dependencies of `ys` that depend on `x`."""
    found = dependencies(ys)
    below: set[Operation] = set()
    stack = [op for op in x.consumers() if op in found]
    while stack:
        op = stack.pop()
        if op not in below:
            below.add(op)
            stack.extend(c for t in op._outputs for c in t.consumers() if c in found)
    return below
