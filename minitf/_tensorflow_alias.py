"""With this module one can let `import tensorflow` mean minitf, for the rest of this process.

`install` makes three things of other people's scripts work unchanged:

- `import tensorflow as tf` and `import tensorflow.compat.v1 as tf` give the package `minitf`;
- `tensorflow.X.Y` is `minitf.X.Y` where that exists, the same module object and not a copy;
- a private module of TensorFlow that scripts nevertheless use, such as
  `tensorflow.python.framework.ops`, is the public module that has the same names.

Anything else is a `ModuleNotFoundError` that names the nearest modules that do exist.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import TypeGuard

import minitf

# minitf's own rooms: TensorFlow has no packages of these names, so neither has the alias.
_ROOMS = frozenset(
    {
        "autodiff",
        "checkpoint",
        "cli",
        "distributed",
        "framework",
        "kernels",
        "ops",
        "runtime",
        "visualize",
    }
)

# Packages whose files are modules in TensorFlow too; elsewhere only the package itself is.
_PACKAGES_OF_MODULES = ("compat", "contrib", "examples", "saved_model")

# TensorFlow's private modules that scripts import, and where their names are public.
_BORROWED = {
    "core.framework.attr_value_pb2": "",
    "core.framework.graph_pb2": "",
    "core.framework.node_def_pb2": "",
    "core.framework.summary_pb2": "",
    "core.util.event_pb2": "summary",
    "python.client.session": "",
    "python.client.timeline": "profiler.timeline",
    "python.debug": "debug",
    "python.framework.constant_op": "",
    "python.framework.dtypes": "",
    "python.framework.errors": "errors",
    "python.framework.graph_io": "train",
    "python.framework.graph_util": "graph_util",
    "python.framework.importer": "",
    "python.framework.ops": "",
    "python.framework.random_seed": "",
    "python.framework.tensor_shape": "",
    "python.ops.array_ops": "",
    "python.ops.control_flow_ops": "",
    "python.ops.data_flow_ops": "",
    "python.ops.init_ops": "",
    "python.ops.math_ops": "",
    "python.ops.nn": "nn",
    "python.ops.nn_ops": "nn",
    "python.ops.random_ops": "",
    "python.ops.rnn": "nn",
    "python.ops.rnn_cell": "nn.rnn_cell",
    "python.ops.state_ops": "",
    "python.ops.variable_scope": "",
    "python.ops.variables": "",
    "python.platform.app": "app",
    "python.platform.flags": "flags",
    "python.platform.gfile": "gfile",
    "python.platform.tf_logging": "logging",
    "python.saved_model.builder": "saved_model.builder",
    "python.saved_model.loader": "saved_model.loader",
    "python.saved_model.signature_constants": "saved_model.signature_constants",
    "python.saved_model.signature_def_utils": "saved_model.signature_def_utils",
    "python.saved_model.tag_constants": "saved_model.tag_constants",
    "python.saved_model.utils": "saved_model.utils",
    "python.summary.summary": "summary",
    "python.summary.summary_iterator": "train",
    "python.summary.writer.writer": "summary",
    "python.summary.writer.writer_cache": "summary",
    "python.training.basic_session_run_hooks": "train",
    "python.training.coordinator": "train",
    "python.training.input": "train",
    "python.training.monitored_session": "train",
    "python.training.queue_runner": "train",
    "python.training.session_manager": "train",
    "python.training.session_run_hook": "train",
    "python.training.supervisor": "train",
    "python.training.sync_replicas_optimizer": "train",
    "python.training.training": "train",
    "python.util.compat": "compat",
}

# What may stand in `sys.modules`: some of TensorFlow's modules are plain namespaces in minitf.
_Module = ModuleType | SimpleNamespace


def install() -> None:
    """Makes `tensorflow` mean minitf from now on, whether or not real TensorFlow is installed."""
    if not any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder())
        sys.meta_path.append(_LastFinder())
    sys.modules["tensorflow"] = minitf
    # Scripts also reach these as attributes of tf, with no import of their own.
    for name in ("tensorflow.compat.v1", "tensorflow.python.framework.ops"):
        importlib.import_module(name)


class _AliasFinder(MetaPathFinder, Loader):
    """Finds `tensorflow.X` before any real TensorFlow is looked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("tensorflow."):
            return None
        found = _resolve(fullname.removeprefix("tensorflow."))
        if found is None:
            raise _missing(fullname, name="minitf." + fullname.removeprefix("tensorflow."))
        return ModuleSpec(fullname, self, is_package=True, loader_state=found)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None  # the usual empty module, which exec_module replaces

    def exec_module(self, module: ModuleType) -> None:
        # Handing the found module out of create_module would let the import system overwrite
        # its __spec__; putting it in the empty module's place leaves it as it is.
        assert module.__spec__ is not None
        found = module.__spec__.loader_state
        if not hasattr(found, "__path__"):
            found.__path__ = []  # Python looks for tensorflow.compat.v1 only if compat has a path
        sys.modules[module.__name__] = found


