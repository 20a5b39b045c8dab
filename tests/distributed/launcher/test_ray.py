"""`minitf cluster run --engine ray`, on a real Ray with two nodes that one machine pretends to be.

make test-ray
"""

from __future__ import annotations

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

REPLICA = Path(__file__).with_name("replica.py")
STEP = re.compile(r"^worker (\d) \| global step: (\d+) loss: ([\d.]+)$", re.M)


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


def nodes_of(folder: Path, task: str) -> list[str]:
    """The nodes on which a task has been, the last one last."""
    files = sorted(folder.glob(f"{task}.*"), key=lambda path: path.stat().st_mtime)
    return [path.suffix[1:] for path in files]


def test_training(nodes: Nodes, tmp_path: Path) -> None:
    options = ("--train_steps=30", f"--train_dir={tmp_path}")
    code, output = finish(start(nodes, "--workers", 2, REPLICA, *options))
    assert code == 0, output
    steps = STEP.findall(output)
    assert {worker for worker, _, _ in steps} == {"0", "1"}
    assert max(int(step) for _, step, _ in steps) >= 30
    assert output.count("| Training ends") == 2
    used = {nodes_of(tmp_path, task)[-1] for task in ("ps-0", "worker-0", "worker-1")}
    assert len(used) == 2  # Ray has spread them


def test_a_failure_is_reported(nodes: Nodes, tmp_path: Path) -> None:
    options = ("--ps", 0, "--workers", 1)
    code, output = finish(start(nodes, *options, REPLICA, "--train_steps=many"))
    assert code != 0, output
    assert "worker 0 failed: exit code" in output and "many" in output


def test_a_failed_task_is_started_again_where_it_was(nodes: Nodes, tmp_path: Path) -> None:
    script = tmp_path / "once.py"
    script.write_text(
        f"import os\nif os.path.exists('{tmp_path}/failed'):\n  print('well')\nelse:\n"
        f"  open('{tmp_path}/failed', 'w')\n  os.kill(os.getpid(), 9)\n"
    )
    code, output = finish(start(nodes, "--ps", 0, "--workers", 1, "--restarts", 1, script))
    assert code == 0, output
    assert "worker 0 failed (ended by SIGKILL) and is started again" in output
    assert "worker 0 | well" in output and "addresses have changed" not in output


def test_there_is_no_room(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    from minitf.distributed.launcher import ray_engine

    monkeypatch.setattr(ray_engine, "_PATIENCE", 3.0)
    engine = ray_engine.RayEngine({}, nodes.cluster.address, cpus=1000)
    try:
        with pytest.raises(ray_engine.RayProblem, match=r"no place for worker 0 .* 1000 of the 8"):
            engine.place({"worker": 1})
    finally:
        engine.close()


def test_a_node_is_killed_during_training(nodes: Nodes, tmp_path: Path) -> None:
    """Ray puts the tasks elsewhere, all are started again, and training goes on where it was."""
    options = ("--train_steps=600", "--pause=0.02", f"--train_dir={tmp_path}")
    process = start(nodes, "--workers", 2, "--restarts", 6, REPLICA, *options)
    killed: list[int] = []

    def kill_the_node_of_the_parameter_server() -> None:
        """As soon as a checkpoint is there that is not the first."""
        until = time.monotonic() + SECONDS
        while not killed and time.monotonic() < until:
            names = [path.stem for path in tmp_path.glob("model.ckpt-*.index")]
            steps = [int(name.rpartition("-")[2]) for name in names]
            if steps and max(steps) > 20:
                nodes.kill(nodes_of(tmp_path, "ps-0")[-1])
                killed.append(max(steps))
            time.sleep(0.1)

    killer = threading.Thread(target=kill_the_node_of_the_parameter_server)
    killer.start()
    code, output = finish(process)
    killer.join(SECONDS)
    assert killed, output
    assert code == 0, output
    assert "Ray has lost this task" in output
    _, changed, after = output.partition("addresses have changed: all tasks are started")
    assert changed, output
    went_on = min(int(step) for _, step, _ in STEP.findall(after))
    assert went_on > killed[0], "training began anew"
    assert max(int(step) for _, step, _ in STEP.findall(after)) >= 600
    assert output.count("| Training ends") == 2


def test_there_is_no_such_ray_cluster() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "minitf", "cluster", "run", "--engine", "ray"]
        + ["--ray-address", "127.0.0.1:1", str(REPLICA)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 2, result.stdout + result.stderr
    assert "there is no Ray cluster at 127.0.0.1:1" in result.stderr
