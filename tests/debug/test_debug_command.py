"""`minitf debug script.py` in a terminal, and with commands from a pipe."""

import os
import re
import subprocess
import sys

import pytest

from tests.source_tree import ROOT
from tests.terminal import Terminal

SCRIPT = """\
import sys
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 2], name="x")
with tf.name_scope("layer"):
    w = tf.Variable(tf.ones([2, 1]), name="w")
    y = tf.matmul(x, w, name="y")
loss = tf.reduce_sum(tf.log(y, name="log_y"), name="loss")
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in (2, 1, 0):
        print("loss", sess.run(loss, {x: [[step, 0.0]]}), flush=True)
print("the end", sys.argv[1:])
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PROMPT = "(minitf) "


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(SCRIPT)
    return path


def debug(script, *args):
    command = [sys.executable, "-m", "minitf", "debug", script.name, *args]
    return Terminal(command, script.parent, ENVIRONMENT)


def test_a_session_at_a_terminal(script):
    """Looks, steps, finds the log of 0 two runs later, and lets the script end."""
    with debug(script, "--its", "own") as terminal:

        def answer(command):
            terminal.type(command)
            return terminal.expect(PROMPT)

        assert "model.py:9: sess.run(tf.global_variables_initializer())" in terminal.expect(PROMPT)
        assert "fetches: loss:0" in answer("continue")
        assert "run the next node" in answer("help")
        assert ">     1  layer/w " in answer("list")
        assert "layer/w:0 (VariableV2)  float32 [2, 1]" in answer("step")
        assert "layer/y:0 (MatMul)  float32 [1, 1]  min 2" in answer("until y")
        assert "[[2.]]" in answer("print y")
        assert "model.py:6: y = tf.matmul" in answer("info y")
        assert "There is no command 'dance'" in answer("dance")
        found = answer("find")
        assert "loss 0.6931472" in found and "loss 0.0" in found
        assert "has_inf_or_nan: in run 4, " in found
        assert "log_y:0 (Log)  float32 [1, 1]  1 of 1 not finite" in found
        assert "[[0.]]" in answer("print layer/y")
        terminal.type("go")
        terminal.expect("loss -inf")
        terminal.expect("the end ['--its', 'own']")
        assert terminal.exit_code() == 0


def test_quit_and_the_end_of_input_end_the_script(script):
    for leave in (b"quit\n", b"\x04"):
        with debug(script) as terminal:
            terminal.expect(PROMPT)
            terminal.press(leave)
            assert terminal.exit_code() == 0
            assert "loss" not in terminal.seen.replace("loss:0", "")


def test_ctrl_c_at_the_prompt_and_in_a_run(script):
    """It takes back a line that is being typed, and stops a run after the node that is running."""
    script.write_text(
        "import os, signal\n"
        "import tensorflow as tf\n"
        "def interrupt(x):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return x\n"
        "x = tf.py_func(interrupt, [1.0], tf.float32, name='x')\n"
        "y = tf.identity(x * 2.0, name='y')\n"
        "with tf.Session() as sess:\n"
        "    print('y is', sess.run(y), flush=True)\n"
    )
    with debug(script) as terminal:
        terminal.expect(PROMPT)
        terminal.interrupt_until(PROMPT)
        terminal.type("finish")
        terminal.expect("x:0 (PyFunc)  float32 []  min 1")
        terminal.expect(PROMPT)
        terminal.type("until y")
        terminal.expect("y:0 (Identity)  float32 []  min 2")
        terminal.expect(PROMPT)
        terminal.type("go")
        terminal.expect("y is 2.0")
        assert terminal.exit_code() == 0


def test_commands_from_a_pipe(script):
    run = subprocess.run(
        [sys.executable, "-m", "minitf", "debug", script.name],
        cwd=script.parent,
        env=ENVIRONMENT,
        input="continue\nfinish\nprint loss\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert "loss:0  float32 []  min 0.693147" in run.stdout
    assert "the end []" in run.stdout  # at the end of the commands the script runs on


def test_the_scripts_own_end_is_passed_on(script):
    script.write_text("import sys\nsys.exit(3)\n")
    with debug(script) as terminal:
        assert terminal.exit_code() == 3
    with debug(script.with_name("missing.py")) as terminal:
        assert terminal.exit_code() == 2
        assert "there is no file 'missing.py'" in terminal.seen


def test_the_session_that_the_page_shows(tmp_path):
    """docs/debugging.md has a script, what is typed, and what comes: all of it is so."""
    page = (ROOT / "docs" / "debugging.md").read_text()
    code, shown = (
        re.search(rf"```{kind}\n(.*?)```", page, re.S).group(1) for kind in ("py", "text")
    )
    (tmp_path / "log.py").write_text(code)
    typed = re.findall(r"^\(minitf\) (.*)$", shown, re.M)
    run = subprocess.run(
        [sys.executable, "-m", "minitf", "debug", "log.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = run.stdout.replace(f"{tmp_path}{os.sep}", "")
    assert said == re.sub(r"^\(minitf\) .*\n", PROMPT, shown, flags=re.M)
