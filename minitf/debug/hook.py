"""With this module a monitored session stops between its nodes: `tf_debug.LocalCLIDebugHook`."""

from __future__ import annotations

from typing import Any

from minitf.debug.debugger import Debugger
from minitf.debug.filters import TensorFilter
from minitf.train.session_run_hook import SessionRunHook


class LocalCLIDebugHook(SessionRunHook):
    """A hook that asks at the terminal how to run (mirrors TensorFlow's class of this name).

    It is for sessions that the script does not make itself, such as those of
    `tf.train.MonitoredTrainingSession`: it does for each of their runs what
    `LocalCLIDebugWrapperSession` does. What other hooks fetch is a part of the run.

    Args:
      ui_type, dump_root, thread_name_filter: accepted; nothing is dumped, there is one user
        interface, and it stops in the thread that has made the hook.

    >>> import minitf as tf
    >>> from minitf import debug as tf_debug
    >>> hook = tf_debug.LocalCLIDebugHook()
    >>> hook.add_tensor_filter("large", lambda datum, tensor: tensor.size > 1000)
    >>> isinstance(hook, tf.train.SessionRunHook)
    True
    """

    def __init__(
        self,
        ui_type: str = "readline",
        dump_root: str | None = None,
        thread_name_filter: str | None = None,
    ) -> None:
        self._debugger = Debugger()
        self._session: Any = None

    def add_tensor_filter(self, filter_name: str, tensor_filter: TensorFilter) -> None:
        """Makes a filter known to the command `find`.

        Args:
          filter_name: what `find` calls it.
          tensor_filter: a function of a `Datum` and a value that says whether to stop there.
        """
        self._debugger.filters[filter_name] = tensor_filter

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Notes the session inside of the monitored one."""
        self._session = session

    def before_run(self, run_context: Any) -> None:
        """Has the run that follows stop: it alone, not those that hooks make before or after."""
        session = self._session or run_context.session
        plain = session.run

        def debugged(
            fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
        ) -> Any:
            del session.run  # first of all: the next run is not this one, even if this one fails

            def plainly() -> Any:
                return plain(fetches, feed_dict, options, run_metadata)

            return self._debugger.run(session, fetches, feed_dict, plainly)

        session.run = debugged

    def end(self, session: Any) -> None:
        """Says so if a filter that was looked for has never held."""
        self._debugger.end()
