"""Summaries: their nodes, and their bytes; images decoded, since encoders differ."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("summaries")


@family.graph
def scalar_summaries(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    tf.summary.scalar("loss", x)
    tf.summary.scalar("loss", x, collections=["mine"])
    tf.summary.scalar("a b:c", 3, family="fam ily")
    with tf.name_scope("train"):
        tf.summary.scalar("/loss", tf.constant(1e300, tf.float64))
        tf.summary.scalar("", tf.constant(float("nan")))
    tf.summary.merge_all(name="all")


@family.graph
def histogram_summaries(tf: Any) -> None:
    tf.summary.histogram("h", tf.placeholder(tf.float32, [4, 5], name="x"))
    tf.summary.histogram("empty", tf.zeros([0, 3]), family="f", collections=[])
    tf.summary.histogram("edges", [0.0, -0.0, 1e-12, -1e-12, 1e-13, 1e20, 3e38, -3e38])
    for dtype in (tf.float64, tf.float16, tf.int32, tf.int64, tf.uint8, tf.int8):
        tf.summary.histogram(f"of_{dtype.name}", tf.constant([0, 1, 1, 2, 100], dtype))


@family.graph
def histogram_of_many(tf: Any) -> None:
    rng = np.random.default_rng(0)
    values = [*rng.standard_normal(3000), *np.exp(rng.uniform(-40, 40, 3000)), 0.0, 0.0]
    tf.summary.histogram("many", tf.constant(np.array(values, np.float32)))
    tf.summary.histogram("doubles", tf.constant(np.array(values)))
    tf.summary.histogram("same", tf.fill([77_777], np.float32(0.1)))
    tf.summary.histogram("straight", tf.range(-44_444.0, 55_555.0) * 1e-3)


@family.graph(run=False)  # images are compared decoded, below
def image_summaries(tf: Any) -> None:
    tf.summary.image("grey", tf.placeholder(tf.float32, [2, 3, 3, 1], name="x"))
    tf.summary.image("one", tf.zeros([2, 3, 3, 3], tf.uint8), 1, family="f", collections=["mine"])


def _images(tf: Any, arrays: list[Any]) -> list[Any]:
    from PIL import Image

    seen: list[Any] = []
    with tf.Session() as sess:
        for array in arrays:
            data = sess.run(tf.summary.image("i", tf.constant(array)))
            for value in tf.Summary.FromString(data).value:
                about = f"{value.tag} {value.image.height} {value.image.width} "
                seen.append(np.array((about + str(value.image.colorspace)).encode(), object))
                seen.append(np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string))))
    return seen


@family.values
def images_of_floats(tf: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal([2, 5, 4, 3])
    mixed[0, 1, 2, 0], mixed[0, 2, 2, 1], mixed[1, 0, 0, :] = np.nan, -np.inf, np.inf
    return _images(
        tf,
        [
            mixed.astype(np.float32),
            mixed,
            mixed.astype(np.float16),
            rng.random([5, 6, 7, 1]).astype(np.float32),
            rng.random([1, 6, 7, 4]).astype(np.float16),
            np.zeros([1, 2, 2, 1], np.float32),
            np.full([1, 2, 2, 1], np.nan, np.float32),
            np.full([1, 2, 2, 1], -1e-8, np.float32),
            np.full([1, 2, 2, 1], 1e-8, np.float32),
            np.full([1, 2, 2, 3], -3.0, np.float32),
            np.array([0.0, 1e30, 1e38, 5.0], np.float32).reshape(1, 2, 2, 1),
        ],
    )


@family.values
def images_of_bytes(tf: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = ([2, 5, 4, 3], [1, 3, 3, 1], [4, 2, 2, 4])
    return _images(tf, [rng.integers(0, 256, shape).astype(np.uint8) for shape in shapes])


@family.graph
def audio_summaries(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 7, 2], name="x")
    tf.summary.audio("stereo", x, 44100.0)
    tf.summary.audio("first", x[:, :, 0], tf.constant(8000.7), 1, family="f", collections=["mine"])
    halves = (np.arange(-9, 10) / 2 / 32768).astype(np.float32)
    tf.summary.audio("even", x, 8000.5)
    tf.summary.audio("odd", x, 8001.5)
    tf.summary.audio("rounded", [[*halves, 1.0, -1.0, 2.0, -2.0, 0.99999]], sample_rate=1)


@family.graph
def tensor_summaries(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    tf.summary.tensor_summary("t", x)
    about = tf.SummaryMetadata(display_name="old", summary_description="kept")
    tf.summary.tensor_summary(
        "described", 3, summary_metadata=about, display_name="new", family="f", collections=["mine"]
    )
    tf.summary.tensor_summary("told", [True, False], summary_description="a *text*")
    for dtype in (tf.complex64, tf.int64, tf.float16, tf.string):
        tf.summary.tensor_summary(dtype.name, tf.zeros([2, 0] if dtype == tf.int64 else [2], dtype))
    tf.summary.text("note", tf.constant(["a", "caf\u00e9"]), collections=None)


@family.graph
def merged_summaries(tf: Any) -> None:
    a = tf.summary.scalar("a", 1.0)
    with tf.name_scope("s"):
        b = tf.summary.histogram("b", [1.0])
    tf.summary.merge([b, a], collections=["merged"], name="both")
    tf.summary.merge_all("merged", scope="bo")
    tf.summary.merge_all(scope="s/")
    tf.summary.merge([tf.constant(["", ""])])


@family.values
def where_summaries_are_collected(tf: Any) -> Any:
    tf.summary.scalar("a", 1.0)
    b = tf.summary.scalar("b", 1.0, collections=["mine", "yours"])
    tf.summary.merge([b], ["merged"])
    nothing = [tf.summary.merge_all("no such key"), tf.summary.merge_all(scope="no such scope")]
    assert nothing == [None, None]
    graph = tf.get_default_graph()
    names = [
        f"{key}: {[tensor.name for tensor in graph.get_collection(key)]}"
        for key in sorted(graph.get_all_collection_keys())
    ]
    return [np.array("; ".join(names).encode(), object)]


family.error("nan in a histogram", lambda tf: tf.summary.histogram("h", [0.0, float("nan")]))
family.error("infinity in a histogram", lambda tf: tf.summary.histogram("h", [float("inf")]))
family.error("a vector as a scalar", lambda tf: tf.summary.scalar("s", [1.0, 2.0]))
family.error("a text as a scalar", lambda tf: tf.summary.scalar("s", "x"))
family.error("a bool as a scalar", lambda tf: tf.summary.scalar("s", True))
family.error("no tensor", lambda tf: tf.summary.scalar("s", None))
family.error("a summary without a name", lambda tf: tf.summary.scalar(None, 1.0))
family.error("a number for a name", lambda tf: tf.summary.scalar(3, 1.0))
family.error("a name that no node may have", lambda tf: tf.summary.scalar("-a", 1.0))
family.error("an image of 5 channels", lambda tf: tf.summary.image("i", tf.zeros([1, 2, 2, 5])))
family.error("an image of rank 2", lambda tf: tf.summary.image("i", tf.zeros([2, 2])))
family.error("no images at all", lambda tf: tf.summary.image("i", tf.zeros([1, 2, 2, 1]), 0))
family.error(
    "an image of integers", lambda tf: tf.summary.image("i", tf.zeros([1, 2, 2, 1], tf.int32))
)
family.error("audio of rank 1", lambda tf: tf.summary.audio("s", tf.zeros([3]), 8000.0))
family.error("audio at no rate", lambda tf: tf.summary.audio("s", tf.zeros([1, 3]), 0.0))
family.error("merging nothing", lambda tf: tf.summary.merge([]))
family.error("merging a number", lambda tf: tf.summary.merge([3]))
family.error("merging garbage", lambda tf: tf.summary.merge([tf.constant("a b")]))
family.error("numbers as text", lambda tf: tf.summary.text("t", tf.constant(1)))


def _one_twice(tf: Any) -> Any:
    summary = tf.summary.scalar("a", 1.0)
    return tf.summary.merge([summary, summary])


family.error("one summary twice", _one_twice)
