"""`minitf run` against plain Python: the same script must not be able to tell the difference."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minitf import _run_script
from minitf._version import VERSION
from tests.source_tree import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def python(*args: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def minitf_run(*args: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return python("-m", "minitf", "run", *args, cwd=cwd, stdin=stdin)


def write(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


SCRIPTS = {
    "what a script sees": """
import sys
names = {name: value for name, value in globals().items() if name.startswith("__")}
print(sorted(names), names["__name__"], names["__file__"], names["__package__"], names["__spec__"])
print(type(__builtins__), type(__loader__), __doc__, __cached__, sys.argv, sys.path[0])
print(sys.modules["__main__"].__dict__ is globals())
""",
    "a docstring": '"""Doc."""\nprint(__doc__)\n',
    "exit code": "import sys\nsys.exit(3)\n",
    "exit with a message": "import sys\nsys.exit('no data')\n",
    "exit without a code": "print('done')\nraise SystemExit\n",
    "traceback": """
def f():
    raise ValueError("inner")
try:
    f()
except ValueError as error:
    raise KeyError("outer") from error
""",
    "an exception in a helper module": "import helper\nhelper.fail()\n",
    "a syntax error": "x = 1\ny = (2 +\n",
    "its own excepthook": """
import sys, traceback
sys.excepthook = lambda kind, value, tb: print(kind.__name__, len(traceback.extract_tb(tb)))
1 / 0
""",
    "annotations are evaluated": "def f(x: undefined): pass\nprint(f.__annotations__)\n",
    "standard input": "print(input() + '!')\n",
    "at exit": """
import atexit, threading
atexit.register(print, "last")
threading.Timer(0.05, print, ["from a thread"]).start()
print("first")
""",
    "a class of __main__ is pickled": """
import pickle
class Point: pass
print(type(pickle.loads(pickle.dumps(Point()))) is Point)
""",
    "a coding line": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n",
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_runs_as_under_plain_python(text: str, tmp_path: Path) -> None:
    write(tmp_path, "work/helper.py", "def fail():\n    raise OSError('helper')\n")
    (tmp_path / "work" / "script.py").write_text(text, encoding="latin-1")
    args = ("work/script.py", "--help", "--", "-x", "a b")
    plain = python(*args, cwd=tmp_path, stdin="hello\n")
    ours = minitf_run(*args, cwd=tmp_path, stdin="hello\n")
    assert ours.stdout == plain.stdout
    assert ours.stderr == plain.stderr
    assert ours.returncode == plain.returncode


def test_a_symbolic_link_to_a_script(tmp_path: Path) -> None:
    write(tmp_path, "real/script.py", SCRIPTS["what a script sees"])
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "script.py")
    plain, ours = python("link.py", cwd=tmp_path), minitf_run("link.py", cwd=tmp_path)
    assert (ours.stdout, ours.stderr) == (plain.stdout, plain.stderr)
    assert f"['link.py'] {tmp_path / 'real'}" in ours.stdout


@pytest.mark.parametrize("name", ["package.module", "package"])
def test_a_module_runs_as_under_python_m(name: str, tmp_path: Path) -> None:
    text = """
import sys
print(__name__, __file__, __package__, __spec__.name, __cached__, sys.argv, sys.path[0])
from . import sibling
sys.exit(5)
"""
    write(tmp_path, "package/__init__.py", "")
    write(tmp_path, "package/sibling.py", "print('sibling')\n")
    write(tmp_path, "package/module.py", text)
    write(tmp_path, "package/__main__.py", text)
    plain = python("-m", name, "--help", "-m", cwd=tmp_path)
    ours = minitf_run("-m", name, "--help", "-m", cwd=tmp_path)
    assert (ours.stdout, ours.stderr, ours.returncode) == (plain.stdout, plain.stderr, 5)


def test_no_frame_of_the_runner_in_the_traceback_of_a_module(tmp_path: Path) -> None:
    write(tmp_path, "package/__init__.py", "import tensorflow\n1 / 0\n")
    write(tmp_path, "module.py", "def f():\n    1 / 0\nf()\n")
    for name, frames in (("module", 2), ("package.module", 1)):
        run = minitf_run("-m", name, cwd=tmp_path)
        assert run.returncode == 1
        assert run.stderr.count("  File ") == frames
        assert run.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_what_a_package_fails_to_import_is_not_taken_for_the_package(tmp_path: Path) -> None:
    write(tmp_path, "package/__init__.py", "import nowhere\n")
    write(tmp_path, "package/module.py", "")
    run = minitf_run("-m", "package.module", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.count("  File ") == 1
    assert run.stderr.endswith("ModuleNotFoundError: No module named 'nowhere'\n")


def test_keyboard_interrupt_exits_with_130(tmp_path: Path) -> None:
    write(tmp_path, "script.py", "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "minitf", "run", "script.py"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=ENVIRONMENT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests run in the background, SIGINT is ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.endswith("KeyboardInterrupt\n")
    assert stderr.count("  File ") == 1


ALIASES = """
import sys
import tensorflow as tf
import tensorflow.compat.v1 as tf1
import minitf
from tensorflow.examples.tutorials.mnist import input_data
import tensorflow.examples.tutorials.mnist.input_data as same_input_data
import minitf.examples.tutorials.mnist.input_data as minitf_input_data
from tensorflow.python.framework import ops
from tensorflow.compat import v1

