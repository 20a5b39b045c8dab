"""A `tf.Print` that no run reaches is told of, once, and only then."""

import minitf as tf


def said(caplog, *steps):
    """What was warned of in a session that runs these fetches."""
    caplog.clear()
    with caplog.at_level("WARNING", "minitf"), tf.Session() as sess:
        for fetch in steps:
            sess.run(fetch)
    return [record.getMessage() for record in caplog.records]


def test_a_print_beside_the_way_is_told_of_once(caplog):
    x = tf.constant(1.0, name="x")
    tf.Print(x, [x], name="show")
    y, z = x + 1.0, x + 2.0
    (message,) = said(caplog, y, z, y)
    assert message.startswith("tf.Print prints nothing: no run needs 'show', created at ")
    assert "test_unused_prints.py" in message
    assert message.endswith("See docs/errors.md#print-that-prints-nothing")


def test_a_print_on_the_way_is_not(caplog, capfd):
    x = tf.constant(1.0)
    y = tf.Print(x, [x], "x is ") + 1.0
    assert said(caplog, y, x) == []
    assert "x is [1]" in capfd.readouterr().err


def test_a_print_that_another_run_may_reach_is_not(caplog):
    x, other = tf.constant(1.0), tf.constant(2.0)
    shown = tf.Print(x, [x])
    later = shown + 1.0
    assert said(caplog, other, x + 1.0) == []  # `later` uses it, and may still be fetched
    assert later is not None


def test_a_print_that_is_fetched_itself_is_not(caplog):
    x = tf.constant(1.0)
    shown = tf.Print(x, [x])
    assert said(caplog, shown, x + 1.0) == []


def test_a_print_made_between_two_runs_is_seen(caplog):
    x = tf.constant(1.0)
    with caplog.at_level("WARNING", "minitf"), tf.Session() as sess:
        sess.run(x + 1.0)
        tf.Print(x, [x])
        sess.run(x + 2.0)
    assert len(caplog.records) == 1
