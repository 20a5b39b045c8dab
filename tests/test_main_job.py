"""The main job: the tutorial's CNN on all of MNIST. It takes minutes: `make test-network`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.network
def test_the_cnn_reaches_99_percent_within_three_epochs(tmp_path):
    """From an empty folder, as `make mnist` does it, but with a cache of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MINITF_OFFLINE", "MNIST_DIR")}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    environment["TQDM_DISABLE"] = "1"
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "04_mnist_cnn.py")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if "sample" in done.stderr.lower():
        pytest.skip(f"all of MNIST cannot be reached from here: {done.stderr.strip()}")
    found = re.search(r"test accuracy on 10000 digits: (\d\.\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    print(found.group(0))
    assert float(found.group(1)) >= 0.990
