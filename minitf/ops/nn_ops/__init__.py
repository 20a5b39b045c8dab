"""The ops of neural networks, by family."""

from minitf.ops.nn_ops import layer_patterns as layer_patterns
from minitf.ops.nn_ops.activation_ops import ELU as ELU
from minitf.ops.nn_ops.activation_ops import ELU_GRAD as ELU_GRAD
from minitf.ops.nn_ops.activation_ops import LEAKY_RELU as LEAKY_RELU
from minitf.ops.nn_ops.activation_ops import LEAKY_RELU_GRAD as LEAKY_RELU_GRAD
from minitf.ops.nn_ops.activation_ops import RELU as RELU
from minitf.ops.nn_ops.activation_ops import RELU6 as RELU6
from minitf.ops.nn_ops.activation_ops import RELU6_GRAD as RELU6_GRAD
from minitf.ops.nn_ops.activation_ops import RELU_GRAD as RELU_GRAD
from minitf.ops.nn_ops.activation_ops import SELU as SELU
from minitf.ops.nn_ops.activation_ops import SELU_GRAD as SELU_GRAD
from minitf.ops.nn_ops.activation_ops import SOFTPLUS as SOFTPLUS
from minitf.ops.nn_ops.activation_ops import SOFTPLUS_GRAD as SOFTPLUS_GRAD
from minitf.ops.nn_ops.activation_ops import SOFTSIGN as SOFTSIGN
from minitf.ops.nn_ops.activation_ops import SOFTSIGN_GRAD as SOFTSIGN_GRAD
from minitf.ops.nn_ops.activation_ops import elu as elu
from minitf.ops.nn_ops.activation_ops import leaky_relu as leaky_relu
from minitf.ops.nn_ops.activation_ops import relu as relu
from minitf.ops.nn_ops.activation_ops import relu6 as relu6
from minitf.ops.nn_ops.activation_ops import selu as selu
from minitf.ops.nn_ops.activation_ops import softplus as softplus
from minitf.ops.nn_ops.activation_ops import softsign as softsign
from minitf.ops.nn_ops.argmax_pool_ops import (
    MAX_POOL_GRAD_GRAD_WITH_ARGMAX as MAX_POOL_GRAD_GRAD_WITH_ARGMAX,
)
from minitf.ops.nn_ops.argmax_pool_ops import MAX_POOL_GRAD_WITH_ARGMAX as MAX_POOL_GRAD_WITH_ARGMAX
from minitf.ops.nn_ops.argmax_pool_ops import MAX_POOL_WITH_ARGMAX as MAX_POOL_WITH_ARGMAX
from minitf.ops.nn_ops.argmax_pool_ops import max_pool_with_argmax as max_pool_with_argmax
from minitf.ops.nn_ops.batch_norm_ops import FUSED_BATCH_NORM_GRAD_V3 as FUSED_BATCH_NORM_GRAD_V3
from minitf.ops.nn_ops.batch_norm_ops import FUSED_BATCH_NORM_V3 as FUSED_BATCH_NORM_V3
from minitf.ops.nn_ops.batch_norm_ops import fused_batch_norm as fused_batch_norm
from minitf.ops.nn_ops.bias_ops import BIAS_ADD as BIAS_ADD
from minitf.ops.nn_ops.bias_ops import BIAS_ADD_GRAD as BIAS_ADD_GRAD
from minitf.ops.nn_ops.bias_ops import bias_add as bias_add
from minitf.ops.nn_ops.candidate_ops import COMPUTE_ACCIDENTAL_HITS as COMPUTE_ACCIDENTAL_HITS
from minitf.ops.nn_ops.candidate_ops import (
    LOG_UNIFORM_CANDIDATE_SAMPLER as LOG_UNIFORM_CANDIDATE_SAMPLER,
)
from minitf.ops.nn_ops.candidate_ops import compute_accidental_hits as compute_accidental_hits
from minitf.ops.nn_ops.candidate_ops import (
    log_uniform_candidate_sampler as log_uniform_candidate_sampler,
)
from minitf.ops.nn_ops.conv_ops import CONV_2D as CONV_2D
from minitf.ops.nn_ops.conv_ops import CONV_2D_BACKPROP_FILTER as CONV_2D_BACKPROP_FILTER
from minitf.ops.nn_ops.conv_ops import CONV_2D_BACKPROP_INPUT as CONV_2D_BACKPROP_INPUT
from minitf.ops.nn_ops.conv_ops import conv2d as conv2d
from minitf.ops.nn_ops.conv_ops import conv2d_backprop_filter as conv2d_backprop_filter
from minitf.ops.nn_ops.conv_ops import conv2d_backprop_input as conv2d_backprop_input
from minitf.ops.nn_ops.depthwise_ops import (
    DEPTHWISE_CONV_2D_BACKPROP_FILTER as DEPTHWISE_CONV_2D_BACKPROP_FILTER,
)
from minitf.ops.nn_ops.depthwise_ops import (
    DEPTHWISE_CONV_2D_BACKPROP_INPUT as DEPTHWISE_CONV_2D_BACKPROP_INPUT,
)
from minitf.ops.nn_ops.depthwise_ops import DEPTHWISE_CONV_2D_NATIVE as DEPTHWISE_CONV_2D_NATIVE
from minitf.ops.nn_ops.depthwise_ops import depthwise_conv2d_native as depthwise_conv2d_native
from minitf.ops.nn_ops.depthwise_ops import (
    depthwise_conv2d_native_backprop_filter as depthwise_conv2d_native_backprop_filter,
)
from minitf.ops.nn_ops.depthwise_ops import (
    depthwise_conv2d_native_backprop_input as depthwise_conv2d_native_backprop_input,
)
from minitf.ops.nn_ops.loss_ops import L2_LOSS as L2_LOSS
from minitf.ops.nn_ops.loss_ops import (
    SOFTMAX_CROSS_ENTROPY_WITH_LOGITS as SOFTMAX_CROSS_ENTROPY_WITH_LOGITS,
)
from minitf.ops.nn_ops.loss_ops import (
    SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS as SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS,
)
from minitf.ops.nn_ops.loss_ops import l2_loss as l2_loss
from minitf.ops.nn_ops.lrn_ops import LRN as LRN
from minitf.ops.nn_ops.lrn_ops import LRN_GRAD as LRN_GRAD
from minitf.ops.nn_ops.lrn_ops import local_response_normalization as local_response_normalization
from minitf.ops.nn_ops.lrn_ops import lrn as lrn
from minitf.ops.nn_ops.pool_ops import AVG_POOL as AVG_POOL
from minitf.ops.nn_ops.pool_ops import AVG_POOL_GRAD as AVG_POOL_GRAD
from minitf.ops.nn_ops.pool_ops import MAX_POOL as MAX_POOL
from minitf.ops.nn_ops.pool_ops import MAX_POOL_GRAD as MAX_POOL_GRAD
from minitf.ops.nn_ops.pool_ops import MAX_POOL_GRAD_GRAD as MAX_POOL_GRAD_GRAD
from minitf.ops.nn_ops.pool_ops import avg_pool as avg_pool
from minitf.ops.nn_ops.pool_ops import max_pool as max_pool
from minitf.ops.nn_ops.softmax_ops import LOG_SOFTMAX as LOG_SOFTMAX
from minitf.ops.nn_ops.softmax_ops import SOFTMAX as SOFTMAX
from minitf.ops.nn_ops.topk_ops import IN_TOP_K as IN_TOP_K
from minitf.ops.nn_ops.topk_ops import IN_TOP_K_V2 as IN_TOP_K_V2
from minitf.ops.nn_ops.topk_ops import TOP_K_V2 as TOP_K_V2
from minitf.ops.nn_ops.topk_ops import in_top_k as in_top_k
from minitf.ops.nn_ops.topk_ops import top_k as top_k
