"""The builders: functions of `tf` that both engines run, one family per module."""

from tests.parity.builders import (
    arrays,
    layers,
    losses,
    maths,
    metrics,
    models,
    nn,
    training,
    trajectories,
    variables,
)
