"""With this module one can print messages by their severity, as `tf.logging` does.

    INFO:tensorflow:loss = 0.25, step = 100

The messages go through Python's logger "tensorflow", so a script that configures `logging`
configures these as well; when it does not, they are written to stderr as above. Messages less
severe than `get_verbosity()`, at first WARN, are dropped.

>>> import minitf as tf
>>> tf.logging.set_verbosity(tf.logging.INFO)
>>> tf.logging.info("step %d", 3)                       # prints INFO:tensorflow:step 3
>>> tf.logging.set_verbosity(tf.logging.WARN)
>>> tf.logging.info("step %d", 4)                       # prints nothing
"""

from __future__ import annotations

import collections
import itertools
import logging as _logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

DEBUG = _logging.DEBUG
INFO = _logging.INFO
WARN = _logging.WARNING
ERROR = _logging.ERROR
FATAL = _logging.FATAL

_lock = threading.Lock()
_logger: _logging.Logger | None = None


class _CurrentStderr(_logging.StreamHandler[Any]):
    """Writes to what `sys.stderr` is now, which notebooks and tests exchange."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, stream: Any) -> None:
        pass


def get_logger() -> _logging.Logger:
    """Returns the logger that all messages go through (mirrors `tf.get_logger`).

    At the first call it gets a handler that writes to stderr, unless the script has configured
    Python's logging before.
    """
    global _logger
    with _lock:
        if _logger is None:
            _logger = _logging.getLogger("tensorflow")
            if not _logger.hasHandlers():
                handler = _CurrentStderr()
                handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
                _logger.addHandler(handler)
    return _logger


def get_verbosity() -> int:
    """Returns the least severity that is printed (mirrors `tf.logging.get_verbosity`)."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int | str) -> None:
    """Sets the least severity that is printed (mirrors `tf.logging.set_verbosity`).

    Args:
      v: DEBUG, INFO, WARN, ERROR or FATAL, or the name of one.

    Raises:
      ValueError: there is no severity of that name.
    """
    get_logger().setLevel(v)


def log(level: int, msg: object, *args: object, **kwargs: Any) -> None:
    """Prints `msg % args` if `level` is severe enough (mirrors `tf.logging.log`).

    Args:
      level: the severity.
      msg: the message. Without args, a % in it is a %.
      *args: what to put into it.
      **kwargs: as for Python's `Logger.log`: `exc_info=True` adds the exception being handled.
    """
    _log(level, msg, args, kwargs)


def debug(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level DEBUG (mirrors `tf.logging.debug`)."""
    _log(DEBUG, msg, args, kwargs)


def info(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level INFO (mirrors `tf.logging.info`)."""
    _log(INFO, msg, args, kwargs)


def warning(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level WARN (mirrors `tf.logging.warning`)."""
    _log(WARN, msg, args, kwargs)


def warn(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level WARN (mirrors `tf.logging.warn`)."""
    _log(WARN, msg, args, kwargs)


def error(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level ERROR (mirrors `tf.logging.error`)."""
    _log(ERROR, msg, args, kwargs)


def fatal(msg: object, *args: object, **kwargs: Any) -> None:
    """Logs at level FATAL; the program goes on (mirrors `tf.logging.fatal`)."""
    _log(FATAL, msg, args, kwargs)


def vlog(level: int, msg: object, *args: object, **kwargs: Any) -> None:
    """The same as `log` (mirrors `tf.logging.vlog`)."""
    _log(level, msg, args, kwargs)


def log_if(level: int, msg: object, condition: object, *args: object) -> None:
    """Logs if the condition holds (mirrors `tf.logging.log_if`)."""
    if condition:
        _log(level, msg, args, {})


def log_every_n(level: int, msg: object, n: int, *args: object) -> None:
    """Logs at the first call from a source line, and at each nth after it (`tf.logging`)."""
    if _calls_from_this_line() % n == 0:
        _log(level, msg, args, {})


def log_first_n(level: int, msg: object, n: int, *args: object) -> None:
    """Logs at the first n calls from a source line (mirrors `tf.logging.log_first_n`)."""
    if _calls_from_this_line() < n:
        _log(level, msg, args, {})


def TaskLevelStatusMessage(msg: object) -> None:
    """Logs at level ERROR (mirrors `tf.logging.TaskLevelStatusMessage`)."""
    _log(ERROR, msg, (), {})


def flush() -> None:
    """Has all handlers write out what they hold back (`tf.logging.flush`)."""
    for handler in (*get_logger().handlers, *_logging.getLogger().handlers):
        handler.flush()


def _log(level: int, msg: object, args: tuple[object, ...], kwargs: dict[str, Any]) -> None:
    # The frame to name as the origin is the caller of the public function that called this one.
    kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 2
    get_logger().log(level, msg, *args, **kwargs)


_counters: dict[tuple[str, int], Iterator[int]] = collections.defaultdict(itertools.count)


def _calls_from_this_line() -> int:
    """How often the caller's caller's line has asked before."""
    frame = sys._getframe(2)
    return next(_counters[frame.f_code.co_filename, frame.f_lineno])
