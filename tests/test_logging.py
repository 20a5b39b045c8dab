"""tf.logging: what is printed, where and how."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

import minitf
from tests.engines import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def run(engine: str, script: str, before: str = "") -> list[str]:
    """What a script prints; its stderr too, from the line BEGIN on, which it prints itself."""
    script = (
        f"{before}\nimport logging, sys\nimport {engine} as tf\n"
        f"print('BEGIN', file=sys.stderr)\n{textwrap.dedent(script)}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(minitf.__file__).parents[1])}
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "script.py").write_text(script)
        result = subprocess.run(
            [sys.executable, "script.py"],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
    return result.stdout.split("BEGIN\n")[1].splitlines()


def test_warnings_are_printed_by_default_and_info_on_demand(engine: str) -> None:
    assert run(
        engine,
        """
        tf.logging.debug("hidden")
        tf.logging.info("hidden")
        tf.logging.warn("warn %d", 3)
        tf.logging.warning("warning %s %s", "x", "y")
        tf.logging.error("error")
        tf.logging.fatal("fatal")
        tf.logging.TaskLevelStatusMessage("task")
        tf.logging.set_verbosity(tf.logging.INFO)
        tf.logging.info("shown")
        tf.logging.debug("hidden")
        tf.logging.set_verbosity(tf.logging.DEBUG)
        tf.logging.debug("shown")
        tf.logging.set_verbosity(tf.logging.ERROR)
        tf.logging.warn("hidden")
        """,
    ) == [
        "WARNING:tensorflow:warn 3",
        "WARNING:tensorflow:warning x y",
        "ERROR:tensorflow:error",
        "CRITICAL:tensorflow:fatal",
        "ERROR:tensorflow:task",
        "INFO:tensorflow:shown",
        "DEBUG:tensorflow:shown",
    ]


def test_log_and_vlog_take_the_level(engine: str) -> None:
    assert run(
        engine,
        """
        tf.logging.set_verbosity(tf.logging.INFO)
        tf.logging.log(tf.logging.INFO, "log %s", 1)
        tf.logging.log(tf.logging.DEBUG, "hidden")
        tf.logging.vlog(tf.logging.ERROR, "vlog")
        tf.logging.vlog(1, "hidden")
        """,
    ) == ["INFO:tensorflow:log 1", "ERROR:tensorflow:vlog"]


def test_some_messages_are_counted_by_the_line_they_come_from() -> None:
    # TensorFlow documents this; TensorFlow 2.21 counts all lines together.
    assert run(
        "minitf",
        """
        for i in range(7):
            tf.logging.log_every_n(tf.logging.WARN, "every %d", 3, i)
            tf.logging.log_first_n(tf.logging.WARN, "first %d", 2, i)
            tf.logging.log_if(tf.logging.WARN, "if %d", i == 5, i)
        tf.logging.log_first_n(tf.logging.WARN, "elsewhere", 1)
        """,
    ) == [
        "WARNING:tensorflow:every 0",
        "WARNING:tensorflow:first 0",
        "WARNING:tensorflow:first 1",
        "WARNING:tensorflow:every 3",
        "WARNING:tensorflow:if 5",
        "WARNING:tensorflow:every 6",
        "WARNING:tensorflow:elsewhere",
    ]


def test_messages_are_taken_as_they_are(engine: str) -> None:
    assert run(
        engine,
        r"""
        tf.logging.warn("two\nlines")
        tf.logging.warn("100%")
        tf.logging.warn("no arguments %d")
        tf.logging.warn({"a": 1})
        tf.logging.warn(None)
        try:
            1 / 0
        except ZeroDivisionError:
            tf.logging.warn("with the exception", exc_info=True)
        """,
    )[:7] == [
        "WARNING:tensorflow:two",
        "lines",
        "WARNING:tensorflow:100%",
        "WARNING:tensorflow:no arguments %d",
        "WARNING:tensorflow:{'a': 1}",
        "WARNING:tensorflow:None",
        "WARNING:tensorflow:with the exception",
    ]


def test_levels(engine: str) -> None:
    assert run(
        engine,
        """
        t = tf.logging
        print(t.DEBUG, t.INFO, t.WARN, t.ERROR, t.FATAL, t.get_verbosity())
        t.set_verbosity("INFO")
        print(t.get_verbosity(), logging.getLogger("tensorflow").level)
        t.set_verbosity(0)
        print(t.get_verbosity())
        try:
            t.set_verbosity("info")
        except ValueError as error:
            print(error)
        """,
    ) == ["10 20 30 40 50 30", "20 20", "30", "Unknown level: 'info'"]


def test_the_scripts_own_logging_decides(engine: str) -> None:
    output = run(
        engine,
        """
        tf.logging.info("shown")
        tf.logging.debug("hidden")
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        tf.logging.warn("hidden")
        print(tf.logging.get_verbosity(), logging.getLogger("tensorflow").handlers)
        """,
        before="import logging; logging.basicConfig(format='MINE %(message)s', level='INFO')",
    )
    assert output == ["MINE shown", "40 []"]


def test_records_name_the_line_of_the_caller(engine: str) -> None:
    assert run(
        engine,
        """
        class Show(logging.Handler):
            def emit(self, record):
                print(record.levelname, record.getMessage(), record.funcName, record.filename)

        logging.getLogger("tensorflow").propagate = False
        logging.getLogger("tensorflow").handlers[:] = [Show()]

        def user():
            tf.logging.warn("a")
            tf.logging.log(tf.logging.ERROR, "b %d", 2)

        user()
        """,
        before="import logging; logging.basicConfig()",
    ) == ["WARNING a user script.py", "ERROR b 2 user script.py"]


def test_one_handler_writes_to_the_present_stderr() -> None:
    output = run(
        "minitf",
        """
        import io, threading
        threads = [threading.Thread(target=tf.logging.get_logger) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print(len(logging.getLogger("tensorflow").handlers))
        sys.stderr = io.StringIO()
        tf.logging.warn("elsewhere")
        tf.logging.flush()
        print(repr(sys.stderr.getvalue()))
        """,
    )
    assert output == ["1", "'WARNING:tensorflow:elsewhere\\n'"]


def test_messages_reach_the_handlers_that_tests_install(caplog: Any) -> None:
    minitf.logging.error("seen %d", 1)
    assert caplog.record_tuples == [("tensorflow", logging.ERROR, "seen 1")]
