"""tf.gfile: files and directories, and TensorFlow's errors about them."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest

import minitf
from tests.engines import ENGINES, load


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: Any) -> Any:
    """An engine, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return load(request.param)


@pytest.fixture
def here(tmp_path: pathlib.Path, monkeypatch: Any) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, content: bytes = b"") -> None:
    pathlib.Path(path).write_bytes(content)


# Reading


def test_text_is_read_in_pieces_lines_and_whole(tf: Any) -> None:
    write("a.txt", "line1\nline2\n\nlast é".encode())
    file = tf.gfile.GFile("a.txt")
    assert (file.name, file.mode, file.size(), file.seekable()) == ("a.txt", "r", 20, True)
    assert file.read(3) == "lin" and file.tell() == 3
    assert file.read() == "e1\nline2\n\nlast é" and file.read() == ""
    file.seek(2)
    assert file.readline() == "ne1\n"
    assert file.readlines() == ["line2\n", "\n", "last é"] and file.readline() == ""
    file.seek(0)
    assert list(file) == ["line1\n", "line2\n", "\n", "last é"]
    file.seek(offset=-3, whence=2)
    assert file.read() == " é"
    file.seek(-3, 1)
    assert file.tell() == 17
    file.seek(position=3)
    assert file.read(n=2) == "e1" and file.read(-1) == "\nline2\n\nlast é" and file.read(0) == ""
    file.close()
    file.close()
    assert next(file) == "line1\n"  # a closed file opens again


def test_binary_mode_reads_bytes(tf: Any) -> None:
    write("b", b"\x00\xff\n\x01")
    file = tf.gfile.GFile("b", "rb")
    assert file.read() == b"\x00\xff\n\x01" and file.read() == b""
    file.seek(0)
    assert file.readlines() == [b"\x00\xff\n", b"\x01"]
    with pytest.raises(UnicodeDecodeError):
        tf.gfile.GFile("b").read()


def test_text_is_utf8_and_cut_by_bytes(tf: Any) -> None:
    write("a", "é3".encode())
    file = tf.gfile.GFile("a")
    with pytest.raises(UnicodeDecodeError):
        file.read(1)
    assert file.tell() == 1


def test_lines_lose_their_carriage_returns_and_text_does_not(tf: Any) -> None:
    write("crlf", b"a\r\nb\r\n")
    assert tf.gfile.GFile("crlf").readlines() == ["a\n", "b\n"]
    assert tf.gfile.GFile("crlf").read() == "a\r\nb\r\n"


def test_an_empty_file_has_no_lines(tf: Any) -> None:
    write("empty")
    file = tf.gfile.GFile("empty")
    assert (file.read(), file.readline(), file.readlines(), list(file)) == ("", "", [], [])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((5,), "OutOfRange"), ((1, 2), "OutOfRange"), ((-1,), "InvalidArgument")]
    + [((-5, 2), "InvalidArgument"), ((-1, 1), "InvalidArgument"), ((0, 3), "InvalidArgument")],
)
def test_seeking_out_of_the_file(tf: Any, arguments: Any, error: str) -> None:
    write("a", b"1234")
    file = tf.gfile.GFile("a")
    file.seek(4)
    file.seek(0)
    with pytest.raises(getattr(tf.errors, f"{error}Error")):
        file.seek(*arguments)


def test_seek_and_read_check_their_arguments(tf: Any) -> None:
    write("a", b"1234")
    with pytest.raises(TypeError, match="offset argument required"):
        tf.gfile.GFile("a").seek()
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative number of bytes: -5"):
        tf.gfile.GFile("a").read(-5)


# Writing


def test_text_and_bytes_are_written(tf: Any) -> None:
    for mode in ("w", "wb"):
        file = tf.gfile.GFile("w", mode)
        file.write("é")
        file.write(b"\xff")
        assert file.tell() == 3
        file.flush()
        assert file.size() == 3
        file.write("more")
        file.close()
        assert pathlib.Path("w").read_bytes() == b"\xc3\xa9\xffmore"


