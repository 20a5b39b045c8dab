"""With this module a tool can come between a script and its sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.runtime.session import BaseSession

Run = Callable[..., Any]


@contextmanager
def watched(run: Run) -> Iterator[None]:
    """Lets a function stand in for `session.run` of all sessions inside a `with` block.

    Args:
      run: called with the `run` that it stands in for, the session, and the four arguments of run.

    >>> import minitf as tf
    >>> def doubled(plain, session, *given):
    ...     return 2 * plain(session, *given)
    >>> with watched(doubled), tf.Session() as sess:
    ...     print(sess.run(tf.constant(3)))
    6
    """
    plain = BaseSession.run

    def instead(
        session: BaseSession,
        fetches: Any,
        feed_dict: Any = None,
        options: Any = None,
        run_metadata: Any = None,
    ) -> Any:
        return run(plain, session, fetches, feed_dict, options, run_metadata)

    BaseSession.run = instead  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        BaseSession.run = plain  # type: ignore[method-assign]
