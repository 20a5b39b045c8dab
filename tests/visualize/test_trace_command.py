"""minitf trace: a script runs as it would, and what was seen of it is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minitf import cli
from tests.source_tree import ROOT

SCRIPT = """\
import sys
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 3], name="x")
w = tf.Variable(tf.ones([3, 1]), name="w")
loss = tf.reduce_sum(tf.square(tf.matmul(x, w)), name="loss")
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, name="train")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(6):
        _, value = sess.run([train, loss], {x: [[1, 2, 3]]})
    print("loss", value, *sys.argv[1:])
"""


def trace(folder: Path, *args: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, "-m", "minitf", "trace", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text().partition('id="data">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_page_a_timeline_and_tables(tmp_path: Path) -> None:
    done = trace(tmp_path, "script.py", "a", "--html", "out.html", "b", "--timeline=t.json")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    word, loss, *rest = lines[0].split()
    assert (word, rest) == ("loss", ["a", "b"])
    assert float(loss) == pytest.approx(36 * 0.72**10, rel=1e-5)  # as if nobody had watched
    assert "train, loss: 6 runs, mean of 3" in lines
    assert "out.html: open it in a browser" in lines
    runs = data_of(tmp_path / "out.html")["runs"]
    assert [run["title"] for run in runs] == ["init", "train, loss"]
    assert all(run["moments"] for run in runs)
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert sum(event["args"].get("name") == "loss" for event in events if event["ph"] == "X") == 5


def test_sessions_with_hooks_are_seen_and_a_scripts_own_traces_are_left_to_it(
    tmp_path: Path,
) -> None:
    script = (
        "import tensorflow as tf\n"
        "step = tf.train.get_or_create_global_step()\n"
        "count = tf.assign_add(step, 1, name='count')\n"
        "with tf.train.MonitoredTrainingSession() as sess:\n"
        "    for _ in range(4):\n"
        "        sess.run(count)\n"
        "x = tf.placeholder(tf.float32, [2])\n"
        "y = tf.exp(x, name='own')\n"
        "metadata = tf.RunMetadata()\n"
        "options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)\n"
        "with tf.Session() as sess:\n"
        "    sess.run(y, {x: [0, 0]}, options, metadata)\n"
        "print(len(metadata.step_stats.dev_stats[0].node_stats))\n"
    )
    done = trace(tmp_path, "script.py", "--html", "out.html", script=script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "2"
    titles = [run["title"] for run in data_of(tmp_path / "out.html")["runs"]]
    assert any(title.startswith("count") for title in titles)
    assert not any("own" in title for title in titles)


HOOKED = """\
import tensorflow as tf
step = tf.train.get_or_create_global_step()
count = tf.assign_add(step, 1, name="count")
x = tf.train.batch([tf.random_uniform([])], 2)
with tf.train.MonitoredTrainingSession(checkpoint_dir="models") as sess:
    while not sess.should_stop():
        last = sess.run([count, x])[0]
        print(last, flush=True)
"""


def test_a_monitored_session_with_threads_ends_after_so_many_runs(tmp_path: Path) -> None:
    done = trace(tmp_path, "--runs", "30", "script.py", script=HOOKED)
    assert done.returncode == 0, done.stderr
    assert "The script was ended after 30 runs: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "1" in done.stdout.splitlines()


def test_options_may_stand_before_the_script(tmp_path: Path) -> None:
    done = trace(tmp_path, "--html", "o.html", "--at", "3", "script.py", "--", "--html", "mine")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(" --html mine")
    (run,) = data_of(tmp_path / "o.html")["runs"]
    assert run["title"] == "train, loss (run 3)"


def test_a_script_that_would_run_for_ever_ends_after_so_many_runs(tmp_path: Path) -> None:
    script = f"""{SCRIPT.partition("    for")[0]}\
    try:
        while True:
            value = sess.run([train, loss], {{x: [[1, 2, 3]]}})[1]
            print("loss", value)
    finally:
        print("last", sess.run(w).shape)  # as one would save it
"""
    done = trace(tmp_path, "script.py", "--runs", "5", "--html", "out.html", script=script)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert [line.split()[0] for line in printed[:5]] == ["loss"] * 4 + ["last"]
    assert "script.py:11: value = sess.run([train, loss]" in done.stderr
    assert "train, loss: 4 runs, mean of 1" in printed
    titles = [run["title"] for run in data_of(tmp_path / "out.html")["runs"]]
    assert titles == ["init", "train, loss", "w"]


def test_a_script_that_fails_is_shown_up_to_there(tmp_path: Path) -> None:
    script = SCRIPT.replace("[[1, 2, 3]]", "[[1, 2, 3]] if _ < 2 else [[1, 2]]").replace(
        "[None, 3]", "None"
    )
    done = trace(tmp_path, "script.py", "--html", "out.html", "--at", "3", script=script)
    assert done.returncode == 1
    assert "InvalidArgumentError" in done.stderr
    (run,) = data_of(tmp_path / "out.html")["runs"]
    assert "MatMul" in run["error"]
    assert "failed" in run


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("script.py", "--html", "none/out.html"), "there is no directory"),
        (("script.py", "--html", "."), "is a directory"),
        (("script.py", "--html"), "expected one argument"),
        (("--at", "0", "script.py"), "is not a number from 1 on"),
        (("--run", "20", "script.py"), "unrecognized arguments: --run"),
        (("other.py",), "there is no file 'other.py'"),
    ],
)
def test_a_wrong_command_line_ends_at_once(
    tmp_path: Path, args: tuple[str, ...], message: str, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text("raise AssertionError")
    try:
        code = cli.main(["trace", *args])
    except SystemExit as error:  # argparse's
        code = error.code
    assert code == 2
    assert message in capsys.readouterr().err


FORKS = """\
import os
import tensorflow as tf
x = tf.constant(1.0, name="x")
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
tf.Session().run(x if child else [x, x + 1.0])
"""


@pytest.mark.parametrize("command", ["trace", "draw"])
def test_a_child_of_the_script_leaves_the_writing_to_it(command: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(FORKS)
    output = ["--html", "out.html"] if command == "trace" else ["-o", "out.dot"]
    done = subprocess.run(
        [sys.executable, "-m", "minitf", command, *output, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("out.") == 1
    if command == "trace":
        assert [run["title"] for run in data_of(tmp_path / "out.html")["runs"]] == ["x"]


def test_a_script_without_a_session(tmp_path: Path) -> None:
    done = trace(tmp_path, "script.py", "--html", "out.html", script="print('hello')\n")
    assert done.returncode == 1
    assert done.stdout == "hello\n"
    assert "ran no session" in done.stderr
    assert not (tmp_path / "out.html").exists()


def test_the_scripts_exit_code_is_kept_and_a_run_that_never_came_is_told(tmp_path: Path) -> None:
    script = SCRIPT + "sys.exit(7)\n"
    done = trace(tmp_path, "script.py", "--html", "out.html", "--at", "99", script=script)
    assert done.returncode == 7
    assert "no set of fetches was run 99 times" in done.stderr
    assert not (tmp_path / "out.html").exists()


def test_an_interrupt_still_writes_the_page(tmp_path: Path) -> None:
    script = SCRIPT.replace("range(6)", "iter(int, 1)")
    (tmp_path / "script.py").write_text(
        script.replace("    for _", "    open('began', 'w').close()\n    for _")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "minitf", "trace", "script.py", "--html", "out.html"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "began").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert data_of(tmp_path / "out.html")["runs"]
