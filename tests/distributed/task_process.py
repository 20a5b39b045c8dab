"""One task of a cluster in a process of its own: `python -m tests.distributed.task_process`.

Arguments: the cluster as JSON, the job, the number. It says "ready", and waits to be ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import minitf as tf


def main() -> None:
    """Serves until the process that started this one is gone."""
    jobs, job, index = sys.argv[1:4]
    server = tf.train.Server(tf.train.ClusterSpec(json.loads(jobs)), job, int(index))
    print("ready", flush=True)
    # A test that is killed takes its tasks along: they notice that their input ends.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.join()


if __name__ == "__main__":
    main()
