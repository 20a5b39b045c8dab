"""Ops that pieces of a graph meet in: they run in steps of several pieces only."""

from tests.ops.op_case import tested_elsewhere

for _op in ("_Send", "_Recv"):
    tested_elsewhere(_op, "tests/ops/test_sendrecv_ops.py::test_a_value_goes_from_send_to_recv")
tested_elsewhere("_Copy", "tests/ops/test_sendrecv_ops.py::test_a_copy_is_no_alias")
