"""Saving a session is saving the values of its variables: train once, predict in another process.

The first call trains a small network, saves its variables every 100 steps and ends. Then a new
process builds nothing: it reads the graph from the file beside the checkpoint, restores the
variables, and predicts. A call with --resume goes on where the last one stopped.

    python examples/06_save_restore.py
    python examples/06_save_restore.py --predict
    python examples/06_save_restore.py --resume --steps 300
"""

import argparse
import os
import subprocess
import sys

import numpy as np
from tqdm import trange

import minitf as tf
from minitf.examples.tutorials.mnist import input_data


def build_model():
    """Builds the graph, with names for all that another process will ask for."""
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    hidden = tf.layers.dense(x, 128, activation=tf.nn.relu)
    logits = tf.layers.dense(hidden, 10)
    tf.argmax(logits, 1, name="digit")
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer().minimize(loss, global_step=step, name="train")
    return x, labels, step, loss


def train(args, mnist):
    """Trains and saves; returns the losses and the prefix of the last checkpoint."""
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(args.seed)
        x, labels, step, loss = build_model()
        saver = tf.train.Saver(max_to_keep=3)
        os.makedirs(args.model_dir, exist_ok=True)
        latest = tf.train.latest_checkpoint(args.model_dir) if args.resume else None
        if latest:
            saver.restore(sess, latest)  # which initializes the variables as well
            print(f"going on after step {sess.run(step)}")
        else:
            sess.run(tf.global_variables_initializer())
        losses = []
        for done in trange(1, args.steps + 1, desc="training", file=sys.stderr):
            images, digits = mnist.train.next_batch(100)
            value, _ = sess.run([loss, "train"], {x: images, labels: digits})
            losses.append(float(value))
            if done % 100 == 0 or done == args.steps:
                latest = saver.save(sess, os.path.join(args.model_dir, "digits"), global_step=step)
    print(f"saved {latest}")
    return {"losses": losses, "checkpoint": latest}


def predict(args, mnist):
    """Restores the latest checkpoint and predicts, without the code that built the graph."""
    latest = tf.train.latest_checkpoint(args.model_dir)
    if latest is None:
        sys.exit(f"There is no checkpoint in {args.model_dir}: train first.")
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(latest + ".meta").restore(sess, latest)
        digits = sess.run("digit:0", {"x:0": mnist.test.images})
    accuracy = float(np.mean(digits == mnist.test.labels))
    print(f"restored {latest}")
    print(f"predicted {digits[:10].tolist()}, and the digits are {mnist.test.labels[:10].tolist()}")
    print(f"test accuracy on {mnist.test.num_examples} digits: {accuracy:.4f}")
    return {"accuracy": accuracy, "checkpoint": latest}


def main(argv=None):
    """Trains, or predicts; returns what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--predict", action="store_true", help="restore and predict, do not train")
    parser.add_argument("--resume", action="store_true", help="go on from the latest checkpoint")
    parser.add_argument("--data_dir", default="MNIST_data", help="where the data are kept")
    parser.add_argument("--model_dir", default="MNIST_model", help="where checkpoints are kept")
    parser.add_argument("--steps", type=int, default=500, help="training steps")
    parser.add_argument("--seed", type=int, default=1, help="of weights and batches")
    args = parser.parse_args(argv)
    mnist = input_data.read_data_sets(args.data_dir, seed=args.seed)
    if args.predict:
        return predict(args, mnist)
    result = train(args, mnist)
    if not args.resume:
        where = ["--data_dir", args.data_dir, "--model_dir", args.model_dir]
        subprocess.run([sys.executable, __file__, "--predict", *where], check=True)
    return result


if __name__ == "__main__":
    main()
