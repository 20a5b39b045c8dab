"""With this module one can catch the first nan: `tf.check_numerics`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import colocate_with, control_dependencies, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import control_flow_ops

# ---- CheckNumerics

CHECK_NUMERICS = op_def(
    "CheckNumerics(tensor: T) -> (output: T)",
    "T: float",
    "message: string",
    stateful=True,
    aliases=True,
    shape=unchanged,
)


@CHECK_NUMERICS.kernel
def check_numerics_kernel(tensor: Any, *, message: str) -> Any:
    if not np.isfinite(tensor).all():
        kinds = [
            name
            for name, found in (("Inf", np.isinf(tensor).any()), ("NaN", np.isnan(tensor).any()))
            if found
        ]
        raise errors.InvalidArgumentError(
            None, None, f"{message} : Tensor had {' and '.join(kinds)} values"
        )
    return tensor


@CHECK_NUMERICS.gradient
def check_numerics_gradient(op: Operation, grad: Tensor) -> Any:
    return check_numerics(
        grad, f"Not a number (NaN) or infinity (Inf) values detected in gradient of {op.name}."
    )


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """Passes a tensor on, and fails where it has an inf or nan (mirrors `tf.check_numerics`).

    Args:
      tensor: a floating-point tensor.
      message: the beginning of the error's text.
      name: the node's name.

    Raises:
      tf.errors.InvalidArgumentError: when it runs on a value that is not finite.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32)
    >>> y = tf.check_numerics(tf.log(x), "log of x")
    >>> with tf.Session() as sess:
    ...     sess.run(y, {x: 0.0})
    Traceback (most recent call last):
    ...
    minitf.framework.errors.InvalidArgumentError: log of x : Tensor had Inf values
    ...
    """
    result: Tensor = CHECK_NUMERICS(tensor, message=message, name=name)
    return result


def verify_tensor_all_finite(
    t: Any = None,
    msg: str | None = None,
    name: str | None = None,
    x: Any = None,
    message: str | None = None,
) -> Tensor:
    """`check_numerics` as a control dependency (mirrors `tf.verify_tensor_all_finite`).

    Raises:
      tf.errors.InvalidArgumentError: when it runs on a value that is not finite.
    """
    value, text = (t if x is None else x), (msg if message is None else message)
    with name_scope(name, "VerifyFinite", [value]):
        tensor = convert_to_tensor(value, name="x")
        with colocate_with(tensor):
            check = check_numerics(tensor, text or "")
            return control_flow_ops.with_dependencies([check], tensor)  # type: ignore[return-value]


def add_check_numerics_ops() -> Operation:
    """An operation that checks every floating-point tensor made so far.

    Mirrors `tf.add_check_numerics_ops`. Run it with the training step: it fails at the first tensor
    that is not finite, and the error names the op and the line that made it.

    Raises:
      ValueError: if the graph has branches (`tf.cond`), inside which nothing can be checked.
    """
    graph = get_default_graph()
    checks: list[Any] = []
    for op in graph.get_operations():
        for tensor in op.outputs:
            dtype = tensor.dtype
            if dtype.is_floating and not dtype._is_ref_dtype:
                if op._get_control_flow_context() is not None:
                    raise ValueError(
                        errors.report(
                            "`tf.add_check_numerics_ops()` does not work with tf.cond: the op "
                            f"{op.name!r} is inside a branch.",
                            op=op,
                            see="branches",
                        )
                    )
                with control_dependencies(checks):
                    checks = [check_numerics(tensor, message=f"{op.name}:{tensor.value_index}")]
    return control_flow_ops.group(*checks)
