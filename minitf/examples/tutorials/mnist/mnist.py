"""With this module one can build the small MNIST network of TF1's "mechanics" tutorial.

Four functions, each adding its part to the default graph:

    logits = inference(images, hidden1_units=128, hidden2_units=32)
    cost = loss(logits, labels)
    train_op = training(cost, learning_rate=0.01)
    correct = evaluation(logits, labels)

Mirrors `tf.examples.tutorials.mnist.mnist`.
"""

from __future__ import annotations

import math
from typing import Any

import minitf as tf

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def inference(images: Any, hidden1_units: int, hidden2_units: int) -> Any:
    """Returns the logits of two relu layers and a linear one.

        h1 = relu(images W1 + b1),  h2 = relu(h1 W2 + b2),  logits = h2 W3 + b3

    The weights start as truncated normal numbers of standard deviation 1/sqrt(inputs), so that
    signals neither grow nor fade from layer to layer.

    Args:
      images: float32 tensor of shape [batch, IMAGE_PIXELS].
      hidden1_units: the size of the first hidden layer.
      hidden2_units: the size of the second hidden layer.

    Returns:
      float32 tensor of shape [batch, NUM_CLASSES].
    """
    hidden1 = _layer("hidden1", images, IMAGE_PIXELS, hidden1_units, tf.nn.relu)
    hidden2 = _layer("hidden2", hidden1, hidden1_units, hidden2_units, tf.nn.relu)
    return _layer("softmax_linear", hidden2, hidden2_units, NUM_CLASSES)


def loss(logits: Any, labels: Any) -> Any:
    """Returns the mean cross-entropy between softmax(logits) and the labels, a scalar.

    Args:
      logits: float32 tensor of shape [batch, NUM_CLASSES].
      labels: integer tensor of shape [batch].
    """
    return tf.losses.sparse_softmax_cross_entropy(labels=tf.cast(labels, tf.int64), logits=logits)


def training(loss: Any, learning_rate: float) -> Any:
    """Returns an op that takes one step of gradient descent and adds one to `global_step`.

    It also adds a scalar summary of the loss, once minitf has summaries.

    Args:
      loss: the scalar to make smaller.
      learning_rate: the length of a step, in gradients.
    """
    if hasattr(tf, "summary"):
        tf.summary.scalar("loss", loss)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    return optimizer.minimize(loss, global_step=global_step)


def evaluation(logits: Any, labels: Any) -> Any:
    """Returns how many of the batch have their label's logit on top, an int32 scalar.

    Args:
      logits: float32 tensor of shape [batch, NUM_CLASSES].
      labels: integer tensor of shape [batch].
    """
    correct = tf.nn.in_top_k(logits, labels, 1)
    return tf.reduce_sum(tf.cast(correct, tf.int32))


def _layer(scope: str, inputs: Any, size_in: int, size_out: int, activation: Any = None) -> Any:
    with tf.name_scope(scope):
        start = tf.truncated_normal([size_in, size_out], stddev=1.0 / math.sqrt(size_in))
        weights = tf.Variable(start, name="weights")
        biases = tf.Variable(tf.zeros([size_out]), name="biases")
        outputs = tf.matmul(inputs, weights) + biases
        return activation(outputs) if activation else outputs
