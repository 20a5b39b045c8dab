"""Lazy compilation: nothing at import, once for all threads, kept on disk, and dispensable."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from minitf.kernels import jit as jit_module
from minitf.kernels.jit import Kernel, jit, readonly

# A module with kernels, as a user of `jit` would write it.
SOURCE = """
from minitf.kernels.jit import jit, native

@jit
def square(x):
    return x * x

@jit
def sum_of_squares(values):
    total = 0.0
    for i in range(len(values)):
        total += square(values[i])
    return total

@jit(fallback=lambda x: "fallback")
def identity(x):
    return x

@native
def nothing(count):
    for _ in range(count):
        pass
"""

RUN = """
import sys
import numpy as np
import made
assert made.sum_of_squares(np.arange(4.0)) == 14
stats = made.sum_of_squares.compile().stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def run_python(code: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a new process that can import what lies in the directory."""
    root = str(Path(jit_module.__file__).parents[2])
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "MINITF_"))}
    path = os.pathsep.join([str(directory), root])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the module `made`."""
    (tmp_path / "made.py").write_text(SOURCE)
    return tmp_path


def load(directory: Path, name: str = "made") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, directory / "made.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_importing_kernels_does_not_import_numba(directory):
    code = """
import sys
from minitf.kernels import conv, depthwise, gemm, jit, padding, parallel, pool, reference
assert "numba" not in sys.modules and "llvmlite" not in sys.modules
"""
    run_python(code, directory)


def test_a_kernel_is_the_function_and_its_compiled_form(directory):
    made = load(directory)
    assert made.sum_of_squares.py_func([1.0, 2.0]) == 5
    assert made.sum_of_squares(np.arange(4.0)) == 14
    (signature,) = made.sum_of_squares.compile().signatures
    assert "float64" in str(signature)
    assert made.identity(3) == 3
    assert made.square.__name__ == "square"
    assert "made.square" in repr(made.square)


def test_the_second_process_finds_the_code_on_disk(directory):
    cache = directory / "cache"
    assert run_python(RUN, directory, NUMBA_CACHE_DIR=str(cache)).stdout == "0 1\n"
    assert list(cache.rglob("*.nbc"))
    assert run_python(RUN, directory, NUMBA_CACHE_DIR=str(cache)).stdout == "1 0\n"


EDITED = """
import os
import numpy as np
import made
os.utime(made.__file__, (1, 1))
assert made.sum_of_squares(np.arange(4.0)) == 14
"""


def test_what_was_edited_since_it_was_imported_is_not_kept(directory):
    cache = directory / "cache"
    run_python(EDITED, directory, NUMBA_CACHE_DIR=str(cache))
    assert not list(cache.rglob("*.nbc"))


SPECIALIZED = """
from minitf.kernels.jit import jit
FACTOR, inner = 1, None

@jit
def once(x):
    return x + 1

@jit
def twice(x):
    return x + 2

@jit
def scaled(x):
    return FACTOR * inner(x)

tenfold = scaled.specialize("_tenfold", FACTOR=10, inner=once)
hundredfold = scaled.specialize("_hundredfold", FACTOR=100, inner=twice)
"""

RUN_SPECIALIZED = """
from special import tenfold, hundredfold
assert (tenfold(1.0), hundredfold(1.0), tenfold(2.0)) == (20, 300, 30)
print([sum(k.compile().stats.cache_hits.values()) for k in (tenfold, hundredfold)])
"""


def test_specialized_kernels_are_kept_apart(directory):
    (directory / "special.py").write_text(SPECIALIZED)
    cache = str(directory / "cache")
    assert run_python(RUN_SPECIALIZED, directory, NUMBA_CACHE_DIR=cache).stdout == "[0, 0]\n"
    assert run_python(RUN_SPECIALIZED, directory, NUMBA_CACHE_DIR=cache).stdout == "[1, 1]\n"


OTHER = """
from minitf.kernels.jit import jit
from made import square

@jit
def cube(x):
    return x * square(x)
"""

RUN_OTHER = """
from other import cube
print(cube(2.0), sum(cube.compile().stats.cache_hits.values()))
"""


def test_code_is_stale_when_a_file_changes_that_it_takes_a_kernel_from(directory):
    (directory / "other.py").write_text(OTHER)
    cache = str(directory / "cache")
    assert run_python(RUN_OTHER, directory, NUMBA_CACHE_DIR=cache).stdout == "8.0 0\n"
    assert run_python(RUN_OTHER, directory, NUMBA_CACHE_DIR=cache).stdout == "8.0 1\n"
    (directory / "made.py").write_text(SOURCE.replace("x * x", "x * x + 1"))
    assert run_python(RUN_OTHER, directory, NUMBA_CACHE_DIR=cache).stdout == "10.0 0\n"


def test_the_code_is_kept_beside_the_source(directory):
    run_python(RUN, directory)
    assert list((directory / "__pycache__").glob("*.nbc"))


def test_the_users_cache_serves_where_the_package_cannot_be_written(directory):
    (directory / "__pycache__").write_text("a file, where a directory would have to be")
    home = directory / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    assert run_python(RUN, directory, **environment).stdout == "0 1\n"
    assert run_python(RUN, directory, **environment).stdout == "1 0\n"
    assert list(home.rglob("*.nbc"))


def test_where_there_is_no_directory_it_compiles_each_time(directory, monkeypatch):
    dispatcher = pytest.importorskip("numba.core.dispatcher")

    def nowhere(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(dispatcher, "FunctionCache", nowhere)
    assert load(directory).sum_of_squares(np.arange(4.0)) == 14


# A program as on a full disk: no file can grow. It uses all that is compiled in one way or another.
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
import numpy as np
import made
from minitf.kernels import parallel
assert made.sum_of_squares(np.arange(4.0)) == 14
assert made.nothing.address()
parallel.set_num_threads(2)
done = []
for _ in range(20):
    parallel.parallel_for(100, done.append)
assert len(done) == 2000
assert all(thread.is_alive() for thread in parallel._pool.threads)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limit")
@pytest.mark.parametrize("quiet", ["", "1"])
def test_on_a_full_disk_it_runs_and_says_so_once(directory, quiet):
    cache = directory / "cache"
    cache.mkdir()
    message = run_python(FULL, directory, NUMBA_CACHE_DIR=str(cache), MINITF_QUIET=quiet).stderr
    assert not [file for file in cache.rglob("*") if file.is_file()]
    assert message.count("compiled code cannot be kept on disk") == (not quiet)


def test_files_that_were_cut_short_are_made_anew(directory):
    cache = directory / "cache"
    run_python(RUN_BOTH, directory, NUMBA_CACHE_DIR=str(cache))
    files = [*cache.rglob("*.sum_of_squares*.nbc"), *cache.rglob("*.nothing*.nbi")]
    assert len(files) == 2
    for file in files:
        os.truncate(file, file.stat().st_size // 2)
    assert run_python(RUN_BOTH, directory, NUMBA_CACHE_DIR=str(cache)).stdout == "0 0\n"
    assert run_python(RUN_BOTH, directory, NUMBA_CACHE_DIR=str(cache)).stdout == "1 1\n"


RUN_BOTH = """
import numpy as np
import made
assert made.sum_of_squares(np.arange(4.0)) == 14
made.nothing.address()
stats = made.sum_of_squares.compile().stats
print(sum(stats.cache_hits.values()), made.nothing.compile().cache_hits)
"""


# A Ctrl-C each time that Numba begins to use LLVM, to compile or to load.
INTERRUPTED = """
import os, signal
import numpy as np
import numba.core.event as event
import made

class Interrupter(event.Listener):
    def on_start(self, event):
        os.kill(os.getpid(), signal.SIGINT)

    def on_end(self, event):
        pass

kernel = made.sum_of_squares
for use in (kernel.compile, lambda: kernel(np.arange(4.0)), made.nothing.address):
    try:
        with event.install_listener("numba:llvm_lock", Interrupter()):
            use()
    except KeyboardInterrupt:
        print("interrupted", end=" ")
print(len(kernel.compile().signatures), made.nothing._compiled is not None)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_an_interrupt_waits_until_a_kernel_is_compiled_or_loaded(directory):
    cache = str(directory / "cache")
    for _ in range(2):
        made = run_python(INTERRUPTED, directory, NUMBA_CACHE_DIR=cache).stdout
        assert made == "interrupted interrupted interrupted 1 True\n"
    assert run_python(RUN_BOTH, directory, NUMBA_CACHE_DIR=cache).stdout == "1 1\n"


IGNORED = """
import signal
import numpy as np
import made
signal.signal(signal.SIGINT, signal.SIG_IGN)
assert made.sum_of_squares(np.arange(4.0)) == 14
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
"""


def test_who_ignores_interrupts_goes_on_to(directory):
    run_python(IGNORED, directory)


@pytest.mark.parametrize("quiet", ["", "0", "1"])
def test_a_long_compile_is_announced_unless_quiet(directory, monkeypatch, capfd, quiet):
    monkeypatch.setattr(jit_module, "_NOTICEABLE_SECONDS", 0.001)
    monkeypatch.setenv("MINITF_QUIET", quiet)
    made = load(directory, f"minitf.made{quiet}")
    made.sum_of_squares(np.arange(4.0))
    message = capfd.readouterr().err
    if quiet == "1":
        assert message == ""
    else:  # one line, though `square` is compiled as well
        assert message.startswith("minitf: compiling sum_of_squares once ... ")
        assert message.endswith(" s\n")
        assert message.count("\n") == 1
    made.sum_of_squares(np.arange(5.0))
    assert capfd.readouterr().err == ""


def test_kernels_of_others_are_not_announced(directory, monkeypatch, capfd):
    monkeypatch.setattr(jit_module, "_NOTICEABLE_SECONDS", 0.001)
    monkeypatch.delenv("MINITF_QUIET", raising=False)
    load(directory, "somebody").sum_of_squares(np.arange(4.0))
    assert capfd.readouterr().err == ""


def test_threads_may_race_to_compile(directory):
    kernel = load(directory).sum_of_squares
    meeting = threading.Barrier(8)
    results: list[float] = []
    compiled: list[object] = []

    def caller() -> None:
        meeting.wait()
        results.append(kernel(np.arange(4.0)))
        compiled.append(kernel.compile())

    threads = [threading.Thread(target=caller, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [14.0] * 8
    assert len(set(map(id, compiled))) == 1
    assert sum(kernel.compile().stats.cache_misses.values()) == 1


ABSENT = """
import sys
sys.modules["numba"] = None
import made
from minitf.kernels import jit
assert made.identity(3) == "fallback"
assert made.sum_of_squares([1.0, 2.0]) == 5
assert not jit.available()
"""


@pytest.mark.parametrize("quiet", ["", "1"])
def test_without_numba_fallbacks_run(directory, quiet):
    message = run_python(ABSENT, directory, MINITF_QUIET=quiet).stderr
    if quiet:
        assert message == ""
    else:
        assert message.startswith("minitf: running without Numba, slower (")
        assert message.count("\n") == 1


def test_numbas_own_switch_is_heeded(directory):
    code = """
import sys
import made
assert made.identity(3) == "fallback"
assert made.sum_of_squares([1.0, 2.0]) == 5
assert "numba" not in sys.modules
"""
    assert run_python(code, directory, NUMBA_DISABLE_JIT="1").stderr == ""


def test_options_reach_numba(directory):
    @jit(fastmath=True)
    def double(x):
        return 2 * x

    assert isinstance(double, Kernel)
    assert double(2.0) == 4
    options = double.compile().targetoptions
    assert options["fastmath"]
    assert options["nogil"]


def test_readonly_arrays_are_of_one_kind():
    array = np.arange(6.0).reshape(2, 3)
    view = readonly(array)
    assert np.shares_memory(view, array)
    for given in (view, readonly(array.T), readonly(np.broadcast_to(1.0, (2, 2)))):
        assert given.flags.c_contiguous
        assert given.flags.aligned
        assert not given.flags.writeable
    unaligned = np.zeros(9, np.uint8)[1:].view(np.float64)
    assert readonly(unaligned).flags.aligned
    assert array.flags.writeable
