"""With this package one can use `tf.losses`: what training makes small.

Each function returns one number for a batch, and adds it to `GraphKeys.LOSSES`.

>>> import minitf as tf
>>> loss = tf.losses.mean_squared_error(labels=[1.0, 2.0], predictions=[1.0, 4.0])
>>> tf.losses.get_losses() == [loss]
True
"""

# ---- classes
from minitf.losses.classification import hinge_loss as hinge_loss
from minitf.losses.classification import log_loss as log_loss
from minitf.losses.classification import sigmoid_cross_entropy as sigmoid_cross_entropy
from minitf.losses.classification import softmax_cross_entropy as softmax_cross_entropy
from minitf.losses.classification import (
    sparse_softmax_cross_entropy as sparse_softmax_cross_entropy,
)

# ---- collections
from minitf.losses.collected import add_loss as add_loss
from minitf.losses.collected import get_losses as get_losses
from minitf.losses.collected import get_regularization_loss as get_regularization_loss
from minitf.losses.collected import get_regularization_losses as get_regularization_losses
from minitf.losses.collected import get_total_loss as get_total_loss

# ---- numbers
from minitf.losses.regression import absolute_difference as absolute_difference
from minitf.losses.regression import cosine_distance as cosine_distance
from minitf.losses.regression import huber_loss as huber_loss
from minitf.losses.regression import mean_pairwise_squared_error as mean_pairwise_squared_error
from minitf.losses.regression import mean_squared_error as mean_squared_error

# ---- weights
from minitf.losses.weighted import Reduction as Reduction
from minitf.losses.weighted import compute_weighted_loss as compute_weighted_loss
