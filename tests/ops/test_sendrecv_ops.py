"""Send and Recv: an array goes from where it is to where it is wanted, without a copy."""

from __future__ import annotations

import numpy as np
import pytest

import minitf as tf
from minitf.framework.rendezvous import Rendezvous, meeting_at
from minitf.ops.sendrecv_ops import COPY, RECV, SEND
from minitf.runtime.interpreter import interpret

EDGE = {
    "tensor_name": "edge_0_a",
    "send_device": "/job:ps/task:0",
    "send_device_incarnation": 1,
    "recv_device": "/job:worker/task:0",
}


def test_a_value_goes_from_send_to_recv() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    send = SEND(x, name="send", **EDGE)
    received = RECV(tensor_type=tf.float32, name="receive", **EDGE)
    array = np.float32([1.0, 2.0])
    step = Rendezvous()
    with meeting_at(step):
        interpret([send], {x: array})
        (key,) = step._values
        assert step.find(key) is array
        (value,) = interpret([received], {})
    np.testing.assert_array_equal(value, array)


def test_outside_of_a_step_they_do_not_run() -> None:
    received = RECV(tensor_type=tf.float32, name="receive", **EDGE)
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.FailedPreconditionError, match="only as a part of a step"),
    ):
        sess.run(received)


def test_a_copy_is_no_alias() -> None:
    v = tf.Variable([1.0, 2.0])
    copy = COPY(v.read_value(), name="copy")
    with tf.control_dependencies([copy]):
        update = v.assign([3.0, 4.0])
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run([copy, update.op])[0].tolist() == [1.0, 2.0]
