"""Sets along the last dim, one for each position of the others."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample, case

DTYPES = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.object_)


@st.composite
def pairs_of_sets(draw):
    dtype = draw(st.sampled_from(DTYPES))
    groups = draw(st.lists(st.integers(0, 3), min_size=1, max_size=2))

    def sets():
        shape = (*groups, draw(st.integers(0, 4)))
        size = int(np.prod(shape))
        values = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
        if dtype is np.object_:
            values = [str(value).encode() for value in values]
        return np.array(values, dtype).reshape(shape)

    return Sample(
        [sets(), sets()],
        {
            "set_operation": draw(st.sampled_from(["a-b", "b-a", "intersection", "union"])),
            "validate_indices": draw(st.booleans()),
        },
    )


def combined(a, b, operation):
    """One row of the result, sorted and without repetitions."""
    if operation == "union":
        chosen = [*a, *b]
    elif operation == "intersection":
        chosen = [x for x in a if x in b]
    elif operation == "a-b":
        chosen = [x for x in a if x not in b]
    else:
        chosen = [x for x in b if x not in a]
    return [x for i, x in enumerate(sorted(chosen)) if i == 0 or x != sorted(chosen)[i - 1]]


def set_operation_of(set1, set2, set_operation, validate_indices):
    del validate_indices
    rows = {
        group: combined(set1[group].tolist(), set2[group].tolist(), set_operation)
        for group in np.ndindex(*set1.shape[:-1])
    }
    indices = [[*group, i] for group, row in rows.items() for i in range(len(row))]
    values = [value for row in rows.values() for value in row]
    longest = max((len(row) for row in rows.values()), default=0)
    return (
        np.array(indices, np.int64).reshape(len(values), set1.ndim),
        np.array(values, set1.dtype),
        np.array([*set1.shape[:-1], longest], np.int64),
    )


case("DenseToDenseSetOperation", pairs_of_sets(), set_operation_of)
