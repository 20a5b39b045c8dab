"""With this module one can see a graph: `minitf.visualize.draw(graph)`.

>>> import minitf as tf
>>> from minitf import visualize
>>> x = tf.placeholder(tf.float32, [None, 784], name="x")
>>> with tf.name_scope("layer"):
...     y = tf.nn.relu(tf.matmul(x, tf.Variable(tf.zeros([784, 10]), name="W")))
>>> drawing = visualize.draw(y)
>>> drawing
<minitf drawing: 2 boxes, 1 link>
>>> [line.strip() for line in drawing.source.splitlines() if "->" in line][0][:15]
'x -> "layer/" ['
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from typing import Any

from minitf.framework import default, errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime.prune import prune
from minitf.runtime.session import BaseSession
from minitf.visualize import collapse, dot

FORMATS = ("svg", "png", "pdf", "dot")
_DIRECTIONS = ("up", "down", "right", "left")


class Drawing:
    """A graph as a picture, which a notebook shows by itself.

    Attributes:
      source: the picture in DOT, the language of Graphviz.
      view: the boxes and links that are drawn.
    """

    def __init__(self, source: str, view: collapse.View) -> None:
        self.source = source
        self.view = view

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the picture to a file; its ending says how: .svg, .png, .pdf or .dot.

        Where Graphviz is not installed, a .dot file can be written all the same.

        Returns:
          The path.

        Raises:
          ValueError: if the ending is another one.
          tf.errors.NotFoundError: if the program `dot` is not there.
        """
        path = os.fspath(path)
        kind = os.path.splitext(path)[1][1:].lower()
        if kind not in FORMATS:
            raise ValueError(
                errors.report(
                    f"A drawing cannot be written to {path!r}: its ending says no known format.",
                    do="end the name in .svg, .png, .pdf or .dot.",
                )
            )
        data = self.source.encode() if kind == "dot" else self.render(kind)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def render(self, format: str = "svg") -> bytes:
        """The picture as bytes: "svg", "png" or "pdf".

        Raises:
          tf.errors.NotFoundError: if the program `dot` is not there.
        """
        if shutil.which("dot") is None:
            raise errors.NotFoundError(
                None,
                None,
                errors.report(
                    "A drawing needs the program 'dot' of Graphviz, which is not installed.",
                    do="install it (on Debian and Ubuntu: apt install graphviz), or write the "
                    "drawing as text, save('graph.dot'), which any viewer of DOT shows.",
                ),
            )
        import graphviz

        data: bytes = graphviz.Source(self.source).pipe(format=format, quiet=True)
        return data

    def _repr_svg_(self) -> str | None:
        return self.render("svg").decode() if shutil.which("dot") else None

    def __repr__(self) -> str:
        boxes, links = len(self.view.boxes), len(self.view.links)
        return (
            f"<minitf drawing: {boxes} box{'' if boxes == 1 else 'es'}, "
            f"{links} link{'' if links == 1 else 's'}>"
        )


