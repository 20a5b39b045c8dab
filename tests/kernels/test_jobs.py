"""Threads that hand compiled work to one another: all is done once, in order, and by several."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from staged import LEAVE, count, follow, stage, stay, where
from test_parallel import PATIENCE, finishes

from minitf.kernels import jobs, parallel
from minitf.kernels.jit import available
from minitf.kernels.parallel import parallel_for, set_num_threads, thread_limit
from minitf.kernels.stages import Stage, Stages
from minitf.kernels.workspace import address

pytestmark = pytest.mark.skipif(not available(), reason="compiled only")


@pytest.fixture
def pool(threads: None, monkeypatch: pytest.MonkeyPatch) -> parallel._Pool:
    """A pool that has no helpers yet."""
    monkeypatch.setattr(parallel, "_pool", parallel._Pool())
    return parallel._pool


def becomes(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def until(condition: Callable[[], bool]) -> None:
    assert becomes(condition, PATIENCE), "it takes too long"


class Held(threading.Thread):
    """Leads a stage in whose blocks threads stay until the test leaves it.

    Args:
      blocks: how many there are.
      *before: other stages.
      room: how many integers of its own each thread is to have.

    Attributes:
      ended: which blocks ended because the test left, and found their room as they left it.
    """

    def __init__(self, blocks: int, *before: Stage, room: int = 1) -> None:
        super().__init__(daemon=True)
        self.ended = np.zeros(blocks + 1, np.int64)  # one more for the stage of `busy`
        self._come = np.zeros(1, np.int64)
        self._stages = Stages(*before, stage(stay, blocks, room=room), room=8 * room)

    @property
    def come(self) -> int:
        """How many threads are there."""
        return int(self._come[0])

    def run(self) -> None:
        self._stages.run(address(self.ended), address(self._come))

    def end(self) -> None:
        self._come[0] = LEAVE

    def __enter__(self) -> Held:
        self.start()
        until(lambda: self.come > 0)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.join(PATIENCE)
        assert not self.is_alive(), "it hangs"
        assert self.ended[:-1].all()


def busy() -> Held:
    """Has somebody lead with nothing to help with, but helpers expect that there will be more."""
    return Held(1, stage(count, 2))


def helpers_come(number: int, room: int = 1) -> bool:
    """Whether so many threads are in one stage, each in a block and a room of so many integers.

    Nobody waits for helpers to come: some may come too late if others want their core. So they have
    several stages to come to.
    """
    for _ in range(30):
        with Held(number, room=room) as held:
            if becomes(lambda held=held: held.come == number, 0.5):
                return True
    return False


@pytest.mark.parametrize("number", [1, 2, 5])
@pytest.mark.parametrize("blocks", [(0,), (1,), (2, 1, 500, 3), (40,) * 6])
def test_each_block_of_each_stage_runs_once(
    threads: None, number: int, blocks: tuple[int, ...]
) -> None:
    set_num_threads(number)
    stages = Stages(*(stage(count, each) for each in blocks))
    counts = np.zeros(max(blocks) + 1, np.int64)
    finishes(lambda: [stages.run(address(counts)) for _ in range(100)])
    assert [int(n) for n in counts] == [
        100 * sum(each > index for each in blocks) for index in range(len(counts))
    ]


@pytest.mark.parametrize("number", [2, 4])
def test_each_stage_sees_all_that_the_one_before_wrote(threads: None, number: int) -> None:
    set_num_threads(number)
    rows = np.zeros((8, 30), np.int64)
    stages = Stages(*(stage(follow, 30, row=row) for row in range(1, 8)))

    def run() -> None:
        for start in range(50):
            rows[0] = start
            stages.run(address(rows))
            assert (rows == start + np.arange(8)[:, None]).all()

    finishes(run)


def test_more_lead_at_once_than_the_table_has_jobs(threads: None) -> None:
    set_num_threads(3)
    stages = Stages(stage(count, 50), stage(count, 3), stage(count, 20))
    counts = np.zeros((2 * jobs._JOBS, 50), np.int64)
    finishes(
        *(lambda mine=mine: [stages.run(address(mine)) for _ in range(100)] for mine in counts)
    )
    assert (counts == np.repeat([300, 200, 100], [3, 17, 30])).all()


def test_who_finds_no_job_free_works_alone(pool: parallel._Pool) -> None:
    set_num_threads(2)
    counts = np.zeros(50, np.int64)
    with contextlib.ExitStack() as all_jobs:
        for _ in range(jobs._JOBS):
            all_jobs.enter_context(Held(2))
        finishes(lambda: Stages(stage(count, 50)).run(address(counts)))
    assert (counts == 1).all()


@pytest.mark.parametrize("number", [2, 3, 6])
def test_helpers_come_and_have_rooms_of_their_own(threads: None, number: int) -> None:
    set_num_threads(number)
    for room in (1, 37, 4000):
        assert helpers_come(number, room)


def test_all_who_lead_at_once_get_help(threads: None) -> None:
    set_num_threads(5)
    assert helpers_come(5)
    for _ in range(30):
        with Held(3) as one, Held(3) as other:
            if becomes(lambda one=one, other=other: one.come == other.come == 3, 0.5):
                return
    pytest.fail("helpers come to one leader only")


def test_helpers_that_sleep_are_woken(pool: parallel._Pool) -> None:
    set_num_threads(3)
    assert helpers_come(3)
    for _ in range(5):
        until(lambda: len(pool._asleep) == 2)
        assert helpers_come(3)


def test_a_helper_does_not_sleep_if_there_is_news(pool: parallel._Pool) -> None:
    for tell in (pool.jobs.announce, pool.jobs.ask):
        news = pool.jobs.news
        tell()
        finishes(lambda news=news: pool._next(news))  # would sleep for ever otherwise


def test_helpers_that_are_awake_come_for_blocks_in_python(pool: parallel._Pool) -> None:
    set_num_threads(3)
    meeting = threading.Barrier(3, timeout=PATIENCE)
    with busy():
        for _ in range(20):
            finishes(lambda: parallel_for(3, lambda index: meeting.wait()))


def test_helpers_take_all_from_the_queue_while_somebody_leads(pool: parallel._Pool) -> None:
    set_num_threads(2)
    with busy():
        for _ in range(5):
            pool.post(parallel._Job(0, lambda index: None), 1)
        until(pool._queue.empty)


def test_no_more_threads_than_are_allowed(threads: None) -> None:
    set_num_threads(5)
    assert helpers_come(5)
    places, stages = np.zeros(2000, np.int64), Stages(stage(where, 2000), room=8)
    for limit in (1, 2):
        with thread_limit(limit):
            for _ in range(20):
                stages.run(address(places))
                assert len(np.unique(places)) <= limit


def test_stages_within_a_block_stay_on_its_thread(threads: None) -> None:
    set_num_threads(3)
    places = np.zeros((12, 200), np.int64)
    stages, meeting = Stages(stage(where, 200), room=8), threading.Barrier(3, timeout=PATIENCE)

    def block(index: int) -> None:
        if index < 3:
            meeting.wait()
        stages.run(address(places[index]))

    finishes(lambda: parallel_for(12, block))
    assert (places == places[:, :1]).all()
    assert places.all()


def test_all_goes_on_where_no_thread_can_begin(
    pool: parallel._Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    set_num_threads(3)
    counts, ran = np.zeros(50, np.int64), []
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", start)
        Stages(stage(count, 50)).run(address(counts))
        parallel_for(5, ran.append)
    assert (counts == 1).all()
    assert ran == [0, 1, 2, 3, 4]
    assert pool._queue.empty()  # nothing is kept for helpers that are not there
    assert helpers_come(3)


# Processes

BEGIN = """
import os, signal, sys, threading
from test_jobs import Held, busy, helpers_come, set_num_threads, until
set_num_threads(3)
"""

INTERRUPT = """
from minitf.kernels.jobs import _JOBS, _TAKEN, _WORDS
from minitf.kernels.parallel import _pool
from minitf.kernels.workspace import address
held = Held(3)
def interrupt():
    until(lambda: held.come > 0)
    os.kill(os.getpid(), signal.SIGINT)
    held.end()
