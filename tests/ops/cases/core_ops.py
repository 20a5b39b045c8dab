"""Cases of the ops outside the large families: branches, printing, checking, Python functions."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.ops.op_case import Sample, case, tested_elsewhere

for _op in ("Switch", "Merge", "RefSwitch", "RefMerge"):
    tested_elsewhere(_op, "tests/ops/test_cond_ops.py::test_only_one_branch_runs")
tested_elsewhere("NoOp", "tests/ops/test_cond_ops.py::test_operations_as_results")
tested_elsewhere("Const", "tests/ops/test_constant_op.py::test_values_and_dtypes")
tested_elsewhere("Assert", "tests/ops/test_logging_ops.py::test_assert_fails_with_its_data")
tested_elsewhere("PyFunc", "tests/ops/test_script_ops.py::test_values_go_through_python")
tested_elsewhere("PyFuncStateless", "tests/ops/test_script_ops.py::test_stateless")


def finite(dtype):
    """Small arrays of finite numbers."""
    elements = {"allow_nan": False, "allow_infinity": False, "width": 16}
    shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    return npst.arrays(dtype, shapes, elements=st.floats(-9, 9, **elements).map(dtype))


FLOATS = st.sampled_from([np.float16, np.float32, np.float64])

case(
    "CheckNumerics",
    FLOATS.flatmap(finite).map(lambda x: Sample([x], {"message": "here"})),
    lambda tensor, message: tensor,
    gradients=("tensor",),
    gradient_samples=finite(np.float64).map(lambda x: Sample([x], {"message": "here"})),
)

case(
    "Print",
    FLOATS.flatmap(finite).map(lambda x: Sample([x, [x, np.int32(3)]], {"first_n": 0})),
    lambda tensor, data, first_n: tensor,
    gradients=("input",),
    gradient_samples=finite(np.float64).map(lambda x: Sample([x, []], {"first_n": 0})),
)
