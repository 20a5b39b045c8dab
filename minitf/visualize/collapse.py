"""With this module one can make a large graph small: scopes become single boxes.

A `View` of a graph has boxes and links between them. A box stands for one node, or for all nodes of
a scope that is not opened; a link for all tensors that go from one box to another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.visualize import grouping
from minitf.visualize.grouping import GRADIENT, INITIALIZE, UPDATE, VARIABLES

# How a link is drawn, and what it says.
DATA, BACKWARD, KEPT, CHANGES, CONTROL = "data", "backward", "kept", "changes", "control"
APPLIED, SETTING = "applied", "setting"  # into an update: a gradient, and anything else
SENT = "sent"  # from a Send to its Recv in another piece of a partitioned graph


@dataclass
class Box:
    """One thing to draw.

    Attributes:
      key: unique in the view: a node's name, or a scope's name with a "/" at its end.
      title: what is written on it.
      around: the keys of the scopes that it is drawn inside of, outermost first.
      is_scope: whether it stands for a scope.
      part: what it is for, one of the constants of `grouping`.
      ops: the nodes that it stands for, in the order of their creation.
    """

    key: str
    title: str
    around: tuple[str, ...]
    is_scope: bool
    part: str = grouping.FORWARD
    ops: list[Operation] = field(default_factory=list)


@dataclass
class Link:
    """What goes from one box to another: tensors, or for a control link an order."""

    source: Box
    target: Box
    kind: str
    tensors: list[Tensor] = field(default_factory=list)


@dataclass
class View:
    """A graph as it is to be drawn.

    Attributes:
      boxes: the boxes by key, in the order of creation of their first nodes.
      links: the links between them.
      total: how many nodes the graph has.
      hidden: how many of them, which only give variables their first values, are left out.
    """

    boxes: dict[str, Box]
    links: list[Link]
    total: int
    hidden: int


@dataclass(frozen=True)
class Opening:
    """Which scopes are opened.

    Attributes:
      depth: how many levels of scopes; None for all.
      expand: scopes to open although they are deeper.
      collapse: scopes to draw as one box although they are not.
    """

    depth: int | None = 1
    expand: Collection[str] = ()
    collapse: Collection[str] = ()

    def closed(self, frame: str, scopes: tuple[str, ...]) -> int | None:
        """How many of the scopes around a node are open, or None where all are.

        The frame counts as no level: it is open unless it is in `collapse`.
        """
        if frame and frame in self.collapse:
            return -1
        name = frame
        for level, scope in enumerate(scopes):
            name = f"{name}/{scope}" if name else scope
            if name in self.collapse:
                return level
            deep = self.depth is not None and level + 1 >= self.depth
            if deep and name not in self.expand:
                return level
        return None


def view(ops: Iterable[Operation], opening: Opening, initializers: bool = False) -> View:
    """The boxes and links for some nodes of one graph.

    Args:
      ops: the nodes, in the order of their creation.
      opening: which scopes are opened.
      initializers: whether to show what only gives variables their first values.
    """
    ops = list(ops)
    part_of = grouping.parts(ops)
    shown = [op for op in ops if initializers or part_of[op] != INITIALIZE]
    folded = _folded(shown, part_of) if opening.depth is not None else {}
    owner = _boxes([op for op in shown if op not in folded], part_of, opening)
    for op, host in folded.items():
        if host in owner:
            owner[op] = owner[host]
            owner[op].ops.append(op)
    boxes = {box.key: box for box in owner.values()}
    return View(boxes, _links(shown, owner, part_of), len(ops), len(ops) - len(shown))


def join(pieces: Mapping[str, View]) -> View:
    """Several graphs as one view: a frame around each, and links from each Send to its Recv.

    Args:
      pieces: the view of each graph, by what is to stand on its frame.
    """
    boxes: dict[str, Box] = {}
    links: list[Link] = []
    for name, piece in pieces.items():
        for box in piece.boxes.values():
            box.key = f"{name}/{box.key}"
            box.around = (f"{name}/", *(f"{name}/{scope}" for scope in box.around))
            boxes[box.key] = box
        links += piece.links
    senders = {
        _parcel(op): (box, op) for box in boxes.values() for op in box.ops if _is(op, "Send")
    }
    for box in boxes.values():
        for op in box.ops:
            if _is(op, "Recv") and _parcel(op) in senders:
                sender, send = senders[_parcel(op)]
                links.append(Link(sender, box, SENT, list(send.inputs)))
    total, hidden = (sum(getattr(v, n) for v in pieces.values()) for n in ("total", "hidden"))
    return View(boxes, links, total, hidden)


def _is(op: Operation, kind: str) -> bool:
    return op.type.removeprefix("_").removeprefix("Host") == kind


def _parcel(op: Operation) -> tuple[object, ...]:
    """What a Send and its Recv have in common."""
    return tuple(op.get_attr(name) for name in ("tensor_name", "send_device", "recv_device"))


def _folded(ops: list[Operation], part_of: dict[Operation, str]) -> dict[Operation, Operation]:
    """The nodes that are drawn as one with another: of that one only a reader of code asks more.

    They are the read of a variable; a constant that is an argument, such as `Reshape/shape`; and
    any constant of a gradient.
    """
    found: dict[Operation, Operation] = {}
    for op in ops:
        if op.type == "Identity" and op.inputs[0].op.type in VARIABLES:
            if op.name == f"{op.inputs[0].op.name}/read":
                found[op] = op.inputs[0].op
        elif op.type == "Const":
            users = set(op.outputs[0].consumers())
            if len(users) == 1 and not op.control_inputs:
                user = users.pop()
                if part_of[op] == GRADIENT or op.name.rpartition("/")[0] == user.name:
                    found[op] = user
    return found


def _boxes(
    ops: list[Operation], part_of: dict[Operation, str], opening: Opening
) -> dict[Operation, Box]:
    """The box of each node."""
    found: dict[str, Box] = {}
    owner: dict[Operation, Box] = {}
    for op, place in grouping.places(ops, part_of).items():
        if opening.depth is not None:
            place = grouping.with_state(op, place, part_of)
        names = [place.frame] if place.frame else []
        for scope in place.scopes:
            names.append(f"{names[-1]}/{scope}" if names else scope)
        open_scopes = opening.closed(place.frame, place.scopes)
        if open_scopes is None:
            key, around = op.name, names
        else:
            level = open_scopes + (1 if place.frame else 0)
            key, around = names[level] + "/", names[:level]
        if key not in found:
            title = key.rstrip("/").rpartition("/")[2] or key
            scopes = tuple(name + "/" for name in around)
            found[key] = Box(key, title, scopes, open_scopes is not None)
        owner[op] = found[key]
        found[key].ops.append(op)
    for box in found.values():
        box.part = _part_of_most(box.ops, part_of)
    return owner


def _part_of_most(ops: list[Operation], part_of: dict[Operation, str]) -> str:
    """The part that most of the nodes belong to; what gives first values counts least."""
    count: dict[str, int] = {}
    for op in ops:
        count[part_of[op]] = count.get(part_of[op], 0) + 1
    return max(count, key=lambda part: (part != INITIALIZE, count[part]))


def _links(
    ops: list[Operation], owner: dict[Operation, Box], part_of: dict[Operation, str]
) -> list[Link]:
    found: dict[tuple[str, str, str], Link] = {}

    def link(source: Operation, target: Operation, kind: str, tensor: Tensor | None) -> None:
        start, end = owner.get(source), owner.get(target)
        if start is None or end is None or start is end:
            return
        if kind == CHANGES:
            start, end = end, start
        one = found.setdefault((start.key, end.key, kind), Link(start, end, kind))
        if tensor is not None and tensor not in one.tensors:
            one.tensors.append(tensor)

    for op in ops:
        for tensor in op.inputs:
            link(tensor.op, op, _kind(tensor, op, part_of), tensor)
        for before in op.control_inputs:
            link(before, op, CONTROL, None)
    data = {(one.source.key, one.target.key) for one in found.values() if one.kind != CONTROL}
    data |= {(target, source) for source, target in data}  # an order that goes in a circle too
    return [
        one
        for one in found.values()
        if one.kind != CONTROL or (one.source.key, one.target.key) not in data
    ]


def _kind(tensor: Tensor, op: Operation, part_of: dict[Operation, str]) -> str:
    source, target = part_of.get(tensor.op), part_of.get(op)
    if tensor.dtype._is_ref_dtype and _writes(op, tensor):
        return CHANGES
    if target == GRADIENT:
        return BACKWARD if source == GRADIENT else KEPT
    if target == UPDATE and grouping.optimizer_scope(op):
        return APPLIED if source == GRADIENT else SETTING
    return DATA


def _writes(op: Operation, tensor: Tensor) -> bool:
    """Whether a node takes a reference in order to change what it refers to."""
    wants_ref = op.op_def.ref_inputs(len(op.inputs))
    return any(
        ref and given is tensor for given, ref in zip(op.inputs, wants_ref, strict=True)
    ) and not op.type.startswith(("IsVariable", "Ref"))
