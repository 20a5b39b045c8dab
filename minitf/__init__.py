"""The TensorFlow 1.x programming model, small enough to read: `import minitf as tf`.

Build a graph of operations, run parts of it in a session, differentiate it, train with it:

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [None, 2])
>>> w = tf.Variable([[1.0], [2.0]])
>>> y = tf.matmul(x, w)
>>> with tf.Session() as sess:
...     _ = sess.run(tf.global_variables_initializer())
...     print(sess.run(y, {x: [[3.0, 4.0]]}))
[[11.]]

The public names are grouped here as TensorFlow groups them; nothing is computed. Subpackages that a
script does not touch are not imported.
"""

from __future__ import annotations

import importlib
from typing import Any

# ---- framework
from minitf import _version
from minitf import distributed as _distributed  # lets sessions run on servers

# ---- gradients
from minitf.autodiff import custom as _custom
from minitf.autodiff.custom import RegisterGradient as RegisterGradient
from minitf.autodiff.gradients import AggregationMethod as AggregationMethod
from minitf.autodiff.gradients import UnconnectedGradients as UnconnectedGradients
from minitf.autodiff.gradients import gradients as gradients
from minitf.framework import dtypes as dtypes
from minitf.framework import errors as errors
from minitf.framework import static_value as _static_value
from minitf.framework.convert import convert_to_tensor as convert_to_tensor
from minitf.framework.convert import (
    register_tensor_conversion_function as register_tensor_conversion_function,
)
from minitf.framework.default import get_default_graph as get_default_graph
from minitf.framework.default import get_default_session as get_default_session
from minitf.framework.default import reset_default_graph as reset_default_graph
from minitf.framework.device import DeviceSpec as DeviceSpec
from minitf.framework.dtypes import DType as DType
from minitf.framework.dtypes import as_dtype as as_dtype
from minitf.framework.dtypes import bfloat16 as bfloat16
from minitf.framework.dtypes import complex64 as complex64
from minitf.framework.dtypes import complex128 as complex128
from minitf.framework.dtypes import float16 as float16
from minitf.framework.dtypes import float32 as float32
from minitf.framework.dtypes import float64 as float64
from minitf.framework.dtypes import int8 as int8
from minitf.framework.dtypes import int16 as int16
from minitf.framework.dtypes import int32 as int32
from minitf.framework.dtypes import int64 as int64
from minitf.framework.dtypes import resource as resource
from minitf.framework.dtypes import string as string
from minitf.framework.dtypes import uint8 as uint8
from minitf.framework.dtypes import uint16 as uint16
from minitf.framework.dtypes import uint32 as uint32
from minitf.framework.dtypes import uint64 as uint64
from minitf.framework.dtypes import variant as variant
from minitf.framework.graph import Graph as Graph
from minitf.framework.graph_collections import GraphKeys as GraphKeys
from minitf.framework.importer import import_graph_def as import_graph_def
from minitf.framework.operation import Operation as Operation
from minitf.framework.random_seed import get_seed as get_seed
from minitf.framework.random_seed import set_random_seed as set_random_seed
from minitf.framework.scopes import add_to_collection as add_to_collection
from minitf.framework.scopes import add_to_collections as add_to_collections
from minitf.framework.scopes import colocate_with as colocate_with
from minitf.framework.scopes import container as container
from minitf.framework.scopes import control_dependencies as control_dependencies
from minitf.framework.scopes import device as device
from minitf.framework.scopes import get_collection as get_collection
from minitf.framework.scopes import get_collection_ref as get_collection_ref
from minitf.framework.scopes import init_scope as init_scope
from minitf.framework.scopes import name_scope as name_scope
from minitf.framework.scopes import op_scope as op_scope
from minitf.framework.sparse_tensor import SparseTensor as SparseTensor
from minitf.framework.sparse_tensor import SparseTensorValue as SparseTensorValue
from minitf.framework.tensor import IndexedSlices as IndexedSlices
from minitf.framework.tensor import Tensor as Tensor
from minitf.framework.tensor_proto import make_ndarray as make_ndarray
from minitf.framework.tensor_proto import make_tensor_proto as make_tensor_proto
from minitf.framework.tensor_shape import Dimension as Dimension
from minitf.framework.tensor_shape import TensorShape as TensorShape
from minitf.framework.tensor_shape import dimension_at_index as dimension_at_index
from minitf.framework.tensor_shape import dimension_value as dimension_value
from minitf.ops import control_flow_ops as _control_flow_ops

