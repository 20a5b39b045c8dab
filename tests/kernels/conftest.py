"""What the tests of several kernels share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minitf.kernels import jit, parallel


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run as the plain Python functions that they were written as."""

    def call(kernel, *args):
        return kernel.py_func(*args)

    monkeypatch.setattr(jit.Kernel, "__call__", call)


@pytest.fixture
def threads() -> Iterator[None]:
    """The test may set the number of threads."""
    yield
    parallel.set_num_threads(0)
