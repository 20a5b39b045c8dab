"""Event files: what is written, when it is on the disk, and whose it is."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from tests.engines import ENGINES
from tests.parity.harness import engine

ROOT = Path(__file__).parents[2]


def scalar(tf: Any, tag: str = "loss", value: float = 0.5) -> Any:
    return tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value)])


def files(folder: Any) -> list[str]:
    return sorted(glob.glob(f"{folder}/*tfevents*"))


def events(folder: Any, tf: Any = minitf) -> list[Any]:
    """All events of a folder, file by file."""
    return [event for path in files(folder) for event in tf.train.summary_iterator(path)]


def kinds(found: list[Any]) -> list[str]:
    return [event.WhichOneof("what") for event in found]


def steps(found: list[Any]) -> list[int]:
    return [event.step for event in found if event.WhichOneof("what") == "summary"]


# ---- what both engines do


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


def test_each_kind_of_event(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="c")
        writer = tf.summary.FileWriter(str(tmp_path), graph)
        writer.add_summary(scalar(tf), 3)
        writer.add_summary(scalar(tf).SerializeToString(), np.int64(4))
        writer.add_summary(scalar(tf))
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 5)
        writer.add_run_metadata(tf.GraphDef(), "step 6", 6)
        writer.add_event(tf.Event(step=7, wall_time=1.5, summary=scalar(tf)))
        writer.close()
    found = events(tmp_path, tf)
    assert kinds(found) == [
        *("file_version", "graph_def", "meta_graph_def"),
        *("summary", "summary", "summary"),
        *("session_log", "tagged_run_metadata", "summary"),
    ]
    assert [event.step for event in found[3:]] == [3, 4, 0, 5, 6, 7]
    assert found[0].file_version == "brain.Event:2"
    assert [node.name for node in tf.GraphDef.FromString(found[1].graph_def).node] == ["c"]
    assert found[3].summary == found[4].summary == scalar(tf)
    assert found[-1].wall_time == 1.5
    assert abs(found[3].wall_time - time.time()) < 600
    assert writer.get_logdir() == str(tmp_path)


def test_a_tag_is_described_once(tf: Any, tmp_path: Path) -> None:
    plugin = tf.SummaryMetadata.PluginData(plugin_name="text")
    value = tf.Summary.Value(
        tag="t",
        metadata=tf.SummaryMetadata(plugin_data=plugin),
        tensor=tf.make_tensor_proto(["x"]),
    )
    summary = tf.Summary(value=[value])
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_summary(summary, step)
    described = [event.summary.value[0].HasField("metadata") for event in events(tmp_path, tf)[1:]]
    assert described == [True, False, False]
    if tf is minitf:
        assert summary.value[0].HasField("metadata")  # the user's own is as it was


def test_a_closed_writer_adds_nothing_and_says_so(tf: Any, tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.close()
    writer.close()
    with pytest.warns(UserWarning, match="reopen") as caught:
        writer.add_summary(scalar(tf))
    if tf is minitf:
        assert [warning.filename for warning in caught] == [__file__]
    assert kinds(events(tmp_path, tf))[1:] == []


@pytest.mark.parametrize(
    "mistake",
    [
        lambda tf, writer: writer.add_graph(3),
        lambda tf, writer: writer.add_graph(None),
        lambda tf, writer: writer.add_meta_graph(tf.GraphDef()),
        lambda tf, writer: writer.add_summary(scalar(tf), tf.constant(1)),
        lambda tf, writer: writer.add_run_metadata(tf.GraphDef(), None),
    ],
)
def test_type_errors(tf: Any, tmp_path: Path, mistake: Any) -> None:
    with (
        tf.Graph().as_default(),
        tf.summary.FileWriter(str(tmp_path)) as writer,
        pytest.raises(TypeError),
    ):
        mistake(tf, writer)
    assert kinds(events(tmp_path, tf))[1:] == []


def test_value_errors(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph, tf.summary.FileWriter(str(tmp_path)) as writer:
        with pytest.raises(ValueError, match="not both"):
            writer.add_graph(graph, graph_def=graph.as_graph_def())
        writer.add_run_metadata(tf.GraphDef(), "once")
        with pytest.raises(ValueError, match="already used"):
            writer.add_run_metadata(tf.GraphDef(), "once")


def test_the_cache_has_one_writer_for_a_folder(tf: Any, tmp_path: Path) -> None:
    with tf.Graph().as_default():
        tf.constant(1.0)
        cache = tf.summary.FileWriterCache
        writer = cache.get(str(tmp_path / "a"))
        assert cache.get(str(tmp_path / "a")) is writer
        assert cache.get(str(tmp_path / "b")) is not writer
        writer.add_summary(scalar(tf), 1)
        cache.clear()
        assert kinds(events(tmp_path / "a", tf))[1:] == ["graph_def", "meta_graph_def", "summary"]
        again = cache.get(str(tmp_path / "a"))
        assert again is not writer
        cache.clear()


def test_each_engine_reads_what_minitf_wrote(tf: Any, tmp_path: Path) -> None:
    with minitf.summary.FileWriter(str(tmp_path), minitf.Graph()) as writer:
        for step in range(50):
            writer.add_summary(scalar(minitf, value=step / 2), step)
    (path,) = files(tmp_path)
    found = list(tf.train.summary_iterator(path))
    assert steps(found) == list(range(50))
    assert [event.summary.value[0].simple_value for event in found[3:]] == [
        step / 2 for step in range(50)
    ]


def test_a_damaged_file_is_read_up_to_the_damage(tf: Any, tmp_path: Path) -> None:
    with minitf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(scalar(minitf), 1)
        writer.add_summary(scalar(minitf), 2)
    (path,) = files(tmp_path)
    data = Path(path).read_bytes()
    for damaged in (data[:-1], data[:-5], data[:-20], data[:-3] + b"\0\0\0"):
        Path(path).write_bytes(damaged)
        read = tf.train.summary_iterator(path)
        found = [next(read), next(read)]
        assert [event.step for event in found] == [0, 1]
        with pytest.raises(tf.errors.DataLossError):
            next(read)
    # Less than a header is the end.
    Path(path).write_bytes(data + b"\1\2")
    assert steps(list(tf.train.summary_iterator(path))) == [1, 2]


def test_a_file_that_is_not_there(tf: Any, tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError):
        next(iter(tf.train.summary_iterator(str(tmp_path / "none"))))


# ---- what minitf does better


def test_after_flush_every_event_is_on_the_disk(tmp_path: Path) -> None:
    writer = minitf.summary.FileWriter(str(tmp_path))
    for step in range(500):
        writer.add_summary(scalar(minitf), step)
    writer.flush()
    assert steps(events(tmp_path)) == list(range(500))
    writer.close()


def test_two_writers_in_one_second_have_a_file_each(tmp_path: Path) -> None:
    writers = [minitf.summary.FileWriter(str(tmp_path)) for _ in range(12)]
    for number, writer in enumerate(writers):
        writer.add_summary(scalar(minitf), number)
    for writer in writers:
        writer.close()
    assert len(files(tmp_path)) == 12
    assert steps(events(tmp_path)) == list(range(12))  # sorted by name, as TensorBoard reads them


def test_a_writer_can_be_reopened(tmp_path: Path) -> None:
    writer = minitf.summary.FileWriter(str(tmp_path), filename_suffix=".mine")
    for step in range(3):
        writer.reopen()
        writer.add_summary(scalar(minitf), step)
        writer.close()
    writer.reopen()
    writer.reopen()
    writer.close()
    assert len(files(tmp_path)) == 4
    assert all(path.endswith(".mine") for path in files(tmp_path))
    assert steps(events(tmp_path)) == [0, 1, 2]


def test_threads_share_a_writer(tmp_path: Path) -> None:
    with minitf.summary.FileWriter(str(tmp_path)) as writer:

        def work(first: int) -> None:
            for step in range(first, first + 100):
                writer.add_summary(scalar(minitf), step)

        threads = [threading.Thread(target=work, args=(100 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(steps(events(tmp_path))) == list(range(400))


WRITES_FOREVER = """
import sys
import minitf as tf
writer = tf.summary.FileWriter(sys.argv[1], tf.Graph())
value = tf.Summary.Value(tag="loss", simple_value=0.5)
step = 0
while True:
    writer.add_summary(tf.Summary(value=[value]), step)
    if step % 10 == 0:
        writer.flush()
        print(step, flush=True)
    step += 1
