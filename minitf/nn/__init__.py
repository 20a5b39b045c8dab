"""With this package one can use `tf.nn`: what neural networks are made of.

It groups the names as TensorFlow does. The ops are in `minitf.ops`; the modules here compose them.
"""

from minitf.nn.activations import crelu as crelu
from minitf.nn.activations import log_softmax as log_softmax
from minitf.nn.activations import silu as silu
from minitf.nn.activations import softmax as softmax
from minitf.nn.activations import swish as swish
from minitf.nn.convolution import atrous_conv2d as atrous_conv2d
from minitf.nn.convolution import conv1d as conv1d
from minitf.nn.convolution import conv1d_transpose as conv1d_transpose
from minitf.nn.convolution import conv2d_transpose as conv2d_transpose
from minitf.nn.convolution import convolution as convolution
from minitf.nn.convolution import depthwise_conv2d as depthwise_conv2d
from minitf.nn.convolution import separable_conv2d as separable_conv2d
from minitf.nn.cross_entropy import log_poisson_loss as log_poisson_loss
from minitf.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy_with_logits,
)
from minitf.nn.cross_entropy import (
    softmax_cross_entropy_with_logits as softmax_cross_entropy_with_logits,
)
from minitf.nn.cross_entropy import (
    softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2,
)
from minitf.nn.cross_entropy import (
    sparse_softmax_cross_entropy_with_logits as sparse_softmax_cross_entropy_with_logits,
)
from minitf.nn.cross_entropy import (
    weighted_cross_entropy_with_logits as weighted_cross_entropy_with_logits,
)
from minitf.nn.dense import relu_layer as relu_layer
from minitf.nn.dense import xw_plus_b as xw_plus_b
from minitf.nn.dropping import dropout as dropout
from minitf.nn.embedding import embedding_lookup as embedding_lookup
from minitf.nn.embedding import embedding_lookup_sparse as embedding_lookup_sparse
from minitf.nn.normalization import (
    batch_norm_with_global_normalization as batch_norm_with_global_normalization,
)
from minitf.nn.normalization import batch_normalization as batch_normalization
from minitf.nn.normalization import l2_normalize as l2_normalize
from minitf.nn.normalization import zero_fraction as zero_fraction
from minitf.nn.pooling import avg_pool1d as avg_pool1d
from minitf.nn.pooling import avg_pool2d as avg_pool2d
from minitf.nn.pooling import avg_pool_v2 as avg_pool_v2
from minitf.nn.pooling import max_pool1d as max_pool1d
from minitf.nn.pooling import max_pool2d as max_pool2d
from minitf.nn.pooling import max_pool_v2 as max_pool_v2
from minitf.nn.pooling import pool as pool
from minitf.nn.sampling import nce_loss as nce_loss
from minitf.nn.sampling import sampled_softmax_loss as sampled_softmax_loss
from minitf.nn.statistics import moments as moments
from minitf.nn.statistics import normalize_moments as normalize_moments
from minitf.nn.statistics import sufficient_statistics as sufficient_statistics
from minitf.nn.statistics import weighted_moments as weighted_moments
from minitf.ops.array_ops import depth_to_space as depth_to_space
from minitf.ops.array_ops import space_to_batch as space_to_batch
from minitf.ops.array_ops import space_to_depth as space_to_depth
from minitf.ops.math_ops import sigmoid as sigmoid
from minitf.ops.math_ops import tanh as tanh
from minitf.ops.nn_ops import avg_pool as avg_pool
from minitf.ops.nn_ops import bias_add as bias_add
from minitf.ops.nn_ops import compute_accidental_hits as compute_accidental_hits
from minitf.ops.nn_ops import conv2d as conv2d
from minitf.ops.nn_ops import conv2d_backprop_filter as conv2d_backprop_filter
from minitf.ops.nn_ops import conv2d_backprop_input as conv2d_backprop_input
from minitf.ops.nn_ops import depthwise_conv2d_native as depthwise_conv2d_native
from minitf.ops.nn_ops import (
    depthwise_conv2d_native_backprop_filter as depthwise_conv2d_native_backprop_filter,
)
from minitf.ops.nn_ops import (
    depthwise_conv2d_native_backprop_input as depthwise_conv2d_native_backprop_input,
)
from minitf.ops.nn_ops import elu as elu
from minitf.ops.nn_ops import fused_batch_norm as fused_batch_norm
from minitf.ops.nn_ops import in_top_k as in_top_k
from minitf.ops.nn_ops import l2_loss as l2_loss
from minitf.ops.nn_ops import leaky_relu as leaky_relu
from minitf.ops.nn_ops import local_response_normalization as local_response_normalization
from minitf.ops.nn_ops import log_uniform_candidate_sampler as log_uniform_candidate_sampler
from minitf.ops.nn_ops import lrn as lrn
from minitf.ops.nn_ops import max_pool as max_pool
from minitf.ops.nn_ops import max_pool_with_argmax as max_pool_with_argmax
from minitf.ops.nn_ops import relu as relu
from minitf.ops.nn_ops import relu6 as relu6
from minitf.ops.nn_ops import selu as selu
from minitf.ops.nn_ops import softplus as softplus
from minitf.ops.nn_ops import softsign as softsign
from minitf.ops.nn_ops import top_k as top_k

# ---- TensorFlow's second names
depthwise_conv2d_backprop_filter = depthwise_conv2d_native_backprop_filter
depthwise_conv2d_backprop_input = depthwise_conv2d_native_backprop_input
