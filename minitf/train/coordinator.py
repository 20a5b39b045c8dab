"""With this module several threads can stop together: `tf.train.Coordinator`.

    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    try:
        while not coord.should_stop():
            sess.run(train)
    except tf.errors.OutOfRangeError:
        pass                                   # the data is at its end
    finally:
        coord.request_stop()
        coord.join(threads)

Whichever thread asks for the stop first gives the reason, and `join` raises it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf import logging
from minitf.framework import errors

# For how long `join` sleeps at most before it looks whether a thread has ended.
_LOOK_EVERY = 0.5


class Coordinator:
    """Has threads stop together, and passes on why (mirrors `tf.train.Coordinator`).

    Args:
      clean_stop_exception_types: exceptions that end the work without being errors;
        `(tf.errors.OutOfRangeError,)` if None. `join` does not raise them.

    >>> import minitf as tf, threading
    >>> coord, found = tf.train.Coordinator(), []
    >>> def work(number):
    ...     with coord.stop_on_exception():
    ...         found.append(10 // number)
    >>> threads = [threading.Thread(target=work, args=(n,)) for n in (5, 0)]
    >>> for thread in threads:
    ...     thread.start()
    >>> try:
    ...     coord.join(threads)
    ... except ZeroDivisionError as error:
    ...     print(found, error)
    [2] integer division or modulo by zero
    """

    def __init__(self, clean_stop_exception_types: Iterable[type[BaseException]] | None = None):
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    # ---- stopping

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop: `should_stop()` is True from now on.

        Args:
          ex: an exception, or a triple of `sys.exc_info()`, that `join` raises; where several
            threads give one, it is the first. One of the types that stop cleanly counts as none.

        Raises:
          BaseException: `ex`, where `join` has returned already and nobody else would raise it.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        if isinstance(error, self._clean):
            error = None
        with self._lock:
            if self._joined and error is not None:
                raise error
            if not self._stop.is_set():
                self._error = error
                if error is not None:
                    logging.info(
                        "Error reported to Coordinator: %s, %s", type(error).__name__, error
                    )
                self._stop.set()

    def clear_stop(self) -> None:
        """Forgets that a stop was asked for, so that the coordinator can be used again."""
        with self._lock:
            self._joined = False
            self._error = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for, or for `timeout` seconds; returns whether it was."""
        return self._stop.wait(timeout)

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Inside, an exception asks for the stop, and ends there: `join` raises it.

        What a thread does belongs into such a block.
        """
        try:
            yield
        except BaseException as error:
            self.request_stop(error)

    @property
    def requested_exception(self) -> BaseException | None:
        """What a stop was asked for with, if it was an error."""
        with self._lock:
            return self._error

    def raise_requested_exception(self) -> None:
        """Raises the exception that a stop was asked for with, if there is one."""
        error = self.requested_exception
        if error is not None:
            raise error

    # ---- waiting for the threads

    def register_thread(self, thread: threading.Thread) -> None:
        """Has `join` wait for a thread, too."""
        with self._lock:
            self._threads.add(thread)

    @property
    def joined(self) -> bool:
        """Whether `join` has returned."""
        return self._joined

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits for threads to end.

        Until a stop is asked for they may take as long as they like; from then on, the grace
        period.

        Args:
          threads: the threads, besides those that were registered.
          stop_grace_period_secs: how long they may take to end.
          ignore_live_threads: whether those that have not ended by then are left alone.

        Raises:
          RuntimeError: if threads have not ended in time.
          BaseException: what a stop was asked for with.
        """
        with self._lock:
            waited_for = list(self._threads.union(threads or ()))
        while any(t.is_alive() for t in waited_for) and not self.wait_for_stop(_LOOK_EVERY):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in waited_for:
            if thread is not threading.current_thread():
                thread.join(max(end - time.monotonic(), 0))
        left = [thread.name for thread in waited_for if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._threads.clear()
            error = self._error
        if error is not None:
            raise error
        if left and ignore_live_threads:
            logging.info("Coordinator stopped with threads still running: %s", " ".join(left))
        elif left:
            raise RuntimeError(
                errors.report(
                    f"Coordinator stopped with threads still running: {' '.join(left)}",
                    do="have each thread look at coord.should_stop(), or give it more time "
                    "(stop_grace_period_secs), or make it a daemon and set ignore_live_threads.",
                )
            )


class LooperThread(threading.Thread):
    """A thread that does something again and again, until the stop.

    Mirrors `tf.train.LooperThread`. Subclasses may define `run_loop`, and `start_loop` and
    `stop_loop` for what comes before and after.

    Args:
      coord: the coordinator, which is given what it raises.
      timer_interval_secs: how many seconds lie between the beginnings of two turns; None for turns
        without a pause.
      target: what to call, in the place of `run_loop`.
      args, kwargs: its arguments.

    Raises:
      ValueError: if `coord` is no coordinator.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise errors.value_error(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._call = target
        self._call_args = args or ()
        self._call_kwargs = kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """Makes such a thread, and starts it."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                next_turn = time.monotonic()
                while not self._coord.wait_for_stop(max(next_turn - time.monotonic(), 0)):
                    next_turn += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called once before the first turn."""

    def stop_loop(self) -> None:
        """Called once after the last turn."""

    def run_loop(self) -> None:
        """Called at each turn: by default, the target."""
        if self._call is not None:
            self._call(*self._call_args, **self._call_kwargs)
