"""The repository itself: its documents are true, and it names no machine but the reader's."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source_tree import ROOT

# Written in pieces, so that this file does not contain what it looks for.
FORBIDDEN = {
    "a path of somebody's machine": r"/(?:home|Users)/\w|/" + r"root/|/tmp" + r"/env\b",
    "a path of software on it": "/opt" + r"/\w",
    "a path of the place of work": "/" + r"work/(?:main|shared|steering|\.)",
    "the host of a package registry": r"pypi" + r"\.org|pythonhosted" + r"\.org|npmjs" + r"\.",
}

GENERATED = {"__pycache__", "build", "dist", "site", "node_modules"}


def tracked_files() -> list[Path]:
    """The files of the repository; those of the tree, where it is no git checkout."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        paths = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(
                part in GENERATED or part.endswith(".egg-info") or part.startswith(".")
                for part in path.relative_to(ROOT).parts
            )
        ]
    return [path for path in paths if path.is_file()]


def forbidden_lines(text: str) -> list[str]:
    return [
        f"line {number} names {what}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FORBIDDEN.items()
        if re.search(pattern, line)
    ]


def test_no_file_names_a_machine_or_a_registry() -> None:
    files = tracked_files()
    assert ROOT / "pyproject.toml" in files
    found = []
    for path in files:
        data = path.read_bytes()
        if b"\0" not in data:
            text = data.decode("utf-8", "replace")
            found += [f"{path.relative_to(ROOT)}, {line}" for line in forbidden_lines(text)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "open('/ho" + "me/ann/data')",
        "/ro" + "ot/.cache",
        "/tmp/e" + "nv/bin/python",
        "/wo" + "rk/main/x",
        "/op" + "t/tools",
        "https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org",
        "registry.npm" + "js.org",
    ],
)
def test_the_search_finds(line: str) -> None:
    (found,) = forbidden_lines(f"fine\n{line}\n")
    assert found.startswith("line 2 names ")


@pytest.mark.parametrize("line", ["/tmp/data", "the root/leaf", "work/main.py", "PyPI", "/homes"])
def test_the_search_spares(line: str) -> None:
    assert forbidden_lines(line) == []


# Documents.

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.*?)\s*#*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def broken_links(document: Path) -> list[str]:
    """The links to a file or a heading that is not there; links to other hosts are not tried."""
    found = []
    for link in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        if not target.exists():
            found.append(f"{link}: there is no {file}")
        elif anchor and anchor not in anchors(target.read_text()):
            found.append(f"{link}: no heading of that name")
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(document: Path) -> None:
    found = broken_links(document)
    assert not found, "\n" + "\n".join(found)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A b, c!\n```\n# no heading\n```\n")
    document = tmp_path / "document.md"
    document.write_text(
        "[good](there.md) [good](there.md#a-b-c) [far](https://example.com) [here](#title)\n"
        "[bad](nowhere.md) ![bad](image.png 'x') [bad](there.md#no-heading)\n"
        "```\n[code](nothing)\n```\n# Title\n"
    )
    links = [text.partition(":")[0] for text in broken_links(document)]
    assert links == ["nowhere.md", "there.md#no-heading"]


# What minitf's own processes tell one another.
INTERNAL_SETTINGS = {"MINITF_LIFELINE", "MINITF_NODE"}


def test_the_table_of_settings_has_them_all() -> None:
    read = {
        name
        for path in (ROOT / "minitf").rglob("*.py")
        for name in re.findall(r"\bMINITF_[A-Z_]+\b", path.read_text())
    }
    home = (ROOT / "docs" / "index.md").read_text()
    shown = re.findall(r"^\| `(MINITF_[A-Z_]+)=", home, re.MULTILINE)
    assert sorted(shown) == sorted(read - INTERNAL_SETTINGS)


def wrong_block(code: str, expected: str | None) -> str:
    """What goes wrong when a block of a document runs in a fresh Python; empty where nothing does.

    A block with prompts is a doctest; any other is a script, and prints the block that follows it
    if that is a `text` block.
    """
    checker, options = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if ">>>" in code:
        program = (
            "import doctest, sys\n"
            f"test = doctest.DocTestParser().get_doctest({code!r}, {{}}, 'document', None, 0)\n"
            f"sys.exit(doctest.DocTestRunner(optionflags={options}).run(test).failed)\n"
        )
        expected = None
    else:
        program = code
    run = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", program],
        cwd=ROOT,
        env={**os.environ, "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if run.returncode:
        return run.stdout + run.stderr
    if expected is not None and not checker.check_output(expected, run.stdout, options):
        return f"expected:\n{expected}\ngot:\n{run.stdout}"
    return ""


def blocks(text: str) -> list[tuple[str, str | None]]:
    """The Python blocks, each with the text block that follows it, if one does."""
    found = FENCE.findall(text)
    following = [*found[1:], ("", "")]
    return [
        (code, after if after_kind == "text" else None)
        for (kind, code), (after_kind, after) in zip(found, following)
        if kind == "python"
    ]


EXAMPLES = [
    pytest.param(*block, id=f"{name}:{number}")
    for name, path in zip(NAMES, DOCUMENTS)
    for number, block in enumerate(blocks(path.read_text()), 1)
]


@pytest.mark.parametrize(("code", "expected"), EXAMPLES)
def test_examples_of_the_documents_run(code: str, expected: str | None) -> None:
    problem = wrong_block(code, expected)
    assert not problem, f"\n{code}\n{problem}"


def test_a_wrong_example_is_found() -> None:
    text = "```python\n>>> 1 + 1\n3\n```\n```python\nprint(1)\n```\ngives\n```text\n2\n```\n"
    first, second = blocks(text)
    assert "Expected:\n    3" in wrong_block(*first)
    assert wrong_block(*second) == "expected:\n2\n\ngot:\n1\n"
    assert wrong_block("print(1.25)", "1...\n") == ""
    assert "ZeroDivisionError" in wrong_block("1 / 0", None)
