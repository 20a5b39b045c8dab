"""What is said of the seeds of a graph is what they are."""

from __future__ import annotations

import minitf as tf


def explained(*fetches: tf.Tensor) -> str:
    with tf.Session() as sess:
        return sess.explain_seeds(list(fetches) or None)


def test_no_seed_at_all() -> None:
    x = tf.random_normal([2], name="x")
    lines = explained(x).splitlines()
    assert lines[0] == "x/RandomStandardNormal (type RandomStandardNormal): seeds (0, 0)"
    assert "other numbers in each session" in lines[1]
    assert lines[2].startswith("  made at ") and 'tf.random_normal([2], name="x")' in lines[2]


def test_seeds_of_the_graph_and_of_the_op() -> None:
    own = tf.random_uniform([2], seed=3, name="own")
    tf.set_random_seed(7)
    first = tf.random_uniform([2], name="first")
    second = tf.nn.dropout(first, 0.5, name="second")
    both = tf.random_uniform([2], seed=99, name="both")
    assert "seeds (87654321, 3)\n  the graph had no seed; the op's own is 3" in explained(own)
    text = explained(second)
    assert "seeds (7, 0)\n  the graph's seed is 7; the op has none of its own" in text
    assert "counted as number 1" in text
    assert "own" not in [line.partition("/")[0] for line in text.splitlines()]
    assert "seeds (7, 99)\n  the graph's seed is 7; the op's own" in explained(both)
    assert explained().count("made at") == 4


def test_what_is_said_is_what_decides_the_numbers() -> None:
    """A graph that is built the same, but for a node that draws nothing, draws the same."""
    texts, values = [], []
    for extra in (False, True):
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(7)
            if extra:
                tf.constant(1.0)
            x = tf.random_normal([2])
            with tf.Session(graph=graph) as sess:
                texts.append(sess.explain_seeds(x).partition("made at")[0])
                values.append(sess.run(x).tolist())
    assert texts[0] == texts[1] and values[0] == values[1]


def test_nothing_random() -> None:
    assert explained(tf.constant(1.0)) == "no operation draws random numbers"
