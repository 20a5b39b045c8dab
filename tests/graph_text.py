"""A graph as lines of text, the same for minitf and for TensorFlow, so that two can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

# Bookkeeping of TensorFlow's that means nothing here.
_IGNORED = ("_has_manual_control_dependencies",)


def node_lines(graph: Any) -> list[str]:
    """One line per node: name, type, inputs, control inputs, attributes, shapes, device."""
    return [_line(op) for op in graph.get_operations()]


def _line(op: Any) -> str:
    inputs = [t.name for t in op.inputs] + sorted(f"^{c.name}" for c in op.control_inputs)
    names = op.node_def.attr if hasattr(op.op_def, "input_arg") else op._attrs
    attrs = [
        f"{name}={_text(op.get_attr(name))}" for name in sorted(names) if name not in _IGNORED
    ]
    shapes = [f"{t.dtype.name}{t.shape}" for t in op.outputs]
    return f"{op.name} {op.type}({', '.join(inputs)}) {' '.join(attrs)} -> {shapes} {op.device}"


def _text(value: Any) -> str:
    if hasattr(value, "tensor_content"):
        from tensorflow.python.framework.tensor_util import MakeNdarray

        value = MakeNdarray(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.tolist()}"
    if hasattr(value, "as_numpy_dtype"):
        return str(value.name)
    if hasattr(value, "unknown_rank"):
        return "?" if value.unknown_rank else str([d.size for d in value.dim])
    if hasattr(value, "as_list"):
        known = value.ndims is not None
        return str([-1 if d is None else d for d in value.as_list()]) if known else "?"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    return value.decode() if isinstance(value, bytes) else str(value)
