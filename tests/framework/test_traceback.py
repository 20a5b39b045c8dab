"""The user's own source line behind an op, wherever the user's code comes from."""

import contextlib
import linecache
import subprocess
import sys
import types

import minitf as tf
from minitf.framework import errors
from minitf.framework import traceback as traceback_lib


def run_as(filename, source):
    """Runs source text as if it stood in a file, and returns what it defines."""
    module = types.ModuleType("user_code")
    exec(compile(source, filename, "exec"), module.__dict__)
    return module


def test_the_innermost_line_is_the_users():
    c = tf.constant([1.0]) + 2.0  # this one
    assert str(c.op.traceback).startswith(f"{__file__}:")
    assert str(c.op.traceback).endswith("c = tf.constant([1.0]) + 2.0  # this one")


def test_code_without_a_file():
    for name in ("<stdin>", "<string>", "<ipython-input-3-abc>"):
        module = run_as(name, "import minitf as tf\nc = tf.constant(1)\n")
        assert module.c.op.traceback.frames[0][:2] == (name, 2)
        assert str(module.c.op.traceback) == f"{name}:2"


def test_a_notebook_cell_shows_its_text():
    name, source = "<ipython-input-4-def>", "import minitf as tf\nc = tf.constant(1)  # in a cell\n"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    module = run_as(name, source)
    assert str(module.c.op.traceback) == f"{name}:2: c = tf.constant(1)  # in a cell"


def test_a_users_own_folder_named_minitf_or_importlib():
    for filename in ("/srv/u/minitf/model.py", "/srv/u/importlib/model.py", "/srv/u/minitf.py"):
        module = run_as(filename, "import minitf as tf\nc = tf.constant(1)\n")
        assert module.c.op.traceback.frames[0][0] == filename


def test_the_model_that_ships_in_the_package_is_user_code():
    filename = traceback_lib._MODEL
    module = run_as(filename, "import minitf as tf\nc = tf.constant(1)\n")
    assert module.c.op.traceback.frames[0][0] == filename


def test_lines_of_with_blocks_are_the_users_not_pythons():
    @contextlib.contextmanager
    def made_on_entry():
        yield tf.constant(1)

    with made_on_entry() as c:
        pass
    assert c.op.traceback.frames[0][2] == "made_on_entry"
    assert not any("contextlib" in frame[0] for frame in c.op.traceback.frames)


def test_importing_hides_pythons_import_system(tmp_path):
    (tmp_path / "model.py").write_text("import minitf as tf\nc = tf.constant(1)\n")
    (tmp_path / "script.py").write_text(
        "import model\nfor frame in model.c.op.traceback.frames: print(frame[0], frame[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    files = [line.rsplit("/")[-1] for line in done.stdout.splitlines()]
    assert files == ["model.py 2", "script.py 1"]


def test_at_most_eight_frames():
    def deep(n):
        return deep(n - 1) if n else tf.constant(1)

    frames = deep(20).op.traceback.frames
    assert len(frames) == 8 and all(frame[2] == "deep" for frame in frames)


# ---- how a message is laid out


def test_the_order_of_a_message():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    op = tf.identity(x, name="y").op
    lines = errors.report("It is wrong.", op=op, facts="given: 7", do="mend it.").split("\n")
    assert lines[0] == "It is wrong."
    assert lines[1] == "  op: 'y' (type Identity), inputs: x:0 float32[?,3]"
    assert lines[2] == "  given: 7"
    assert lines[3].startswith(f"  created at: {__file__}:")
    assert lines[4] == "  what to do: mend it."


def test_without_an_op_the_running_line_is_named():
    lines = errors.report("It is wrong.", do="mend it.").split("\n")  # here
    assert lines[1].startswith(f"  called at: {__file__}:") and lines[1].endswith("# here")


def test_long_values_are_cut():
    assert errors.brief([1, 2]) == "[1, 2]"
    assert len(errors.brief(list(range(1000)))) == 80
