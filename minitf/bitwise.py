"""Functions of the bits of integers under the names that `tf.bitwise` gives them."""

from minitf.ops.math_ops import bitwise_and as bitwise_and
from minitf.ops.math_ops import bitwise_or as bitwise_or
from minitf.ops.math_ops import bitwise_xor as bitwise_xor
from minitf.ops.math_ops import invert as invert
