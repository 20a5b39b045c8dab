"""With this module one can use minitf from a terminal: `minitf run`, `minitf draw`, ...

`python -m minitf` is the same program.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
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

_TRACE_HELP = """\
Runs a TensorFlow 1 script as `minitf run` does, and shows what its sessions did: how long each type
of operation took, and on request a page that replays a run node by node, with its values, or a
timeline. The page is written also when the script fails or is interrupted; with --runs it need not
train to its end first.
"""

_TRACE_EXAMPLES = """\
examples:
  minitf trace mnist_cnn.py
  minitf trace mnist_cnn.py --html cnn.html --runs 20
  minitf trace --html cnn.html --at 100 mnist_cnn.py --data_dir MNIST_data
  minitf trace --timeline steps.json mnist_cnn.py -- --html an_option_of_the_script
"""

_DRAW_HELP = """\
Draws the graph that a TensorFlow 1 script builds. The script runs as under `minitf run`, until it
asks a session for something other than initial values; then the picture is written.
"""

_DRAW_EXAMPLES = """\
examples:
  minitf draw mnist_cnn.py
  minitf draw --depth 2 --collapse gradients -o cnn.png mnist_cnn.py
  minitf draw --fetch accuracy/Mean --feed x mnist_cnn.py --data_dir MNIST_data
"""

_CLUSTER_HELP = """\
Runs a TensorFlow 1 script as the tasks of a cluster: parameter servers and workers. Each process
finds out which one it is from TF_CONFIG in its environment, and from the flags --job_name,
--task_index, --ps_hosts and --worker_hosts where the script has them. In the script's arguments,
{job}, {index}, {ps_hosts} and {worker_hosts} are filled in. The cluster is done when all workers
are; the parameter servers are stopped then.
"""

_CLUSTER_EXAMPLES = """\
examples:
  minitf cluster run --ps 1 --workers 2 mnist_replica.py --train_steps 200
  minitf cluster run --workers 3 --host pc-01=127.0.0.1 --host pc-02=127.0.0.2 example.py
  minitf cluster run --engine ray --workers 8 --restarts 3 train.py
"""

_DEBUG_HELP = """\
Runs a TensorFlow 1 script as `minitf run` does, and stops before each session.run: to run on node
by node, to see values, to find the first one that is infinite or not a number. `help` at the prompt
lists the commands. Commands may also come from a file or a pipe.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 2 where the command line is wrong."""
    parser = _parser()
    own_args, script_args = _split(parser, sys.argv[1:] if argv is None else list(argv))
    args = parser.parse_args(own_args)
    if args.command is None:
        parser.print_help()
        return 0
    # Late, so that `minitf --help` and a mistyped command answer at once.
    if args.command == "checkpoint":
        from minitf import _checkpoint_command

        return _checkpoint_command.run(args)
    from minitf import _run_script

    try:
        run = _run if args.command == "run" else import_module(_MODULES[args.command]).run
        code: int = run(args, script_args)
        return code
    except _run_script.CannotRun as error:
        print(f"minitf: {error}", file=sys.stderr)
        return 2


# Where the other commands are that run a script.
_MODULES = {
    "draw": "minitf.visualize.draw_command",
    "trace": "minitf.visualize.trace_command",
    "cluster": "minitf._cluster_command",
    "debug": "minitf.debug.command",
}


def _run(args: argparse.Namespace, script_args: list[str]) -> int:
    from minitf import _run_script
    from minitf.framework.random_seed import set_seed_policy

    if args.seeds is not None:
        set_seed_policy(args.seeds)
    if "MINITF_LIFELINE" in os.environ:  # `minitf cluster run` has started us
        from minitf.distributed.launcher import lifeline

        lifeline.hold()
    run = _run_script.run_module if args.module else _run_script.run_script
    return run(args.script, script_args)


class _Parser(argparse.ArgumentParser):
    """The parser of a command, which also knows what `_split` asks.

    Attributes:
      commands: the parsers of the commands below this one, by name.
      valued: the options that take a value.
      runs_script: whether the last argument is a script, which has arguments of its own.
    """

    def __init__(self, **settings: Any) -> None:
        self.commands: dict[str, _Parser] = {}
        self.valued: set[str] = set()
        self.runs_script = False
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # `_split` knows options by their whole names
            **settings,
        )

    def add_subparsers(self, **settings: Any) -> Any:
        """Makes room for commands below this one."""
        below = super().add_subparsers(**settings)
        self.commands = below.choices
        return below

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Adds an argument, as argparse does, and notes whether it is an option with a value."""
        action = super().add_argument(*names, **settings)
        if action.nargs != 0:
            self.valued.update(action.option_strings)
        return action

    def add_script(self, help: str = "the script, followed by its own arguments") -> None:
        """Adds the script that the command runs, after all options."""
        self.runs_script = True
        self.add_argument(
            "-m", "--module", action="store_true", help="script is a module's name, as in python -m"
        )
        self.add_argument("script", help=help)


