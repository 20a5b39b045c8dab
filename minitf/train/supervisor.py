"""With this module a training loop of the old kind looks after itself: `tf.train.Supervisor`.

    sv = tf.train.Supervisor(logdir="train")
    with sv.managed_session() as sess:
        while not sv.should_stop():
            sess.run(train)

Its services (checkpoints, summaries, the speed) are threads, where those of a monitored session are
hooks; new programs do better with `tf.train.MonitoredTrainingSession`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minitf import logging
from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.ops import control_flow_ops, variable_lists
from minitf.runtime.prune import prune
from minitf.summary import FileWriter, merge_all
from minitf.train import training_util
from minitf.train.coordinator import Coordinator, LooperThread
from minitf.train.saver import Saver
from minitf.train.session_manager import SessionManager

# What stands for an argument that is not given, since None says that there is to be none.
USE_DEFAULT = 0


class Supervisor:
    """Prepares a session, and saves and summarizes in the background.

    Mirrors `tf.train.Supervisor`. Making one finalizes the graph.

    Args:
      graph: the graph; the default one if None.
      ready_op: a tensor that is empty when the model is ready; the names of uninitialized
        variables by default. None if the model always is.
      ready_for_local_init_op: the same for when `local_init_op` may run.
      is_chief: whether this is the worker that initializes and saves.
      init_op: initializes the variables; all global ones by default.
      init_feed_dict: what to feed it.
      local_init_op: initializes what belongs to this process.
      logdir: the folder for checkpoints and summaries; without it there are none.
      summary_op: the merged summaries; None if the loop writes its own (`summary_computed`).
      saver: a `Saver`; None for no checkpoints.
      global_step: the global step; the graph's by default.
      save_summaries_secs, save_model_secs: after how many seconds; 0 for never.
      recovery_wait_secs: how long to wait at most before looking again whether the model is ready.
      stop_grace_secs: how long threads may take to end.
      checkpoint_basename: the name of checkpoints.
      session_manager: a `SessionManager`.
      summary_writer: a `FileWriter`; one for `logdir` by default. None for no summaries.
      init_fn: a function of the session, called after `init_op`.
      local_init_run_options: a `RunOptions` for `local_init_op`.

    Raises:
      ValueError: if this is not the chief, and a variable has no device.

    >>> import minitf as tf, tempfile
    >>> w = tf.Variable(0.0)
    >>> step = tf.train.get_or_create_global_step()
    >>> train = tf.train.GradientDescentOptimizer(0.25).minimize((w - 3.0) ** 2, step)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sv = tf.train.Supervisor(logdir=folder)
    ...     with sv.managed_session() as sess:
    ...         for _ in range(3):
    ...             sess.run(train)
    ...         print(sess.run(w), sv.should_stop())
    2.625 False
    """

    USE_DEFAULT = USE_DEFAULT

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: str | os.PathLike[str] | None = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], Any] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        self._graph = graph or get_default_graph()
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._stop_grace_secs = stop_grace_secs
        self._init_feed_dict = init_feed_dict
        self._init_fn = init_fn
        self._save_model_secs = save_model_secs
        self._save_summaries_secs = save_summaries_secs
        with self._graph.as_default():
            self._ready_op = _given(ready_op, GraphKeys.READY_OP, _ready_op)
            self._ready_for_local_init_op = _given(
                ready_for_local_init_op, GraphKeys.READY_FOR_LOCAL_INIT_OP
            )
            self._init_op = _given(
                init_op, GraphKeys.INIT_OP, variable_lists.global_variables_initializer
            )
            self._local_init_op = _given(local_init_op, GraphKeys.LOCAL_INIT_OP, _local_init_op)
            self._saver = _given(saver, GraphKeys.SAVERS, _saver)
            self._summary_is_default = summary_op is USE_DEFAULT
            self._summary_op = _given(summary_op, GraphKeys.SUMMARY_OP, merge_all)
            self._global_step = (
                training_util.get_global_step() if global_step is USE_DEFAULT else global_step
            )
        self._set_up_files(logdir, checkpoint_basename, summary_writer)
        self._session_manager = session_manager or SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self._check_devices()
        self._graph.finalize()

    def _set_up_files(self, logdir: Any, checkpoint_basename: str, summary_writer: Any) -> None:
        self._logdir: str | None = None
        self._save_path: str | None = None
        self._summary_writer: Any = None
        self._graph_was_added = False
        if not self._is_chief:  # only one of all writes
            return
        if logdir:
            self._logdir = os.fspath(logdir)
            self._save_path = os.path.join(self._logdir, checkpoint_basename)
        if summary_writer is not USE_DEFAULT:
            self._summary_writer = summary_writer
        elif self._logdir:
            self._summary_writer = FileWriter(self._logdir)

    def _check_devices(self) -> None:
        if self._is_chief:
            return
        for op in self._graph.get_operations():
            if op.type in ("Variable", "VariableV2") and not op.device:
                raise ValueError(
                    errors.report(
                        f"When using replicas, all Variables must have their device set: {op.name}",
                        op=op,
                        do="make them under tf.device(tf.train.replica_device_setter(...)).",
                    )
                )

    # ---- its parts

    session_manager = property(lambda self: self._session_manager)
    coord = property(lambda self: self._coord)
    is_chief = property(lambda self: self._is_chief)
    init_op = property(lambda self: self._init_op)
    init_feed_dict = property(lambda self: self._init_feed_dict)
    ready_op = property(lambda self: self._ready_op)
    ready_for_local_init_op = property(lambda self: self._ready_for_local_init_op)
    summary_writer = property(lambda self: self._summary_writer)
    summary_op = property(lambda self: self._summary_op)
    save_summaries_secs = property(lambda self: self._save_summaries_secs)
    global_step = property(lambda self: self._global_step)
    saver = property(lambda self: self._saver)
    save_model_secs = property(lambda self: self._save_model_secs)
    save_path = property(lambda self: self._save_path)

    # ---- sessions

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """A session that is ready: prepared by the chief, waited for by the others.

        Args:
          master: the server to run on; "" is this process.
          config: a `ConfigProto`.
          wait_for_checkpoint: whether the chief waits until there is a checkpoint.
          max_wait_secs: how long to wait.
          start_standard_services: whether services and queue runners are started.
        """
        self._coord.clear_stop()
        if self._summary_writer is not None:
            self._summary_writer.reopen()
        if self._is_chief:
            sess = self._session_manager.prepare_session(
                master,
                init_op=self._init_op,
                saver=self._saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                self.start_standard_services(sess)
        else:
            sess = self._session_manager.wait_for_session(
                master, config=config, max_wait_secs=max_wait_secs
            )
        if start_standard_services:
            self.start_queue_runners(sess)
        return sess

    @contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """A session for a `with` block, which stops everything at its end.

        An exception in the block, or in a thread, is raised when all has stopped; OutOfRangeError
        is none.
        """
        sess = None
        try:
            sess = self.prepare_or_wait_for_session(
                master, config, start_standard_services=start_standard_services
            )
            yield sess
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            except BaseException:
                if sess is not None:
                    sess._settle()
                raise
            finally:
                if sess is not None:
                    sess.close()

    def _write_graph(self) -> None:
        if self._logdir:
            from minitf.train.graph_io import write_graph

            write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer is not None and not self._graph_was_added:
            self._summary_writer.add_graph(self._graph)
            self._graph_was_added = True

    # ---- services

    def start_standard_services(self, sess: Any) -> list[LooperThread] | None:
        """Starts the threads that save checkpoints and write summaries.

        Raises:
          RuntimeError: if this is not the chief.
        """
        if not self._is_chief:
            raise errors.runtime_error(
                "Only chief supervisor can start standard services. Because only chief supervisors "
                "can write events.",
                see="order-of-calls",
            )
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        writer, step = self._summary_writer, self._global_step
        if writer is not None and step is not None:
            start = protos.SessionLog(status=protos.SessionLog.START)
            writer.add_session_log(start, training_util.global_step(sess, step))
        threads: list[LooperThread] = []
        if self._save_summaries_secs and writer is not None:
            if self._summary_op is not None and not self._cannot_be_summarized():
                threads.append(_SummaryThread(self, sess))
            if step is not None:
                threads.append(_StepCounterThread(self, sess))
        if self._saver is not None and self._save_model_secs:
            threads.append(_CheckpointThread(self, sess))
        for thread in threads:
            thread.start()
        return threads

    def _cannot_be_summarized(self) -> bool:
        """Whether the summaries that nobody gave need what only the loop can feed; says so."""
        if not self._summary_is_default:
            return False
        needed = next((op for op in prune([self._summary_op], set()) if _is_placeholder(op)), None)
        if needed is not None:
            logging.warning(
                "The Supervisor writes no summaries: they need the placeholder %r, which its "
                "thread cannot feed. Pass summary_op=None, and write them in the loop with "
                "sv.summary_computed(sess, sess.run(summary_op, feed_dict)).",
                needed.name,
            )
        return needed is not None

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[Any] | None = None) -> Any:
        """Starts the queue runners, those of the graph if None; returns their threads."""
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        return [
            thread
            for runner in queue_runners
            for thread in runner.create_threads(sess, coord=self._coord, daemon=True, start=True)
        ]

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """Starts a thread that calls a function again and again; see `tf.train.LooperThread`."""
        return LooperThread.loop(self._coord, timer_interval_secs, target, args, kwargs)

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that the loop has computed.

        Raises:
          RuntimeError: if there is no summary writer.
          TypeError: if `summary` is no summary.
        """
        if self._summary_writer is None:
            raise errors.runtime_error("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = training_util.global_step(sess, self._global_step)
        self._summary_writer.add_summary(summary, global_step)

    # ---- stopping

    def stop(
        self,
        threads: Any = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops the services, and raises what threads raised."""
        self._coord.request_stop()
        try:
            self._coord.join(
                threads,
                stop_grace_period_secs=self._stop_grace_secs,
                ignore_live_threads=ignore_live_threads,
            )
        finally:
            if close_summary_writer and self._summary_writer is not None:
                stop = protos.SessionLog(status=protos.SessionLog.STOP)
                self._summary_writer.add_session_log(stop)
                self._summary_writer.close()
                self._graph_was_added = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop; see `tf.train.Coordinator`."""
        self._coord.request_stop(ex)

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> AbstractContextManager[None]:
        """Inside, an exception asks for the stop; see `tf.train.Coordinator`."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is asked for."""
        self._coord.wait_for_stop()

    # The names of the first versions, which scripts still use.
    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    RequestStop = request_stop
    Loop = loop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed


def _given(value: Any, collection: str, make: Callable[[], Any] | None = None) -> Any:
    """What was given; by default the first of a collection, or what is made for it."""
    if value is not USE_DEFAULT:
        return value
    graph = get_default_graph()
    found = graph.get_collection(collection)
    if found:
        if len(found) > 1:
            logging.info("Found %d %s, returning only the first one.", len(found), collection)
        return found[0]
    made = make() if make is not None else None
    if made is not None:
        graph.add_to_collection(collection, made)
    return made


def _is_placeholder(op: Operation) -> bool:
    """Whether an operation has no value unless it is fed."""
    return op.type == "Placeholder"


def _ready_op() -> Any:
    return variable_lists.report_uninitialized_variables()


def _local_init_op() -> Any:
    return control_flow_ops.group(
        variable_lists.local_variables_initializer(), variable_lists.tables_initializer()
    )


def _saver() -> Saver | None:
    return Saver() if variable_lists.global_variables() else None


# ---- the threads


class _SummaryThread(LooperThread):
    """Writes the merged summaries."""

    def __init__(self, sv: Supervisor, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        fetches = {"summary": self._sv.summary_op}
        if self._sv.global_step is not None:
            fetches["step"] = self._sv.global_step
        found = self._sess.run(fetches)
        logging.info("Recording summary at step %s.", found.get("step"))
        self._sv.summary_writer.add_summary(found["summary"], found.get("step"))


class _StepCounterThread(LooperThread):
    """Writes how many steps a second are taken."""

    def __init__(self, sv: Supervisor, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess
        self._tag = f"{sv.global_step.op.name}/sec"

    def start_loop(self) -> None:
        self._last_time = time.monotonic()
        self._last_step = training_util.global_step(self._sess, self._sv.global_step)

    def run_loop(self) -> None:
        now, step = time.monotonic(), training_util.global_step(self._sess, self._sv.global_step)
        elapsed = now - self._last_time
        speed = (step - self._last_step) / elapsed if elapsed > 0 else float("inf")
        self._last_time, self._last_step = now, step
        value = protos.Summary.Value(tag=self._tag, simple_value=speed)
        self._sv.summary_writer.add_summary(protos.Summary(value=[value]), step)
        logging.info("%s: %g", self._tag, speed)


class _CheckpointThread(LooperThread):
    """Saves checkpoints."""

    def __init__(self, sv: Supervisor, sess: Any) -> None:
        super().__init__(sv.coord, sv.save_model_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        sv = self._sv
        logging.info("Saving checkpoint to path %s", sv.save_path)
        sv.saver.save(self._sess, sv.save_path, global_step=sv.global_step)
        if isinstance(sv.saver, Saver):
            sv.saver.wait()  # so that the loop is stopped if it fails in the background
        if sv.summary_writer is not None and sv.global_step is not None:
            log = protos.SessionLog(
                status=protos.SessionLog.CHECKPOINT, checkpoint_path=sv.save_path
            )
            step = training_util.global_step(self._sess, sv.global_step)
            sv.summary_writer.add_session_log(log, step)
