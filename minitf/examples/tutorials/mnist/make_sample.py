"""With this script one can make the sample of MNIST that lies in `third_party/mnist_sample`.

    python -m minitf.examples.tutorials.mnist.make_sample [--data FOLDER] [--target FOLDER]

The full data come from `--data`, or else from wherever `sources` finds them.

Of the n digits of a class, in the order of the file, it takes those at positions 0, n/k, 2n/k, ...
rounded down: k = 600 for training, 100 for testing. So each class is equally frequent and each
stretch of the file is represented (the second half of the test digits is the harder one). The
digits keep their order.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minitf.examples.tutorials.mnist import cache, idx, sources

PER_CLASS = {"train": 600, "t10k": 100}


def choose(labels: idx.Bytes, per_class: int) -> npt.NDArray[np.intp]:
    """Returns the sorted positions of `per_class` evenly spaced digits of each class.

    Example:

    >>> choose(np.array([1, 0, 0, 0, 1, 0, 1], np.uint8), 2)
    array([0, 1, 3, 4])
    """
    chosen = []
    for label in np.unique(labels):
        (positions,) = np.nonzero(labels == label)
        chosen.append(positions[np.arange(per_class) * len(positions) // per_class])
    return np.sort(np.concatenate(chosen))


def make(digits: sources.Digits) -> dict[str, bytes]:
    """Returns the four IDX files of the sample, by name."""
    files = {}
    for half, images, labels in (
        ("train", digits.train_images, digits.train_labels),
        ("t10k", digits.test_images, digits.test_labels),
    ):
        chosen = choose(labels, PER_CLASS[half])
        files[f"{half}-images-idx3-ubyte"] = idx.encode(images[chosen, :, :, 0])
        files[f"{half}-labels-idx1-ubyte"] = idx.encode(labels[chosen])
    return files


def main() -> None:
    """Writes the sample."""
    parser = argparse.ArgumentParser(description="Make the small sample of MNIST.")
    parser.add_argument("--data", type=Path, default=Path("MNIST_data"), help="the full data")
    parser.add_argument("--target", type=Path, default=sources.SAMPLE, help="where to write it")
    arguments = parser.parse_args()
    digits = sources.load(arguments.data)
    if digits.is_sample:
        raise SystemExit("The sample can only be made from the full data.")
    for name, data in make(digits).items():
        # No time stamp, so that the same digits always give the same file.
        archive = gzip.compress(data, compresslevel=9, mtime=0)
        cache.write(arguments.target / f"{name}.gz", archive)
        print(f"{len(archive):>9,} bytes, plain sha256 {hashlib.sha256(data).hexdigest()}  {name}")


if __name__ == "__main__":
    main()
