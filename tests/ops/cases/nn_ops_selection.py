"""The largest elements, partitions and stitches, and candidates."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.math_ops_arrays import NUMBERS, array
from tests.ops.op_case import Sample, case, tested_elsewhere

REAL = (np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.int64)
FLOAT64 = (np.float64,)
INDICES = st.sampled_from([np.int32, np.int64])


def int32(values):
    return np.array(values, np.int32)


# ---- top k


@st.composite
def rows_and_k(draw, dtypes=REAL, distinct=False):
    shape = draw(st.lists(st.integers(0, 3), max_size=2))
    columns = draw(st.integers(0, 5))
    rows = array(draw, [*shape, columns], draw(st.sampled_from(dtypes)))
    if distinct:
        rows = np.random.default_rng(rows.size).permutation(rows.size).reshape(rows.shape) * 0.7
    k = np.asarray(draw(st.integers(0, columns)), draw(st.sampled_from([np.int16, np.int32])))
    index_type = draw(st.sampled_from([np.int16, np.int32, np.int64]))
    return Sample([rows, k], {"sorted": draw(st.booleans()), "index_type": index_type})


def top_k(input, k, sorted, index_type):
    """Takes away the largest, the first one of several, k times."""
    values = np.zeros((*input.shape[:-1], int(k)), input.dtype)
    indices = np.zeros(values.shape, index_type)
    for index in np.ndindex(*input.shape[:-1]):
        left = dict(enumerate(input[index].tolist()))
        for i in range(int(k)):
            at = max(left, key=lambda j: (left[j], -j))
            values[index][i], indices[index][i] = left.pop(at), at
    return values, indices


case(
    "TopKV2",
    rows_and_k(),
    top_k,
    static=("k",),
    gradients=("input",),
    gradient_samples=rows_and_k(FLOAT64, distinct=True),
)


@st.composite
def predictions(draw, k_is_attr):
    rows, classes = draw(st.integers(0, 3)), draw(st.integers(1, 5))
    dtype = draw(INDICES)
    scores = array(draw, [rows, classes], np.float32)
    if draw(st.booleans()):
        scores[array(draw, scores.shape, np.bool_) & array(draw, scores.shape, np.bool_)] = np.inf
    targets = array(draw, [rows], dtype, -1, classes)
    k = draw(st.integers(-1, classes + 1))
    if k_is_attr:
        return Sample([scores, targets], {"k": k})
    return Sample([scores, targets, np.asarray(k, dtype)])


def in_top_k(predictions, targets, k):
    def is_in(scores, target):
        if not 0 <= target < len(scores) or not all(np.isfinite(scores)):
            return False
        return sum(score > scores[target] for score in scores) < k

    return np.array([is_in(s, t) for s, t in zip(predictions, targets, strict=True)], bool)


case("InTopKV2", predictions(k_is_attr=False), in_top_k, static=("k",))
case("InTopK", predictions(k_is_attr=True), in_top_k)


# ---- partitions


@st.composite
def partitioned(draw, dtypes=NUMBERS):
    prefix = draw(st.lists(st.integers(0, 3), min_size=0, max_size=2))
    rest = draw(st.lists(st.integers(0, 2), max_size=1))
    count = draw(st.integers(1, 3))
    data = array(draw, [*prefix, *rest], draw(st.sampled_from(dtypes)))
    partitions = array(draw, prefix, np.int32, 0, count - 1)
    return Sample([data, partitions], {"num_partitions": count})


def dynamic_partition(data, partitions, num_partitions):
    row = data.shape[partitions.ndim :]
    parts = [[] for _ in range(num_partitions)]
    for index in np.ndindex(*partitions.shape):
        parts[partitions[index]].append(data[index])
    return [np.array(part, data.dtype).reshape(len(part), *row) for part in parts]


case(
    "DynamicPartition",
    partitioned(),
    dynamic_partition,
    gradients=("data",),
    gradient_samples=partitioned(FLOAT64),
)


@st.composite
def stitches(draw, dtypes=NUMBERS, different=False):
    """Several tensors of places, of any rank, and the rows for them."""
    rest = draw(st.lists(st.integers(0, 2), max_size=1))
    dtype = draw(st.sampled_from(dtypes))
    shapes = draw(st.lists(st.lists(st.integers(0, 2), max_size=2), min_size=1, max_size=3))
    sizes = [int(np.prod(shape)) for shape in shapes]
    places = np.arange(sum(sizes))
    if different:
        places = np.random.default_rng(len(places)).permutation(places)
    else:
        places = array(draw, [len(places)], np.int32, 0, max(len(places) - 1, 0))
        missing = sorted(set(range(max(places, default=-1))) - set(places.tolist()))
        places = np.array([p - sum(m < p for m in missing) for p in places.tolist()])
    parts = np.split(places, np.cumsum(sizes)[:-1])
    indices = [int32(p).reshape(s) for p, s in zip(parts, shapes, strict=True)]
    return Sample([indices, [array(draw, [*shape, *rest], dtype) for shape in shapes]])


def dynamic_stitch(indices, data):
    found = {}
    for places, rows in zip(indices, data, strict=True):
        for index in np.ndindex(*places.shape):
            found[int(places[index])] = rows[index]
    row = data[0].shape[indices[0].ndim :]
    ordered = [found[place] for place in range(len(found))]
    return np.array(ordered, data[0].dtype).reshape(len(found), *row)


for name in ("DynamicStitch", "ParallelDynamicStitch"):
    case(
        name,
        stitches(),
        dynamic_stitch,
        static=("indices",),
        gradients=("data",),
        gradient_samples=stitches(FLOAT64, different=True),
    )


# ---- sparse to dense


@st.composite
def sparse(draw, dtypes=NUMBERS):
    shape = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    dtype, index_type = draw(st.sampled_from(dtypes)), draw(INDICES)
    everywhere = list(np.ndindex(*shape))
    rows = sorted(draw(st.sets(st.sampled_from(everywhere)))) if everywhere else []
    places = np.array(rows, index_type).reshape(len(rows), len(shape))
    if len(shape) == 1 and draw(st.booleans()):
        places = places[:, 0]
    values_shape = draw(st.sampled_from([[], [len(rows)]]))
    if np.ndim(places) == 1 and len(rows) == 1 and draw(st.booleans()):
        places, values_shape = places[0], []
    inputs = [np.asarray(places, index_type), np.array(shape, index_type)]
    inputs += [array(draw, values_shape, dtype), array(draw, [], dtype)]
    return Sample(inputs, {"validate_indices": draw(st.booleans())})


def sparse_to_dense(sparse_indices, output_shape, sparse_values, default_value, validate_indices):
    result = np.full(output_shape, default_value)
    rows = np.reshape(sparse_indices, (-1, len(output_shape)))
    for row, value in zip(rows, np.broadcast_to(sparse_values, len(rows)), strict=True):
        result[tuple(row)] = value
    return result


case(
    "SparseToDense",
    sparse(),
    sparse_to_dense,
    static=("output_shape",),
    gradients=("sparse_values", "default_value"),
    gradient_samples=sparse(FLOAT64),
)


# ---- candidates


@st.composite
def labels_and_candidates(draw):
    num_true = draw(st.integers(1, 2))
    labels = array(draw, [draw(st.integers(0, 3)), num_true], np.int64, 0, 4)
    candidates = draw(st.lists(st.integers(0, 4), max_size=4, unique=True))
    return Sample([labels, np.array(candidates, np.int64)], {"num_true": num_true})


def compute_accidental_hits(true_classes, sampled_candidates, num_true):
    hits = [
        (row, column)
        for row, labels in enumerate(true_classes)
        for label in labels
        for column, candidate in enumerate(sampled_candidates)
        if label == candidate
    ]
    lowest = np.full(len(hits), -3.4028235e38, np.float32)
    return int32([row for row, _ in hits]), np.array([c for _, c in hits], np.int64), lowest


case("ComputeAccidentalHits", labels_and_candidates(), compute_accidental_hits)

tested_elsewhere(
    "LogUniformCandidateSampler",
    "tests/ops/test_nn_ops.py::test_log_uniform_candidates_are_tensorflows",
)
# These have no float64, in which gradients could be checked.
tested_elsewhere("LRN", "tests/ops/test_nn_ops.py::test_lrn_against_its_definition")
tested_elsewhere("LRNGrad", "tests/ops/test_nn_ops.py::test_lrn_against_its_definition")
tested_elsewhere(
    "FusedBatchNormV3", "tests/ops/test_nn_ops.py::test_fused_batch_norm_is_the_composed_one"
)
tested_elsewhere(
    "FusedBatchNormGradV3", "tests/ops/test_nn_ops.py::test_fused_batch_norm_is_the_composed_one"
)
