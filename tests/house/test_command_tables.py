"""Every column of a table that a command prints has its head in both languages: one without would end in a traceback."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import praxisd
from praxisd.kernel.texts import Texts

SOURCES = Path(praxisd.__file__).parent


def _columns() -> Iterator[tuple[str, str]]:
    """(file, column) of every call of `print_table` that names its columns where it stands, or one line above."""
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text()
        if "print_table" not in text:
            continue
        tree = ast.parse(text)
        named = {
            one.targets[0].id: one.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
        }
        for call in ast.walk(tree):
            if (
                not isinstance(call, ast.Call)
                or getattr(call.func, "id", "") != "print_table"
                or len(call.args) < 2
            ):
                continue
            given = call.args[1]
            if isinstance(given, ast.Name):
                given = named.get(given.id, given)
            if isinstance(given, ast.Tuple | ast.List):
                for one in given.elts:
                    if isinstance(one, ast.Constant):
                        yield str(path.relative_to(SOURCES)), str(one.value)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_column_of_a_commands_table_has_a_head(lang: str) -> None:
    found, texts = list(_columns()), Texts(["praxisd.kernel"])
    assert len(found) > 100
    assert [one for one in found if not texts.has(f"cli.column.{one[1]}", lang)] == []
