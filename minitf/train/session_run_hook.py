"""With this module one can do something before and after each run: `tf.train.SessionRunHook`.

class PrintLoss(tf.train.SessionRunHook):
    def before_run(self, run_context):
        return tf.train.SessionRunArgs(loss)      # fetched along with what the loop fetches

    def after_run(self, run_context, run_values):
        print(run_values.results)

with tf.train.MonitoredTrainingSession(hooks=[PrintLoss()]) as sess:
    while not sess.should_stop():
        sess.run(train)
"""

from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """What a hook adds to a run (mirrors `tf.train.SessionRunArgs`).

    Attributes:
      fetches: what to fetch, of any structure; `SessionRunValues.results` has the values.
      feed_dict: what to feed.
      options: a `RunOptions`.
    """

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What a hook is given of a run (mirrors `tf.train.SessionRunValues`).

    Attributes:
      results: the values of what it asked for; None if it asked for nothing.
      options: the `RunOptions` of the run.
      run_metadata: its `RunMetadata`; None if nobody asked for a trace.
    """

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """The run that hooks are called for (mirrors `tf.train.SessionRunContext`).

    Args:
      original_args: what the caller of `run` asked for.
      session: the session that runs it.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the caller of `run` asked for."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session: what is run in it directly calls no hooks."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook has asked for the end of the training."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Has the session's `should_stop()` be True from now on."""
        self._stop_requested = True


class SessionRunHook:
    """What is called around the runs of a monitored session (mirrors `tf.train.SessionRunHook`).

    Subclasses define what they need. The calls come in this order: `begin`;
    `after_create_session`; for each run `before_run` and `after_run`; `end`.
    """

    def begin(self) -> None:
        """Called once before there is a session; may add nodes to the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when a session was made: also again, when the first was lost.

        Args:
          session: the session, which is initialized.
          coord: the coordinator of its threads.
        """

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run; what is returned is fetched and fed with it."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run that has not failed."""

    def end(self, session: Any) -> None:
        """Called once at the end, unless that came by an error."""
