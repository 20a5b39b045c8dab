"""Queues and accumulators: what they do takes several runs, so they have tests of their own."""

from tests.ops.op_case import tested_elsewhere

TESTS = {
    "FIFOQueueV2": "test_first_in_first_out",
    "PaddingFIFOQueueV2": "test_elements_of_a_batch_are_padded",
    "RandomShuffleQueueV2": "test_elements_leave_in_tensorflows_random_order",
    "PriorityQueueV2": "test_the_least_leaves_first",
    "QueueEnqueueV2": "test_first_in_first_out",
    "QueueEnqueueManyV2": "test_first_in_first_out",
    "QueueDequeueV2": "test_first_in_first_out",
    "QueueDequeueManyV2": "test_first_in_first_out",
    "QueueDequeueUpToV2": "test_a_closed_queue_gives_what_is_left",
    "QueueCloseV2": "test_a_closed_queue_gives_what_is_left",
    "QueueSizeV2": "test_first_in_first_out",
    "QueueIsClosedV2": "test_a_closed_queue_gives_what_is_left",
    "ResourceConditionalAccumulator": "test_gradients_are_averaged_and_stale_ones_dropped",
    "ResourceAccumulatorApplyGradient": "test_gradients_are_averaged_and_stale_ones_dropped",
    "ResourceAccumulatorTakeGradient": "test_gradients_are_averaged_and_stale_ones_dropped",
    "ResourceAccumulatorNumAccumulated": "test_gradients_are_averaged_and_stale_ones_dropped",
    "ResourceAccumulatorSetGlobalStep": "test_gradients_are_averaged_and_stale_ones_dropped",
    "SparseConditionalAccumulator": "test_rows_are_averaged_over_those_who_gave_them",
    "SparseAccumulatorApplyGradient": "test_rows_are_averaged_over_those_who_gave_them",
    "SparseAccumulatorTakeGradient": "test_rows_are_averaged_over_those_who_gave_them",
    "AccumulatorNumAccumulated": "test_rows_are_averaged_over_those_who_gave_them",
    "AccumulatorSetGlobalStep": "test_rows_are_averaged_over_those_who_gave_them",
}

for _op, _test in TESTS.items():
    tested_elsewhere(_op, f"tests/ops/test_data_flow_ops.py::{_test}")
