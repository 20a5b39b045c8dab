"""The examples run, and their numbers are right; on the sample of MNIST in the package."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitf as tf

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("[0-9]*.py"))


def run_example(name, *args):
    """Calls the example's main() in this process; returns what it returns."""
    path = EXAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(arg) for arg in args])


def test_there_are_eight():
    assert len(SCRIPTS) == 8


def test_01_computation_graph(capfd):
    result = run_example("01_computation_graph")
    assert result == {"c": 3, "sum": 5.0, "d": 11.0, "d_fed": 105.0}
    out, err = capfd.readouterr()
    assert 'before running: Tensor("add:0", shape=(), dtype=int32)' in out
    assert "after running:  3" in out
    # fetch the sum: one node runs; fetch d: two; d with the product fed: one again; e never
    assert err.count("running [a + b]") == 3 and err.count("running [a * b]") == 1
    assert "a ** 100" not in err


def test_02_sessions(capsys):
    result = run_example("02_sessions")
    assert result["session"].tolist() == result["interactive"].tolist() == [[12.0]]
    assert result["counters"] == (3, 1)
    assert "Attempted to use a closed Session." in capsys.readouterr().out


def test_03_mnist_softmax(tmp_path):
    result = run_example("03_mnist_softmax", "--steps", 300, "--data_dir", tmp_path)
    assert result["losses"][0] == pytest.approx(np.log(10), rel=1e-6)  # all weights are zero
    assert np.mean(result["losses"][-20:]) < 0.5
    assert 0.85 < result["accuracy"] < 0.93


def test_04_mnist_cnn(tmp_path):
    """Three epochs of the packaged sample: 5,500 digits reach 96 % and more."""
    result = run_example("04_mnist_cnn", "--epochs", 3, "--data_dir", tmp_path)
    assert len(result["losses"]) == 330
    assert result["losses"][0] > 2.0 and np.mean(result["losses"][-20:]) < 0.2
    assert result["accuracy"] >= 0.96


def test_05_mnist_cnn_layers(tmp_path):
    result = run_example("05_mnist_cnn_layers", "--steps", 110, "--data_dir", tmp_path)
    assert result["losses"][0] == pytest.approx(np.log(10), abs=0.2)
    assert np.mean(result["losses"][-20:]) < 0.5
    assert result["accuracy"] >= 0.9


def test_06_save_restore(tmp_path, capfd, monkeypatch):
    """A new process predicts from what was saved, and training goes on from there."""
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    where = ["--data_dir", tmp_path / "data", "--model_dir", tmp_path / "model"]
    trained = run_example("06_save_restore", "--steps", 150, *where)
    assert trained["checkpoint"] == str(tmp_path / "model" / "digits-150")
    out, _ = capfd.readouterr()
    assert f"restored {trained['checkpoint']}" in out and "predicted [" in out
    predicted = run_example("06_save_restore", "--predict", *where)
    assert predicted["accuracy"] > 0.85
    assert f"{predicted['accuracy']:.4f}" in out
    resumed = run_example("06_save_restore", "--resume", "--steps", 50, *where)
    assert resumed["checkpoint"].endswith("digits-200")
    assert np.mean(resumed["losses"]) < np.mean(trained["losses"][:50])
    assert len(list((tmp_path / "model").glob("*.index"))) == 3


def test_07_tensorboard(tmp_path):
    """A folder for each learning rate: the curves, the histograms, the images, the graph."""
    where = ["--data_dir", tmp_path / "data", "--log_dir", tmp_path / "logs"]
    for _ in range(2):  # the second time takes the place of the first
        results = run_example("07_tensorboard", "--steps", 60, *where)
    assert sorted(folder.name for folder in (tmp_path / "logs").iterdir()) == [
        "rate_0.001",
        "rate_0.01",
        "rate_0.1",
    ]
    final = {rate: np.mean(result["losses"][-10:]) for rate, result in results.items()}
    assert final[0.1] < final[0.01] < final[0.001]
    for result in results.values():
        (path,) = Path(result["folder"]).iterdir()
        events = list(tf.train.summary_iterator(path))
        summaries = [event for event in events if event.WhichOneof("what") == "summary"]
        assert [event.step for event in summaries] == [0, 10, 20, 30, 40, 50]
        for event in summaries:
            by_tag = {value.tag: value for value in event.summary.value}
            assert by_tag["loss"].simple_value == pytest.approx(
                result["losses"][event.step], rel=1e-6
            )
            assert by_tag["hidden/weights"].histo.num == 784 * 128
            assert by_tag["input/digits/image/2"].image.width == 28
        assert [event.tagged_run_metadata.tag for event in events if event.step == 50] == [
            "",
            "step 50",
        ]
        nodes = tf.GraphDef.FromString(events[1].graph_def).node
        scopes = {node.name.partition("/")[0] for node in nodes}
        assert {"input", "hidden", "output", "cross_entropy", "evaluation", "train"} <= scopes


@pytest.mark.parametrize("name", ["04_mnist_cnn", "05_mnist_cnn_layers"])
def test_the_same_seed_gives_the_same_bits(name, tmp_path):
    first, second, other = (
        run_example(name, "--steps", 6, "--seed", seed, "--data_dir", tmp_path)
        for seed in (3, 3, 4)
    )
    assert first == second
    assert first["losses"] != other["losses"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_help(script):
    """--help prints the script's own explanation and does no work."""
    done = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True
    )
    module_doc = script.read_text().split('"""')[1].strip()
    assert module_doc.splitlines()[0] in done.stdout
    for command in (line.split() for line in module_doc.splitlines() if "python examples/" in line):
        assert command[1] == f"examples/{script.name}"
        assert all(flag in done.stdout for flag in command if flag.startswith("--"))


@pytest.mark.parametrize("mode", [[], pytest.param(["--sync"], marks=pytest.mark.slow)])
def test_08_distributed(mode, tmp_path):
    """Three processes: a parameter server and two workers, with one command."""
    command = [sys.executable, EXAMPLES / "08_distributed.py", "--steps", "60", *mode]
    run = subprocess.run(
        [*command, "--data_dir", tmp_path],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = re.findall(r"task:(\d): done at step (\d+), of these (\d+) here", run.stdout)
    assert sorted(task for task, _, _ in found) == ["0", "1"]
    own = [int(steps) for _, _, steps in found]
    if mode:
        assert own == [60, 60]
    else:
        assert 60 <= sum(own) <= 62
    assert float(run.stdout.rpartition("digits: ")[2].split()[0]) > 0.7
