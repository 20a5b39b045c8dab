"""Every example in a docstring of minitf runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType

import pytest

from minitf.framework import default
from tests.source_tree import modules

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

MODULES = list(modules())


def failures(module: ModuleType) -> list[str]:
    """What the examples of a module, each docstring on a fresh graph, print wrongly."""
    found: list[str] = []
    # Left to itself, it would print everything where it finds a -v among pytest's arguments.
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        default._stacks.graphs.clear()
        default._stacks.sessions.clear()
        default.reset_default_graph()
        runner.run(test, out=found.append)
    return found


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = failures(importlib.import_module(name))
    assert not found, "\n" + "".join(found)


def test_a_wrong_example_is_found() -> None:
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    (message,) = failures(module)
    assert "Expected:\n    3\nGot:\n    2" in message


def test_what_pytest_is_asked_to_show_is_not_asked_of_doctest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["pytest", "-v"])
    assert failures(ModuleType("right", ">>> 1 + 1\n2\n")) == []


def test_an_example_starts_on_an_empty_graph() -> None:
    example = """
    >>> import minitf as tf
    >>> tf.placeholder(tf.float32).name
    'Placeholder:0'
    """
    module = ModuleType("twice", example)
    module.__test__ = {"again": example}
    assert failures(module) == []
