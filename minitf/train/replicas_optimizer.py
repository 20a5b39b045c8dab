"""With this module an optimizer of several workers leaves to another one what that one can do."""

from __future__ import annotations

from typing import Any

from minitf.ops.variables import Variable
from minitf.train.optimizer import Optimizer


class ReplicasOptimizer(Optimizer):
    """Stands between a worker and the optimizer that updates the variables.

    Args:
      opt: the inner optimizer: it computes gradients, and has the slots.
      use_locking, name: as for `tf.train.Optimizer`.
    """

    def __init__(self, opt: Optimizer, use_locking: bool, name: str) -> None:
        super().__init__(use_locking, name)
        self._opt = opt

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        """The gradients of this worker alone; see `tf.train.Optimizer.compute_gradients`."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """A slot of the inner optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """The slots of the inner optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Variable]:
        """The variables of the inner optimizer."""
        return self._opt.variables()
