"""Manners of every source file: size, name, docstring, nothing left half-done; no mirror in the lock file."""

import ast
import io
import re
import tokenize
import tomllib
from pathlib import Path

import pytest
from house_sources import ROOT, SRC, python_files

LIMIT = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "const", "consts", "misc"}
# Put together so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|NotImplemented" + r"Error)\b")
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org"}


def _ours() -> list[Path]:
    return [*python_files(), *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "tools").rglob("*.py"))]


def _named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_files_are_short() -> None:
    long = [p for p in _ours() if len(p.read_text(encoding="utf-8").splitlines()) > LIMIT]
    assert _named(long) == []


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    assert _named([p for p in _ours() if p.stem.strip("_") in FORBIDDEN_NAMES]) == []
    assert _named([p for p in SRC.rglob("*") if p.is_dir() and p.name in FORBIDDEN_NAMES]) == []


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _ours()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["# TO" + "DO: later", "raise NotImplemented" + "Error", "x = 1  # FIX" + "ME"]
)
def test_unfinished_work_is_recognised(line: str) -> None:
    assert UNFINISHED.search(line)


def test_every_module_says_what_it_is() -> None:
    assert _named([p for p in _ours() if not _says(p.read_text(encoding="utf-8"))]) == []


def _says(source: str) -> bool:
    """Whether it begins with a text: its first words are read, and not the whole file."""
    between = (tokenize.COMMENT, tokenize.NL)
    words = (one for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type not in between)
    first, second = next(words), next(words, None)
    return (
        first.type == tokenize.STRING
        and second is not None
        and second.type == tokenize.NEWLINE
        and bool(ast.get_docstring(ast.parse(first.string)))
    )


@pytest.mark.parametrize(
    ("source", "good"),
    [
        ('# who\n\n"""What it is."""\nx = 1\n', True),
        ("'What it is.'", True),
        ("", False),
        ("# What it is.\n", False),
        ('""" """\n', False),
        ('b"What it is."\n', False),
        ('x = """What it is."""\n', False),
        ('"""What""".strip()\n', False),
    ],
)
def test_a_module_that_says_nothing_is_recognised(source: str, good: bool) -> None:
    assert _says(source) is good


def test_the_lock_names_only_public_registries() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\"]+)", text))
    assert hosts and hosts <= PUBLIC_HOSTS


def test_the_lock_knows_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"] for package in lock["package"]}
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=!~; ]", line)[0].lower().replace(".", "-").replace("_", "-") for line in asked}
    assert names - locked == set(), "run `make lock`"
