"""With this module a block is rewritten before it runs, so that less is left to do.

A pass is a function from a block to the number of nodes that it took away; the block is changed in
place and checked after each. Passes read the traits of op declarations, never the names of ops,
and leave alone whatever could be seen: nodes with side effects, fetches, the order of reads and
writes of a variable, and what may be dead on a branch of `tf.cond`.

| pass | what it does |
|---|---|
| `fold` | computes ahead what depends on constants and static shapes alone |
| `simplify` | reads through nodes that only pass a value on, or multiply by one |
| `merge` | computes once what is asked for twice |
| `drop` | leaves out what nobody reads |
| `layers` | runs the ops of a network's layer as one kernel |
| `sweep` | does all updates of variables together |
| `fuse` | makes one loop of nodes that compute element by element, and of their sums |

`tf.ConfigProto` says which: `graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0`
switches all of them off, `graph_options.rewrite_options` (a `RewriterConfig`) some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from minitf.framework import errors
from minitf.runtime.block import Block, Node
from minitf.runtime.config import RewriterConfig
from minitf.runtime.passes.drop import drop
from minitf.runtime.passes.fold import fold
from minitf.runtime.passes.fuse import fuse
from minitf.runtime.passes.layers import layers
from minitf.runtime.passes.merge import merge
from minitf.runtime.passes.simplify import simplify
from minitf.runtime.passes.sweep import sweep

Pass = Callable[[Block], int]

# In the order in which they help one another.
PASSES: dict[str, Pass] = {
    "fold": fold,
    "simplify": simplify,
    "merge": merge,
    "drop": drop,
    "layers": layers,
    "sweep": sweep,
    "fuse": fuse,
}


class Change(NamedTuple):
    """What a pass did to a block: the nodes that went and those that came, by type."""

    gone: Counter[str]
    new: Counter[str]

    def __str__(self) -> str:
        without = ", ".join(f"{count} {name}" for name, count in self.gone.most_common())
        given = ", ".join(f"{count} {name}" for name, count in self.new.most_common())
        return f"without {without}" + (f"; with {given}" if given else "")


def rewrite(block: Block, names: tuple[str, ...]) -> dict[str, Change]:
    """Applies passes to a block; returns what each that found something to do did.

    Raises:
      AssertionError: if a pass leaves a block that cannot run, which is a mistake in the pass.
    """
    changes: dict[str, Change] = {}
    for name in names:
        before = {id(node): node for node in block.nodes}
        PASSES[name](block)
        block.check(after=name)
        after = {id(node): node for node in block.nodes}
        gone, new = _types(before, after), _types(after, before)
        if gone or new:
            changes[name] = Change(gone, new)
    return changes


def _types(nodes: dict[int, Node], others: dict[int, Node]) -> Counter[str]:
    """How many nodes of each type are among these and not among the others."""
    return Counter(node.op_def.name for key, node in nodes.items() if key not in others)


# The passes that a switch of `RewriterConfig` stands for.
_SWITCHES = {
    "arithmetic_optimization": ("simplify",),
    "constant_folding": ("fold",),
    "common_subgraph_elimination": ("merge",),
    "dependency_optimization": ("drop",),
    "remapping": ("layers", "sweep", "fuse"),
}


def chosen(config: Any) -> tuple[str, ...]:
    """The passes that a session's `ConfigProto` asks for; all of them by default.

    Raises:
      ValueError: if it names a pass that does not exist.
    """
    if config is None:
        return tuple(PASSES)
    options = config.graph_options
    rewriting = options.rewrite_options
    if options.optimizer_options.opt_level < 0 or rewriting.disable_meta_optimizer:
        return ()
    unknown = set(rewriting.optimizers) - set(PASSES)
    if unknown:
        raise errors.value_error(
            f"rewrite_options.optimizers names {sorted(unknown)}; the passes are {list(PASSES)}."
        )
    off = {
        name
        for switch, names in _SWITCHES.items()
        if getattr(rewriting, switch) == RewriterConfig.OFF
        for name in names
    }
    wanted = rewriting.optimizers or PASSES
    return tuple(name for name in PASSES if name in wanted and name not in off)
