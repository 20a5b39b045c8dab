"""Makes the pictures of graphs in docs/img: `make pictures`. It needs Graphviz's program `dot`.

python docs/pictures.py            # all of them
python docs/pictures.py cnn        # those whose names begin so
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import minitf as tf
from minitf.distributed.partition import partition
from minitf.runtime.placement import place, task_device
from minitf.runtime.prune import prune
from minitf.visualize import Drawing, draw

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "img"


def example(name: str) -> ModuleType:
    """A script of examples/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_pictures() -> dict[str, Drawing]:
    """A sum; a layer, at depth 1 and with every node; two devices."""
    found = {}
    with tf.Graph().as_default():
        a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
        with tf.control_dependencies([tf.multiply(a + b, b, name="c")]):
            tf.no_op(name="done")
        found["sum"] = draw()
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 784], name="x")
        with tf.name_scope("layer1"):
            w = tf.Variable(tf.truncated_normal([784, 100], stddev=0.1), name="W")
            bias = tf.Variable(tf.zeros([100]), name="b")
            hidden = tf.nn.relu(tf.matmul(x, w) + bias)
        with tf.name_scope("layer2"):
            w = tf.Variable(tf.truncated_normal([100, 10], stddev=0.1), name="W")
            bias = tf.Variable(tf.zeros([10]), name="b")
            y = tf.nn.softmax(tf.matmul(hidden, w) + bias)
        found["layers"] = draw(y)
        found["layers-ops"] = draw(y, depth=None)
        found["layers-first-values"] = draw(depth=None, initializers=True)
    return found | {"devices": on_two_devices(), "stages": cut_by_task()}


def on_two_devices() -> Drawing:
    """Variables on a parameter server, arithmetic on a worker."""
    with tf.Graph().as_default():
        with tf.device("/job:worker/task:0"):
            x = tf.placeholder(tf.float32, [None, 784], name="x")
            with tf.device("/job:ps/task:0"):
                w = tf.Variable(tf.zeros([784, 10]), name="W")
                b = tf.Variable(tf.zeros([10]), name="b")
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b), name="loss")
            tf.train.GradientDescentOptimizer(0.5).minimize(loss)
        return draw(color_by="device")


def cut_by_task() -> Drawing:
    """A training step as a parameter server and a worker run it, in three stages."""
    with tf.Graph().as_default():
        with tf.device(tf.train.replica_device_setter(ps_tasks=1)):
            x = tf.placeholder(tf.float32, [None, 784], name="x")
            w = tf.Variable(tf.zeros([784, 10]), name="W")
            y = tf.nn.softmax(tf.matmul(x, w), name="y")
            step = tf.train.get_or_create_global_step()
            train = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_mean(y), step)
        devices = [task_device("worker", 0), task_device("ps", 0)]
        ops = prune([train], {x})
        stages = partition(ops, place(ops, devices), [train], [x], client=devices[0])
        return draw({stage.name: stage.graph for stage in stages}, color_by="device")


def pictures_of_the_cnn() -> dict[str, Drawing]:
    """The tutorial's CNN with its gradients and Adam."""
    cnn = example("04_mnist_cnn")
    with tf.Graph().as_default() as graph:
        x, y_, keep_prob, loss, _, accuracy = cnn.build_model(1e-3, 1000)
        return {
            "cnn": draw(loss),
            "cnn-training": draw(),
            "cnn-training-2": draw(depth=2, collapse=["PolynomialDecay", "accuracy"]),
            "cnn-accuracy": draw(graph, fetches=accuracy, feeds=[x, y_, keep_prob]),
        }


def main(beginnings: list[str]) -> None:
    """Writes the pictures whose names begin with one of these, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name, drawing in (small_pictures() | pictures_of_the_cnn()).items():
        if not beginnings or name.startswith(tuple(beginnings)):
            path = Path(drawing.save(FOLDER / f"graph-{name}.svg"))
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
