"""With this module one can read and write files and directories, as `tf.gfile` does.

>>> import os, tempfile
>>> import minitf as tf
>>> path = os.path.join(tempfile.mkdtemp(), "notes.txt")
>>> with tf.gfile.GFile(path, "w") as notes:
...     notes.write("one\\ntwo\\n")
>>> tf.gfile.GFile(path).readlines()
['one\\n', 'two\\n']
>>> tf.gfile.Stat(path).length
8

Everything is a local file. What goes wrong is one of `tf.errors`, with the path in its message:
NotFoundError, AlreadyExistsError, PermissionDeniedError, FailedPreconditionError and so on.
Where TensorFlow would lose data, this module does not: copying a file onto itself keeps it, and
deleting a directory deletes symbolic links in it, not what they point to.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import IO, Any, NamedTuple

from minitf.checkpoint.background import wait_for_all
from minitf.compat import as_bytes, as_str
from minitf.framework import errors
from minitf.framework.file_errors import as_tensorflow_errors

Path = str | bytes | os.PathLike[Any]


class GFile:
    """A file (mirrors `tf.gfile.GFile`, `tf.gfile.Open` and `tf.gfile.FastGFile`).

    The file is opened when it is first read or written, so a wrong path shows up then. It can be
    iterated over by lines, and used in a `with` statement, which closes it.

    Args:
      name: the path.
      mode: "r", "w" (begin anew) or "a" (append), or one of these with "+" to read and write; with
        "b" what is read is bytes, else text in UTF-8. Text and bytes may be written either way.

    Raises:
      InvalidArgumentError: the mode is none of these.
    """

    def __init__(self, name: Path, mode: str = "r") -> None:
        self._name = name
        self._mode = mode
        self._path = _text(name)
        self._binary = "b" in mode
        kind = mode.replace("b", "")
        if kind not in ("r", "w", "a", "r+", "w+", "a+"):
            message = f"mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+', but {mode!r}"
            raise errors.InvalidArgumentError(None, None, message)
        self._can_read = kind not in ("w", "a")
        self._write_mode = {"r": None, "r+": "r+b"}.get(kind, kind[0] + "b")
        self._reader: IO[bytes] | None = None
        self._writer: IO[bytes] | None = None

    @property
    def name(self) -> Path:
        """The path, as it was given."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode, as it was given."""
        return self._mode

    def size(self) -> int:
        """Returns the number of bytes in the file, without those not yet flushed."""
        return Stat(self._path).length

    def read(self, n: int = -1) -> Any:
        """Returns the next `n` bytes, or all that are left: text, or bytes if the mode has "b".

        Raises:
          UnicodeDecodeError: these bytes are not text in UTF-8, for example because `n` divides
            a character.
          errors.PermissionDeniedError: the file is not open for reading.
        """
        if n < -1:
            message = f"Can't read a negative number of bytes: {n}"
            raise errors.InvalidArgumentError(None, None, message)
        reader = self._open_reader()
        with as_tensorflow_errors(self._path):
            return self._decoded(reader.read(n))

    def readline(self) -> Any:
        """Returns the next line with its newline, without carriage return; at the end nothing."""
        reader = self._open_reader()
        with as_tensorflow_errors(self._path):
            return self._decoded(reader.readline().replace(b"\r", b""))

    def readlines(self) -> list[Any]:
        """Returns the lines that are left."""
        return list(self)

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Goes on reading elsewhere.

        Args:
          offset: in bytes.
          whence: 0 from the beginning, 1 from where reading is, 2 from the end.
          position: the old name of `offset`.

        Raises:
          errors.OutOfRangeError: that is beyond the end.
          errors.InvalidArgumentError: that is before the beginning, or `whence` is none of these.
        """
        offset = position if offset is None else offset
        if offset is None:
            raise errors.type_error("seek(): offset argument required")
        reader = self._open_reader()
        if whence not in (0, 1, 2):
            message = f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            raise errors.InvalidArgumentError(None, None, message)
        target = offset + (0, reader.tell(), self.size())[whence]
        if target < 0:
            message = f"Seeking to a negative position: {target}"
            raise errors.InvalidArgumentError(None, None, message)
        if target > self.size():
            reader.seek(0, os.SEEK_END)
            raise errors.OutOfRangeError(None, None, "reached end of file")
        reader.seek(target)

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def tell(self) -> int:
        """Returns where reading is, in bytes; in a file that is only written, where writing is."""
        return (self._open_reader() if self._can_read else self._open_writer()).tell()

    def write(self, file_content: str | bytes) -> None:
        """Writes text, as UTF-8, or bytes.

        Raises:
          errors.PermissionDeniedError: the file is not open for writing.
        """
        writer = self._open_writer()
        with as_tensorflow_errors(self._path):
            writer.write(as_bytes(file_content))

    def flush(self) -> None:
        """Has everything that was written be in the file."""
        if self._writer is not None:
            with as_tensorflow_errors(self._path):
                self._writer.flush()

    def close(self) -> None:
        """Closes the file. Using it again opens it again, at its beginning."""
        for file in (self._reader, self._writer):
            if file is not None:
                with as_tensorflow_errors(self._path):
                    file.close()
        self._reader = self._writer = None

    def __enter__(self) -> GFile:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open_reader(self) -> IO[bytes]:
        if not self._can_read:
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        if self._reader is None:
            with as_tensorflow_errors(self._path):
                self._reader = open(self._path, "rb")  # noqa: SIM115
        return self._reader

    def _open_writer(self) -> IO[bytes]:
        if self._write_mode is None:
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        if self._writer is None:
            with as_tensorflow_errors(self._path):
                self._writer = open(self._path, self._write_mode)  # noqa: SIM115
        return self._writer

    def _decoded(self, content: bytes) -> str | bytes:
        return content if self._binary else content.decode()


Open = FastGFile = GFile


class FileStatistics(NamedTuple):
    """What `Stat` tells about a file.

    Attributes:
      length: bytes.
      mtime_nsec: when it was last written, in nanoseconds since 1970.
      is_directory: whether it is a directory.
    """

    length: int
    mtime_nsec: int
    is_directory: bool


def Stat(filename: Path) -> FileStatistics:
    """Returns size, time and kind of a file (mirrors `tf.gfile.Stat`).

    Raises:
      errors.NotFoundError: there is none.
    """
    path = _text(filename)
    with as_tensorflow_errors(path):
        found = os.stat(path)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(path))


def Exists(filename: Path) -> bool:
    """Whether there is a file or directory (mirrors `tf.gfile.Exists`)."""
    return os.path.exists(_text(filename))


def IsDirectory(dirname: Path) -> bool:
    """Whether there is a directory (mirrors `tf.gfile.IsDirectory`)."""
    return os.path.isdir(_text(dirname))


def ListDirectory(dirname: Path) -> list[str]:
    """Returns the names in a directory, sorted (mirrors `tf.gfile.ListDirectory`).

    Raises:
      errors.NotFoundError: there is no such directory.
    """
    path = _text(dirname)
    if not os.path.isdir(path):
        raise errors.NotFoundError(None, None, f"Could not find directory {path}")
    with as_tensorflow_errors(path):
        return sorted(os.listdir(path))


def Walk(top: Path, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Visits a directory and those below it (mirrors `tf.gfile.Walk`).

    Args:
      top: where to begin; where there is no directory, nothing is visited.
      in_order: a directory before those in it; else after.

    Yields:
      (directory, names of the directories in it, names of the files in it).
    """
    for path, directories, files in os.walk(_text(top), topdown=in_order, followlinks=True):
        directories.sort()
        yield path, directories, sorted(files)


