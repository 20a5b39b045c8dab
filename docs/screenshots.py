"""Takes the pictures of pages in docs/img: `make screenshots`.

It trains what the examples train, opens TensorBoard, or the page that `minitf trace` has written,
in a browser without a window, and keeps what is seen.

python docs/screenshots.py               # all of them
python docs/screenshots.py explorer      # those of the explorer; or: tensorboard
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ["MINITF_OFFLINE"] = "1"  # the sample in the package, so that the curves are the same

from PIL import Image  # noqa: E402

from tests.browser import Browser, chromium  # noqa: E402
from tests.summary.tensorboard import (  # noqa: E402
    CURVES,
    GRAPH_NODES,
    HISTOGRAMS,
    open_page,
    open_scope,
    tensorboard,
)
from tests.test_examples import run_example  # noqa: E402

FOLDER = ROOT / "docs" / "img"
STEPS = 500
LARGEST = 150_000  # bytes

# What a click does on the page of `minitf trace`.
SELECT = """
    const number = state.graph.nodes.findIndex((node) => node.name === arguments[0]);
    details.actions.select(number);
"""
OPEN = "view.toggle(view.tree.scopes.find((scope) => scope.id === arguments[0]));"


def take(browser: Browser, name: str, colours: int = 64) -> None:
    """Writes what is seen as a small PNG file."""
    time.sleep(2)  # lines and boxes slide into place
    seen = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    path = FOLDER / f"{name}.png"
    seen.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    assert size < LARGEST, f"{path} has {size} bytes"
    print(f"{path.relative_to(ROOT)}: {size} bytes")


def take_tensorboard() -> None:
    """The pages of TensorBoard on what examples/07_tensorboard.py writes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        where = ["--data_dir", folder / "data", "--log_dir", folder / "MNIST_logs"]
        run_example("07_tensorboard", "--steps", STEPS, *where)
        with (
            tensorboard(folder / "MNIST_logs") as address,
            chromium(folder / "browser", 1100, 1040) as browser,
        ):
            open_page(browser, address, "scalars")
            browser.until("curves", f"{CURVES} return curves('loss').length == 3")
            take(browser, "tensorboard-scalars")
            open_page(browser, address, "histograms", "&tagFilter=weights")
            browser.until(
                "histograms", f"{HISTOGRAMS} return histograms('hidden/weights')['rate_0.1'] > 0"
            )
            take(browser, "tensorboard-histograms")
            open_page(browser, address, "graphs")
            browser.until("boxes", f"{GRAPH_NODES} return nodes().length > 5")
            take(browser, "tensorboard-graph")
            open_scope(browser, "hidden")
            take(browser, "tensorboard-graph-open")


def take_explorer() -> None:
    """The pages that replay a training step of the CNN, and one of softmax regression."""
    with (
        tempfile.TemporaryDirectory() as temporary,
        chromium(Path(temporary) / "browser", 1440, 1000) as browser,
    ):
        open_replay(browser, Path(temporary), "03_mnist_softmax", "--steps", "320")
        browser.run("setTheme('light')")
        browser.run(SELECT, "W")
        browser.run("view.setAll(false)")
        take(browser, "explorer-softmax", colours=256)
        open_replay(browser, Path(temporary), "04_mnist_cnn", "--steps", "120")
        browser.run("setTheme('light')")
        browser.run(SELECT, "conv1/Relu")
        take(browser, "explorer", colours=256)
        browser.run("setTheme('dark')")
        browser.run(OPEN, "gradients")
        browser.run("view.fit(); setTime(arguments[0])", 130)
        take(browser, "explorer-dark", colours=256)


def open_replay(browser: Browser, folder: Path, example: str, *args: str) -> None:
    """Traces an example and opens the page that replays its hundredth training step."""
    page = folder / f"{example}.html"
    command = [sys.executable, "-m", "minitf", "trace", "--html", str(page), "--at", "100"]
    script = str(ROOT / "examples" / f"{example}.py")
    subprocess.run([*command, script, *args], cwd=ROOT, check=True, timeout=600)
    browser.open(page.as_uri())
    browser.until("the graph", "return document.querySelectorAll('.item').length > 5")


# By the names that the command line takes.
PICTURES = {"tensorboard": take_tensorboard, "explorer": take_explorer}


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PICTURES:
        PICTURES[chosen]()