assert tf is minitf and tf1 is minitf and v1 is minitf and tf.compat.v1 is minitf
assert input_data is minitf_input_data and same_input_data is minitf_input_data
assert input_data.__spec__.name == "minitf.examples.tutorials.mnist.input_data"
assert sys.modules["tensorflow.examples"] is sys.modules["minitf.examples"]
before = tf.get_default_graph()
assert ops.get_default_graph() is before
ops.reset_default_graph()
assert tf.get_default_graph() is not before
assert tf.python.framework.ops.Graph is tf.Graph
"""


def test_tensorflow_is_minitf(tmp_path: Path) -> None:
    write(tmp_path, "script.py", ALIASES)
    run = minitf_run("script.py", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


TUTORIAL = """
from __future__ import absolute_import, division, print_function

import argparse
import sys

from tensorflow.examples.tutorials.mnist import input_data
import tensorflow as tf

FLAGS = None


def main(argv):
  digits = input_data.read_data_sets(FLAGS.data_dir)
  images = tf.placeholder(tf.float32, [None, 784])
  classes = tf.placeholder(tf.int64, [None])
  weights = tf.Variable(tf.zeros([784, 10]))
  biases = tf.Variable(tf.zeros([10]))
  scores = tf.matmul(images, weights) + biases
  loss = tf.losses.sparse_softmax_cross_entropy(labels=classes, logits=scores)
  step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
  right = tf.equal(tf.argmax(scores, 1), classes)
  accuracy = tf.reduce_mean(tf.cast(right, tf.float32))

  session = tf.InteractiveSession()
  tf.global_variables_initializer().run()
  for _ in range(1000):
    batch, labels = digits.train.next_batch(100)
    session.run(step, feed_dict={images: batch, classes: labels})
  print(argv[1:], accuracy.eval({images: digits.test.images, classes: digits.test.labels}))


if __name__ == "__main__":
  parser = argparse.ArgumentParser()
  parser.add_argument("--data_dir", default="MNIST_data")
  FLAGS, unparsed = parser.parse_known_args()
  tf.app.run(main=main, argv=[sys.argv[0]] + unparsed)