# ---- constants
from minitf.ops import indexed_slices as _indexed_slices
from minitf.ops import training_ops as _training_ops  # declares what optimizers emit

# ---- array ops
from minitf.ops.array_ops import batch_to_space as batch_to_space
from minitf.ops.array_ops import batch_to_space_nd as batch_to_space_nd
from minitf.ops.array_ops import bitcast as bitcast
from minitf.ops.array_ops import boolean_mask as boolean_mask
from minitf.ops.array_ops import broadcast_dynamic_shape as broadcast_dynamic_shape
from minitf.ops.array_ops import broadcast_static_shape as broadcast_static_shape
from minitf.ops.array_ops import broadcast_to as broadcast_to
from minitf.ops.array_ops import concat as concat
from minitf.ops.array_ops import depth_to_space as depth_to_space
from minitf.ops.array_ops import ensure_shape as ensure_shape
from minitf.ops.array_ops import expand_dims as expand_dims
from minitf.ops.array_ops import extract_image_patches as extract_image_patches
from minitf.ops.array_ops import fill as fill
from minitf.ops.array_ops import gather as gather
from minitf.ops.array_ops import gather_nd as gather_nd
from minitf.ops.array_ops import identity as identity
from minitf.ops.array_ops import identity_n as identity_n
from minitf.ops.array_ops import invert_permutation as invert_permutation
from minitf.ops.array_ops import matrix_band_part as matrix_band_part
from minitf.ops.array_ops import matrix_transpose as matrix_transpose
from minitf.ops.array_ops import meshgrid as meshgrid
from minitf.ops.array_ops import newaxis as newaxis
from minitf.ops.array_ops import one_hot as one_hot
from minitf.ops.array_ops import ones as ones
from minitf.ops.array_ops import ones_like as ones_like
from minitf.ops.array_ops import pad as pad
from minitf.ops.array_ops import placeholder as placeholder
from minitf.ops.array_ops import placeholder_with_default as placeholder_with_default
from minitf.ops.array_ops import rank as rank
from minitf.ops.array_ops import reshape as reshape
from minitf.ops.array_ops import reverse as reverse
from minitf.ops.array_ops import reverse as reverse_v2
from minitf.ops.array_ops import reverse_sequence as reverse_sequence
from minitf.ops.array_ops import roll as roll
from minitf.ops.array_ops import scatter_nd as scatter_nd
from minitf.ops.array_ops import searchsorted as searchsorted
from minitf.ops.array_ops import sequence_mask as sequence_mask
from minitf.ops.array_ops import setdiff1d as setdiff1d
from minitf.ops.array_ops import shape as shape
from minitf.ops.array_ops import shape_n as shape_n
from minitf.ops.array_ops import size as size
from minitf.ops.array_ops import slice as slice
from minitf.ops.array_ops import space_to_batch as space_to_batch
from minitf.ops.array_ops import space_to_batch_nd as space_to_batch_nd
from minitf.ops.array_ops import space_to_depth as space_to_depth
from minitf.ops.array_ops import split as split
from minitf.ops.array_ops import squeeze as squeeze
from minitf.ops.array_ops import stack as stack
from minitf.ops.array_ops import stop_gradient as stop_gradient
from minitf.ops.array_ops import strided_slice as strided_slice
from minitf.ops.array_ops import tile as tile
from minitf.ops.array_ops import transpose as transpose
from minitf.ops.array_ops import unique as unique
from minitf.ops.array_ops import unique_with_counts as unique_with_counts
from minitf.ops.array_ops import unstack as unstack
from minitf.ops.array_ops import where as where
from minitf.ops.array_ops import where_v2 as where_v2
from minitf.ops.array_ops import zeros as zeros
from minitf.ops.array_ops import zeros_like as zeros_like

# ---- math ops
from minitf.ops.clip_ops import clip_by_average_norm as clip_by_average_norm
from minitf.ops.clip_ops import clip_by_global_norm as clip_by_global_norm
from minitf.ops.clip_ops import clip_by_norm as clip_by_norm
from minitf.ops.clip_ops import clip_by_value as clip_by_value
from minitf.ops.clip_ops import global_norm as global_norm

