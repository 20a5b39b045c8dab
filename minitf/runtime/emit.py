"""With this module a block becomes Python source: one line per node, and then a function.

    def step(x):
        w = variable_kernel()                     # float32_ref(2, 1)
        w_read = w.read()                         # float32(2, 1)
        del w
        MatMul = matmul_kernel(x, w_read)         # float32(?, 1)
        del w_read
        y = relu_kernel(MatMul)                   # float32(?, 1)
        del MatMul
        return [y]

Where memory is planned (`memory`), kernels are told where to put what they make:

    def step(arena, x):
        Conv2D = conv2d_kernel(x, w, out=arena[0])

The text is what runs, and what `session.explain` shows. Names are those of the graph as far as
Python allows; kernels come with their attributes filled in. A value is let go of after its last
use, so that its memory can be used again.

Below a `tf.cond` values may be dead, and then so is what is made of them, without being run:

        b = DEAD if a is DEAD else relu_kernel(a)
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework.kernel_context import DEAD
from minitf.runtime.block import Block, Node, Value, hashable
from minitf.runtime.memory import Plan

Bind = Callable[[Node], Callable[..., Any]]


class Source:
    """The source of a block's function, and what it needs to become one.

    Args:
      block: what to write down.
      bind: gives the kernel of a node, attributes and context filled in.
      plan: where arrays lie, if that is planned; the function's first argument is then the list
        of `plan.arrays`.

    Attributes:
      text: the source.
      node_of_line: the node that each line runs, by line number.
      names: the Python name of each value, by `id`.
    """

    def __init__(self, block: Block, bind: Bind, plan: Plan | None = None) -> None:
        self.node_of_line: dict[int, Node] = {}
        self.names: dict[int, str] = {}
        self._globals: dict[str, Any] = {"DEAD": DEAD, "own": _own}
        self._taken: set[str] = {"DEAD", "own", "step", "arena", "_", "__debug__", *keyword.kwlist}
        self._place = plan.number if plan is not None else {}
        self._kernels: dict[Any, str] = {}
        dead = [node for node in block.nodes if node.may_be_dead]
        self._may_be_dead = {id(item) for node in dead for item in (node, *node.outputs)}
        self._may_be_dead.update(map(id, block.dead_feeds))
        self._waited = {id(other) for node in block.nodes for other in node.waits}
        self._block = block
        self._maker = {id(value): node for node in block.nodes for value in node.outputs}
        self._last_use = self._last_uses()
        parameters = ["arena"] if plan is not None else []
        parameters += [self._name(value) for value in block.feeds]
        self._lines = [f"def step({', '.join(parameters)}):"]
        for node in block.nodes:
            self._write(node, bind)
        self._return()
        self.text = "\n".join(self._lines) + "\n"

    def function(self, filename: str) -> Callable[..., list[Any]]:
        """Compiles the source; errors in it carry `filename` and the line."""
        exec(compile(self.text, filename, "exec"), self._globals)
        function: Callable[..., list[Any]] = self._globals["step"]
        return function

    # ---- lines

    def _return(self) -> None:
        owned = _owned(self._block)
        results = []
        for fetch, is_owned in zip(self._block.fetches, owned, strict=True):
            name = self._read(fetch)
            if isinstance(fetch, Value) and fetch.is_ref:
                self._lines.append(f"    {name} = {self._dereferenced(fetch)}")
                self.node_of_line[len(self._lines)] = self._maker[id(fetch)]
            results.append(name if is_owned else f"own({name})")
        self._lines.append(f"    return [{', '.join(results)}]")

    def _write(self, node: Node, bind: Bind) -> None:
        arguments = self._arguments(node)
        call = f"{self._kernel(node, bind)}({', '.join(arguments)})"
        if node.op_def.passes_on:
            call = arguments[0]
        targets = [self._target(node, value) for value in node.outputs]
        if id(node) in self._waited and not any(value is not None for value in node.outputs):
            targets = [self._name(node)]  # which says whether it was run
        dead = self._dead_condition(node)
        if dead:
            nothing = "DEAD" if len(targets) < 2 else f"({', '.join(['DEAD'] * len(targets))})"
            call = f"{nothing} if {dead} else {call}"
        line = f"    {', '.join(targets)} = {call}" if targets else f"    {call}"
        types = " ".join(_type(value) for value in node.outputs if value is not None)
        self._lines.append(f"{line:<56}  # {types}".rstrip(" #") if types else line)
        self.node_of_line[len(self._lines)] = node
        self._let_go(node)

    def _target(self, node: Node, value: Value | None) -> str:
        if value is not None:
            return self._name(value)
        # Nobody reads it, but whether the node was run can be seen by it.
        return self._name(node) if id(node) in self._waited else "_"

    def _arguments(self, node: Node) -> list[str]:
        arguments = []
        for value, dereferenced in node.reads():
            arguments.append(self._dereferenced(value) if dereferenced else self._read(value))
        if any(id(value) in self._place for value in node.outputs):
            outs = ", ".join(self._out(value) for value in node.outputs)
            arguments.append(f"out={outs}" if len(node.outputs) == 1 else f"out=({outs})")
        return arguments

    def _out(self, value: Value | None) -> str:
        place = self._place.get(id(value))
        return "None" if place is None else f"arena[{place}]"

    def _dereferenced(self, value: Value) -> str:
        name = self._read(value)
        if id(value) in self._may_be_dead:
            return f"{name} if {name} is DEAD else {name}.read()"
        return f"{name}.read()"

    def _dead_condition(self, node: Node) -> str:
        """When this node is dead, as a Python expression; "" if it cannot be."""
        if not node.may_be_dead:
            return ""
        waits = [self._was_not_run(other) for other in node.waits if id(other) in self._may_be_dead]
        inputs = [f"{self._read(v)} is DEAD" for v in node.inputs if id(v) in self._may_be_dead]
        if node.op_def.is_merge:
            every = len(inputs) == len(node.inputs)
            inputs = [f"({' and '.join(inputs)})"] if every and inputs else []
        return " or ".join(waits + inputs)

    def _was_not_run(self, node: Node) -> str:
        """Whether a node was dead itself: then all its outputs are, also those of a Switch."""
        items = dict.fromkeys(value or node for value in node.outputs) or [node]
        return " and ".join(f"{self._name(item)} is DEAD" for item in items)

    def _let_go(self, node: Node) -> None:
        seen = {id(value): value for value in (*node.inputs, *node.outputs) if value is not None}
        for other in node.waits:
            seen.update((id(value), value) for value in other.outputs if value is not None)
        gone = [self._name(v) for key, v in seen.items() if self._last_use.get(key) is node]
        if gone:
            self._lines.append(f"    del {', '.join(gone)}")

    def _last_uses(self) -> dict[int, Node]:
        """For each value that need not be kept, the last node that reads it."""
        last: dict[int, Node] = {}
        for node in self._block.nodes:
            for output in node.outputs:
                if output is not None:
                    last[id(output)] = node
            for value in node.inputs:
                if id(value) in last:
                    last[id(value)] = node
            for other in node.waits if self._block.has_branches else ():
                last.update((id(value), node) for value in other.outputs if value is not None)
        for fetch in self._block.fetches:
            last.pop(id(fetch), None)
        return last

    # ---- names

    def _read(self, fetch: Value | Node | None) -> str:
        if not isinstance(fetch, Value):
            return "None"
        if fetch.constant is not None and id(fetch) not in self.names:
            self._globals[self._name(fetch)] = fetch.constant
        return self._name(fetch)

    def _name(self, item: Value | Node) -> str:
        name = self.names.get(id(item))
        if name is None:
            wanted = item.name if isinstance(item, Value) else item.op.name
            name = self.names[id(item)] = self._unused(wanted.removesuffix(":0"))
        return name

    def _kernel(self, node: Node, bind: Bind) -> str:
        function = bind(node)
        own = getattr(function, "func", function)  # of a partial, with attributes filled in
        attributes = hashable(getattr(function, "keywords", {}))
        key = own, attributes, node if node.op_def.kernel_takes_context else None
        name = self._kernels.get(key)
        if name is None:
            name = self._kernels[key] = self._unused(own.__name__.strip("_"))
            self._globals[name] = function
        return name

    def _unused(self, wanted: str) -> str:
        name = re.sub(r"\W", "_", wanted)
        name = base = f"_{name}" if name[:1].isdigit() else name
        number = 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def _type(value: Value) -> str:
    return f"{value.dtype.name}{value.shape}"


def _own(value: Any) -> Any:
    """What the caller gets of a value that others hold too."""
    if type(value) is np.ndarray:
        return value.copy() if value.ndim else value[()]
    return value


def _owned(block: Block) -> list[bool]:
    """For each fetch, whether the caller may have the array itself, as nobody else holds it.

    So it is with what a kernel made anew, unless a view of it was made, a stateful kernel may have
    kept it, or it is fetched twice.
    """
    made: dict[int, Node] = {}
    viewed: set[int] = set()
    for node in block.nodes:
        made.update((id(value), node) for value in node.outputs)
        may_keep = node.op_def.stateful and not node.op_def.takes_references
        if node.op_def.aliases or may_keep:
            viewed.update(id(value) for value in node.inputs)
    ids = [id(fetch) for fetch in block.fetches]

    def owned(fetch: Value | Node | None) -> bool:
        if not isinstance(fetch, Value):
            return True
        node = made.get(id(fetch))
        return (
            node is not None
            and fetch.constant is None
            and not (node.op_def.aliases or node.op_def.stateful or block.has_branches)
            and bool(fetch.shape.ndims)
            and id(fetch) not in viewed
            and ids.count(id(fetch)) == 1
        )

    return [owned(fetch) for fetch in block.fetches]
