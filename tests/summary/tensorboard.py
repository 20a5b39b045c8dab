"""The real TensorBoard, started on a folder of events."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.browser import DEADLINE, Browser

START_DEADLINE = 180.0


@contextlib.contextmanager
def tensorboard(log_dir: Path) -> Iterator[str]:
    """Serves a folder on a port that the system chooses; gives the address.

    The folder is named without its path, since that is what the pages show.

    Raises:
      AssertionError: if it does not start; with all that it has said.
    """
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={log_dir.name}"]
    options = ["--host=127.0.0.1", "--port=0", "--reload_interval=1"]
    with subprocess.Popen(
        [*command, *options],
        cwd=log_dir.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        killer = threading.Timer(START_DEADLINE, process.kill)  # which ends the reading, too
        killer.start()
        try:
            said: list[str] = []
            address = None
            for line in process.stderr:
                said.append(line)
                address = re.search(r"http://\S+", line)
                if address:
                    break
            assert address, "TensorBoard did not start:\n" + "".join(said)
            killer.cancel()
            # Somebody has to read what it goes on saying.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield address.group()
        finally:
            killer.cancel()
            process.kill()


def wait_for(what: str, condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Waits until a condition holds, which may fail meanwhile because the answer is not there.

    Raises:
      AssertionError: if that is not so in time; with `what`, which says what is waited for.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.2)
    raise AssertionError(f"not in {seconds:g} s: {what}")


# ---- what is on its pages: functions in JavaScript, and what a user does

# All elements that a selector finds, also inside of components.
DEEP = """
const deep = (selector, root = document) => [
    ...root.querySelectorAll(selector),
    ...[...root.querySelectorAll('*')].filter(e => e.shadowRoot)
        .flatMap(e => deep(selector, e.shadowRoot)),
];
"""

# The colours of the curves of a tag; a curve of more than one point has a long path.
CURVES = f"""{DEEP}
const curves = tag => [...new Set(
    deep('tf-scalar-card').filter(card => card.tag == tag)
        .flatMap(card => deep('path.line', card.shadowRoot))
        .filter(path => path.getAttribute('d').length > 50)
        .map(path => path.getAttribute('stroke')))];
"""

# By run, how many histograms there are of a tag.
HISTOGRAMS = f"""{DEEP}
const histograms = tag => Object.fromEntries(
    deep('tf-histogram-loader').filter(card => card.tag == tag)
        .map(card => [card.run, deep('.histogram', card.shadowRoot).length]));
"""

# The names of the boxes in the graph.
GRAPH_NODES = f"""{DEEP}
const nodes = () => deep('g.node').map(node => node.getAttribute('data-name'));
"""

# The sizes of the images that are loaded.
IMAGES = f"""{DEEP}
const images = () => deep('tf-image-loader').flatMap(card => deep('img', card.shadowRoot))
    .filter(image => image.complete && image.naturalWidth)
    .map(image => [image.naturalWidth, image.naturalHeight]);
"""


def open_page(browser: Browser, address: str, page: str, options: str = "") -> None:
    """Opens one of its pages: "scalars", "graphs" ..., once the events have been read."""
    browser.open(f"{address}#{page}{options}")
    browser.until(
        f"TensorBoard has found something to show on {page}",
        f"return fetch('data/plugins_listing').then(r => r.json()).then(p => p.{page}.enabled)",
    )
    browser.driver.refresh()


# Whether a box in the graph has not moved for a second: when it is drawn, it slides into place.
_STANDS_STILL = f"""{DEEP}
const place = JSON.stringify(
    deep('g.node[data-name="' + arguments[0] + '"] > .nodeshape rect')[0].getBoundingClientRect());
if (place != window.place) [window.place, window.since] = [place, Date.now()];
return Date.now() - window.since > 1000;
"""


def open_scope(browser: Browser, name: str) -> None:
    """Double-clicks on a box in the graph, and waits until it is open."""
    from selenium.webdriver.common.action_chains import ActionChains

    opened = f"{GRAPH_NODES} return nodes().some(node => node.startsWith('{name}/'))"
    for _ in range(3):  # a box that begins to slide again is missed
        browser.until(f"{name} stands still", _STANDS_STILL, name)
        box = f"{DEEP} return deep('g.node[data-name=\"{name}\"] > .nodeshape rect')[0]"
        ActionChains(browser.driver).double_click(browser.run(box)).perform()
        with contextlib.suppress(AssertionError):
            browser.until(f"{name} opens", opened, seconds=40)
            return
    raise AssertionError(f"{name} does not open")
