"""A convolutional network on MNIST, every step written out: 99 % right in a few minutes.

image 28x28x1 -> conv 5x5x32, relu, pool 2x2 -> 14x14x32
              -> conv 5x5x64, relu, pool 2x2 -> 7x7x64
              -> dense 3136 to 1024, relu, dropout
              -> dense 1024 to 10, softmax cross-entropy, Adam

python examples/04_mnist_cnn.py
python examples/04_mnist_cnn.py --epochs 1 --batch_size 100
"""

import argparse
import sys

import numpy as np
from tqdm import trange

import minitf as tf
from minitf.examples.tutorials.mnist import input_data


def weight_variable(shape, name):
    """Small random weights: equal ones would all learn the same."""
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1), name=name)


def bias_variable(shape, name):
    """Slightly positive, so that no relu starts dead."""
    return tf.Variable(tf.constant(0.1, shape=shape), name=name)


def conv2d(x, W):
    """A convolution of stride 1 whose output is as large as its input."""
    return tf.nn.conv2d(x, W, strides=[1, 1, 1, 1], padding="SAME")


def max_pool_2x2(x):
    """The largest of each 2x2 block: half as high and half as wide."""
    return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")


def build_network(x, keep_prob):
    """From images [batch, 784] to scores [batch, 10]."""
    image = tf.reshape(x, [-1, 28, 28, 1])

    with tf.name_scope("conv1"):
        W_conv1 = weight_variable([5, 5, 1, 32], "W")
        b_conv1 = bias_variable([32], "b")
        h_conv1 = tf.nn.relu(conv2d(image, W_conv1) + b_conv1)
    with tf.name_scope("pool1"):
        h_pool1 = max_pool_2x2(h_conv1)

    with tf.name_scope("conv2"):
        W_conv2 = weight_variable([5, 5, 32, 64], "W")
        b_conv2 = bias_variable([64], "b")
        h_conv2 = tf.nn.relu(conv2d(h_pool1, W_conv2) + b_conv2)
    with tf.name_scope("pool2"):
        h_pool2 = max_pool_2x2(h_conv2)

    with tf.name_scope("fc1"):
        W_fc1 = weight_variable([7 * 7 * 64, 1024], "W")
        b_fc1 = bias_variable([1024], "b")
        flat = tf.reshape(h_pool2, [-1, 7 * 7 * 64])
        h_fc1 = tf.nn.relu(tf.matmul(flat, W_fc1) + b_fc1)

    # Dropout forgets a random part of the features in each training step; none in a test.
    with tf.name_scope("dropout"):
        h_drop = tf.nn.dropout(h_fc1, keep_prob)

    with tf.name_scope("fc2"):
        W_fc2 = weight_variable([1024, 10], "W")
        b_fc2 = bias_variable([10], "b")
        return tf.matmul(h_drop, W_fc2) + b_fc2


def build_model(learning_rate, steps):
    """Builds the graph for so many training steps; returns its placeholders and what to run."""
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y_ = tf.placeholder(tf.float32, [None, 10], name="y_")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    logits = build_network(x, keep_prob)

    with tf.name_scope("loss"):
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y_, logits=logits))
    # Large steps first, and ever smaller ones towards the end, where they settle.
    step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(learning_rate, step, steps, end_learning_rate=0.0)
    train_step = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)

    with tf.name_scope("accuracy"):
        correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y_, 1))
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return x, y_, keep_prob, loss, train_step, accuracy


def evaluate(sess, accuracy, feeds, data, batch_size=500):
    """The accuracy over a whole data set, in batches that fit the memory."""
    x, y_, keep_prob = feeds
    scores, sizes = [], []
    for start in range(0, data.num_examples, batch_size):
        images = data.images[start : start + batch_size]
        labels = data.labels[start : start + batch_size]
        scores.append(sess.run(accuracy, {x: images, y_: labels, keep_prob: 1.0}))
        sizes.append(len(images))
    return float(np.average(scores, weights=sizes))


def main(argv=None):
    """Trains and tests; returns the losses and the test accuracy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="MNIST_data", help="where the data are kept")
    parser.add_argument("--epochs", type=float, default=3, help="passes over the training images")
    parser.add_argument("--steps", type=int, help="training steps, instead of epochs")
    parser.add_argument("--batch_size", type=int, default=50, help="images per step")
    parser.add_argument("--learning_rate", type=float, default=1e-3, help="Adam's first step size")
    parser.add_argument("--keep_prob", type=float, default=0.5, help="of dropout, in training")
    parser.add_argument("--seed", type=int, default=1, help="of weights, dropout and batches")
    args = parser.parse_args(argv)

    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(args.seed)
        mnist = input_data.read_data_sets(args.data_dir, one_hot=True, seed=args.seed)
        steps = args.steps or round(args.epochs * mnist.train.num_examples / args.batch_size)
        x, y_, keep_prob, loss, train_step, accuracy = build_model(args.learning_rate, steps)
        sess.run(tf.global_variables_initializer())

        losses = []
        bar = trange(steps, desc="training", file=sys.stderr)
        for _ in bar:
            images, labels = mnist.train.next_batch(args.batch_size)
            feed = {x: images, y_: labels, keep_prob: args.keep_prob}
            loss_value, _ = sess.run([loss, train_step], feed)
            losses.append(float(loss_value))
            bar.set_postfix(loss=f"{loss_value:.3f}", refresh=False)

        test_accuracy = evaluate(sess, accuracy, (x, y_, keep_prob), mnist.test)
    print(f"test accuracy on {mnist.test.num_examples} digits: {test_accuracy:.4f}")
    return {"losses": losses, "accuracy": test_accuracy}


if __name__ == "__main__":
    main()
