"""Measures saving and restoring, beside TensorFlow where that is installed.

    python -m benchmarks.saving [--only cnn] [--repeats 5] [--folder .] [--pause 3]
    .venv-parity/bin/python -m benchmarks.saving        beside TensorFlow, in the same process

Two sets of variables: those of the tutorial's CNN with the slots of Adam, and 1 GB in 20 pieces.
The engines take turns. Before each turn what is not on the disk yet is brought there, so that
nobody waits for another's bytes. TensorFlow never waits for the disk itself; minitf is measured as
it is, and with MINITF_FSYNC=0, which does not either. Each figure is the median of the repeats.
"bare" is one file of as many bytes, written and read with nothing around it. "background" saves
with `Saver(background=True)`: the time until `save` returns.

    python -m benchmarks.saving --training [--repeats 15]

measures what training waits for, on the tutorial's CNN itself: the time until `save` returns, and
by how much the steps that follow it take longer than as many steps before it, since a writer in the
background takes a share of the processors. Of both the median is shown, and that of their sums.

In training, minutes pass between two saves. Meanwhile the memory that the last one took from the
system has gone elsewhere; on a virtual machine, back to the host. --pause waits before each save.

`memory` is what the process needed beyond what it had, at most, while it saved or restored: of
memory of its own, without the pages of files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minitf.kernels.crc32c import crc32c

MB = 1 << 20
TENSORFLOW = "TensorFlow"

CNN = {
    "conv1/kernel": (5, 5, 1, 32),
    "conv1/bias": (32,),
    "conv2/kernel": (5, 5, 32, 64),
    "conv2/bias": (64,),
    "dense/kernel": (3136, 1024),
    "dense/bias": (1024,),
    "out/kernel": (1024, 10),
    "out/bias": (10,),
}
SETS = {
    "cnn": {
        f"{name}{slot}": shape for name, shape in CNN.items() for slot in ("", "/Adam", "/Adam_1")
    },
    "1gb": {f"v{i:02d}": (256, 52429) for i in range(20)},
}


class Saved:
    """Variables in a session of one engine, and a saver.

    Args:
      tf: the engine.
      shapes: of the variables, by name.
      folder: where to save.
      sync: whether minitf waits for the disk.
      options: for the saver.
    """

    def __init__(
        self, tf: Any, shapes: dict[str, Any], folder: Path, sync: bool = True, **options: Any
    ) -> None:
        self._folder, self._sync, self._step = folder, sync, 0
        folder.mkdir()
        with tf.Graph().as_default() as graph:
            random = np.random.default_rng(0)
            variables = [tf.Variable(tf.zeros(shape), name=n) for n, shape in shapes.items()]
            self._saver = tf.train.Saver(max_to_keep=1, **options)
            self._session = tf.Session(graph=graph)
            for variable in variables:
                value = random.standard_normal(variable.shape.as_list(), np.float32)
                variable.load(value, self._session)

    def save(self) -> None:
        """Saves under a new name; the checkpoint before is deleted."""
        self._step += 1
        with self._environment():
            self._path = self._saver.save(
                self._session, str(self._folder / "m"), self._step, write_meta_graph=False
            )

    def finish(self) -> None:
        """Returns when all is written."""
        if hasattr(self._saver, "wait"):
            with self._environment():
                self._saver.wait()

    def restore(self) -> None:
        """Restores what was saved last."""
        self._saver.restore(self._session, self._path)

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        if not self._sync:
            os.environ["MINITF_FSYNC"] = "0"
        try:
            yield
        finally:
            os.environ.pop("MINITF_FSYNC", None)


class Trained(Saved):
    """The tutorial's CNN with Adam, and a batch to train it on."""

    def __init__(
        self, tf: Any, folder: Path, sync: bool = True, batch: int = 50, **options: Any
    ) -> None:
        self._folder, self._sync, self._step = folder, sync, 0
        folder.mkdir()
        random = np.random.default_rng(0)
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [None, 28, 28, 1])
            y = tf.placeholder(tf.int64, [None])
            hidden = x
            for filters in (32, 64):
                hidden = tf.nn.conv2d(
                    hidden, weights(tf, [5, 5, hidden.shape[3], filters]), [1, 1, 1, 1], "SAME"
                )
                hidden = tf.nn.relu(hidden + weights(tf, [filters]))
                hidden = tf.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            hidden = tf.matmul(tf.reshape(hidden, [-1, 3136]), weights(tf, [3136, 1024]))
            hidden = tf.nn.relu(hidden + weights(tf, [1024]))
            logits = tf.matmul(hidden, weights(tf, [1024, 10])) + weights(tf, [10])
            loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
            self._train = tf.train.AdamOptimizer(1e-4).minimize(loss)
            self._saver = tf.train.Saver(max_to_keep=1, **options)
            self._session = tf.Session(graph=graph)
            self._session.run(tf.global_variables_initializer())
        images = random.random((batch, 28, 28, 1), np.float32)
        self._feeds = {x: images, y: random.integers(0, 10, batch)}

    def steps(self, count: int) -> float:
        """The seconds that so many steps take."""
        began = time.perf_counter()
        for _ in range(count):
            self._session.run(self._train, self._feeds)
        return time.perf_counter() - began


