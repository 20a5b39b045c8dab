"""The ops of neural networks, by family."""

from minitf.ops.nn_ops.activation_ops import relu
