"""Functions of matrices under the names that `tf.linalg` gives them."""

from minitf.nn import l2_normalize as l2_normalize
from minitf.ops.array_ops import matrix_transpose as matrix_transpose
from minitf.ops.clip_ops import global_norm as global_norm
from minitf.ops.linalg_ops import eye as eye
from minitf.ops.math_ops import cholesky as cholesky
from minitf.ops.math_ops import cross as cross
from minitf.ops.math_ops import einsum as einsum
from minitf.ops.math_ops import matmul as matmul
from minitf.ops.math_ops import norm as norm
from minitf.ops.math_ops import qr as qr
from minitf.ops.math_ops import tensordot as tensordot
from minitf.ops.math_ops import trace as trace