def test_append_goes_on_and_write_begins_anew(tf: Any) -> None:
    write("f", b"old")
    with tf.gfile.GFile("f", "a") as file:
        assert file.tell() == 3
        file.write("new")
    assert pathlib.Path("f").read_text() == "oldnew"
    with tf.gfile.GFile("f", "w") as file:
        file.write("x")
    assert pathlib.Path("f").read_text() == "x"


def test_plus_reads_and_writes(tf: Any) -> None:
    write("f", b"old")
    file = tf.gfile.GFile("f", "a+")
    file.write("new")
    assert file.read() == "old"  # what is written is not there before it is flushed
    file.close()
    assert pathlib.Path("f").read_text() == "oldnew"
    file = tf.gfile.GFile("f", "r+")
    assert file.read() == "oldnew"
    file.write("second")
    file.close()
    assert pathlib.Path("f").read_text() == "second"
    with tf.gfile.GFile("f", "w+") as file:
        file.write("x")
    assert pathlib.Path("f").read_text() == "x"


def test_with_closes_also_after_an_error(tf: Any) -> None:
    with pytest.raises(ZeroDivisionError), tf.gfile.GFile("f", "w") as file:
        file.write("kept")
        raise ZeroDivisionError
    assert pathlib.Path("f").read_text() == "kept"


def test_nothing_is_opened_before_it_is_used(tf: Any) -> None:
    tf.gfile.GFile("f", "w").close()
    assert not os.path.exists("f")


def test_a_file_is_read_or_written_as_its_mode_says(tf: Any) -> None:
    write("f")
    denied = tf.errors.PermissionDeniedError
    with pytest.raises(denied, match="File isn't open for writing"):
        tf.gfile.GFile("f").write("x")
    for use in ("read", "readline", "readlines", "__next__"):
        with pytest.raises(denied, match="File isn't open for reading"):
            getattr(tf.gfile.GFile("f", "w"), use)()
    with pytest.raises(denied):
        tf.gfile.GFile("f", "a").seek(0)
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 5"):
        tf.gfile.GFile("f", "w").write(5)


@pytest.mark.parametrize("mode", ["x", "rt", "", "q", "rw"])
def test_other_modes_are_refused(tf: Any, mode: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="mode is not 'r' or 'w' or"):
        tf.gfile.GFile("f", mode)


def test_other_names_and_kinds_of_path(tf: Any) -> None:
    assert tf.gfile.Open is tf.gfile.GFile
    with tf.gfile.FastGFile(b"f", "wb") as file:
        assert file.name == b"f"
        file.write("x")
    assert tf.gfile.FastGFile(pathlib.Path("f"), "rb").read() == b"x"


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda g: g.GFile("no").read(), "NotFound"),
        (lambda g: g.GFile("no").readline(), "NotFound"),
        (lambda g: list(g.GFile("no")), "NotFound"),
        (lambda g: g.GFile("no").size(), "NotFound"),
        (lambda g: g.GFile("no").tell(), "NotFound"),
        (lambda g: g.GFile("no").seek(0), "NotFound"),
        (lambda g: g.GFile("no/file", "w").write("x"), "NotFound"),
        (lambda g: g.GFile("dir").read(), "FailedPrecondition"),
        (lambda g: g.GFile("dir", "w").write("x"), "FailedPrecondition"),
        (lambda g: g.Stat("no"), "NotFound"),
        (lambda g: g.ListDirectory("no"), "NotFound"),
        (lambda g: g.ListDirectory("file"), "NotFound"),
        (lambda g: g.MkDir("no/dir"), "NotFound"),
        (lambda g: g.MakeDirs("file"), "FailedPrecondition"),
        (lambda g: g.MakeDirs("file/dir"), "FailedPrecondition"),
        (lambda g: g.Remove("no"), "NotFound"),
        (lambda g: g.Remove(""), "NotFound"),
        (lambda g: g.Remove("dir"), "FailedPrecondition"),
        (lambda g: g.DeleteRecursively("no"), "NotFound"),
        (lambda g: g.DeleteRecursively(""), "NotFound"),
        (lambda g: g.Copy("no", "new"), "NotFound"),
        (lambda g: g.Copy("file", "no/new"), "NotFound"),
        (lambda g: g.Copy("dir", "new"), "InvalidArgument"),
        (lambda g: g.Copy("file", "dir"), "AlreadyExists"),
        (lambda g: g.Copy("file", "file"), "AlreadyExists"),
        (lambda g: g.Copy("file", "dir", overwrite=True), "FailedPrecondition"),
        (lambda g: g.Rename("no", "new"), "NotFound"),
        (lambda g: g.Rename("dir", "no/new"), "NotFound"),
        (lambda g: g.Rename("file", "dir"), "AlreadyExists"),
        (lambda g: g.Rename("dir", "dir"), "AlreadyExists"),
        (lambda g: g.Rename("file", "dir", overwrite=True), "FailedPrecondition"),
    ],
)
def test_errors_are_those_of_tensorflow(tf: Any, use: Any, error: str) -> None:
    os.mkdir("dir")
    write("file")
    with pytest.raises(tf.errors.OpError) as raised:
        use(tf.gfile)
    assert type(raised.value) is getattr(tf.errors, f"{error}Error")


