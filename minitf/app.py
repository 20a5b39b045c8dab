"""With this module one can start a script as TensorFlow 1.x scripts do: `tf.app.run()`.

import minitf as tf

tf.app.flags.DEFINE_integer("steps", 100, "How long to train.")

def main(argv):
    print(tf.app.flags.FLAGS.steps, argv)

if __name__ == "__main__":
    tf.app.run()
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minitf import flags as flags


def run(
    main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None
) -> NoReturn:
    """Parses the flags, calls `main` with what is left, and exits (mirrors `tf.app.run`).

    Args:
      main: called with the arguments that are no flags, known ones at least: the program's name
        first, then positional arguments and unknown flags in their order. By default the
        function `main` of the script.
      argv: the command line, the program's name first; `sys.argv` by default.

    Raises:
      SystemExit: always; with what `main` returned, so that None and 0 mean success. With 1
        after --help, which prints the script's flags, or --helpfull, which prints all.
      minitf.flags.Error: a flag's value is missing or not of the flag's type.
    """
    rest = flags.FLAGS(sys.argv if argv is None else argv, known_only=True)
    for argument in rest[1:]:
        if argument == "--":
            break
        if argument.startswith("-") and argument.lstrip("-") in ("help", "helpshort", "helpfull"):
            flags.print_help(rest[0], full=argument.endswith("full"))
            sys.exit(1)
    main = main or sys.modules["__main__"].main
    sys.exit(main(rest))