"""


def test_a_script_in_the_manner_of_the_tutorials_learns(tmp_path: Path) -> None:
    write(tmp_path, "softmax.py", TUTORIAL)
    run = minitf_run("softmax.py", "--data_dir", "elsewhere", "--other", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    rest, _, accuracy = run.stdout.rpartition(" ")
    assert rest == "['--other']"
    # 1,000 test digits of the sample: softmax regression gets about 920 of them right.
    assert 0.90 < float(accuracy) < 0.95


def test_tensorflow_is_minitf_even_where_real_tensorflow_is_installed(tmp_path: Path) -> None:
    # The script's own directory is searched before site-packages.
    write(tmp_path, "tensorflow/__init__.py", "raise ImportError('the real one')\n")
    write(tmp_path, "script.py", "import tensorflow\nprint(tensorflow.__name__)\n")
    assert minitf_run("script.py", cwd=tmp_path).stdout == "minitf\n"


@pytest.mark.parametrize(
    ("statement", "missing", "nearest"),
    [
        ("import tensorflow.nowhere", "tensorflow.nowhere", ""),
        ("import tensorflow.nowhere.inside as x", "tensorflow.nowhere", ""),
        ("from tensorflow import nowhere", "tensorflow.nowhere", ""),
        ("import tensorflow.compat.v2 as tf", "tensorflow.compat.v2", "tensorflow.compat.v1"),
        ("import tensorflow.framework", "tensorflow.framework", ""),
        (
            "from tensorflow.python.framework import opps",
            "tensorflow.python.framework.opps",
            "tensorflow.python.framework.ops",
        ),
        (
            "from tensorflow.examples.tutorials.mnist import input_dat",
            "tensorflow.examples.tutorials.mnist.input_dat",
            "tensorflow.examples.tutorials.mnist.input_data",
        ),
    ],
)
def test_a_missing_module_says_what_there_is(
    statement: str, missing: str, nearest: str, tmp_path: Path
) -> None:
    write(tmp_path, "script.py", f"import tensorflow\n{statement}\n")
    run = minitf_run("script.py", cwd=tmp_path)
    assert run.returncode == 1
    assert f"    {statement}\n" in run.stderr
    last = run.stderr.splitlines()[-1]
    first, _, rest = last.partition(" (yet). The nearest that exist: ")
    assert first == f"ModuleNotFoundError: minitf has no module '{missing}'"
    named = rest.split(", ")
    assert all(name.startswith("tensorflow.") for name in named)
    assert not nearest or nearest in named


def test_a_library_of_the_script_that_is_missing_is_python_s_own_error(tmp_path: Path) -> None:
    write(tmp_path, "script.py", "import tensorflow\nimport nowhere_to_be_found\n")
    run = minitf_run("script.py", cwd=tmp_path)
    assert run.stderr.endswith("ModuleNotFoundError: No module named 'nowhere_to_be_found'\n")


def test_what_cannot_be_run_is_refused_clearly(tmp_path: Path) -> None:
    write(tmp_path, "folder/train.py", "")
    write(tmp_path, "package/__init__.py", "")
    write(tmp_path, "notebook.ipynb", "{}")
    (tmp_path / "data.bin").write_bytes(b"a\0b")
    refusals = {
        ("nothing.py",): "minitf: there is no file 'nothing.py' in ",
        ("folder",): "minitf: 'folder' is a directory. Name a script in it: folder/train.py",
        ("-",): "minitf: a script is not read from standard input. Name a file.",
        ("notebook.ipynb",): "minitf: 'notebook.ipynb' is a notebook. Make a script of it: ",
        ("data.bin",): "minitf: 'data.bin' is a binary file.",
        ("-m", "nothing"): "minitf: there is no module named 'nothing' in ",
        ("-m", "package.nothing"): "minitf: there is no module named 'package.nothing' in ",
        ("-m", "nothing.at.all"): "minitf: there is no module named 'nothing.at.all' in ",
        ("-m", "package"): "minitf: 'package' is a package with no __main__ module",
        ("-m", "..package"): "minitf: there is no module named '..package' in ",
    }
    for args, message in refusals.items():
        run = minitf_run(*args, cwd=tmp_path)
        assert (run.returncode, run.stdout) == (2, ""), args
        assert run.stderr.startswith(message), args
        assert run.stderr.count("\n") == 1, args


PYTHON2 = {
    "print 'hello'": "a print statement",
    "print x": "a print statement",
    "print 'a %d' % x,": "a print statement",
    "for i in range(3): print i, x": "a print statement",
    "exec 'x = 1'": "an exec statement",
    "try:\n  f()\nexcept IOError, error:\n  pass": "an except clause",
    "raise ValueError, 'message'": "a raise statement",
    "x = `y`": "backquotes",
    "if a <> b: pass": "`<>`",
    "mode = 0755": "an octal number",
    "x = 10L": "a long number",
    "s = ur'a'": "prefix ur",
    "def f(a, (b, c)): pass": "a tuple among its parameters",
    "if x:\n        a = 1\n\tb = 2": "tabs and spaces",
}


def syntax_error(source: str) -> SyntaxError:
    with pytest.raises(SyntaxError) as caught:
        compile(source, "old.py", "exec")
    return caught.value


@pytest.mark.parametrize("source", PYTHON2)
def test_python_2_is_recognised(source: str) -> None:
    message = _run_script._explain_python2("old.py", syntax_error(source))
    assert message is not None
    first, line, advice = message.splitlines()
    assert first.startswith("'old.py' is Python 2 code")
    assert PYTHON2[source] in first
    assert line.partition(" | ")[2] in [text.strip() for text in source.splitlines()]
    assert "2to3" in advice


@pytest.mark.parametrize(
    "source", ["x = (1 +", "def f(:\n  pass", "print('a'", "x = = 2", "if True:\nx = 1", "a b"]
)
def test_python_3_with_a_mistake_is_not_called_python_2(source: str) -> None:
    assert _run_script._explain_python2("new.py", syntax_error(source)) is None


def test_a_python_2_script_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "old.py", "x = 1\nprint 'x is', x\n")
    run = minitf_run("old.py", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith("minitf: 'old.py' is Python 2 code")
    assert "line 2 has a print statement.\n  2 | print 'x is', x\n" in run.stderr


def test_help_and_version(tmp_path: Path) -> None:
    assert python("-m", "minitf", "--version", cwd=tmp_path).stdout == f"minitf {VERSION}\n"
    bare, overall = (python("-m", "minitf", *args, cwd=tmp_path) for args in ((), ("--help",)))
    assert bare.returncode == overall.returncode == 0
    assert bare.stdout == overall.stdout
    assert "unmodified" in overall.stdout
    run = minitf_run("--help", cwd=tmp_path)
    assert run.returncode == 0
    usage, _, _ = run.stdout.partition("\n")
    assert usage == "usage: minitf run [-h] [-m] [--seeds {tf2,tf1}] script [args ...]"


@pytest.mark.parametrize("args", [["run"], ["walk"], ["run", "-m"], ["run", "--nope", "a.py"]])
def test_a_wrong_command_line_exits_with_2(args: list[str], tmp_path: Path) -> None:
    run = python("-m", "minitf", *args, cwd=tmp_path)
    assert run.returncode == 2
    assert "usage: minitf" in run.stderr
