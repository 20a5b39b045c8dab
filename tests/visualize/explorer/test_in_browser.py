"""The page in a real browser: it loads, and answers to the mouse, the keyboard and the slider."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import minitf as tf
from minitf.visualize import Explorer
from tests.browser import Browser
from tests.source_tree import ROOT

pytestmark = pytest.mark.browser

Open = Callable[[Explorer], Browser]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Open:
    """Opens an explorer's page, and waits for its graph."""

    def open_page(explorer: Explorer) -> Browser:
        path = tmp_path / "page.html"
        explorer.save(path)
        browser.open(path.as_uri())
        browser.until("the graph is drawn", "return document.querySelectorAll('.item').length > 0")
        return browser

    return open_page


@pytest.fixture
def training() -> Explorer:
    """A training step of a small convolutional network, and a run of its initializer."""
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 28, 28, 1], name="x")
    with tf.name_scope("conv"):
        w = tf.Variable(tf.truncated_normal([5, 5, 1, 8], stddev=0.1), name="W")
        b = tf.Variable(tf.zeros([8]), name="b")
        h = tf.nn.relu(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME") + b, name="h")
    with tf.name_scope("loss"):
        loss = tf.reduce_mean(tf.square(h - 1.0), name="mean")
    train = tf.train.AdamOptimizer(0.01).minimize(loss, name="train")
    explorer = Explorer("a small network")
    rng = np.random.RandomState(0)
    with tf.Session() as sess:
        init = tf.global_variables_initializer()
        sess.run(init)
        explorer.run(sess, [train, loss], {x: rng.uniform(size=(4, 28, 28, 1))}, "training")
        explorer.run(sess, init, title="initializer")
    return explorer


def example(name: str) -> ModuleType:
    """A script of examples/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def click(browser: Browser, selector: str) -> None:
    """A click of the mouse in the middle of the element."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    element = browser.driver.find_element(By.CSS_SELECTOR, selector)
    ActionChains(browser.driver).move_to_element(element).click().perform()


def press(browser: Browser, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser.driver).send_keys(*keys).perform()


def ids(browser: Browser) -> list[str]:
    """What is drawn."""
    found: list[str] = browser.run(
        "return [...document.querySelectorAll('.item')].map((each) => each.dataset.id)"
    )
    return found


def details(browser: Browser) -> str:
    text: str = browser.run("return document.getElementById('details').innerText")
    return text


def test_it_opens_with_the_layers_and_without_a_complaint(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    assert {"node:x", "conv", "loss", "gradients", "train"} <= set(ids(browser))
    assert "node:conv/h" not in ids(browser)
    assert browser.run("return document.title") == "a small network"
    assert browser.run("return document.getElementById('fetched').innerText").startswith("fetches")
    assert browser.console() == []


def test_a_scope_opens_and_closes_on_a_click(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    click(browser, '[data-id="conv"] .name')
    assert "node:conv/h" in ids(browser)
    assert details(browser).startswith("conv\n")
    click(browser, '[data-id="conv"] .name')
    assert "node:conv/h" not in ids(browser)


def test_a_selected_node_shows_its_value_its_line_and_its_kernel(
    opened: Open, training: Explorer
) -> None:
    browser = opened(training)
    click(browser, '[data-id="conv"] .name')
    click(browser, '[data-id="node:conv/h"] .name')
    text = details(browser)
    assert text.startswith("conv/h\n")
    assert "float32 (4, 14, 14, 8)" in text
    assert "8 of 8 channels of the first image" in text
    assert "Its gradient added\ngradients/conv/h_grad/ReluGrad" in text
    assert 'name="h"' in text
    shown = browser.run("const i = document.querySelector('figure img'); return i.naturalWidth")
    assert shown == 44  # three images of 14 and two gaps
    click(browser, '[role=tab][data-key="kernel"]')
    assert "def relu_kernel(" in details(browser)
    click(browser, '[role=tab][data-key="gradient"]')
    assert "def relu_gradient(" in details(browser)
    assert browser.run("return document.querySelectorAll('.links path').length") >= 2
    assert browser.console() == []


def test_the_slider_lights_nodes_in_their_order(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    count = len(training.recordings[0].moments)
    browser.run("view.setAll(true)")
    slide = """
        const time = document.getElementById('time');
        time.value = arguments[0];
        time.dispatchEvent(new Event('input'));
        const states = {};
        for (const each of document.querySelectorAll('.node')) {
          states[each.dataset.id] = ['todo', 'now', 'done'].find((s) => each.classList.contains(s));
        }
        return states;
    """
    order = [f"node:{moment.op.name}" for moment in training.recordings[0].moments]
    for time in (0, count // 2, count - 1):
        states = browser.run(slide, time)
        assert [states[each] for each in order] == [
            "done" if i < time else "now" if i == time else "todo" for i in range(count)
        ]
        name = order[time].removeprefix("node:")
        assert browser.run("return document.getElementById('now').innerText").endswith(name)
        assert details(browser).startswith(name)


def test_closed_scopes_show_how_far_they_are(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    widths = []
    for time in (0, len(training.recordings[0].moments) - 1):
        browser.run("setTime(arguments[0])", time)
        script = (
            'return Number(document.querySelector(\'[data-id="conv"] .bar\').getAttribute("width"))'
        )
        widths.append(browser.run(script))
    assert widths[0] == 0
    assert widths[1] > 50


def test_search_finds_and_reveals(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    press(browser, "/", "relugrad")
    found = browser.until(
        "the list is there",
        "return [...document.querySelectorAll('#found [data-number]')].map((e) => e.innerText)",
    )
    assert len(found) == 1
    press(browser, "\ue007")  # Enter
    assert details(browser).startswith("gradients/conv/h_grad/ReluGrad")
    selected = "return document.querySelector('.node.selected').dataset.id"
    assert browser.run(selected) == "node:gradients/conv/h_grad/ReluGrad"
    inside = browser.run(
        "const a = document.querySelector('.node.selected').getBoundingClientRect();"
        "const b = document.getElementById('graph').getBoundingClientRect();"
        "return a.left > b.left && a.right < b.right && a.top > b.top && a.bottom < b.bottom"
    )
    assert inside
    press(browser, "/", "no such thing")
    browser.until(
        "nothing is found",
        "return document.getElementById('found').innerText.includes('no such node')",
    )


def test_keys(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    now = "return document.getElementById('now').innerText"
    press(browser, "\ue011")  # Home
    assert browser.run(now).startswith("1 / ")
    press(browser, "\ue014", "\ue014")  # right
    assert browser.run(now).startswith("3 / ")
    press(browser, "\ue012")  # left
    assert browser.run(now).startswith("2 / ")
    press(browser, "o")
    assert "node:conv/h" in ids(browser)
    press(browser, "c")
    assert "node:conv/h" not in ids(browser)
    theme = "return document.documentElement.dataset.theme"
    before = browser.run(theme)
    press(browser, "d")
    assert {before, browser.run(theme)} == {"dark", "light"}
    press(browser, "\ue00c")  # Escape
    assert details(browser).startswith("training\n")
    browser.run("document.querySelector('[data-id=\"conv\"]').focus()")
    press(browser, "\ue007")
    assert "node:conv/h" in ids(browser)
    assert browser.run("return document.activeElement.dataset.id") == "conv"
    press(browser, "?")
    assert browser.run("return document.getElementById('keys').open")


def test_it_plays_to_the_end(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    click(browser, "#play")
    browser.until("it plays", "return state.time > 0 && state.timer !== null")
    browser.run("setTime(state.run.moments.length - 3)")
    browser.until("it stops at the end", "return state.timer === null")
    assert browser.run("return state.time") == len(training.recordings[0].moments) - 1


def test_another_run_can_be_chosen(opened: Open, training: Explorer) -> None:
    browser = opened(training)
    browser.run(
        "const runs = byId('runs'); runs.value = 1; runs.dispatchEvent(new Event('change'))"
    )
    assert details(browser).startswith("initializer\n")
    assert "gradients" not in ids(browser)
    assert browser.console() == []


def test_a_failure_is_shown_where_it_happened(opened: Open) -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.reshape(tf.exp(x), [2, 2], name="y")
    explorer = Explorer("a failure")
    with tf.Session() as sess:
        explorer.run(sess, tf.add_n([tf.constant(1.0) + float(n) for n in range(9)]))
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError):
        explorer.run(sess, y, {x: [1.0, 2.0, 3.0]})
    browser = opened(explorer)
    assert details(browser).startswith("y\n")
    press(browser, "\ue00c")  # Escape
    failed = "return [...document.querySelectorAll('.failed')].map((each) => each.dataset.id)"
    browser.run("view.setAll(true)")
    assert browser.run(failed) == ["node:y"]
    click(browser, "#error")
    assert details(browser).startswith("y\n")
    assert "here the run failed" in details(browser)
    assert "test_in_browser.py, line " in details(browser)
    assert browser.console() == []


def test_names_are_shown_as_text_and_never_run(opened: Open) -> None:
    x = tf.constant(["<img src=x onerror=window.broken=1>"], name="x")
    explorer = Explorer("<i>title</i>")
    with tf.Session() as sess:
        explorer.run(sess, tf.identity(x, name="y"), title="<img src=x onerror=window.broken=1>")
    browser = opened(explorer)
    browser.run("choose(view.tree.leaves.get(0))")
    assert "<img" in details(browser)
    assert browser.run("return window.broken === undefined")
    assert browser.run("return document.getElementById('title').innerText") == "<i>title</i>"


def test_a_large_graph_without_scopes_is_drawn_all_the_same(opened: Open) -> None:
    """For so many links in one scope dagre would take minutes."""
    value = tf.placeholder(tf.float32, [4], name="x")
    values = [value]
    for number in range(400):
        value = tf.add(value, values[number // 2], name=f"a{number}")
        values.append(value)
    explorer = Explorer("large")
    with tf.Session() as sess:
        explorer.run(sess, value, {values[0]: np.ones(4)})
    browser = opened(explorer)
    assert len(ids(browser)) == 401
    boxes = browser.run(
        "return [...view.drawn.values()].map(({ item, box }) => [item.name, box.x, box.y])"
    )
    rows = {name: y for name, _, y in boxes}
    assert all(rows[f"a{n}"] < rows[f"a{n + 1}"] for n in range(399))
    assert browser.console() == []


# How long the page takes to answer, in milliseconds until everything is laid out: the median.
MEASURE = """
    const done = arguments[0];
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    const actions = {
      select: (i) => details.actions.select(state.run.nodes[20 * i]),
      slide: (i) => setTime(30 * i),
      search: (i) => search(['conv', 'grad', 'matmul', 'adam', 'x'][i]),
      toggle: () => view.activate(document.querySelector('[data-id="conv1"]')),
      zoom: () => view.zoom(1.1),
      'open all': () => view.setAll(true),
    };
    (async () => {
      const taken = {};
      for (const [name, action] of Object.entries(actions)) {
        const times = [];
        for (let i = 0; i < 5; i++) {
          await pause();
          const start = performance.now();
          action(i);
          document.body.getBoundingClientRect();
          times.push(performance.now() - start);
        }
        taken[name] = times.sort((a, b) => a - b)[2];
      }
      done(taken);
    })();
"""


def test_the_page_of_the_cnn_is_small_and_answers(opened: Open, tmp_path: Path) -> None:
    """How fast it answers is printed, not asserted: that depends on what else the machine does."""
    cnn = example("04_mnist_cnn")
    x, y_, keep_prob, loss, train, accuracy = cnn.build_model(1e-3, steps=100)
    rng = np.random.RandomState(0)
    images, labels = rng.uniform(size=(50, 784)), np.eye(10)[rng.randint(10, size=50)]
    explorer = Explorer("the CNN")
    with tf.Session() as sess:
        explorer.run(sess, tf.global_variables_initializer(), title="first values")
        explorer.run(sess, [loss, train], {x: images, y_: labels, keep_prob: 0.5}, "training")
        explorer.run(sess, accuracy, {x: images, y_: labels, keep_prob: 1.0}, "test")
    browser = opened(explorer)
    size = (tmp_path / "page.html").stat().st_size
    assert size < 5_000_000
    assert browser.run("return state.run.title") == "training"
    taken = browser.driver.execute_async_script(MEASURE)
    print(f"{size / 1e6:.2f} MB;", *(f"{name} {time:.0f} ms," for name, time in taken.items()))
    assert len(ids(browser)) > 200  # everything is open now
    assert browser.console() == []
