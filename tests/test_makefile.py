"""The Makefile's own logic: when it makes the environment, when it installs, and what it refuses.

It runs in a copy of the project with a pretended Python, which notes what it is asked to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.source_tree import ROOT

PRETENDED_PYTHON = """#!/bin/sh
case "$*" in
    -V) echo "Python 3.9.1"; exit ;;
    *version_info*) exit "${OLD:-0}" ;;
    *ensurepip*) exit "${WITHOUT_VENV:-0}" ;;
esac
echo "$*" >> "$CALLS"
case "$*" in
    "-m venv "*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
    "-m pip "*) exit "${PIP_FAILS:-0}" ;;
esac
"""


class Project:
    """A copy of what the Makefile looks at, and the calls of the pretended Python so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        (folder / "minitf").mkdir()
        for name in ("Makefile", "pyproject.toml", "minitf/_version.py"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "python").write_text(PRETENDED_PYTHON)
        (folder / "python").chmod(0o755)

    def make(self, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("MAKE")
        }
        return subprocess.run(
            ["make", "PYTHON=./python", *args],
            cwd=self.folder,
            env={**variables, "CALLS": str(self.calls_file), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What Python was asked to do since this was last asked."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.unlink()
        return lines


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def installs(calls: list[str]) -> list[str]:
    return [call.rpartition(" ")[2] for call in calls if call.startswith("-m pip")]


def test_the_environment_is_made_once(project: Project) -> None:
    assert project.make("mnist", "ARGS=--epochs 1").returncode == 0
    venv, install, run = project.calls()
    assert venv == "-m venv --clear .venv"
    assert install.endswith(" -e .")
    assert run == "examples/04_mnist_cnn.py --epochs 1"
    assert project.make("mnist").returncode == 0
    assert project.calls() == ["examples/04_mnist_cnn.py"]


def test_the_tests_add_what_they_need_to_the_same_environment(project: Project) -> None:
    project.make("mnist")
    project.calls()
    assert project.make("test").returncode == 0
    install, run = project.calls()
    assert installs([install]) == [".[dev]"]
    assert run == "-m pytest -n 2"
    project.make("mnist")
    assert project.calls() == ["examples/04_mnist_cnn.py"]


@pytest.mark.parametrize("name", ["pyproject.toml", "minitf/_version.py"])
def test_it_installs_again_when_the_project_s_metadata_changes(name: str, project: Project) -> None:
    project.make("test")
    project.calls()
    later = time.time() + 5
    os.utime(project.folder / name, (later, later))
    project.make("test")
    calls = project.calls()
    assert installs(calls) == [".[dev]"]
    assert not any("venv" in call for call in calls)


def test_an_install_that_failed_is_done_again(project: Project) -> None:
    failed = project.make("test", PIP_FAILS="1")
    assert failed.returncode != 0
    assert not any("pytest" in call for call in project.calls())
    assert project.make("test").returncode == 0
    assert installs(project.calls()) == [".[dev]"]


def test_parity_has_an_environment_of_its_own(project: Project) -> None:
    assert project.make("parity").returncode == 0
    venv, install, run = project.calls()
    assert venv == "-m venv --clear .venv-parity"
    assert installs([install]) == [".[parity]"]
    assert "-m parity" in run
    assert project.make("side-by-side", "ARGS=--seeds 1").returncode == 0
    assert project.calls() == ["-m tests.parity.side_by_side --seeds 1"]
    assert not (project.folder / ".venv").exists()


@pytest.mark.parametrize(
    "target", ["mnist", "test", "lint", "parity", "side-by-side", "bench", "docs"]
)
def test_what_is_missing_is_said(target: str, project: Project) -> None:
    for arguments, environment, message in (
        (["PYTHON=./nowhere"], {}, "there is no './nowhere' on the PATH"),
        ([], {"OLD": "1"}, "minitf needs Python 3.10 or newer, and './python' is Python 3.9.1."),
        ([], {"WITHOUT_VENV": "1"}, "its venv module is missing"),
    ):
        run = project.make(target, *arguments, **environment)
        assert run.returncode != 0
        assert message in run.stderr
        assert project.calls() == []


def test_clean_removes_what_was_made(project: Project) -> None:
    (project.folder / "tests" / "__pycache__").mkdir(parents=True)
    before = sorted(project.folder.rglob("*.py"))
    project.make("test")
    project.make("bench")
    assert project.make("clean").returncode == 0
    left = {path.name for path in project.folder.iterdir()}
    assert not {".venv", ".venv-parity", ".venv-torch"} & left
    assert not (project.folder / "tests" / "__pycache__").exists()
    assert sorted(project.folder.rglob("*.py")) == before


def test_help_names_every_target(project: Project) -> None:
    text = project.make().stdout
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.partition(".PHONY: ")[2].partition("\n")[0].split()
    for target in phony:
        assert f"\n  {target} " in text
    assert project.calls() == []
