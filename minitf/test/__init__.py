"""With this module one can test a model: `tf.test.compute_gradient_error`, `tf.test.TestCase`."""

from __future__ import annotations

import contextlib
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import numpy as np

from minitf.framework.default import get_default_graph, reset_default_graph
from minitf.framework.graph import Graph
from minitf.runtime.session import Session
from minitf.test.gradient_checker import check_grads as check_grads
from minitf.test.gradient_checker import compute_gradient as compute_gradient
from minitf.test.gradient_checker import compute_gradient_error as compute_gradient_error


class TestCase(unittest.TestCase):
    """A test whose default graph is empty at its start (mirrors `tf.test.TestCase`)."""

    __test__ = False  # pytest collects subclasses, not this class

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    def setUp(self) -> None:
        """Starts from an empty default graph."""
        reset_default_graph()

    def get_temp_dir(self) -> str:
        """A new folder that is removed after the test."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    @contextlib.contextmanager
    def test_session(self, graph: Graph | None = None, config: Any = None) -> Iterator[Session]:
        """A session that is the default one inside a `with` block."""
        with Session(graph=graph or get_default_graph(), config=config) as session:
            yield session

    session = test_session

    def assertAllClose(  # the name is TensorFlow's
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Fails unless all elements are near one another."""
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fails unless shapes and all elements are equal."""
        np.testing.assert_array_equal(a, b, err_msg=msg or "")

    def assertShapeEqual(self, array: Any, tensor: Any) -> None:
        """Fails unless an array has the static shape of a tensor."""
        self.assertEqual(list(array.shape), tensor.get_shape().as_list())


def main(argv: Any = None) -> None:
    """Runs the tests of the calling module (mirrors `tf.test.main`)."""
    unittest.main(argv=argv)


def is_built_with_cuda() -> bool:
    """False: minitf has no GPU kernels."""
    return False


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False: minitf has no GPU kernels."""
    return False


def gpu_device_name() -> str:
    """The empty string: there is no GPU device."""
    return ""
