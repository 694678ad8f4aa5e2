"""What the tests of the publisher share: people with folders of their own, a practice that reads, a tree's fingerprint."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.updates import publish_keys
from praxisd.services.updates.publish_keys import Keyring
from praxisd.services.updates.publish_repository import Repository
from praxisd_guard.sources import FolderSource
from praxisd_guard.trust import Trust

TEAM = {
    "anna": ("root", "targets", "software"),
    "ben": ("root", "targets", "software"),
    "cleo": ("root", "targets"),
    "machine": ("snapshot", "timestamp"),
}
"""Who has keys for which roles, each in a folder of the same name."""


def team(folder: Path, extra: dict[str, Sequence[str]] | None = None) -> dict[str, Path]:
    """A folder of keys for each person."""
    for name, roles in {**TEAM, **(extra or {})}.items():
        publish_keys.make_all(folder / name, roles, name)
    return {name: folder / name for name in {**TEAM, **(extra or {})}}


def ring(people: dict[str, Path], *names: str) -> Keyring:
    """The keys of some of them."""
    return Keyring([people[name] for name in names])


def everyone(people: dict[str, Path]) -> Keyring:
    """The keys of all of them."""
    return Keyring(people.values())


def out(repository: Repository, people: dict[str, Path]) -> None:
    """All sign, and what waits is published."""
    repository.sign(everyone(people))
    assert repository.publish(everyone(people)).waiting == ()


def practice(repository: Repository, folder: Path, root: bytes | None = None, **more: Any) -> Trust:
    """A practice that trusts the first root, or `root`."""
    known = root or (repository.metadata / "1.root.json").read_bytes()
    return Trust(folder, known, FolderSource(repository.folder), **more)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its SHA-256; what is locked only counts as there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def data_file(path: Path, rows: int, first: str = "row") -> Path:
    """An SQLite file with so many rows."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY, word TEXT)")
    words = ((n, first + hashlib.sha256(str(n).encode()).hexdigest()) for n in range(rows))
    connection.executemany("INSERT INTO fact VALUES (?, ?)", words)
    connection.commit()
    connection.close()
    return path


def refused(code: str) -> Any:
    """`with refused("…") as caught`: a Problem of this code below `updates.publish_`."""
    return pytest.raises(Problem, check=lambda problem: problem.code == f"updates.publish_{code}")