class _LastFinder(MetaPathFinder):
    """Explains `from tensorflow import X`, for which Python looks for `minitf.X` and finds none."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname.startswith("minitf."):
            name = "tensorflow." + fullname.removeprefix("minitf.")
            raise _missing(name, name=name)


def _missing(fullname: str, name: str) -> ModuleNotFoundError:
    """The error for `fullname`, whose `name` attribute is to be `name`.

    In `from package import module`, Python drops a ModuleNotFoundError whose `name` is the one it
    looked for, and says only "cannot import name". So `name` is always the other spelling.
    """
    known = sorted(_importable_modules())
    leaf = fullname.rpartition(".")[2]
    nearest = [module for module in known if module.rpartition(".")[2] == leaf]
    nearest += difflib.get_close_matches(fullname, known, n=3, cutoff=0.0)
    names = ", ".join(list(dict.fromkeys(nearest))[:3])
    message = f"minitf has no module {fullname!r} (yet). The nearest that exist: {names}"
    return ModuleNotFoundError(message, name=name)


def _resolve(path: str) -> _Module | None:
    """What `tensorflow.<path>` is in minitf."""
    if path == "compat.v1" or path.startswith("compat.v1."):
        path = path.removeprefix("compat.v1").removeprefix(".")
    found = _locate(_BORROWED.get(path, path))
    if found is None and any(name.startswith(path + ".") for name in (*_BORROWED, "compat.v1")):
        found = ModuleType(f"tensorflow.{path}", "What minitf has of this package of TensorFlow.")
        found.__path__ = []
    return found


def _locate(path: str) -> _Module | None:
    """The module `minitf.<path>`, imported if need be; minitf itself for the empty path."""
    parts = path.split(".") if path else []
    if parts and parts[0] in _ROOMS:
        return None
    module: _Module = minitf
    for part in parts:
        child = vars(module).get(part)
        if not _is_ours(child):
            # A function may hide a module of its name, as in `tf.gradients`.
            name = f"{getattr(module, '__name__', '')}.{part}"
            if PathFinder.find_spec(name, getattr(module, "__path__", [])) is None:
                return None
            child = importlib.import_module(name)
        module = child
    return module


def _importable_modules() -> Iterator[str]:
    """The names of the modules that a script can import, for messages."""
    yield "tensorflow.compat.v1"
    for name, value in vars(minitf).items():
        if _is_ours(value) and _is_public(name):
            yield f"tensorflow.{name}"
    yield from _modules_below(minitf.__path__, "")
    for name, target in _BORROWED.items():
        if _locate(target) is not None:
            yield f"tensorflow.{name}"


def _modules_below(directories: Iterable[str], prefix: str) -> Iterator[str]:
    for directory in directories:
        for info in pkgutil.iter_modules([directory]):
            path = prefix + info.name
            if not _is_public(path):
                continue
            yield f"tensorflow.{path}"
            if info.ispkg and path.partition(".")[0] in _PACKAGES_OF_MODULES:
                yield from _modules_below([f"{directory}/{info.name}"], path + ".")


def _is_ours(value: object) -> TypeGuard[_Module]:
    """Whether it is a module or namespace of minitf, and not one that minitf imports."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0] in ("minitf", "tensorflow")
    return isinstance(value, SimpleNamespace)


def _is_public(path: str) -> bool:
    top, _, _ = path.partition(".")
    return top not in _ROOMS and not path.rpartition(".")[2].startswith("_")
