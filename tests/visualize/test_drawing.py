"""Drawings: what is in them, read off the DOT text; with Graphviz, that they become pictures."""

import importlib.util
import re
import shutil

import pytest

import minitf as tf
from minitf import visualize
from minitf.visualize import collapse
from tests.source_tree import ROOT
from tests.visualize.test_grouping import training_graph

HAS_DOT = shutil.which("dot") is not None


def links(drawing):
    return {(link.source.key, link.target.key): link.kind for link in drawing.view.links}


def box(drawing, key):
    """The attributes of one box, as DOT text."""
    (line,) = re.findall(rf'^\s*"?{re.escape(key)}"? \[(.*?)\]$', drawing.source, re.M | re.S)
    return line


def test_scopes_are_single_boxes_at_depth_one():
    training_graph()
    drawing = visualize.draw()
    keys = {*drawing.view.boxes}
    assert {"x", "layer/", "loss", "gradients/layer/", "Adam/"} <= keys
    assert not any(key.startswith("layer/w") for key in keys)
    assert links(drawing)["x", "layer/"] == "data"
    assert "MatMul · Relu" in box(drawing, "layer/")
    assert f"w 3{visualize.style.TIMES}2" in box(drawing, "layer/")


def test_every_node_is_there_at_full_depth():
    training_graph()
    drawing = visualize.draw(depth=None, initializers=True)
    assert {*drawing.view.boxes} == {op.name for op in tf.get_default_graph().get_operations()}
    assert drawing.view.hidden == 0


def test_each_level_opens_one_more_scope():
    with tf.name_scope("a"), tf.name_scope("b"):
        x = tf.constant(1.0, name="x")
        tf.identity(x, name="y")
    one, two, three = (set(visualize.draw(depth=d).view.boxes) for d in (1, 2, 3))
    assert one == {"a/"}
    assert two == {"a/b/"}
    assert three == {"a/b/x", "a/b/y"}
    assert visualize.draw(depth=3).source.count("subgraph") == 2


def test_expand_and_collapse():
    training_graph()
    drawing = visualize.draw(expand=["layer"], collapse=["gradients", "Adam"])
    assert {"layer/w", "layer/MatMul", "layer/y", "gradients/", "Adam/"} <= {*drawing.view.boxes}
    assert not any(key.startswith("gradients/l") for key in drawing.view.boxes)


def test_initializers_are_left_out_and_counted():
    training_graph()
    assert "layer/w/Assign" not in visualize.draw(depth=None).view.boxes
    drawing = visualize.draw()
    assert 0 < drawing.view.hidden < drawing.view.total
    assert f"{drawing.view.hidden} of them, which give variables their first values" in str(
        drawing.source
    )


def test_only_what_a_tensor_needs():
    a = tf.constant(1.0, name="a")
    tf.identity(a, name="not_needed")
    wanted = tf.negative(a, name="wanted")
    assert {*visualize.draw(wanted).view.boxes} == {"a", "wanted"}
    assert {*visualize.draw([wanted, "not_needed"]).view.boxes} == {"a", "wanted", "not_needed"}


def test_links_are_labelled_with_dtype_and_shape():
    x = tf.placeholder(tf.float32, [None, 784], name="x")
    y = tf.identity(x, name="y")
    tf.identity(tf.placeholder(tf.int64, name="z"), name="w")
    drawing = visualize.draw()
    assert f'label=" float32 ?{visualize.style.TIMES}784 "' in drawing.source
    assert 'label=" int64 of any shape "' in drawing.source
    assert "label=" not in visualize.draw(y, shapes=False).source.split("x -> y")[1].split("\n")[0]


def test_several_tensors_are_one_link():
    a, b = tf.constant(1.0), tf.constant(2)
    with tf.name_scope("from"):
        one, two = tf.identity(a), tf.identity(b)
    with tf.name_scope("to"):
        tf.group(tf.identity(one), tf.identity(two))
    assert '" 2 tensors "' in visualize.draw().source


