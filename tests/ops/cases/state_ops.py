"""Ops on references: there are no arrays to feed them, so they have tests of their own."""

from tests.ops.op_case import tested_elsewhere

TESTS = {
    "VariableV2": "test_a_variable_keeps_its_value_between_runs",
    "Variable": "test_the_old_op_type_runs",
    "IsVariableInitialized": "test_is_variable_initialized",
    "Assign": "test_assign",
    "AssignAdd": "test_assign_add_and_sub",
    "AssignSub": "test_assign_add_and_sub",
    "CountUpTo": "test_count_up_to",
    **{
        f"Scatter{name}": "test_scatter"
        for name in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")
    },
    **{f"ScatterNd{name}": "test_scatter_nd" for name in ("Update", "Add", "Sub")},
}

for _op, _test in TESTS.items():
    tested_elsewhere(_op, f"tests/ops/test_state_ops.py::{_test}")
