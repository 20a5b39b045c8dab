"""With this module one can draw the graph that a script builds: `minitf draw script.py`.

The script runs as under `minitf run` until it asks a session for something other than to initialize
its variables. By then a TensorFlow 1 script has built its graph, and has not begun to train.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from minitf import _run_script
from minitf.framework import default
from minitf.framework import traceback as traceback_lib
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.runtime.session import BaseSession
from minitf.runtime.uninitialized import initialized_by
from minitf.runtime.watch import watched
from minitf.visualize import drawing

# Of more the layout takes so long that one asks whether it still works.
_MANY_BOXES = 2000
# Those that a script seldom has itself.
_OPTIONS = frozenset(
    {"-o", "--output", "--depth", "--expand", "--collapse", "--fetch", "--direction"}
    | {"--by-device", "--initializers", "--whole"}
)


class _GraphIsBuilt(SystemExit):
    """Ends the script as `sys.exit()` would, so that its `finally` blocks run."""


class _Watch:
    """Sees the sessions of a script: which graph they run, and when the graph is built."""

    def __init__(self, to_the_end: bool) -> None:
        self._to_the_end = to_the_end
        self.graph: Graph | None = None
        self.stopped_at = ""

    def run(self, plain: Any, session: BaseSession, fetches: Any, *given: Any) -> Any:
        """Stands in for `session.run`."""
        self.graph = session.graph
        if self._to_the_end or _only_initializes(fetches):
            return plain(session, fetches, *given)
        self.stopped_at = str(traceback_lib.capture())
        raise _GraphIsBuilt


def _only_initializes(fetches: Any) -> bool:
    ops = fetches if isinstance(fetches, list | tuple) else [fetches]
    return all(isinstance(op, Operation) and bool(initialized_by(op)) for op in ops)


def run(args: argparse.Namespace, script_args: Sequence[str]) -> int:
    """Runs `minitf draw` and returns its exit code: 0 where the picture was written."""
    output = args.output or _default_output(args.script)
    kind = os.path.splitext(output)[1][1:].lower()
    if kind not in drawing.FORMATS:
        print(f"minitf: {output!r} must end in .svg, .png, .pdf or .dot.", file=sys.stderr)
        return 2
    watch = _Watch(args.whole)
    process = os.getpid()
    start = _run_script.run_module if args.module else _run_script.run_script
    with watched(watch.run):
        try:
            code = start(args.script, script_args)
        except SystemExit as error:  # the script's own exit may mean that it failed
            code = 0 if isinstance(error, _GraphIsBuilt) else _run_script.exit_code(error)
    if os.getpid() != process:  # a child made by os.fork: the picture is its parent's
        return code
    graph = watch.graph or default.get_default_graph()
    if code:
        _tell_of_misplaced(script_args)
        return code
    if not graph.get_operations():
        print(f"minitf: {args.script!r} has built no graph.", file=sys.stderr)
        return 1
    return _write(graph, args, output, watch.stopped_at)


def _tell_of_misplaced(script_args: Sequence[str]) -> None:
    """Says that an option of minitf went to the script, which may be why that failed."""
    for word in script_args:
        if word.partition("=")[0] in _OPTIONS:
            print(f"minitf: {word} stands after the script and went to it.", file=sys.stderr)
            print("minitf draw [options] script [args ...]", file=sys.stderr)
            return


def _default_output(script: str) -> str:
    return os.path.splitext(os.path.basename(script.rstrip(os.sep)))[0] + ".svg"


def _write(graph: Graph, args: argparse.Namespace, output: str, stopped_at: str) -> int:
    """Draws, writes the file and says so."""
    try:
        picture = drawing.draw(
            graph,
            args.depth,
            expand=args.expand,
            collapse=args.collapse,
            fetches=args.fetch or None,
            feeds=args.feed,
            color_by="device" if args.by_device else "part",
            initializers=args.initializers,
            direction=args.direction,
        )
    except (KeyError, TypeError, ValueError) as error:
        print(f"minitf: {error}", file=sys.stderr)
        return 2
    if stopped_at:
        print(f"The script was stopped where its graph was built: {stopped_at}", file=sys.stderr)
    drawable = output.endswith(".dot") or shutil.which("dot") is not None
    path = output if drawable else os.path.splitext(output)[0] + ".dot"
    boxes = len(picture.view.boxes)
    if boxes > _MANY_BOXES and not path.endswith(".dot"):
        print(
            f"minitf: the layout of {boxes} boxes takes Graphviz minutes; fewer: --depth 1, "
            "--collapse SCOPE or --fetch NAME.",
            file=sys.stderr,
        )
    try:
        print(picture.save(path))
    except OSError as error:
        print(f"minitf: {path!r} cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    if not drawable:
        print(f"minitf: {_no_program(path)}", file=sys.stderr)
    return 0 if drawable else 1


def _no_program(path: str) -> str:
    return (
        f"the drawing was written as text, {path}: to make a picture of it needs the program 'dot' "
        "of Graphviz, which is not installed (on Debian and Ubuntu: apt install graphviz)."
    )