def draw(
    what: Any = None,
    depth: int | None = 1,
    *,
    expand: Collection[str] = (),
    collapse: Collection[str] = (),
    fetches: Any = None,
    feeds: Iterable[Any] = (),
    color_by: str = "part",
    initializers: bool = False,
    shapes: bool = True,
    direction: str = "up",
    title: str = "",
) -> Drawing:
    """Draws a graph, with its name scopes as boxes.

    Args:
      what: a graph, a session, a `GraphDef`; or a tensor, an operation or a list of these, for the
        part of the graph that they need. A dictionary of graphs is drawn as one, each in a frame,
        with links from the Send nodes to the Recv nodes. The default graph if None.
      depth: how many levels of name scopes are opened: 1 shows each outermost scope as one box, as
        a network of layers is drawn; None shows every node.
      expand: scopes to open one level further.
      collapse: scopes to show as one box, such as "gradients".
      fetches: what a run would be asked for: the nodes that it would run stand out.
      feeds: the tensors that would be fed in that run.
      color_by: "part" tells the model, its gradients and the optimizer apart; "device" the devices.
      initializers: whether to draw the nodes that only give variables their first values.
      shapes: whether links say the dtypes and shapes of their tensors.
      direction: where data flow to: "up", "down", "right" or "left".
      title: stands above the picture.

    Returns:
      A `Drawing`, which is saved as SVG, PNG, PDF or DOT.

    Raises:
      TypeError: if there is nothing to draw in `what`.
      ValueError: if an argument is out of its range.
    """
    _check(depth, color_by, direction)
    from minitf.visualize.collapse import Opening, join, view

    opening = Opening(depth, expand, collapse)
    if _are_pieces(what):
        ops = [op for graph in what.values() for op in graph.get_operations()]
        views = {k: view(g.get_operations(), opening, initializers) for k, g in what.items()}
        seen = join(views)
    else:
        ops = operations_of(what)
        seen = view(ops, opening, initializers)
    running = None
    if fetches is not None:
        running = _running(ops, fetches, feeds)
    painter = dot.Painter(color_by == "device", running)
    digraph = dot.write(seen, painter, title=title, direction=direction, shapes=shapes)
    return Drawing(digraph.source, seen)


def _are_pieces(what: Any) -> bool:
    return isinstance(what, dict) and all(isinstance(piece, Graph) for piece in what.values())


def _running(ops: list[Operation], fetches: Any, feeds: Iterable[Any]) -> set[Operation]:
    """The nodes that a run would run, and the fed ones."""
    graph = ops[0].graph if ops else default.get_default_graph()
    given = [graph.as_graph_element(feed) for feed in feeds]
    fed = {feed.outputs[0] if isinstance(feed, Operation) else feed for feed in given}
    needed = prune([graph.as_graph_element(fetch) for fetch in _flat(fetches)], fed)
    return {*needed, *(feed.op for feed in fed)}


def operations_of(what: Any) -> list[Operation]:
    """The nodes that are meant, in the order of their creation; see `draw`.

    Raises:
      TypeError: if it is nothing that has nodes.
    """
    if what is None:
        what = default.get_default_graph()
    if isinstance(what, Graph):
        return what.get_operations()
    if isinstance(what, BaseSession):
        return what.graph.get_operations()
    if type(what).__name__ == "GraphDef":
        from minitf.framework.importer import import_graph_def

        with Graph().as_default() as graph:
            import_graph_def(what, name="")
        return graph.get_operations()
    return prune(elements_of(what, default.get_default_graph()), set())


def elements_of(what: Any, graph: Graph) -> list[Tensor | Operation]:
    """The tensors and operations that are meant: themselves, variables, names, or lists of these.

    Raises:
      TypeError: if one is something else.
    """
    found = [_element(item, graph) for item in _flat(what)]
    if not found or None in found:
        raise TypeError(
            errors.report(
                f"{errors.brief(what)} cannot be drawn.",
                do="give tensors, operations, variables, or names of these; draw takes a graph, a "
                "session or a GraphDef as well.",
            )
        )
    return found


def _element(item: Any, graph: Graph) -> Any:
    """The tensor or operation that an object stands for, or None."""
    if isinstance(item, str):
        return graph.as_graph_element(item)
    element = item._as_graph_element() if hasattr(item, "_as_graph_element") else item
    return element if isinstance(element, Tensor | Operation) else None


def _flat(items: Any) -> list[Any]:
    if isinstance(items, list | tuple | set):
        return [one for item in items for one in _flat(item)]
    if isinstance(items, dict):
        return _flat(list(items.values()))
    return [items]


def _check(depth: Any, color_by: str, direction: str) -> None:
    if depth is not None and (not isinstance(depth, int) or depth < 1):
        raise errors.value_error(
            f"depth is a number of levels, 1 or more, or None for all; not {depth!r}."
        )
    if color_by not in ("part", "device"):
        raise errors.value_error(f"color_by is 'part' or 'device', not {color_by!r}.")
    if direction not in _DIRECTIONS:
        raise errors.value_error(
            f"direction is one of {', '.join(_DIRECTIONS)}; not {direction!r}."
        )
