"""With this module one can see where the random numbers of a graph come from.

>>> import minitf as tf
>>> tf.set_random_seed(7)
>>> weights = tf.random_normal([2], name="weights")
>>> noise = tf.random_uniform([2], seed=3, name="noise")
>>> with tf.Session() as sess:
...     print(sess.explain_seeds().partition("  made at")[0])
weights/RandomStandardNormal (type RandomStandardNormal): seeds (7, 0)
  the graph's seed is 7; the op has none of its own, or seed=0: it is counted as number 0
"""

from __future__ import annotations

from collections.abc import Iterable

from minitf.framework.operation import Operation
from minitf.framework.random_seed import DEFAULT_GRAPH_SEED


def explain_seeds(ops: Iterable[Operation]) -> str:
    """Says of each op that draws random numbers which seeds it has, and why.

    Args:
      ops: the operations to look at; those that draw nothing are left out.

    Returns:
      Three lines for each: the op, where its seeds come from, and the user's line that made it.
    """
    found = [op for op in ops if {"seed", "seed2"} <= op._op_def.attrs.keys()]
    lines = [_about(op, op._attrs["seed"], op._attrs["seed2"]) for op in found]
    return "\n".join(lines) if lines else "no operation draws random numbers"


def _about(op: Operation, seed: int, seed2: int) -> str:
    return (
        f"{op.name} (type {op.type}): seeds ({seed}, {seed2})\n"
        f"  {_reason(op, seed, seed2)}\n"
        f"  made at {op.traceback}"
    )


def _reason(op: Operation, seed: int, seed2: int) -> str:
    if (seed, seed2) == (0, 0):
        return (
            "neither the graph nor the op had a seed: other numbers in each session; "
            "tf.set_random_seed(s), before the op is made, or seed=s repeats them"
        )
    if seed == DEFAULT_GRAPH_SEED:
        return f"the graph had no seed; the op's own is {seed2}"
    counted = f"or seed={seed2}: it is counted as number {seed2}"
    if seed2 < op.graph._seedless_ops:
        return f"the graph's seed is {seed}; the op has none of its own, {counted}"
    return f"the graph's seed is {seed}; the op's own, or the count of nodes before it, is {seed2}"
