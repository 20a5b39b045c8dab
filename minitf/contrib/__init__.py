"""What scripts use of `tf.contrib`. Its modules are imported when a script first asks for them."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def __getattr__(name: str) -> Any:
    if name in (module.name for module in pkgutil.iter_modules(__path__)):
        return importlib.import_module(f"minitf.contrib.{name}")
    raise AttributeError(
        f"minitf.contrib has no attribute {name!r}: most of tf.contrib left TensorFlow, too."
    )
