"""With this module one can run a TensorFlow 1 script unmodified: `minitf run script.py`.

The script sees what it would see under `python script.py`: its own `__main__`, `__file__`,
`sys.argv` and `sys.path[0]`, and its exit code and tracebacks are Python's, with no frame of
minitf's runner in them. Only `import tensorflow` is different: see `_tensorflow_alias`.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from minitf import _tensorflow_alias


class CannotRun(Exception):
    """There is nothing to run; the message is for the person at the terminal."""


def run_script(script: str, args: Sequence[str] = ()) -> int:
    """Runs a file as `python script args...` would, and returns the exit code.

    Args:
      script: the path of a Python file.
      args: what the script finds in `sys.argv[1:]`.

    Returns:
      0, or after an uncaught exception, which has been printed: 1, or 130 for Ctrl-C.

    Raises:
      CannotRun: if there is no such file, or it is not a script.
      SystemExit: when the script exits of its own accord.
    """
    source = _read(script)
    path = os.path.abspath(script)
    sys.argv = [script, *args]
    _set_first_path(os.path.dirname(os.path.realpath(script)))
    _tensorflow_alias.install()
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        python2 = _explain_python2(script, error)
        if python2 is None:
            return _report(error)
        print(f"minitf: {python2}", file=sys.stderr)
        return 1
    loader = SourceFileLoader("__main__", path)
    return _execute(code, __file__=path, __loader__=loader)


def run_module(name: str, args: Sequence[str] = ()) -> int:
    """Runs a module as `python -m name args...` would; otherwise like `run_script`.

    Raises:
      CannotRun: if there is no such module, or it cannot be run.
      SystemExit: when the module exits of its own accord.
    """
    sys.argv = ["-m", *args]
    _set_first_path(os.getcwd())
    _tensorflow_alias.install()
    try:
        spec = _find_module(name)
        loader: Any = spec.loader  # every loader of Python code has get_code
        code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    except (CannotRun, SystemExit):
        raise
    except BaseException as error:
        return _report(error)
    if code is None:
        raise CannotRun(f"{name!r} is not Python code that can be run: {spec.origin}.")
    sys.argv[0] = spec.origin or name
    return _execute(
        code,
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=loader,
        __package__=spec.parent,
        __spec__=spec,
    )


def exit_code(error: SystemExit) -> int:
    """The exit code that a script asks for, for those who have something to do after it."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1


def _read(script: str) -> bytes:
    """The bytes of the script; they are decoded by `compile`, which knows Python's coding lines."""
    if script == "-":
        raise CannotRun("a script is not read from standard input. Name a file.")
    if os.path.isdir(script):
        raise CannotRun(f"{script!r} is a directory. Name a script in it: {_example(script)}")
    try:
        with open(script, "rb") as file:
            source = file.read()
    except FileNotFoundError:
        raise CannotRun(f"there is no file {script!r} in {os.getcwd()}.") from None
    except OSError as error:
        raise CannotRun(f"{script!r} cannot be read: {error.strerror}.") from None
    if script.endswith(".ipynb"):
        raise CannotRun(
            f"{script!r} is a notebook. Make a script of it: jupyter nbconvert --to script {script}"
        )
    if b"\0" in source:
        raise CannotRun(f"{script!r} is a binary file. Name a Python source file.")
    return source


def _example(directory: str) -> str:
    """A script in the directory: the obvious one, or else the first."""
    scripts = sorted(name for name in os.listdir(directory) if name.endswith(".py"))
    obvious = [name for name in ("__main__.py", "main.py", "train.py") if name in scripts]
    return os.path.join(directory, (obvious + scripts + ["main.py"])[0])


def _find_module(name: str) -> ModuleSpec:
    """The spec of the module, or of its `__main__` where it is a package."""
    try:
        spec = None if name.startswith(".") else importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # the package was found, and what it imports was not
        spec = None
    if spec is None:
        raise CannotRun(f"there is no module named {name!r} in {os.getcwd()} or on sys.path.")
    if spec.submodule_search_locations is None:
        return spec
    main = importlib.util.find_spec(name + ".__main__")
    if main is None:
        raise CannotRun(f"{name!r} is a package with no __main__ module, so it cannot be run.")
    return main


def _set_first_path(directory: str) -> None:
    """Puts the directory where Python itself would, which it does not when told to be safe."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = directory


def _execute(code: CodeType, **attributes: object) -> int:
    """Runs the code as `__main__`."""
    main = ModuleType("__main__")
    main.__dict__.update({"__annotations__": {}, "__builtins__": builtins, "__cached__": None})
    main.__dict__.update(attributes)
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        return _report(error)
    return 0


def _report(error: BaseException) -> int:
    """Prints an uncaught exception as Python does, and gives the exit code that goes with it."""
    error.__traceback__ = _from_script_on(error.__traceback__)
    sys.excepthook(type(error), error, error.__traceback__)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _from_script_on(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames that led from the command line to the script."""
    runner = (__file__, importlib.util.__file__)
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file not in runner and not file.startswith("<frozen importlib"):
            break
        traceback = traceback.tb_next
    return traceback


# What is a syntax error today and was good Python 2, by the message or by the line.
_PYTHON2_MESSAGES = (
    ("Missing parentheses in call to 'print'", "a print statement"),
    ("Missing parentheses in call to 'exec'", "an exec statement"),
    ("leading zeros in decimal integer literals", "an octal number such as 0777"),
    ("inconsistent use of tabs and spaces", "an indentation that mixes tabs and spaces"),
)
_PYTHON2_LINES = (
    (r"\s*print\b\s*[^\s(=.,]", "a print statement"),
    (r"\s*except\b[^:]+,\s*\w+\s*:", "an except clause of the form `except Error, name`"),
    (r"\s*raise\s+[\w.]+\s*,", "a raise statement of the form `raise Error, message`"),
    (r"[^#'\"]*`[^`]+`", "an expression in backquotes"),
    (r"[^#'\"]*<>", "the comparison `<>`"),
    (r"[^#'\"]*\b(?:0[xX][\da-fA-F]+|\d+)[lL]\b", "a long number such as 10L"),
    (r"[^#]*\b[uU][rR]['\"]", "a string with the prefix ur"),
    (r"\s*def\s+\w+\s*\(.*\(", "a function with a tuple among its parameters"),
)


def _explain_python2(script: str, error: SyntaxError) -> str | None:
    """What to tell the user about a script that does not compile because it is Python 2."""
    line = error.text or ""
    what = next((what for message, what in _PYTHON2_MESSAGES if message in error.msg), None)
    what = what or next((what for form, what in _PYTHON2_LINES if re.match(form, line)), None)
    if what is None:
        return None
    return (
        f"{script!r} is Python 2 code, which Python {sys.version_info[0]}.{sys.version_info[1]} "
        f"cannot run: line {error.lineno} has {what}.\n"
        f"  {error.lineno} | {line.strip()}\n"
        "Convert the script to Python 3 first. The tool 2to3, which comes with Python up to 3.12, "
        f"does most of it: 2to3 -w {script}"
    )
