"""With this module one can draw random numbers under their newer names: `tf.random.uniform`."""

from minitf.framework.random_seed import get_seed as get_seed
from minitf.framework.random_seed import seed_policy as seed_policy
from minitf.framework.random_seed import set_random_seed as set_random_seed
from minitf.framework.random_seed import set_seed_policy as set_seed_policy
from minitf.ops.random_ops import categorical as categorical
from minitf.ops.random_ops import multinomial as multinomial
from minitf.ops.random_ops import random_normal as normal
from minitf.ops.random_ops import random_shuffle as shuffle
from minitf.ops.random_ops import random_uniform as uniform
from minitf.ops.random_ops import truncated_normal as truncated_normal

__all__ = [
    "categorical",
    "get_seed",
    "multinomial",
    "normal",
    "seed_policy",
    "set_random_seed",
    "set_seed_policy",
    "shuffle",
    "truncated_normal",
    "uniform",
]
