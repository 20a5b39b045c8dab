"""With this module a training loop needs three lines: `tf.train.MonitoredTrainingSession`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf.train.monitored_session import (
    ChiefSessionCreator,
    MonitoredSession,
    WorkerSessionCreator,
)
from minitf.train.scaffold import Scaffold
from minitf.train.session_run_hook import SessionRunHook

USE_DEFAULT: Any = object()


def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: str | os.PathLike[str] | None = None,
    save_graph_def: bool = True,
) -> MonitoredSession:
    """A `MonitoredSession` with the hooks that training wants.

    Mirrors `tf.train.MonitoredTrainingSession`. The chief restores the latest checkpoint, or
    initializes the model; it saves checkpoints, summaries and the speed. Others wait for it.

    Args:
      master: the server to run on; "" is this process.
      is_chief: whether this is the chief.
      checkpoint_dir: the folder for checkpoints; without it, none are saved or restored.
      scaffold: a `Scaffold`.
      hooks: hooks of every worker.
      chief_only_hooks: hooks of the chief.
      save_checkpoint_secs, save_checkpoint_steps: after how many seconds, or steps, a checkpoint is
        saved: 600 seconds if neither is given; never if both are None.
      save_summaries_steps, save_summaries_secs: the same for summaries: 100 steps.
      config: a `ConfigProto`.
      stop_grace_period_secs: how long threads may take to end.
      log_step_count_steps: after how many steps the speed is noted; None for never.
      max_wait_secs: how long others wait for the chief.
      summary_dir: the folder for summaries; `checkpoint_dir` if None.
      save_graph_def: whether the graph is written beside the checkpoints.

    Raises:
      ValueError: if two intervals are given for one thing.

    >>> import minitf as tf, tempfile
    >>> w = tf.Variable(0.0)
    >>> step = tf.train.get_or_create_global_step()
    >>> train = tf.train.GradientDescentOptimizer(0.25).minimize((w - 3.0) ** 2, step)
    >>> def trained_until(last_step, folder):
    ...     hooks = [tf.train.StopAtStepHook(last_step=last_step)]
    ...     with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks) as sess:
    ...         while not sess.should_stop():
    ...             value = sess.run([train, w])[1]
    ...     return value
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(trained_until(1, folder), trained_until(3, folder))
    1.5 2.625
    """
    if save_summaries_steps is USE_DEFAULT and save_summaries_secs is USE_DEFAULT:
        save_summaries_steps, save_summaries_secs = 100, None
    if save_checkpoint_secs is USE_DEFAULT and save_checkpoint_steps is USE_DEFAULT:
        save_checkpoint_secs, save_checkpoint_steps = 600, None
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(worker, hooks, stop_grace_period_secs)
    all_hooks = list(chief_only_hooks or ())
    all_hooks += _writing_hooks(
        scaffold,
        checkpoint_dir,
        summary_dir or checkpoint_dir,
        _given(save_checkpoint_secs),
        _given(save_checkpoint_steps),
        _given(save_summaries_secs),
        _given(save_summaries_steps),
        log_step_count_steps,
        save_graph_def,
    )
    all_hooks += list(hooks or ())
    chief = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(chief, all_hooks, stop_grace_period_secs)


def _given(interval: Any) -> Any:
    """An interval that was asked for; None where it is not, or is 0."""
    return None if interval is USE_DEFAULT or not interval or interval < 0 else interval


def _writing_hooks(
    scaffold: Scaffold,
    checkpoint_dir: Any,
    summary_dir: Any,
    checkpoint_secs: Any,
    checkpoint_steps: Any,
    summaries_secs: Any,
    summaries_steps: Any,
    log_steps: int | None,
    save_graph_def: bool,
) -> list[SessionRunHook]:
    from minitf.train.writing_hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook

    hooks: list[SessionRunHook] = []
    if summary_dir:
        if log_steps and log_steps > 0:
            hooks.append(StepCounterHook(output_dir=summary_dir, every_n_steps=log_steps))
        if summaries_steps or summaries_secs:
            hooks.append(
                SummarySaverHook(
                    scaffold=scaffold,
                    save_steps=summaries_steps,
                    save_secs=summaries_secs,
                    output_dir=summary_dir,
                )
            )
    if checkpoint_dir and (checkpoint_secs or checkpoint_steps):
        hooks.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_steps=checkpoint_steps,
                save_secs=checkpoint_secs,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        )
    return hooks
