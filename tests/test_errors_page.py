"""docs/errors.md: every message stands in it word for word, and every message leads into it.

Who changes the wording of a message runs `python -m tests.errors_page`, and reads the difference.
"""

from __future__ import annotations

import ast
import re

import pytest

import minitf as tf
from tests.errors_page import HEADING, PAGE, examples, message_of
from tests.source_tree import modules

EXAMPLES = examples()


@pytest.mark.parametrize(
    ("code", "message"), [pytest.param(code, text, id=name) for name, code, text in EXAMPLES]
)
def test_what_minitf_says_is_what_the_page_says(code: str, message: str) -> None:
    assert message_of(code) == message


@pytest.mark.parametrize(
    ("section", "message"), [(name, text) for name, _, text in EXAMPLES], ids=lambda text: text[:30]
)
def test_a_message_says_all_that_it_has_to(section: str, message: str) -> None:
    assert f"docs/errors.md#{anchor(section)}" in message.splitlines()[-1]
    assert "script.py:" in message
    assert "what to do: " in message or message.startswith("WARNING: ")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections() -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(PAGE.read_text())}


def sections_named_in_messages() -> set[str]:
    """The values of `see` in all calls of `report` and `warn`."""
    found = set()
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".report", ".warn")):
                found |= {ast.literal_eval(k.value) for k in node.keywords if k.arg == "see"}
    return found


def test_every_section_that_a_message_names_is_there() -> None:
    named = sections_named_in_messages()
    assert len(named) > 25
    assert named <= sections()


def test_every_class_has_a_section_and_leads_to_it() -> None:
    for cls in [tf.errors.OpError, *tf.errors.OpError.__subclasses__()]:
        if cls.__module__ == tf.errors.__name__:
            error = cls(None, None, "What happened.")
            assert str(error) == f"What happened.\n  see: docs/errors.md#{cls.__name__.lower()}"
            assert cls.__name__.lower() in sections()


def test_no_section_is_without_a_message() -> None:
    classes = {cls.__name__.lower() for cls in tf.errors.OpError.__subclasses__()} | {"operror"}
    frame = {"errors", "how-to-read-an-error", "running", "training", "building"}
    assert sections() - sections_named_in_messages() - classes - frame == {"classes-of-errors"}


def test_the_section_of_a_message_is_the_most_special_one() -> None:
    report = tf.errors.report("What.", line="a.py:1", see="fetching")
    assert tf.errors.NotFoundError(None, None, report).message == report
    general = tf.errors.report("What.", line="a.py:1")
    assert general.endswith("\n  see: docs/errors.md#how-to-read-an-error")
    error = tf.errors.NotFoundError(None, None, general)
    assert str(error) == "What.\n  created at: a.py:1\n  see: docs/errors.md#notfounderror"
    again = tf.errors.report(str(error), line="b.py:2", see="fetching")
    assert again.count("see:") == 1 and again.endswith("#fetching")


def test_a_class_of_the_users_own_leads_to_that_of_its_base() -> None:
    class MyError(tf.errors.AbortedError):
        pass

    assert str(MyError(None, None, "Gone.")).endswith("#abortederror")
