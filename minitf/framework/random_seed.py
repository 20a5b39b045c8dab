"""With this module one can fix the random numbers of a graph: `tf.set_random_seed(1)`.

A random op draws from two seeds: one of the graph, one of its own. An op that was given no seed
of its own, in a graph that has one, gets a number from the graph. Which one is a policy:

| policy | the seed of an op that was given none |
|---|---|
| "tf2", the default | how many such ops the graph has already: what `tf.compat.v1` of 2.21 does |
| "tf1" | how many nodes, of any kind, the graph has already: what TensorFlow 1.x did |

Under "tf2" other nodes do not matter: a summary that is added leaves the weights as they are.
Under "tf1" the numbers that were printed in the days of TensorFlow 1 come out, **as long as the
nodes that stand before the random op are those that 1.x made**. Mostly they are; but minitf makes
the nodes of TensorFlow 2.21, and where the two differ (`tf.nn.dropout`, for one) all seeds that
come later differ as well.

The policy is asked for when an op is made, and is not a property of the graph, since a script has
a default graph before its first line and may drop it for another at any time
(`tf.reset_default_graph`): what was asked for once holds for all of them. There are four ways to
ask: `tf.random.set_seed_policy("tf1")` for the process, `with tf.random.seed_policy("tf1"):` for a
block, `MINITF_SEEDS=tf1` in the environment, and `minitf run --seeds tf1 script.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from minitf.framework import environment, errors
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph

# What an op's own seed is paired with where the graph has none, and the modulus of both seeds.
DEFAULT_GRAPH_SEED = 87654321
_MODULUS = 2**31 - 1

POLICIES = ("tf2", "tf1")
ENVIRONMENT = "MINITF_SEEDS"

_of_process: str | None = None
_of_block: ContextVar[str | None] = ContextVar("minitf_seed_policy", default=None)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds of a random op (mirrors `tf.get_seed`).

    | graph seed | op seed | result |
    |---|---|---|
    | none | none | (None, None): a fresh seed in each session |
    | none | s | (87654321, s) |
    | g | none, policy "tf2" | (g, number of seedless random ops before this one) |
    | g | none, policy "tf1" | (g, number of nodes in the graph) |
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
        op_seed = _seed_of_seedless_op(graph)
    assert op_seed is not None
    seeds = graph_seed % _MODULUS, op_seed % _MODULUS
    # Both zero would ask the kernel for a seed of its own.
    return seeds if seeds != (0, 0) else (0, _MODULUS)


def _seed_of_seedless_op(graph: Graph) -> int:
    return graph._last_id if counts_nodes() else graph._next_op_seed()


def set_random_seed(seed: int | None) -> None:
    """Sets the seed of the default graph (mirrors `tf.set_random_seed`).

    It counts for the random ops that are made after it.
    """
    get_default_graph().seed = seed


def set_seed_policy(policy: str) -> None:
    """Chooses how ops without a seed get theirs, in this process from now on.

    Args:
      policy: "tf2" or "tf1"; see `minitf.framework.random_seed`.

    Raises:
      ValueError: if it is neither.
    """
    global _of_process
    _of_process = _checked(policy)


@contextmanager
def seed_policy(policy: str) -> Iterator[None]:
    """Chooses how ops without a seed get theirs inside a `with` block, in this thread.

    Args:
      policy: "tf2" or "tf1"; see `minitf.framework.random_seed`.

    Raises:
      ValueError: if it is neither.

    >>> import minitf as tf
    >>> tf.set_random_seed(7)
    >>> x, y = tf.constant(1.0), tf.constant(2.0)
    >>> with tf.random.seed_policy("tf1"):
    ...     tf.get_seed(None)
    (7, 2)
    >>> tf.get_seed(None)
    (7, 0)
    """
    token = _of_block.set(_checked(policy))
    try:
        yield
    finally:
        _of_block.reset(token)


def counts_nodes() -> bool:
    """Whether the policy is that of TensorFlow 1.x, under which every node counts.

    Raises:
      ValueError: if the environment asks for a policy that there is not.
    """
    policy = _of_block.get() or _of_process
    return (policy or environment.choice(ENVIRONMENT, POLICIES, POLICIES[0])) == "tf1"


def _checked(policy: str) -> str:
    if policy not in POLICIES:
        raise errors.value_error(f"policy must be 'tf2' or 'tf1', not {policy!r}.")
    return policy
