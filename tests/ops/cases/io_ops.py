"""Ops on files: each is run in a test of its own."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample, case, tested_elsewhere

for _op in ("SaveV2", "RestoreV2"):
    tested_elsewhere(_op, "tests/ops/test_io_ops.py::test_save_and_restore")
tested_elsewhere("MergeV2Checkpoints", "tests/ops/test_io_ops.py::test_merge")


@st.composite
def shards(draw):
    base = np.array(draw(st.sampled_from([b"", b"m", b"d/m_temp/part"])), object)
    numbers = [np.array(draw(st.integers(0, 123456)), np.int32) for _ in range(2)]
    return Sample([base, *numbers])


def shard_name(basename, shard, num_shards):
    name = basename.item() + b"-%05d-of-%05d" % (shard, num_shards)
    return np.array(name, object)


case("ShardedFilename", shards(), shard_name)
