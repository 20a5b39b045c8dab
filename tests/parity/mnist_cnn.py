"""The tutorial's CNN on MNIST as one script for both engines, and one engine's run of it.

    python -m tests.parity.mnist_cnn ENGINE train   FOLDER OUT.npz SEED ...
    python -m tests.parity.mnist_cnn ENGINE exact   FOLDER OUT.npz SEED ...
    python -m tests.parity.mnist_cnn ENGINE predict FOLDER OUT.npz TRAINED.npz SEED ...

is a process of its own for each engine; `side_by_side` starts them and compares what they leave.
`exact` trains in float64 for some steps, to tell what rounding does to the others.
FOLDER holds the batches, made once for all engines: images_SEED.npy of shape [steps, batch, 784],
labels_SEED.npy of [steps, batch, 10], and test_images.npy of [count, 784], if there is a test.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.parity.harness import engine

# As in TensorFlow's "Deep MNIST for Experts".
LEARNING_RATE = 1e-4
KEEP_PROB = 0.5

TRAINABLE = 8  # four layers, of weights and biases
VARIABLES = 3 * TRAINABLE + 2  # Adam keeps two arrays beside each, and two powers for all

EXACT_STEPS = 100

_TEST_BATCH = 500


class Model(NamedTuple):
    """The nodes that a training script works with."""

    x: Any
    labels: Any
    keep_prob: Any
    logits: Any
    loss: Any
    train: Any


def build(tf: Any, seed: int = 1, exact: bool = False) -> Model:
    """The script, for either engine.

    With `exact` it starts from the same numbers, draws the same, and computes in float64.
    """
    tf.set_random_seed(seed)
    dtype = tf.float64 if exact else tf.float32

    def variable(value: Any, name: str) -> Any:
        return tf.Variable(tf.cast(value, dtype) if exact else value, name=name)

    def layer(name: str, shape: list[int], apply: Any) -> Any:
        with tf.name_scope(name):
            weights = variable(tf.truncated_normal(shape, stddev=0.1), "W")
            biases = variable(tf.constant(0.1, shape=shape[-1:]), "b")
            return apply(weights) + biases

    def convolved(images: Any) -> Any:
        return lambda weights: tf.nn.conv2d(images, weights, [1, 1, 1, 1], "SAME")

    def pooled(images: Any) -> Any:
        return tf.nn.max_pool(images, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")

    x = tf.placeholder(dtype, [None, 784], name="x")
    labels = tf.placeholder(dtype, [None, 10], name="labels")
    keep_prob = tf.placeholder(tf.float32, name="keep_prob")
    images = tf.reshape(x, [-1, 28, 28, 1])
    first = pooled(tf.nn.relu(layer("conv1", [5, 5, 1, 32], convolved(images))))
    second = pooled(tf.nn.relu(layer("conv2", [5, 5, 32, 64], convolved(first))))
    flat = tf.reshape(second, [-1, 7 * 7 * 64])
    hidden = tf.nn.relu(layer("fc1", [7 * 7 * 64, 1024], lambda weights: tf.matmul(flat, weights)))
    if exact:
        dropped = exact_dropout(tf, hidden, keep_prob)
    else:
        dropped = tf.nn.dropout(hidden, keep_prob, name="dropout")
    logits = layer("fc2", [1024, 10], lambda weights: tf.matmul(dropped, weights))
    cross_entropy = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
    loss = tf.reduce_mean(cross_entropy)
    optimizer = tf.train.AdamOptimizer(LEARNING_RATE)
    if exact:  # its defaults, as they are in float32
        optimizer = tf.train.AdamOptimizer(
            *map(float, np.float32([LEARNING_RATE, 0.9, 0.999, 1e-8]))
        )
    return Model(x, labels, keep_prob, logits, loss, optimizer.minimize(loss))


def exact_dropout(tf: Any, hidden: Any, keep_prob: Any) -> Any:
    """Dropout in float64 that keeps what `tf.nn.dropout` does in float32."""
    with tf.name_scope("dropout"):
        kept = tf.random_uniform(tf.shape(hidden)) >= 1 - keep_prob
        return hidden * tf.cast(kept, tf.float64) / tf.cast(keep_prob, tf.float64)


def dropout_mask(graph: Any) -> Any:
    """The tensor that says which features a run keeps."""
    (mask,) = [
        op.outputs[0]
        for op in graph.get_operations()
        if op.type == "GreaterEqual" and op.name.startswith("dropout/")
    ]
    return mask


@contextmanager
def noted_convolutions(notes: set[str]) -> Iterator[None]:
    """Notes by which algorithms minitf convolves meanwhile."""
    from minitf.kernels import conv

    choose = conv._algorithm

    def choose_and_note(*args: Any) -> Any:
        choice = choose(*args)
        notes.add(choice.algorithm.__name__.rpartition(".")[2])
        return choice

    conv._algorithm = choose_and_note
    try:
        yield
    finally:
        conv._algorithm = choose


def digest(array: Any) -> str:
    """SHA-256 of an array's dtype, shape and bits."""
    array = np.ascontiguousarray(array)
    head = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def train(tf: Any, folder: Path, seed: int, exact: bool = False) -> dict[str, Any]:
    """Trains on all the batches of a seed; in float64 on the first only, and without a test.

    Returns:
      `initial/<name>` of every variable before the first step, `mask` of the first, `losses` of
      all, `fed`, a digest of the batches as they were fed; and where there are test images,
      `logits` of them afterwards, and the `trained/<name>` variables.
    """
    images = np.load(folder / f"images_{seed}.npy", mmap_mode="r")
    labels = np.load(folder / f"labels_{seed}.npy", mmap_mode="r")
    if exact:
        images, labels = images[:EXACT_STEPS], labels[:EXACT_STEPS]
    fed, losses = hashlib.sha256(), []
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        model = build(tf, seed, exact)
        mask = dropout_mask(graph)
        sess.run(tf.global_variables_initializer())
        made = {f"initial/{v.op.name}": sess.run(v) for v in tf.global_variables()}
        for image_batch, label_batch in zip(images, labels, strict=True):
            feeds = {model.x: np.array(image_batch), model.labels: np.array(label_batch)}
            for batch in feeds.values():
                fed.update(batch.tobytes())
            # The mask is looked at once: a run that nobody looks into is the one to be compared.
            looked_at = [] if losses else [mask]
            fetches = [model.loss, model.train, *looked_at]
            loss, _, *found = sess.run(fetches, {**feeds, model.keep_prob: KEEP_PROB})
            if found:
                made["mask"] = found[0]
            losses.append(loss)
        if (folder / "test_images.npy").exists() and not exact:
            made.update({f"trained/{v.op.name}": sess.run(v) for v in tf.trainable_variables()})
            made["logits"] = predicted(sess, model, folder)
    return {**made, "losses": np.array(losses), "fed": np.array(fed.hexdigest())}


