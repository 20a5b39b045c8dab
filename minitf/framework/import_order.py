"""With this module one can say which nodes of a `GraphDef` feed which, and in what order to make
them: every node after its inputs, and otherwise as they stand in the file.

Names become numbers here, once for each input, so that a graph of a million nodes takes one pass.
"""

from __future__ import annotations

import heapq
import re
from array import array
from collections.abc import Container, Iterable, Sequence
from itertools import islice
from typing import Any

from minitf.framework import errors

# Parts of letters, digits and _ . - / with a letter, digit or dot first; ">" joins parts.
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./-]*(>[A-Za-z0-9.][A-Za-z0-9_./-]*)*")
_TENSOR = re.compile(r"(.*):([0-9]{1,9})", re.DOTALL)

# Stands for an input that `input_map` gives, in the place of a node's number ...
MAPPED = -1
# ... and for an input without a value, in the place of an output's index.
CONTROL = -1

_DAMAGED = "the GraphDef is damaged, or was not written by TensorFlow: write it anew."


class Wiring:
    """Where all inputs come from: those of node `n` are at `starts[n]` to `starts[n + 1]`.

    Attributes:
      sources: for each input, the number of the node in the file, or `MAPPED`.
      outputs: for each input, which output of that node, or `CONTROL`.
    """

    __slots__ = ("outputs", "sources", "starts")

    def __init__(self) -> None:
        self.starts = array("q", [0])
        self.sources = array("q")
        self.outputs = array("q")

    def sources_of(self, number: int) -> Sequence[int]:
        """The numbers of the nodes that a node waits for."""
        return self.sources[self.starts[number] : self.starts[number + 1]]


def split_tensor_name(text: str) -> tuple[str, int]:
    """The node and the output index that the text of an input names: "a" is output 0 of "a"."""
    match = _TENSOR.fullmatch(text)
    return (match[1], int(match[2])) if match else (text, 0)


def report_node(node: Any, what: str, do: str = "") -> str:
    """What is wrong with a node of a `GraphDef`, laid out as all errors are."""
    shown = errors.brief(node.name)
    return errors.report(
        f"Node {shown}: {what}",
        facts=f"node: {shown} of type {errors.brief(node.op)}",
        do=do or _DAMAGED,
        see="importing-a-graph",
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """The names most like a name, as a sentence; only some are looked at where there are many."""
    import difflib

    near = difflib.get_close_matches(name[:100], list(islice(names, 2000)), n=3)
    return f"The nearest names are {', '.join(map(errors.brief, near))}. " if near else ""


def index_names(nodes: Any) -> dict[str, int]:
    """The number of each node by name.

    Raises:
      ValueError: if a name is not valid or stands for two nodes.
    """
    index: dict[str, int] = {}
    for number, node in enumerate(nodes):
        name = node.name
        if not _NAME.fullmatch(name):
            do = "use letters, digits, and _ . - / with a letter, digit or dot first."
            raise ValueError(report_node(node, "Node name contains invalid characters.", do))
        if name in index:
            raise ValueError(report_node(node, "the name is not unique: another node has it too."))
        index[name] = number
    return index


def read_inputs(nodes: Any, index: dict[str, int], mapped: Container[str]) -> Wiring:
    """Finds out where the inputs of all nodes come from.

    Args:
      nodes: the nodes of the `GraphDef`.
      index: their numbers by name.
      mapped: the inputs that `input_map` replaces: "name:index" and "^name".

    Raises:
      ValueError: if an input is missing, or stands after a control input.
    """
    wiring = Wiring()
    sources, outputs = wiring.sources, wiring.outputs
    for node in nodes:
        in_controls = False
        for text in node.input:
            number = index.get(text)  # most inputs are just the name of a node
            output = 0
            if number is not None and not mapped and not in_controls:
                pass
            elif text.startswith("^"):
                in_controls, output = True, CONTROL
                number = MAPPED if text in mapped else index.get(text[1:])
            elif in_controls:
                raise ValueError(
                    report_node(node, "Control dependencies must come after regular dependencies.")
                )
            else:
                name, output = split_tensor_name(text)
                number = MAPPED if f"{name}:{output}" in mapped else index.get(name)
            if number is None:
                raise ValueError(_unknown_input(node, text, index))
            sources.append(number)
            outputs.append(output)
        wiring.starts.append(len(sources))
    return wiring


def _unknown_input(node: Any, text: str, index: dict[str, int]) -> str:
    near = nearest(split_tensor_name(text.lstrip("^"))[0], index)
    return report_node(
        node,
        f"Unknown input node {errors.brief(text)}",
        f"it is not in the GraphDef. {near}input_map can give a tensor in its place.",
    )


def creation_order(nodes: Any, wiring: Wiring) -> Sequence[int]:
    """The numbers of the nodes, each after its inputs; as in the file where that is possible.

    Raises:
      ValueError: if nodes wait for one another in a circle.
    """
    count = len(nodes)
    if all(max(wiring.sources_of(number), default=MAPPED) < number for number in range(count)):
        return range(count)
    followers: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for number in range(count):
        for source in wiring.sources_of(number):
            if source != MAPPED:
                followers[source].append(number)
                waiting[number] += 1
    ready = [number for number in range(count) if waiting[number] == 0]
    order = []
    while ready:
        number = heapq.heappop(ready)
        order.append(number)
        for follower in followers[number]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    if len(order) < count:
        raise ValueError(_cycle(nodes, wiring, waiting))
    return order


def _cycle(nodes: Any, wiring: Wiring, waiting: list[int]) -> str:
    """Tells of nodes that wait for one another, with one such circle named."""
    number = next(n for n, count in enumerate(waiting) if count)
    place: dict[int, int] = {}
    path: list[int] = []
    while number not in place:  # a node that still waits has an input that still waits
        place[number] = len(path)
        path.append(number)
        number = next(s for s in wiring.sources_of(number) if s != MAPPED and waiting[s])
    circle = path[place[number] :]
    names = [errors.brief(nodes[n].name) for n in circle[:6]]
    named = " <- ".join([*names, *(["..."] if len(circle) > 6 else []), names[0]])
    stuck = sum(1 for count in waiting if count)
    is_loop = any(nodes[n].op.endswith("NextIteration") for n in circle)
    return errors.report(
        f"{stuck} nodes in a cycle, or behind one: {named}",
        do="a loop of tf.while_loop cannot be imported yet."
        if is_loop
        else "a node cannot compute from its own result: write the GraphDef anew.",
        see="importing-a-graph",
    )
