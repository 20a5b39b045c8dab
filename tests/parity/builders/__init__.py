"""The builders: functions of `tf` that both engines run, one family per module."""

from tests.parity.builders import (
    arrays,
    control,
    errors_numbers,
    found,
    gradients,
    imported,
    layer_arguments,
    layers,
    loss_arguments,
    losses,
    maths,
    metric_arguments,
    metrics,
    models,
    nn,
    numbers,
    scopes,
    training,
    trajectories,
    variables,
)
