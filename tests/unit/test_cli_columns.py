"""Each column that a command prints has a head in both languages: a missing one is a traceback in somebody's terminal."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import praxisd
from praxisd.kernel.texts import Texts

TOP = Path(praxisd.__file__).parent
FILES = sorted(one for one in TOP.rglob("*.py") if "print_table(" in one.read_text("utf-8"))


def _columns(tree: ast.Module) -> Iterator[str]:
    known = {
        target.id: one.value
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and getattr(call.func, "id", "") == "print_table"
            and len(call.args) > 1
        ):
            said = call.args[1]
            said = known.get(said.id, said) if isinstance(said, ast.Name) else said
            if isinstance(said, ast.Tuple | ast.List):
                yield from (str(one.value) for one in said.elts if isinstance(one, ast.Constant))


@pytest.mark.parametrize("path", FILES, ids=lambda one: str(one.relative_to(TOP)))
def test_each_column_has_a_head(path: Path) -> None:
    texts = Texts(["praxisd.kernel"])
    wanted = {f"cli.column.{one}" for one in _columns(ast.parse(path.read_text("utf-8")))}
    assert [one for one in sorted(wanted) for lang in ("de", "en") if not texts.has(one, lang)] == []


def test_columns_are_found_at_all() -> None:
    found = {
        one.parent.name: set(_columns(ast.parse(one.read_text("utf-8"))))
        for one in FILES
        if one.name == "cli.py"
    }
    assert {"rows", "files", "backupDay"} <= found["runs"]
