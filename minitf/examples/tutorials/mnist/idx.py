"""With this module one can read and write IDX, the file format of MNIST.

An IDX file is a big-endian header followed by unsigned bytes, and is usually gzipped:

    images: 2051, count, rows, columns, then count * rows * columns pixels (0 is paper, 255 ink)
    labels: 2049, count, then count labels
"""

from __future__ import annotations

import gzip
import struct
import zlib

import numpy as np
import numpy.typing as npt

from minitf.framework import errors

Bytes = npt.NDArray[np.uint8]

IMAGE_MAGIC = 2051
LABEL_MAGIC = 2049

_CONTENT = {IMAGE_MAGIC: "image", LABEL_MAGIC: "label"}


def decompress(data: bytes, name: str) -> bytes:
    """Returns `data` without its gzip wrapping, or `data` itself if it has none.

    Raises:
      ValueError: if the gzip data is cut short or damaged.

    Example:

    >>> decompress(gzip.compress(b"ink"), "a.gz"), decompress(b"ink", "a")
    (b'ink', b'ink')
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except EOFError as error:
        raise errors.value_error(
            f"{name} is cut short: its gzip data ends after {len(data):,} bytes", see="data-files"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise errors.value_error(f"{name} is damaged: {error}", see="data-files") from error


def images(data: bytes, name: str) -> Bytes:
    """Returns the images of an IDX file as an array of shape [count, rows, columns, 1].

    Raises:
      ValueError: if `data` is not a whole IDX image file; the message names the file.
    """
    count, rows, columns = _header(data, name, IMAGE_MAGIC, 3)
    return _body(data, name, (count, rows, columns, 1), header_size=16)


def labels(data: bytes, name: str) -> Bytes:
    """Returns the labels of an IDX file as an array of shape [count].

    Raises:
      ValueError: if `data` is not a whole IDX label file; the message names the file.
    """
    (count,) = _header(data, name, LABEL_MAGIC, 1)
    return _body(data, name, (count,), header_size=8)


def encode(array: Bytes) -> bytes:
    """Returns the IDX file of images of shape [count, rows, columns] or labels of shape [count].

    Example:

    >>> encode(np.array([5, 0], np.uint8)).hex(" ", -4)
    '00000801 00000002 0500'
    """
    magic = IMAGE_MAGIC if array.ndim == 3 else LABEL_MAGIC
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def _header(data: bytes, name: str, magic: int, dimensions: int) -> tuple[int, ...]:
    size = 4 * (1 + dimensions)
    if len(data) < size:
        raise errors.value_error(
            f"{name} has {len(data)} bytes, too few for the {size} bytes with which "
            f"an IDX {_CONTENT[magic]} file starts",
            see="data-files",
        )
    found, *shape = struct.unpack_from(f">{1 + dimensions}I", data)
    if found != magic:
        other = f" (that is an IDX {_CONTENT[found]} file)" if found in _CONTENT else ""
        raise errors.value_error(
            f"Invalid magic number {found} in MNIST {_CONTENT[magic]} file: {name}{other}; "
            f"it must be {magic}",
            do="download the file anew, or give the other one.",
            see="data-files",
        )
    return tuple(shape)


def _body(data: bytes, name: str, shape: tuple[int, ...], header_size: int) -> Bytes:
    expected = 1
    for dimension in shape:
        expected *= dimension
    found = len(data) - header_size
    if found != expected:
        fault = "is cut short" if found < expected else "has bytes left over"
        raise errors.value_error(
            f"{name} {fault}: its header announces {shape[0]:,} items, {expected:,} bytes, "
            f"but {found:,} bytes follow",
            see="data-files",
        )
    return np.frombuffer(data, np.uint8, offset=header_size).reshape(shape)
