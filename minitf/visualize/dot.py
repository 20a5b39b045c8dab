"""With this module one can write a view of a graph in DOT, the language of Graphviz."""

from __future__ import annotations

import html
import os
from collections.abc import Collection
from typing import Any

import numpy as np

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.visualize import collapse, grouping, style
from minitf.visualize.collapse import Box, Link, View
from minitf.visualize.style import Paint

# What says little about what a scope computes.
_PLUMBING = grouping.VARIABLES | {
    *("Const", "Identity", "NoOp", "Cast", "Fill", "ZerosLike", "BroadcastGradientArgs"),
    *("Shape", "ShapeN", "Rank", "Size", "Pack", "StridedSlice", "Slice", "ConcatV2"),
    *("ExpandDims", "Reshape", "FloorDiv", "Maximum", "Sum", "Mul", "Sub"),
}
_ASIDE = frozenset({"Const", "Identity", "NoOp"}) | grouping.VARIABLES
_FONT = "Helvetica,Arial,sans-serif"
_TYPES_SHOWN = 4
_VARIABLES_SHOWN = 4
_LARGEST_SHOWN_CONSTANT = 4


class Painter:
    """Chooses the colour of each box, and keeps account of them for the legend.

    Args:
      by_device: whether devices are told apart by colour, instead of parts of the graph.
      running: the nodes that are to stand out, or None where all do.
    """

    def __init__(self, by_device: bool, running: Collection[Operation] | None) -> None:
        self.by_device = by_device
        self.running = running
        self.legend: dict[str, Paint] = {}
        self._devices: dict[str, Paint] = {}

    def paint(self, box: Box) -> Paint:
        """The colours of a box."""
        if self.is_faded(box):
            return style.FADED
        if self.by_device:
            return self._by_device(box)
        if not box.is_scope and box.ops[0].type in grouping.PLACEHOLDERS:
            self.legend["fed"] = style.PLACEHOLDER
            return style.PLACEHOLDER
        if not box.is_scope and box.ops[0].type == "Const":
            return style.CONSTANT
        paint = style.PART[box.part]
        self.legend[style.PART_NAMES[box.part]] = paint
        return paint

    def paint_around(self, boxes: list[Box]) -> Paint:
        """The colours of the frame of a scope with these boxes in it."""
        parts = {box.part for box in boxes}
        if self.by_device:
            return style.NO_DEVICE
        return style.PART[grouping.FORWARD if grouping.FORWARD in parts else min(parts)]

    def is_faded(self, box: Box) -> bool:
        """Whether nothing in a box is among the nodes that stand out."""
        return self.running is not None and not any(op in self.running for op in box.ops)

    def _by_device(self, box: Box) -> Paint:
        devices = list(dict.fromkeys(op.device for op in box.ops))
        paints = [self._device(device) for device in devices]
        if len(paints) == 1:
            return paints[0]
        stripes = ":".join(paint.fill for paint in paints)
        return Paint(stripes, style.TEXT)

    def _device(self, device: str) -> Paint:
        if device not in self._devices:
            number = sum(1 for known in self._devices if known)
            self._devices[device] = (
                style.DEVICES[number % len(style.DEVICES)] if device else style.NO_DEVICE
            )
        self.legend[device or "no device asked for"] = self._devices[device]
        return self._devices[device]


def write(view: View, painter: Painter, *, title: str, direction: str, shapes: bool) -> Any:
    """The view as a `graphviz.Digraph`.

    Args:
      view: what to draw.
      painter: chooses the colours.
      title: stands above the drawing, if it is not empty.
      direction: the way in which data flow: "up", "down", "right" or "left".
      shapes: whether links say the dtype and shape of their tensors.
    """
    import graphviz

    digraph = graphviz.Digraph("minitf")
    rank = {"up": "BT", "down": "TB", "right": "LR", "left": "RL"}[direction]
    digraph.attr(
        rankdir=rank, bgcolor="white", newrank="true", nodesep="0.28", ranksep="0.42", pad="0.2"
    )
    digraph.attr("graph", fontname=_FONT, fontsize="11", fontcolor=style.FAINT_TEXT)
    digraph.attr("node", fontname=_FONT, fontsize="11", fontcolor=style.TEXT, margin="0.13,0.07")
    digraph.attr("edge", fontname=_FONT, fontsize="8", fontcolor=style.FAINT_TEXT)
    digraph.attr("edge", arrowsize="0.65", penwidth="1.1")
    _write_boxes(digraph, view, painter)
    anchored = {link.source.key: link for link in view.links if link.kind == collapse.SETTING}
    for link in view.links:
        is_anchor = anchored.get(link.source.key) is link
        _write_link(digraph, link, painter, shapes, is_anchor)
    digraph.attr(label=_legend(view, painter, title), labelloc="t", labeljust="l")
    return digraph


# ---- boxes


