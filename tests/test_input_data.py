"""MNIST as a script sees it: IDX files, `DataSet.next_batch`, `read_data_sets`, the sample."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minitf.examples.tutorials.mnist import cache, fetch, idx, input_data, make_sample, sources
from minitf.framework import dtypes, random_seed
from minitf.framework.graph import Graph

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture
def sample_only(monkeypatch, tmp_path):
    """Where the data can only come from the package; returns an empty train_dir."""
    monkeypatch.setenv("MINITF_OFFLINE", "1")
    monkeypatch.delenv("MNIST_DIR", raising=False)
    return tmp_path / "MNIST_data"


@pytest.fixture(scope="session")
def full():
    """The full data: the cache's, or what the wheel is converted to (a fault there must show)."""
    try:
        return sources.read_cache(cache.folder())
    except cache.Unavailable:
        pass
    try:
        files = fetch.wheel()
    except cache.Damaged:
        raise
    except cache.Unavailable as why:
        pytest.skip(f"the full MNIST is neither in the cache nor to be had with pip: {why}")
    return sources.Digits.decode(files)


def pictures(count, rows=2, columns=3):
    """Images each of which shows its own number, so that no two are equal."""
    pixels = np.zeros([count, rows, columns, 1], np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count)
    return pixels


# --- the file format


