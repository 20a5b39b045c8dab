"""Generated source: kept in a file, found again, and compiled for what it is given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minitf.kernels import generated, jit

TEXT = '''"""Doubles numbers."""

from minitf.kernels.jit import jit


@jit
def double(start, stop, x, y):
    for i in range(start, stop):
        y[i] = x[i] + x[i]
'''

PROGRAM = f"""
import numpy as np
from minitf.kernels import generated
kernel = generated.kernel("double", '''{TEXT}''')
print(generated.is_kept(kernel))
kinds = [("int", None), ("int", None), ("read", "float32"), ("write", "float32")]
compiled = generated.compile_for(kernel, kinds)
x, y = np.ones(5, np.float32), np.zeros(5, np.float32)
compiled(0, 5, x, y)
print(y.tolist())
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(generated, "_loaded", {})
    return tmp_path / "minitf"


def test_the_source_is_in_a_file_named_by_what_it_says(folder: Path) -> None:
    kernel = generated.kernel("double", TEXT)
    (path,) = folder.iterdir()
    assert path.read_text() == TEXT and path.name.startswith("double_")
    assert generated.kernel("double", TEXT) is kernel
    generated.kernel("double", TEXT + "# another\n")
    assert len(list(folder.iterdir())) == 2


def test_a_damaged_file_is_written_anew(folder: Path) -> None:
    generated.kernel("double", TEXT)
    (path,) = folder.iterdir()
    path.write_text("half of")
    generated._loaded.clear()
    kernel = generated.kernel("double", TEXT)
    assert path.read_text() == TEXT
    y = [0.0]
    kernel.py_func(0, 1, [2.0], y)
    assert y == [4.0]


def test_without_a_place_for_files_it_works_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(generated, "_loaded", {})
    y = [0.0]
    generated.kernel("double", TEXT).py_func(0, 1, [2.0], y)
    assert y == [4.0]


@pytest.mark.skipif(not jit.available(), reason="needs Numba")
def test_a_later_process_finds_the_machine_code(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "MINITF_QUIET": "1"}
    command = [sys.executable, "-c", PROGRAM]
    outputs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    numbers = str([2.0] * 5)
    assert outputs == [f"False\n{numbers}\n", f"True\n{numbers}\n"]


@pytest.mark.skipif(not jit.available(), reason="needs Numba")
def test_arrays_of_other_kinds_are_refused(folder: Path) -> None:
    kinds: list[generated.Parameter] = [
        ("int", None),
        ("int", None),
        ("read", "float64"),
        ("write", "float64"),
    ]
    compiled = generated.compile_for(generated.kernel("double", TEXT), kinds)
    assert compiled is not None
    y = np.zeros(3)
    fixed = np.ones(3)
    fixed.flags.writeable = False
    compiled(0, 3, fixed, y)
    assert y.tolist() == [2.0] * 3
    with pytest.raises(TypeError):
        compiled(0, 3, np.ones(3, np.float32), y)
    with pytest.raises(TypeError):
        compiled(0, 3, y, fixed)
