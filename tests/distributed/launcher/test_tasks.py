"""What each process of a cluster is told, and how one sees that a script asks for it."""

from __future__ import annotations

import json

import pytest

from minitf.distributed.launcher.tasks import Task, asks_who_it_is, flags_of, tasks_of

CLUSTER = {"ps": ["h:1"], "worker": ["h:2", "h:3"]}
# As the distributed examples of TensorFlow's first years begin.
REPLICA = b"""
flags = tf.app.flags
flags.DEFINE_integer("task_index", None, "Worker task index, should be >= 0.")
flags.DEFINE_string("ps_hosts", "localhost:2222", "Comma-separated list of hostname:port pairs")
flags.DEFINE_string("worker_hosts", "localhost:2223,localhost:2224", "...")
flags.DEFINE_string("job_name", None, "job name: worker or ps")
flags.DEFINE_boolean("sync_replicas", False, "...")
"""


def test_parameter_servers_come_first() -> None:
    assert [task.name for task in tasks_of(CLUSTER)] == ["ps 0", "worker 0", "worker 1"]


def test_tf_config() -> None:
    told = json.loads(Task("worker", 1, CLUSTER).tf_config())
    assert told == {"cluster": CLUSTER, "task": {"type": "worker", "index": 1}}


def test_flags_of_a_script() -> None:
    assert Task("worker", 1, CLUSTER).arguments(["--steps=5"], flags_of(REPLICA)) == [
        "--job_name=worker",
        "--task_index=1",
        "--ps_hosts=h:1",
        "--worker_hosts=h:2,h:3",
        "--steps=5",
    ]


def test_what_the_user_says_himself_is_not_said_again() -> None:
    told = Task("ps", 0, CLUSTER).arguments(
        ["--ps_hosts", "x:1", "--job_name=ps"], flags_of(REPLICA)
    )
    assert told == [
        "--task_index=0",
        "--worker_hosts=h:2,h:3",
        "--ps_hosts",
        "x:1",
        "--job_name=ps",
    ]


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        (b"parser.add_argument('--job-name', '--job')", {"job_name": "--job-name"}),
        (b"parser.add_argument('job_name')", {}),  # not a flag but a place
        (b"DEFINE_enum('job_name', 'ps', ['ps', 'worker'], '')", {"job_name": "--job_name"}),
        (b"print('--job_name')", {}),
        (b"print 'Python 2'", {}),
        (b"\0", {}),
        (b"", {}),
    ],
)
def test_other_scripts(source: bytes, flags: dict[str, str]) -> None:
    assert flags_of(source) == flags


def test_placeholders() -> None:
    words = ["--role={job}", "--n", "{index}", "{ps_hosts}/{worker_hosts}", "{other}", "{"]
    assert Task("worker", 1, CLUSTER).arguments(words, {}) == [
        *("--role=worker", "--n", "1", "h:1/h:2,h:3", "{other}", "{"),
    ]


def test_a_script_that_does_not_ask() -> None:
    assert asks_who_it_is(REPLICA, [])
    assert asks_who_it_is(b"json.loads(os.environ['TF_CONFIG'])", [])
    assert asks_who_it_is(b"", ["--role={job}"])
    assert not asks_who_it_is(b"train()", ["--steps=5"])
