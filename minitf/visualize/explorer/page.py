"""With this module recorded runs become one HTML file, which needs nothing else, and no network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any

from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.visualize import grouping
from minitf.visualize.explorer.recording import Moment, Recording
from minitf.visualize.explorer.sources import Files, type_of

# Pictures take most of the room: when they have taken so much, the rest goes without.
_MOST_PICTURE_BYTES = 3_000_000

# What is told apart by its shape.
_KINDS = {
    **dict.fromkeys(grouping.VARIABLES, "variable"),
    **dict.fromkeys(grouping.PLACEHOLDERS, "given"),
    "Const": "constant",
}

_SCRIPTS = ("layout.js", "graph.js", "details.js", "page.js")

# The node that `tf.gradients` made for `conv1/Conv2D` stands in `conv1/Conv2D_grad`.
_GRADIENT_OF = re.compile(r"^(?P<forward>.+?)_grad(_\d+)?(/|$)")


def replay_page(recordings: Iterable[Recording], title: str) -> str:
    """The page that replays some runs.

    Args:
      recordings: the runs; the page shows one at a time.
      title: the page's title, such as the script's name.
    """
    data = json.dumps(_Data(list(recordings), title).content, separators=(",", ":"))
    parts = {
        "title": html.escape(title),
        "style": _file("page.css"),
        "dagre": _third_party("dagre/dagre.min.js"),
        "script": "\n".join(_file(name) for name in _SCRIPTS),
        "data": data.replace("<", "\\u003c"),  # which no page takes for a tag
    }
    pieces = re.split(r"\{\{(\w+)\}\}", _file("page.html"))
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _third_party(name: str) -> str:
    text = (resources.files("minitf.visualize") / "third_party" / name).read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=.*", "", text)


class _Data:
    """What the page's script reads.

    Attributes:
      content: plain data. Nodes, op types, files and pictures are listed once and then told by
        their numbers, as runs share most of them.
    """

    def __init__(self, recordings: list[Recording], title: str) -> None:
        self._types: dict[str, dict[str, Any]] = {}
        self._files = Files()
        self._pictures: dict[str, int] = {}
        self._picture_bytes = 0
        graphs: list[Graph] = []
        for recording in recordings:
            if recording.graph not in graphs:
                graphs.append(recording.graph)
        self._numbers: list[dict[Operation, int]] = []
        graph_data = [self._graph([r for r in recordings if r.graph is graph]) for graph in graphs]
        runs = [self._run(r, graphs.index(r.graph)) for r in recordings]
        self.content = {
            "title": title,
            "graphs": graph_data,
            "runs": runs,
            "types": self._types,
            "files": self._files.listed,
            "pictures": list(self._pictures),
        }

    # ---- a graph

    def _graph(self, recordings: list[Recording]) -> dict[str, Any]:
        ops = dict.fromkeys(op for r in recordings for op in r.operations)
        ordered = sorted(ops, key=lambda op: op._id)
        numbers = {op: number for number, op in enumerate(ordered)}
        self._numbers.append(numbers)
        # What a node is for may show in nodes that did not run.
        every = recordings[0].graph.get_operations()
        part_of = grouping.parts(every)
        places = grouping.places(every, part_of)
        forward = _forward_ops(ordered, part_of)
        return {
            "nodes": [
                self._node(op, numbers, part_of[op], places[op], forward.get(op)) for op in ordered
            ]
        }

    def _node(
        self,
        op: Operation,
        numbers: dict[Operation, int],
        part: str,
        place: grouping.Place,
        forward: Operation | None,
    ) -> dict[str, Any]:
        if op.type not in self._types:
            self._types[op.type] = type_of(op.op_def)
        node: dict[str, Any] = {
            "name": op.name,
            "type": op.type,
            "part": part,
            "path": [*([place.frame] if place.frame else []), *place.scopes],
            "inputs": [
                [numbers[tensor.op], tensor.value_index]
                for tensor in op.inputs
                if tensor.op in numbers
            ],
            "waits": [numbers[other] for other in op.control_inputs if other in numbers],
            "outputs": [[t.dtype.name, str(t.shape)] for t in op.outputs],
            "frames": self._files.frames(op),
        }
        if op.device:
            node["device"] = op.device
        if forward is not None:
            node["forward"] = numbers[forward]
        if op.type in _KINDS:
            node["kind"] = _KINDS[op.type]
        return node

    # ---- a run

    def _run(self, recording: Recording, graph: int) -> dict[str, Any]:
        numbers = self._numbers[graph]
        run: dict[str, Any] = {
            "title": recording.title,
            "graph": graph,
            "fetches": recording.fetches,
            "nodes": [numbers[op] for op in recording.operations],
            "moments": [self._moment(moment, numbers) for moment in recording.moments],
        }
        if recording.error:
            run["error"] = recording.error
            if recording.failed is not None and recording.failed in numbers:
                run["failed"] = numbers[recording.failed]
        return run

    def _moment(self, moment: Moment, numbers: dict[Operation, int]) -> list[Any]:
        values = [self._value(value) for value in moment.values]
        start, duration = round(moment.start, 1), round(moment.duration, 1)
        return [numbers[moment.op], start, duration, int(moment.is_dead), values]

    def _value(self, value: dict[str, Any]) -> dict[str, Any]:
        """A value with the number of its picture, which another may have as well."""
        if "picture" not in value:
            return value
        picture = dict(value["picture"])
        png = picture.pop("png")
        if png not in self._pictures:
            if self._picture_bytes + len(png) > _MOST_PICTURE_BYTES:
                return {key: each for key, each in value.items() if key != "picture"}
            self._picture_bytes += len(png)
            self._pictures[png] = len(self._pictures)
        return {**value, "picture": {**picture, "png": self._pictures[png]}}


def _forward_ops(ops: list[Operation], part_of: dict[Operation, str]) -> dict[Operation, Operation]:
    """For nodes that `tf.gradients` added, the node whose gradient they belong to."""
    by_name = {op.name: op for op in ops}
    found: dict[Operation, Operation] = {}
    for op in ops:
        if part_of[op] != grouping.GRADIENT:
            continue
        inside = op.name[len(grouping.frame_of_gradient(op)) + 1 :]
        match = _GRADIENT_OF.match(inside)
        if match is not None and match["forward"] in by_name:
            found[op] = by_name[match["forward"]]
    return found
