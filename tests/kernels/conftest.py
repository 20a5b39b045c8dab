"""What the tests of several kernels share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minitf.kernels import conv, jit, jobs, parallel, waiting
from minitf.kernels.stages import forget_plans


@pytest.fixture(autouse=True)
def own_plans() -> Iterator[None]:
    """What a test had planned with other constants, or for another machine, is forgotten."""
    yield
    forget_plans()


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run as the plain Python functions that they were written as.

    But for those that threads wait in, which have no such form: a helper may be about to call one.
    """
    compiled = jit.Kernel.__call__

    def call(kernel, *args):
        if kernel.__module__ in (waiting.__name__, jobs.__name__):
            return compiled(kernel, *args)
        return kernel.py_func(*args)

    monkeypatch.setattr(jit.Kernel, "__call__", call)


@pytest.fixture(params=conv.MODES)
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs with each choice of algorithms for convolutions."""
    yield from in_mode(request.param)


@pytest.fixture
def direct_only() -> Iterator[str]:
    """Only the direct algorithms for convolutions are used."""
    yield from in_mode("direct")


def in_mode(mode: str) -> Iterator[str]:
    before = conv.mode()
    conv.set_mode(mode)
    yield mode
    conv.set_mode(before)


@pytest.fixture
def threads() -> Iterator[None]:
    """The test may set the number of threads."""
    yield
    parallel.set_num_threads(0)
