"""With this module one can read MNIST and cut it into batches, as TF1's tutorials do.

    from minitf.examples.tutorials.mnist import input_data

    mnist = input_data.read_data_sets("MNIST_data/", one_hot=True)
    images, labels = mnist.train.next_batch(100)

`sources` tells where the data come from; `MNIST_DIR` and `MINITF_OFFLINE` are its switches.
"""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.examples.tutorials.mnist import cache, fetch, idx, sources
from minitf.framework import errors

SOURCE_URL = DEFAULT_SOURCE_URL = sources.SOURCE_URL

_FAKE_EXAMPLES = 10_000

Array = npt.NDArray[Any]


class DataSet:
    """Images, their labels, and a position in them from which the next batch is cut.

    Mirrors the `DataSet` of `tf.contrib.learn.datasets.mnist`. As there, making one seeds NumPy's
    global random generator, which then shuffles: with `seed`, else with the graph's seed
    (`tf.set_random_seed`), else with a seed that differs from run to run.

    Args:
      images: uint8 array of shape [count, rows, columns, 1].
      labels: array of shape [count], or [count, classes] if they are one-hot.
      fake_data: whether `images` and `labels` are ignored and every batch is made up.
      one_hot: whether the labels of such made-up batches are one-hot.
      dtype: `tf.uint8` keeps the pixels in [0, 255]; `tf.float32` scales them to [0, 1].
      reshape: whether each image becomes one row of rows * columns pixels.
      seed: an integer for a shuffling that is the same in each run.

    Raises:
      TypeError: if `dtype` is neither uint8 nor float32.
      ValueError: if there are not as many images as labels, or if images to be reshaped are not
        of shape [count, rows, columns, 1].

    Example:

    >>> four = DataSet(np.zeros([4, 2, 2, 1], np.uint8), np.arange(4), seed=1)
    >>> images, labels = four.next_batch(3, shuffle=False)
    >>> images.shape, images.dtype, labels.tolist()
    ((3, 4), dtype('float32'), [0, 1, 2])
    >>> four.next_batch(3, shuffle=False)[1].tolist(), four.epochs_completed
    ([3, 0, 1], 1)
    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = "float32",
        reshape: bool = True,
        seed: int | None = None,
    ) -> None:
        np.random.seed(_shuffle_seed(seed))
        pixel = _pixel_type(dtype)
        self.one_hot = one_hot
        self._fake_data = fake_data
        self._num_examples = _FAKE_EXAMPLES if fake_data else len(images)
        self._images = images if fake_data else _prepare(images, labels, pixel, reshape)
        self._labels = labels
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self) -> Array:
        """All images, in the order of the current epoch."""
        return self._images

    @property
    def labels(self) -> Array:
        """All labels, in the order of the current epoch."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """The number of images."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How often all images have been handed out."""
        return self._epochs_completed

    def next_batch(
        self, batch_size: int, fake_data: bool = False, shuffle: bool = True
    ) -> tuple[Any, Any]:
        """Returns the next `batch_size` images and labels.

        The first batch of all shuffles the images, and so does each batch that reaches beyond the
        last one: it takes what is left, shuffles, and goes on from the start. So every epoch has
        every image once.

        Args:
          batch_size: the number of examples.
          fake_data: whether to return made-up images, all white, of class 0.
          shuffle: whether to shuffle where that is due.

        Raises:
          ValueError: if `batch_size` is negative, or if there are no examples.
        """
        size = operator.index(batch_size)
        if size < 0:
            raise errors.value_error(f"batch_size must not be negative. Received: {size}.")
        if fake_data or self._fake_data:
            label = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * 784 for _ in range(size)], [label for _ in range(size)]
        if size > 0 and self._num_examples == 0:
            raise errors.value_error("This DataSet has no examples, so it has no next batch.")
        if shuffle and self._epochs_completed == 0 and self._index_in_epoch == 0:
            self._shuffle()
        images, labels = self._take(size)
        while len(images) < size:
            self._epochs_completed += 1
            self._index_in_epoch = 0
            if shuffle:
                self._shuffle()
            more_images, more_labels = self._take(size - len(images))
            images = np.concatenate([images, more_images])
            labels = np.concatenate([labels, more_labels])
        return images, labels

    def _take(self, size: int) -> tuple[Array, Array]:
        start = self._index_in_epoch
        self._index_in_epoch = end = min(start + size, self._num_examples)
        return self._images[start:end], self._labels[start:end]

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images = self._images[order]
        self._labels = self._labels[order]


