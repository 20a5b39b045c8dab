"""A user who has no data yet, and a server on this machine that is MNIST's only mirror.

The real data are too large for this: a tiny set counts as the original.
"""

from __future__ import annotations

import hashlib
import threading

import pytest
from tiny_mnist import Server, tiny_files

from minitf.examples.tutorials.mnist import cache, fetch, sources


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
    hashes = {
        name: sources.Original(len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    }
    monkeypatch.setattr(sources, "ORIGINALS", hashes)
    return files


@pytest.fixture
def mirror(original, serve, monkeypatch):
    server = serve(original)
    monkeypatch.setattr(sources, "MIRRORS", (server.url,))
    return server
