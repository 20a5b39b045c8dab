"""Two kinds of session: `tf.Session` in a script, `tf.InteractiveSession` at a prompt.

A `Session` is opened with `with` and asked with `run`. An `InteractiveSession` makes itself the
default session, so that `tensor.eval()` finds it; that saves typing in a notebook. Both hold
the values of variables: two sessions on one graph have two values of each variable.

    python examples/02_sessions.py
"""

import argparse

import minitf as tf


def with_session(graph, product):
    """The usual way: run inside a `with` block, which closes the session at its end."""
    with tf.Session(graph=graph) as sess:
        value = sess.run(product)
        inside = product.eval()  # the with block made sess the default one
    print("Session:           ", value.tolist(), "and by eval():", inside.tolist())
    try:
        sess.run(product)
    except RuntimeError as error:
        print("after the block:   ", str(error).splitlines()[0])
    return value


def with_interactive_session(graph, product):
    """At a prompt: open once, then eval() wherever it is handy."""
    sess = tf.InteractiveSession(graph=graph)
    value = product.eval()
    print("InteractiveSession:", value.tolist())
    sess.close()
    return value


def two_sessions_two_states(graph):
    """A variable's value lives in the session, not in the graph."""
    with graph.as_default():
        counter = tf.Variable(0, name="counter")
        count = tf.assign_add(counter, 1)
        start = tf.global_variables_initializer()
    one, two = tf.Session(graph=graph), tf.Session(graph=graph)
    one.run(start)
    two.run(start)
    for _ in range(3):
        one.run(count)
    two.run(count)
    values = one.run(counter), two.run(counter)
    print("one graph, two sessions, the counter is", *values)
    one.close()
    two.close()
    return values


def main(argv=None):
    """Runs all parts; returns their values."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(argv)
    graph = tf.Graph()
    with graph.as_default():
        row = tf.constant([[3.0, 3.0]])
        column = tf.constant([[2.0], [2.0]])
        product = tf.matmul(row, column)
    return {
        "session": with_session(graph, product),
        "interactive": with_interactive_session(graph, product),
        "counters": two_sessions_two_states(graph),
    }


if __name__ == "__main__":
    main()
