"""The stepping debugger, with commands from a list: what it answers, and that runs stay right."""

import threading

import numpy as np
import pytest

import minitf as tf
from minitf import debug as tf_debug
from minitf.debug import values
from minitf.debug.debugger import Debugger, Quit


class Script:
    """A debugger whose lines come from a list; `said` is what it has answered."""

    def __init__(self, *lines):
        self._lines = list(lines)
        self.said = []
        self.debugger = Debugger(self._read, self.said.append)

    def _read(self, prompt):
        assert prompt == "(minitf) "
        if not self._lines:
            raise EOFError
        self.said.append(f"$ {self._lines[0]}")
        return self._lines.pop(0)

    def run(self, sess, fetches, feed_dict=None):
        return self.debugger.run(sess, fetches, feed_dict, lambda: sess.run(fetches, feed_dict))

    def answer(self, command):
        """What was said after a command, up to the next one."""
        start = self.said.index(f"$ {command}") + 1
        following = [i for i in range(start, len(self.said)) if self.said[i].startswith("$ ")]
        return "\n".join(self.said[start : (following or [len(self.said)])[0]])


def model():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.name_scope("layer"):
        w = tf.Variable(tf.ones([2, 1]), name="w")
        y = tf.matmul(x, w, name="y")
    loss = tf.reduce_sum(tf.log(y, name="log_y"), name="loss")
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss, name="train")
    return x, w, loss, train


def test_before_a_run_it_says_what_is_to_be_run():
    x, w, loss, _ = model()
    script = Script("where")
    with tf.Session() as sess:
        sess.run(w.initializer)
        assert script.run(sess, loss, {x: [[1.0, 2.0]]}) == pytest.approx(np.log(3.0))
    first, fetches, feeds, place = script.said[0].splitlines()
    assert first.startswith("--- run 1: ") and "test_debugger.py" in first
    assert fetches == "  fetches: loss:0"
    assert feeds == "  feeds:   x:0  float32 [1, 2]  min 1  mean 1.5  max 2"
    assert place == "  0 of 6 nodes have run; next is layer/w (VariableV2)"
    assert script.answer("where").strip() == script.said[0].removeprefix("--- ")


def test_stepping():
    x, w, loss, _ = model()
    script = Script("step", "s 2", "", "until loss", "finish", "print loss")
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.run(sess, loss, {x: [[1.0, 0.0]]})
    assert script.answer("step") == "layer/w:0 (VariableV2)  float32 [2, 1]  min 1  mean 1  max 1"
    assert script.answer("s 2").startswith("layer/y:0 (MatMul)  float32 [1, 1]  min 1")
    assert script.answer("").startswith("Const:0 (Const)")  # as the last: two more
    assert script.answer("until loss") == "loss:0 (Sum)  float32 []  min 0  mean 0  max 0"
    assert script.answer("finish") == "--- run 1 is at its end"
    assert script.answer("print loss").splitlines()[-1] == "0."


def test_a_debugged_step_trains_as_any_other():
    x, w, loss, train = model()
    feed = {x: [[1.0, 2.0]]}
    with tf.Session() as sess:
        sess.run(w.initializer)
        sess.run([loss, train], feed)
        plain = sess.run(w)
    script = Script("until train", "print layer/w:0", "finish", "print w", "continue")
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.run(sess, [loss, train], feed)
        np.testing.assert_allclose(sess.run(w), plain, rtol=1e-6)
        shown = script.answer("print w")
        assert f"{plain[0, 0]:.6f}" in shown  # a variable is shown as it is now


def test_values_of_the_run_before_can_be_seen():
    x, w, loss, _ = model()
    script = Script("continue", "print loss", "print layer/y", "step 3", "print y", "go")
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.run(sess, loss, {x: [[1.0, 2.0]]})
        script.run(sess, loss, {x: [[1.0, 9.0]]})
        script.run(sess, loss, {x: [[1.0, 1.0]]})  # after `go` nothing is asked
    assert "(of run 1)" in script.answer("print loss")
    assert script.answer("print layer/y").endswith("[[3.]]")
    assert script.answer("print y").endswith("[[10.]]")


def test_find_stops_at_the_first_value_that_is_not_finite():
    x, w, loss, _ = model()
    script = Script("find", "info log_y", "print layer/y", "go")
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.run(sess, loss, {x: [[1.0, 2.0]]})
        script.run(sess, loss, {x: [[0.0, 0.0]]})
    found = script.answer("find")
    assert "has_inf_or_nan: in run 2, " in found
    assert found.splitlines()[-1] == "log_y:0 (Log)  float32 [1, 1]  1 of 1 not finite"
    assert "takes: layer/y:0  float32 [1, 1]  min 0" in script.answer("info log_y")
    assert "test_debugger.py" in script.answer("info log_y")


