"""Which room of minitf may import which, what `import minitf` loads, and how long things may grow.

The rules are read off the syntax tree: imports inside functions count too, since a room that needs
another one late needs it all the same. Imports under `if TYPE_CHECKING:` are free.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.source_tree import ROOT, modules

# What each of these rooms may import, besides itself. A room that is not here composes the others
# and may import any of them, except those of NOBODY_IMPORTS.
MAY_IMPORT = {
    "framework": set(),
    "kernels": set(),
    "checkpoint": {"framework", "kernels"},
    "ops": {"framework", "kernels", "checkpoint"},
    "autodiff": {"framework", "ops"},
    "runtime": {"framework", "kernels"},
    "distributed": {"framework", "kernels", "ops", "runtime"},
}
NOBODY_IMPORTS = {"visualize", "cli"}
# ... but for the program itself, which draws and answers the command line.
PROGRAM = {"cli", "__main__", "visualize"}
KERNELS_MAY_USE = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}

TYPE_CHECKING = ("TYPE_CHECKING", "typing.TYPE_CHECKING")
HEAVY = ("numba", "llvmlite", "google.protobuf", "graphviz", "tensorboardX", "tqdm", "PIL")

FILE_LINES = 600
FUNCTION_LINES = 70


@dataclass(frozen=True)
class Import:
    """One imported module, and the line that imports it. `names` are those taken from it."""

    line: int
    module: str
    names: tuple[str, ...] = ()


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """The imports in the source of `module`, with relative ones resolved."""
    package = module if is_package else module.rpartition(".")[0]
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in TYPE_CHECKING:
            pending += node.orelse
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            yield Import(node.lineno, base, tuple(alias.name for alias in node.names))


def rooms(imported: Import, all_rooms: set[str]) -> set[str]:
    """The rooms of minitf that an import reaches; the empty name stands for minitf as a whole."""
    top, _, rest = imported.module.partition(".")
    if top != "minitf":
        return set()
    if rest:
        return {rest.partition(".")[0]}
    return {name if name in all_rooms else "" for name in imported.names or ("",)}


def breaches(source: str, module: str, all_rooms: set[str], is_package: bool = False) -> list[str]:
    """What the source of `module` imports and may not, each as a sentence."""
    room = module.removeprefix("minitf").strip(".").partition(".")[0]
    found = []
    for imported in imports_of(source, module, is_package):
        where = f"{module}, line {imported.line}"
        if "*" in imported.names:
            found.append(f"{where}: star import of {imported.module}; name what is used")
        top = imported.module.partition(".")[0]
        if room == "kernels" and top != "minitf" and top not in KERNELS_MAY_USE:
            found.append(f"{where}: kernels import numpy and numba only, not {imported.module}")
        for target in sorted(rooms(imported, all_rooms) - {room}):
            if target in NOBODY_IMPORTS and room not in PROGRAM:
                found.append(f"{where}: nothing imports {target}")
            elif room in MAY_IMPORT and target not in MAY_IMPORT[room]:
                allowed = ", ".join(sorted(MAY_IMPORT[room])) or "no other room"
                named = target or "minitf as a whole"
                found.append(f"{where}: {room} imports {named}, and may import {allowed}")
    return found


def long_functions(source: str, module: str) -> list[str]:
    """The functions that do not fit a screen. A docstring may be as long as it needs to be."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > FUNCTION_LINES:
            found.append(
                f"{module}, line {node.lineno}: {node.name} has {lines} lines; "
                f"a function has at most {FUNCTION_LINES}: split it"
            )
    return found


MODULES = modules()
ROOMS = {name.split(".")[1] for name in MODULES if "." in name}


