"""With this package one can use `tf.metrics`: numbers over a whole data set, batch by batch.

Each function returns a pair: the value so far, and an update to run once for each batch. What they
count in are local variables: `tf.local_variables_initializer()` sets them to zero.
"""

# ---- counts
from minitf.metrics.counts import false_negatives as false_negatives
from minitf.metrics.counts import false_positives as false_positives
from minitf.metrics.counts import mean_iou as mean_iou
from minitf.metrics.counts import mean_per_class_accuracy as mean_per_class_accuracy
from minitf.metrics.counts import precision as precision
from minitf.metrics.counts import recall as recall
from minitf.metrics.counts import true_negatives as true_negatives
from minitf.metrics.counts import true_positives as true_positives

# ---- means
from minitf.metrics.means import accuracy as accuracy
from minitf.metrics.means import mean as mean
from minitf.metrics.means import mean_absolute_error as mean_absolute_error
from minitf.metrics.means import mean_cosine_distance as mean_cosine_distance
from minitf.metrics.means import mean_relative_error as mean_relative_error
from minitf.metrics.means import mean_squared_error as mean_squared_error
from minitf.metrics.means import mean_tensor as mean_tensor
from minitf.metrics.means import percentage_below as percentage_below
from minitf.metrics.means import root_mean_squared_error as root_mean_squared_error

# ---- thresholds
from minitf.metrics.thresholds import auc as auc
from minitf.metrics.thresholds import (
    false_negatives_at_thresholds as false_negatives_at_thresholds,
)
from minitf.metrics.thresholds import (
    false_positives_at_thresholds as false_positives_at_thresholds,
)
from minitf.metrics.thresholds import precision_at_thresholds as precision_at_thresholds
from minitf.metrics.thresholds import recall_at_thresholds as recall_at_thresholds
from minitf.metrics.thresholds import true_negatives_at_thresholds as true_negatives_at_thresholds
from minitf.metrics.thresholds import true_positives_at_thresholds as true_positives_at_thresholds
