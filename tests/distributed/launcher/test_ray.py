"""`minitf cluster run --engine ray`, on a real Ray with two nodes that one machine pretends to be.

make test-ray
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.source_tree import ROOT

pytestmark = pytest.mark.ray

SECONDS = 240.0

# Trains by itself what there is to train: it counts, keeps its count in a file as a checkpoint is
# kept, and goes on from there. A real model would only make it slower.
SCRIPT = """
import json, os, sys, time
from minitf.distributed.wire import Channel, Listener, secret_from_environment

config = json.loads(os.environ["TF_CONFIG"])
cluster, job, index = config["cluster"], config["task"]["type"], config["task"]["index"]
secret = secret_from_environment()
folder, steps = sys.argv[1], int(sys.argv[2])
with open(f"{folder}/{job}-{index}.{os.getpid()}", "w") as file:
    file.write(os.environ.get("RAY_NODE_ID", ""))
if job == "ps":
    counts = {}
    kept = f"{folder}/kept.json"
    if os.path.exists(kept):
        with open(kept) as file:
            counts = json.load(file)
        print("restored", counts)

    def add(header, tensors, call):
        counts[header["name"]] = counts.get(header["name"], 0) + 1
        with open(kept + ".new", "w") as file:
            json.dump(counts, file)
        os.replace(kept + ".new", kept)
        return {"count": counts[header["name"]]}, []

    with Listener(cluster["ps"][0], {"add": add}, secret=secret):
        time.sleep(600)
with Channel(cluster["ps"][0], secret=secret) as channel:
    count = 0
    while count < steps:
        count = channel.call("add", {"name": str(index)}, deadline=60).header["count"]
        print("step", count)
        time.sleep(0.05)
"""


class Nodes:
    """A Ray cluster whose head runs nothing, and two nodes beside it."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        self.nodes = [self.cluster.add_node(num_cpus=4) for _ in range(2)]
        self.cluster.wait_for_nodes()

    def kill(self, node_id: str) -> None:
        """Ends a node and all that runs on it, with no time for good-byes."""
        (node,) = [node for node in self.nodes if node.node_id == node_id]
        self.nodes.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="the ray extra is not installed: make test-ray")
    os.environ["PYTHONPATH"] = str(ROOT)  # the nodes, too, must find minitf
    made = Nodes()
    yield made
    made.cluster.shutdown()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def start(nodes: Nodes, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "minitf", "cluster", "run", "--engine", "ray"]
    return subprocess.Popen(
        [*command, "--ray-address", nodes.cluster.address, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, output


def test_tasks_are_spread_over_the_nodes(nodes: Nodes, script: Path, tmp_path: Path) -> None:
    code, output = finish(start(nodes, "--workers", 3, script, tmp_path, 5))
    assert code == 0, output
    for index in range(3):
        assert f"worker {index} | step 5" in output
    assert json.loads((tmp_path / "kept.json").read_text()) == {"0": 5, "1": 5, "2": 5}


def test_a_failure_is_reported(nodes: Nodes, script: Path, tmp_path: Path) -> None:
    code, output = finish(start(nodes, "--workers", 1, script, tmp_path, "many"))
    assert code == 1, output
    assert "worker 0 failed: exit code 1" in output or "ps 0 failed: exit code 1" in output
    assert "ValueError: invalid literal for int() with base 10: 'many'" in output


def test_a_failed_task_is_started_again_where_it_was(
    nodes: Nodes, script: Path, tmp_path: Path
) -> None:
    script.write_text(
        f"import os\nif os.path.exists('{tmp_path}/failed'):\n  print('well')\nelse:\n"
        f"  open('{tmp_path}/failed', 'w')\n  os.kill(os.getpid(), 9)\n"
    )
    code, output = finish(start(nodes, "--ps", 0, "--workers", 1, "--restarts", 1, script))
    assert code == 0, output
    assert "worker 0 failed (ended by SIGKILL) and is started again" in output
    assert "worker 0 | well" in output and "addresses have changed" not in output


def test_there_is_no_room(nodes: Nodes, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from minitf.distributed.launcher import ray_engine

    monkeypatch.setattr(ray_engine, "_PATIENCE", 3.0)
    engine = ray_engine.RayEngine({}, nodes.cluster.address, cpus=1000)
    try:
        with pytest.raises(ray_engine.RayProblem, match=r"no place for worker 0 .* 1000 of the 8"):
            engine.place({"worker": 1})
    finally:
        engine.close()


def test_a_node_is_killed_during_training(nodes: Nodes, script: Path, tmp_path: Path) -> None:
    """Ray puts the tasks elsewhere, all are started again, and training goes on where it was."""
    process = start(nodes, "--workers", 2, "--restarts", 5, script, tmp_path, 100)
    killed = threading.Event()

    def kill_the_node_of_the_parameter_server() -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not killed.is_set():
            try:
                trained = json.loads((tmp_path / "kept.json").read_text())
            except FileNotFoundError:
                trained = {}
            if min(trained.get("0", 0), trained.get("1", 0)) >= 10:
                (file,) = tmp_path.glob("ps-0.*")
                nodes.kill(file.read_text())
                killed.set()
            time.sleep(0.1)

    killer = threading.Thread(target=kill_the_node_of_the_parameter_server)
    killer.start()
    code, output = finish(process)
    killer.join(SECONDS)
    assert killed.is_set(), output
    assert code == 0, output
    assert "Ray has lost this task" in output
    assert "addresses have changed: all tasks are started again." in output
    restored = re.search(r"ps 0 +\| restored \{.*'0': (\d+)", output) or re.search(
        r'restored \{.*"0": (\d+)', output
    )
    assert restored is not None and int(restored[1]) >= 10, output
    assert json.loads((tmp_path / "kept.json").read_text()) == {"0": 100, "1": 100}


def test_there_is_no_such_ray_cluster(script: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "minitf", "cluster", "run", "--engine", "ray"]
        + ["--ray-address", "127.0.0.1:1", str(script)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 2, result.stdout + result.stderr
    assert "there is no Ray cluster at 127.0.0.1:1" in result.stderr
