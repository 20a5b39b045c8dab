"""Ops of optimizers change references in place: no arrays to feed, so they have their own tests."""

from minitf.framework import op_def
from tests.ops.op_case import tested_elsewhere

DENSE = [op.name for op in op_def.all_ops() if op.name.startswith("Apply")]
SPARSE = [op.name for op in op_def.all_ops() if op.name.startswith("SparseApply")]

for _op in DENSE + SPARSE:
    tested_elsewhere(_op, "tests/ops/test_training_ops.py::test_update")
