"""With this module one can use minitf from a terminal: `minitf run`, `minitf checkpoint`.

`python -m minitf` is the same program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from minitf._version import VERSION

_RUN_HELP = """\
Runs a TensorFlow 1 script as `python script.py` would, with one difference: `import tensorflow`
gives minitf. The file needs no change, and nothing outside this process is touched. What stands
after the script's name goes to the script.
"""

_RUN_EXAMPLES = """\
examples:
  minitf run mnist_softmax.py --data_dir MNIST_data
  minitf run -m tutorials.mnist.train --steps 1000
  minitf run --seeds tf1 script_of_a_book.py
"""

_CHECKPOINT_HELP = """\
Looks into the files that tf.train.Saver writes, minitf's or TensorFlow's. A checkpoint is named by
its prefix, by one of its files, or by its folder, for the latest one in it.
"""

_CHECKPOINT_EXAMPLES = """\
examples:
  minitf checkpoint show models/m-1000
  minitf checkpoint show models --stats --match dense
  minitf checkpoint verify models/*.index
  minitf checkpoint diff models/m-1000 models/m-2000
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 2 where the command line is wrong."""
    own_args, script_args = _split(sys.argv[1:] if argv is None else list(argv))
    parser = _parser()
    args = parser.parse_args(own_args)
    if args.command is None:
        parser.print_help()
        return 0
    # Late, so that `minitf --help` and a mistyped command answer at once.
    if args.command == "checkpoint":
        from minitf import _checkpoint_command

        return _checkpoint_command.run(args)
    from minitf import _run_script
    from minitf.framework.random_seed import set_seed_policy

    if args.seeds is not None:
        set_seed_policy(args.seeds)
    run = _run_script.run_module if args.module else _run_script.run_script
    try:
        return run(args.script, script_args)
    except _run_script.CannotRun as error:
        print(f"minitf: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minitf", description="The TensorFlow 1.x programming model on today's Python."
    )
    parser.add_argument("--version", action="version", version=f"minitf {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    run = commands.add_parser(
        "run",
        help="run a TensorFlow 1 script, unmodified, on minitf",
        usage="minitf run [-h] [-m] [--seeds {tf2,tf1}] script [args ...]",
        description=_RUN_HELP,
        epilog=_RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "-m", "--module", action="store_true", help="script is a module's name, as for python -m"
    )
    run.add_argument(
        "--seeds",
        choices=("tf2", "tf1"),
        help="how random ops without a seed get theirs: as in TensorFlow 2's compat.v1 (the "
        "default), or as in TensorFlow 1, where the number of nodes in the graph decided",
    )
    run.add_argument("script", help="the script, followed by its own arguments")
    _add_checkpoint(commands)
    return parser


def _add_checkpoint(commands: Any) -> None:
    parser = commands.add_parser(
        "checkpoint",
        help="show, verify or compare checkpoints",
        description=_CHECKPOINT_HELP,
        epilog=_CHECKPOINT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    show = actions.add_parser("show", help="list names, dtypes, shapes and sizes")
    show.add_argument("path", help="the checkpoint")
    show.add_argument("--stats", action="store_true", help="read the values: min, mean, max")
    show.add_argument("--match", default="", help="only names that contain this text")
    verify = actions.add_parser("verify", help="read everything and compare the checksums")
    verify.add_argument("paths", nargs="+", metavar="path", help="a checkpoint")
    diff = actions.add_parser("diff", help="say in what two checkpoints differ; exit code 1 if so")
    diff.add_argument("first", help="a checkpoint")
    diff.add_argument("second", help="another one")


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """The arguments up to the script's name, and the script's own, `--help` and `--` included.

    argparse would look for options of minitf among the latter.

    >>> _split(["run", "-m", "train", "--help"])
    (['run', '-m', 'train'], ['--help'])
    """
    values = {i + 1 for i, word in enumerate(argv) if word == "--seeds"}
    words = [
        i
        for i, word in enumerate(argv)
        if (not word.startswith("-") or word == "-") and i not in values
    ]
    if argv[:1] == ["run"] and len(words) > 1:
        return argv[: words[1] + 1], argv[words[1] + 1 :]
    return argv, []
