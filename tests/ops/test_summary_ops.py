"""What summaries say when they are run wrongly, and what the cases of single ops do not reach."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops.summary_ops import histograms


def test_the_table_of_buckets_is_a_search() -> None:
    limits = histograms._limits()
    bits = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    around = [np.nextafter(limits[1:-1], way) for way in (-np.inf, np.inf)]
    values = np.concatenate([*around, limits[1:-1], bits.view(np.float64), [0.0, -0.0, 5e-324]])
    values = values[np.abs(values) < limits[-1]]  # nor nan
    np.testing.assert_array_equal(
        histograms._bucket_of(values), np.searchsorted(limits, values, side="right")
    )


def test_a_histogram_of_many_is_that_of_its_parts() -> None:
    values = np.random.default_rng(0).standard_normal(3 * histograms._BLOCK + 17)
    histo = histograms.histogram_of(values)
    total = squares = 0.0
    for value in values.tolist():
        total, squares = total + value, squares + value * value
    assert (histo.sum, histo.sum_squares) == (total, squares)
    assert histo.num == sum(histo.bucket) == len(values)
    limits = histograms._limits()
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits))
    assert dict(zip(histo.bucket_limit, histo.bucket, strict=True)).items() >= {
        (limits[i], count) for i, count in enumerate(counts) if count
    }


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: tf.summary.scalar("loss", [1.0, 2.0]),
            "tags and values are not the same shape: [] != [2] (tag 'loss')",
        ),
        (lambda: tf.summary.histogram("h", [np.nan]), "Nan in summary histogram for: h"),
        (lambda: tf.summary.histogram("h", [np.inf]), "Infinity in summary histogram for: h"),
        (
            lambda: tf.summary.image("i", tf.zeros([2, 28, 28])),
            "Tensor must be 4-D with last dim 1, 3, or 4, not [2, 28, 28]",
        ),
        (lambda: tf.summary.audio("a", tf.zeros([3]), 1), "Tensor must be 3-D or 2-D, got: [3]"),
        (lambda: tf.summary.audio("a", tf.zeros([1, 3]), 0), "sample_rate must be > 0, not 0"),
        (
            lambda: tf.summary.merge([tf.summary.scalar("a", 1.0)] * 2),
            "Duplicate tag a found in summary inputs",
        ),
        (
            lambda: tf.summary.merge([tf.constant("no summary")]),
            "Could not parse one of the summary inputs: it is no serialized Summary",
        ),
    ],
)
def test_messages(build: Callable[[], Any], message: str) -> None:
    summary = build()
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(summary)
    first, *rest = str(caught.value).splitlines()
    assert first == message
    assert any(line.startswith("  created at: ") and __file__ in line for line in rest)


def test_one_summary_in_place_of_a_list() -> None:
    with pytest.raises(TypeError, match="takes a list of summaries, not one: Tensor"):
        tf.summary.merge(tf.summary.scalar("a", 1.0))


def test_names_that_no_node_may_have_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tensorflow"):
        assert tf.summary.scalar("my loss:0", 1.0).op.name == "my_loss_0"
    assert "Summary name my loss:0 is illegal; using my_loss_0 instead." in caplog.text


def test_summaries_survive_a_graph_def() -> None:
    with tf.Graph().as_default() as graph:
        tf.summary.image("i", tf.zeros([1, 2, 2, 1]), 2)
        tf.summary.merge_all(name="all")
        graph_def = graph.as_graph_def()
    with tf.Graph().as_default():
        (merged,) = tf.import_graph_def(graph_def, return_elements=["all/all:0"], name="")
        with tf.Session() as sess:
            summary = tf.Summary.FromString(sess.run(merged))
    assert [value.tag for value in summary.value] == ["i/image/0"]
