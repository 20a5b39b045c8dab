"""The threads that share a kernel's work, and matrix products on them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.kernels import blas, gemm, parallel
from minitf.kernels.parallel import cut, parallel_for, parallel_ranges, set_num_threads
from minitf.kernels.workspace import workspace

PATIENCE = 60


def finishes(*targets) -> None:
    """Runs functions at once, each in a thread, and passes on the first error; never hangs."""
    errors: list[BaseException] = []

    def guarded(target) -> None:
        try:
            target()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(t,), daemon=True) for t in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("n_blocks", [0, 1, 2, 3, 100])
def test_each_block_runs_once(threads, number, n_blocks):
    set_num_threads(number)
    ran: list[int] = []
    finishes(lambda: parallel_for(n_blocks, ran.append))
    assert sorted(ran) == list(range(n_blocks))


def test_blocks_run_at_the_same_time(threads):
    set_num_threads(3)
    meeting = threading.Barrier(3, timeout=PATIENCE)
    finishes(lambda: parallel_for(3, lambda index: meeting.wait()))


def test_at_most_so_many_threads(threads):
    lock, now, most = threading.Lock(), 0, 0

    def block(index: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1

    set_num_threads(8)
    parallel_for(8, lambda index: None)  # there are helpers enough, but they must stay out of it
    set_num_threads(2)
    parallel_for(20, block)
    assert most <= 2


@pytest.mark.parametrize("number", [1, 4])
def test_an_error_reaches_the_caller_once_all_is_quiet(threads, number):
    set_num_threads(number)
    running: set[int] = set()
    ran: list[int] = []

    def block(index: int) -> None:
        running.add(index)
        ran.append(index)
        time.sleep(0.001)
        running.discard(index)
        if index == 3:
            raise KeyError("the third")

    with pytest.raises(KeyError, match="the third"):
        parallel_for(50, block)
    assert not running
    assert len(ran) < 50
    again: list[int] = []
    parallel_for(10, again.append)
    assert sorted(again) == list(range(10))


def test_calls_within_blocks_and_from_many_threads(threads):
    set_num_threads(3)
    totals = np.zeros((8, 10, 10))

    def caller(number: int):
        def outer(i: int) -> None:
            def inner(j: int) -> None:
                totals[number, i, j] += 1

            parallel_for(10, inner)

        return lambda: [parallel_for(10, outer) for _ in range(20)]

    finishes(*map(caller, range(8)))
    assert (totals == 20).all()


def test_a_call_within_a_block_stays_on_its_thread(threads):
    set_num_threads(3)
    strangers: list[int] = []

    def outer(_: int) -> None:
        def inner(_: int) -> None:
            time.sleep(0.0001)
            if threading.get_ident() != this:
                strangers.append(threading.get_ident())

        this = threading.get_ident()
        parallel_for(10, inner)

    finishes(lambda: parallel_for(12, outer))
    assert not strangers


INTERRUPT = """
import os, signal, sys, threading, time
from minitf.kernels import parallel
parallel.set_num_threads(2)
caller, helping, interrupts, ended = threading.get_ident(), threading.Event(), [], []
def interrupt(*_):
    interrupts.append(1)
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, interrupt)
def block(index):
    if threading.get_ident() == caller:
        helping.wait()
        return
    helping.set()
    for number in (1, 2):
        os.kill(os.getpid(), signal.SIGINT)
        while len(interrupts) < number:
            time.sleep(0.001)
    time.sleep(0.1)  # time enough to leave without it
    ended.append(index)
try:
    parallel.parallel_for(2, block)
except KeyboardInterrupt:
    sys.exit(len(ended) != 1)
sys.exit("not interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system sends no interrupts")
def test_an_interrupt_waits_for_the_blocks_under_way():
    """They write to memory that the caller is about to give to others."""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", INTERRUPT], check=True, timeout=PATIENCE)


def test_helpers_keep_nothing_of_what_is_done(threads):
    set_num_threads(2)
    array = np.zeros(10)
    there = weakref.ref(array)
    meeting = threading.Barrier(2, timeout=PATIENCE)
    parallel_for(2, lambda index, array=array: meeting.wait())
    del array
    deadline = time.monotonic() + PATIENCE
    while there() is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert there() is None


