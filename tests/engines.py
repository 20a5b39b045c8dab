"""The engines that a test of shared behaviour runs on: minitf, and TensorFlow where installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

MODULES = ["minitf"]
if importlib.util.find_spec("tensorflow") is not None:
    MODULES.append("tensorflow.compat.v1")

ENGINES = [
    pytest.param(name, marks=[] if name == "minitf" else [pytest.mark.parity]) for name in MODULES
]


def load(name: str) -> Any:
    """The engine's module, `tf`."""
    return importlib.import_module(name)
