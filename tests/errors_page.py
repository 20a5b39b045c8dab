"""The examples of docs/errors.md: code that fails, and below it what the error says, word for word.

python -m tests.errors_page       # writes the messages anew, where their wording was changed
"""

from __future__ import annotations

import contextlib
import io
import linecache
import logging
import re

import numpy as np

import minitf as tf
from tests.source_tree import ROOT

PAGE = ROOT / "docs" / "errors.md"
# A block of code, and the message that follows it.
EXAMPLE = re.compile(r"^```py\n(.*?)^```\n\n```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def examples() -> list[tuple[str, str, str]]:
    """The section, the code and the message of each example."""
    text = PAGE.read_text()
    found = []
    for match in EXAMPLE.finditer(text):
        heading = HEADING.findall(text[: match.start()])[-1]
        found.append((heading, match.group(1), match.group(2)))
    return found


def message_of(code: str) -> str:
    """What a script of this code says: its error, or else the warnings of minitf."""
    linecache.cache["script.py"] = (len(code), None, code.splitlines(keepends=True), "script.py")
    warnings = io.StringIO()
    handler = logging.StreamHandler(warnings)
    handler.setFormatter(logging.Formatter("WARNING: %(message)s"))
    logger = logging.getLogger("minitf")
    logger.addHandler(handler)
    try:
        with tf.Graph().as_default(), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "script.py", "exec"), {"tf": tf, "np": np})
    except Exception as error:
        return _tidy(f"{type(error).__name__}: {error}\n")
    finally:
        logger.removeHandler(handler)
        del linecache.cache["script.py"]
    return _tidy(warnings.getvalue())


def _tidy(text: str) -> str:
    """The text without what differs from run to run: where this module made the graph."""
    return re.sub(r"made at \S*errors_page\.py:\d+: .*", "made at ...", text)


def main() -> None:
    """Writes the messages below the examples."""

    def anew(match: re.Match[str]) -> str:
        return f"```py\n{match.group(1)}```\n\n```text\n{message_of(match.group(1))}```\n"

    PAGE.write_text(EXAMPLE.sub(anew, PAGE.read_text()))


if __name__ == "__main__":
    main()
