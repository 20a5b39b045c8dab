"""With this module one can give a script options on its command line, as `tf.flags` does.

    tf.flags.DEFINE_float("learning_rate", 0.1, "The step size.")
    tf.flags.DEFINE_boolean("summaries", True, "Whether to write summaries.")
    FLAGS = tf.flags.FLAGS

    python train.py --learning_rate=0.5 --nosummaries

then make `FLAGS.learning_rate` 0.5 and `FLAGS.summaries` False. The command line is read at the
first use of a flag, or by `tf.app.run`; what it holds besides flags is left for the script.

>>> import minitf as tf
>>> flags = FlagValues()
>>> _ = DEFINE_integer("steps", 100, "How long to train.", flag_values=flags)
>>> flags(["train.py", "--steps=5", "data"])
['train.py', 'data']
>>> flags.steps
5
"""

from __future__ import annotations

import csv
import functools
import io
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from minitf.flags.flag_values import DuplicateFlagError as DuplicateFlagError
from minitf.flags.flag_values import Error as Error
from minitf.flags.flag_values import Flag as Flag
from minitf.flags.flag_values import FlagHolder as FlagHolder
from minitf.flags.flag_values import FlagValues as FlagValues
from minitf.flags.flag_values import IllegalFlagValueError as IllegalFlagValueError
from minitf.flags.flag_values import UnrecognizedFlagError as UnrecognizedFlagError

P = ParamSpec("P")
R = TypeVar("R")

FLAGS = FlagValues()

_OLD_KEYWORDS = {"flag_name": "name", "default_value": "default", "docstring": "help"}


def _accepts_old_keywords(define: Callable[P, R]) -> Callable[P, R]:
    """Lets DEFINE_* be called with the names that its arguments had before TensorFlow 1.5."""

    @functools.wraps(define)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        renamed: Any = {_OLD_KEYWORDS.get(name, name): value for name, value in kwargs.items()}
        return define(*args, **renamed)

    return wrapper


def _define(flag: Flag, default: Any, flag_values: FlagValues) -> FlagHolder:
    flag.set_default(default)
    flag_values._add(flag)
    return FlagHolder(flag_values, flag.name)


@_accepts_old_keywords
def DEFINE_string(
    name: str, default: str | None, help: str | None, flag_values: FlagValues = FLAGS
) -> FlagHolder:
    """Defines a flag whose value is text (mirrors `tf.flags.DEFINE_string`).

    Args:
      name: of the flag, without dashes.
      default: the value without the flag; None is allowed for every kind of flag.
      help: what --help says about it.
      flag_values: the flags to add it to.

    Raises:
      DuplicateFlagError: there is a flag of this name.
      IllegalFlagValueError: the default is not of the flag's kind.
    """
    return _define(Flag(name, help, _text), default, flag_values)


@_accepts_old_keywords
def DEFINE_integer(
    name: str,
    default: int | str | None,
    help: str | None,
    lower_bound: int | None = None,
    upper_bound: int | None = None,
    flag_values: FlagValues = FLAGS,
) -> FlagHolder:
    """Defines a flag whose value is an int, also written 0x1f or 0o17 (`tf.flags.DEFINE_integer`).

    Args and errors: see `DEFINE_string`; values outside of the bounds are not legal.
    """
    kind, convert = _bounded(_integer, "integer", lower_bound, upper_bound)
    return _define(Flag(name, help, convert, kind=kind), default, flag_values)


@_accepts_old_keywords
def DEFINE_float(
    name: str,
    default: float | str | None,
    help: str | None,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    flag_values: FlagValues = FLAGS,
) -> FlagHolder:
    """Defines a flag whose value is a float (mirrors `tf.flags.DEFINE_float`).

    Args and errors: see `DEFINE_string`; values outside of the bounds are not legal.
    """
    kind, convert = _bounded(float, "number", lower_bound, upper_bound)
    return _define(Flag(name, help, convert, kind=kind), default, flag_values)


@_accepts_old_keywords
def DEFINE_boolean(
    name: str, default: bool | str | int | None, help: str | None, flag_values: FlagValues = FLAGS
) -> FlagHolder:
    """Defines a flag that --name sets and --noname clears (mirrors `tf.flags.DEFINE_boolean`).

    As --name=value it takes true, t, 1, false, f and 0. Args and errors: see `DEFINE_string`.
    """
    flag = Flag(name, help, _boolean, boolean=True, text=lambda value: str(value).lower())
    return _define(flag, default, flag_values)


DEFINE_bool = DEFINE_boolean


@_accepts_old_keywords
def DEFINE_enum(
    name: str,
    default: str | None,
    enum_values: Sequence[str],
    help: str | None,
    case_sensitive: bool = True,
    flag_values: FlagValues = FLAGS,
) -> FlagHolder:
    """Defines a flag whose value is one of several texts (mirrors `tf.flags.DEFINE_enum`).

    Args and errors: see `DEFINE_string`.
    """
    choices = "|".join(enum_values)

    def convert(argument: Any) -> str:
        for value in enum_values:
            if argument == value or (not case_sensitive and argument.lower() == value.lower()):
                return value
        raise ValueError(f"value should be one of <{choices}>")

    return _define(Flag(name, f"<{choices}>: {help or ''}", convert), default, flag_values)