def _write_boxes(digraph: Any, view: View, painter: Painter) -> None:
    """Writes boxes inside the clusters of their scopes."""
    inside: dict[tuple[str, ...], list[Box]] = {(): []}
    for box in view.boxes.values():
        for depth in range(len(box.around) + 1):
            inside.setdefault(box.around[:depth], [])
        inside[box.around].append(box)
    graphs: dict[tuple[str, ...], Any] = {(): digraph}
    for around in inside:
        if around:
            inside_it = [box for box in view.boxes.values() if _within(box, around)]
            graphs[around] = _cluster(around, painter.paint_around(inside_it))
    for around, boxes in inside.items():
        for box in boxes:
            _write_box(graphs[around], box, painter)
    for around in sorted(graphs, key=len, reverse=True):  # innermost first: each is done then
        if around:
            graphs[around[:-1]].subgraph(graphs[around])


def _within(box: Box, around: tuple[str, ...]) -> bool:
    return box.around[: len(around)] == around


def _cluster(around: tuple[str, ...], paint: Paint) -> Any:
    import graphviz

    name = around[-1]
    cluster = graphviz.Digraph(f"cluster_{name}")
    cluster.attr(
        label=_html(_title_of(around), bold=True, color=paint.edge),
        style="rounded,filled",
        color=paint.edge + "90",
        fillcolor=paint.fill + "50",
        penwidth="0.8",
        margin="10",
        labeljust="l",
        tooltip=name,
    )
    return cluster


def _title_of(around: tuple[str, ...]) -> str:
    name = around[-1].rstrip("/")
    outer = around[-2] if len(around) > 1 else ""
    return name.removeprefix(outer)


def _write_box(digraph: Any, box: Box, painter: Painter) -> None:
    paint = painter.paint(box)
    text = style.FADED_TEXT if painter.is_faded(box) else style.TEXT
    attrs = {"label": _label(box, text), "tooltip": _tooltip(box), "fontcolor": text}
    attrs |= _shape(box)
    attrs["style"] = ",".join(filter(None, [attrs.get("style", ""), "filled"]))
    if ":" in paint.fill:
        attrs |= {"shape": "box", "style": "striped"}
    if painter.running is not None and not painter.is_faded(box):
        attrs["penwidth"] = "2"
    digraph.node(_quoted(box.key), fillcolor=paint.fill, color=paint.edge, **attrs)


def _shape(box: Box) -> dict[str, str]:
    op = box.ops[0]
    if box.is_scope and not _is_one_op(box):
        return {"shape": "box", "style": "rounded", "penwidth": "1.4"}
    if not box.is_scope and op.type in grouping.VARIABLES:
        return {"shape": "cylinder"}
    if not box.is_scope and op.type in grouping.PLACEHOLDERS:
        return {"shape": "cds", "margin": "0.18,0.06"}
    if not box.is_scope and op.type == "Const":
        return {"shape": "ellipse", "height": "0.25", "margin": "0.04,0.02"}
    if not box.is_scope and op.type == "NoOp":
        return {"shape": "ellipse", "style": "dashed"}
    return {"shape": "box", "style": "rounded"}


def _is_one_op(box: Box) -> bool:
    """Whether a scope is one node of the same name and the constants that it takes."""
    others = [op for op in box.ops if op.type != "Const"]
    return len(others) == 1 and others[0].name == box.key.rstrip("/")


def _label(box: Box, color: str) -> str:
    faint = style.FAINT_TEXT if color == style.TEXT else color
    if not box.is_scope and box.ops[0].type == "Const":
        return _html(_constant_label(box.ops[0]) or box.title, size=9, color=faint)
    lines = [_html(box.title, bold=True, color=color)]
    lines += [_html(line, size=9, color=faint) for line in _details(box)]
    return f"<{'<BR/>'.join(line[1:-1] for line in lines)}>"


def _details(box: Box) -> list[str]:
    """What stands below the title."""
    first = box.ops[0]
    if not box.is_scope or _is_one_op(box):
        op = first if not box.is_scope else next(op for op in box.ops if op.type != "Const")
        if op.type in grouping.VARIABLES | grouping.PLACEHOLDERS:
            return [type_of(op.outputs[0])]
        return [] if op.type == box.title else [op.type]
    variables = [op for op in box.ops if op.type in grouping.VARIABLES]
    types = list(dict.fromkeys(op.type for op in box.ops if op.type not in _PLUMBING))
    types = types or list(dict.fromkeys(op.type for op in box.ops if op.type not in _ASIDE))
    lines = [_listed(types, _TYPES_SHOWN)] if types else []
    if variables and not _are_slots(box):
        named = [f"{_last(v.name)} {_shape_of(v.outputs[0])}" for v in variables]
        lines.append(_listed(named, _VARIABLES_SHOWN))
    return lines or [_listed(sorted({op.type for op in box.ops}), _TYPES_SHOWN)]


def _are_slots(box: Box) -> bool:
    return box.part == grouping.UPDATE


def _listed(names: list[str], most: int) -> str:
    return " · ".join(names[:most]) + (f" · {len(names) - most} more" if len(names) > most else "")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _constant_label(op: Operation) -> str:
    """The value of a constant, with its name where somebody gave it one."""
    is_named = "/" not in op.name and not op.name.startswith("Const")
    value = constant_text(op)
    return f"{op.name} = {value}" if value and is_named else value


