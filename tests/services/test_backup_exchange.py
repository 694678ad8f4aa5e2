"""praxisd's own data exchanged at a start: cut off at every step it ends as one whole, and one command leads back."""

import itertools
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.errors import Problem
from praxisd.services.backups.restoring import exchange
from praxisd.services.backups.restoring.exchange import Exchange
from praxisd.testing.engine_suite import picture
from praxisd_guard import durable

NOW = 1_795_420_800


class Killed(BaseException):
    """The end of the program in the middle."""


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [str(row[0]) for row in db.execute("SELECT word FROM one")]


def database(path: Path, word: str, *, wal: bool = False) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL" if wal else "PRAGMA journal_mode=DELETE")
    db.execute("CREATE TABLE IF NOT EXISTS one (word TEXT)")
    db.execute("INSERT INTO one VALUES (?)", (word,))
    if not wal:
        db.close()
    else:  # as a server that was killed leaves it: the row stands in the log alone
        copies = {one: one.read_bytes() for one in path.parent.glob(f"{path.name}*")}
        db.close()
        for one, data in copies.items():
            one.write_bytes(data)


def practice(top: Path) -> Path:
    """A data folder whose last row stands in the write-ahead log, and a state that lies ready beside."""
    folder = top / "data"
    new = folder / "backups" / "exchange" / "new"
    (new / "products").mkdir(parents=True)
    (folder / "products").mkdir()
    database(folder / "praxisd.db", "old", wal=True)
    database(new / "praxisd.db", "new")
    for name, text in (("vault.key", "key"), ("products/a.toml", "a"), ("praxis.lic", "licence")):
        (folder / name).write_text(f"old {text}")
        (new / name).write_text(f"new {text}")
    (folder / "products" / "later.toml").write_text("old later")
    (folder / "stays").write_text("stays")
    (new / "only in the state").write_text("new one")
    return folder


def ready(folder: Path) -> Exchange:
    new = folder / "backups" / "exchange" / "new"
    pairs: list[tuple[Path | None, Path]] = [
        (None, folder / f"praxisd.db{end}") for end in ("-wal", "-shm", "-journal")
    ]
    pairs += [
        (new / name, folder / name)
        for name in ("praxisd.db", "vault.key", "products", "praxis.lic", "only in the state")
    ]
    aside = exchange.before(folder, NOW)
    return exchange.prepare(
        folder,
        Exchange("state", "restore", "ready", "user:owner", NOW, NOW - 86_400, aside, exchange.items_of(folder, aside, pairs)),
    )  # fmt: skip


def settle(folder: Path, *, begin: bool = True) -> Exchange | None:
    return exchange.settle(folder, lambda: None, begin=begin)


def seen(folder: Path) -> dict[bytes, Any]:
    """All in the folder but what is the backups' own, and the companions that SQLite makes and takes away."""
    found = picture(folder)
    return {
        name: what for name, what in found.items()
        if not name.startswith(b"backups") and not name.endswith((b"-wal", b"-shm"))
    }  # fmt: skip


def is_new(folder: Path) -> bool:
    assert not (folder / "praxisd.db-wal").exists(), "a log of the old database beside the new one"
    words = {(folder / name).read_text()[:4] for name in ("vault.key", "products/a.toml", "praxis.lic")}
    return (
        words == {"new "}
        and rows(folder / "praxisd.db") == ["new"]
        and (folder / "only in the state").exists()
    )


def is_old(folder: Path) -> bool:
    words = {
        (folder / name).read_text()[:4]
        for name in ("vault.key", "products/a.toml", "praxis.lic", "products/later.toml")
    }
    return (
        words == {"old "}
        and rows(folder / "praxisd.db") == ["old"]
        and not (folder / "only in the state").exists()
    )


def test_there_and_back(tmp_path: Path) -> None:
    folder = practice(tmp_path)
    before = {name: what for name, what in picture(folder).items() if not name.startswith(b"backups")}
    assert settle(folder) is None, "nothing is ready"
    ready(folder)
    with pytest.raises(Problem) as caught:
        ready(folder)
    assert caught.value.code == exchange.PENDING
    assert settle(folder, begin=False) is None and is_old_now(folder, before), (
        "a command leaves it for the next start"
    )
    ended = settle(folder)
    assert ended is not None and (ended.phase, ended.kind) == ("done", "restore")
    assert is_new(folder) and (folder / "stays").read_text() == "stays"
    assert not (folder / "products" / "later.toml").exists()
    assert settle(folder) is None, "done once"
    assert not (folder / "backups" / "exchange" / "new").exists()

    database(folder / "praxisd.db", "worked on", wal=True)
    exchange.undo(folder, "cli", NOW)
    ended = settle(folder)
    assert ended is not None and (ended.phase, ended.kind) == ("done", "undo")
    assert is_old_now(folder, before), "to the byte, the log of the database too"
    assert is_old(folder)

    exchange.undo(folder, "cli", NOW + 1)
    assert settle(folder) is not None
    assert rows(folder / "praxisd.db") == ["new", "worked on"], (
        "and what was done in between comes back as well"
    )


def is_old_now(folder: Path, before: dict[bytes, Any]) -> bool:
    now = {name: what for name, what in picture(folder).items() if not name.startswith(b"backups")}
    return now == before


