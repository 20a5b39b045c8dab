"""With this module one can draw a few wrong classes, where there are too many to score all.

A softmax over a vocabulary of a million words costs a million scores per example. Sampled losses
score the right word and some others, drawn here, and correct for how likely each was to be drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.kernel_context import KernelContext
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.random_seed import get_seed
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.kernels.philox import Philox, Stream
from minitf.kernels.random_elements import elementwise, exponentials, uniform_float64

# TensorFlow moves the generator by this much for each candidate: room for many rejected ones.
_BLOCKS_PER_CANDIDATE = 512


def _true_classes_shape(op: Operation) -> TensorShape:
    shape = op.inputs[0].shape
    if shape.ndims not in (None, 2):
        raise ValueError(f"Shape must be rank 2 but is rank {shape.ndims}")
    batch, _ = shape.with_rank(2).as_list()  # the other dim is compared when it is run
    return shape_of_dims((batch, op._attrs["num_true"]))


def _check_true_classes(true_classes: Any, num_true: int) -> None:
    if true_classes.ndim != 2:
        raise ValueError("true_classes must be a matrix")
    if true_classes.shape[1] != num_true:
        raise ValueError(
            f"true_classes must have num_true columns, expected: {true_classes.shape[1]} was: "
            f"{num_true}"
        )


# ---- LogUniformCandidateSampler

LOG_UNIFORM_CANDIDATE_SAMPLER = op_def(
    "LogUniformCandidateSampler(true_classes: int64) -> (sampled_candidates: int64, "
    "true_expected_count: float32, sampled_expected_count: float32)",
    "num_true: int > 1",
    "num_sampled: int > 1",
    "unique: bool",
    "range_max: int > 1",
    "seed: int = 0",
    "seed2: int = 0",
    stateful=True,
)


@LOG_UNIFORM_CANDIDATE_SAMPLER.shape
def log_uniform_shape(op: Operation) -> list[TensorShape]:
    sampled = shape_of_dims((op._attrs["num_sampled"],))
    return [sampled, _true_classes_shape(op), sampled]


@LOG_UNIFORM_CANDIDATE_SAMPLER.kernel
def log_uniform_kernel(
    ctx: KernelContext,
    true_classes: Any,
    *,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int,
    seed2: int,
) -> Any:
    _check_true_classes(true_classes, num_true)
    outside = (true_classes < 0) | (true_classes >= range_max)
    if outside.any():
        raise ValueError(
            f"`true_candidate` out of range [0, {range_max}), received "
            f"{true_classes[outside].flat[0]}"
        )
    if unique and num_sampled > range_max:
        raise ValueError(
            f"Sampler's range is too small: {num_sampled} different classes of {range_max}."
        )
    generator: Philox = ctx.state(lambda: Philox(seed, seed2))
    stream = generator.reserve(_BLOCKS_PER_CANDIDATE * num_sampled)
    if unique:
        sampled, tries = _draw_different(stream, num_sampled, range_max)
    else:
        sampled, tries = _draw(stream, 0, num_sampled, range_max), num_sampled
    return (
        sampled,
        _expected_count(true_classes, num_sampled, tries, range_max),
        _expected_count(sampled, num_sampled, tries, range_max),
    )


def _draw(stream: Stream, start: int, count: int, range_max: int) -> Any:
    """Classes with the probabilities log((c + 2) / (c + 1)) / log(range_max + 1)."""
    blocks = np.arange(start // 2, -(-(start + count) // 2), dtype=np.uint64)
    uniform = np.empty((len(blocks), 2))
    uniform_float64(stream.words(blocks), uniform)
    powers = uniform.reshape(-1)[start % 2 :][:count] * np.log1p(range_max)
    exponentials(powers)
    return (powers.astype(np.int64) - 1) % range_max


def _draw_different(stream: Stream, count: int, range_max: int) -> tuple[Any, int]:
    """The first `count` different classes of the stream, and how many draws they took."""
    found: dict[int, None] = {}
    tries = 0
    while len(found) < count:
        for value in _draw(stream, tries, 2 * count, range_max).tolist():
            tries += 1
            found.setdefault(value)
            if len(found) == count:
                break
    return np.array(list(found), np.int64), tries


def _expected_count(classes: Any, num_sampled: int, tries: int, range_max: int) -> Any:
    """How often, or how likely, a class is drawn in that many tries; rounded as TensorFlow does."""
    logarithm = elementwise("log", (classes + 2.0) / (classes + 1.0))
    probability = (logarithm / np.log1p(range_max)).astype(np.float32)
    if tries == num_sampled:
        return probability * np.float32(num_sampled)
    return -elementwise("expm1", np.float32(tries) * elementwise("log1p", -probability))


LOG_UNIFORM_CANDIDATE_SAMPLER.not_differentiable()


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Draws classes, small numbers more often (mirrors `tf.nn.log_uniform_candidate_sampler`).

    Class c has the probability `log((c + 2) / (c + 1)) / log(range_max + 1)`: about that of the
    c-th most frequent word of a language.

    Args:
      true_classes: int64, of shape (batch, num_true).
      num_true: how many right classes each example has.
      num_sampled: how many classes to draw, for the whole batch.
      unique: whether they must all be different.
      range_max: how many classes there are.
      seed: the op's own seed; see `tf.set_random_seed`.
      name: the node's name.

    Returns:
      A named tuple: sampled_candidates, int64 of shape (num_sampled,); true_expected_count, float32
      of shape (batch, num_true); sampled_expected_count, float32 of shape (num_sampled,): how
      often each true and each sampled class is expected to be drawn.

    Raises:
      ValueError: if `true_classes` has another shape.
      tf.errors.InvalidArgumentError: if more different classes are asked for than there are.

    >>> import minitf as tf
    >>> drawn = tf.nn.log_uniform_candidate_sampler([[0]], 1, 4, False, 1000, seed=1)
    >>> drawn.sampled_candidates.shape.as_list()
    [4]
    """
    seed, seed2 = get_seed(seed)
    return LOG_UNIFORM_CANDIDATE_SAMPLER(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        seed=seed or 0,
        seed2=seed2 or 0,
        name=name,
    )


