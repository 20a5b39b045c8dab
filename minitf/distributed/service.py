"""With this module a server runs the sessions of other processes: the methods of the master.

A client sends its graph as it grows, and then only names: of what it fetches and of what it feeds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from minitf.distributed.master import Master, MasterSession, Options, StepProgram
from minitf.distributed.piece import Trace, read_graph
from minitf.distributed.worker import as_arrays, with_dead
from minitf.framework import errors
from minitf.framework.graph import Graph

# Sessions whose client has died stay behind: the oldest go when there are too many.
_MOST_SESSIONS = 256


class _ClientSession:
    """A session of another process: its graph, as far as it was sent, and its programs."""

    def __init__(self, master: Master, options: Options) -> None:
        self.session = MasterSession(master, Graph(), options, trusted=False)
        self._sent = b""
        self._programs: dict[Any, StepProgram] = {}
        self._lock = threading.Lock()

    def extend(self, data: Any, replace: bool) -> None:
        """Takes the graph's new nodes, or all of them anew.

        Graphs grow seldom: what was sent is read again as a whole, so that new nodes may refer to
        any others. Serialized messages that follow one another are one message.
        """
        with self._lock:
            sent = data.tobytes() if replace else self._sent + data.tobytes()
            graph = read_graph(np.frombuffer(sent, np.uint8))
            self.session.graph = graph
            self._sent = sent
            # Programs of the nodes that were there go on, unless those have changed.
            if replace:
                self._programs.clear()

    def run(
        self, fetches: list[str], feeds: list[str], arrays: list[Any], trace: Trace | None
    ) -> list[Any]:
        """Runs a step; the values of the fetches that are tensors."""
        key = tuple(fetches), tuple(feeds)
        with self._lock:
            program = self._programs.get(key)
            if program is None:
                element = self.session.graph.as_graph_element
                program = self.session.program(
                    [element(name) for name in fetches],
                    [element(name, allow_operation=False) for name in feeds],
                )
                self._programs[key] = program
        return program.run(arrays, trace)


class MasterHandlers:
    """The methods of a master, as other processes call them."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._sessions: OrderedDict[str, _ClientSession] = OrderedDict()
        self._lock = threading.Lock()

    def methods(self) -> dict[str, Any]:
        """By name, what the listener offers."""
        return {
            "CreateSession": self._create,
            "ExtendSession": self._extend,
            "RunStep": self._run,
            "CloseSession": self._close,
            "ListDevices": self._list_devices,
            "Reset": self._reset,
        }

    def close(self) -> None:
        """Ends all sessions."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), OrderedDict()
        for each in sessions:
            each.session.close()

    def _create(self, header: Any, tensors: Any, call: Any) -> Any:
        made = _ClientSession(self._master, _options(header["options"]))
        made.extend(tensors[0], replace=True)
        with self._lock:
            self._sessions[made.session.name] = made
            oldest = None
            if len(self._sessions) > _MOST_SESSIONS:
                _, oldest = self._sessions.popitem(last=False)
        if oldest is not None:
            oldest.session.close()
        return {"session": made.session.name}, []

    def _extend(self, header: Any, tensors: Any, call: Any) -> Any:
        self._find(header).extend(tensors[0], bool(header["replace"]))
        return {}, []

    def _run(self, header: Any, tensors: Any, call: Any) -> Any:
        found = self._find(header)
        timeout = header["timeout"]
        trace: Trace | None = [] if header.get("trace") else None
        with found.session.runs.one(None if timeout is None else float(timeout)) as run:
            call.on_cancel(lambda: run.call_off("Nobody waits for this step any more"))
            values = found.run(header["fetches"], header["feeds"], with_dead({}, tensors), trace)
        empty = [number for number, value in enumerate(values) if value is None]
        arrays = [np.asarray(v) for v in values if v is not None]
        return {"operations": empty}, arrays + as_arrays(trace)

    def _close(self, header: Any, tensors: Any, call: Any) -> Any:
        with self._lock:
            found = self._sessions.pop(str(header["session"]), None)
        if found is not None:
            found.session.close()
        return {}, []

    def _list_devices(self, header: Any, tensors: Any, call: Any) -> Any:
        return {"devices": self._master.devices(_options(header["options"]))}, []

    def _reset(self, header: Any, tensors: Any, call: Any) -> Any:
        containers = header["containers"]
        self.close()
        self._master.reset(None if containers is None else [str(each) for each in containers])
        return {}, []

    def _find(self, header: Any) -> _ClientSession:
        with self._lock:
            found = self._sessions.get(header["session"])
            if found is not None:
                self._sessions.move_to_end(header["session"])
                return found
        raise errors.AbortedError(
            None,
            None,
            f"Session {header['session']} is not found: it was closed, or the server was started "
            "anew. Make a new session.",
        )


def _options(values: dict[str, Any]) -> Options:
    return Options(
        soft=bool(values["soft"]),
        cpus=int(values["cpus"]),
        filters=tuple(map(str, values["filters"])),
        threads=int(values["threads"]),
        passes=tuple(map(str, values["passes"])),
    )
