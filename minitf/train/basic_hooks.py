"""With this module training stops in time, says how it goes, and notices when it goes wrong.

Hooks for a monitored session that write no files; those that do are in `writing_hooks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minitf import logging
from minitf.framework import errors
from minitf.framework.default import get_default_graph
from minitf.framework.tensor import Tensor
from minitf.ops.variables import Variable
from minitf.train import training_util
from minitf.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)

# How long a worker that waits for a step sleeps before it looks again.
_LOOK_EVERY = 0.5


class SecondOrStepTimer:
    """Says when it is time again (mirrors `tf.train.SecondOrStepTimer`).

    Args:
      every_secs: after how many seconds.
      every_steps: after how many steps.

    Raises:
      ValueError: unless exactly one of the two is given.

    >>> timer = SecondOrStepTimer(every_steps=10)
    >>> timer.should_trigger_for_step(3), timer.update_last_triggered_step(3)
    (True, (None, None))
    >>> timer.should_trigger_for_step(12), timer.should_trigger_for_step(13)
    (False, True)
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is None and every_steps is None:
            raise errors.value_error("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise errors.value_error("Can not provide both every_secs and every_steps.")
        self._every_secs = every_secs
        self._every_steps = every_steps
        self.reset()

    def reset(self) -> None:
        """Forgets when it was last time."""
        self._last_step: int | None = None
        self._last_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is time again at this step; the first time, always."""
        if self._last_step is None or self._last_time is None:
            return True
        if self._last_step == step:
            return False
        if self._every_secs is not None:
            return time.time() >= self._last_time + self._every_secs
        return step >= self._last_step + (self._every_steps or 0)

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Notes that now is the time; returns the seconds and steps since the last."""
        now = time.time()
        elapsed: tuple[float | None, int | None] = None, None
        if self._last_step is not None and self._last_time is not None:
            elapsed = now - self._last_time, step - self._last_step
        self._last_step, self._last_time = step, now
        return elapsed

    def last_triggered_step(self) -> int | None:
        """The step when it was last time; None if it never was."""
        return self._last_step


class NeverTriggerTimer:
    """A timer of something that is not asked for."""

    def should_trigger_for_step(self, step: int) -> bool:
        """Never."""
        return False

    def update_last_triggered_step(self, step: int) -> tuple[None, None]:
        """Notes nothing."""
        return None, None

    def last_triggered_step(self) -> int | None:
        """None."""
        return None

    def reset(self) -> None:
        """Forgets nothing."""


def global_step_read(hook: SessionRunHook) -> Any:
    """The tensor of the global step that a hook fetches with each run.

    Raises:
      RuntimeError: if the graph has no global step.
    """
    read = training_util._get_or_create_global_step_read()
    if read is None:
        raise RuntimeError(
            errors.report(
                f"Global step should be created to use {type(hook).__name__}.",
                do="call tf.train.get_or_create_global_step() where the graph is built, and give "
                "it to the optimizer: minimize(loss, global_step=...).",
            )
        )
    return read


class LoggingTensorHook(SessionRunHook):
    """Logs values now and then (mirrors `tf.train.LoggingTensorHook`).

    They are logged by `tf.logging.info`, which is silent before
    `tf.logging.set_verbosity(tf.logging.INFO)`.

    Args:
      tensors: a list of tensors or their names; or a dictionary to these from the words to log.
      every_n_iter: after how many runs.
      every_n_secs: after how many seconds.
      at_end: whether at the end, too.
      formatter: a function from the dictionary of values to the text.

    Raises:
      ValueError: unless one of the intervals, or `at_end`, is given; or the interval is not
        positive.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise errors.value_error(
                "either at_end and/or exactly one of every_n_iter and every_n_secs must be "
                "provided."
            )
        if every_n_iter is not None and every_n_iter <= 0:
            raise errors.value_error(f"invalid every_n_iter={every_n_iter}.")
        if isinstance(tensors, Mapping):
            self._tensors: dict[Any, Any] = dict(tensors)
        else:
            self._tensors = {item: item for item in tensors}
        self._formatter = formatter
        self._at_end = at_end
        self._timer: SecondOrStepTimer | NeverTriggerTimer = (
            NeverTriggerTimer()
            if only_at_end
            else SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)
        )

    def begin(self) -> None:
        self._timer.reset()
        self._count = 0
        self._fetches = {_tag(tag): _element(tensor) for tag, tensor in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        self._is_time = self._timer.should_trigger_for_step(self._count)
        return SessionRunArgs(self._fetches) if self._is_time else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._is_time:
            self._log(run_values.results)
        self._count += 1

    def end(self, session: Any) -> None:
        if self._at_end:
            self._log(session.run(self._fetches))

    def _log(self, values: dict[str, Any]) -> None:
        seconds, _ = self._timer.update_last_triggered_step(self._count)
        if self._formatter:
            logging.info(self._formatter(values))
            return
        with np.printoptions(suppress=True):
            text = ", ".join(f"{tag} = {value}" for tag, value in values.items())
        if seconds is None:
            logging.info("%s", text)
        else:
            logging.info("%s (%.3f sec)", text, seconds)


def _tag(item: Any) -> str:
    return item.name if isinstance(item, (Tensor, Variable)) else str(item)


def _element(item: Any) -> Any:
    return get_default_graph().as_graph_element(item)


class StopAtStepHook(SessionRunHook):
    """Ends the training at a step (mirrors `tf.train.StopAtStepHook`).

    Args:
      num_steps: how many steps to take from where the training begins.
      last_step: the global step to stop at.

    Raises:
      ValueError: unless exactly one of the two is given.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if num_steps is None and last_step is None:
            raise errors.value_error("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise errors.value_error("Only one of num_steps or last_step can be specified.")
        self._num_steps = num_steps
        self._last_step = last_step

    def begin(self) -> None:
        self._step = global_step_read(self)

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last_step is None:
            self._last_step = int(session.run(self._step)) + (self._num_steps or 0)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        last = self._last_step or 0
        # The step may have been read before the run has counted it.
        if run_values.results + 1 >= last and run_context.session.run(self._step) >= last:
            run_context.request_stop()


class NanLossDuringTrainingError(RuntimeError):
    """The loss is not a number (mirrors `tf.train.NanLossDuringTrainingError`)."""

    def __str__(self) -> str:
        return super().__str__() or "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Ends the training when the loss is not a number (mirrors `tf.train.NanTensorHook`).

    Args:
      loss_tensor: the loss.
      fail_on_nan_loss: whether by a `NanLossDuringTrainingError`.
    """

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss_tensor = loss_tensor
        self._fail_on_nan_loss = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._loss_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if not np.isnan(run_values.results):
            return
        if self._fail_on_nan_loss:
            logging.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError(
                errors.report(
                    "NaN loss during training.",
                    op=getattr(self._loss_tensor, "op", None),
                    do="run tf.add_check_numerics_ops() together with the training step: it names "
                    "the first node that is not finite. Often a smaller learning rate is enough.",
                    see="not-finite",
                )
            )
        logging.warning("Model diverged with loss = NaN.")
        run_context.request_stop()  # an error would leave no last checkpoint


class GlobalStepWaiterHook(SessionRunHook):
    """Has a worker begin only when the others have come to a step.

    Mirrors `tf.train.GlobalStepWaiterHook`.

    Args:
      wait_until_step: the global step to wait for.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = wait_until_step

    def begin(self) -> None:
        self._begun = False
        self._step = global_step_read(self)

    def before_run(self, run_context: SessionRunContext) -> None:
        if self._begun:
            return
        self._begun = True
        if self._wait_until_step <= 0:
            return
        logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
        told = 0
        while (step := int(run_context.session.run(self._step))) < self._wait_until_step:
            if step - told > 1000:
                logging.info(
                    "Waiting for global step %d before starting training. Current step is %d.",
                    self._wait_until_step,
                    step,
                )
                told = step
            time.sleep(_LOOK_EVERY)
        logging.info("Done waiting.")


class FinalOpsHook(SessionRunHook):
    """Runs something at the end (mirrors `tf.train.FinalOpsHook`).

    Args:
      final_ops: what to run, of any structure.
      final_ops_feed_dict: what to feed it.

    Attributes:
      final_ops_values: what came out; None before the end.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops = final_ops
        self._feed_dict = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        return self._values

    def end(self, session: Any) -> None:
        if self._final_ops is None:
            return
        try:
            self._values = session.run(self._final_ops, feed_dict=self._feed_dict)
        except (errors.OutOfRangeError, StopIteration) as error:
            logging.warning(
                "An OutOfRangeError or StopIteration exception is raised by the code in "
                "FinalOpsHook. This typically means the Ops running by the FinalOpsHook have a "
                "dependency back to some input source, which should not happen. Reason: %s",
                error,
            )
            raise


class FeedFnHook(SessionRunHook):
    """Feeds each run (mirrors `tf.train.FeedFnHook`).

    Args:
      feed_fn: a function without arguments that returns what to feed.
    """

    def __init__(self, feed_fn: Callable[[], Any]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