"""


def run(code: str, folder: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_killed_process_leaves_all_it_flushed(tmp_path: Path) -> None:
    with run(WRITES_FOREVER, tmp_path) as process:
        assert process.stdout is not None
        killer = threading.Timer(120, process.kill)  # if it hangs
        killer.start()
        flushed = [int(process.stdout.readline()) for _ in range(20)][-1]
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        killer.cancel()
    found = []
    try:
        for event in minitf.train.summary_iterator(files(tmp_path)[0]):
            found.append(event)
    except minitf.errors.DataLossError:
        pass  # it was killed inside of a write
    assert steps(found)[: flushed + 1] == list(range(flushed + 1))


ADDS_AND_WAITS = """
import sys
import minitf as tf
writer = tf.summary.FileWriter(sys.argv[1])
value = tf.Summary.Value(tag="loss", simple_value=0.5)
for step in range(25):
    writer.add_summary(tf.Summary(value=[value]), step)
print("added", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_all_it_added(tmp_path: Path) -> None:
    """What is added is the system's, also before a flush."""
    with run(ADDS_AND_WAITS, tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        killer = threading.Timer(120, process.kill)  # if it hangs
        killer.start()
        assert process.stdout.readline() == "added\n"
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        killer.cancel()
    assert steps(events(tmp_path)) == list(range(25))


FORGETS_TO_CLOSE = """
import os, sys
import minitf as tf
writer = tf.summary.FileWriter(sys.argv[1])
value = tf.Summary.Value(tag="loss", simple_value=0.5)
writer.add_summary(tf.Summary(value=[value]), 1)
child = os.fork()
writer.add_summary(tf.Summary(value=[value]), 2 if child else 3)
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forgotten_writer_and_its_childs_lose_nothing(tmp_path: Path) -> None:
    with run(FORGETS_TO_CLOSE, tmp_path) as process:
        assert process.wait(120) == 0
    parents, childs = files(tmp_path)
    if len(list(minitf.train.summary_iterator(parents))) == 2:  # process numbers begin anew
        parents, childs = childs, parents
    assert steps(list(minitf.train.summary_iterator(parents))) == [1, 2]
    assert steps(list(minitf.train.summary_iterator(childs))) == [3]


def test_a_full_disk_is_told_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = minitf.summary.FileWriter(str(tmp_path))
    writer.add_summary(scalar(minitf), 1)
    really_write = os.write

    def nearly_full(file: int, data: Any) -> int:
        if len(data) < 10:
            raise OSError(28, "No space left on device")
        return really_write(file, bytes(data)[: len(data) // 2])

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(minitf.errors.ResourceExhaustedError, match="No space left"):
        writer.add_summary(scalar(minitf), 2)
    monkeypatch.undo()
    writer.add_summary(scalar(minitf), 3)
    writer.close()
    assert steps(events(tmp_path)) == [1, 3]


def test_a_writer_that_is_closed_while_others_add(tmp_path: Path) -> None:
    """No record goes into another file that has got the closed one's number."""
    for _ in range(20):
        writer = minitf.summary.FileWriter(tmp_path)
        begun = threading.Event()

        def add(writer: Any = writer, begun: Any = begun) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for step in range(200):
                    writer.add_summary(scalar(minitf), step)
                    begun.set()

        thread = threading.Thread(target=add)
        thread.start()
        assert begun.wait(60)
        writer.close()
        other = tmp_path / "other"
        other.write_text("mine")
        thread.join(60)
        assert other.read_text() == "mine"
        added = steps(list(minitf.train.summary_iterator(files(tmp_path)[-1])))
        assert added == list(range(len(added))) and added


@pytest.mark.parametrize("name", ["caf\u00e9 \u6570", "a b", "deep/er/still", "x:y", "end/"])
def test_names_of_folders(name: str, tmp_path: Path) -> None:
    for given in (f"{tmp_path}/{name}", tmp_path / name, os.fsencode(f"{tmp_path}/{name}")):
        with minitf.summary.FileWriter(given) as writer:
            writer.add_summary(scalar(minitf), 1)
    assert steps(events(tmp_path / name)) == [1, 1, 1]


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(minitf.errors.OpError, match="file/run"):
        minitf.summary.FileWriter(str(tmp_path / "file" / "run"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"not None \(merge_all\(\) gives None where no summary was built\)"),
        ("text", "not a str"),
        (np.float32(1), "not a float32"),
    ],
)
def test_what_is_no_summary(given: Any, message: str, tmp_path: Path) -> None:
    with (
        minitf.summary.FileWriter(str(tmp_path)) as writer,
        pytest.raises(TypeError, match=message),
    ):
        writer.add_summary(given, 1)


@pytest.mark.parametrize("method", ["add_run_metadata", "add_session_log", "add_event"])
def test_what_is_no_message(method: str, tmp_path: Path) -> None:
    with minitf.summary.FileWriter(str(tmp_path)) as writer:
        add = getattr(writer, method)
        with pytest.raises(TypeError, match="not None"):
            add(None, "tag") if method == "add_run_metadata" else add(None)
    assert kinds(events(tmp_path))[1:] == []


def test_a_summary_that_was_not_run(tmp_path: Path) -> None:
    loss = minitf.summary.scalar("loss", 1.0)
    with minitf.summary.FileWriter(tmp_path) as writer:
        with pytest.raises(TypeError, match="the tensor 'loss:0', which has to be run first"):
            writer.add_summary(loss)
        with pytest.raises(TypeError, match="global_step is a number, not the variable 'v:0'"):
            writer.add_summary(b"", minitf.Variable(1, name="v"))
        with pytest.raises(ValueError, match="These 1 bytes are no serialized Summary"):
            writer.add_summary(b"\xff")