@_accepts_old_keywords
def DEFINE_list(
    name: str,
    default: str | Iterable[str] | None,
    help: str | None,
    flag_values: FlagValues = FLAGS,
) -> FlagHolder:
    """Defines a flag whose value is a list of texts, written a,b,c (`tf.flags.DEFINE_list`).

    Args and errors: see `DEFINE_string`.
    """
    flag = Flag(name, help, _comma_separated, kind="a comma separated list", text=",".join)
    return _define(flag, default, flag_values)


@_accepts_old_keywords
def DEFINE_multi_string(
    name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS
) -> FlagHolder:
    """Defines a flag whose value is the list of the texts that it was given, one each time."""
    return _define(Flag(name, help, _text, multiple=True), default, flag_values)


@_accepts_old_keywords
def DEFINE_multi_integer(
    name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS
) -> FlagHolder:
    """Defines a flag whose value is the list of the ints that it was given, one each time."""
    flag = Flag(name, help, _integer, kind="an integer", multiple=True)
    return _define(flag, default, flag_values)


@_accepts_old_keywords
def DEFINE_multi_float(
    name: str, default: Any, help: str | None, flag_values: FlagValues = FLAGS
) -> FlagHolder:
    """Defines a flag whose value is the list of the floats that it was given, one each time."""
    return _define(Flag(name, help, float, kind="a number", multiple=True), default, flag_values)


def register_validator(
    flag_name: str,
    checker: Callable[[Any], object],
    message: str = "Flag validation failed",
    flag_values: FlagValues = FLAGS,
) -> None:
    """Refuses, once the command line is read, values that do not pass (`register_validator`).

    Args:
      flag_name: a flag that is defined.
      checker: returns whether a value is legal.
      message: of the IllegalFlagValueError for other values.
      flag_values: the flags among which it is.

    Raises:
      KeyError: there is no such flag.
    """
    flag_values[flag_name].validators.append((checker, message))


def mark_flag_as_required(flag_name: str, flag_values: FlagValues = FLAGS) -> None:
    """Refuses a command line that leaves the flag None (mirrors `tf.flags.mark_flag_as_required`).

    Raises:
      KeyError: there is no such flag.
    """
    message = f"Flag --{flag_name} must have a value other than None."
    register_validator(flag_name, lambda value: value is not None, message, flag_values)


def mark_flags_as_required(flag_names: Iterable[str], flag_values: FlagValues = FLAGS) -> None:
    """`mark_flag_as_required` for each of several flags."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def print_help(program: str, full: bool = False) -> None:
    """Prints the script's docstring, or its usage, and its flags; if full, all modules' flags."""
    doc = getattr(sys.modules["__main__"], "__doc__", None)
    print(doc.replace("%s", program) if doc else f"\nusage: {program} [flags]")
    print("flags:\n")
    if full:
        print(FLAGS.get_help())
    else:
        print(FLAGS.main_module_help())
        print("\nTry --helpfull to get a list of all flags.")


# From text to values


def _text(argument: Any) -> str:
    if not isinstance(argument, str):
        raise TypeError(f"flag value must be a string, found {type(argument)}")
    return argument


def _integer(argument: Any) -> int:
    if isinstance(argument, int):
        return int(argument)
    if not isinstance(argument, str):
        raise TypeError(f"Expect argument to be a string or int, found {type(argument)}")
    bases = {"0x": 16, "0o": 8}
    return int(argument, bases.get(argument[:2].lower(), 10))


def _boolean(argument: Any) -> bool:
    text = str(argument).lower()
    if text in ("true", "t", "1"):
        return True
    if text in ("false", "f", "0"):
        return False
    raise ValueError(f"Non-boolean argument to boolean flag: {argument!r}")


def _comma_separated(argument: Any) -> list[str]:
    if isinstance(argument, list | tuple):
        return list(argument)
    if not argument:
        return []
    rows = list(csv.reader(io.StringIO(argument), strict=True))
    return [item.strip() for item in rows[0]]


def _bounded(
    convert: Callable[[Any], Any], noun: str, lower: float | None, upper: float | None
) -> tuple[str, Callable[[Any], Any]]:
    """What a number within the bounds is called, and the conversion that refuses others."""
    article = "an" if noun == "integer" else "a"
    kind = f"{article} {noun}"
    if lower is not None and upper is not None:
        kind = f"{article} {noun} in the range [{lower}, {upper}]"
    elif lower is not None:
        kind = f"{noun} >= {lower}"
    elif upper is not None:
        kind = f"{noun} <= {upper}"

    def within_bounds(argument: Any) -> Any:
        value = convert(argument)
        if (lower is not None and value < lower) or (upper is not None and value > upper):
            raise ValueError(f"{value} is not {kind}")
        return value

    return kind, within_bounds
