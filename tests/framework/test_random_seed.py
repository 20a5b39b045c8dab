"""The seed rule: its table, its two policies, and the ways to choose one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import minitf as tf
from minitf.framework import random_seed
from tests.source_tree import ROOT


@pytest.fixture(autouse=True)
def default_policy(monkeypatch):
    monkeypatch.delenv(random_seed.ENVIRONMENT, raising=False)
    monkeypatch.setattr(random_seed, "_of_process", None)


@pytest.mark.parametrize("policy", random_seed.POLICIES)
@pytest.mark.parametrize(
    ("graph_seed", "op_seed", "seeds"),
    [
        (None, None, (None, None)),
        (None, 3, (87654321, 3)),
        (None, 0, (87654321, 0)),
        (7, 3, (7, 3)),
        (0, 0, (0, 2**31 - 1)),
        (-1, -1, (2**31 - 2, 2**31 - 2)),
        (2**31 - 1, 5, (0, 5)),
        (2**40, 2**31, (2**40 % (2**31 - 1), 1)),
    ],
)
def test_given_seeds_are_the_same_under_each_policy(policy, graph_seed, op_seed, seeds):
    tf.set_random_seed(graph_seed)
    with tf.random.seed_policy(policy):
        tf.constant(1.0)
        assert tf.get_seed(op_seed) == seeds


def seeds_of(build):
    """The attribute `seed2` of each random op in a graph with seed 7."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        build()
        return [op.get_attr("seed2") for op in graph.get_operations() if "Random" in op.type]


def three_ops():
    tf.constant(1.0)
    tf.random_normal([])  # shape, mean, stddev; RandomStandardNormal; mul, add
    tf.random_normal([], seed=99)
    tf.random_uniform([])


def test_the_default_counts_random_ops_without_a_seed():
    assert seeds_of(three_ops) == [0, 99, 1]


def test_tf1_counts_nodes():
    with tf.random.seed_policy("tf1"):
        assert seeds_of(three_ops) == [1 + 3, 99, 1 + 6 + 6 + 3]


def test_tf1_counts_the_first_node_as_tensorflow_1_did():
    """A first op with no node before it would have the seeds (0, 0), which mean none."""
    with tf.random.seed_policy("tf1"):
        tf.set_random_seed(0)
        assert tf.get_seed(None) == (0, 2**31 - 1)


def test_under_tf1_a_uniform_has_the_nodes_that_1_x_made():
    def types():
        with tf.Graph().as_default() as graph:
            x = tf.random_uniform([3], seed=1)
            with tf.Session() as sess:
                return [op.type for op in graph.get_operations()], sess.run(x).tolist()

    types_2, values_2 = types()
    with tf.random.seed_policy("tf1"):
        types_1, values_1 = types()
    assert types_2 == ["Const", "RandomUniform"]
    assert types_1[:4] == ["Const", "Const", "Const", "RandomUniform"] and len(types_1) == 7
    assert values_1 == values_2


def test_a_block_ends_and_may_be_within_another():
    tf.set_random_seed(7)
    tf.constant(1.0)
    with tf.random.seed_policy("tf1"):
        with tf.random.seed_policy("tf2"):
            assert tf.get_seed(None) == (7, 0)
        assert tf.get_seed(None) == (7, 1)
    assert tf.get_seed(None) == (7, 1)
    with pytest.raises(KeyError), tf.random.seed_policy("tf1"):
        raise KeyError
    assert not random_seed.counts_nodes()


def test_the_policy_of_the_process_holds_for_new_graphs_and_other_threads():
    found = []
    tf.random.set_seed_policy("tf1")
    tf.reset_default_graph()
    thread = threading.Thread(target=lambda: found.append(random_seed.counts_nodes()))
    thread.start()
    thread.join()
    assert found == [True] and random_seed.counts_nodes()
    tf.random.set_seed_policy("tf2")
    assert not random_seed.counts_nodes()


def test_a_block_is_of_one_thread():
    found = []
    with tf.random.seed_policy("tf1"):
        thread = threading.Thread(target=lambda: found.append(random_seed.counts_nodes()))
        thread.start()
        thread.join()
    assert found == [False]


def test_the_environment_comes_last(monkeypatch):
    monkeypatch.setenv(random_seed.ENVIRONMENT, "tf1")
    assert random_seed.counts_nodes()
    tf.random.set_seed_policy("tf2")
    assert not random_seed.counts_nodes()
    with tf.random.seed_policy("tf1"):
        assert random_seed.counts_nodes()


def test_an_empty_variable_asks_for_nothing(monkeypatch):
    monkeypatch.setenv(random_seed.ENVIRONMENT, "")
    assert not random_seed.counts_nodes()


def test_an_unknown_policy_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="policy must be 'tf2' or 'tf1', not 'tf3'"):
        tf.random.set_seed_policy("tf3")
    with pytest.raises(ValueError, match="not 'tf3'"), tf.random.seed_policy("tf3"):
        pass
    monkeypatch.setenv(random_seed.ENVIRONMENT, "tf3")
    tf.set_random_seed(7)
    with pytest.raises(ValueError, match="MINITF_SEEDS must be 'tf2' or 'tf1', not 'tf3'"):
        tf.random_normal([2])


def run(tmp_path: Path, *options: str, **variables: str) -> list[str]:
    """What a script of TensorFlow 1 prints under `minitf run`."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "import tensorflow as tf\n"
        "tf.set_random_seed(42)\n"
        "with tf.Session() as sess:\n"
        "    print(sess.run(tf.random_uniform([])), *sys.argv[1:])\n"
    )
    command = [sys.executable, "-m", "minitf", "run", *options, str(script), "--seeds", "x"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


# 0.63789964 is what TensorFlow 1 printed for this script: see tests/parity/published.py.
@pytest.mark.parametrize(
    ("options", "variables", "printed"),
    [
        ((), {}, "0.8354591"),
        (("--seeds", "tf1"), {}, "0.63789964"),
        (("--seeds=tf1",), {}, "0.63789964"),
        ((), {"MINITF_SEEDS": "tf1"}, "0.63789964"),
        (("--seeds", "tf2"), {"MINITF_SEEDS": "tf1"}, "0.8354591"),
    ],
)
def test_a_script_is_run_under_either_policy(tmp_path, options, variables, printed):
    assert run(tmp_path, *options, **variables) == [printed, "--seeds", "x"]


@pytest.mark.parametrize("options", [["--seeds", "tf3"], ["--seeds"]])
def test_the_command_line_says_what_policies_there_are(options):
    command = [sys.executable, "-m", "minitf", "run", *options, "script.py"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--seeds" in done.stderr and "tf2" in done.stderr and "tf1" in done.stderr
