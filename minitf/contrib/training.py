"""The names of `tf.contrib.training`: strategies that choose a parameter server for a variable."""

from minitf.train.device_setter import GreedyLoadBalancingStrategy as GreedyLoadBalancingStrategy
from minitf.train.device_setter import RandomStrategy as RandomStrategy
from minitf.train.device_setter import byte_size_load_fn as byte_size_load_fn
