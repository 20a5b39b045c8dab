"""Errors of functions of numbers and of neural networks: when the graph is built, when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("errors_numbers")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    return tf.placeholder(dtype, list(shape))


def fed(tf: Any, value: Any, dtype: str = "float32") -> Any:
    """A value of which nothing is known when the graph is built."""
    return tf.placeholder_with_default(tf.constant(np.array(value), dtype), None)


def images(tf: Any, *shape: int) -> Any:
    return ph(tf, *(shape or (1, 5, 5, 2)))


MATHS: dict[str, Callable[[Any], Any]] = {
    "add of dtypes": lambda tf: ph(tf, 2) + ph(tf, 2, dtype="int32"),
    "add of shapes": lambda tf: ph(tf, 2) + ph(tf, 3),
    "add of ints and a float": lambda tf: ph(tf, 2, dtype="int32") + 1.5,
    "add of a number and text": lambda tf: ph(tf, 2) + "text",
    "add of None": lambda tf: tf.add(ph(tf, 2), None),
    "equal of dtypes": lambda tf: tf.equal([1, 2], ph(tf, 2, dtype="int64")),
    "less of bools": lambda tf: tf.less(ph(tf, 2, dtype="bool"), True),
    "less of complex": lambda tf: tf.less(ph(tf, 2, dtype="complex64"), 1 + 1j),
    "and of numbers": lambda tf: tf.logical_and(ph(tf, 2), ph(tf, 2)),
    "not of a number": lambda tf: tf.logical_not(ph(tf, 2, dtype="int32")),
    "bits of floats": lambda tf: tf.bitwise.bitwise_and(ph(tf, 2), 1.0),
    "invert of floats": lambda tf: tf.bitwise.invert(ph(tf, 2)),
    "if on a tensor": lambda tf: bool(ph(tf) > 1),
    "iterate over a tensor": lambda tf: list(ph(tf, 2)),
    "len of a tensor": lambda tf: len(ph(tf, 2)),
    "int of a tensor": lambda tf: int(ph(tf)),
    "divide older": lambda tf: tf.div(5, ph(tf, 2, dtype="int64")),
    "sqrt of ints": lambda tf: tf.sqrt(ph(tf, 2, dtype="int32")),
    "exp of ints": lambda tf: tf.exp([1, 2]),
    "sin of text": lambda tf: tf.sin("text"),
    "erf of complex": lambda tf: tf.erf(ph(tf, 2, dtype="complex64")),
    "floor of ints": lambda tf: tf.floor(ph(tf, 2, dtype="int32")),
    "complex of dtypes": lambda tf: tf.complex(ph(tf, 2, dtype="float64"), 1.0),
    "complex of ints": lambda tf: tf.complex(1, 2),
    "atan2 of ints": lambda tf: tf.atan2(1, 2),
    "squared difference": lambda tf: tf.squared_difference(ph(tf, 2), ph(tf, 3)),
    "cast to nothing": lambda tf: tf.cast(ph(tf, 2), "no_dtype"),
    "sum over beyond": lambda tf: tf.reduce_sum(ph(tf, 2, 3), 2),
    "sum over below": lambda tf: tf.reduce_sum(ph(tf, 2, 3), -3),
    "sum over a float": lambda tf: tf.reduce_sum(ph(tf, 2, 3), 1.0),
    "sum with both axes": lambda tf: tf.reduce_sum(ph(tf, 2), 0, reduction_indices=0),
    "sum of bools": lambda tf: tf.reduce_sum(ph(tf, 2, dtype="bool")),
    "all of numbers": lambda tf: tf.reduce_all(ph(tf, 2)),
    "mean of text": lambda tf: tf.reduce_mean(["a", "b"]),
    "argmax beyond": lambda tf: tf.argmax(ph(tf, 2, 3), 2),
    "argmax over a list": lambda tf: tf.argmax(ph(tf, 2, 3), [0, 1]),
    "argmax of bools": lambda tf: tf.argmax([True, False], output_type=tf.float32),
    "cumsum beyond": lambda tf: tf.cumsum(ph(tf, 2, 3), 2),
    "matmul of sizes": lambda tf: tf.matmul(ph(tf, 2, 3), ph(tf, 2, 3)),
    "matmul of vectors": lambda tf: tf.matmul(ph(tf, 3), ph(tf, 3)),
    "matmul of dtypes": lambda tf: tf.matmul(ph(tf, 2, 3), ph(tf, 3, 2, dtype="float64")),
    "matmul twice turned": lambda tf: tf.matmul(
        ph(tf, 2, 2), ph(tf, 2, 2), transpose_a=True, adjoint_a=True
    ),
    "matmul of batches": lambda tf: tf.matmul(ph(tf, 2, 3, 4), ph(tf, 3, 4, 5)),
    "matmul operator": lambda tf: ph(tf, 2, 3) @ ph(tf, 2),
    "tensordot of sizes": lambda tf: tf.tensordot(ph(tf, 2, 3), ph(tf, 4, 3), 1),
    "tensordot of axes": lambda tf: tf.tensordot(ph(tf, 2, 3), ph(tf, 3), [[1], [0, 1]]),
    "tensordot over many": lambda tf: tf.tensordot(ph(tf, 2), ph(tf, 2), 3),
    "einsum of labels": lambda tf: tf.einsum("ij,jk->il", ph(tf, 2, 3), ph(tf, 3, 4)),
    "einsum of inputs": lambda tf: tf.einsum("ij,jk->ik", ph(tf, 2, 3)),
    "einsum of ranks": lambda tf: tf.einsum("ijk->ik", ph(tf, 2, 3)),
    "einsum of sizes": lambda tf: tf.einsum("ij,jk->ik", ph(tf, 2, 3), ph(tf, 4, 4)),
    "einsum of signs": lambda tf: tf.einsum("i;j->ij", ph(tf, 2), ph(tf, 3)),
    "trace of a vector": lambda tf: tf.trace(ph(tf, 3)),
    "cross of two": lambda tf: tf.cross([1.0, 2.0], [3.0, 4.0]),
    "cholesky of a row": lambda tf: tf.cholesky(ph(tf, 2, 3)),
    "inverse of a row": lambda tf: tf.matrix_inverse(ph(tf, 2, 3)),
    "determinant of ints": lambda tf: tf.matrix_determinant([[1, 2], [3, 4]]),
    "solve of sizes": lambda tf: tf.matrix_solve(ph(tf, 2, 2), ph(tf, 3, 1)),
    "qr of a vector": lambda tf: tf.qr(ph(tf, 3)),
    "range of no step": lambda tf: tf.range(0, 5, 0),
    "range the wrong way": lambda tf: tf.range(5, 1),
    "range of a vector": lambda tf: tf.range([1, 2]),
    "add_n of nothing": lambda tf: tf.add_n([]),
    "add_n of a tensor": lambda tf: tf.add_n(ph(tf)),
    "add_n of shapes": lambda tf: tf.add_n([ph(tf, 2), ph(tf, 3)]),
    "add_n of dtypes": lambda tf: tf.add_n([ph(tf, 2), ph(tf, 2, dtype="int32")]),
    "accumulate nothing": lambda tf: tf.accumulate_n([]),
    "accumulate shapes": lambda tf: tf.accumulate_n([ph(tf, 2), ph(tf, 3)]),
    "clip of dtypes": lambda tf: tf.clip_by_value(ph(tf, 2, dtype="int32"), 0.5, 1.5),
    "clip to a shape": lambda tf: tf.clip_by_value(ph(tf, 2), ph(tf, 3), 1.0),
    "clip by a vector": lambda tf: tf.clip_by_norm(ph(tf, 2), ph(tf, 3, 2)),
    "global norm of a tensor": lambda tf: tf.clip_by_global_norm(ph(tf, 2), 1.0),
    "segments of ids": lambda tf: tf.segment_sum(ph(tf, 2), [0.0, 1.0]),
    "segments of a matrix of ids": lambda tf: tf.segment_sum(ph(tf, 2, 2), [[0, 1], [1, 1]]),
    "segments unsorted": lambda tf: tf.unsorted_segment_sum(ph(tf, 2), [0, 1, 2], 3),
    "norm of no kind": lambda tf: tf.norm(ph(tf, 2, 2), "nuclear?"),
    "norm over three axes": lambda tf: tf.norm(ph(tf, 2, 2, 2), axis=[0, 1, 2]),
    "fro norm of a vector": lambda tf: tf.norm(ph(tf, 2), "fro", axis=0),
    "round of text": lambda tf: tf.round("a"),
    "multinomial of a vector": lambda tf: tf.multinomial(ph(tf, 3), 2),
    "random ints without a limit": lambda tf: tf.random_uniform([2], dtype=tf.int32),
    "random of bools": lambda tf: tf.random_uniform([2], dtype=tf.bool),
    "random of a float shape": lambda tf: tf.random_normal([2.0]),
    "random normal ints": lambda tf: tf.random_normal([2], dtype=tf.int32),
}

MATHS_RUN: dict[str, Callable[[Any], Any]] = {
    "cast text": lambda tf: tf.cast(fed(tf, ["1"], "string"), tf.float32),
    "integers by zero": lambda tf: fed(tf, 1, "int32") // fed(tf, 0, "int32"),
    "remainder by zero": lambda tf: fed(tf, 1, "int32") % fed(tf, 0, "int32"),
    "shapes added": lambda tf: fed(tf, [1, 2]) + fed(tf, [1, 2, 3]),
    "shapes compared": lambda tf: tf.less(fed(tf, [1, 2]), fed(tf, [1, 2, 3])),
    "sizes multiplied": lambda tf: tf.matmul(fed(tf, [[1, 2]]), fed(tf, [[1, 2]])),
    "ranks multiplied": lambda tf: tf.matmul(fed(tf, [1, 2]), fed(tf, [[1], [2]])),
    "argmax of nothing": lambda tf: tf.argmax(fed(tf, []), 0),
    "argmax beyond": lambda tf: tf.argmax(fed(tf, [1]), 1),
    "cumsum beyond": lambda tf: tf.cumsum(fed(tf, [1]), fed(tf, 2, "int32")),
    "range of no step": lambda tf: tf.range(0, 5, fed(tf, 0, "int32")),
    "range the wrong way": lambda tf: tf.range(fed(tf, 5, "int32"), 1),
    "sums of shapes": lambda tf: tf.add_n([fed(tf, [1]), fed(tf, [1, 2])]),
    "segments not sorted": lambda tf: tf.segment_sum([1.0, 2.0], fed(tf, [1, 0], "int32")),
    "segments of sizes": lambda tf: tf.segment_sum(fed(tf, [1, 2]), fed(tf, [0], "int32")),
    "segment beyond": lambda tf: tf.unsorted_segment_sum([1.0], fed(tf, [3], "int32"), 2),
    "inverse of none": lambda tf: tf.matrix_inverse(fed(tf, [[0, 0], [0, 0]])),
    "solution of none": lambda tf: tf.matrix_solve(fed(tf, [[0.0]]), [[1.0]]),
    "inverse of a row": lambda tf: tf.matrix_inverse(fed(tf, [[1, 2]])),
    "bincount below zero": lambda tf: tf.bincount(fed(tf, [-1], "int32")),
    "not finite": lambda tf: tf.check_numerics(fed(tf, [np.nan]), "nan"),
    "infinite": lambda tf: tf.verify_tensor_all_finite(fed(tf, [np.inf]), "inf"),
    "cross of two": lambda tf: tf.cross(fed(tf, [1, 2]), fed(tf, [1, 2])),
    "tensordot": lambda tf: tf.tensordot(fed(tf, [1, 2]), fed(tf, [1, 2, 3]), 1),
    "einsum": lambda tf: tf.einsum("i,i->", fed(tf, [1, 2]), fed(tf, [1, 2, 3])),
    "negative power": lambda tf: tf.pow(fed(tf, 2, "int32"), fed(tf, -1, "int32")),
    "shape of a random": lambda tf: tf.random_normal(fed(tf, [-1], "int32")),
    "empty range of a random": lambda tf: tf.random_uniform(
        [2], fed(tf, 3, "int32"), 3, dtype=tf.int32
    ),
    "multinomial of a vector": lambda tf: tf.multinomial(fed(tf, [0.5, 0.5]), 2),
    "multinomial of a count": lambda tf: tf.multinomial([[0.5]], fed(tf, -1, "int32")),
    "shuffled shape": lambda tf: tf.reshape(tf.random_shuffle(fed(tf, [1, 2, 3])), [2]),
}

NN: dict[str, Callable[[Any], Any]] = {
    "relu of bools": lambda tf: tf.nn.relu(ph(tf, 2, dtype="bool")),
    "softmax of ints": lambda tf: tf.nn.softmax(ph(tf, 2, 2, dtype="int32")),
    "softmax beyond": lambda tf: tf.nn.softmax(ph(tf, 2, 2), axis=2),
    "softmax of a scalar": lambda tf: tf.nn.softmax(ph(tf)),
    "elu of ints": lambda tf: tf.nn.elu([1, 2]),
    "labels missing": lambda tf: tf.nn.softmax_cross_entropy_with_logits(logits=ph(tf, 2, 3)),
    "labels of a shape": lambda tf: tf.nn.softmax_cross_entropy_with_logits(
        labels=ph(tf, 2, 4), logits=ph(tf, 2, 3)
    ),
    "sparse labels of a rank": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=ph(tf, 2, 3, dtype="int32"), logits=ph(tf, 2, 3)
    ),
    "sparse labels of floats": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=ph(tf, 2), logits=ph(tf, 2, 3)
    ),
    "sparse labels of a batch": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=ph(tf, 3, dtype="int32"), logits=ph(tf, 2, 3)
    ),
    "sparse labels of scalars": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=1, logits=1.0
    ),
    "sigmoid labels": lambda tf: tf.nn.sigmoid_cross_entropy_with_logits(
        labels=ph(tf, 2), logits=ph(tf, 3)
    ),
    "weighted labels": lambda tf: tf.nn.weighted_cross_entropy_with_logits(
        ph(tf, 2), ph(tf, 3), 1.0
    ),
    "poisson labels": lambda tf: tf.nn.log_poisson_loss(ph(tf, 2), ph(tf, 3)),
    "bias of a size": lambda tf: tf.nn.bias_add(ph(tf, 2, 3), ph(tf, 4)),
    "bias of a rank": lambda tf: tf.nn.bias_add(ph(tf, 2, 3), ph(tf, 3, 1)),
    "bias in no layout": lambda tf: tf.nn.bias_add(ph(tf, 2, 3), ph(tf, 3), "CNH"),
    "conv of channels": lambda tf: tf.nn.conv2d(images(tf), ph(tf, 3, 3, 3, 4), 1, "SAME"),
    "conv of a rank": lambda tf: tf.nn.conv2d(ph(tf, 5, 5, 2), ph(tf, 3, 3, 2, 4), 1, "SAME"),
    "conv of a filter": lambda tf: tf.nn.conv2d(images(tf), ph(tf, 3, 3, 2), 1, "SAME"),
    "conv of dtypes": lambda tf: tf.nn.conv2d(
        images(tf), ph(tf, 3, 3, 2, 4, dtype="float64"), 1, "SAME"
    ),
    "conv of strides": lambda tf: tf.nn.conv2d(images(tf), ph(tf, 3, 3, 2, 4), [1, 1, 1], "SAME"),
    "conv of five strides": lambda tf: tf.nn.conv2d(
        images(tf), ph(tf, 3, 3, 2, 4), [1, 1, 1, 1, 1], "SAME"
    ),
    "conv with a stride of 0": lambda tf: tf.nn.conv2d(
        images(tf), ph(tf, 3, 3, 2, 4), [1, 0, 0, 1], "SAME"
    ),
    "conv of no padding": lambda tf: tf.nn.conv2d(images(tf), ph(tf, 3, 3, 2, 4), 1, "HALF"),
    "conv without padding": lambda tf: tf.nn.conv2d(images(tf), ph(tf, 3, 3, 2, 4), 1),
    "conv larger than the image": lambda tf: tf.nn.conv2d(
        images(tf), ph(tf, 7, 7, 2, 4), 1, "VALID"
    ),
    "conv in no layout": lambda tf: tf.nn.conv2d(
        images(tf), ph(tf, 3, 3, 2, 4), 1, "SAME", data_format="CHWN"
    ),
    "conv of ints": lambda tf: tf.nn.conv2d(
        ph(tf, 1, 5, 5, 2, dtype="int64"), ph(tf, 3, 3, 2, 4, dtype="int64"), 1, "SAME"
    ),
    "conv1d of a rank": lambda tf: tf.nn.conv1d(ph(tf, 5, 2), ph(tf, 3, 2, 4), 1, "SAME"),
    "transposed of a size": lambda tf: tf.nn.conv2d_transpose(
        images(tf), ph(tf, 3, 3, 4, 3), [1, 10, 10, 4], 2
    ),
    "transposed of a shape": lambda tf: tf.nn.conv2d_transpose(
        images(tf), ph(tf, 3, 3, 4, 2), [1, 10, 10], 2
    ),
    "depthwise of channels": lambda tf: tf.nn.depthwise_conv2d(
        images(tf), ph(tf, 3, 3, 3, 1), [1, 1, 1, 1], "SAME"
    ),
    "separable of channels": lambda tf: tf.nn.separable_conv2d(
        images(tf), ph(tf, 3, 3, 2, 2), ph(tf, 1, 1, 3, 5), [1, 1, 1, 1], "SAME"
    ),
    "atrous in no layout": lambda tf: tf.nn.atrous_conv2d(
        images(tf), ph(tf, 3, 3, 2, 4), 0, "SAME"
    ),
    "convolution of both": lambda tf: tf.nn.convolution(
        images(tf), ph(tf, 3, 3, 2, 4), "SAME", strides=[2, 2], dilation_rate=[2, 2]
    ),
    "pool of a rank": lambda tf: tf.nn.max_pool(
        ph(tf, 5, 5, 2), [1, 2, 2, 1], [1, 1, 1, 1], "SAME"
    ),
    "pool of windows": lambda tf: tf.nn.max_pool(images(tf), [1, 2, 2], [1, 1, 1, 1], "SAME"),
    "pool of no padding": lambda tf: tf.nn.avg_pool(images(tf), 2, 1, "HALF"),
    "pool larger than the image": lambda tf: tf.nn.max_pool(images(tf), 7, 1, "VALID"),
    "pool of no kind": lambda tf: tf.nn.pool(images(tf), [2, 2], "MEDIAN", "SAME"),
    "pool of a dilation": lambda tf: tf.nn.pool(
        images(tf), [2, 2], "MAX", "SAME", dilation_rate=[2, 2]
    ),
    "average of ints": lambda tf: tf.nn.avg_pool(ph(tf, 1, 4, 4, 1, dtype="int32"), 2, 1, "SAME"),
    "norm of a rank": lambda tf: tf.nn.fused_batch_norm(ph(tf, 2, 3), ph(tf, 3), ph(tf, 3)),
    "norm of a scale": lambda tf: tf.nn.fused_batch_norm(images(tf), ph(tf, 3), ph(tf, 2)),
    "norm without a mean": lambda tf: tf.nn.fused_batch_norm(
        images(tf), ph(tf, 2), ph(tf, 2), is_training=False
    ),
    "lrn of a matrix": lambda tf: tf.nn.lrn(ph(tf, 2, 3)),
    "dropout of ints": lambda tf: tf.nn.dropout(ph(tf, 2, dtype="int32"), 0.5),
    "dropout beyond": lambda tf: tf.nn.dropout(ph(tf, 2), 1.5),
    "dropout of all": lambda tf: tf.nn.dropout(ph(tf, 2), 0.0),
    "dropout without a rate": lambda tf: tf.nn.dropout(ph(tf, 2)),
    "dropout with both": lambda tf: tf.nn.dropout(ph(tf, 2), 0.5, rate=0.2),
    "dropout of a shape": lambda tf: tf.nn.dropout(ph(tf, 2, 3), 0.5, noise_shape=[1, 1, 1]),
    "embedding of nothing": lambda tf: tf.nn.embedding_lookup([], [1]),
    "embedding of None": lambda tf: tf.nn.embedding_lookup(None, [1]),
    "embedding of floats": lambda tf: tf.nn.embedding_lookup(ph(tf, 5, 2), [1.0]),
    "embedding in no order": lambda tf: tf.nn.embedding_lookup(
        [ph(tf, 5, 2), ph(tf, 5, 2)], [1], "random"
    ),
    "top of a scalar": lambda tf: tf.nn.top_k(ph(tf)),
    "top of too many": lambda tf: tf.nn.top_k(ph(tf, 2), 3),
    "top of a negative": lambda tf: tf.nn.top_k(ph(tf, 2), -1),
    "in top of shapes": lambda tf: tf.nn.in_top_k(ph(tf, 2, 3), [0, 1, 2], 1),
    "in top of a vector": lambda tf: tf.nn.in_top_k(ph(tf, 3), [0], 1),
    "moments of a float axis": lambda tf: tf.nn.moments(ph(tf, 2), [0.5]),
    "sampled of labels": lambda tf: tf.nn.nce_loss(
        ph(tf, 9, 2), ph(tf, 9), ph(tf, 3, dtype="int64"), ph(tf, 3, 2), 4, 9
    ),
    "sampled beyond": lambda tf: tf.nn.log_uniform_candidate_sampler(
        ph(tf, 3, 1, dtype="int64"), 1, 10, True, 5
    ),
}

NN_RUN: dict[str, Callable[[Any], Any]] = {
    "a pool over batches": lambda tf: tf.nn.max_pool(
        fed(tf, np.ones((2, 2, 2, 1))), [2, 1, 1, 1], [1, 1, 1, 1], "SAME"
    ),
    "labels": lambda tf: tf.nn.softmax_cross_entropy_with_logits_v2(
        fed(tf, [[1, 0, 0]]), fed(tf, [[1, 2]])
    ),
    "a label beyond": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=fed(tf, [3], "int32"), logits=fed(tf, [[1, 2]])
    ),
    "labels of a batch": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=fed(tf, [0, 1], "int32"), logits=fed(tf, [[1, 2]])
    ),
    "bias": lambda tf: tf.nn.bias_add(fed(tf, [[1, 2]]), fed(tf, [1, 2, 3])),
    "bias of a vector": lambda tf: tf.nn.bias_add(fed(tf, [1, 2]), fed(tf, [1, 2])),
    "channels": lambda tf: tf.nn.conv2d(
        fed(tf, np.ones((1, 3, 3, 3))), fed(tf, np.ones((2, 2, 2, 1))), 1, "SAME"
    ),
    "a small image": lambda tf: tf.nn.conv2d(
        fed(tf, np.ones((1, 1, 1, 1))), fed(tf, np.ones((3, 3, 1, 1))), 1, "VALID"
    ),
    "too many": lambda tf: tf.nn.top_k(fed(tf, [1, 2]), fed(tf, 3, "int32")),
    "targets": lambda tf: tf.nn.in_top_k(fed(tf, [[1, 2]]), fed(tf, [0, 1], "int32"), 1),
    "an embedding beyond": lambda tf: tf.nn.embedding_lookup(
        np.ones((2, 2)), fed(tf, [2], "int32")
    ),
    "an embedding below": lambda tf: tf.nn.embedding_lookup(
        np.ones((2, 2)), fed(tf, [-1], "int32")
    ),
    "noise": lambda tf: tf.nn.dropout(fed(tf, [1, 2]), 0.5, fed(tf, [3], "int32")),
    "partitions": lambda tf: tf.dynamic_partition(fed(tf, [1, 2]), fed(tf, [0, 5], "int32"), 2),
    "partitions of a size": lambda tf: tf.dynamic_partition([1, 2], fed(tf, [0], "int32"), 2),
    "a dense place beyond": lambda tf: tf.sparse_to_dense(fed(tf, [[5]], "int32"), [2], [1.0]),
    "a dense place twice": lambda tf: tf.sparse_to_dense([1, 1], [3], [1.0, 2.0]),
}

for _topic, _cases in (
    ("maths, built", MATHS),
    ("maths, run", MATHS_RUN),
    ("nn, built", NN),
    ("nn, run", NN_RUN),
):
    for _name, _build in _cases.items():
        family.error(f"{_topic}: {_name}", _build)
