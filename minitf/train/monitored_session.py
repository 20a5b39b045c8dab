"""With this module a training loop looks after itself: `tf.train.MonitoredTrainingSession`.

    with tf.train.MonitoredTrainingSession(checkpoint_dir="train") as sess:
        while not sess.should_stop():
            sess.run(train)

It initializes the model or restores its last checkpoint, starts queue runners, calls hooks (which
save, summarize, stop) around each run, and begins again from the last checkpoint where a server is
lost. It is a session around a session, each of which adds one thing:

    MonitoredSession -> _RecoverableSession -> _CoordinatedSession -> _HookedSession -> tf.Session
"""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from minitf import logging
from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.runtime.config import RunOptions
from minitf.runtime.session import BaseSession
from minitf.train.coordinator import Coordinator
from minitf.train.queue_runner import start_queue_runners
from minitf.train.scaffold import Scaffold
from minitf.train.session_manager import SessionManager
from minitf.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)

# A server that was lost, or has lost what it knew of us: a new session may do better.
_LOST = (errors.AbortedError, errors.UnavailableError)

# How long to wait between attempts at that: not long at first, and then ever longer, up to this.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


# ---- who makes sessions


class SessionCreator:
    """Makes sessions for a monitored session (mirrors `tf.train.SessionCreator`)."""

    def create_session(self) -> Any:
        """A session that is ready."""
        raise NotImplementedError("A session creator has to define create_session.")


class ChiefSessionCreator(SessionCreator):
    """Makes sessions of the chief, who restores or initializes the model.

    Mirrors `tf.train.ChiefSessionCreator`.

    Args:
      scaffold: a `Scaffold`; a plain one if None.
      master: the server to run on; "" is this process.
      config: a `ConfigProto`.
      checkpoint_dir: the folder whose latest checkpoint is restored.
      checkpoint_filename_with_path: the checkpoint to restore, in the place of the folder.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        checkpoint_filename_with_path: str | os.PathLike[str] | None = None,
    ) -> None:
        self._checkpoint_dir = _path(checkpoint_dir)
        self._checkpoint = _path(checkpoint_filename_with_path)
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config

    def create_session(self) -> Any:
        """A session with a model that is restored or initialized."""
        scaffold = self._scaffold.finalize()
        return _session_manager(scaffold).prepare_session(
            self._master,
            saver=scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint,
            config=self._config,
            init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
        )


class WorkerSessionCreator(SessionCreator):
    """Makes sessions of the other workers, who wait for the chief.

    Mirrors `tf.train.WorkerSessionCreator`.

    Args:
      scaffold, master, config: as for `ChiefSessionCreator`.
      max_wait_secs: how long to wait for the chief.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """A session with a model that the chief has made ready."""
        scaffold = self._scaffold.finalize()
        return _session_manager(scaffold).wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )


def _session_manager(scaffold: Scaffold) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=get_default_graph(),
    )


def _path(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


class _CoordinatedSessionCreator(SessionCreator):
    """Makes sessions with hooks and a coordinator, in which the queue runners run."""

    def __init__(
        self,
        session_creator: SessionCreator,
        hooks: Sequence[SessionRunHook],
        stop_grace_period_secs: float,
    ) -> None:
        self._session_creator = session_creator
        self._hooks = hooks
        self._stop_grace_period_secs = stop_grace_period_secs
        self.tf_sess: Any = None

    def create_session(self) -> _CoordinatedSession:
        self.tf_sess = self._session_creator.create_session()
        coord = Coordinator(clean_stop_exception_types=())
        if get_default_graph().get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(sess=self.tf_sess, coord=coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, coord)
        hooked = _HookedSession(self.tf_sess, self._hooks)
        return _CoordinatedSession(hooked, coord, self._stop_grace_period_secs)


# ---- sessions around sessions


class _WrappedSession:
    """A session around another one; `should_stop` if either says so."""

    def __init__(self, sess: Any) -> None:
        self._sess = sess

    @property
    def graph(self) -> Graph:
        graph: Graph = self._sess.graph
        return graph

    @property
    def sess_str(self) -> str:
        name: str = self._sess.sess_str
        return name

    def should_stop(self) -> bool:
        if self._check_stop() or self._sess is None:
            return True
        return isinstance(self._sess, _WrappedSession) and self._sess.should_stop()

    def _check_stop(self) -> bool:
        """What this one says."""
        return False

    def close(self) -> None:
        if self._sess is not None:
            try:
                self._sess.close()
            except _LOST as error:
                logging.info("The session was lost before it could be closed: %s", error)
            finally:
                self._sess = None

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        return self._sess.run(fetches, feed_dict, options, run_metadata)

    def run_step_fn(self, step_fn: Callable[[Any], Any], raw_session: Any) -> Any:
        return step_fn(StepContext(raw_session, self.run))


class _HookedSession(_WrappedSession):
    """Calls the hooks around each run."""

    def __init__(self, sess: Any, hooks: Sequence[SessionRunHook]) -> None:
        super().__init__(sess)
        self._hooks = hooks
        self._should_stop = False

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        if self.should_stop():
            raise errors.runtime_error(
                "Run called even after should_stop requested.", see="order-of-calls"
            )
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        options = options or RunOptions()
        all_fetches: dict[Any, Any] = {"caller": fetches}
        feeds = self._ask_hooks(context, all_fetches, feed_dict, options)
        if run_metadata is None and _asks_for_metadata(options):
            run_metadata = protos.RunMetadata()
        results = self._sess.run(all_fetches, feeds, options, run_metadata)
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(results.get(hook), options, run_metadata))
        self._should_stop = self._should_stop or context.stop_requested
        return results["caller"]

    def _ask_hooks(
        self, context: SessionRunContext, all_fetches: dict[Any, Any], fed: Any, options: Any
    ) -> dict[Any, Any]:
        """Adds what the hooks want to fetch, and to the options; returns all that is fed."""
        by_hooks: dict[Any, Any] = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                all_fetches[hook] = request.fetches
            if request.feed_dict:
                if not by_hooks.keys().isdisjoint(request.feed_dict):
                    raise errors.runtime_error("Same tensor is fed by two hooks.")
                by_hooks.update(request.feed_dict)
            if request.options is not None:
                _merge_options(options, request.options)
        if fed and not by_hooks.keys().isdisjoint(fed):
            raise errors.runtime_error("Same tensor is fed by a SessionRunHook and user.")
        return {**(fed or {}), **by_hooks}