@pytest.mark.parametrize(
    "name", ["Exists", "IsDirectory", "ListDirectory", "MakeDirs", "MkDir", "Remove", "Stat"]
)
def test_a_path_is_text_bytes_or_a_path(tf: Any, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(tf.gfile, name)(5)


# Directories


def test_exists_and_is_directory(tf: Any) -> None:
    os.mkdir("dir")
    write("file")
    os.symlink("nowhere", "dangling")
    found = {"dir": True, "file": True, "dir/": True, "no": False, "": False, "dangling": False}
    assert {path: tf.gfile.Exists(path) for path in found} == found
    assert tf.gfile.Exists(b"dir") and tf.gfile.Exists(pathlib.Path("dir"))
    assert [tf.gfile.IsDirectory(path) for path in found] == [True, False, True, *[False] * 3]


def test_directories_are_made_and_listed(tf: Any) -> None:
    for _ in range(2):  # one that exists is left as it is
        tf.gfile.MakeDirs("a/b/c")
        tf.gfile.MkDir("a/d")
        write("a/.hidden")
    tf.gfile.MakeDirs("")
    tf.gfile.MkDir("")
    assert sorted(tf.gfile.ListDirectory("a")) == [".hidden", "b", "d"]
    assert tf.gfile.ListDirectory(b"a/d") == []


def test_stat(tf: Any) -> None:
    write("f", b"123")
    found = tf.gfile.Stat("f")
    assert (found.length, found.is_directory) == (3, False)
    assert found.mtime_nsec // 10**9 == os.stat("f").st_mtime_ns // 10**9
    assert tf.gfile.Stat(".").is_directory


def tree() -> None:
    os.makedirs("a/b/c")
    for path in ("a/1.txt", "a/2.txt", "a/.hid", "a/b/3.txt", ".top"):
        write(path, path.encode())


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("a/*.txt", ["a/1.txt", "a/2.txt"]),
        ("a/*", ["a/.hid", "a/1.txt", "a/2.txt", "a/b"]),
        ("a/**", ["a/.hid", "a/1.txt", "a/2.txt", "a/b"]),
        ("a/?.txt", ["a/1.txt", "a/2.txt"]),
        ("a/[2-9].txt", ["a/2.txt"]),
        ("a/[!1].txt", ["a/2.txt"]),
        ("a/[^1].txt", ["a/2.txt"]),
        ("a/{1,2}.txt", []),
        ("a/*/*", ["a/b/3.txt", "a/b/c"]),
        ("a/*/", ["a/.hid", "a/1.txt", "a/2.txt", "a/b"]),
        ("*", ["./.top", "./a"]),
        ("./*", ["./.top", "./a"]),
        ("*/1.txt", ["./a/1.txt"]),
        ("./a/[12]*", ["./a/1.txt", "./a/2.txt"]),
        ("a", ["a"]),
        ("a/1.txt", ["a/1.txt"]),
        ("no/1.txt", []),
        ("no*", []),
        ("", []),
        ([], []),
        (["a/1*", "a", "a/2*"], ["a/1.txt", "a", "a/2.txt"]),
        (("a/1*", "a/1*"), ["a/1.txt", "a/1.txt"]),
    ],
)
def test_glob(tf: Any, pattern: Any, paths: list[str]) -> None:
    tree()
    found = tf.gfile.Glob(pattern)
    assert (found if isinstance(pattern, list) else sorted(found)) == paths


