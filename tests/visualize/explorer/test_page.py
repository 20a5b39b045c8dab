"""The page's data: what it tells of a run is what happened, and it needs nothing from elsewhere."""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import re
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.visualize import Explorer, explore
from tests.source_tree import ROOT

THIRD_PARTY = ROOT / "minitf" / "visualize" / "third_party"


def data_of(explorer: Explorer) -> dict[str, Any]:
    """What the page's script reads."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', explorer.html)
    found: dict[str, Any] = json.loads(text)
    return found


def node(data: dict[str, Any], name: str, graph: int = 0) -> dict[str, Any]:
    (found,) = [each for each in data["graphs"][graph]["nodes"] if each["name"] == name]
    return found


def order_of(data: dict[str, Any], run: int = 0) -> list[str]:
    nodes = data["graphs"][data["runs"][run]["graph"]]["nodes"]
    return [nodes[moment[0]]["name"] for moment in data["runs"][run]["moments"]]


def value_of(data: dict[str, Any], name: str, run: int = 0) -> dict[str, Any]:
    (values,) = [
        moment[4]
        for moment, ran in zip(data["runs"][run]["moments"], order_of(data, run))
        if ran == name
    ]
    found: dict[str, Any] = values[0]
    return found


def layer() -> tuple[Any, Any]:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.name_scope("layer"):
        w = tf.Variable(tf.ones([3, 2]), name="W")
        return x, tf.nn.relu(tf.matmul(x, w, name="product"), name="y")


def test_every_node_is_told_in_the_order_in_which_it_ran() -> None:
    x, y = layer()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        explorer = explore(y, {x: [[1, 2, 3]]}, sess)
    data = data_of(explorer)
    assert order_of(data) == ["x", "layer/W", "layer/W/read", "layer/product", "layer/y"]
    times = [(start, start + took) for _, start, took, _, _ in data["runs"][0]["moments"]]
    assert all(end <= start + 0.2 for (_, end), (start, _) in itertools.pairwise(times))
    assert value_of(data, "layer/product")["some"] == [6, 6]
    assert value_of(data, "x")["shape"] == [1, 3]
    assert data["runs"][0]["fetches"] == ["layer/y:0"]


def test_a_node_is_told_with_its_place_links_and_line() -> None:
    x, y = layer()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        data = data_of(explore(y, {x: [[1, 2, 3]]}, sess))
    names = [each["name"] for each in data["graphs"][0]["nodes"]]
    product = node(data, "layer/product")
    assert product["type"] == "MatMul"
    assert product["path"] == ["layer"]
    assert product["inputs"] == [[names.index("x"), 0], [names.index("layer/W/read"), 0]]
    assert product["outputs"] == [["float32", "(?, 2)"]]
    assert node(data, "layer/W")["kind"] == "variable"
    assert node(data, "x")["kind"] == "given"
    file, line, function = product["frames"][0]
    assert function == "layer"
    assert data["files"][file]["path"].endswith("test_page.py")
    text = data["files"][file]["text"].splitlines()[line - 1]
    assert 'name="product"' in text


def test_kernels_and_gradients_come_with_their_source() -> None:
    with tf.Session():
        data = data_of(explore(tf.nn.relu(tf.constant([-1.0, 2.0]))))
    relu = data["types"]["Relu"]
    assert relu["signature"].startswith("Relu(features: T)")
    assert "def relu_kernel(" in relu["kernel"]["code"]
    assert "def " in relu["gradient"]["code"]
    source = (ROOT / relu["kernel"]["path"]).read_text().splitlines()
    assert source[relu["kernel"]["line"] - 1].strip() == relu["kernel"]["code"].splitlines()[0]


def test_gradient_nodes_name_the_node_that_they_belong_to() -> None:
    x, y = layer()
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        data = data_of(explore(train, {x: [[1, 2, 3]]}, sess))
    nodes = data["graphs"][0]["nodes"]
    by_forward: dict[str, list[str]] = {}
    for each in nodes:
        if "forward" in each:
            assert each["part"] == "gradient"
            by_forward.setdefault(nodes[each["forward"]]["name"], []).append(each["name"])
    assert by_forward["layer/y"] == ["gradients/layer/y_grad/ReluGrad"]
    assert "gradients/layer/product_grad/MatMul" in by_forward["layer/product"]
    assert node(data, "gradients/layer/y_grad/ReluGrad")["path"][0] == "gradients"
    assert {each["part"] for each in nodes} == {"forward", "gradient", "update"}


def test_a_recorded_run_is_a_run_as_any_other() -> None:
    def losses(is_recorded: bool) -> list[Any]:
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            x = tf.placeholder(tf.float32, [None, 5])
            hidden = tf.nn.dropout(tf.layers.dense(x, 4), 0.5)
            loss = tf.reduce_sum(tf.square(hidden))
            step = tf.train.AdamOptimizer().minimize(loss)
            explorer = Explorer()
            with tf.Session() as sess:
                run = (lambda *a: explorer.run(sess, *a)) if is_recorded else sess.run
                run(tf.global_variables_initializer())
                return [run([loss, step], {x: np.ones((3, 5))})[0] for _ in range(4)]

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-6)


def test_values_are_those_of_their_moment() -> None:
    """A variable is shown as it was when it was read, and again as it was left."""
    v = tf.Variable([1.0], name="v")
    read = tf.identity(v, name="before")
    with tf.control_dependencies([read]):
        add = tf.assign_add(v, [5.0], name="add")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        data = data_of(explore([read, add], session=sess))
    assert value_of(data, "v")["some"] == [1]
    assert value_of(data, "add")["some"] == [6]


def test_a_branch_that_is_not_taken_is_dead() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(x > 0.0, lambda: tf.exp(x, name="yes"), lambda: tf.sin(x, name="no"))
    with tf.Session() as sess:
        data = data_of(explore(y, {x: 1.0}, sess))
    dead = {name: moment[3] for moment, name in zip(data["runs"][0]["moments"], order_of(data))}
    assert dead["cond/no"] == 1
    assert dead["cond/yes"] == 0
    assert value_of(data, "cond/no") == {"kind": "dead"}


def test_a_run_that_fails_is_told_up_to_where_it_failed() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.reshape(tf.exp(x, name="e"), [2, 2], name="y")
    explorer = Explorer("a failure")
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError):
        explorer.run(sess, y, {x: [1.0, 2.0, 3.0]})
    data = data_of(explorer)
    run = data["runs"][0]
    assert order_of(data)[-1] == "y/shape"
    assert data["graphs"][0]["nodes"][run["failed"]]["name"] == "y"
    assert "3 values" in run["error"] or "[2, 2]" in run["error"]


def test_several_runs_and_graphs_share_a_page() -> None:
    explorer = Explorer("several")
    for _ in range(2):
        with tf.Graph().as_default(), tf.Session() as sess:
            x, y = layer()
            explorer.run(sess, tf.global_variables_initializer(), title="first values")
            explorer.run(sess, y, {x: [[1, 2, 3]]})
    data = data_of(explorer)
    assert [run["graph"] for run in data["runs"]] == [0, 0, 1, 1]
    assert [run["title"] for run in data["runs"]] == ["first values", "run 2"] * 1 + [
        "first values",
        "run 4",
    ]
    assert "layer/W/Assign" in order_of(data, 0)
    assert "layer/W/Assign" not in order_of(data, 1)
    assert len(data["files"]) == 1


def test_equal_pictures_are_kept_once() -> None:
    v = tf.Variable(tf.random_normal([3, 3, 1, 16]), name="v")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        data = data_of(explore(tf.identity(v, name="same"), session=sess))
    assert value_of(data, "v")["picture"]["png"] == value_of(data, "same")["picture"]["png"] == 0
    assert len(data["pictures"]) == 1


def test_pictures_do_not_outgrow_the_page(monkeypatch: Any) -> None:
    monkeypatch.setattr("minitf.visualize.explorer.page._MOST_PICTURE_BYTES", 3000)
    x = tf.placeholder(tf.float32, [64, 64])
    ys = [tf.sin(x + float(i)) for i in range(8)]
    with tf.Session() as sess:
        data = data_of(explore(ys, {x: np.random.normal(size=(64, 64))}, sess))
    assert sum(map(len, data["pictures"])) <= 3000


def test_what_a_script_says_cannot_break_the_page() -> None:
    x = tf.constant(["</script><script>alert(1)</script>", "<!--"], name="x")
    with tf.Session() as sess:
        explorer = explore(tf.identity(x), session=sess, title="<b>&\\1</b>")
    assert "<script>alert" not in explorer.html
    assert "<title>&lt;b&gt;&amp;\\1&lt;/b&gt;</title>" in explorer.html
    assert value_of(data_of(explorer), "x")["some"][0] == "</script><script>alert(1)</script>"


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    with tf.Session():
        html = explore(tf.constant(1.0) + 1.0).html
    without_data = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S)
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", without_data)
    assert not re.search(r"fetch\(|XMLHttpRequest|@import|url\((?!#)", without_data)
    addresses = set(re.findall(r"https?://[\w./]+", without_data))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_a_notebook_shows_the_page_in_a_frame() -> None:
    with tf.Session():
        explorer = explore(tf.constant(1.0) + 1.0)
    (page,) = re.findall(r'<iframe srcdoc="([^"]*)"', explorer._repr_html_())
    assert html.unescape(page) == explorer.html


def test_a_session_is_needed() -> None:
    with pytest.raises(ValueError, match="in a session"):
        explore(tf.constant(1.0))


def test_what_others_wrote_is_as_they_wrote_it() -> None:
    for source in THIRD_PARTY.glob("*/SOURCE.txt"):
        text = source.read_text()
        (path,) = re.findall(r"file:\s+\S+?([^/\s]+),", text)
        (sha256,) = re.findall(r"sha256:\s+(\w+)", text)
        assert hashlib.sha256((source.parent / path).read_bytes()).hexdigest() == sha256
        assert "MIT" in text
        assert (source.parent / "LICENSE").is_file()
    assert (THIRD_PARTY / "dagre" / "SOURCE.txt").is_file()