def test_taken_back_before_the_start(tmp_path: Path) -> None:
    folder = practice(tmp_path)
    ready(folder)
    exchange.cancel(folder)
    assert settle(folder) is None and is_old(folder)
    assert exchange.known(folder) is None and not (folder / "backups" / "exchange" / "new").exists()
    for missing in (lambda: exchange.cancel(folder), lambda: exchange.undo(folder, "cli", NOW)):
        with pytest.raises(Problem) as caught:
            missing()
        assert caught.value.code == exchange.NOTHING


def test_an_undo_that_is_taken_back_can_be_asked_for_again(tmp_path: Path) -> None:
    folder = practice(tmp_path)
    ready(folder)
    settle(folder)
    exchange.undo(folder, "cli", NOW)
    exchange.cancel(folder)
    assert is_new(folder)
    exchange.undo(folder, "cli", NOW)
    settle(folder)
    assert is_old(folder)


def cut(
    monkeypatch: pytest.MonkeyPatch, at: int, after: bool, error: Callable[[], BaseException]
) -> list[str]:
    """The n-th step on the disk ends the program, before or after it was done. The steps that were begun."""
    taken: list[str] = []

    def cutting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **more: Any) -> Any:
            taken.append(name)
            if len(taken) - 1 == at and not after:
                raise error()
            answer = call(*args, **more)
            if len(taken) - 1 == at:
                raise error()
            return answer

        return step

    monkeypatch.setattr(f"{exchange.__name__}.put", cutting("write", durable.put))
    monkeypatch.setattr(f"{exchange.__name__}.move", cutting("move", durable.move))
    return taken


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("way", ["restore", "undo"])
def test_cut_off_at_every_step(tmp_path: Path, way: str, after: bool) -> None:
    """A kill at each step, and another kill at each step of the start that takes it up: the end is always the whole new one."""
    number, tried = 0, 0
    while True:
        folder = practice(tmp_path / str(number))
        ready(folder)
        if way == "undo":
            settle(folder)
            exchange.undo(folder, "cli", NOW)
        with pytest.MonkeyPatch.context() as patch:
            taken = cut(patch, number, after, Killed)
            try:
                settle(folder)
            except Killed:
                tried += 1
            else:
                break
        assert len(taken) == number + 1
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, number % 5, not after, Killed)
            try:
                settle(folder)
            except Killed:
                tried += 1
        ended = settle(folder)
        last = exchange.known(folder)
        assert last is not None and last.phase == "done" and (ended is None or ended.phase == "done")
        assert (is_new if way == "restore" else is_old)(folder), (number, taken)
        number += 1
    assert tried > 15, "there were steps to be cut at"


def refusing(real: Callable[[Path, Path], None], number: int) -> Callable[[Path, Path], None]:
    """A disk that takes so many renames, refuses the next, and takes the others."""
    moves = itertools.count()

    def move(old: Path, new: Path) -> None:
        if next(moves) == number:
            raise OSError(28, "No space left on device")
        real(old, new)

    return move


def test_a_disk_that_refuses_leaves_all_as_it_was(tmp_path: Path) -> None:
    number = 0
    while True:
        folder = practice(tmp_path / str(number))
        ready(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"{exchange.__name__}.move", refusing(durable.move, number))
            ended = settle(folder)
        assert ended is not None
        if ended.phase == "done":
            break
        assert (ended.phase, ended.code) == ("failed", exchange.FAILED) and "No space" in ended.detail
        assert is_old(folder), number
        assert exchange.undoable(folder) is None
        number += 1
    assert number >= 8


def test_neither_on_nor_back(tmp_path: Path) -> None:
    """A disk that refuses everything: nothing is opened, and the next start goes on."""
    folder = practice(tmp_path)
    ready(folder)
    with pytest.MonkeyPatch.context() as patch:

        def refuse(_old: Path, new: Path) -> None:
            if new.name == "praxisd.db" or "praxisd.db" in new.name:
                raise OSError(30, "Read-only file system")
            durable.move(_old, new)

        patch.setattr(f"{exchange.__name__}.move", refuse)
        patch.setattr(f"{exchange.__name__}._back_all", lambda *_args: refuse(folder, folder / "praxisd.db"))
        with pytest.raises(Problem) as caught:
            settle(folder)
    assert (caught.value.code, caught.value.params["why"]) == (exchange.CUT, "Read-only file system")
    ended = settle(folder, begin=False)
    assert ended is not None and ended.phase == "done" and is_new(folder)


def test_data_that_lie_elsewhere(tmp_path: Path) -> None:
    """A database and a vault's key outside of the data folder, the key on another file system."""
    folder = practice(tmp_path)
    new = folder / "backups" / "exchange" / "new"
    far = Path(os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm") / f"praxisd-{os.getpid()}-vault"
    far.mkdir()
    try:
        (far / "vault.key").write_text("old key")
        aside = exchange.before(folder, NOW)
        items = exchange.items_of(folder, aside, [(new / "vault.key", far / "vault.key")])
        exchange.prepare(folder, Exchange("x", "restore", "ready", "cli", NOW, NOW, aside, items))
        settle(folder)
        assert (far / "vault.key").read_text() == "new key"
        exchange.undo(folder, "cli", NOW)
        settle(folder)
        assert (far / "vault.key").read_text() == "old key"
    finally:
        for one in far.iterdir():
            one.unlink()
        far.rmdir()


def test_a_journal_of_a_later_program_is_left_alone(tmp_path: Path) -> None:
    folder = practice(tmp_path)
    ready(folder)
    path = folder / "backups" / "exchange" / "journal.json"
    path.write_bytes(path.read_bytes().replace(b'"format":1', b'"format":2'))
    assert settle(folder) is None and is_old(folder)
