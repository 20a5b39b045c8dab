"""With this module a session stops between its nodes: `tf_debug.LocalCLIDebugWrapperSession`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from minitf.debug.debugger import Debugger
from minitf.debug.filters import TensorFilter
from minitf.framework import default, errors
from minitf.runtime.session import BaseSession


class LocalCLIDebugWrapperSession:
    """A session that asks at the terminal how to run (mirrors TensorFlow's class of this name).

    It is used like the session that it wraps. Before each `run` it shows what is to be run and
    asks; `help` lists what can be answered.

    Args:
      sess: the session to wrap.
      dump_root, ui_type, thread_name_filter: accepted; nothing is dumped, there is one user
        interface, and it stops in the thread that has made the wrapper.

    Raises:
      TypeError: if `sess` is no session.

    >>> import minitf as tf
    >>> from minitf import debug as tf_debug
    >>> sess = tf_debug.LocalCLIDebugWrapperSession(tf.Session())
    >>> sess.add_tensor_filter("large", lambda datum, tensor: tensor.size > 1000)
    >>> sess.graph is tf.get_default_graph()
    True
    >>> sess.close()
    """

    def __init__(
        self,
        sess: Any,
        dump_root: str | None = None,
        ui_type: str = "readline",
        thread_name_filter: str | None = None,
    ) -> None:
        if not isinstance(sess, BaseSession):
            raise errors.type_error(
                f"Expected a tf.Session to wrap, but got {type(sess).__name__}."
            )
        self._sess = sess
        self._debugger = Debugger()
        self._contexts: list[AbstractContextManager[Any]] = []

    def add_tensor_filter(self, filter_name: str, tensor_filter: TensorFilter) -> None:
        """Makes a filter known to the command `find`.

        Args:
          filter_name: what `find` calls it.
          tensor_filter: a function of a `Datum` and a value that says whether to stop there.
        """
        self._debugger.filters[filter_name] = tensor_filter

    @property
    def session(self) -> BaseSession:
        """The session inside."""
        return self._sess

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs as `tf.Session.run` does, and stops where it is told to."""

        def plainly() -> Any:
            return self._sess.run(fetches, feed_dict, options, run_metadata)

        return self._debugger.run(self._sess, fetches, feed_dict, plainly)

    def as_default(self) -> AbstractContextManager[Any]:
        """Makes this the default session inside a `with` block, without closing it."""
        return default.session_as_default(self)

    def __enter__(self) -> LocalCLIDebugWrapperSession:
        for context in (self._sess.graph.as_default(), self.as_default()):
            context.__enter__()
            self._contexts.append(context)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for _ in range(2):
            self._contexts.pop().__exit__(None, None, None)
        self._sess.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sess, name)
