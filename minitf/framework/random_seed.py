"""With this module one can fix the random numbers of a graph: `tf.set_random_seed(1)`.

A random op draws from two seeds: one of the graph, one of its own. An op that was given no seed
takes the next number of a counter of the graph, so that the values depend only on the order of
the seedless random ops, not on other nodes.
"""

from __future__ import annotations

from minitf.framework.default import get_default_graph

# What an op's own seed is paired with where the graph has none, and the modulus of both seeds.
DEFAULT_GRAPH_SEED = 87654321
_MODULUS = 2**31 - 1


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds of a random op (mirrors `tf.get_seed`).

    | graph seed | op seed | result |
    |---|---|---|
    | none | none | (None, None): a fresh seed in each session |
    | none | s | (87654321, s) |
    | g | none | (g, number of seedless random ops before this one) |
    | g | s | (g, s) |

    >>> import minitf as tf
    >>> tf.set_random_seed(7)
    >>> tf.get_seed(None), tf.get_seed(None), tf.get_seed(3)
    ((7, 0), (7, 1), (7, 3))
    """
    graph = get_default_graph()
    graph_seed = graph.seed
    if graph_seed is None and op_seed is None:
        return None, None
    if graph_seed is None:
        graph_seed = DEFAULT_GRAPH_SEED
    elif op_seed is None:
        op_seed = graph._next_op_seed()
    assert op_seed is not None
    seeds = graph_seed % _MODULUS, op_seed % _MODULUS
    # Both zero would ask the kernel for a seed of its own.
    return seeds if seeds != (0, 0) else (0, _MODULUS)


def set_random_seed(seed: int | None) -> None:
    """Sets the seed of the default graph (mirrors `tf.set_random_seed`).

    It counts for the random ops that are made after it.
    """
    get_default_graph().seed = seed
