"""With this module one can turn a part of a graph into a function, and run it many times.

A program is made once for a set of fetches and fed tensors. The graph is pruned to what the
fetches need (`block`), rewritten so that less is left to do (`passes`), and written down as Python
source, one kernel call per line (`emit`). A run then only calls that function.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [None, 2], name="x")
>>> y = tf.nn.relu(tf.matmul(x, [[1.0], [-1.0]]), name="y")
>>> with tf.Session() as sess:
...     print(sess.explain(tf.identity(y), [x]))
# nodes needed: 4; fewer by simplify: 1
def step(x):
    MatMul = matmul_kernel(x, MatMul_b)                   # float32(?, 1)
    y = relu_kernel(MatMul)                               # float32(?, 1)
    del MatMul
    return (y,)
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import (
    DEAD,
    KernelContext,
    ResourceManager,
    UninitializedVariableError,
    VariableResource,
)
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime import run_errors
from minitf.runtime.block import Block, Node, Value
from minitf.runtime.emit import Source
from minitf.runtime.passes import PASSES, rewrite
from minitf.runtime.uninitialized import initialized_by, uninitialized_error

_numbers = itertools.count(1)


class Program:
    """A function that computes some fetches from some feeds.

    Args:
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
      resources, node_state: what stateful kernels reach; see `KernelContext`.
      passes: the names of the rewrites to apply; all of them by default.

    Attributes:
      removed: how many nodes each pass took away.
      source: the Python source that runs, as a `Source`.
    """

    def __init__(
        self,
        fetches: list[Any],
        feeds: list[Tensor],
        resources: ResourceManager,
        node_state: ResourceManager,
        passes: tuple[str, ...] = tuple(PASSES),
    ) -> None:
        self.fetches = fetches
        self.feeds = feeds
        self._resources = resources
        self._node_state = node_state
        block = Block(fetches, feeds)
        self.ops = block.operations
        self._versions = {op: op._version for op in self.ops}
        self._initializers = [
            op for op in fetches if isinstance(op, Operation) and initialized_by(op)
        ]
        if not block.has_control_flow:
            self._check_placeholders()
        self.removed = rewrite(block, passes)
        self.source = Source(block, self._kernel_of)
        self._filename = f"<minitf program {next(_numbers)}>"
        self._function = self.source.function(self._filename)
        self._owned = _owned(block)

    def is_current(self) -> bool:
        """Whether no node of this program was changed since it was made."""
        return all(op._version == version for op, version in self._versions.items())

    def explain(self) -> str:
        """What became of the graph: how many nodes each pass took away, and the source."""
        counts = [f"nodes needed: {len(self.ops)}"]
        counts += [f"fewer by {name}: {count}" for name, count in self.removed.items() if count]
        return f"# {'; '.join(counts)}\n{self.source.text}".rstrip()

    def _check_placeholders(self) -> None:
        for op in self.ops:
            if op.type == "Placeholder":
                raise run_errors.unfed_placeholder(op, self.fetches, self.ops)

    def _kernel_of(self, node: Node) -> Callable[..., Any]:
        ctx = None
        if node.op_def.kernel_takes_context:
            ctx = KernelContext(node.op._name, self._resources, self._node_state)
        try:
            return node.op_def.bind_kernel(node.attrs, ctx)
        except NotImplementedError as error:
            raise run_errors.op_error(node.op, error, []) from None

    # ---- running

    def run(self, fed_values: list[Any]) -> list[Any]:
        """Computes the fetches: an array for each tensor, None for each operation.

        Args:
          fed_values: an array for each tensor of `feeds`, in their order.
        """
        try:
            # Division by zero and the like give inf and nan quietly, as in TensorFlow.
            with np.errstate(all="ignore"):
                values = self._function(*fed_values)
        except Exception as error:
            raise self._error(error) from error
        if self._initializers:
            self._resources.note_initializers(self._initializers)
        return [
            value if owned else self._result(value, i)
            for i, (value, owned) in enumerate(zip(values, self._owned, strict=True))
        ]

    def _error(self, error: Exception) -> BaseException:
        """The error of the node whose line in the source failed."""
        frame = _frame_of(self._filename, error.__traceback__)
        if frame is None:
            return error
        # From now on a traceback can show the line.
        lines = self.source.text.splitlines(keepends=True)
        linecache.cache[self._filename] = len(self.source.text), None, lines, self._filename
        node = self.source.node_of_line[frame.tb_lineno]
        if node.op.type == "Placeholder":
            return run_errors.unfed_placeholder(node.op, self.fetches, self.ops)
        if isinstance(error, UninitializedVariableError):
            return self._uninitialized(error.op or node.op, error.variable)
        scope = {**frame.tb_frame.f_globals, **frame.tb_frame.f_locals}
        values = [scope[self.source.names[id(value)]] for value in node.inputs]
        return run_errors.op_error(node.op, error, values)

    def _uninitialized(self, op: Operation, variable: VariableResource) -> errors.OpError:
        return uninitialized_error(op, variable, self.fetches, self.ops, self._resources)

    def _result(self, value: Any, position: int) -> Any:
        """What the caller gets: an array of its own, a numpy scalar, or bytes."""
        if value is DEAD:
            tensor = self.fetches[position]
            raise errors.InvalidArgumentError(
                None,
                tensor.op,
                errors.report(
                    f"Retval[{position}] does not have value: {tensor.name} lies in a branch of "
                    "tf.cond that was not taken.",
                    op=tensor.op,
                    do="fetch the result of tf.cond instead.",
                ),
            )
        if isinstance(value, VariableResource):
            try:
                value = value.read()
            except UninitializedVariableError as error:
                raise self._uninitialized(self.fetches[position].op, error.variable) from None
        if type(value) is np.ndarray:
            return value.copy() if value.ndim else value[()]
        return value


def _frame_of(filename: str, trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    return trace


def _owned(block: Block) -> list[bool]:
    """For each fetch, whether the caller may have the array itself, as nobody else holds it.

    So it is with what a kernel made anew, unless a view of it was made, or it is fetched twice.
    """
    made: dict[int, Node] = {}
    viewed: set[int] = set()
    for node in block.nodes:
        made.update((id(value), node) for value in node.outputs)
        if node.op_def.aliases:
            viewed.update(id(value) for value in node.inputs)
    ids = [id(fetch) for fetch in block.fetches]

    def owned(fetch: Value | Node | None) -> bool:
        if not isinstance(fetch, Value):
            return True
        node = made.get(id(fetch))
        return (
            node is not None
            and fetch.constant is None
            and not (node.op_def.aliases or node.op_def.stateful or block.has_control_flow)
            and bool(fetch.shape.ndims)
            and id(fetch) not in viewed
            and ids.count(id(fetch)) == 1
        )

    return [owned(fetch) for fetch in block.fetches]
