"""ClusterSpec, and the cluster that an environment variable describes."""

from __future__ import annotations

import json

import pytest

import minitf as tf
from minitf.distributed.cluster_spec import task_from_environment

DENSE = {"ps": ["a:1", "b:2"], "worker": ["c:3"]}
SPARSE = {"ps": ["a:1", "b:2"], "worker": {1: "c:3", 5: "d:4"}}


def test_what_a_cluster_tells() -> None:
    cluster = tf.train.ClusterSpec(SPARSE)
    assert cluster.as_dict() == SPARSE
    assert cluster.jobs == ["ps", "worker"]
    assert cluster.num_tasks("worker") == 2
    assert cluster.task_indices("worker") == [1, 5]
    assert cluster.task_address("worker", 5) == "d:4"
    assert cluster.job_tasks("worker") == [None, "c:3", None, None, None, "d:4"]
    assert cluster.job_tasks("ps") == ["a:1", "b:2"]
    assert repr(cluster) == f"ClusterSpec({SPARSE})"
    assert cluster
    assert not tf.train.ClusterSpec({})


@pytest.mark.parametrize("jobs", [DENSE, SPARSE])
def test_there_and_back(jobs: dict[str, object]) -> None:
    cluster = tf.train.ClusterSpec(jobs)
    message = cluster.as_cluster_def()
    again = tf.train.ClusterSpec(tf.train.ClusterDef.FromString(message.SerializeToString()))
    assert again == cluster == tf.train.ClusterSpec(cluster)
    assert again.fingerprint() == cluster.fingerprint()
    assert tf.train.ClusterSpec({"ps": ["a:2"]}).fingerprint() != cluster.fingerprint()


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ([1], "must be a dictionary"),
        (3, "must be a dictionary"),
        ({"a": "x:1"}, "must be a list or a dictionary"),
        ({"a": [3]}, "Task address 3"),
        ({1: ["x"]}, "Job name 1"),
    ],
)
def test_what_is_no_cluster(cluster: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        tf.train.ClusterSpec(cluster)


def test_what_is_not_there() -> None:
    cluster = tf.train.ClusterSpec(DENSE)
    with pytest.raises(ValueError, match="No task with index 2 in job 'worker'"):
        cluster.task_address("worker", 2)
    with pytest.raises(ValueError, match="No such job in cluster: 'zz'"):
        cluster.num_tasks("zz")


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"cluster": DENSE, "task": {"type": "ps", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert task_from_environment() == (tf.train.ClusterSpec(DENSE), "ps", 1)


@pytest.mark.parametrize("text", ["", "{", '{"cluster": {}}', '{"task": 3}', "[]"])
def test_an_environment_that_says_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG does not say"):
        task_from_environment()
