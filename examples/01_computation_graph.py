"""A + B = C: a graph only describes; a session computes.

1. Building C = A + B computes nothing: printing C shows a tensor, not 3.
2. A session computes C, and A and B on the way.
3. Only what a fetch needs is run: of two branches of a graph, the session runs the one asked for.

    python examples/01_computation_graph.py
"""

import argparse

import minitf as tf


def add_two_numbers():
    """Builds C = A + B, prints it before and after running, and returns its value."""
    A = tf.constant(1, name="A")
    B = tf.constant(2, name="B")
    C = A + B
    print("before running:", C)

    with tf.Session() as sess:
        value = sess.run(C)
    print("after running: ", value)
    return value


def run_a_subgraph():
    """Builds d = (a * b) + (a + b) and an expensive e; shows which nodes each fetch runs.

    `tf.Print` passes its first argument on and says so each time that it is run.
    """
    a = tf.placeholder(tf.float32, name="a")
    b = tf.placeholder(tf.float32, name="b")
    product = tf.Print(a * b, ["a * b"], "running ")
    total = tf.Print(a + b, ["a + b"], "running ")
    d = tf.add(product, total, name="d")
    e = tf.Print(tf.pow(a, 100.0), ["a ** 100"], "running ")

    with tf.Session() as sess:
        print("\nfetching the sum runs one node of the three:")
        just_the_sum = sess.run(total, feed_dict={a: 2.0, b: 3.0})
        print("fetching d runs two, and never e:")
        d_value = sess.run(d, feed_dict={a: 2.0, b: 3.0})
        print("any tensor can be fed, not only a placeholder; with a * b given, it is not run:")
        d_fed = sess.run(d, feed_dict={a: 2.0, b: 3.0, product: 100.0})
        print(f"sum = {just_the_sum}, d = {d_value}, d with a * b fed as 100 = {d_fed}")
        print("\nthe program that computes d:")
        print(sess.explain(d, [a, b]))
    assert e.op.type == "Print"
    return just_the_sum, d_value, d_fed


def main(argv=None):
    """Runs both parts; returns their values."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(argv)
    with tf.Graph().as_default():
        c = add_two_numbers()
        just_the_sum, d, d_fed = run_a_subgraph()
    return {"c": c, "sum": just_the_sum, "d": d, "d_fed": d_fed}


if __name__ == "__main__":
    main()