def MkDir(dirname: Path) -> None:
    """Makes a directory in one that exists (mirrors `tf.gfile.MkDir`).

    Raises:
      errors.NotFoundError: the directory that it is to be in does not exist.
      errors.FailedPreconditionError: there is a file in its place.
    """
    path = _text(dirname)
    if path:
        _make_directory(path, os.mkdir)


def MakeDirs(dirname: Path) -> None:
    """Makes a directory and those that lead to it (mirrors `tf.gfile.MakeDirs`).

    Raises:
      errors.FailedPreconditionError: one of them is a file.
    """
    path = _text(dirname)
    if path:
        _make_directory(path, os.makedirs)


def _make_directory(path: str, make: Any) -> None:
    try:
        with as_tensorflow_errors(path):
            make(path)
    except errors.AlreadyExistsError:
        if not os.path.isdir(path):
            message = f"{path} is not a directory"
            raise errors.FailedPreconditionError(None, None, message) from None


def Remove(filename: Path) -> None:
    """Deletes a file (mirrors `tf.gfile.Remove`).

    Raises:
      errors.NotFoundError: there is none.
      errors.FailedPreconditionError: it is a directory.
    """
    path = _text(filename)
    with as_tensorflow_errors(path):
        os.remove(path)


def DeleteRecursively(dirname: Path) -> None:
    """Deletes a directory and all in it, or a file (mirrors `tf.gfile.DeleteRecursively`).

    Raises:
      errors.NotFoundError: there is none.
    """
    path = _text(dirname)
    if not os.path.lexists(path):
        raise errors.NotFoundError(None, None, f"{path} not found")
    with as_tensorflow_errors(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def Rename(oldname: Path, newname: Path, overwrite: bool = False) -> None:
    """Renames or moves a file or directory (mirrors `tf.gfile.Rename`).

    Raises:
      errors.AlreadyExistsError: there is a file of the new name, and `overwrite` is not set.
      errors.NotFoundError: there is none of the old name, or no directory for the new one.
      errors.FailedPreconditionError: a file would replace a directory, or one that is not empty.
    """
    old, new = _text(oldname), _text(newname)
    _refuse_overwriting(new, overwrite)
    with as_tensorflow_errors(old):
        os.replace(old, new)


def Copy(oldpath: Path, newpath: Path, overwrite: bool = False) -> None:
    """Copies a file's content (mirrors `tf.gfile.Copy`).

    Raises:
      errors.AlreadyExistsError: there is a file of the new name, and `overwrite` is not set.
      errors.NotFoundError: there is none of the old name, or no directory for the new one.
      errors.InvalidArgumentError: the old name is a directory.
      errors.FailedPreconditionError: the new name is a directory.
    """
    old, new = _text(oldpath), _text(newpath)
    _refuse_overwriting(new, overwrite)
    if Stat(old).is_directory:
        raise errors.InvalidArgumentError(None, None, f"{old}; Is a directory")
    with as_tensorflow_errors(new), contextlib.suppress(shutil.SameFileError):
        shutil.copyfile(old, new)


def _refuse_overwriting(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        message = f"file already exists: {path}\n  what to do: pass overwrite=True"
        raise errors.AlreadyExistsError(None, None, message)


def Glob(filename: str | bytes | Sequence[str]) -> list[str]:
    """Returns the paths that match a pattern, or any of several (mirrors `tf.gfile.Glob`).

    Args:
      filename: a path in which * stands for any characters but /, ? for one, [abc] for one of
        these and [!abc] for one of the others. They match hidden files too. Where a relative
        pattern begins with one of them, the results begin with ./

    Returns:
      For each pattern what it matches, sorted.
    """
    patterns = [filename] if isinstance(filename, str | bytes) else filename
    return [path for pattern in patterns for path in _matches(_text(as_str(pattern)))]


_WILDCARD = re.compile(r"[*?[]")


def _matches(pattern: str) -> list[str]:
    if not _WILDCARD.search(pattern):
        return [pattern] if os.path.exists(pattern) else []
    parents, name = os.path.split(pattern.rstrip("/"))
    paths = []
    for parent in _matches(parents) if parents else ["."]:
        with contextlib.suppress(OSError):  # not a directory, or not ours to read
            names = fnmatch.filter(os.listdir(parent), name.replace("[^", "[!"))
            paths += [os.path.join(parent, each) for each in sorted(names)]
    return paths


def _text(path: Path) -> str:
    """A path as text; what is being saved in the background is there when this returns."""
    if isinstance(path, str | bytes | os.PathLike):
        wait_for_all()
        return os.fsdecode(path)
    raise errors.type_error(f"Expected binary or unicode string, got {path!r}")
