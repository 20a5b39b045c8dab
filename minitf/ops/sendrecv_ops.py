"""With this module a value leaves one piece of a graph and enters another: `_Send` and `_Recv`.

Nobody builds these nodes by hand: the partitioner puts a pair where an edge runs between tasks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def, unchanged, unknown
from minitf.framework.rendezvous import current_rendezvous, key_of

# What a piece receives is there when it starts, or was lost.
_SECONDS = 60.0

# What the two have in common, so that their keys are equal.
_ATTRS = (
    "tensor_name: string",
    "send_device: string",
    "send_device_incarnation: int",
    "recv_device: string",
    "client_terminated: bool = false",
)


# ---- _Copy

# A read of a variable is the variable's own memory. Where it is sent and then updated in one piece,
# what was read is copied, or the update would be sent.
COPY = op_def("_Copy(tensor: T) -> (copy: T)", "T: type", stateful=True, shape=unchanged)


@COPY.kernel
def copy_kernel(tensor: Any) -> Any:
    return np.array(tensor)


COPY.not_differentiable()


# ---- _Send

SEND = op_def("_Send(tensor: T)", "T: type", *_ATTRS, stateful=True)


@SEND.kernel
def send_kernel(
    ctx: KernelContext,
    tensor: Any,
    *,
    tensor_name: str,
    send_device: str,
    send_device_incarnation: int,
    recv_device: str,
) -> tuple[()]:
    # The array is sent from where it is: a stateful kernel may keep what it is given.
    key = key_of(tensor_name, send_device, send_device_incarnation, recv_device)
    current_rendezvous().send(key, tensor)
    return ()


SEND.not_differentiable()


# ---- _Recv

# It makes what a dead Send did not send: so it is one of the ops whose output may be dead.
RECV = op_def(
    "_Recv() -> (tensor: tensor_type)",
    "tensor_type: type",
    *_ATTRS,
    stateful=True,
    is_control_flow=True,
    shape=unknown,
)


@RECV.kernel
def recv_kernel(
    ctx: KernelContext,
    *,
    tensor_name: str,
    send_device: str,
    send_device_incarnation: int,
    recv_device: str,
) -> Any:
    key = key_of(tensor_name, send_device, send_device_incarnation, recv_device)
    return current_rendezvous().receive(key, _SECONDS, keep=True)


RECV.not_differentiable()
