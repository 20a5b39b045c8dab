"""With this package runs hand values to one another: queues, and accumulators of gradients."""

from minitf.ops.data_flow_ops.accumulators import ConditionalAccumulator as ConditionalAccumulator
from minitf.ops.data_flow_ops.accumulators import (
    ConditionalAccumulatorBase as ConditionalAccumulatorBase,
)
from minitf.ops.data_flow_ops.accumulators import (
    SparseConditionalAccumulator as SparseConditionalAccumulator,
)
from minitf.ops.data_flow_ops.queues import FIFOQueue as FIFOQueue
from minitf.ops.data_flow_ops.queues import PaddingFIFOQueue as PaddingFIFOQueue
from minitf.ops.data_flow_ops.queues import PriorityQueue as PriorityQueue
from minitf.ops.data_flow_ops.queues import QueueBase as QueueBase
from minitf.ops.data_flow_ops.queues import RandomShuffleQueue as RandomShuffleQueue