def test_kinds_of_links():
    w = tf.Variable(1.0, name="w")
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.multiply(w, x, name="y")
    tf.train.GradientDescentOptimizer(0.1).minimize(y, name="train")
    with tf.control_dependencies([y]):
        tf.no_op("after")
    kinds = links(visualize.draw())
    assert kinds["x", "y"] == collapse.DATA
    assert kinds["gradients/grad_ys_0", "gradients/y_grad/"] == collapse.BACKWARD
    assert kinds["x", "gradients/y_grad/"] == collapse.KEPT
    assert kinds["gradients/y_grad/", "train/"] == collapse.APPLIED
    assert kinds["train/", "w"] == collapse.CHANGES
    assert kinds["y", "after"] == collapse.CONTROL
    line = next(line for line in visualize.draw().source.splitlines() if "y -> after" in line)
    assert "style=dashed" in line


def test_variables_placeholders_and_constants_look_different():
    tf.Variable(1.0, name="v")
    tf.placeholder(tf.float32, name="p")
    tf.identity(tf.constant(2.5, name="c"), name="i")
    drawing = visualize.draw()
    shapes = {k: re.search(r"shape=(\w+)", box(drawing, k)).group(1) for k in ("v", "p", "c", "i")}
    assert shapes == {"v": "cylinder", "p": "cds", "c": "ellipse", "i": "box"}
    assert ">c = 2.5<" in box(drawing, "c")


def test_parts_have_colours_and_a_legend():
    training_graph()
    drawing = visualize.draw()
    paints = visualize.style.PART
    assert paints["forward"].fill in box(drawing, "layer/")
    assert paints["gradient"].fill in box(drawing, "gradients/layer/")
    assert paints["update"].fill in box(drawing, "Adam/")
    legend = drawing.source[drawing.source.rindex("<TABLE") :]
    assert [name in legend for name in ("model", "gradients", "updates", "fed")] == [True] * 4


def test_devices_as_colours():
    with tf.device("/job:ps/task:0"):
        a = tf.constant(1.0, name="a")
    with tf.device("/job:worker/task:1"):
        tf.identity(a, name="b")
    with tf.name_scope("both"):
        tf.identity(a)
        with tf.device("/job:ps/task:0"):
            tf.identity(a)
    drawing = visualize.draw(color_by="device")
    first, second = visualize.style.DEVICES[:2]
    assert first.fill in box(drawing, "a") and second.fill in box(drawing, "b")
    assert f"{visualize.style.NO_DEVICE.fill}:{first.fill}" in box(drawing, "both/")
    assert "/job:worker/task:1" in drawing.source and "no device asked for" in drawing.source


def test_what_a_fetch_would_run_stands_out():
    a = tf.placeholder(tf.float32, name="a")
    b = tf.negative(a, name="b")
    c = tf.negative(b, name="c")
    tf.negative(c, name="d")
    drawing = visualize.draw(fetches=c, feeds=[b])
    faded = {k for k in "abcd" if visualize.style.FADED.fill in box(drawing, k)}
    assert faded == {"a", "d"}


def test_pieces_of_a_partitioned_graph_are_joined():
    ends = {
        "tensor_name": "edge_1",
        "send_device": "/job:ps",
        "recv_device": "/job:worker",
        "send_device_incarnation": 1,
        "client_terminated": False,
    }
    ps, worker = tf.Graph(), tf.Graph()
    with ps.as_default():
        value = tf.constant(1.0, name="w")
        ps.create_op(
            _declared("_Send(tensor: T) -> ()"), [value], [], {**ends, "T": tf.float32}, "Send"
        )
    with worker.as_default():
        received = worker.create_op(
            _declared("_Recv() -> (tensor: tensor_type)"), [], [tf.float32], dict(ends), "Recv"
        )
        tf.identity(received.outputs[0], name="w")
    drawing = visualize.draw({"/job:ps": ps, "/job:worker": worker})
    assert links(drawing)["/job:ps/Send", "/job:worker/Recv"] == collapse.SENT
    assert {"/job:ps/w", "/job:worker/w"} <= {*drawing.view.boxes}


