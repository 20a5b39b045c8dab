"""With this module one can start a cluster from a terminal: `minitf cluster run train.py`."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from minitf._run_script import CannotRun
from minitf.distributed.launcher import tasks
from minitf.distributed.launcher.console import Console
from minitf.distributed.launcher.process import LocalEngine
from minitf.distributed.launcher.ray_engine import RayEngine, RayProblem
from minitf.distributed.launcher.supervise import Engine, Supervisor
from minitf.distributed.launcher.tasks import Task


def run(args: argparse.Namespace, script_args: list[str]) -> int:
    """Runs a cluster to its end; returns the exit code.

    Raises:
      CannotRun: if there is no such script, or no such engine.
    """
    source = _source(args.script, args.module)
    counts = {"ps": args.ps, "worker": args.workers}
    counts = {job: count for job, count in counts.items() if count}
    names = [f"{job} {index}" for job, count in counts.items() for index in range(count)]
    console = Console(names)
    if not tasks.asks_who_it_is(source, script_args):
        console.note(
            f"{args.script} neither has the flag --job_name nor reads TF_CONFIG: every process "
            "will do the same, unless an argument tells it apart: --role={job} --number={index}."
        )
    flags = tasks.flags_of(source)

    def command(task: Task) -> list[str]:
        module = ["-m"] if args.module else []
        words = task.arguments(script_args, flags)
        return ["-m", "minitf", "run", *module, args.script, *words]

    with _engine(args) as engine, _logs(args.logs, names) as also, _terminable():
        supervisor = Supervisor(
            engine,
            counts,
            command,
            console,
            restarts=args.restarts,
            grace=args.grace,
            also=also,
        )
        return supervisor.run()


def _source(script: str, is_module: bool) -> bytes:
    """The source of a script or module, as far as it is there to be looked into."""
    path = script
    if is_module:
        try:
            spec = importlib.util.find_spec(script)
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            raise CannotRun(f"there is no module named {script!r}.")
        path = spec.origin or ""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        if is_module:
            return b""
        raise CannotRun(f"{script!r} cannot be read: {error.strerror}.") from None


@contextlib.contextmanager
def _engine(args: argparse.Namespace) -> Iterator[Engine]:
    environment = _environment(args.host)
    engine: LocalEngine | RayEngine
    try:
        if args.engine == "ray":
            engine = RayEngine(environment, args.ray_address, args.restarts, args.cpus)
        else:
            engine = LocalEngine(environment)
        try:
            yield engine
        finally:
            engine.close()
    except RayProblem as error:
        raise CannotRun(str(error)) from None


def _environment(hosts: list[str]) -> Mapping[str, str]:
    """What all tasks get: a secret that only they know, and where hosts are that it names."""
    environment = {"MINITF_SECRET": os.environ.get("MINITF_SECRET") or secrets.token_hex(16)}
    if hosts:
        environment["MINITF_HOSTS"] = ",".join(hosts)
    return environment


@contextlib.contextmanager
def _logs(folder: str | None, names: list[str]) -> Iterator[Callable[[str, str], None] | None]:
    """What writes each task's lines to a file of its own, if that is wanted."""
    if folder is None:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            files = {
                name: stack.enter_context(
                    open(Path(folder) / f"{name.replace(' ', '-')}.log", "a", encoding="utf-8")
                )
                for name in names
            }
        except OSError as error:
            raise CannotRun(f"logs cannot be written to {folder!r}: {error.strerror}.") from None

        def write(name: str, text: str) -> None:
            files[name].write(text + "\n")
            files[name].flush()

        yield write


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Has SIGTERM and a closed terminal stop the cluster as Ctrl-C does."""

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)