def _asks_for_metadata(options: Any) -> bool:
    return bool(options.trace_level or options.output_partition_graphs)


def _merge_options(options: Any, wanted: Any) -> None:
    """Has the options of a run ask for what a hook wants as well."""
    options.trace_level = max(options.trace_level, wanted.trace_level)
    options.timeout_in_ms = max(options.timeout_in_ms, wanted.timeout_in_ms)
    options.inter_op_thread_pool = max(options.inter_op_thread_pool, wanted.inter_op_thread_pool)
    options.output_partition_graphs |= wanted.output_partition_graphs
    options.debug_options = options.debug_options or wanted.debug_options


class _CoordinatedSession(_WrappedSession):
    """Stops with the threads of a coordinator, and raises what they raised."""

    def __init__(self, sess: Any, coord: Coordinator, stop_grace_period_secs: float) -> None:
        super().__init__(sess)
        self._coord = coord
        self._stop_grace_period_secs = stop_grace_period_secs

    def _check_stop(self) -> bool:
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def close(self) -> None:
        self._coord.request_stop()
        try:
            self._coord.join(
                stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True
            )
        finally:
            super().close()

    def give_up(self, error: BaseException) -> None:
        """Has the threads stop since the server is lost: what others share is to be left alone."""
        self._coord.request_stop(error)

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        try:
            return self._sess.run(fetches, feed_dict, options, run_metadata)
        except _LOST:
            raise
        except Exception:
            # Where a thread has failed, the run fails in consequence: the thread's error says why.
            self._coord.raise_requested_exception()
            raise


