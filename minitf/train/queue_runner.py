"""With this module queues are filled by threads in the background: `tf.train.QueueRunner`.

A graph collects its queue runners under `GraphKeys.QUEUE_RUNNERS`; `tf.train.start_queue_runners`
starts them all. Without them, who dequeues waits for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from minitf import logging
from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph, get_default_session
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import add_to_collection
from minitf.runtime.session import BaseSession
from minitf.train.coordinator import Coordinator

# A server that was lost, or has lost what it knew of us.
_LOST = (errors.AbortedError, errors.UnavailableError)

# A thread may begin a run just when a stop is asked for: after so many seconds we look again.
_LOOK_EVERY = 0.05


class QueueRunner:
    """Runs enqueue operations of a queue, each in a thread of its own.

    Mirrors `tf.train.QueueRunner`. A thread runs its operation again and again, until that raises
    OutOfRangeError (the data is at its end) or a stop is asked for. When the last one ends so, the
    queue is closed: who dequeues gets what is left, and then OutOfRangeError.

    Args:
      queue: the queue.
      enqueue_ops: the operations; one may be there several times, for as many threads.
      close_op: what closes the queue; `queue.close()` if None.
      cancel_op: what closes it at once, when a stop is asked for; by default
        `queue.close(cancel_pending_enqueues=True)`.
      queue_closed_exception_types: the exceptions that end a thread without being errors;
        `(tf.errors.OutOfRangeError,)` if None.
      queue_runner_def: a `QueueRunnerDef` that names all this in the default graph, in the place
        of the other arguments.
      import_scope: the scope that its nodes were imported into.

    Raises:
      ValueError: if there is no queue or no operation, or both kinds of argument are given.
    """

    def __init__(
        self,
        queue: Any = None,
        enqueue_ops: Sequence[Any] | None = None,
        close_op: Any = None,
        cancel_op: Any = None,
        queue_closed_exception_types: Sequence[type[errors.OpError]] | None = None,
        queue_runner_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._runs_per_session: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._exceptions_raised: list[BaseException] = []
        if queue_runner_def is not None:
            if queue is not None or enqueue_ops is not None:
                raise errors.value_error("queue_runner_def and queue are mutually exclusive.")
            self._find_nodes(queue_runner_def, import_scope)
            return
        if queue is None or not enqueue_ops:
            raise errors.value_error("Must provide queue and enqueue_ops.")
        self._queue = queue
        self._enqueue_ops = list(enqueue_ops)
        self._close_op = close_op
        self._cancel_op = cancel_op
        if queue_closed_exception_types is None:
            queue_closed_exception_types = (errors.OutOfRangeError,)
        self._queue_closed_exception_types = tuple(queue_closed_exception_types)
        if self._close_op is None:
            self._close_op = queue.close()
        if self._cancel_op is None:
            self._cancel_op = queue.close(cancel_pending_enqueues=True)

    queue = property(lambda self: self._queue)
    enqueue_ops = property(lambda self: self._enqueue_ops)
    close_op = property(lambda self: self._close_op)
    cancel_op = property(lambda self: self._cancel_op)
    queue_closed_exception_types = property(lambda self: self._queue_closed_exception_types)

    @property
    def name(self) -> str:
        """The queue's name."""
        name: str = self._queue.name
        return name

    @property
    def exceptions_raised(self) -> list[BaseException]:
        """What the threads raised that no coordinator was given."""
        return self._exceptions_raised

    # ---- running

    def create_threads(
        self,
        sess: Any,
        coord: Coordinator | None = None,
        daemon: bool = False,
        start: bool = False,
    ) -> list[threading.Thread]:
        """Makes the threads that run the operations in a session.

        Args:
          sess: the session.
          coord: is given what a thread raises, and ends the threads.
          daemon: whether the threads die with the process.
          start: whether they are started.

        Returns:
          The threads; none if they run in this session already.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        threads = [
            threading.Thread(
                target=self._run,
                args=(sess, op, coord),
                name=f"QueueRunnerThread-{self.name}-{op.name}",
                daemon=daemon,
            )
            for op in self._enqueue_ops
        ]
        if coord is not None:
            name = f"QueueRunnerThread-{self.name}-close_on_stop"
            arguments = (sess, coord, list(threads))
            closing = threading.Thread(
                target=self._close_on_stop, args=arguments, name=name, daemon=daemon
            )
            threads.append(closing)
            for thread in threads:
                coord.register_thread(thread)
        if start:
            for thread in threads:
                thread.start()
        return threads

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> None:
        """What one thread does."""
        at_the_end = False
        try:
            enqueue = sess.make_callable(enqueue_op)
            while coord is None or not coord.should_stop():
                enqueue()
        except self._queue_closed_exception_types:
            at_the_end = True
        except Exception as error:
            if not getattr(sess, "_closed", False):  # otherwise this is the way to end us
                self._report(error, coord)
        finally:
            with self._lock:
                self._runs_per_session[sess] -= 1
                last = self._runs_per_session[sess] == 0
            if at_the_end and last:
                self._try_to_run(sess, self._close_op)

    def _report(self, error: Exception, coord: Coordinator | None) -> None:
        if coord is not None:
            if not coord.should_stop():  # otherwise this is the way to end us, too
                coord.request_stop(error)
            return
        logging.error("Exception in QueueRunner: %s", error)
        with self._lock:
            self._exceptions_raised.append(error)

    def _close_on_stop(
        self, sess: Any, coord: Coordinator, threads: list[threading.Thread]
    ) -> None:
        """Closes the queue when a stop is asked for, and has nobody wait in our threads."""
        coord.wait_for_stop()
        # Where a server was lost, training goes on in another session, and needs the queue.
        if not isinstance(coord.requested_exception, _LOST):
            self._try_to_run(sess, self._cancel_op)
        call_off = getattr(sess, "_call_off", None)
        while call_off is not None and any(thread.is_alive() for thread in threads):
            call_off({thread.ident for thread in threads}, "A stop was asked for")
            for thread in threads:
                thread.join(_LOOK_EVERY)

    @staticmethod
    def _try_to_run(sess: Any, op: Any) -> None:
        try:
            sess.run(op)
        except (errors.OpError, RuntimeError) as error:  # closed before, or with its session
            logging.vlog(1, "Ignored exception: %s", error)

    # ---- as a message

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The `QueueRunnerDef` that names the nodes, as they are called inside a scope.

        None if the queue is outside of it.
        """
        scope = f"{export_scope}/" if export_scope else ""
        if not self.name.startswith(scope):
            return None
        return protos.QueueRunnerDef(
            queue_name=self.name.removeprefix(scope),
            enqueue_op_name=[op.name.removeprefix(scope) for op in self._enqueue_ops],
            close_op_name=self._close_op.name.removeprefix(scope),
            cancel_op_name=self._cancel_op.name.removeprefix(scope),
            queue_closed_exception_types=[
                errors.error_code_from_exception_type(cls)
                for cls in self._queue_closed_exception_types
            ],
        )

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """The queue runner whose nodes a `QueueRunnerDef` names; they are in the default graph."""
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)

    def _find_nodes(self, message: Any, import_scope: str | None) -> None:
        graph, scope = get_default_graph(), f"{import_scope}/" if import_scope else ""

        def operation(name: str) -> Operation:
            return graph.get_operation_by_name(scope + name.removesuffix(":0"))

        self._queue = operation(message.queue_name)
        self._enqueue_ops = [operation(name) for name in message.enqueue_op_name]
        self._close_op = operation(message.close_op_name)
        self._cancel_op = operation(message.cancel_op_name)
        self._queue_closed_exception_types = tuple(
            errors.exception_type_from_error_code(code)
            for code in message.queue_closed_exception_types
        ) or (errors.OutOfRangeError,)


