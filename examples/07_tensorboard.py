"""TensorBoard shows what training does: one network, trained with three learning rates.

Every layer has a name scope, which TensorBoard's graph page shows as a box; its weights, biases and
activations are noted as histograms. Loss and accuracy are noted as curves: three of each, since
each learning rate writes into a folder of its own. One step is traced, so that the graph page can
colour the nodes by the time that they took.

    python examples/07_tensorboard.py
    tensorboard --logdir MNIST_logs

Then open http://localhost:6006. (`pip install tensorboard`, which needs no TensorFlow.)
"""

import argparse
import os
import sys

from tqdm import trange

import minitf as tf
from minitf.examples.tutorials.mnist import input_data

LEARNING_RATES = (0.1, 0.01, 0.001)


def dense(inputs, units, name, activation=tf.identity):
    """A fully connected layer in a name scope of its own, with histograms of all that it has."""
    with tf.name_scope(name):
        size = inputs.shape.as_list()[-1]
        weights = tf.Variable(tf.truncated_normal([size, units], stddev=0.1), name="W")
        biases = tf.Variable(tf.constant(0.1, shape=[units]), name="b")
        outputs = activation(tf.matmul(inputs, weights) + biases)
        tf.summary.histogram("weights", weights)
        tf.summary.histogram("biases", biases)
        tf.summary.histogram("activations", outputs)
    return outputs


def build_model(learning_rate):
    """Builds the graph; returns what a training step needs."""
    with tf.name_scope("input"):
        x = tf.placeholder(tf.float32, [None, 784], name="x")
        labels = tf.placeholder(tf.int64, [None], name="labels")
        tf.summary.image("digits", tf.reshape(x, [-1, 28, 28, 1]), max_outputs=3)
    hidden = dense(x, 128, "hidden", tf.nn.relu)
    logits = dense(hidden, 10, "output")
    with tf.name_scope("cross_entropy"):
        loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    with tf.name_scope("evaluation"):
        right = tf.equal(tf.argmax(logits, 1), labels)
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    with tf.name_scope("train"):
        step = tf.train.get_or_create_global_step()
        train = tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=step)
    tf.summary.scalar("loss", loss)
    tf.summary.scalar("accuracy", accuracy)
    return x, labels, step, train, loss, accuracy


def run(args, learning_rate, mnist):
    """Trains once, noting each tenth step in a folder of its own; returns losses and accuracy."""
    folder = os.path.join(args.log_dir, f"rate_{learning_rate:g}")
    if tf.gfile.Exists(folder):
        tf.gfile.DeleteRecursively(folder)  # else TensorBoard would show the last time's curve too
    losses = []
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(args.seed)
        x, labels, step, train, loss, accuracy = build_model(learning_rate)
        summaries = tf.summary.merge_all()
        sess.run(tf.global_variables_initializer())
        with tf.summary.FileWriter(folder, sess.graph) as writer:
            for done in trange(
                args.steps, desc=f"learning rate {learning_rate:g}", file=sys.stderr
            ):
                images, digits = mnist.train.next_batch(100)
                feeds = {x: images, labels: digits}
                if done % 10 == 0:
                    writer.add_summary(sess.run(summaries, feeds), global_step=sess.run(step))
                options, metadata = None, None
                if done == 50:  # one step is traced: the graph page can show what each node took
                    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
                    metadata = tf.RunMetadata()
                value, _ = sess.run([loss, train], feeds, options, metadata)
                if metadata:
                    writer.add_run_metadata(metadata, "step 50", global_step=50)
                losses.append(float(value))
        right = sess.run(accuracy, {x: mnist.test.images, labels: mnist.test.labels})
    print(f"learning rate {learning_rate:g}: loss {losses[-1]:.3f}, test accuracy {right:.3f}")
    return {"losses": losses, "accuracy": float(right), "folder": folder}


def main(argv=None):
    """Trains with each learning rate; returns what came of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_dir", default="MNIST_data", help="where the data are kept")
    parser.add_argument("--log_dir", "--logdir", default="MNIST_logs", help="where events go")
    parser.add_argument("--steps", type=int, default=500, help="training steps for each rate")
    parser.add_argument("--seed", type=int, default=1, help="of weights and batches")
    args = parser.parse_args(argv)
    results = {}
    for learning_rate in LEARNING_RATES:
        mnist = input_data.read_data_sets(args.data_dir, seed=args.seed)
        results[learning_rate] = run(args, learning_rate, mnist)
    print(f"now: tensorboard --logdir {args.log_dir}")
    return results


if __name__ == "__main__":
    main()
