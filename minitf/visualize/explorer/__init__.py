"""With this package one can replay a run of a session in the browser: `explore`, `minitf trace`."""

from __future__ import annotations

import os
from html import escape
from typing import Any

from minitf.framework import default, errors
from minitf.runtime.session import BaseSession
from minitf.visualize.explorer.page import replay_page
from minitf.visualize.explorer.recording import Recording as Recording


class Explorer:
    """A page that replays runs of sessions.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
    >>> y = tf.nn.relu(tf.matmul(x, [[1.0], [-1.0]]), name="y")
    >>> explorer = tf.visualize.Explorer()
    >>> with tf.Session() as sess:
    ...     explorer.run(sess, y, {x: [[3.0, 1.0]]})
    array([[2.]], dtype=float32)
    >>> explorer.html.startswith("<!doctype html>")
    True

    Args:
      title: of the page.
    """

    def __init__(self, title: str = "minitf") -> None:
        self.title = title
        self.recordings: list[Recording] = []

    def run(
        self, session: BaseSession, fetches: Any, feed_dict: Any = None, title: str = ""
    ) -> Any:
        """Runs as `session.run` does, and records the run, also one that fails.

        Args:
          session: the session.
          fetches, feed_dict: as for `session.run`.
          title: what the page calls this run.
        """
        number = len(self.recordings) + 1
        recording = Recording(session, fetches, feed_dict, title or f"run {number}")
        self.recordings.append(recording)
        return recording.run(session, fetches, feed_dict)

    @property
    def html(self) -> str:
        """The page."""
        return replay_page(self.recordings, self.title)

    def _repr_html_(self) -> str:
        """The page in a frame, which a notebook shows by itself."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" '
            'style="width: 100%; height: 760px; border: 1px solid #8884; border-radius: 8px">'
            "</iframe>"
        )

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the page to a file, and returns its path."""
        path = os.fspath(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.html)
        return path


def explore(
    fetches: Any, feed_dict: Any = None, session: BaseSession | None = None, title: str = "minitf"
) -> Explorer:
    """Runs once and gives a page that replays the run. A notebook shows it by itself.

    Where the run may fail, and the page is to show that, make an `Explorer` and call its `run`.

    Args:
      fetches, feed_dict: as for `session.run`.
      session: the session; the default one if None.
      title: of the page.

    Raises:
      ValueError: if there is no session.

    >>> import minitf as tf
    >>> with tf.Session():
    ...     explorer = tf.visualize.explore(tf.exp([0.0, 1.0]))
    >>> len(explorer.recordings)
    1
    """
    session = session if session is not None else default.get_default_session()
    if session is None:
        raise errors.value_error(
            "explore runs in a session: give one, or call it in `with tf.Session():`.",
            see="no-session",
        )
    explorer = Explorer(title)
    explorer.run(session, fetches, feed_dict)
    return explorer