class Datasets(NamedTuple):
    """The three parts of MNIST; mirrors `tf.contrib.learn.datasets.base.Datasets`."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: str | os.PathLike[str],
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = "float32",
    reshape: bool = True,
    validation_size: int | None = None,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Returns MNIST; mirrors `tf.examples.tutorials.mnist.input_data.read_data_sets`.

    The data come from `train_dir` if the four files are there, else from the cache, the network,
    or the sample inside the package, about which a message tells then: see `sources`.

    Args:
      train_dir: a folder that may hold the IDX files, gzipped or plain; it need not exist.
      fake_data: whether to return data sets that make up their batches.
      one_hot: whether a label is a row of ten float64 numbers, not a uint8 number.
      dtype: `tf.float32` (pixels from 0 to 1) or `tf.uint8` (from 0 to 255).
      reshape: whether an image is a row of 784 pixels, not of shape [28, 28, 1].
      validation_size: how many of the training digits, the first ones, make the validation set:
        5,000 unless given, or 500 of the small sample.
      seed: an integer for a shuffling that is the same in each run.
      source_url: the address, up to the file names, of another data set in the same format. It is
        downloaded to `train_dir`.

    Returns:
      A named tuple `(train, validation, test)` of `DataSet`s.

    Raises:
      TypeError: if `dtype` is neither uint8 nor float32.
      ValueError: if `validation_size` is negative or larger than the number of training digits.
      OSError: if `source_url` is another than MNIST's and cannot be had.

    Example (the numbers are those of the full data):

    >>> mnist = read_data_sets("MNIST_data/", one_hot=True)  # doctest: +SKIP
    >>> mnist.train.num_examples, mnist.validation.num_examples, mnist.test.num_examples
    ... # doctest: +SKIP
    (55000, 5000, 10000)
    >>> mnist.train.images.shape, mnist.train.labels.shape  # doctest: +SKIP
    ((55000, 784), (55000, 10))
    """
    if fake_data:
        nothing = np.empty([0])

        def fake() -> DataSet:
            return DataSet(
                nothing, nothing, fake_data=True, one_hot=one_hot, dtype=dtype, seed=seed
            )

        return Datasets(train=fake(), validation=fake(), test=fake())

    _pixel_type(dtype)  # a wrong one is told before anything is fetched
    digits = sources.load(train_dir, source_url)
    if validation_size is None:
        validation_size = 500 if digits.is_sample else 5000
    count = len(digits.train_images)
    if not 0 <= validation_size <= count:
        raise errors.value_error(
            f"Validation size should be between 0 and {count}. Received: {validation_size}."
        )
    classes = 10

    def data_set(images: idx.Bytes, labels: idx.Bytes) -> DataSet:
        targets = dense_to_one_hot(labels, classes) if one_hot else labels
        return DataSet(images, targets, dtype=dtype, reshape=reshape, seed=seed)

    train_images, train_labels, test_images, test_labels, _ = digits
    return Datasets(
        train=data_set(train_images[validation_size:], train_labels[validation_size:]),
        validation=data_set(train_images[:validation_size], train_labels[:validation_size]),
        test=data_set(test_images, test_labels),
    )


def load_mnist(train_dir: str | os.PathLike[str] = "MNIST-data") -> Datasets:
    """Returns MNIST with dense labels; mirrors `tf.contrib.learn.datasets.mnist.load_mnist`."""
    return read_data_sets(train_dir)


def extract_images(f: str | os.PathLike[str] | IO[bytes]) -> idx.Bytes:
    """Returns the images of an IDX file, gzipped or plain, as uint8 [count, rows, columns, 1].

    Mirrors `tf.contrib.learn.datasets.mnist.extract_images`.

    Args:
      f: a path or a file that is open for reading bytes.

    Raises:
      ValueError: if it is not a whole IDX image file.
    """
    return idx.images(*_read(f))