@given(shape=st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 4)))
def test_images_survive_the_file(shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    found = idx.images(idx.encode(pixels), "a")
    assert found.dtype == np.uint8 and found.shape == (*shape, 1)
    np.testing.assert_array_equal(found[..., 0], pixels)


def test_header_is_big_endian():
    data = idx.encode(np.full([2, 3, 1], 9, np.uint8))
    assert data == bytes.fromhex("00000803 00000002 00000003 00000001") + b"\x09" * 6
    assert idx.encode(np.array([7], np.uint8)) == bytes.fromhex("00000801 00000001 07")


IMAGES = idx.encode(np.arange(24, dtype=np.uint8).reshape(4, 3, 2))
LABELS = idx.encode(np.array([5, 0, 4, 1], np.uint8))


@pytest.mark.parametrize(
    ("read", "data", "complaint"),
    [
        (idx.images, LABELS + bytes(9), r"magic number 2049 in MNIST image file: f.*label file"),
        (idx.labels, IMAGES, r"magic number 2051 in MNIST label file: f.*image file"),
        (idx.images, b"\0" * 20, r"Invalid magic number 0 .* must be 2051"),
        (idx.labels, struct.pack("<II", 2049, 1) + b"\5", r"Invalid magic number 17301504 "),
        (idx.images, IMAGES[:15], r"f has 15 bytes, too few"),
        (idx.labels, b"", r"f has 0 bytes, too few"),
        (idx.images, IMAGES[:-1], r"f is cut short.* 4 items, 24 bytes, but 23 bytes follow"),
        (idx.labels, LABELS[:-1], r"f is cut short.* 4 items, 4 bytes, but 3 bytes follow"),
        (idx.images, IMAGES + b"x", r"f has bytes left over.* 24 bytes, but 25 bytes follow"),
        (idx.labels, LABELS + b"xy", r"f has bytes left over.* 4 bytes, but 6 bytes follow"),
        (idx.images, struct.pack(">4I", 2051, 2**32 - 1, 2**31, 2**31), r"f is cut short"),
    ],
)
def test_broken_idx_is_told(read, data, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(data, "f")


def test_broken_gzip_is_told():
    whole = gzip.compress(IMAGES)
    assert idx.decompress(whole, "f") == IMAGES
    with pytest.raises(ValueError, match=r"f is cut short: .* after 30 bytes"):
        idx.decompress(whole[:30], "f")
    (checksum,) = struct.unpack("<I", whole[-8:-4])
    assert checksum == zlib.crc32(IMAGES)
    with pytest.raises(ValueError, match="f is damaged: CRC"):
        idx.decompress(whole[:-8] + struct.pack("<I", checksum ^ 1) + whole[-4:], "f")
    with pytest.raises(ValueError, match="f is damaged"):
        idx.decompress(whole[:10] + b"\xff" * 40, "f")


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_extract_from_path_and_file(tmp_path, wrap):
    (tmp_path / "i").write_bytes(wrap(IMAGES))
    (tmp_path / "l").write_bytes(wrap(LABELS))
    expected = np.arange(24).reshape(4, 3, 2, 1)
    np.testing.assert_array_equal(input_data.extract_images(tmp_path / "i"), expected)
    np.testing.assert_array_equal(input_data.extract_images(str(tmp_path / "i")), expected)
    with open(tmp_path / "i", "rb") as file:
        np.testing.assert_array_equal(input_data.extract_images(file), expected)
    labels = input_data.extract_labels(io.BytesIO(wrap(LABELS)))
    assert labels.dtype == np.uint8 and labels.tolist() == [5, 0, 4, 1]
    one_hot = input_data.extract_labels(tmp_path / "l", one_hot=True, num_classes=6)
    assert one_hot.shape == (4, 6) and one_hot.argmax(1).tolist() == [5, 0, 4, 1]
    with pytest.raises(ValueError, match=f"label file: {re.escape(str(tmp_path / 'i'))}"):
        input_data.extract_labels(tmp_path / "i")


def test_dense_to_one_hot():
    one_hot = input_data.dense_to_one_hot(np.array([2, 0, 1], np.uint8), 3)
    assert one_hot.dtype == np.float64
    assert one_hot.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    for labels, culprit in ([0, 3], "Label 3 at position 1"), ([-1], "Label -1 at position 0"):
        with pytest.raises(ValueError, match=rf"{culprit} is not in \[0, 3\)"):
            input_data.dense_to_one_hot(np.array(labels), 3)


# --- DataSet


def test_images_are_scaled_and_flattened():
    pixels = np.arange(256, dtype=np.uint8).reshape(64, 2, 2, 1)
    labels = np.zeros(64, np.uint8)
    scaled = input_data.DataSet(pixels, labels).images
    assert scaled.dtype == np.float32 and scaled.shape == (64, 4)
    expected = pixels.reshape(64, 4).astype(np.float32) * np.float32(1.0 / 255.0)
    np.testing.assert_array_equal(scaled, expected)
    kept = input_data.DataSet(pixels, labels, dtype=dtypes.uint8, reshape=False).images
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept, pixels)


@pytest.mark.parametrize("dtype", [dtypes.float32, np.float32, "float32", "float", float])
def test_dtype_may_be_named_in_any_way(dtype):
    assert input_data.DataSet(pictures(1), np.zeros(1), dtype=dtype).images.dtype == np.float32


def test_wrong_arguments_are_told(sample_only):
    with pytest.raises(TypeError, match=r"Invalid image dtype tf.float64, expected uint8 or"):
        input_data.DataSet(pictures(1), np.zeros(1), dtype=dtypes.float64)
    with pytest.raises(TypeError, match="Invalid image dtype"):
        input_data.read_data_sets(sample_only, dtype="int32")
    with pytest.raises(ValueError, match=r"3 images but 4 labels: .*\(3, 2, 3, 1\).*\(4,\)"):
        input_data.DataSet(pictures(3), np.zeros(4))
    with pytest.raises(ValueError, match=r"\[count, rows, columns, 1\], but have \(3, 6\)"):
        input_data.DataSet(pictures(3).reshape(3, 6), np.zeros(3))
    with pytest.raises(ValueError, match=r"must not be negative\. Received: -1"):
        input_data.DataSet(pictures(3), np.zeros(3)).next_batch(-1)
    with pytest.raises(TypeError):
        input_data.DataSet(pictures(3), np.zeros(3)).next_batch(2.0)
    with pytest.raises(ValueError, match="no examples"):
        input_data.DataSet(pictures(0), np.zeros(0)).next_batch(1)


def expected_batches(count, seed, calls):
    """What `next_batch` means, told as one stream of numbers that is cut into batches.

    Each epoch is one ordering of all numbers, made from the one before it when the stream first
    needs it: shuffled if the batch that needs it asks for that. Only the very first epoch is made
    afresh by each batch that begins it (batches of no examples can do so several times).
    """
    random = np.random.RandomState(seed)
    epochs = [list(range(count))]
    stream, used, result = [], 0, []

    def add_epoch(shuffled):
        order = list(range(count))
        if shuffled:
            random.shuffle(order)
        epochs.append([epochs[-1][place] for place in order])

    for size, shuffle in calls:
        if used == 0 and shuffle:
            add_epoch(True)
        if not stream and size:
            stream += epochs[-1]
        while len(stream) < used + size:
            add_epoch(shuffle)
            stream += epochs[-1]
        result.append((stream[used : used + size], max(len(stream) // count - 1, 0)))
        used += size
    return result


@settings(deadline=None)
@given(
    count=st.integers(1, 9),
    seed=st.integers(0, 99),
    calls=st.lists(st.tuples(st.integers(0, 22), st.booleans()), max_size=12),
)
def test_next_batch_over_epoch_borders(count, seed, calls):
    data = input_data.DataSet(pictures(count), np.arange(count), dtype="uint8", seed=seed)
    for (size, shuffle), (numbers, epochs) in zip(calls, expected_batches(count, seed, calls)):
        images, labels = data.next_batch(size, shuffle=shuffle)
        assert labels.tolist() == numbers
        assert images.shape == (size, 6)
        assert images[:, 0].tolist() == numbers  # each image stays with its label
        assert data.epochs_completed == epochs
        assert data.images[:, 0].tolist() == data.labels.tolist()
        assert sorted(data.labels.tolist()) == list(range(count))


def test_border_itself_belongs_to_the_old_epoch():
    data = input_data.DataSet(pictures(4), np.arange(4), seed=1)
    data.next_batch(4)
    assert data.epochs_completed == 0
    data.next_batch(1)
    assert data.epochs_completed == 1


def test_shuffling_is_numpys_own():
    data = input_data.DataSet(pictures(10), np.arange(10), seed=3)
    order = np.arange(10)
    np.random.RandomState(3).shuffle(order)
    assert data.next_batch(10)[1].tolist() == order.tolist()


def test_seeds():
    def first_batch(seed=None):
        return input_data.DataSet(pictures(50), np.arange(50), seed=seed).next_batch(20)[1].tolist()

    assert first_batch(5) == first_batch(5) != first_batch(6)
    assert first_batch() != first_batch()
    with Graph().as_default():
        random_seed.set_random_seed(5)
        assert first_batch() == first_batch() == first_batch(5) != first_batch(6)
        # the reading has not taken a random op's place, which would change the weights
        assert random_seed.get_seed(None) == (5, 0)


def test_fake_data():
    parts = input_data.read_data_sets("nowhere", fake_data=True, one_hot=True)
    assert parts._fields == ("train", "validation", "test")
    assert [part.num_examples for part in parts] == [10000] * 3
    images, labels = parts.train.next_batch(2, fake_data=True)
    assert images == [[1] * 784] * 2 and labels == [[1] + [0] * 9] * 2
    images, labels = input_data.read_data_sets("nowhere", fake_data=True).test.next_batch(3)
    assert images == [[1] * 784] * 3 and labels == [0, 0, 0]


# --- read_data_sets on the sample


def test_sample_as_data_sets(sample_only, capsys):
    mnist = input_data.read_data_sets(sample_only, one_hot=True)
    assert [part.num_examples for part in mnist] == [5500, 500, 1000]
    assert mnist.train.images.shape == (5500, 784) and mnist.train.images.dtype == np.float32
    assert mnist.train.labels.shape == (5500, 10) and mnist.train.labels.dtype == np.float64
    assert mnist.train.images.min() == 0.0 and mnist.train.images.max() == 1.0
    assert mnist.test.images.mean() == pytest.approx(0.13, abs=0.01)  # of all digits: 0.1325
    assert mnist.validation.labels.argmax(1)[:5].tolist() == [5, 0, 4, 1, 9]
    assert "uses the sample" in capsys.readouterr().err
    assert not sample_only.exists()


def test_sample_with_every_choice(sample_only):
    mnist = input_data.read_data_sets(
        str(sample_only), dtype=dtypes.uint8, reshape=False, validation_size=0, seed=4
    )
    assert [part.num_examples for part in mnist] == [6000, 0, 1000]
    assert mnist.train.images.shape == (6000, 28, 28, 1) and mnist.train.images.dtype == np.uint8
    assert mnist.train.labels.dtype == np.uint8
    assert np.bincount(mnist.train.labels).tolist() == [600] * 10
    assert np.bincount(mnist.test.labels).tolist() == [100] * 10
    again = input_data.read_data_sets(sample_only, validation_size=0, seed=4)
    np.testing.assert_array_equal(mnist.test.labels, again.test.labels)
    # One global generator, seeded thrice: a batch of one part is drawn as the first of them all.
    expected = np.arange(6000)
    np.random.RandomState(4).shuffle(expected)
    labels = again.train.labels[expected][:50]
    np.testing.assert_array_equal(again.train.next_batch(50)[1], labels)


@pytest.mark.parametrize("size", [-1, 6001])
def test_validation_size_out_of_range(sample_only, size):
    with pytest.raises(ValueError, match=rf"between 0 and 6000\. Received: {size}\."):
        input_data.read_data_sets(sample_only, validation_size=size)


def test_validation_size_at_its_limits(sample_only):
    mnist = input_data.read_data_sets(sample_only, validation_size=6000)
    assert [part.num_examples for part in mnist] == [0, 6000, 1000]


def test_load_mnist(sample_only):
    assert input_data.load_mnist(sample_only).test.labels.shape == (1000,)


def test_sample_is_the_one_that_its_notice_describes():
    notice = (sources.SAMPLE / "README.md").read_text()
    assert "CC BY-SA 3.0" in notice
    for name, original in sources.ORIGINALS.items():
        assert f"| {name} | {original.size:,} | {original.sha256} |" in notice
        data = gzip.decompress((sources.SAMPLE / f"{name}.gz").read_bytes())
        assert f"| {name} | {len(data):,} | {hashlib.sha256(data).hexdigest()} |" in notice
    assert sum(path.stat().st_size for path in sources.SAMPLE.iterdir()) < 1_500_000


def test_choice_of_the_sample():
    labels = np.array([3, 7, 7, 3, 7, 3, 7, 7, 3], np.uint8)  # 3 at 0 3 5 8, 7 at 1 2 4 6 7
    assert make_sample.choose(labels, 2).tolist() == [0, 1, 4, 5]
    assert make_sample.choose(labels, 4).tolist() == [0, 1, 2, 3, 4, 5, 6, 8]


# --- the full data


@pytest.mark.network
def test_full_data(full):
    assert np.bincount(full.train_labels).tolist() == TRAIN_COUNTS
    assert np.bincount(full.test_labels).tolist() == TEST_COUNTS
    assert full.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert full.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert full.train_images.shape == (60000, 28, 28, 1)
    assert full.test_images.shape == (10000, 28, 28, 1)
    assert sources.is_original(full)


@pytest.mark.network
def test_sample_can_be_made_again(full):
    for name, data in make_sample.make(full).items():
        assert gzip.decompress((sources.SAMPLE / f"{name}.gz").read_bytes()) == data


@pytest.mark.network
def test_full_data_sets(full, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "load", lambda *where: full)
    mnist = input_data.read_data_sets(tmp_path)
    assert [part.num_examples for part in mnist] == [55000, 5000, 10000]
    np.testing.assert_array_equal(mnist.validation.labels, full.train_labels[:5000])
    np.testing.assert_array_equal(mnist.train.labels, full.train_labels[5000:])
    assert Path(tmp_path).is_dir()
