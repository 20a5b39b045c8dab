"""With this module training leaves checkpoints, summaries and its speed behind.

Hooks for a monitored session that write files; those that do not are in `basic_hooks`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf import logging
from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.runtime.config import RunOptions
from minitf.summary import FileWriterCache
from minitf.train import training_util
from minitf.train.basic_hooks import SecondOrStepTimer, global_step_read
from minitf.train.graph_io import write_graph
from minitf.train.saver import Saver
from minitf.train.scaffold import Scaffold
from minitf.train.session_run_hook import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)


class CheckpointSaverListener:
    """What is called when a checkpoint is saved (mirrors `tf.train.CheckpointSaverListener`)."""

    def begin(self) -> None:
        """Called before there is a session; may add nodes to the graph."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after a checkpoint was written; returning True ends the training."""
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end, after the last checkpoint."""


class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint now and then, at the beginning and at the end.

    Mirrors `tf.train.CheckpointSaverHook`. With a saver that writes in the background, training
    goes on meanwhile; listeners are told after the first step that finds the checkpoint complete.

    Args:
      checkpoint_dir: the folder.
      save_secs: after how many seconds.
      save_steps: after how many steps.
      saver: saves; that of the scaffold, or of the graph, if None.
      checkpoint_basename: how the checkpoints' names begin.
      scaffold: its saver is taken.
      listeners: `CheckpointSaverListener`s.
      save_graph_def: whether the graph is written beside the checkpoints.

    Raises:
      ValueError: unless exactly one interval is given, and at most one of `saver` and `scaffold`.
    """

    def __init__(
        self,
        checkpoint_dir: str | os.PathLike[str],
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Scaffold | None = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
    ) -> None:
        if saver is not None and scaffold is not None:
            raise errors.value_error("You cannot provide both saver and scaffold.")
        self._saver = saver
        self._scaffold = scaffold
        self._checkpoint_dir = os.fspath(checkpoint_dir)
        self._save_path = os.path.join(self._checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
        self._listeners = list(listeners or ())
        self._save_graph_def = save_graph_def
        self._unnoted: int | None = None  # the step of a checkpoint that may not be complete yet

    def begin(self) -> None:
        self._writer = FileWriterCache.get(self._checkpoint_dir)
        self._step = global_step_read(self)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        step = int(session.run(self._step))
        graph = get_default_graph()
        if self._save_graph_def:
            graph_def = graph.as_graph_def(add_shapes=True)
            write_graph(graph_def, self._checkpoint_dir, "graph.pbtxt")
        self._writer.add_graph(graph)
        # The first one shows that saving works, before hours have been spent.
        self._save(session, step)
        self._note_saved(session)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        session = run_context.session
        stop = not self._is_saving() and self._note_saved(session)
        if self._timer.should_trigger_for_step(int(run_values.results) + 1):
            step = int(session.run(self._step))
            if self._timer.should_trigger_for_step(step):
                self._timer.update_last_triggered_step(step)
                stop |= self._save(session, step)
        if stop:
            run_context.request_stop()

    def end(self, session: Any) -> None:
        step = int(session.run(self._step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        self._note_saved(session)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        """Saves a checkpoint; returns whether a listener asks for the end."""
        stop = self._note_saved(session)  # the one before
        logging.info("Saving checkpoints for %d into %s.", step, self._save_path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(
            session, self._save_path, global_step=step, write_meta_graph=self._save_graph_def
        )
        self._unnoted = step
        return stop if self._is_saving() else self._note_saved(session) or stop

    def _is_saving(self) -> bool:
        """Whether the saver writes in the background, and has not ended."""
        if self._unnoted is None:
            return False
        saver = self._get_saver()
        return isinstance(saver, Saver) and saver.is_saving()

    def _note_saved(self, session: Any) -> bool:
        """Tells the listeners of a checkpoint, once; returns whether one asks for the end."""
        if self._unnoted is None:
            return False
        saver, step, self._unnoted = self._get_saver(), self._unnoted, None
        if isinstance(saver, Saver):
            saver.wait()
        log = protos.SessionLog(
            status=protos.SessionLog.CHECKPOINT, checkpoint_path=self._save_path
        )
        self._writer.add_session_log(log, step)
        logging.info("Saved checkpoints for %d into %s.", step, self._save_path)
        answers = [listener.after_save(session, step) for listener in self._listeners]
        return any(answers)

    def _get_saver(self) -> Any:
        if self._saver is None and self._scaffold is not None:
            return self._scaffold.saver
        if self._saver is None:
            savers = get_default_graph().get_collection(GraphKeys.SAVERS)
            if len(savers) != 1:
                found = f"{len(savers)} items in collection" if savers else "No items in collection"
                raise errors.runtime_error(
                    f"{found} {GraphKeys.SAVERS}. Please add a saver to the collection or provide "
                    "a saver or scaffold."
                )
            self._saver = savers[0]
        return self._saver


class StepCounterHook(SessionRunHook):
    """Notes how many steps a second are taken (mirrors `tf.train.StepCounterHook`).

    Args:
      every_n_steps: after how many steps.
      every_n_secs: after how many seconds.
      output_dir: the folder to write summaries to.
      summary_writer: a `FileWriter`, in the place of the folder.

    Raises:
      ValueError: unless exactly one interval is given.
    """

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise errors.value_error(
                "exactly one of every_n_steps and every_n_secs should be provided."
            )
        self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
        self._output_dir = output_dir
        self._writer = summary_writer

    def begin(self) -> None:
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(os.fspath(self._output_dir))
        self._step = global_step_read(self)
        self._tag = f"{training_util.get_global_step().op.name}/sec"

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if not self._timer.should_trigger_for_step(int(run_values.results) + 1):
            return
        step = int(run_context.session.run(self._step))
        if not self._timer.should_trigger_for_step(step):
            return
        seconds, steps = self._timer.update_last_triggered_step(step)
        if seconds and steps is not None:
            self._log_and_record(steps, seconds, step)

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        speed = elapsed_steps / elapsed_time
        if self._writer is not None:
            value = protos.Summary.Value(tag=self._tag, simple_value=speed)
            self._writer.add_summary(protos.Summary(value=[value]), global_step)
        logging.info("%s: %g", self._tag, speed)


class SummarySaverHook(SessionRunHook):
    """Writes summaries now and then (mirrors `tf.train.SummarySaverHook`).

    Args:
      save_steps: after how many steps.
      save_secs: after how many seconds.
      output_dir: the folder.
      summary_writer: a `FileWriter`, in the place of the folder.
      scaffold: its `summary_op` is taken.
      summary_op: the merged summaries, or a list of summaries.

    Raises:
      ValueError: unless exactly one of `scaffold` and `summary_op`, and one interval, is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        summary_writer: Any = None,
        scaffold: Scaffold | None = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise errors.value_error("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op = summary_op
        self._scaffold = scaffold
        self._writer = summary_writer
        self._output_dir = output_dir
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(os.fspath(self._output_dir))
        self._next_step: int | None = None
        self._step = global_step_read(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        self._is_time = self._next_step is None or self._timer.should_trigger_for_step(
            self._next_step
        )
        requests = {"global_step": self._step}
        summaries = self._summaries()
        if self._is_time and summaries:
            requests["summary"] = summaries
        return SessionRunArgs(requests)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._writer is None:
            return
        step = int(run_values.results["global_step"]) + 1
        if self._is_time:
            step = int(run_context.session.run(self._step))
        if self._next_step is None:
            start = protos.SessionLog(status=protos.SessionLog.START)
            self._writer.add_session_log(start, step)
        if self._is_time:
            self._timer.update_last_triggered_step(step)
        for summary in run_values.results.get("summary", ()):
            self._writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        if self._writer is not None:
            self._writer.flush()

    def _summaries(self) -> list[Any]:
        found = self._summary_op
        if found is None and self._scaffold is not None:
            found = self._scaffold.summary_op
        if found is None:
            return []
        return list(found) if isinstance(found, (list, tuple)) else [found]


class ProfilerHook(SessionRunHook):
    """Writes a timeline of a run now and then (mirrors `tf.train.ProfilerHook`).

    The files are `timeline-<step>.json`, for the browser's trace viewer.

    Args:
      save_steps: after how many steps.
      save_secs: after how many seconds.
      output_dir: the folder.
      show_dataflow: whether the timeline shows which node gives to which.
      show_memory: whether it shows what memory is in use.

    Raises:
      ValueError: unless exactly one interval is given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | os.PathLike[str] = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._output_dir = os.fspath(output_dir)
        self._writer = FileWriterCache.get(self._output_dir) if self._output_dir else None
        self._show_dataflow = show_dataflow
        self._show_memory = show_memory
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        self._next_step: int | None = None
        self._step = global_step_read(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        # The first run makes programs: its times say little.
        self._is_time = self._next_step is not None and self._timer.should_trigger_for_step(
            self._next_step
        )
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._is_time else None
        return SessionRunArgs({"global_step": self._step}, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = int(run_values.results["global_step"])
        if self._next_step is None:
            self._timer.update_last_triggered_step(step)
        if self._is_time:
            step = int(run_context.session.run(self._step))
            self._timer.update_last_triggered_step(step)
            self._save(step, run_values.run_metadata)
            if self._writer is not None:
                self._writer.add_run_metadata(run_values.run_metadata, f"step_{step}")
        self._next_step = step + 1

    def _save(self, step: int, run_metadata: Any) -> None:
        from minitf.profiler import Timeline

        timeline = Timeline(run_metadata.step_stats)
        text = timeline.generate_chrome_trace_format(
            show_dataflow=self._show_dataflow, show_memory=self._show_memory
        )
        path = os.path.join(self._output_dir, f"timeline-{step}.json")
        logging.info("Saving timeline for %d into '%s'.", step, path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
