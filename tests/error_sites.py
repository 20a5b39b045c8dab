"""Where minitf makes errors, read from its source: which of their messages lead into the page.

A message does where `errors.report` lays it out, or a function that returns what `report` does.
The rules of ops are apart: what a shape rule or a kernel raises never leaves minitf as it is, for
`Graph.create_op` and the session make it into an error about the op, laid out by `report`.
"""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from tests.source_tree import modules

# The methods of an op's declaration that take one of its rules.
RULES = {"shape", "kernel", "constant_value", "partial_shape_value", "in_parts"}
LAID_OUT = {"report", "value_error", "type_error", "runtime_error", "key_error"}
PYTHONS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
}


@dataclass(frozen=True)
class Site:
    """Where an exception is made, and of which class."""

    module: str
    function: str
    kind: str
    line: int
    text: str


@dataclass(frozen=True)
class Function:
    """A function or method: `name` is "function" or "Class.method"."""

    module: str
    name: str
    node: ast.FunctionDef

    @property
    def is_of_ops(self) -> bool:
        return self.module.startswith("minitf.ops.")

    @property
    def is_rule(self) -> bool:
        return any(
            isinstance(part, ast.Attribute) and part.attr in RULES
            for decorator in self.node.decorator_list
            for part in ast.walk(decorator)
        )

    def parts(self) -> Iterator[ast.AST]:
        """All of its syntax tree, without the rules of ops that it declares."""
        waiting: list[ast.AST] = [self.node]
        while waiting:
            part = waiting.pop()
            yield part
            waiting += [
                child
                for child in ast.iter_child_nodes(part)
                if not (
                    isinstance(child, ast.FunctionDef)
                    and Function(self.module, child.name, child).is_rule
                )
            ]


def names_in(parts: Iterator[ast.AST]) -> set[str]:
    """The names that are used, or imported from elsewhere."""
    found: set[str] = set()
    for part in parts:
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.ImportFrom):
            found |= {alias.name for alias in part.names}
    return found


def name_of(call: ast.expr | None) -> str:
    """The last name of what is called."""
    if not isinstance(call, ast.Call):
        return ""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


class Source:
    """The functions of minitf, and which of them a user's call can lead to."""

    def __init__(self) -> None:
        self.trees = {name: ast.parse(path.read_text()) for name, path in modules().items()}
        self.functions = [
            Function(module, f"{owner.name}.{node.name}" if isclass(owner) else node.name, node)
            for module, tree in self.trees.items()
            for owner in ast.walk(tree)
            if isclass(owner) or owner is tree or isinstance(owner, ast.If | ast.Try)
            for node in ast.iter_child_nodes(owner)
            if isinstance(node, ast.FunctionDef)
        ]
        self.modules_of: dict[str, list[str]] = defaultdict(list)
        self.laid_out = {("minitf.framework.errors", name) for name in LAID_OUT}
        self._find_laid_out()
        self.kinds = PYTHONS | self._own_kinds()

    def _find_laid_out(self) -> None:
        """Notes the functions that return nothing but what `report` laid out."""
        returned: dict[tuple[str, str], list[ast.expr | None]] = defaultdict(list)
        for function in self.functions:
            returned[function.module, function.node.name] += [
                part.value for part in ast.walk(function.node) if isinstance(part, ast.Return)
            ]
        for module, name in returned:
            self.modules_of[name].append(module)
        known = 0
        while known < len(self.laid_out):
            known = len(self.laid_out)
            self.laid_out |= {
                (module, name)
                for (module, name), values in returned.items()
                if values and all(self.is_laid_out(module, value) for value in values)
            }

    def _own_kinds(self) -> set[str]:
        """The classes of minitf that derive from exceptions of Python's: not those of tf.errors."""
        bases = {
            node.name: {name_of_class(base) for base in node.bases}
            for tree in self.trees.values()
            for node in ast.walk(tree)
            if isclass(node) and node.name != "OpError"
        }
        found: set[str] = set()
        while more := {name for name in bases if bases[name] & (PYTHONS | found)} - found:
            found |= more
        return found

    def is_laid_out(self, module: str, value: ast.expr | None) -> bool:
        """Whether a value in this module is a message that `report` laid out."""
        name = name_of(value)
        owners = self.modules_of[name]
        places = [module] if module in owners else owners
        return bool(places) and all((place, name) in self.laid_out for place in places)

    def reached(self) -> list[Function]:
        """The functions that run, perhaps, outside of the rules of ops."""
        by_name = defaultdict(list)
        for function in self.functions:
            if function.is_of_ops and not function.is_rule:
                by_name[function.node.name].append(function)
                if function.name.endswith(".__init__"):
                    by_name[function.name.partition(".")[0]].append(function)
        waiting = [f for f in self.functions if not f.is_of_ops and not f.is_rule]
        waiting += [  # what the package shows of ops, and the methods of its classes
            function
            for functions in by_name.values()
            for function in functions
            if "." in function.name and not function.node.name.startswith("_")
        ]
        shown = {
            name
            for module, tree in self.trees.items()
            if not module.startswith("minitf.ops.")
            for name in names_in(ast.walk(tree))
        }
        waiting += [function for name in shown for function in by_name[name]]
        found = dict.fromkeys(waiting)
        while waiting:
            for name in names_in(waiting.pop().parts()):
                new = [function for function in by_name[name] if function not in found]
                found |= dict.fromkeys(new)
                waiting += new
        return list(found)

    def bare(self) -> Iterator[Site]:
        """Where exceptions are made whose message leads nowhere."""
        for function in self.reached():
            for part in function.parts():
                if isinstance(part, ast.Call) and name_of(part) in self.kinds:
                    message = part.args[0] if part.args else None
                    if not self.is_laid_out(function.module, message):
                        text = ast.unparse(part)
                        yield Site(function.module, function.name, name_of(part), part.lineno, text)


def isclass(node: ast.AST) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef)


def name_of_class(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else ast.unparse(base)
