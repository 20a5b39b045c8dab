"""`minitf draw script.py`: from a script to its picture with one command."""

import argparse
import os
import shutil
import subprocess
import sys

import pytest

import minitf as tf
from minitf.framework.graph import Graph
from minitf.visualize import draw_command
from minitf.visualize.drawing import Drawing
from tests.source_tree import ROOT

SCRIPT = """\
import sys
import tensorflow as tf
x = tf.placeholder(tf.float32, [None, 2], name="x")
with tf.name_scope("layer"):
    w = tf.Variable(tf.zeros([2, 1]), name="w")
    y = tf.matmul(x, w, name="y")
sess = tf.InteractiveSession()
tf.global_variables_initializer().run()
loss = tf.reduce_sum(y, name="loss")
print("arguments", sys.argv[1:])
print("loss", sess.run(loss, {x: [[1.0, 2.0]]}))
tf.identity(loss, name="later")
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(SCRIPT)
    return path


def draw(script, *args, path=None):
    """Runs the command; returns exit code, standard output and standard error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if path is not None:
        environment["PATH"] = path
    done = subprocess.run(
        [sys.executable, "-m", "minitf", "draw", *args],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_script_is_stopped_where_its_graph_is_built(script):
    code, out, err = draw(script, "-o", "graph.dot", script.name, "--its", "own")
    assert (code, out) == (0, "arguments ['--its', 'own']\ngraph.dot\n")
    assert "model.py:11: print(" in err
    text = (script.parent / "graph.dot").read_text()
    assert "layer/" in text and "loss" in text and "later" not in text


def test_the_whole_script(script):
    code, out, _ = draw(script, "--whole", "--depth", "all", "-o", "graph.dot", script.name)
    assert code == 0 and "loss 0.0" in out
    text = (script.parent / "graph.dot").read_text()
    assert "later" in text and "layer/w/read" in text


def test_the_picture_is_called_after_the_script(script):
    if shutil.which("dot"):
        assert draw(script, script.name)[0] == 0
        assert (script.parent / "model.svg").read_bytes().startswith(b"<?xml")
    else:
        assert draw(script, script.name)[0] == 1
        assert (script.parent / "model.dot").exists()


def test_without_graphviz_the_text_is_kept(script):
    code, out, err = draw(script, script.name, path=str(script.parent))
    assert code == 1 and out.endswith("model.dot\n")
    assert "needs the program 'dot'" in err
    assert (script.parent / "model.dot").read_text().startswith("digraph")


def test_what_a_fetch_needs(script):
    code, _, _ = draw(script, "--fetch", "layer/y", "--feed", "x", "-o", "g.dot", script.name)
    assert code == 0
    code, _, err = draw(script, "--fetch", "nothing", "-o", "g.dot", script.name)
    assert code == 2 and "nothing" in err


@pytest.mark.parametrize(
    ("source", "args", "code", "words"),
    [
        ("1 / 0\n", [], 1, "ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", [], 3, ""),
        ("import sys\nsys.exit('no data')\n", [], 1, "no data"),
        ("x = 1\n", [], 1, "has built no graph"),
        ("", ["-o", "graph.bmp"], 2, "must end in .svg"),
        ("", ["--depth", "none"], 2, "neither a number"),
    ],
)
def test_what_goes_wrong(script, source, args, code, words):
    script.write_text(source)
    found, _, err = draw(script, *args, script.name)
    assert found == code and words in err
    assert [path.name for path in script.parent.iterdir()] == ["model.py"]


def test_an_option_behind_the_script_is_told_of(script):
    script.write_text("import argparse\nargparse.ArgumentParser().parse_args()\n")
    code, _, err = draw(script, script.name, "--depth", "2")
    assert code == 2
    assert "minitf: --depth stands after the script and went to it." in err
    code, _, err = draw(script, script.name, "--other")
    assert code == 2 and "stands after the script" not in err


def test_that_many_boxes_take_long_is_told_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(draw_command, "_MANY_BOXES", 2)
    monkeypatch.setattr(Drawing, "save", lambda drawing, path: path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(draw_command.shutil, "which", lambda name: name)
    with Graph().as_default() as graph:
        for _ in range(3):
            tf.constant(1.0)
    args = argparse.Namespace(depth=None, expand=[], collapse=[], fetch=[], feed=[])
    vars(args).update(by_device=False, initializers=False, direction="up")
    assert draw_command._write(graph, args, "x.svg", "") == 0
    assert "the layout of 3 boxes takes Graphviz minutes" in capsys.readouterr().err
    assert draw_command._write(graph, args, "x.dot", "") == 0
    assert capsys.readouterr().err == ""


def test_there_must_be_a_script(script):
    code, _, err = draw(script, "missing.py")
    assert code == 2 and "there is no file 'missing.py'" in err