def extract_labels(
    f: str | os.PathLike[str] | IO[bytes], one_hot: bool = False, num_classes: int = 10
) -> Array:
    """Returns the labels of an IDX file, gzipped or plain.

    Mirrors `tf.contrib.learn.datasets.mnist.extract_labels`.

    Args:
      f: a path or a file that is open for reading bytes.
      one_hot: whether to return float64 [count, num_classes] instead of uint8 [count].
      num_classes: the number of classes.

    Raises:
      ValueError: if it is not a whole IDX label file, or if `one_hot` and a label is not below
        `num_classes`.
    """
    labels = idx.labels(*_read(f))
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def dense_to_one_hot(labels_dense: Array, num_classes: int) -> npt.NDArray[np.float64]:
    """Returns the rows of the identity matrix that the labels name, as float64.

    Mirrors `tf.contrib.learn.datasets.mnist.dense_to_one_hot`.

    Args:
      labels_dense: integers of shape [count], each in [0, num_classes).
      num_classes: the number of classes.

    Raises:
      ValueError: if a label is not in [0, num_classes).

    Example:

    >>> dense_to_one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels = np.ravel(labels_dense)
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if wrong.size:
        raise errors.value_error(
            f"Label {labels[wrong[0]]} at position {wrong[0]} is not in [0, {num_classes})."
        )
    one_hot = np.zeros([labels.size, num_classes])
    one_hot[np.arange(labels.size), labels] = 1
    return one_hot


def maybe_download(
    filename: str, work_directory: str | os.PathLike[str], source_url: str | None = None
) -> str:
    """Returns the path of a file in `work_directory`, downloading it if it is not there.

    Mirrors `tf.contrib.learn.datasets.base.maybe_download`. It asks one address only;
    `read_data_sets` knows more.

    Args:
      filename: the name that the file has, or shall have, in the folder.
      work_directory: the folder, made if need be.
      source_url: the address of the file; that of MNIST's file of this name unless given.

    Raises:
      OSError: if the file cannot be downloaded or written.
    """
    path = Path(work_directory, filename)
    if not path.exists():
        url = source_url or f"{SOURCE_URL}{filename}"
        try:
            data = fetch.download(url)
        except cache.Unavailable as why:
            raise OSError(
                errors.report(f"{url} could not be downloaded: {why}.", see="data-files")
            ) from why
        cache.write(path, data)
    return str(path)


def _read(f: str | os.PathLike[str] | IO[bytes]) -> tuple[bytes, str]:
    """Returns what is in a file, decompressed, and the file's name."""
    if isinstance(f, (str, os.PathLike)):
        name, data = os.fspath(f), Path(f).read_bytes()
    else:
        name, data = str(getattr(f, "name", "stream")), f.read()
    return idx.decompress(data, name), name


def _shuffle_seed(seed: int | None) -> int | None:
    """Returns `seed`, else the graph's seed, as `tf.get_seed` gives them, else None."""
    from minitf.framework import default, random_seed

    if seed is not None:
        return random_seed.get_seed(seed)[1]
    if default.get_default_graph().seed is None:
        return None
    # Not get_seed(None): that counts as a random op, and so would change the model's weights.
    return random_seed.get_seed(0)[0]


def _pixel_type(dtype: Any) -> np.dtype[Any]:
    """Returns the NumPy dtype of a `tf.DType`, or of whatever names one."""
    from minitf.framework import dtypes

    pixel = dtypes.as_dtype(dtype).base_dtype
    if pixel not in (dtypes.uint8, dtypes.float32):
        raise errors.type_error(f"Invalid image dtype {pixel!r}, expected uint8 or float32")
    return np.dtype(np.uint8 if pixel == dtypes.uint8 else np.float32)


def _prepare(images: Array, labels: Array, pixel: np.dtype[Any], reshape: bool) -> Array:
    if len(images) != len(labels):
        raise errors.value_error(
            f"There are {len(images)} images but {len(labels)} labels: images.shape: "
            f"{images.shape}, labels.shape: {labels.shape}"
        )
    if reshape:
        if images.ndim != 4 or images.shape[3] != 1:
            raise errors.value_error(
                f"Images to be reshaped must have shape [count, rows, columns, 1], but have "
                f"{images.shape}; pass reshape=False to keep their shape"
            )
        images = images.reshape(len(images), images.shape[1] * images.shape[2])
    if pixel == np.float32:
        images = np.multiply(images, np.float32(1.0 / 255.0), dtype=np.float32)
    return images