def _parser() -> _Parser:
    parser = _Parser(
        prog="minitf", description="The TensorFlow 1.x programming model on today's Python."
    )
    parser.add_argument("--version", action="version", version=f"minitf {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_run(commands)
    _add_checkpoint(commands)
    _add_draw(commands)
    _add_trace(commands)
    _add_cluster(commands)
    _add_debug(commands)
    return parser


def _add_run(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="run a TensorFlow 1 script, unmodified, on minitf",
        usage="minitf run [-h] [-m] [--seeds {tf2,tf1}] script [args ...]",
        description=_RUN_HELP,
        epilog=_RUN_EXAMPLES,
    )
    parser.add_argument(
        "--seeds",
        choices=("tf2", "tf1"),
        help="how random ops without a seed get theirs: as in TensorFlow 2's compat.v1 (the "
        "default), or as in TensorFlow 1, where the number of nodes in the graph decided",
    )
    parser.add_script()


def _add_checkpoint(commands: Any) -> None:
    parser = commands.add_parser(
        "checkpoint",
        help="show, verify or compare checkpoints",
        description=_CHECKPOINT_HELP,
        epilog=_CHECKPOINT_EXAMPLES,
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


def _add_draw(commands: Any) -> None:
    parser = commands.add_parser(
        "draw",
        help="draw the graph that a script builds",
        usage="minitf draw [options] script [args ...]",
        description=_DRAW_HELP,
        epilog=_DRAW_EXAMPLES,
    )
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", help=".svg, .png, .pdf or .dot; SCRIPT.svg if not given")
    add("--depth", type=_depth, default=1, help="levels of name scopes to open (1), or 'all'")
    add("--expand", action="append", default=[], metavar="SCOPE", help="open this one further")
    add("--collapse", action="append", default=[], metavar="SCOPE", help="show as one box")
    add("--fetch", action="append", default=[], metavar="NAME", help="show what a run of it needs")
    add("--feed", action="append", default=[], metavar="NAME", help="... with this tensor fed")
    add("--by-device", action="store_true", help="colours tell devices apart")
    add("--initializers", action="store_true", help="draw what gives variables first values too")
    add("--direction", choices=("up", "down", "right", "left"), default="up", help="of the data")
    add("--whole", action="store_true", help="run the script to its end before drawing")
    parser.add_script()


def _add_trace(commands: Any) -> None:
    parser = commands.add_parser(
        "trace",
        help="run a script and show what its sessions do",
        usage="minitf trace [options] script [args ...]",
        description=_TRACE_HELP,
        epilog=_TRACE_EXAMPLES,
    )
    add = parser.add_argument
    add("--html", metavar="FILE", help="write a page that replays one run of each set of fetches")
    add("--at", type=_from(1), default=1, metavar="N", help="... the N-th run of each (1)")
    add("--runs", type=_from(1), metavar="N", help="end the script after N runs of its sessions")
    add("--timeline", metavar="FILE", help="write a timeline for the browser's trace viewer")
    parser.add_script("the script, followed by its own arguments; what stands after -- is its own")


def _add_cluster(commands: Any) -> None:
    parser = commands.add_parser("cluster", help="run a script as the tasks of a cluster")
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    parser = actions.add_parser(
        "run",
        help="run a script as the parameter servers and workers of a cluster",
        usage="minitf cluster run [options] script [args ...]",
        description=_CLUSTER_HELP,
        epilog=_CLUSTER_EXAMPLES,
    )
    add = parser.add_argument
    add("--ps", type=_from(0), default=1, metavar="N", help="parameter servers (1)")
    add("--workers", type=_from(1), default=2, metavar="N", help="workers (2)")
    add(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="processes of this machine (local), or actors of a Ray cluster",
    )
    add(
        "--ray-address",
        metavar="ADDRESS",
        help="of the Ray cluster; without it, the one that "
        "this machine belongs to, or else a new one on this machine",
    )
    add("--cpus", type=float, default=1.0, metavar="N", help="that Ray keeps for each task (1)")
    add("--restarts", type=_from(0), default=0, metavar="N", help="failures of tasks to bear (0)")
    add("--logs", metavar="FOLDER", help="write each task's lines to a file there, too")
    add(
        "--host",
        action="append",
        default=[],
        metavar="NAME=ADDRESS",
        type=_host,
        help="where a host is that the script names",
    )
    add(
        "--grace",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long tasks may take to end when they are told to (5)",
    )
    parser.add_script()


def _add_debug(commands: Any) -> None:
    parser = commands.add_parser(
        "debug",
        help="run a script and stop between the nodes of its graph",
        usage="minitf debug [-h] [-m] script [args ...]",
        description=_DEBUG_HELP,
        epilog="example:\n  minitf debug mnist_cnn.py --steps 10\n",
    )
    parser.add_script()


def _from(least: int) -> Callable[[str], int]:
    """What reads a number that is at least so large."""

    def number(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} on")
        return int(text)

    return number


def _host(text: str) -> str:
    name, equals, address = text.partition("=")
    if not (name and equals and address) or "," in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=ADDRESS, such as pc-01=127.0.0.1")
    return text


def _depth(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor 'all'")
    return int(text)


def _split(parser: _Parser, argv: list[str]) -> tuple[list[str], list[str]]:
    """The arguments up to the script's name, and the script's own, `--help` and `--` included.

    argparse would look for options of minitf among the latter.

    >>> _split(_parser(), ["run", "-m", "train", "--help"])
    (['run', '-m', 'train'], ['--help'])
    """
    depth = 0  # how many words name the command: two in `minitf cluster run script.py`
    while depth < len(argv) and argv[depth] in parser.commands:
        parser = parser.commands[argv[depth]]
        depth += 1
    values = {i + 1 for i, word in enumerate(argv) if word in parser.valued}
    script = next((i for i in range(depth, len(argv)) if _is_word(argv[i]) and i not in values), -1)
    if not parser.runs_script or script < 0:
        return argv, []
    own, rest = argv[: script + 1], argv[script + 1 :]
    return _reclaimed(own, rest, parser.valued) if argv[0] == "trace" else (own, rest)


def _is_word(argument: str) -> bool:
    return not argument.startswith("-") or argument == "-"


def _reclaimed(own: list[str], rest: list[str], options: set[str]) -> tuple[list[str], list[str]]:
    """Takes options of `minitf trace` that stand behind the script, where one tends to add them.

    >>> _reclaimed(["trace", "cnn.py"], ["--epochs", "1", "--html", "cnn.html"], {"--html"})
    (['trace', 'cnn.py', '--html', 'cnn.html'], ['--epochs', '1'])
    """
    end = rest.index("--") if "--" in rest else len(rest)
    kept: list[str] = []
    taken: list[str] = []
    words = iter(rest[:end])
    for word in words:
        if word in options:
            taken += [word, *[value for value in [next(words, None)] if value is not None]]
        elif word.partition("=")[0] in options:
            taken.append(word)
        else:
            kept.append(word)
    return own + taken, kept + rest[end + 1 :]
