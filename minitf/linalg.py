"""Functions of matrices under the names that `tf.linalg` gives them."""

from minitf.nn import l2_normalize as l2_normalize
from minitf.ops import array_ops as _array_ops
from minitf.ops import linalg_ops as _linalg_ops
from minitf.ops import math_ops as _math_ops
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

band_part = _array_ops.matrix_band_part
det = _math_ops.matrix_determinant
diag = _linalg_ops.matrix_diag
diag_part = _linalg_ops.matrix_diag_part
inv = _math_ops.matrix_inverse
set_diag = _linalg_ops.matrix_set_diag
solve = _math_ops.matrix_solve
tensor_diag = _linalg_ops.diag
tensor_diag_part = _linalg_ops.diag_part
transpose = _array_ops.matrix_transpose