def weights(tf: Any, shape: Any) -> Any:
    """A variable of a layer."""
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1))


class Bare:
    """The least that any engine can do: the same bytes, handed to the system and taken back."""

    def __init__(self, shapes: dict[str, Any], folder: Path, sync: bool) -> None:
        folder.mkdir()
        self._path, self._sync = folder / "bytes", sync
        size = sum(4 * int(np.prod(shape)) for shape in shapes.values())
        self._data = np.random.default_rng(0).integers(0, 256, size, np.uint8)
        self._back = np.zeros(size, np.uint8)

    def save(self) -> None:
        """Writes a new file, and deletes the one before."""
        new = self._path.with_suffix(".new")
        with open(new, "wb", buffering=0) as file:
            for start in range(0, len(self._data), 4 * MB):
                file.write(memoryview(self._data)[start : start + 4 * MB])
            if self._sync:
                os.fsync(file.fileno())
        new.replace(self._path)

    def finish(self) -> None:
        """All is written."""

    def restore(self) -> None:
        """Reads it."""
        with open(self._path, "rb", buffering=0) as file:
            file.readinto(memoryview(self._back))


class Memory:
    """How much memory of its own the process needs inside the `with` block, beyond what it had."""

    def __enter__(self) -> Memory:
        self._before = self._most = own_memory()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.002):
            self._most = max(self._most, own_memory())

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.needed = self._most - self._before


