"""Takes the pictures of TensorBoard in docs/img: `make screenshots`.

It trains what examples/07_tensorboard.py trains, starts TensorBoard on it, opens its pages in a
browser without a window, and keeps what is seen.
"""

from __future__ import annotations

import io
import os
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


def take(browser: Browser, name: str) -> None:
    """Writes what is seen as a small PNG file."""
    time.sleep(2)  # lines and boxes slide into place
    seen = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    path = FOLDER / f"{name}.png"
    seen.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    assert size < LARGEST, f"{path} has {size} bytes"
    print(f"{path.relative_to(ROOT)}: {size} bytes")


def main() -> None:
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


if __name__ == "__main__":
    main()
