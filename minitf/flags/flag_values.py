"""With this module one can keep the flags of a script: their kinds, their values, the parsing."""

from __future__ import annotations

import difflib
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minitf.framework import errors

_HERE = os.path.dirname(__file__)


class Error(Exception):
    """What all errors about flags have in common."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(errors.report(what, do=do, see="flags"))


class DuplicateFlagError(Error):
    """A flag is defined twice."""


class IllegalFlagValueError(Error):
    """A value is not one that its flag accepts."""


class UnrecognizedFlagError(Error):
    """A flag is set that is not defined."""


_INDENT: dict[str, Any] = {"initial_indent": " " * 4, "subsequent_indent": " " * 4}


class Flag:
    """One flag: what it is, and the value that it has.

    Attributes:
      name: without dashes.
      help: what it is for.
      default: the value when the command line does not set it.
      value: the value now.
      present: how often the command line set it.
      boolean: whether --name and --noname set it, without a value.
    """

    def __init__(
        self,
        name: str,
        help: str | None,
        convert: Callable[[Any], Any],
        *,
        kind: str = "",
        text: Callable[[Any], str] = str,
        boolean: bool = False,
        multiple: bool = False,
    ) -> None:
        self.name = name
        self.help = help or "(no help available)"
        self.kind = kind
        self.boolean = boolean
        self.multiple = multiple
        self.default: Any = None
        self.value: Any = None
        self.present = 0
        self.using_default_value = True
        self.validators: list[tuple[Callable[[Any], object], str]] = []
        self.module, self.place = _caller()
        self._convert = convert
        self._text = text

    def __str__(self) -> str:
        return str(self.value)

    def parse(self, argument: Any) -> None:
        """Takes a value from the command line; values of a multiple flag add up."""
        value = self._checked(argument)
        self.value = [*self.value, *value] if self.multiple and self.present else value
        self.present += 1
        self.using_default_value = False

    def set_default(self, default: Any) -> None:
        """Changes the default, and the value where that is the default so far."""
        self.default = None if default is None else self._checked(default)
        if self.using_default_value:
            self.value = self.default

    def unparse(self) -> None:
        """Forgets the command line."""
        self.value, self.present, self.using_default_value = self.default, 0, True

    def validate(self) -> None:
        """Raises IllegalFlagValueError if a validator refuses the value."""
        for accepts, message in self.validators:
            if not accepts(self.value):
                raise IllegalFlagValueError(f"flag --{self.name}={self.value}: {message}")

    def description(self) -> str:
        """The lines about the flag that --help prints."""
        name = f"--[no]{self.name}" if self.boolean else f"--{self.name}"
        lines = [f"{name}: {self.help}", *(["a repeated option adds to a list"] * self.multiple)]
        if self.default is not None:
            lines.append(f"(default: {self._text(self.default)!r})")
        if self.kind:
            lines.append(f"({self.kind})")
        lines = [line for text in lines for line in text.split("\n")]
        return "\n".join(textwrap.fill(line, 80, **_INDENT) for line in lines)[2:]

    def _checked(self, argument: Any) -> Any:
        try:
            if self.multiple:
                each = argument if isinstance(argument, list | tuple) else [argument]
                return [self._convert(item) for item in each]
            return self._convert(argument)
        except (TypeError, ValueError) as error:
            message = f"flag --{self.name}={argument}: {error}"
            raise IllegalFlagValueError(message) from error


class FlagValues:
    """All flags and their values (mirrors `tf.flags.FLAGS`): `FLAGS.name` is the flag's value.

    Reading a flag reads the command line first if that has not happened; arguments that are no
    known flags do not matter then. Assigning sets a flag, `del FLAGS.name` removes it.
    """

    def __init__(self) -> None:
        self.__dict__["_defined"] = {}
        self.__dict__["_parsed"] = False
        self.__dict__["_leftover"] = []

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads the command line.

        Args:
          argv: the program's name, and its arguments: --name=value or --name value, for a boolean
            flag --name, --noname or --name=false; one dash will do for two. After -- come no
            flags.
          known_only: leave flags that are not defined in the result.

        Returns:
          The program's name and the arguments that are no flags.

        Raises:
          UnrecognizedFlagError: a flag is not defined, unless known_only.
          IllegalFlagValueError: a value does not suit its flag, or a required one is missing.
          Error: a flag stands at the end, without its value.
        """
        if isinstance(argv, str | bytes):
            what = "argv should be a tuple/list of strings, not bytes or string."
            raise errors.type_error(what, see="flags")
        if not argv:
            raise errors.value_error(
                "argv cannot be an empty list, and must contain the program name as the first "
                "element.",
                see="flags",
            )
        unknown, rest = self._parse(argv[1:], known_only)
        if unknown and not known_only:
            raise UnrecognizedFlagError(
                f"Unknown command line flag {unknown[0]!r}{self._similar(unknown[0])}"
            )
        self.mark_as_parsed()
        self.__dict__["_leftover"] = rest if known_only else []
        for flag in self._defined.values():
            flag.validate()
        return [argv[0], *rest]

    def _parse(self, arguments: Sequence[str], known_only: bool) -> tuple[list[str], list[str]]:
        """Sets flags; returns the names of unknown flags, and what is left (these included)."""
        unknown: list[str] = []
        rest: list[str] = []
        coming = iter(arguments)
        for argument in coming:
            if argument == "--":
                return unknown, [*rest, *(["--"] if known_only else []), *coming]
            name, equals, value = argument.removeprefix("-").removeprefix("-").partition("=")
            if not argument.startswith("-") or not name:
                rest.append(argument)
            elif name in self._defined:
                flag = self._defined[name]
                flag.parse(value if equals else self._implied_value(flag, argument, coming))
            elif name.startswith("no") and name[2:] in self._defined and self[name[2:]].boolean:
                if equals:
                    what = f"{argument} does not take an argument"
                    raise errors.value_error(what, see="flags")
                self._defined[name[2:]].parse(False)
            else:
                unknown.append(name)
                rest.append(argument)
        return unknown, rest

    @staticmethod
    def _implied_value(flag: Flag, argument: str, coming: Iterator[str]) -> str | bool:
        if flag.boolean:
            return True
        value = next(coming, None)
        if value is None:
            raise Error(f"Missing value for flag {argument}")
        return value

    def __getattr__(self, name: str) -> Any:
        if name == "__flags":  # what scripts print all flags with
            return self._flags()
        if name not in self.__dict__.get("_defined", {}):  # a copy begins without any attribute
            raise AttributeError(self._undefined(name))
        if not self._parsed:
            self(sys.argv or [""], known_only=True)
        return self._defined[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._defined:
            raise UnrecognizedFlagError(
                f"Unknown command line flag {name!r}{self._similar(name)}",
                do=f"define it first, with tf.flags.DEFINE_*({name!r}, ...)",
            )
        flag = self._defined[name]
        flag.value, flag.using_default_value = value, False
        flag.validate()

    def __delattr__(self, name: str) -> None:
        if name not in self._defined:
            raise AttributeError(self._undefined(name))
        del self._defined[name]

    def __getitem__(self, name: str) -> Flag:
        flag: Flag = self._defined[name]
        return flag

    def __contains__(self, name: object) -> bool:
        return name in self._defined

    def __iter__(self) -> Iterator[str]:
        return iter(self._defined)

    def __len__(self) -> int:
        return len(self._defined)

    def __dir__(self) -> list[str]:
        return sorted(self._defined)

    def is_parsed(self) -> bool:
        """Whether the command line has been read."""
        return bool(self._parsed)

    def mark_as_parsed(self) -> None:
        """Lets the flags have their defaults, whatever the command line says."""
        self.__dict__["_parsed"] = True

    def unparse_flags(self) -> None:
        """Forgets the command line: the flags have their defaults until it is read again."""
        self.__dict__["_parsed"], self.__dict__["_leftover"] = False, []
        for flag in self._defined.values():
            flag.unparse()

    def flag_values_dict(self) -> dict[str, Any]:
        """Returns the values by the flags' names."""
        return {name: flag.value for name, flag in self._defined.items()}

    def get_flag_value(self, name: str, default: Any) -> Any:
        """Returns a flag's value, or `default` where that is None."""
        value = getattr(self, name)
        return default if value is None else value

    def set_default(self, name: str, value: Any) -> None:
        """Changes a flag's default, and its value where nothing has set that."""
        self[name].set_default(value)

    def get_help(self) -> str:
        """Returns the descriptions of all flags, by the modules that define them."""
        main, *others = sorted({"__main__", *(flag.module for flag in self._defined.values())})
        return "\n\n".join(filter(None, map(self._module_help, [main, *others])))

    def main_module_help(self) -> str:
        """Returns the descriptions of the script's own flags."""
        return self._module_help("__main__")

    def _module_help(self, module: str) -> str:
        flags = [flag for flag in self._defined.values() if flag.module == module]
        title = sys.argv[0] if module == "__main__" else module
        lines = [flag.description() for flag in sorted(flags, key=lambda flag: flag.name)]
        return "\n".join([f"{title}:", *lines]) if flags else ""

    def _flags(self) -> dict[str, Flag]:
        flags: dict[str, Flag] = self._defined
        return flags

    def _parse_flags(self, args: Sequence[str] | None = None) -> None:
        """Reads the command line; how scripts for TensorFlow before 1.5 ask for it."""
        self([sys.argv[0], *(sys.argv[1:] if args is None else args)], known_only=True)

    def _undefined(self, name: str) -> str:
        return errors.report(f"no flag {name!r} is defined{self._similar(name)}", see="flags")

    def _similar(self, name: str) -> str:
        names = difflib.get_close_matches(name, self.__dict__.get("_defined", {}), n=3)
        return f". Did you mean: {', '.join(names)} ?" if names else ""

    def _add(self, flag: Flag) -> None:
        if not flag.name or " " in flag.name:
            raise Error(f"Flag name cannot be empty or contain a space: {flag.name!r}")
        if hasattr(type(self), flag.name):
            raise Error(f"A flag cannot be named {flag.name!r}: that is a method of FLAGS")
        if flag.name in self._defined:
            first = self._defined[flag.name]
            raise DuplicateFlagError(
                f"The flag {flag.name!r} is defined twice.\n"
                f"  first at {first.place}, second at {flag.place}; the first is for: "
                f"{first.help}",
                do="give one another name; in a notebook, where a cell runs again, "
                f"`del FLAGS.{flag.name}` first",
            )
        self._defined[flag.name] = flag
        if self._leftover:  # the command line was read before this flag was known
            self.__dict__["_leftover"] = self._parse(self._leftover, known_only=True)[1]


class FlagHolder:
    """What DEFINE_* returns: `holder.value` is the flag's value."""

    def __init__(self, flag_values: FlagValues, name: str) -> None:
        self._flag_values = flag_values
        self.name = name

    @property
    def value(self) -> Any:
        """The flag's value now."""
        return getattr(self._flag_values, self.name)

    @property
    def default(self) -> Any:
        """The flag's default."""
        return self._flag_values[self.name].default

    @property
    def present(self) -> bool:
        """Whether the command line sets the flag."""
        return self._flag_values[self.name].present > 0


def _caller() -> tuple[str, str]:
    """The module and the source line that called this package."""
    frame = sys._getframe(1)
    while os.path.dirname(frame.f_code.co_filename) == _HERE and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_globals.get("__name__", ""), f"{frame.f_code.co_filename}:{frame.f_lineno}"
