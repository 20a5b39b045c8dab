"""With this module one gets a session whose model is ready: restored, initialized or waited for.

The chief restores the variables from a checkpoint, or else initializes them; the other workers
wait until it has done so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from minitf import logging
from minitf.framework import errors
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.runtime.session import Session
from minitf.train import checkpoint_management

# Where all is well, the others are a moment behind the chief.
_FIRST_PAUSE = 0.1


class SessionManager:
    """Makes sessions that are ready to train (mirrors `tf.train.SessionManager`).

    Args:
      local_init_op: the operation that initializes what belongs to this process.
      ready_op: a tensor of strings that is empty where the model is ready, such as
        `tf.report_uninitialized_variables()`; or None if it always is.
      ready_for_local_init_op: the same for when `local_init_op` may run.
      graph: the graph; the default one if None.
      recovery_wait_secs: how long to wait at most before looking again whether the model is ready.
      local_init_run_options: a `RunOptions` for `local_init_op`.
      local_init_feed_dict: what to feed it.

    Raises:
      ValueError: if `ready_for_local_init_op` is given and `local_init_op` is not.

    >>> import minitf as tf
    >>> w = tf.Variable(3.0)
    >>> init = tf.global_variables_initializer()
    >>> manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    >>> with manager.prepare_session("", init_op=init) as sess:
    ...     print(sess.run(w))
    3.0
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        self._graph = graph if graph is not None else get_default_graph()
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options = local_init_run_options
        self._local_init_feed_dict = local_init_feed_dict
        if ready_for_local_init_op is not None and local_init_op is None:
            raise errors.value_error(
                "If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                f"ready_for_local_init_op [{ready_for_local_init_op}]"
            )

    # ---- the chief

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any], Any] | None = None,
    ) -> Session:
        """A session whose variables are restored, or else initialized.

        Args:
          master: the server to run on; "" is this process.
          init_op: the operation that initializes the variables where there is no checkpoint.
          saver: restores the latest checkpoint.
          checkpoint_dir: the folder to find it in.
          checkpoint_filename_with_path: the checkpoint, in the place of the folder.
          wait_for_checkpoint: whether to wait until there is one.
          max_wait_secs: for how long.
          config: a `ConfigProto`.
          init_feed_dict: what to feed `init_op`.
          init_fn: a function of the session, called after `init_op`.

        Raises:
          RuntimeError: if the model is not ready then, or there is no way to initialize it.
          ValueError: if both a folder and a checkpoint are given.
        """
        sess, is_loaded = self._restored(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        try:
            if not is_loaded:
                self._initialize(sess, init_op, init_feed_dict, init_fn)
            done, why_not = self._try_local_init(sess)
            what = "model ready for local_init"
            if done:
                what = "model ready"
                done, why_not = _is_ready(self._ready_op, sess)
            if not done:
                raise errors.runtime_error(
                    f"Init operations did not make {what}.  Init op: {_name(init_op)}, init fn: "
                    f"{init_fn}, local_init_op: {_name(self._local_init_op)}, error: {why_not}"
                )
        except BaseException:
            sess.close()
            raise
        return sess

    def _initialize(self, sess: Session, init_op: Any, feed_dict: Any, init_fn: Any) -> None:
        if init_op is None and not init_fn and self._local_init_op is None:
            raise errors.runtime_error(
                "Model is not initialized and no init_op or init_fn or local_init_op was given"
            )
        if init_op is not None:
            sess.run(init_op, feed_dict=feed_dict)
        if init_fn:
            init_fn(sess)

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Session, bool]:
        """A session whose variables are restored, if there is a checkpoint.

        The arguments are those of `prepare_session`.

        Returns:
          The session, and whether the model is ready.
        """
        sess, is_loaded = self._restored(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        done, why_not = self._try_local_init(sess)
        if not is_loaded:
            # Without a checkpoint the variables may have values all the same, on a server.
            return sess, False
        if not done:
            logging.info("Restoring model did not make it ready for local init: %s", why_not)
            return sess, False
        done, why_not = _is_ready(self._ready_op, sess)
        if not done:
            logging.info("Restoring model did not make it ready: %s", why_not)
            return sess, False
        logging.info("Restored model from %s", checkpoint_filename_with_path or checkpoint_dir)
        return sess, True

    def _restored(
        self,
        master: str,
        saver: Any,
        checkpoint_dir: str | None,
        checkpoint_filename_with_path: str | None,
        wait_for_checkpoint: bool,
        max_wait_secs: float,
        config: Any,
    ) -> tuple[Session, bool]:
        """A session, and whether a checkpoint was restored in it."""
        if checkpoint_dir and checkpoint_filename_with_path:
            raise errors.value_error(
                "Can not provide both checkpoint_dir and checkpoint_filename_with_path."
            )
        sess = Session(master, graph=self._graph, config=config)
        if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
            return sess, False
        try:
            if checkpoint_filename_with_path:
                saver.restore(sess, checkpoint_filename_with_path)
                return sess, True
            state = self._wait_for_checkpoint(
                str(checkpoint_dir), max_wait_secs if wait_for_checkpoint else 0
            )
            if state is None:
                return sess, False
            saver.restore(sess, state.model_checkpoint_path)
            saver.recover_last_checkpoints(list(state.all_model_checkpoint_paths))
        except BaseException:
            sess.close()
            raise
        return sess, True

    def _wait_for_checkpoint(self, folder: str, max_wait_secs: float) -> Any:
        """What the folder says of its checkpoints, or None if there is none in time."""
        end = time.monotonic() + max_wait_secs
        for pause in self._pauses():
            state = checkpoint_management.get_checkpoint_state(folder)
            if state is not None and state.model_checkpoint_path:
                return state
            left = end - time.monotonic()
            if left <= 0:
                return None
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(min(pause, left))
        raise AssertionError("the pauses never end")

    # ---- the others

    def wait_for_session(
        self, master: str, config: Any = None, max_wait_secs: float = float("inf")
    ) -> Session:
        """A session on a server whose model another one, the chief, has made ready.

        Args:
          master: the server.
          config: a `ConfigProto`.
          max_wait_secs: how long to wait.

        Raises:
          DeadlineExceededError: if the model is not ready in time.
        """
        end = time.monotonic() + (float("inf") if max_wait_secs is None else max_wait_secs)
        for pause in self._pauses():
            sess, why_not = self._session_if_ready(master, config)
            if sess is not None:
                return sess
            left = end - time.monotonic()
            if left <= 0:
                raise errors.DeadlineExceededError(
                    None,
                    None,
                    f"Session was not ready after waiting {max_wait_secs} secs: {why_not}\n"
                    "  what to do: see that the chief runs and initializes the model.",
                )
            logging.info("Waiting for model to be ready: %s", why_not)
            time.sleep(min(pause, left))
        raise AssertionError("the pauses never end")

    def _session_if_ready(self, master: str, config: Any) -> tuple[Session | None, str]:
        """A session, if the model is ready; or None, and why it is not."""
        sess: Session | None = None
        try:
            sess = Session(master, graph=self._graph, config=config)
            done, why_not = self._try_local_init(sess)
            if done:
                done, why_not = _is_ready(self._ready_op, sess)
            if done:
                return sess, ""
        except (errors.AbortedError, errors.UnavailableError) as error:
            why_not = str(error)
        except BaseException:
            if sess is not None:
                sess.close()
            raise
        if sess is not None:
            sess.close()
        return None, why_not

    def _pauses(self) -> Iterator[float]:
        """How long to wait before each look: not long at first, and at most as long as given."""
        pause = _FIRST_PAUSE
        while True:
            yield min(pause, self._recovery_wait_secs)
            pause *= 2

    def _try_local_init(self, sess: Session) -> tuple[bool, str]:
        """Runs the local initialization where the model is ready for it; says why not."""
        if self._local_init_op is None:
            return True, ""
        done, why_not = _is_ready(self._ready_for_local_init_op, sess)
        if not done:
            return False, f"it is not ready for the local initialization: {why_not}"
        logging.info("Running local_init_op.")
        sess.run(
            self._local_init_op,
            feed_dict=self._local_init_feed_dict,
            options=self._local_init_run_options,
        )
        logging.info("Done running local_init_op.")
        return True, ""


def _is_ready(op: Any, sess: Session) -> tuple[bool, str]:
    """Whether a tensor of the names of what is not ready is empty; and those names."""
    if op is None:
        return True, ""
    try:
        missing = sess.run(op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            logging.warning("Model not ready raised an unexpected error: %s", error)
        return False, str(error)
    if missing is None or getattr(missing, "size", 0) == 0 or missing.dtype == "int32":
        return True, ""
    names = ", ".join(name.decode() for name in missing.ravel())
    return False, f"Variables not initialized: {names}"


def _name(op: Any) -> str:
    return "None" if op is None else str(op.name)
