"""With this module one can watch a script run: `minitf trace script.py --html out.html`.

The script runs as under `minitf run`. Of each different set of fetches one run is recorded for the
page that replays it; the others are timed. What was seen is written when the script has ended, also
where it ended with an error or was interrupted: then above all one wants to see. With `--runs 20`
it is ended after so many runs, so that nobody waits for a training to see a step of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from minitf import _run_script
from minitf.framework import protos
from minitf.framework import traceback as traceback_lib
from minitf.profiler.options import ProfileOptionBuilder
from minitf.profiler.profile import show
from minitf.profiler.timeline import Timeline
from minitf.runtime.config import RunOptions
from minitf.runtime.fetches import FetchPlan
from minitf.runtime.session import BaseSession
from minitf.runtime.watch import watched
from minitf.visualize.explorer import Explorer

# The first runs of a program compile and plan; where there are more, they are not counted.
_WARM_UP = 2
# More would say the same again.
_MOST_TRACED = 50
# A page with more runs than this is none that somebody reads.
_MOST_RECORDED = 12


class _SeenEnough(SystemExit):
    """Ends the script as `sys.exit()` would, so that its `finally` blocks run."""


class _Seen:
    """What was seen of one set of fetches."""

    def __init__(self, session: BaseSession, names: list[str]) -> None:
        self.graph = session.graph
        self.names = names
        self.runs = 0
        self.traced: list[Any] = []

    @property
    def title(self) -> str:
        """The names of the fetches, as many as a line holds."""
        shown = ", ".join(name.removesuffix(":0") for name in self.names[:3])
        return shown + (f" and {len(self.names) - 3} more" if len(self.names) > 3 else "")

    @property
    def counted(self) -> list[Any]:
        """The traced runs that tell how long one takes."""
        return self.traced[_WARM_UP:] or self.traced


class _Watch:
    """Sees every `session.run` of a script.

    Args:
      explorer: where to record runs, or None.
      at: which run of each set of fetches is recorded: 1 is the first.
      runs: after how many runs the script is ended; None for a script that ends by itself.
    """

    def __init__(self, explorer: Explorer | None, at: int, runs: int | None) -> None:
        self.seen: dict[Any, _Seen] = {}
        self.stopped_at = ""
        self._explorer = explorer
        self._at = at
        self._left = runs
        self._here = threading.local()  # several threads may run sessions at once
        self._lock = threading.Lock()

    def run(
        self,
        plain: Any,
        session: BaseSession,
        fetches: Any,
        feed_dict: Any,
        options: Any,
        run_metadata: Any,
    ) -> Any:
        """Stands in for `session.run`."""
        if getattr(self._here, "is_inside", False):
            return plain(session, fetches, feed_dict, options, run_metadata)
        self._end_where_enough()
        # A script may ask for more than values; then it is to get what it asked for.
        asks = options and (options.trace_level or options.output_partition_graphs)
        if asks and run_metadata is not None:
            return plain(session, fetches, feed_dict, options, run_metadata)
        self._here.is_inside = True
        try:
            timeout = options.timeout_in_ms if options else 0
            return self._watched(plain, session, fetches, feed_dict, timeout)
        finally:
            self._here.is_inside = False

    def _end_where_enough(self) -> None:
        """Ends the script where one run more than was asked for begins: the last one's values are
        used by then. What it runs on its way out, such as a last checkpoint, is run as ever, and so
        is what other threads run, which `sys.exit()` would not end the script from.
        """
        if self._left is None or threading.current_thread() is not threading.main_thread():
            return
        if self._left == 0:
            self._left = None
            self.stopped_at = str(traceback_lib.capture())
            raise _SeenEnough
        self._left -= 1

    def _watched(
        self, plain: Any, session: BaseSession, fetches: Any, feed_dict: Any, timeout_in_ms: int
    ) -> Any:
        options = RunOptions(timeout_in_ms=timeout_in_ms)
        try:
            elements = FetchPlan(session.graph, fetches).elements
        except Exception:  # as the run itself will say
            return plain(session, fetches, feed_dict, options)
        key = (session.graph, *elements)
        with self._lock:
            if key not in self.seen:
                self.seen[key] = _Seen(session, [element.name for element in elements])
            seen = self.seen[key]
            seen.runs += 1
            number = seen.runs
        explorer = self._explorer
        if session.sess_str:  # on a server, which is another process
            return plain(session, fetches, feed_dict, options)
        if explorer and number == self._at and len(explorer.recordings) < _MOST_RECORDED:
            title = seen.title if self._at == 1 else f"{seen.title} (run {self._at})"
            return explorer.run(session, fetches, feed_dict, title)
        if len(seen.traced) >= _MOST_TRACED:
            return plain(session, fetches, feed_dict, options)
        metadata = protos.RunMetadata()
        options.trace_level = RunOptions.FULL_TRACE
        fetched = plain(session, fetches, feed_dict, options, metadata)
        seen.traced.append(metadata)
        return fetched


def run(args: argparse.Namespace, script_args: Sequence[str]) -> int:
    """Runs `minitf trace` and returns its exit code: the script's, or 1 where writing failed."""
    problem = next(filter(None, map(_cannot_write, (args.html, args.timeline))), "")
    if problem:
        print(f"minitf: {problem}", file=sys.stderr)
        return 2
    explorer = Explorer(os.path.basename(args.script)) if args.html else None
    start = _run_script.run_module if args.module else _run_script.run_script
    watch = _Watch(explorer, args.at, args.runs)
    process = os.getpid()
    with watched(watch.run):
        try:
            code = start(args.script, script_args)
        except SystemExit as error:
            code = _run_script.exit_code(error)
    if os.getpid() != process:  # a child made by os.fork: what is written is its parent's
        return code
    if watch.stopped_at:
        print(f"The script was ended after {args.runs} runs: {watch.stopped_at}", file=sys.stderr)
    seen = list(watch.seen.values())
    if not seen:
        print("minitf: the script ran no session, so there is nothing to show.", file=sys.stderr)
        return code or 1
    _print_tables(seen)
    try:
        _write(args, explorer, seen)
    except OSError as error:
        print(f"minitf: {error.filename!r} cannot be written: {error.strerror}.", file=sys.stderr)
        return code or 1
    return code


