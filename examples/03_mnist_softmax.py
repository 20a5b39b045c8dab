"""Softmax regression on MNIST: y = softmax(xW + b), about 92 % right in a few seconds.

An image is a row of 784 numbers. One matrix product gives ten scores, softmax makes them
probabilities, and gradient descent makes the right digit's probability large: the loss is the
cross-entropy -sum(y_ log y), averaged over a batch of 100.

    python examples/03_mnist_softmax.py
    python examples/03_mnist_softmax.py --steps 200 --learning_rate 0.1
"""

import argparse
import sys

from tqdm import trange

import minitf as tf
from minitf.examples.tutorials.mnist import input_data


def build_model(learning_rate):
    """Builds the graph; returns its placeholders and what to run."""
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y_")

    W = tf.Variable(tf.zeros([784, 10]), name="W")
    b = tf.Variable(tf.zeros([10]), name="b")
    logits = tf.matmul(x, W) + b
    y = tf.nn.softmax(logits)

    # log(softmax(z)) in one op is exact where softmax alone would round a probability to 0.
    cross_entropy = tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=logits)
    )
    train_step = tf.train.GradientDescentOptimizer(learning_rate).minimize(cross_entropy)

    correct = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return x, y_, cross_entropy, train_step, accuracy


def main(argv=None):
    """Trains and tests; returns the losses and the test accuracy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="MNIST_data", help="where the data are kept")
    parser.add_argument("--steps", type=int, default=1000, help="training steps")
    parser.add_argument("--batch_size", type=int, default=100, help="images per step")
    parser.add_argument("--learning_rate", type=float, default=0.5, help="step size")
    parser.add_argument("--seed", type=int, default=1, help="of the batches' order")
    args = parser.parse_args(argv)

    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(args.seed)
        mnist = input_data.read_data_sets(args.data_dir, one_hot=True, seed=args.seed)
        x, y_, cross_entropy, train_step, accuracy = build_model(args.learning_rate)
        sess.run(tf.global_variables_initializer())

        losses = []
        bar = trange(args.steps, desc="training", file=sys.stderr)
        for _ in bar:
            images, labels = mnist.train.next_batch(args.batch_size)
            loss, _ = sess.run([cross_entropy, train_step], {x: images, y_: labels})
            losses.append(float(loss))
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)

        test = {x: mnist.test.images, y_: mnist.test.labels}
        test_accuracy = float(sess.run(accuracy, test))
    print(f"test accuracy on {mnist.test.num_examples} digits: {test_accuracy:.4f}")
    return {"losses": losses, "accuracy": test_accuracy}


if __name__ == "__main__":
    main()
