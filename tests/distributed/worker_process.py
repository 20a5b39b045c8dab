"""One worker in a process of its own: `python -m tests.distributed.worker_process`.

Arguments: the cluster as JSON, its number, a folder for checkpoints, the last step, and "sync",
"backup" (a step needs one worker less than there are) or "async". It says a line for each step:
"step 7".
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import minitf as tf


def main() -> None:
    """Trains until the last step is reached."""
    jobs, index, folder, last, mode = sys.argv[1:6]
    cluster, worker = tf.train.ClusterSpec(json.loads(jobs)), int(index)
    server = tf.train.Server(cluster, "worker", worker)
    device = f"/job:worker/task:{worker}"
    with tf.device(tf.train.replica_device_setter(worker_device=device, cluster=cluster)):
        w = tf.get_variable("w", [4], initializer=tf.zeros_initializer())
        step = tf.train.get_or_create_global_step()
        loss = tf.reduce_sum(tf.square(w - 1.0))
        optimizer: Any = tf.train.GradientDescentOptimizer(0.01)
        hooks: list[Any] = [tf.train.StopAtStepHook(last_step=int(last))]
        if mode != "async":
            workers = cluster.num_tasks("worker")
            needed = workers - 1 if mode == "backup" else workers
            optimizer = tf.train.SyncReplicasOptimizer(optimizer, needed, workers)
        train = optimizer.minimize(loss, step)
        if mode != "async":
            hooks.append(optimizer.make_session_run_hook(worker == 0))
    config = tf.ConfigProto(device_filters=["/job:ps", device], operation_timeout_in_ms=20000)
    with tf.train.MonitoredTrainingSession(
        server.target,
        worker == 0,
        folder if worker == 0 else None,
        hooks=hooks,
        save_checkpoint_steps=5,
        config=config,
    ) as sess:
        while not sess.should_stop():
            _, reached = sess.run([train, step])
            print(f"step {reached}", flush=True)
            time.sleep(0.05)  # so that a test can end it before it is done
    print("done", flush=True)


if __name__ == "__main__":
    main()
