"""A process that saves under a name under which others save, too.

    python -m tests.checkpoint.saving_process PATH NUMBER STYLE [CLUSTER]

It says "ready", waits for a line, and saves variables that are full of its number, again and again.
Styles are "plain" and "sharded": then half of the variables are on another device, or, given the
jobs of a cluster as JSON, on another server; "numbered" as well, if each save has a name of its
own. It ends with an error if a save fails, or if it restores a checkpoint that is of two saves.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import minitf as tf

SAVES = 12
SIZE = 20_000
NAMES = ("a", "b", "c", "d")


def variables(number: float, devices: tuple[str, str]) -> dict[str, Any]:
    """By their names in a checkpoint; in a container of their own, where servers keep them."""
    found = {}
    for position, name in enumerate(NAMES):
        with tf.device(devices[position % 2]), tf.container(f"of_{number}"):
            found[name] = tf.Variable(np.full(SIZE, float(number)), name=name)
    return found


def restored(path: str, sharded: bool) -> set[float]:
    """The numbers that a checkpoint holds, as a process alone restores them."""
    with tf.Graph().as_default(), tf.Session(config=two_devices()) as sess:
        found = variables(0.0, ("/cpu:0", "/cpu:1"))
        tf.train.Saver(found, sharded=sharded).restore(sess, path)
        return {float(number) for value in sess.run(list(found.values())) for number in value}


def two_devices() -> Any:
    """The configuration of a session on one machine."""
    return tf.ConfigProto(device_count={"CPU": 2})


def main() -> None:
    """Saves, and looks at what is there."""
    path, number, style = sys.argv[1], int(sys.argv[2]), sys.argv[3].split()
    target, devices = "", ("/cpu:0", "/cpu:1")
    if len(sys.argv) > 4:
        cluster = tf.train.ClusterSpec(json.loads(sys.argv[4]))
        target = tf.train.Server(cluster, "worker", number - 1).target
        devices = ("/job:ps/task:0", "/job:ps/task:1")
    found = variables(number, devices)
    saver = tf.train.Saver(found, sharded="sharded" in style)
    with tf.Session(target, config=None if target else two_devices()) as sess:
        sess.run([variable.initializer for variable in found.values()])
        print("ready", flush=True)
        sys.stdin.readline()
        for step in range(SAVES):
            saver.save(sess, path, global_step=step if "numbered" in style else None)
            if "numbered" not in style:
                numbers = restored(path, "sharded" in style)
                assert len(numbers) == 1, numbers


if __name__ == "__main__":
    main()