# ---- control flow
from minitf.ops.cond_ops import case as case
from minitf.ops.cond_ops import cond as cond
from minitf.ops.constant_op import constant as constant
from minitf.ops.control_flow_ops import group as group
from minitf.ops.control_flow_ops import no_op as no_op

# ---- nn ops
from minitf.nn.dilation import (
    required_space_to_batch_paddings as required_space_to_batch_paddings,
)
from minitf.ops.partition_ops import dynamic_partition as dynamic_partition
from minitf.ops.partition_ops import dynamic_stitch as dynamic_stitch
from minitf.ops.sparse_ops import sparse_placeholder as sparse_placeholder
from minitf.ops.sparse_ops import sparse_to_dense as sparse_to_dense

# ---- random ops, variables, initializers
from minitf.ops.init_ops import constant_initializer as constant_initializer
from minitf.ops.init_ops import glorot_normal_initializer as glorot_normal_initializer
from minitf.ops.init_ops import glorot_uniform_initializer as glorot_uniform_initializer
from minitf.ops.init_ops import ones_initializer as ones_initializer
from minitf.ops.init_ops import orthogonal_initializer as orthogonal_initializer
from minitf.ops.init_ops import random_normal_initializer as random_normal_initializer
from minitf.ops.init_ops import random_uniform_initializer as random_uniform_initializer
from minitf.ops.init_ops import truncated_normal_initializer as truncated_normal_initializer
from minitf.ops.init_ops import uniform_unit_scaling_initializer as uniform_unit_scaling_initializer
from minitf.ops.init_ops import variance_scaling_initializer as variance_scaling_initializer
from minitf.ops.init_ops import zeros_initializer as zeros_initializer
from minitf.ops.linalg_ops import diag as diag
from minitf.ops.linalg_ops import diag_part as diag_part
from minitf.ops.linalg_ops import eye as eye
from minitf.ops.linalg_ops import matrix_diag as matrix_diag
from minitf.ops.linalg_ops import matrix_diag_part as matrix_diag_part
from minitf.ops.linalg_ops import matrix_set_diag as matrix_set_diag
from minitf.ops.logging_ops import Assert as Assert
from minitf.ops.logging_ops import Print as Print
from minitf.ops.math_ops import abs as abs
from minitf.ops.math_ops import accumulate_n as accumulate_n
from minitf.ops.math_ops import acos as acos
from minitf.ops.math_ops import acosh as acosh
from minitf.ops.math_ops import add as add
from minitf.ops.math_ops import add_n as add_n
from minitf.ops.math_ops import angle as angle
from minitf.ops.math_ops import approximate_equal as approximate_equal
from minitf.ops.math_ops import arg_max as arg_max
from minitf.ops.math_ops import arg_min as arg_min
from minitf.ops.math_ops import argmax as argmax
from minitf.ops.math_ops import argmin as argmin
from minitf.ops.math_ops import asin as asin
from minitf.ops.math_ops import asinh as asinh
from minitf.ops.math_ops import atan as atan
from minitf.ops.math_ops import atan2 as atan2
from minitf.ops.math_ops import atanh as atanh
from minitf.ops.math_ops import bincount as bincount
from minitf.ops.math_ops import cast as cast
from minitf.ops.math_ops import ceil as ceil
from minitf.ops.math_ops import cholesky as cholesky
from minitf.ops.math_ops import complex as complex
from minitf.ops.math_ops import conj as conj
from minitf.ops.math_ops import cos as cos
from minitf.ops.math_ops import cosh as cosh
from minitf.ops.math_ops import count_nonzero as count_nonzero
from minitf.ops.math_ops import cross as cross
from minitf.ops.math_ops import cumprod as cumprod
from minitf.ops.math_ops import cumsum as cumsum
from minitf.ops.math_ops import digamma as digamma
from minitf.ops.math_ops import div as div
from minitf.ops.math_ops import div_no_nan as div_no_nan
from minitf.ops.math_ops import divide as divide
from minitf.ops.math_ops import einsum as einsum
from minitf.ops.math_ops import equal as equal
from minitf.ops.math_ops import erf as erf
from minitf.ops.math_ops import erfc as erfc
from minitf.ops.math_ops import exp as exp
from minitf.ops.math_ops import expm1 as expm1
from minitf.ops.math_ops import floor as floor
from minitf.ops.math_ops import floor_div as floor_div
from minitf.ops.math_ops import floordiv as floordiv
from minitf.ops.math_ops import floormod as floormod
from minitf.ops.math_ops import greater as greater
from minitf.ops.math_ops import greater_equal as greater_equal
from minitf.ops.math_ops import imag as imag
from minitf.ops.math_ops import is_finite as is_finite
from minitf.ops.math_ops import is_inf as is_inf
from minitf.ops.math_ops import is_nan as is_nan
from minitf.ops.math_ops import less as less
from minitf.ops.math_ops import less_equal as less_equal
from minitf.ops.math_ops import lgamma as lgamma
from minitf.ops.math_ops import lin_space as lin_space
from minitf.ops.math_ops import linspace as linspace
from minitf.ops.math_ops import log as log
from minitf.ops.math_ops import log1p as log1p
from minitf.ops.math_ops import log_sigmoid as log_sigmoid
from minitf.ops.math_ops import logical_and as logical_and
from minitf.ops.math_ops import logical_not as logical_not
from minitf.ops.math_ops import logical_or as logical_or
from minitf.ops.math_ops import logical_xor as logical_xor
from minitf.ops.math_ops import matmul as matmul
from minitf.ops.math_ops import matrix_determinant as matrix_determinant
from minitf.ops.math_ops import matrix_inverse as matrix_inverse
from minitf.ops.math_ops import matrix_solve as matrix_solve
from minitf.ops.math_ops import maximum as maximum
from minitf.ops.math_ops import minimum as minimum
from minitf.ops.math_ops import mod as mod
from minitf.ops.math_ops import multiply as multiply
from minitf.ops.math_ops import negative as negative
from minitf.ops.math_ops import norm as norm
from minitf.ops.math_ops import not_equal as not_equal
from minitf.ops.math_ops import polygamma as polygamma
from minitf.ops.math_ops import pow as pow
from minitf.ops.math_ops import qr as qr
from minitf.ops.math_ops import range as range
from minitf.ops.math_ops import real as real
from minitf.ops.math_ops import realdiv as realdiv
from minitf.ops.math_ops import reciprocal as reciprocal
from minitf.ops.math_ops import reduce_all as reduce_all
from minitf.ops.math_ops import reduce_any as reduce_any
from minitf.ops.math_ops import reduce_logsumexp as reduce_logsumexp
from minitf.ops.math_ops import reduce_max as reduce_max
from minitf.ops.math_ops import reduce_mean as reduce_mean
from minitf.ops.math_ops import reduce_min as reduce_min
from minitf.ops.math_ops import reduce_prod as reduce_prod
from minitf.ops.math_ops import reduce_sum as reduce_sum
from minitf.ops.math_ops import rint as rint
from minitf.ops.math_ops import round as round
from minitf.ops.math_ops import rsqrt as rsqrt
from minitf.ops.math_ops import saturate_cast as saturate_cast
from minitf.ops.math_ops import scalar_mul as scalar_mul
from minitf.ops.math_ops import segment_max as segment_max
from minitf.ops.math_ops import segment_mean as segment_mean
from minitf.ops.math_ops import segment_min as segment_min
from minitf.ops.math_ops import segment_prod as segment_prod
from minitf.ops.math_ops import segment_sum as segment_sum
from minitf.ops.math_ops import sigmoid as sigmoid
from minitf.ops.math_ops import sign as sign
from minitf.ops.math_ops import sin as sin
from minitf.ops.math_ops import sinh as sinh
from minitf.ops.math_ops import sqrt as sqrt
from minitf.ops.math_ops import square as square
from minitf.ops.math_ops import squared_difference as squared_difference
from minitf.ops.math_ops import subtract as subtract
from minitf.ops.math_ops import tan as tan
from minitf.ops.math_ops import tanh as tanh
from minitf.ops.math_ops import tensordot as tensordot
from minitf.ops.math_ops import to_complex64 as to_complex64
from minitf.ops.math_ops import to_complex128 as to_complex128
from minitf.ops.math_ops import to_double as to_double
from minitf.ops.math_ops import to_float as to_float
from minitf.ops.math_ops import to_int32 as to_int32
from minitf.ops.math_ops import to_int64 as to_int64
from minitf.ops.math_ops import trace as trace
from minitf.ops.math_ops import truediv as truediv
from minitf.ops.math_ops import truncatediv as truncatediv
from minitf.ops.math_ops import truncatemod as truncatemod
from minitf.ops.math_ops import unsorted_segment_max as unsorted_segment_max
from minitf.ops.math_ops import unsorted_segment_mean as unsorted_segment_mean
from minitf.ops.math_ops import unsorted_segment_min as unsorted_segment_min
from minitf.ops.math_ops import unsorted_segment_prod as unsorted_segment_prod
from minitf.ops.math_ops import unsorted_segment_sqrt_n as unsorted_segment_sqrt_n
from minitf.ops.math_ops import unsorted_segment_sum as unsorted_segment_sum
from minitf.ops.numerics import add_check_numerics_ops as add_check_numerics_ops
from minitf.ops.numerics import check_numerics as check_numerics
from minitf.ops.numerics import verify_tensor_all_finite as verify_tensor_all_finite
from minitf.ops.partitioned_variables import PartitionedVariable as PartitionedVariable
from minitf.ops.partitioned_variables import fixed_size_partitioner as fixed_size_partitioner
from minitf.ops.partitioned_variables import (
    min_max_variable_partitioner as min_max_variable_partitioner,
)
from minitf.ops.partitioned_variables import (
    variable_axis_size_partitioner as variable_axis_size_partitioner,
)
from minitf.ops.random_ops import multinomial as multinomial
from minitf.ops.random_ops import random_crop as random_crop
from minitf.ops.random_ops import random_normal as random_normal
from minitf.ops.random_ops import random_shuffle as random_shuffle
from minitf.ops.random_ops import random_uniform as random_uniform
from minitf.ops.random_ops import truncated_normal as truncated_normal
from minitf.ops.scatter_nd_ops import scatter_nd_add as scatter_nd_add
from minitf.ops.scatter_nd_ops import scatter_nd_sub as scatter_nd_sub
from minitf.ops.scatter_nd_ops import scatter_nd_update as scatter_nd_update
from minitf.ops.scatter_ops import scatter_add as scatter_add
from minitf.ops.scatter_ops import scatter_div as scatter_div
from minitf.ops.scatter_ops import scatter_max as scatter_max
from minitf.ops.scatter_ops import scatter_min as scatter_min
from minitf.ops.scatter_ops import scatter_mul as scatter_mul
from minitf.ops.scatter_ops import scatter_sub as scatter_sub
from minitf.ops.scatter_ops import scatter_update as scatter_update
from minitf.ops.script_ops import py_func as py_func
from minitf.ops.state_ops import assign as assign
from minitf.ops.state_ops import assign_add as assign_add
from minitf.ops.state_ops import assign_sub as assign_sub
from minitf.ops.state_ops import count_up_to as count_up_to
from minitf.ops.state_ops import is_variable_initialized as is_variable_initialized
from minitf.ops.string_ops import string_join as string_join
from minitf.ops.variable_lists import all_variables as all_variables
from minitf.ops.variable_lists import assert_variables_initialized as assert_variables_initialized
from minitf.ops.variable_lists import global_variables as global_variables
from minitf.ops.variable_lists import global_variables_initializer as global_variables_initializer
from minitf.ops.variable_lists import initialize_all_variables as initialize_all_variables
from minitf.ops.variable_lists import initialize_local_variables as initialize_local_variables
from minitf.ops.variable_lists import initialize_variables as initialize_variables
from minitf.ops.variable_lists import local_variables as local_variables
from minitf.ops.variable_lists import local_variables_initializer as local_variables_initializer
from minitf.ops.variable_lists import model_variables as model_variables
from minitf.ops.variable_lists import moving_average_variables as moving_average_variables
from minitf.ops.variable_lists import (
    report_uninitialized_variables as report_uninitialized_variables,
)
from minitf.ops.variable_lists import tables_initializer as tables_initializer
from minitf.ops.variable_lists import trainable_variables as trainable_variables
from minitf.ops.variable_lists import variables_initializer as variables_initializer
from minitf.ops.variable_scope import AUTO_REUSE as AUTO_REUSE
from minitf.ops.variable_scope import VariableScope as VariableScope
from minitf.ops.variable_scope import get_local_variable as get_local_variable
from minitf.ops.variable_scope import get_variable as get_variable
from minitf.ops.variable_scope import get_variable_scope as get_variable_scope
from minitf.ops.variable_scope import no_regularizer as no_regularizer
from minitf.ops.variable_scope import variable_op_scope as variable_op_scope
from minitf.ops.variable_scope import variable_scope as variable_scope
from minitf.ops.variables import Variable as Variable
from minitf.ops.variables import VariableAggregation as VariableAggregation
from minitf.ops.variables import VariableSynchronization as VariableSynchronization