def test_glob_of_an_absolute_path(tf: Any, tmp_path: pathlib.Path) -> None:
    tree()
    assert tf.gfile.Glob(f"{tmp_path}/a/1*") == [f"{tmp_path}/a/1.txt"]


def test_walk(tf: Any) -> None:
    tree()

    def walk(*args: Any, **kwargs: Any) -> list[Any]:
        return [(path, sorted(d), sorted(f)) for path, d, f in tf.gfile.Walk(*args, **kwargs)]

    visits = [
        ("a", ["b"], [".hid", "1.txt", "2.txt"]),
        ("a/b", ["c"], ["3.txt"]),
        ("a/b/c", [], []),
    ]
    assert walk("a") == visits
    assert walk(b"a") == visits
    assert walk("a", in_order=False) == visits[::-1]
    assert walk("no") == walk("a/1.txt") == []


# Moving and deleting


def test_copy(tf: Any) -> None:
    tree()
    tf.gfile.Copy("a/1.txt", "new")
    tf.gfile.Copy("a/2.txt", "new", overwrite=True)
    assert pathlib.Path("new").read_text() == "a/2.txt" and os.path.exists("a/2.txt")


def test_rename(tf: Any) -> None:
    tree()
    tf.gfile.Rename("a/1.txt", "new")
    tf.gfile.Rename("new", "a/2.txt", overwrite=True)
    assert pathlib.Path("a/2.txt").read_text() == "a/1.txt" and not os.path.exists("new")
    tf.gfile.Rename("a", "moved")
    assert os.path.exists("moved/b/3.txt")


def test_delete(tf: Any) -> None:
    tree()
    tf.gfile.Remove("a/1.txt")
    tf.gfile.DeleteRecursively("a/2.txt")
    assert sorted(os.listdir("a")) == [".hid", "b"]
    tf.gfile.DeleteRecursively("a")
    assert not os.path.exists("a")


# Where minitf does not do as TensorFlow does


def test_copying_onto_itself_keeps_the_file(here: pathlib.Path) -> None:
    write("f", b"kept")
    minitf.gfile.Copy("f", "./f", overwrite=True)
    assert (here / "f").read_bytes() == b"kept"


def test_deleting_does_not_follow_links(here: pathlib.Path) -> None:
    tree()
    os.mkdir("links")
    os.symlink("../a", "links/to_a")
    minitf.gfile.DeleteRecursively("links")
    assert not os.path.exists("links") and os.path.exists("a/1.txt")


def test_a_file_in_place_of_a_directory_is_noticed(here: pathlib.Path) -> None:
    write("f")
    with pytest.raises(minitf.errors.FailedPreconditionError, match="f is not a directory"):
        minitf.gfile.MkDir("f")


def test_messages_name_the_path(here: pathlib.Path) -> None:
    write("f")
    with pytest.raises(minitf.errors.NotFoundError) as raised:
        minitf.gfile.GFile("missing.txt").read()
    assert str(raised.value).startswith("missing.txt; No such file or directory\n")
    with pytest.raises(minitf.errors.AlreadyExistsError, match=r"exists: f\n.*overwrite=True"):
        minitf.gfile.Copy("f", "f")