def report(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


def test_every_module_imports_only_what_its_room_may() -> None:
    assert {"framework", "ops", "kernels", "autodiff", "runtime"} <= ROOMS
    found = []
    for name, path in MODULES.items():
        found += breaches(path.read_text(), name, ROOMS, path.name == "__init__.py")
    report(found)


def test_no_function_outgrows_a_screen() -> None:
    found = []
    for name, path in MODULES.items():
        found += long_functions(path.read_text(), name)
    report(found)


def test_no_file_is_long() -> None:
    paths = [
        path
        for folder in ("minitf", "tests", "examples", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    assert paths
    sizes = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in paths}
    report(
        [
            f"{path} has {lines} lines; a file has at most {FILE_LINES}: make it a package"
            for path, lines in sizes.items()
            if lines > FILE_LINES
        ]
    )


def test_every_module_says_what_one_can_do_with_it() -> None:
    report(
        [
            f"{name} has no docstring; it opens with what one can do with it"
            for name, path in MODULES.items()
            if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
        ]
    )


def loaded_by(statement: str) -> list[str]:
    """The heavy libraries that a fresh Python has loaded after the statement."""
    code = f"{statement}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return run.stdout.split()


def test_import_minitf_is_light() -> None:
    assert loaded_by("import minitf\nminitf.Graph") == []


def test_the_lightness_test_can_fail() -> None:
    assert loaded_by("import PIL, tqdm") == ["tqdm", "PIL"]


# The checker itself, on sources that are good and bad.

ALL = {"framework", "ops", "kernels", "autodiff", "runtime", "train", "visualize", "cli", "nn"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("minitf.ops.math_ops", "from minitf.framework import graph\nimport minitf.kernels.gemm"),
        ("minitf.ops.math_ops", "from . import array_ops\nfrom .array_ops import reshape"),
        ("minitf.ops.math_ops", "from minitf import framework, kernels"),
        ("minitf.ops.math_ops", "from ..framework import graph\nfrom .. import framework"),
        ("minitf.autodiff.gradients", "from minitf.ops import math_ops"),
        ("minitf.framework.graph", "from minitf.framework.tensor import Tensor\nimport numpy"),
        (
            "minitf.framework.graph",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from minitf.ops import x",
        ),
        ("minitf.framework.graph", "import typing\nif typing.TYPE_CHECKING:\n  import minitf.ops"),
        ("minitf.kernels.conv", "import numba\nimport numpy as np\nimport os\nfrom . import gemm"),
        ("minitf.train.saver", "import minitf\nfrom minitf import nn, runtime, ops"),
        ("minitf.train.saver", "import minitf.cliff"),
        ("minitf.cli", "from minitf import visualize"),
        ("minitf.__main__", "from minitf.cli import main"),
        ("minitf.framework.graph", "import minitfx.ops"),
        ("minitf.framework.graph", "'''\n>>> import minitf as tf\n'''"),
    ],
)
def test_the_checker_accepts(module: str, source: str) -> None:
    assert breaches(source, module, ALL) == []


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("minitf.framework.graph", "from minitf.ops import math_ops", "framework imports ops"),
        ("minitf.framework.graph", "def f():\n    import minitf.ops.x", "framework imports ops"),
        ("minitf.framework.graph", "from ..ops import math_ops", "framework imports ops"),
        ("minitf.framework.graph", "from .. import kernels", "framework imports kernels"),
        ("minitf.framework.graph", "import minitf", "minitf as a whole"),
        ("minitf.framework.graph", "from minitf import Tensor", "minitf as a whole"),
        (
            "minitf.framework.graph",
            "if TYPE_CHECKING:\n    pass\nelse:\n    import minitf.ops",
            "framework imports ops",
        ),
        ("minitf.framework.graph", "if not TYPE_CHECKING:\n  import minitf.nn", "imports nn"),
        ("minitf.kernels.conv", "from minitf.framework import dtypes", "kernels imports framework"),
        ("minitf.kernels.conv", "import scipy.signal", "not scipy.signal"),
        ("minitf.ops.nn_ops", "from minitf import autodiff", "ops imports autodiff"),
        ("minitf.ops.nn_ops", "import minitf.runtime.session", "ops imports runtime"),
        ("minitf.autodiff.g", "from minitf.runtime import session", "autodiff imports runtime"),
        ("minitf.runtime.session", "from minitf.train import saver", "runtime imports train"),
        ("minitf.runtime.session", "from minitf.ops import math_ops", "runtime imports ops"),
        ("minitf.train.saver", "from minitf.visualize import dot", "nothing imports visualize"),
        ("minitf.runtime.session", "from minitf import visualize", "nothing imports visualize"),
        ("minitf.nn", "import minitf.cli", "nothing imports cli"),
        ("minitf", "from minitf.visualize import draw", "nothing imports visualize"),
        ("minitf.train.saver", "from minitf.framework.errors import *", "star import"),
        ("minitf.cli", "from os.path import *", "star import"),
    ],
)
def test_the_checker_refuses(module: str, source: str, reason: str) -> None:
    (breach,) = breaches(source, module, ALL)
    assert reason in breach
    assert breach.startswith(f"{module}, line {len(source.splitlines())}: ")


def test_relative_imports_of_a_package_start_at_the_package() -> None:
    source = "from . import a\nfrom .b import c\nfrom .. import d"
    as_package = sorted(item.module for item in imports_of(source, "minitf.ops", is_package=True))
    as_module = sorted(item.module for item in imports_of(source, "minitf.ops.x"))
    assert as_package == as_module == ["minitf", "minitf.ops", "minitf.ops.b"]


def test_a_long_function_is_found_and_a_long_docstring_is_not() -> None:
    long_body = "def f():\n" + "    x = 1\n" * (FUNCTION_LINES + 1)
    long_docstring = 'def f():\n    """' + "Doc.\n" * 200 + '    """\n' + "    x = 1\n" * 70
    (problem,) = long_functions(long_body, "minitf.m")
    assert "f has 71 lines" in problem
    assert long_functions(long_docstring, "minitf.m") == []
    inside = "class A:\n    async def g(self):\n" + "        x = 1\n" * (FUNCTION_LINES + 1)
    assert len(long_functions(inside, "minitf.m")) == 1