# ---- ComputeAccidentalHits

COMPUTE_ACCIDENTAL_HITS = op_def(
    "ComputeAccidentalHits(true_classes: int64, sampled_candidates: int64) -> "
    "(indices: int32, ids: int64, weights: float32)",
    "num_true: int",
    "seed: int = 0",
    "seed2: int = 0",
)


@COMPUTE_ACCIDENTAL_HITS.shape
def accidental_hits_shape(op: Operation) -> list[TensorShape]:
    _true_classes_shape(op)
    if op.inputs[1].shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {op.inputs[1].shape.ndims}")
    return [shape_of_dims((None,))] * 3


@COMPUTE_ACCIDENTAL_HITS.kernel
def accidental_hits_kernel(true_classes: Any, sampled_candidates: Any, *, num_true: int) -> Any:
    _check_true_classes(true_classes, num_true)
    if sampled_candidates.ndim != 1:
        raise ValueError("sampled_candidates must be a vector")
    place = {candidate: i for i, candidate in enumerate(sampled_candidates.tolist())}
    hits = [
        (row, place[label])
        for row, labels in enumerate(true_classes.tolist())
        for label in labels
        if label in place
    ]
    indices, ids = np.array(hits, np.int64).reshape(-1, 2).T
    # Added to a score, the lowest number makes its probability 0.
    weights = np.full(len(hits), np.finfo(np.float32).min, np.float32)
    return indices.astype(np.int32), np.array(ids), weights


COMPUTE_ACCIDENTAL_HITS.not_differentiable()


def compute_accidental_hits(
    true_classes: Any,
    sampled_candidates: Any,
    num_true: int,
    seed: int | None = None,
    name: str | None = None,
) -> Any:
    """Where a sampled class is a right one after all (mirrors `tf.nn.compute_accidental_hits`).

    Args:
      true_classes: int64, of shape (batch, num_true).
      sampled_candidates: int64, of shape (num_sampled,).
      num_true: how many right classes each example has.
      seed: accepted, without effect on the values.
      name: the node's name.

    Returns:
      A named tuple of three vectors of one length: indices, the rows of `true_classes`; ids, the
      places in `sampled_candidates`; weights, the lowest float32 for each.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     hits = sess.run(tf.nn.compute_accidental_hits([[1], [4]], [3, 4, 1], 1))
    ...     print(hits.indices, hits.ids)
    [0 1] [2 1]
    """
    seed, seed2 = get_seed(seed)
    return COMPUTE_ACCIDENTAL_HITS(
        true_classes,
        sampled_candidates,
        num_true=num_true,
        seed=seed or 0,
        seed2=seed2 or 0,
        name=name,
    )