def _declared(signature):
    """The op as minitf declares it, or a declaration of it for this test."""
    from minitf.framework import op_def

    name = signature.partition("(")[0]
    try:
        return op_def.get(name)
    except (KeyError, LookupError):
        attrs = "tensor_type: type" if "Recv" in name else "T: type"
        return op_def.OpDef(signature, attrs)


def test_a_variable_a_session_and_a_graph_def_can_be_drawn():
    v = tf.Variable(1.0, name="v")
    assert {*visualize.draw(v).view.boxes} == {"v"}
    assert {*visualize.draw(tf.get_default_graph().as_graph_def()).view.boxes} == {"v"}
    with tf.Session() as sess:
        assert {*visualize.draw(sess).view.boxes} == {"v"}


def test_names_that_mean_something_to_graphviz():
    tf.identity(tf.constant(1.0, name="a.b>c"), name="node")
    with tf.name_scope("edge"):
        tf.constant(1, name="x-y")
    drawing = visualize.draw(title="<b> & co")
    assert "&lt;b&gt; &amp; co" in drawing.source
    assert "a.b&gt;c" in drawing.source or ">1<" in drawing.source
    if HAS_DOT:
        assert drawing.render("svg").startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"depth": 0}, ValueError, "depth is a number of levels"),
        ({"color_by": "mood"}, ValueError, "color_by is 'part' or 'device'"),
        ({"direction": "north"}, ValueError, "direction is one of up, down"),
        ({"what": 3}, TypeError, "3 cannot be drawn"),
        ({"what": []}, TypeError, "cannot be drawn"),
        ({"what": "nothing"}, KeyError, "nothing"),
    ],
)
def test_wrong_arguments(arguments, error, words):
    tf.constant(1.0)
    with pytest.raises(error, match=words):
        visualize.draw(**arguments)


def test_dot_text_needs_no_graphviz(tmp_path, monkeypatch):
    tf.constant(1.0, name="one")
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = visualize.draw()
    path = drawing.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == drawing.source and path.endswith("graph.dot")
    assert drawing._repr_svg_() is None
    with pytest.raises(tf.errors.NotFoundError, match="needs the program 'dot'") as caught:
        drawing.save(tmp_path / "graph.svg")
    assert "apt install graphviz" in str(caught.value)
    assert not (tmp_path / "graph.svg").exists()


def test_an_unknown_ending_is_refused(tmp_path):
    tf.constant(1.0)
    with pytest.raises(ValueError, match=r"cannot be written to .*bmp"):
        visualize.draw().save(tmp_path / "graph.bmp")


@pytest.mark.skipif(not HAS_DOT, reason="without Graphviz the tests above read the DOT text")
@pytest.mark.parametrize("kind", [b"<?xml", b"\x89PNG", b"%PDF", b"digraph"])
def test_pictures(tmp_path, kind):
    training_graph()
    ending = {b"<?xml": "svg", b"\x89PNG": "png", b"%PDF": "pdf", b"digraph": "dot"}[kind]
    drawing = visualize.draw(depth=2)
    path = tmp_path / f"graph.{ending}"
    drawing.save(path)
    assert path.read_bytes().startswith(kind)
    if ending == "svg":
        text = path.read_text()
        assert "layer/MatMul" in text and text.count("<g id=") > len(drawing.view.boxes)


def test_a_drawing_says_what_it_is():
    tf.identity(tf.constant(1.0))
    assert repr(visualize.draw()) == "<minitf drawing: 2 boxes, 1 link>"


def test_the_pictures_of_the_documents_can_be_made():
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    drawings = pictures.small_pictures() | pictures.pictures_of_the_cnn()
    kept = {path.stem.removeprefix("graph-") for path in (ROOT / "docs/img").glob("graph-*.svg")}
    assert {*drawings} == kept
    assert len(drawings["cnn-training"].view.boxes) < 30  # of 338 nodes