FORK = """
import os, sys, threading
from minitf.kernels import blas, parallel
parallel.set_num_threads(3)
parallel.parallel_for(9, lambda index: None)
before = blas._threads() and blas._threads().get()
inside, leave = threading.Event(), threading.Event()
def other():
    with blas.single_threaded():
        inside.set()
        leave.wait()
threading.Thread(target=other, daemon=True).start()
inside.wait()
child = os.fork()
if child == 0:
    meeting = threading.Barrier(3, timeout=30)
    parallel.parallel_for(3, lambda index: meeting.wait())
    with blas.single_threaded():
        pass
    os._exit(0 if before == (blas._threads() and blas._threads().get()) else 1)
leave.set()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_its_own_threads():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=PATIENCE)


@given(
    total=st.integers(0, 5000),
    work=st.integers(0, 1000),
    least=st.integers(1, 10000),
    multiple=st.integers(1, 70),
)
def test_ranges_cover_all_and_are_neither_many_nor_small(total, work, least, multiple):
    ranges = list(cut(total, work=work, least=least, multiple=multiple))
    assert [i for start, stop in ranges for i in range(start, stop)] == list(range(total))
    assert len(ranges) <= 64
    for start, stop in ranges[:-1]:
        assert (stop - start) % multiple == 0
        assert (stop - start) * work >= least or work == 0


def test_small_work_stays_on_the_calling_thread(threads):
    set_num_threads(4)
    where: list[tuple[int, int, int]] = []

    def block(start: int, stop: int) -> None:
        where.append((start, stop, threading.get_ident()))

    parallel_ranges(1000, block, work=1)
    assert where == [(0, 1000, threading.get_ident())]


def test_the_number_of_threads(threads):
    assert 1 <= parallel.get_num_threads() <= (os.cpu_count() or 1)
    set_num_threads(7)
    assert parallel.get_num_threads() == 7
    with pytest.raises(ValueError, match="must not be negative"):
        set_num_threads(-1)


def test_blas_keeps_its_threads():
    threads = blas._threads()
    if threads is None:  # another BLAS than OpenBLAS: there is nothing to switch
        with blas.single_threaded():
            return
    before = threads.get()
    with blas.single_threaded():
        assert threads.get() == 1
        with pytest.raises(KeyError), blas.single_threaded():
            raise KeyError
        assert threads.get() == 1
    assert threads.get() == before


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(("m", "k", "n"), [(3, 4, 5), (700, 900, 40), (40, 900, 700), (0, 3, 2)])
def test_matrix_products(m, k, n, transpose_a, transpose_b):
    rng = np.random.RandomState(0)
    a, b = rng.randint(-3, 4, (m, k)).astype("f4"), rng.randint(-3, 4, (k, n)).astype("f4")
    given_a, given_b = a.T.copy() if transpose_a else a, b.T.copy() if transpose_b else b
    out = np.empty((m, n), "f4")
    result = gemm.matmul(
        given_a, given_b, transpose_a=transpose_a, transpose_b=transpose_b, out=out
    )
    assert result is out
    np.testing.assert_array_equal(result, a @ b)


def test_matrix_products_have_the_same_bits_for_any_number_of_threads(threads):
    rng = np.random.RandomState(0)
    a, b = rng.standard_normal((50, 3136)), rng.standard_normal((3136, 700))
    a, b = a.astype("f4"), b.astype("f4")
    set_num_threads(1)
    expected = gemm.matmul(a, b)
    for number in (2, 3, 8):
        set_num_threads(number)
        np.testing.assert_array_equal(gemm.matmul(a, b), expected)


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3\) cannot be multiplied"):
        gemm.matmul(np.zeros((2, 3)), np.zeros((2, 3)))


@pytest.mark.parametrize("size", [3, 300])
def test_a_product_is_put_only_where_there_is_room(size):
    a, out = np.ones((size, size), "f4"), np.zeros((2 * size, size), "f4")
    for wrong in (out, out[: size - 1], out[:0]):
        with pytest.raises(ValueError, match="out must have shape"):
            gemm.matmul(a, a, out=wrong)
    assert not out.any()


def test_workspaces_are_reused_and_each_threads_own():
    first = workspace("test", (4, 5), "float32")
    assert np.shares_memory(first, workspace("test", (3,), "float64"))
    assert not np.shares_memory(first, workspace("other", (4, 5), "float32"))
    others: list[np.ndarray] = []
    finishes(lambda: others.append(workspace("test", (4, 5), "float32")))
    assert not np.shares_memory(first, others[0])
