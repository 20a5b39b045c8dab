"""With this module one can turn a part of a graph into a function, and run it many times.

A program is made once for a set of fetches and fed tensors. The graph is pruned to what the
fetches need (`block`), rewritten so that less is left to do (`passes`), and written down as Python
source, one kernel call per line (`emit`). A run then only calls that function (`step`).

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [None, 2], name="x")
>>> y = tf.nn.relu(tf.matmul(x, [[1.0], [-1.0]]), name="y")
>>> with tf.Session() as sess:
...     print(sess.explain(tf.identity(y), [x]))
# 4 nodes are needed
# simplify: without 1 Identity
def step(x):
    MatMul = matmul_kernel(x, MatMul_b)                   # float32(?, 1)
    y = relu_kernel(MatMul)                               # float32(?, 1)
    del MatMul
    return [y]

The first run with arrays of some shapes does that much. When arrays of those shapes come again, it
pays to look closer: the graph is built again for just these shapes (`specialize`), nearly all that
only finds out sizes can be computed ahead, elementwise operations are put together, and memory is
planned for what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

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
from minitf.kernels.parallel import thread_limit
from minitf.runtime import run_errors
from minitf.runtime.block import Block, Node
from minitf.runtime.fusion.fused import Fused
from minitf.runtime.memory import Arenas
from minitf.runtime.passes import PASSES, Change, rewrite
from minitf.runtime.specialize import Shape, UnfitError, specialized_block
from minitf.runtime.step import KernelError, Step
from minitf.runtime.uninitialized import initialized_by, uninitialized_error

Shapes = tuple[Shape, ...]

# A graph of so many nodes is built again for shapes that are fed a second time; a larger one takes
# longer for that, and is when they have been fed more often.
_NODES_PER_RUN = 2000

# For so many different shapes is a graph built again; more would fill the memory with programs.
_MOST_SHAPES = 32

# Of so many shapes it is noted how often they came.
_MOST_NOTED = 1000


class Program:
    """A function that computes some fetches from some feeds.

    Args:
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
      resources, node_state: what stateful kernels reach; see `KernelContext`.
      arenas: the memory that runs lease.
      threads: how many threads kernels may use; 0 for all cores.
      passes: the names of the rewrites to apply; all of them by default. Without any, no memory
        is planned either.
      dead: the operations that may be dead, for a piece of a graph; see `Block`.

    Attributes:
      changes: what each pass did.
      may_wait: whether a kernel may wait for another run; then it is to be run as one of `Runs`.
    """

    def __init__(
        self,
        fetches: list[Any],
        feeds: list[Tensor],
        resources: ResourceManager,
        node_state: ResourceManager,
        arenas: Arenas | None = None,
        threads: int = 0,
        passes: tuple[str, ...] = tuple(PASSES),
        dead: Collection[Operation] | None = None,
    ) -> None:
        self.fetches = fetches
        self.feeds = feeds
        self._known_dead = dead
        self._resources = resources
        self._node_state = node_state
        self._arenas = arenas or Arenas()
        self._threads = threads
        self._passes = passes
        block = Block(fetches, feeds, dead)
        self.ops = block.operations
        self.may_wait = any(op._op_def.may_wait for op in self.ops)
        self._versions = {op: op._version for op in self.ops}
        self._initializers = [
            op for op in fetches if isinstance(op, Operation) and initialized_by(op)
        ]
        run_errors.refuse_fed_references(self.ops, feeds)
        self._check_placeholders(block)
        self._may_be_dead = block.has_branches
        self._begin(block)

    def is_current(self) -> bool:
        """Whether no node of this program was changed since it was made."""
        return all(op._version == version for op, version in self._versions.items())

    def explain(self, shapes: Shapes | None = None) -> str:
        """What became of the graph: what each pass did, the source, and the loops made for it.

        Args:
          shapes: of the feeds; None for the program that takes any.
        """
        if shapes is not None and self._specializes:
            changes, step = self._specialized(shapes)
        else:
            changes, step = self.changes, self._any_shapes
        lines = [f"{len(self.ops)} nodes are needed"]
        lines += [f"{name}: {change}" for name, change in changes.items()]
        if step.plan is not None:
            lines.append(str(step.plan))
        kernels = [node.op_def.kernel_fn for node in step.source.node_of_line.values()]
        loops = dict.fromkeys(kernel.code for kernel in kernels if isinstance(kernel, Fused))
        program = "".join(f"# {line}\n" for line in lines) + step.source.text
        return "\n\n".join([program, *loops]).rstrip()

    def _check_placeholders(self, block: Block) -> None:
        for node in block.nodes:
            if node.op.type == "Placeholder" and not node.may_be_dead:
                raise run_errors.unfed_placeholder(node.op, self.fetches, self.ops)

    def _kernel_of(self, node: Node) -> Callable[..., Any]:
        ctx = None
        if node.op_def.kernel_takes_context:
            shapes = [tensor._shape for tensor in node.op._outputs]
            ctx = KernelContext(node.op._name, self._resources, self._node_state, shapes)
        try:
            return node.op_def.bind_kernel(node.attrs, ctx)
        except NotImplementedError as error:
            raise run_errors.op_error(node.op, error, []) from None

    def _begin(self, block: Block) -> None:
        """Makes the step for any shapes; those for some shapes are still to be made."""
        self._trusts_variables = not self._resources.reshaped
        block.trusts_shapes = block.trusts_shapes and self._trusts_variables
        self.changes = rewrite(block, self._passes)
        self._any_shapes = Step(block, self._kernel_of, None)
        self._for_shapes: dict[Shapes, Step] = {}
        self._runs: dict[Shapes, int] = {}
        self._specializes = bool(self._passes) and self._trusts_variables

    # ---- for some shapes

    def _step_for(self, shapes: Shapes) -> Step:
        """The step for feeds of these shapes: one made for them, if they come again and again."""
        steps = self._for_shapes  # which `_begin`, in another thread, replaces
        if not self._specializes or len(steps) >= _MOST_SHAPES:
            return self._any_shapes
        if not self._comes_often(shapes):
            return self._any_shapes
        _, step = self._specialized(shapes)
        steps[shapes] = step
        return step

    def _shapes_of(self, fed_values: list[Any]) -> Shapes:
        if not self._known_dead:
            return tuple([value.shape for value in fed_values])
        pairs = zip(self.feeds, fed_values, strict=True)
        return tuple([t._shape._dims if value is DEAD else value.shape for t, value in pairs])

    def _comes_often(self, shapes: Shapes) -> bool:
        """Whether a program made for these shapes pays; asked once for each run with them."""
        if len(self._runs) > _MOST_NOTED:
            self._runs.clear()
        runs = self._runs[shapes] = self._runs.get(shapes, 0) + 1
        return runs >= 2 + len(self.ops) // _NODES_PER_RUN

    def _specialized(self, shapes: Shapes) -> tuple[dict[str, Change], Step]:
        try:
            block, changes = specialized_block(
                self.fetches, self.feeds, shapes, self._passes, self._known_dead
            )
        except UnfitError:  # as the run will say, with the values
            return self.changes, self._any_shapes
        return changes, Step(block, self._kernel_of, self._arenas if block.trusts_shapes else None)

    # ---- running

    def run(self, fed_values: list[Any]) -> list[Any]:
        """Computes the fetches: an array for each tensor, None for each operation.

        Args:
          fed_values: an array for each tensor of `feeds`, in their order.
        """
        if self._trusts_variables and self._resources.reshaped:
            self._begin(Block(self.fetches, self.feeds, self._known_dead))
        shapes = self._shapes_of(fed_values)
        step = self._for_shapes.get(shapes) or self._step_for(shapes)
        try:
            if self._threads:
                with thread_limit(self._threads):
                    values = step.run(fed_values)
            else:
                values = step.run(fed_values)
        except KernelError as error:
            cause = error.cause
            # What a kernel says of a failure is in the message: only what made it say so is not.
            known = isinstance(cause, errors.OpError)
            raise self._error(error) from (cause.__cause__ if known else cause)
        if self._initializers:
            self._resources.note_initializers(self._initializers)
        if self._may_be_dead and any(value is DEAD for value in values):
            raise self._dead(next(i for i, value in enumerate(values) if value is DEAD))
        return values

    def _error(self, error: KernelError) -> BaseException:
        """What the user is told of a kernel that failed."""
        op = error.node.op
        if op.type == "Placeholder":
            return run_errors.unfed_placeholder(op, self.fetches, self.ops)
        if isinstance(error.cause, UninitializedVariableError):
            return self._uninitialized(error.cause.op or op, error.cause.variable)
        return run_errors.op_error(op, error.cause, error.values)

    def _uninitialized(self, op: Operation, variable: VariableResource) -> errors.OpError:
        return uninitialized_error(op, variable, self.fetches, self.ops, self._resources)

    def _dead(self, position: int) -> errors.OpError:
        tensor = self.fetches[position]
        return errors.InvalidArgumentError(
            None,
            tensor.op,
            errors.report(
                f"Retval[{position}] does not have value: {tensor.name} lies in a branch of "
                "tf.cond that was not taken.",
                op=tensor.op,
                do="fetch the result of tf.cond instead.",
                see="branches",
            ),
        )