class _RecoverableSession(_WrappedSession):
    """Makes a new session when the server of the old one is lost, and runs the step there."""

    def __init__(self, sess_creator: _CoordinatedSessionCreator) -> None:
        self._sess_creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> _CoordinatedSession:
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._sess_creator.create_session()
            except _LOST as error:
                logging.info(
                    "An error was raised while a session was being created. This may be due to a "
                    "preemption of a connected worker or parameter server. A new session will be "
                    "created. Error: %s",
                    error,
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _check_stop(self) -> bool:
        try:
            return self._sess is None or bool(self._sess._check_stop())
        except _LOST as error:
            self._let_go(error)
            self._sess = self._create_session()
            return self._check_stop()

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        while True:
            try:
                if self._sess is None:
                    self._sess = self._create_session()
                return self._sess.run(fetches, feed_dict, options, run_metadata)
            except _LOST as error:
                self._let_go(error)

    def run_step_fn(self, step_fn: Callable[[Any], Any], raw_session: Any) -> Any:
        while True:
            try:
                if self._sess is None:
                    self._sess = self._create_session()
                return step_fn(StepContext(self._sess_creator.tf_sess, self._sess.run))
            except _LOST as error:
                self._let_go(error)

    def _let_go(self, error: BaseException) -> None:
        """Closes the session that was lost."""
        logging.info(
            "An error was raised. This may be due to a preemption of a connected worker or "
            "parameter server. The current session will be closed and a new session will be "
            "created. Error: %s",
            error,
        )
        if isinstance(self._sess, _CoordinatedSession):
            self._sess.give_up(error)
        try:
            self.close()
        except _LOST as again:
            logging.vlog(1, "The session was closed: %s", again)


class StepContext:
    """What the function of `run_step_fn` is given.

    Attributes:
      session: the session: what is run in it calls no hooks.
    """

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
        self.session = session
        self._run_with_hooks_fn = run_with_hooks_fn

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """Runs as `MonitoredSession.run` does."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the training loop, by StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


# ---- the sessions of users


class _MonitoredSession:
    """What `MonitoredSession` and `SingularMonitoredSession` share."""

    def __init__(
        self,
        session_creator: SessionCreator | None,
        hooks: Sequence[SessionRunHook] | None,
        should_recover: bool,
        stop_grace_period_secs: float,
    ) -> None:
        self._graph_was_finalized = get_default_graph().finalized
        self._graph = get_default_graph()
        self._hooks = list(hooks or ())
        for hook in self._hooks:
            hook.begin()
        self._coordinated_creator = _CoordinatedSessionCreator(
            session_creator or ChiefSessionCreator(), self._hooks, stop_grace_period_secs
        )
        self._sess: Any
        if should_recover:
            self._sess = _RecoverableSession(self._coordinated_creator)
        else:
            self._sess = self._coordinated_creator.create_session()

    @property
    def graph(self) -> Graph | None:
        """The graph; None if the session is closed."""
        return None if self._sess is None else self._graph

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs as `tf.Session.run` does, with the hooks around it.

        Raises:
          RuntimeError: if the session is closed, or a stop was asked for.
        """
        return self._open().run(fetches, feed_dict, options, run_metadata)

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls a function that may run several things, some of them with the hooks.

        Args:
          step_fn: takes a `StepContext` under the name `step_context`; of a method, behind `self`.

        Returns:
          What the function returns.

        Raises:
          ValueError: if the function takes something else.
          StopIteration: if it asks for a stop.
        """
        parameters = list(inspect.signature(step_fn).parameters)
        if parameters != ["step_context"]:
            raise errors.value_error(
                "`step_fn` may either have one `step_context` argument, or `self` and "
                f"`step_context`; this one has {parameters}"
            )
        return self._open().run_step_fn(step_fn, self._tf_sess())

    def _open(self) -> Any:
        if self._sess is None:
            raise errors.runtime_error("Session is already closed.", see="order-of-calls")
        return self._sess

    def should_stop(self) -> bool:
        """Whether the training is to end: a hook or a thread has asked for it."""
        return self._sess is None or bool(self._sess.should_stop())

    def close(self) -> None:
        """Ends the session; hooks do at the end what they do then."""
        self._close_internal()

    def _is_closed(self) -> bool:
        return self._sess is None

    def _tf_sess(self) -> Any:
        return self._coordinated_creator.tf_sess

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if kind is not None and issubclass(kind, (errors.OutOfRangeError, StopIteration)):
            kind = None  # the data is at its end
        self._close_internal(kind)
        return kind is None

    def _close_internal(self, exception_type: Any = None) -> None:
        """Ends the session; what the hooks do at the end is not done after an error."""
        sess = self._open()
        try:
            if not exception_type:
                for hook in self._hooks:
                    hook.end(self._coordinated_creator.tf_sess)
            elif isinstance(self._coordinated_creator.tf_sess, BaseSession):
                self._coordinated_creator.tf_sess._settle()
        finally:
            try:
                sess.close()
            finally:
                self._sess = None
                self._coordinated_creator.tf_sess = None
                if not self._graph_was_finalized:
                    self._graph._unsafe_unfinalize()


class MonitoredSession(_MonitoredSession):
    """A session that calls hooks, and survives the loss of a server.

    Mirrors `tf.train.MonitoredSession`. At an AbortedError or UnavailableError it makes a new
    session, by the session creator, and runs the step again there. Leaving its `with` block by
    OutOfRangeError or StopIteration is a clean end.

    Args:
      session_creator: a `ChiefSessionCreator`, if None.
      hooks: `SessionRunHook`s.
      stop_grace_period_secs: how long threads may take to end.

    >>> import minitf as tf
    >>> step = tf.train.get_or_create_global_step()
    >>> count = tf.assign_add(step, 1)
    >>> with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=3)]) as sess:
    ...     while not sess.should_stop():
    ...         print(sess.run(count))
    1
    2
    3
    """

    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """A session that calls hooks, and fails where a server is lost.

    Mirrors `tf.train.SingularMonitoredSession`.

    Args:
      hooks, stop_grace_period_secs: as for `MonitoredSession`.
      scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path: as for
        `ChiefSessionCreator`.
    """

    StepContext = StepContext

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | os.PathLike[str] | None = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path
        )
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session inside."""
        return self._tf_sess()