# ---- checks
from minitf.ops.check_ops import assert_equal as assert_equal
from minitf.ops.check_ops import assert_greater as assert_greater
from minitf.ops.check_ops import assert_greater_equal as assert_greater_equal
from minitf.ops.check_ops import assert_less as assert_less
from minitf.ops.check_ops import assert_less_equal as assert_less_equal
from minitf.ops.check_ops import assert_negative as assert_negative
from minitf.ops.check_ops import assert_non_negative as assert_non_negative
from minitf.ops.check_ops import assert_non_positive as assert_non_positive
from minitf.ops.check_ops import assert_none_equal as assert_none_equal
from minitf.ops.check_ops import assert_positive as assert_positive
from minitf.ops.check_ops import assert_rank as assert_rank
from minitf.ops.check_ops import assert_rank_at_least as assert_rank_at_least
from minitf.ops.check_ops import assert_rank_in as assert_rank_in
from minitf.ops.check_ops import assert_type as assert_type
from minitf.ops.confusion_matrix import confusion_matrix as confusion_matrix
from minitf.ops import io_ops as _io_ops  # declares the ops that save and restore
from minitf.ops import sendrecv_ops as _sendrecv_ops  # declares what the partitioner emits
from minitf.ops import set_ops as _set_ops  # declares an op that weights are checked with
from minitf.ops import summary_ops as _summary_ops  # declares what summaries are made by