def add_queue_runner(qr: QueueRunner, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Has `start_queue_runners` start a queue runner (mirrors `tf.train.add_queue_runner`)."""
    add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None,
    coord: Coordinator | None = None,
    daemon: bool = True,
    start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:
    """Starts the queue runners of a graph (mirrors `tf.train.start_queue_runners`).

    Args:
      sess: the session; the default one if None.
      coord: is given what a thread raises, and ends the threads.
      daemon: whether the threads die with the process.
      start: whether they are started.
      collection: where the graph keeps them.

    Returns:
      The threads.

    Raises:
      ValueError: if there is no session.
      TypeError: if `sess` is none.

    >>> import minitf as tf
    >>> queue = tf.FIFOQueue(4, tf.int32, shapes=[[]])
    >>> number = tf.Variable(0)
    >>> enqueue = queue.enqueue(tf.count_up_to(number, 3))
    >>> tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue]))
    >>> numbers = queue.dequeue_up_to(9)
    >>> with tf.Session() as sess:
    ...     sess.run(number.initializer)
    ...     threads = tf.train.start_queue_runners(sess)
    ...     sess.run(numbers)
    array([0, 1, 2], dtype=int32)
    """
    sess = sess if sess is not None else get_default_session()
    if sess is None:
        raise errors.value_error(
            "Cannot start queue runners: No default session is registered. Use `with "
            "sess.as_default()` or pass an explicit session to tf.start_queue_runners(sess=sess)",
            see="no-session",
        )
    if not isinstance(sess, BaseSession):
        from minitf.train.monitored_session import MonitoredSession, SingularMonitoredSession

        # A monitored session has started them itself.
        if isinstance(sess, (MonitoredSession, SingularMonitoredSession)):
            return []
        raise errors.type_error(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    runners = get_default_graph().get_collection(collection)
    if not runners:
        logging.warning(
            "`tf.train.start_queue_runners()` was called when no queue runners were defined. You "
            "can safely remove the call to this deprecated function."
        )
    with sess.graph.as_default():
        return [
            thread
            for runner in runners
            for thread in runner.create_threads(sess, coord=coord, daemon=daemon, start=start)
        ]
