"""A tool that stands in for `session.run` sees all of it, and leaves nothing behind."""

import pytest

import minitf as tf
from minitf.runtime.watch import watched


def test_it_is_given_what_run_was_given():
    x = tf.placeholder(tf.float32)
    seen = []

    def note(plain, session, *given):
        seen.append(given)
        return plain(session, *given)

    with watched(note), tf.Session() as sess:
        assert sess.run(x, {x: 1.0}) == 1.0
        assert x.eval({x: 2.0}) == 2.0
        assert sess.run([x], feed_dict={x: 3.0}, options=None) == [3.0]
    assert [given[0] for given in seen] == [x, x, [x]]
    assert [given[1] for given in seen] == [{x: 1.0}, {x: 2.0}, {x: 3.0}]
    assert all(given[2:] == (None, None) for given in seen)


def test_afterwards_sessions_run_by_themselves():
    def refuse(plain, session, *given):
        raise ValueError("not now")

    with tf.Session() as sess:
        one = tf.constant(1.0)
        with pytest.raises(ValueError, match="not now"), watched(refuse):
            sess.run(one)
        assert sess.run(one) == 1.0