def test_a_filter_of_the_users_own():
    x, w, loss, _ = model()
    script = Script("find large", "find large", "go")
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.debugger.filters["large"] = lambda datum, tensor: (
            datum.tensor_name == "layer/y:0" and tensor.max() > 5
        )
        script.run(sess, loss, {x: [[1.0, 2.0]]})
        script.run(sess, loss, {x: [[7.0, 2.0]]})
    assert "layer/y:0 (MatMul)  float32 [1, 1]  min 9" in script.answer("find large")


def test_a_filter_that_fails_stops_there_and_the_run_goes_on():
    x, w, loss, _ = model()
    script = Script("find broken", "go")
    script.debugger.filters["broken"] = lambda datum, value: 1 / 0
    with tf.Session() as sess:
        sess.run(w.initializer)
        assert script.run(sess, loss, {x: [[1.0, 2.0]]}) is not None
    assert "the filter broken failed: ZeroDivisionError" in script.answer("find broken")


def test_a_filter_that_never_holds_is_told_of_at_the_end():
    script = Script("find")
    with tf.Session() as sess:
        script.run(sess, tf.constant(1.0))
    script.debugger.end()
    assert script.said[-1] == "No value passed the filter has_inf_or_nan."


def test_an_error_can_be_looked_at_before_the_script_gets_it():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.matmul(x, tf.ones([3, 2]), name="y")
    script = Script("finish", "print x", "where", "continue")
    with tf.Session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
            script.run(sess, y, {x: np.ones((1, 4), np.float32)})
        assert sess.run(y, {x: np.ones((1, 3))}).tolist() == [[3.0, 3.0]]
    assert "InvalidArgumentError: Matrix size-incompatible" in script.answer("finish")
    assert script.answer("print x").endswith("[[1. 1. 1. 1.]]")


def test_go_counts_session_runs():
    one = tf.constant(1.0)
    script = Script("go 2", "continue", "go")
    with tf.Session() as sess:
        for _ in range(5):
            assert script.run(sess, one) == 1.0
    assert [line[:9] for line in script.said if line.startswith("---")] == [
        "--- run 1",
        "--- run 3",
        "--- run 4",
    ]


def test_quit_ends_the_script():
    script = Script("quit")
    with tf.Session() as sess, pytest.raises(Quit):
        script.run(sess, tf.constant(1.0))


def test_a_branch_that_is_not_taken():
    x = tf.placeholder(tf.bool, [], name="x")
    y = tf.cond(x, lambda: tf.constant(1.0, name="yes"), lambda: tf.constant(2.0, name="no"))
    script = Script("until yes", "print yes", "continue")
    with tf.Session() as sess:
        assert script.run(sess, y, {x: False}) == 2.0
    assert script.answer("until yes") == "cond/yes (Const): on a branch that is not taken"
    assert script.answer("print yes") == "cond/yes:0 is on a branch that was not taken."


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("dance", "There is no command 'dance'. `help` lists what there is."),
        ("step x", "'x' is no number from 1 on."),
        ("until", "Which one? Say its name after the command."),
        ("until init", "No node of this session.run is called 'init'."),
        ("until layr/y", "The nearest: layer/y"),
        ("print loss", "loss:0 has no value yet: run `until loss` first."),
        ("print x[0", "'x[0' is not written like name or name[0, :5]."),
        ("print x[a]", "'a' in an index is no number, slice or '...'."),
        ("print x[3]", "index 3 is out of bounds"),
        ("print x[::0]", "slice step cannot be zero"),
        ("print x:4", "x has x:0."),
        ("print x:-1", "x has x:0."),
        ("print x:\u00b2", "x has x:0."),
        ("step \u00b2", "'\u00b2' is no number from 1 on."),
        pytest.param("step " + "9" * 5000, "is no number from 1 on.", id="step 999..."),
        ("find big", "There is no filter 'big'; there are has_inf_or_nan."),
        ("list nothing", "No node of this session.run has 'nothing' in its name."),
        ("list lay*", ">     1  layer/w "),
        ("help", "run the next node"),
    ],
)
def test_answers(command, answer):
    x, w, loss, _ = model()
    script = Script(command)
    with tf.Session() as sess:
        sess.run(w.initializer)
        script.run(sess, loss, {x: [[1.0, 2.0]]})
    assert answer in script.answer(command)


