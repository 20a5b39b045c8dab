"""Stages that are planned once, and run with arrays wherever they are."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from staged import count, follow, stage, where

from minitf.kernels.jit import available
from minitf.kernels.jobs import LINE
from minitf.kernels.parallel import set_num_threads
from minitf.kernels.stages import Stages
from minitf.kernels.workspace import address

pytestmark = pytest.mark.skipif(not available(), reason="compiled only")


def test_stages_run_again_with_other_arrays(threads: None) -> None:
    set_num_threads(2)
    stages = Stages(stage(count, 7), stage(follow, 7, row=1))
    for times in (1, 2):
        arrays = np.zeros((3, 2, 7), np.int64)
        for rows in arrays:
            for _ in range(times):
                stages.run(address(rows))
        assert (arrays[:, 0] == times).all()
        assert (arrays[:, 1] == times + 1).all()


def test_what_stages_are_given_stays_where_it_is() -> None:
    kept = np.arange(3)
    there = weakref.ref(kept)
    stages = Stages(stage(count, 5), keep=(kept,))
    del kept
    gc.collect()
    others = [np.full(6, 1 << 40, np.int64) for _ in range(100)]  # where a lost record was
    counts = np.zeros(5, np.int64)
    stages.run(address(counts))
    assert there() is not None
    assert counts.tolist() == [1] * 5
    assert all((other == 1 << 40).all() for other in others)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("room", [0, 8, 100, 1 << 16])
def test_rooms_begin_where_a_line_of_the_cache_begins(
    threads: None, number: int, room: int
) -> None:
    set_num_threads(number)
    places = np.ones(100, np.int64)
    Stages(stage(where, 100), room=room).run(address(places))
    assert not (places % LINE).any()


def test_no_blocks_are_nothing_to_do() -> None:
    counts = np.zeros(3, np.int64)
    Stages(stage(count, 0)).run(address(counts))
    assert not counts.any()