def _cannot_write(path: str | None) -> str:
    """Why a file cannot be written, which is better known before the script has run."""
    if path is None:
        return ""
    if os.path.isdir(path):
        return f"{path!r} is a directory; name a file in it."
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        return f"{path!r} cannot be written: there is no directory {folder!r}."
    return "" if os.access(folder, os.W_OK) else f"{path!r} cannot be written in {folder!r}."


def _print_tables(seen: list[_Seen]) -> None:
    builder = ProfileOptionBuilder(ProfileOptionBuilder.time_and_memory())
    options = builder.build()
    for each in seen:
        if not each.traced:
            continue
        print(
            f"\n{each.title}: {each.runs} run{'s' if each.runs > 1 else ''}, mean of "
            f"{len(each.counted)}"
        )
        show(each.graph, each.counted, "op", options)


def _write(args: argparse.Namespace, explorer: Explorer | None, seen: list[_Seen]) -> None:
    if args.timeline:
        timeline = Timeline()
        for metadata in sorted((m for each in seen for m in each.traced), key=_start):
            timeline.add(metadata.step_stats)
        timeline.save(args.timeline)
        print(f"\n{args.timeline}: open it in chrome://tracing or ui.perfetto.dev")
    if explorer is None:
        return
    if explorer.recordings:
        print(f"\n{explorer.save(args.html)}: open it in a browser")
    else:
        print(
            f"minitf: no set of fetches was run {args.at} times, so that no run was recorded "
            f"for {args.html!r}.",
            file=sys.stderr,
        )


def _start(metadata: Any) -> int:
    return min(
        (n.all_start_nanos for d in metadata.step_stats.dev_stats for n in d.node_stats), default=0
    )
