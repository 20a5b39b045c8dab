"""With this module one can run a script under the debugger: `minitf debug script.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from minitf import _run_script
from minitf.debug.debugger import Debugger
from minitf.runtime.session import BaseSession
from minitf.runtime.watch import watched


def run(args: argparse.Namespace, script_args: Sequence[str]) -> int:
    """Runs `minitf debug` and returns the script's exit code."""
    debugger = Debugger()
    start = _run_script.run_module if args.module else _run_script.run_script

    def debugged(plain: Any, session: BaseSession, *given: Any) -> Any:
        fetches, feed_dict, *_ = given
        return debugger.run(session, fetches, feed_dict, lambda: plain(session, *given))

    with watched(debugged):
        code = start(args.script, script_args)
    debugger.end()
    return code