threading.Thread(target=interrupt, daemon=True).start()
try:
    held.run()  # on this thread
    until(lambda: False)  # the system may take a moment
except KeyboardInterrupt:
    assert held.ended[:-1].all()
table = (_pool.jobs._table - address(_pool.jobs._memory)) // 8
assert not _pool.jobs._memory[table:][_TAKEN::_WORDS].any() and _pool.jobs._leading.value == 0
assert helpers_come(3)
"""

FORK = """
with Held(3) as held:
    child = os.fork()
    if child == 0:
        os._exit(0 if helpers_come(3) else 1)
    until(lambda: os.waitpid(child, os.WNOHANG) == (child, 0))
"""

# The leader, and the helpers that have come, are in compiled code for as long as the process lives.
EXIT = """
assert helpers_come(3)
Held(3).__enter__()
"""

# Helpers watch the table while somebody leads.
EXIT_WATCHING = """
assert helpers_come(3)
busy().__enter__()
"""

AT_EXIT = """
import atexit
import numpy as np
from staged import count, stage
from minitf.kernels.parallel import parallel_for
from minitf.kernels.stages import Stages
from minitf.kernels.workspace import address
counts, stages = np.zeros(50, np.int64), Stages(stage(count, 50))
def late(what):
    ran = []
    parallel_for(3, ran.append)
    stages.run(address(counts))
    print(what, sorted(ran), set(counts.tolist()))
class Late:
    def __del__(self):
        late("at the end")
last = Late()
atexit.register(late, "at exit")
"""

WITHOUT_NUMBA = """
import threading
from test_parallel import finishes
from minitf.kernels.parallel import parallel_for, set_num_threads
set_num_threads(3)
meeting = threading.Barrier(3, timeout=50)
finishes(*[lambda: parallel_for(3, lambda index: None) for _ in range(5)])
finishes(lambda: [parallel_for(3, lambda index: meeting.wait()) for _ in range(20)])
"""


def passes(script: str, **variables: str) -> str:
    """Runs a script in a new process, which is to say nothing on stderr; gives what it prints."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env={**os.environ, "PYTHONPATH": path, "MINITF_QUIET": "1", **variables},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="this system sends no interrupts")
def test_an_interrupt_reaches_the_caller_when_the_stages_have_ended() -> None:
    passes(BEGIN + INTERRUPT)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_jobs_and_helpers_of_its_own() -> None:
    passes(BEGIN + FORK)


@pytest.mark.parametrize("script", [EXIT, EXIT_WATCHING], ids=["working", "watching"])
def test_a_process_ends_while_threads_are_in_compiled_code(script: str) -> None:
    passes(BEGIN + script)


def test_kernels_run_when_the_process_is_about_to_end() -> None:
    printed = passes(BEGIN + AT_EXIT)
    assert printed == "at exit [0, 1, 2] {1}\nat the end [0, 1, 2] {2}\n"


def test_helpers_without_numba() -> None:
    passes(WITHOUT_NUMBA, NUMBA_DISABLE_JIT="1")
