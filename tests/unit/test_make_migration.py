"""The tool that writes migrations: what it writes is formatted and bare of Alembic's remarks; faults are one line."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from praxisd.testing import make_migration


def test_what_it_writes_is_formatted_and_without_remarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trial_rooms").mkdir()
    (tmp_path / "trial_rooms" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    tables = sa.MetaData()
    sa.Table("rooms_room", tables, sa.Column("id", sa.Text, primary_key=True), sa.Column("name", sa.Text))
    monkeypatch.setattr(make_migration, "METADATA", tables)
    path = make_migration.make("rooms", "trial_rooms", "First tables")
    text = path.read_text(encoding="utf-8")
    assert path.name == "0001_first_tables.py" and 'revision = "rooms_0001"' in text
    assert "create_table" in text and "#" not in text
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", str(path)], capture_output=True)
    assert done.returncode == 0, done.stdout
    with pytest.raises(ValueError, match="have not changed"):
        make_migration.make("rooms", "trial_rooms", "Again")


@pytest.mark.parametrize(
    ("service", "said"), [("nowhere", "praxisd.services.nowhere"), ("calendar", "have not changed")]
)
def test_a_fault_is_one_line(capsys: pytest.CaptureFixture[str], service: str, said: str) -> None:
    assert make_migration.main([service, "Words"]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and said in shown.err and len(shown.err.splitlines()) == 1