# ---- queues and accumulators
from minitf.ops.data_flow_ops import ConditionalAccumulator as ConditionalAccumulator
from minitf.ops.data_flow_ops import ConditionalAccumulatorBase as ConditionalAccumulatorBase
from minitf.ops.data_flow_ops import FIFOQueue as FIFOQueue
from minitf.ops.data_flow_ops import PaddingFIFOQueue as PaddingFIFOQueue
from minitf.ops.data_flow_ops import PriorityQueue as PriorityQueue
from minitf.ops.data_flow_ops import QueueBase as QueueBase
from minitf.ops.data_flow_ops import RandomShuffleQueue as RandomShuffleQueue
from minitf.ops.data_flow_ops import SparseConditionalAccumulator as SparseConditionalAccumulator

# ---- sessions
from minitf.runtime.config import ConfigProto as ConfigProto
from minitf.runtime.config import GPUOptions as GPUOptions
from minitf.runtime.config import GraphOptions as GraphOptions
from minitf.runtime.config import OptimizerOptions as OptimizerOptions
from minitf.runtime.config import RunOptions as RunOptions
from minitf.runtime.session import InteractiveSession as InteractiveSession
from minitf.runtime.session import Session as Session

# ---- names that differ from their definition's
VERSION = __version__ = _version.TENSORFLOW_VERSION
bool = dtypes.bool_
NotDifferentiable = NoGradient = _custom.no_gradient
tuple = _control_flow_ops.tuple_
get_static_value = _static_value.static_value

# Imported when a script first asks for them: `tf.train` loads `minitf.train`.
_SUBPACKAGES = frozenset(
    {
        "app",
        "bitwise",
        "compat",
        "debug",
        "contrib",
        "examples",
        "flags",
        "gfile",
        "graph_util",
        "initializers",
        "layers",
        "linalg",
        "logging",
        "losses",
        "manip",
        "math",
        "metrics",
        "nn",
        "profiler",
        "random",
        "saved_model",
        "summary",
        "test",
        "train",
        "visualize",
    }
)

# Messages, which are made when a script first asks for one: `tf.GraphDef`.
_MESSAGES = frozenset(
    {
        "AttrValue",
        "Event",
        "GraphDef",
        "HistogramProto",
        "LogMessage",
        "MetaGraphDef",
        "NameAttrList",
        "NodeDef",
        "RunMetadata",
        "SessionLog",
        "Summary",
        "SummaryMetadata",
        "TensorInfo",
    }
)


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"minitf.{name}")
    if name in _MESSAGES:
        return getattr(importlib.import_module("minitf.framework.protos"), name)
    from minitf._missing_names import missing_name

    raise missing_name(name, __dir__())


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBPACKAGES, *_MESSAGES])