def predict(tf: Any, folder: Path, trained: dict[str, Any], seed: int) -> dict[str, Any]:
    """The `logits` of the test images with weights that were trained elsewhere.

    `assigned/<name>` are the digests of the weights as they are read back after being assigned.
    """
    with tf.Graph().as_default(), tf.Session() as sess:
        model = build(tf, seed)
        sess.run(tf.global_variables_initializer())
        made = {}
        for variable in tf.trainable_variables():
            value = tf.placeholder(tf.float32, variable.shape)
            weights = trained[f"{seed}/trained/{variable.op.name}"]
            sess.run(tf.assign(variable, value), {value: weights})
            made[f"assigned/{variable.op.name}"] = np.array(digest(sess.run(variable)))
        return {**made, "logits": predicted(sess, model, folder)}


def predicted(sess: Any, model: Model, folder: Path) -> Any:
    """The logits of all test images, [count, 10], without dropout."""
    images = np.load(folder / "test_images.npy")
    batches = [images[i : i + _TEST_BATCH] for i in range(0, len(images), _TEST_BATCH)]
    run = sess.run
    return np.concatenate(
        [run(model.logits, {model.x: batch, model.keep_prob: 1.0}) for batch in batches]
    )


def main(arguments: list[str]) -> None:
    name, what, folder, out, *rest = arguments
    tf, arrays = engine(name), {}
    notes: set[str] = set()
    if what == "predict":
        trained = dict(np.load(rest.pop(0)))
    with noted_convolutions(notes):
        for seed in map(int, rest):
            if what == "predict":
                made = predict(tf, Path(folder), trained, seed)
            else:
                made = train(tf, Path(folder), seed, exact=what == "exact")
            arrays.update({f"{seed}/{key}": value for key, value in made.items()})
            print(f"{name}: {what} with seed {seed} done", flush=True)
    arrays["convolutions"] = np.array(sorted(notes), dtype="U20")
    np.savez(out, **arrays, version=np.array(getattr(tf, "__version__", "")))


if __name__ == "__main__":
    main(sys.argv[1:])