def constant_text(op: Operation) -> str:
    """The value of a small constant, or ""."""
    value = np.asarray(op.get_attr("value"))
    if value.size > _LARGEST_SHOWN_CONSTANT or value.dtype.kind not in "biuf":
        return ""
    if value.ndim or value.dtype.kind == "b":
        return str(value.tolist()).replace(" ", "")
    return f"{value:.6g}"


def _tooltip(box: Box) -> str:
    if box.is_scope:
        return f"{box.key} ({_count(len(box.ops))})"
    op = box.ops[0]
    return "\n".join([f"{op.name} ({op.type})", *map(describe, op.outputs), line_of(op)]).strip()


def line_of(op: Operation) -> str:
    """The user's line that made a node; of the file only the name, since drawings travel."""
    if not op.traceback:
        return ""
    file, line, _, text = op.traceback.frames[0]
    return f"{os.path.basename(file)}:{line}: {text}"


# ---- links


def _write_link(digraph: Any, link: Link, painter: Painter, shapes: bool, is_anchor: bool) -> None:
    attrs = dict(style.LINK[link.kind])
    if link.kind == collapse.SETTING and is_anchor:
        del attrs["constraint"]  # what all updates share stands near the last of them
    start, end = _quoted(link.source.key), _quoted(link.target.key)
    if painter.is_faded(link.source) or painter.is_faded(link.target):
        attrs |= {"color": style.FADED.edge}
    elif painter.running is not None and link.kind in (collapse.DATA, collapse.BACKWARD):
        attrs["penwidth"] = "1.8"
    names = "\n".join(describe(tensor) for tensor in link.tensors[:20])
    attrs["tooltip"] = f"{link.source.key} → {link.target.key}\n{names}".strip()
    if link.kind == collapse.DATA and not _is_parameter(link.source):
        attrs["weight"] = "6"  # keeps the way of the data straight
    if shapes and link.kind in (collapse.DATA, collapse.BACKWARD, collapse.SENT):
        attrs["label"] = _link_label(link)
        attrs["labeltooltip"] = attrs["tooltip"]
    if link.kind == collapse.CHANGES and _share_a_scope(link.source, link.target):
        del attrs["constraint"]  # a slot stands below its update
        attrs["dir"] = "back"
    if attrs.get("dir") == "back":
        start, end = end, start
    digraph.edge(start, end, **attrs)


def _share_a_scope(one: Box, other: Box) -> bool:
    return bool(one.around) and one.around[:1] == other.around[:1]


def _is_parameter(box: Box) -> bool:
    return not box.is_scope and box.ops[0].type in grouping.VARIABLES | {"Const"}


def _link_label(link: Link) -> str:
    texts = list(dict.fromkeys(type_of(tensor) for tensor in link.tensors))
    if len(link.tensors) == 1 or len(texts) == 1:
        many = f"{len(link.tensors)} {style.TIMES} " if len(link.tensors) > 1 else ""
        return f" {many}{texts[0]} "
    return f" {len(link.tensors)} tensors "


def describe(tensor: Tensor) -> str:
    """One tensor in a line: its name, dtype and shape."""
    return f"{tensor.name} {type_of(tensor)}"


def type_of(tensor: Tensor) -> str:
    """The dtype and shape of a tensor, as a person writes them."""
    return f"{tensor.dtype.base_dtype.name} {_shape_of(tensor)}"


def _shape_of(tensor: Tensor) -> str:
    if tensor.shape.ndims is None:
        return "of any shape"
    return (
        style.TIMES.join("?" if d is None else str(d) for d in tensor.shape.as_list()) or "scalar"
    )


# ---- legend and text


def _legend(view: View, painter: Painter, title: str) -> str:
    """A title, the meaning of the colours, and what is left out."""
    cells = "".join(
        f'<TD BGCOLOR="{paint.fill}" BORDER="1" COLOR="{paint.edge}">'
        f'<FONT POINT-SIZE="9">{html.escape(name)}</FONT></TD><TD> </TD>'
        for name, paint in painter.legend.items()
    )
    note = _count(view.total)
    if view.hidden:
        note += f", {view.hidden} of them, which give variables their first values, not drawn"
    head = (
        f'<TR><TD COLSPAN="30" ALIGN="LEFT"><B>{html.escape(title)}</B></TD></TR>' if title else ""
    )
    return (
        f'<<TABLE BORDER="0" CELLSPACING="2" CELLPADDING="3">{head}<TR>{cells}'
        f'<TD><FONT POINT-SIZE="9">{note}</FONT></TD></TR></TABLE>>'
    )


def _count(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"


def _html(text: str, *, bold: bool = False, size: int = 0, color: str = "") -> str:
    """Text as a label of Graphviz."""
    marked = html.escape(text) or " "
    marked = f"<B>{marked}</B>" if bold else marked
    font = (f' POINT-SIZE="{size}"' if size else "") + (f' COLOR="{color}"' if color else "")
    return f"<<FONT{font}>{marked}</FONT>>" if font else f"<{marked}>"


def _quoted(name: str) -> str:
    """A name as a node of Graphviz, where a backslash or a colon would mean something."""
    return name.replace("\\", "\\\\").replace(":", "\uff1a")
