"""A tiny set in MNIST's format, and a server that can pass for a mirror of it."""

from __future__ import annotations

import gzip
import http.server
import threading

import numpy as np

from minitf.examples.tutorials.mnist import idx, sources


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