def test_a_shortened_name_must_say_which():
    with tf.name_scope("a"):
        one = tf.constant(1.0, name="c")
    with tf.name_scope("b"):
        two = tf.constant(2.0, name="c")
    script = Script("until c", "until b/c", "go")
    with tf.Session() as sess:
        script.run(sess, [one, two])
    assert script.answer("until c") == "c may be a/c, b/c."
    assert script.answer("until b/c").startswith("b/c:0 (Const)")


def test_runs_of_other_threads_are_left_alone():
    script = Script("quit")
    with tf.Session() as sess:
        found = []
        one = tf.constant(1.0)
        thread = threading.Thread(target=lambda: found.append(script.run(sess, one)), daemon=True)
        thread.start()
        thread.join(60)
        assert found == [1.0] and script.said == []


def test_the_wrapper_is_used_like_its_session(monkeypatch):
    lines = iter(["print v", "finish", "print twice", "find huge", "go"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    v = tf.Variable(2.0, name="v")
    twice = tf.multiply(v, 2.0, name="twice")
    sess = tf_debug.LocalCLIDebugWrapperSession(tf.Session(), ui_type="readline")
    sess.add_tensor_filter("huge", lambda datum, tensor: bool(np.abs(tensor).max() > 1e6))
    sess.session.run(v.initializer)
    with sess:
        assert tf.get_default_session() is sess
        assert twice.eval() == 4.0
        assert sess.run(twice) == 4.0
        assert sess.graph is tf.get_default_graph()
    with pytest.raises(RuntimeError, match="closed"):
        sess.session.run(twice)


def test_the_wrapper_wraps_sessions_only():
    with pytest.raises(TypeError, match=r"Expected a tf\.Session to wrap, but got int"):
        tf_debug.LocalCLIDebugWrapperSession(3)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "no value"),
        (np.array(b"text"), "bytes32 []"),
        (np.zeros((0, 3), np.float32), "float32 [0, 3]"),
        (np.array([np.nan, np.nan]), "float64 [2]  2 of 2 not finite"),
        (np.array([True]), "bool [1]"),
        (np.array([1, 3], np.int64), "int64 [2]  min 1  mean 2  max 3"),
    ],
)
def test_summaries_of_values(value, line):
    assert values.summary(value) == line


def test_long_values_are_cut():
    text = values.numbers(np.arange(399).reshape(57, 7))
    assert len(text.splitlines()) == 41 and "... (17 lines)" in text
    assert len(values.numbers(np.zeros(100_000))) < 200


def test_the_filter_of_tensorflow():
    datum = tf_debug.Datum("node", 1)
    assert datum.tensor_name == "node:1"
    assert tf_debug.has_inf_or_nan(datum, np.array([np.nan]))
    assert tf_debug.has_inf_or_nan(datum, np.array([1j * np.inf]))
    assert not tf_debug.has_inf_or_nan(datum, np.array([b"nan"], dtype=object))
    assert not tf_debug.has_inf_or_nan(datum, np.array([1.0, 2.0]))


def hooked(script):
    """A hook whose debugger answers from a script."""
    hook = tf_debug.LocalCLIDebugHook()
    hook._debugger = script.debugger
    return hook


def test_a_hook_stops_in_the_runs_of_a_monitored_session():
    x, _, loss, train = model()
    step = tf.train.get_or_create_global_step()
    counts = tf.assign_add(step, 1)
    script = Script("until layer/y", "print layer/y", "continue", "go")
    hooks = [hooked(script), tf.train.StopAtStepHook(last_step=2)]
    with tf.train.MonitoredTrainingSession(hooks=hooks) as sess:
        while not sess.should_stop():
            value, _, _ = sess.run([loss, train, counts], {x: [[1.0, 2.0]]})
    assert value == pytest.approx(np.log(3.0 - 0.5 * 5 / 3), rel=1e-5)
    assert "[[3.]]" in script.answer("print layer/y")
    runs = [said for said in script.said if said.startswith("--- run ")]
    assert [said.partition(":")[0] for said in runs] == ["--- run 1", "--- run 2"]
    assert "loss:0" in runs[0]


def test_a_hooks_run_that_fails_leaves_the_session_as_it_was():
    y = tf.log(tf.placeholder(tf.float32, name="x"))
    script = Script("go 1", "go 1")
    with tf.train.MonitoredSession(hooks=[hooked(script)]) as sess:
        inside = sess._tf_sess()
        with pytest.raises(tf.errors.InvalidArgumentError, match="must feed a value"):
            sess.run(y)
        assert "run" not in vars(inside)
        assert sess.run(y, {"x:0": 1.0}) == 0.0
