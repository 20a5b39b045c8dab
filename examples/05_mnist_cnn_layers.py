"""The network of 04_mnist_cnn.py through `tf.layers`, which makes the variables for each layer.

Dropout here takes a boolean, `training`, instead of a probability: `tf.layers.dropout` puts a
`tf.cond` into the graph that chooses between dropping and passing on.

    python examples/05_mnist_cnn_layers.py
    python examples/05_mnist_cnn_layers.py --epochs 1
"""

import argparse
import sys

import numpy as np
from tqdm import trange

import minitf as tf
from minitf.examples.tutorials.mnist import input_data


def build_network(x, training):
    """From images [batch, 784] to scores [batch, 10]."""
    image = tf.reshape(x, [-1, 28, 28, 1])
    conv1 = tf.layers.conv2d(image, 32, 5, padding="same", activation=tf.nn.relu)
    pool1 = tf.layers.max_pooling2d(conv1, 2, 2)
    conv2 = tf.layers.conv2d(pool1, 64, 5, padding="same", activation=tf.nn.relu)
    pool2 = tf.layers.max_pooling2d(conv2, 2, 2)
    dense = tf.layers.dense(tf.layers.flatten(pool2), 1024, activation=tf.nn.relu)
    dropped = tf.layers.dropout(dense, rate=0.5, training=training)
    return tf.layers.dense(dropped, 10)


def build_model(learning_rate, steps):
    """Builds the graph for so many training steps; returns its placeholders and what to run."""
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    training = tf.placeholder(tf.bool, name="training")
    logits = build_network(x, training)
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(learning_rate, step, steps, end_learning_rate=0.0)
    train_step = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    correct = tf.equal(tf.argmax(logits, 1), labels)
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return x, labels, training, loss, train_step, accuracy


def evaluate(sess, accuracy, feeds, data, batch_size=500):
    """The accuracy over a whole data set, in batches that fit the memory."""
    x, labels, training = feeds
    scores, sizes = [], []
    for start in range(0, data.num_examples, batch_size):
        images = data.images[start : start + batch_size]
        digits = data.labels[start : start + batch_size]
        scores.append(sess.run(accuracy, {x: images, labels: digits, training: False}))
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
    parser.add_argument("--seed", type=int, default=1, help="of weights, dropout and batches")
    args = parser.parse_args(argv)

    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(args.seed)
        mnist = input_data.read_data_sets(args.data_dir, seed=args.seed)
        steps = args.steps or round(args.epochs * mnist.train.num_examples / args.batch_size)
        x, labels, training, loss, train_step, accuracy = build_model(args.learning_rate, steps)
        sess.run(tf.global_variables_initializer())

        losses = []
        bar = trange(steps, desc="training", file=sys.stderr)
        for _ in bar:
            images, digits = mnist.train.next_batch(args.batch_size)
            feed = {x: images, labels: digits, training: True}
            loss_value, _ = sess.run([loss, train_step], feed)
            losses.append(float(loss_value))
            bar.set_postfix(loss=f"{loss_value:.3f}", refresh=False)

        test_accuracy = evaluate(sess, accuracy, (x, labels, training), mnist.test)
    print(f"test accuracy on {mnist.test.num_examples} digits: {test_accuracy:.4f}")
    return {"losses": losses, "accuracy": test_accuracy}


if __name__ == "__main__":
    main()