def own_memory() -> int:
    """Bytes of memory that belong to this process alone."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def timed(function: Callable[[], None]) -> tuple[float, int]:
    """The seconds that a call takes, and the memory that it needs."""
    os.sync()
    with Memory() as memory:
        began = time.perf_counter()
        function()
        seconds = time.perf_counter() - began
    return seconds, memory.needed


def measure(shapes: dict[str, Any], folder: Path, repeats: int, pause: float) -> None:
    """Prints a line for each engine."""
    engines: dict[str, Any] = {
        "bare": Bare(shapes, folder / "bare", sync=False),
        "bare, fsync": Bare(shapes, folder / "bare_synced", sync=True),
        "minitf": Saved(importlib.import_module("minitf"), shapes, folder / "synced"),
        "minitf, FSYNC=0": Saved(
            importlib.import_module("minitf"), shapes, folder / "unsynced", sync=False
        ),
        "background": Saved(
            importlib.import_module("minitf"),
            shapes,
            folder / "background",
            background=True,
            background_memory=2 << 30,
        ),
    }
    if importlib.util.find_spec("tensorflow") is not None:
        engines[TENSORFLOW] = Saved(tensorflow(), shapes, folder / "tensorflow")
    found: dict[str, list[list[tuple[float, int]]]] = {name: [[], []] for name in engines}
    for turn in range(repeats + 1):
        for name, engine in engines.items():
            for times, function in zip(found[name], (engine.save, engine.restore)):
                if function == engine.save:
                    os.sync()
                    time.sleep(pause)
                result = timed(function)
                engine.finish()
                if turn:  # the first compiles, and finds no memory to use again
                    times.append(result)
    for name in engines:
        print(line(name, found[name], found.get(TENSORFLOW)), flush=True)


# So many steps last longer than a save in the background.
_STEPS = 12


def measure_training(folder: Path, repeats: int, pause: float) -> None:
    """Prints for each engine what training waits for."""
    minitf = importlib.import_module("minitf")
    engines = {
        "minitf": Trained(minitf, folder / "synced"),
        "minitf, FSYNC=0": Trained(minitf, folder / "unsynced", sync=False),
        "background": Trained(minitf, folder / "background", background=True),
        "background, FSYNC=0": Trained(
            minitf, folder / "background_unsynced", sync=False, background=True
        ),
    }
    if importlib.util.find_spec("tensorflow") is not None:
        engines[TENSORFLOW] = Trained(tensorflow(), folder / "tensorflow")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for turn in range(repeats + 1):
        for name, engine in engines.items():
            os.sync()
            time.sleep(pause)
            engine.steps(3)
            before = engine.steps(_STEPS)
            began = time.perf_counter()
            engine.save()
            returned = time.perf_counter() - began
            after = engine.steps(_STEPS)
            engine.finish()
            if turn:
                found[name].append((returned, after - before))
    theirs = statistics.median(sum(each) for each in found.get(TENSORFLOW, [(0.0, 0.0)]))
    for name, each in found.items():
        returned, longer = (1000 * statistics.median(times) for times in zip(*each))
        both = 1000 * statistics.median(map(sum, each))
        ratio = f" ({1000 * theirs / both:4.1f} x)" if theirs else ""
        print(
            f"  {name:20}  save returns after {returned:6.1f} ms  {_STEPS} steps take "
            f"{longer:+6.1f} ms  together {both:6.1f} ms{ratio}",
            flush=True,
        )


def line(name: str, of: list[list[tuple[float, int]]], theirs: Any) -> str:
    """What was measured of one engine, and how many times as fast it is as TensorFlow."""
    text = f"  {name:16}"
    for i, what in enumerate(("save", "restore")):
        seconds = statistics.median(time for time, _ in of[i])
        text += f"  {what} {1000 * seconds:8.1f} ms"
        if theirs is not None:
            ratio = statistics.median(time for time, _ in theirs[i]) / seconds
            text += f" ({ratio:4.1f} x)"
        text += f" memory {max(memory for _, memory in of[i]) / MB:6.1f} MB"
    return text


def tensorflow() -> Any:
    """TensorFlow, as version 1."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.logging.set_verbosity(tf.logging.FATAL)
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    return tf


def checksum_rate() -> float:
    """GB that the checksum gets through in a second: of an array in memory."""
    data = np.zeros(256 * MB, np.uint8)
    crc32c(data)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        crc32c(data)
        best = min(best, time.perf_counter() - began)
    return len(data) / best / 1e9


def main(argv: list[str] | None = None) -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SETS, help="one set of variables")
    parser.add_argument("--repeats", type=int, default=5, help="how often each engine saves")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each save")
    parser.add_argument(
        "--training", action="store_true", help="measure what training waits for, instead"
    )
    parser.add_argument("--folder", default=".", help="where to save: on the disk to measure")
    args = parser.parse_args(argv)
    if args.training:
        with temporary_folder(args.folder) as folder:
            measure_training(folder, args.repeats, args.pause)
        return
    print(f"CRC-32C: {checksum_rate():.1f} GB/s")
    for name, shapes in SETS.items():
        if args.only in (None, name):
            size = sum(4 * int(np.prod(shape)) for shape in shapes.values())
            print(f"{name}: {len(shapes)} variables, {size / MB:.1f} MB")
            with temporary_folder(args.folder) as folder:
                measure(shapes, folder, args.repeats, args.pause)


@contextlib.contextmanager
def temporary_folder(inside: str) -> Iterator[Path]:
    """A folder on the disk to measure."""
    folder = Path(tempfile.mkdtemp(prefix=".saving-", dir=inside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
