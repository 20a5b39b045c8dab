"""`minitf cluster run`, with real processes: what they are told, what one sees, how it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from minitf import cli
from tests.source_tree import ROOT

SECONDS = 60.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

# A script of the usual form; what training would be is left out.
SCRIPT = """
import os, sys, time
import tensorflow as tf
tf.app.flags.DEFINE_string("job_name", "", "ps or worker")
tf.app.flags.DEFINE_integer("task_index", 0, "number")
tf.app.flags.DEFINE_string("ps_hosts", "", "")
tf.app.flags.DEFINE_string("worker_hosts", "", "")
tf.app.flags.DEFINE_string("do", "", "what the workers do")
tf.app.flags.DEFINE_string("folder", "", "where process ids go")
FLAGS = tf.app.flags.FLAGS

def main(_):
    print("I am", FLAGS.job_name, FLAGS.task_index, len(FLAGS.worker_hosts.split(",")))
    if FLAGS.folder:
        with open(f"{FLAGS.folder}/{FLAGS.job_name}-{FLAGS.task_index}.{os.getpid()}", "w"):
            pass
    if FLAGS.job_name == "ps":
        time.sleep(600)
    exec(FLAGS.do)

tf.app.run()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "minitf", "cluster", "run", *map(str, args)]


def run(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args),
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@contextlib.contextmanager
def started(*args: object, **how: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(*args),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **how,  # type: ignore[call-overload]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def processes(folder: Path, count: int) -> list[int]:
    """The ids of the tasks' processes, as soon as so many have begun."""
    until = time.monotonic() + SECONDS
    while len(found := list(folder.glob("*-*.*"))) < count:
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return [int(path.suffix[1:]) for path in found]


def assert_gone(ids: list[int]) -> None:
    until = time.monotonic() + SECONDS
    for each in ids:
        while is_alive(each):
            assert time.monotonic() < until, f"process {each} is still there"
            time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_all_are_told_who_they_are_and_end_together(script: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    ids = tmp_path / "ids"
    ids.mkdir()
    # A server that starts late would be stopped before it has said anything.
    wait = "while len(os.listdir(FLAGS.folder)) < 4: time.sleep(0.02)"
    result = run("--ps", 2, "--logs", logs, script, f"--folder={ids}", f"--do={wait}")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("ps 0", "ps 1", "worker 0", "worker 1"):
        assert re.search(rf"^{name} *\| I am {name} 2$", result.stdout, re.M)
        assert (logs / f"{name.replace(' ', '-')}.log").read_text() == f"I am {name} 2\n"
    assert "\x1b" not in result.stdout
    assert_gone(processes(ids, 4))


def test_the_first_failure_is_reported_and_ends_all(script: Path, tmp_path: Path) -> None:
    do = "print('about to fail'); assert FLAGS.task_index == 0, 'no data'; time.sleep(600)"
    result = run("--ps", 0, script, f"--do={do}", f"--folder={tmp_path}")
    assert result.returncode == 1
    report = result.stdout.partition("minitf: worker 1 failed: exit code 1, after ")[2]
    assert "Its last lines:" in report
    assert "worker 1 | about to fail" in report
    assert "worker 1 | AssertionError: no data" in report
    # On a busy machine the other may have been stopped before it wrote down its number.
    assert_gone(processes(tmp_path, 1))


def test_a_task_that_is_killed(script: Path) -> None:
    result = run("--ps", 0, "--workers", 1, script, "--do=os.kill(os.getpid(), 9)")
    assert result.returncode == 128 + signal.SIGKILL
    assert "worker 0 failed: ended by SIGKILL" in result.stdout


def test_a_failed_task_is_started_again(script: Path, tmp_path: Path) -> None:
    """With the same address; the others go on, and those that are done stay done."""
    done = tmp_path / "done"
    do = f"assert FLAGS.task_index == 0 or os.path.exists('{done}'), open('{done}', 'w')"
    ids = tmp_path / "ids"
    ids.mkdir()
    result = run("--ps", 0, "--restarts", 1, script, f"--do={do}", f"--folder={ids}")
    assert result.returncode == 0, result.stdout
    assert "worker 1 failed (exit code 1) and is started again; restarts left: 0" in result.stdout
    assert len(list(ids.glob("worker-1.*"))) == 2
    assert len(list(ids.glob("worker-0.*"))) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_interrupted(script: Path, tmp_path: Path, number: int) -> None:
    do = (
        "try:\n  open(f'{FLAGS.folder}/in-{FLAGS.task_index}.{os.getpid()}', 'w')\n"
        "  time.sleep(600)\nexcept KeyboardInterrupt:\n  print('saved')\n  sys.exit(1)"
    )
    with started("--workers", 1, script, f"--do={do}", f"--folder={tmp_path}") as process:
        ids = processes(tmp_path, 3)  # the worker has written a file more, in its loop
        process.send_signal(number)
        output, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 130
    assert "stopping; Ctrl-C once more" in output
    assert "worker 0 | saved" in output
    assert "Traceback" not in output
    assert_gone(ids)


def test_who_does_not_end_is_killed(script: Path, tmp_path: Path) -> None:
    do = (
        "import signal; signal.signal(2, signal.SIG_IGN); signal.signal(15, signal.SIG_IGN); "
        "open(f'{FLAGS.folder}/deaf-{FLAGS.task_index}.{os.getpid()}', 'w'); time.sleep(600)"
    )
    options = ("--grace", 0.3, "--ps", 0, "--workers", 1)
    with started(*options, script, f"--do={do}", f"--folder={tmp_path}") as process:
        ids = processes(tmp_path, 2)  # the worker has written a file more, deaf now
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 130
    assert_gone(ids)


def test_a_second_interrupt_does_not_wait(script: Path, tmp_path: Path) -> None:
    do = (
        "import signal; signal.signal(2, signal.SIG_IGN); "
        "open(f'{FLAGS.folder}/deaf-{FLAGS.task_index}.{os.getpid()}', 'w'); time.sleep(600)"
    )
    options = ("--grace", 600, "--ps", 0, "--workers", 1)
    output = tmp_path / "output"
    with (
        output.open("w") as file,
        subprocess.Popen(
            command(*options, script, f"--do={do}", f"--folder={tmp_path}"),
            env=ENVIRONMENT,
            stdout=file,
            stderr=file,
        ) as process,
    ):
        try:
            ids = processes(tmp_path, 2)
            process.send_signal(signal.SIGINT)
            until = time.monotonic() + SECONDS
            while "Ctrl-C once more" not in output.read_text() and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 130
        finally:
            process.kill()
    assert "Traceback" not in output.read_text()
    assert_gone(ids)


def test_tasks_end_with_a_launcher_that_is_killed(script: Path, tmp_path: Path) -> None:
    options = ("--ps", 1, "--workers", 1)
    with started(*options, script, "--do=time.sleep(600)", f"--folder={tmp_path}") as process:
        ids = processes(tmp_path, 2)
        process.kill()
        process.wait(SECONDS)
        assert_gone(ids)


def test_nobody_reads_any_more(script: Path, tmp_path: Path) -> None:
    do = "\nwhile True: print('step'); time.sleep(0.05)"
    options = ("--ps", 0, "--workers", 1)
    with started(*options, script, f"--do={do}", f"--folder={tmp_path}") as process:
        ids = processes(tmp_path, 1)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(SECONDS) == 130
    assert_gone(ids)


def test_on_a_terminal(script: Path) -> None:
    """Names have colours, and the last line says how things stand."""
    near, far = pty.openpty()
    try:
        with subprocess.Popen(
            command("--workers", 1, script, "--do=time.sleep(1)"),
            env={**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100"},
            stdout=far,
            stderr=far,
            stdin=subprocess.DEVNULL,
        ) as process:
            os.close(far)
            output = read_all(near)
            assert process.wait(SECONDS) == 0
    finally:
        os.close(near)
    assert re.search(r"\x1b\[\d+mworker 0 \|\x1b\[0m I am worker 0 1", output)
    assert re.search(r"\r\x1b\[Kminitf: ps: 1 running; worker: \d running.*; 0:0\d", output)
    assert output.endswith("\r\x1b[K")  # it is taken away in the end


def read_all(terminal: int) -> str:
    content = b""
    until = time.monotonic() + SECONDS
    while select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0]:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return content.decode()
        if not chunk:
            return content.decode()
        content += chunk
    raise AssertionError(f"it does not end: {content!r}")


@pytest.mark.parametrize("mode", ["--nosync_replicas", "--sync_replicas"])
def test_training(mode: str) -> None:
    """A script as they are, with two workers and a parameter server."""
    result = run(Path(__file__).with_name("replica.py"), "--train_steps=40", mode)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = re.findall(r"^worker (\d) \| global step: (\d+) loss: (.+)$", result.stdout, re.M)
    assert "0" in {worker for worker, _, _ in lines}  # the other one may come too late
    assert max(int(step) for _, step, _ in lines) >= 40
    # Printed in any order; and the last step of a worker that comes late may be its first.
    losses = [float(loss) for _, _, loss in lines]
    assert min(losses) < 0.1 < max(losses)
    assert result.stdout.count("| Training ends") == 2


def test_a_module_and_placeholders(tmp_path: Path) -> None:
    (tmp_path / "trainer.py").write_text("import sys; print(sys.argv[1:])\n")
    result = subprocess.run(
        command("--ps", 0, "-m", "trainer", "--role={job}", "{index}", "--help"),
        env={**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for index in (0, 1):
        assert f"worker {index} | ['--role=worker', '{index}', '--help']" in result.stdout


def test_hosts_that_a_script_names(tmp_path: Path) -> None:
    """All tasks at one port, on hosts that are not there: they are given addresses."""
    path = tmp_path / "hosts.py"
    path.write_text(
        "import os\n"
        "from minitf.distributed.wire import Channel, Listener\n"
        "import json, threading\n"
        "task = json.loads(os.environ['TF_CONFIG'])['task']\n"
        "with Listener('pc-0%d:0' % task['index'], {}) as listener:\n"
        "    with Channel(listener.address, local=False) as channel:\n"
        "        channel.call('_ping', deadline=30)\n"
        "    print(listener._sockets[0].getsockname()[0])\n"
    )
    hosts = ["--host", "pc-00=127.0.0.2", "--host", "pc-01=127.0.0.3"]
    result = run("--ps", 0, *hosts, path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "worker 0 | 127.0.0.2" in result.stdout and "worker 1 | 127.0.0.3" in result.stdout


def test_a_script_that_does_not_ask_who_it_is(tmp_path: Path) -> None:
    path = tmp_path / "alone.py"
    path.write_text("print('hello')\n")
    result = run("--ps", 0, "--workers", 1, path)
    assert result.returncode == 0
    assert "neither has the flag --job_name nor reads TF_CONFIG" in result.stdout


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["nowhere.py"], "'nowhere.py' cannot be read: No such file"),
        (["-m", "no_such_module"], "no module named 'no_such_module'"),
        (["--workers", "0", "x.py"], "'0' is not a number from 1 on"),
        (["--ps", "-1", "x.py"], "'-1' is not a number from 0 on"),
        (["--host", "pc-01", "x.py"], "'pc-01' is not NAME=ADDRESS"),
        (["--engine", "mpi", "x.py"], "invalid choice: 'mpi'"),
        ([], "the following arguments are required: script"),
    ],
)
def test_a_wrong_command_line(
    args: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = cli.main(["cluster", "run", *args])
    except SystemExit as error:
        code = error.code
    assert code == 2
    assert problem in capsys.readouterr().err


def test_logs_that_cannot_be_written(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cluster", "run", "--logs", str(script), str(script)]) == 2
    assert "logs cannot be written to" in capsys.readouterr().err
