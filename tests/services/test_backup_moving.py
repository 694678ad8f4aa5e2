"""Moving the server: killed at any moment, either the old one serves or the new one can, never both, and nothing is lost."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel import control, maintenance, moved
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.app import House
from praxisd.kernel.config import load
from praxisd.services.backups.moving import (
    arriving,
    checks,
    leaving,
    operations,
    returning,
    steps,
    tickets,
)
from praxisd.testing.postgres import PostgresServer

from .backup_moving_cast import WHO, filled, into, opened, out, refused, rows, serves, undo


@pytest.fixture
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The old data folder; `param` is the engine."""
    engine = getattr(request, "param", "sqlite")
    return filled(
        request.getfixturevalue("sqlite_houses" if engine == "sqlite" else "postgres_houses"), tmp_path
    )


@pytest.fixture
def empty_url(old: Path, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the new computer's database comes, if the old one is a PostgreSQL."""
    if "database_url" not in (old / "praxisd.toml").read_text():
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop_database(url)


both = pytest.mark.parametrize("old", ["sqlite", "postgresql"], indirect=True)


@both
def test_moved_the_new_one_has_all_and_the_old_one_refuses(
    old: Path, empty_url: str | None, tmp_path: Path
) -> None:
    before = rows(old)
    assert serves(old)
    out(old, tmp_path / "usb")
    assert not serves(old)
    told = into(tmp_path / "usb", tmp_path / "new", empty_url)
    new = tmp_path / "new"
    assert rows(new) == before and serves(new) and not serves(old)
    assert (new / "vault.key").read_bytes() == (tmp_path / "secret" / "vault.key").read_bytes()
    assert (new / "products" / "own.toml").read_text() == "# ours\n"
    config = load(None, new)
    assert config.instance == "alt" and config.vault_key is None and config.database_url == empty_url
    assert [one["step"] for one in told["arrival"]["steps"]] == ["service", "firewall", "exclusions", "old"]
    refused(lambda: into(tmp_path / "usb", tmp_path / "third"), tickets.TAKEN)
    assert refused(lambda: undo(old), returning.BEGUN).params["host"]
    assert not serves(old) and serves(new)


@both
def test_back_again_as_long_as_nobody_moved_in(old: Path, tmp_path: Path) -> None:
    out(old, tmp_path / "usb")
    refused(lambda: out(old, tmp_path / "usb2"), leaving.ALREADY)
    undo(old)
    assert serves(old)
    refused(lambda: into(tmp_path / "usb", tmp_path / "new", "postgresql://nowhere/x"), tickets.NO_TICKET)
    assert not (tmp_path / "new" / "praxisd.db").exists()
    out(old, tmp_path / "usb")  # and once more, into the same folder
    assert not serves(old) and tickets.read(tmp_path / "usb" / "praxisd")


def test_back_again_asks_where_the_copy_is_not_there(old: Path, tmp_path: Path) -> None:
    out(old, tmp_path / "usb")
    shutil.move(tmp_path / "usb", tmp_path / "elsewhere")
    refused(lambda: undo(old), returning.ASKS)
    assert not serves(old)
    with opened(old) as house:
        returning.undo(house, WHO, sure=True)
    assert serves(old)
    refused(lambda: undo(old), returning.NOT_MOVED)


def test_a_copy_that_fails_leaves_the_old_one_at_work(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "usb" / "praxisd").mkdir(parents=True)
    refused(lambda: out(old, tmp_path / "usb"), "backups.snapshot_foreign")
    assert serves(old)
    (tmp_path / "usb" / "praxisd").rmdir()
    monkeypatch.setattr(tickets, "put_json", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    refused(lambda: out(old, tmp_path / "usb"), "backups.snapshot_target")
    assert moved.mark(old) is None and serves(old)
    refused(lambda: into(tmp_path / "usb", tmp_path / "new"), tickets.NO_TICKET)


def test_a_copy_that_vanished_in_the_last_step_decides_once_it_is_back(old: Path, tmp_path: Path) -> None:
    """Whether it has its ticket cannot be seen: nobody serves until it can."""
    assert killed(lambda: out(old, tmp_path / "usb"), NEVER, at="put_json") == 0
    assert moved.mark(old)["state"] == moved.LEAVING  # type: ignore[index]
    shutil.move(tmp_path / "usb", tmp_path / "pulled")
    refused(lambda: moved.refuse(old), "control.moved_unsure")
    shutil.move(tmp_path / "pulled", tmp_path / "usb")
    assert serves(old) and moved.mark(old) is None


def test_a_damaged_copy_is_not_moved_into(old: Path, tmp_path: Path) -> None:
    out(old, tmp_path / "usb")
    path = next((tmp_path / "usb" / "praxisd" / "database").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused(lambda: into(tmp_path / "usb", tmp_path / "new"), tickets.DAMAGED)
    assert not (tmp_path / "new").exists()
    manifest = tmp_path / "usb" / "praxisd" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"instance": "other"}))
    refused(lambda: into(tmp_path / "usb", tmp_path / "new"), tickets.DAMAGED)


def test_only_an_empty_folder_is_moved_into(old: Path, tmp_path: Path) -> None:
    out(old, tmp_path / "usb")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "diary.txt").write_text("mine")
    refused(lambda: into(tmp_path / "usb", tmp_path / "new"), arriving.NOT_EMPTY)
    assert (tmp_path / "new" / "diary.txt").read_text() == "mine" and not moved.mark(tmp_path / "new")
    refused(lambda: into(tmp_path / "usb", old), arriving.NOT_EMPTY)
    refused(
        lambda: into(tmp_path / "usb", tmp_path / "fresh", "postgresql://x/y"), "backups.move_database_other"
    )


def killed(work: Callable[[], object], after: int, *, marked: bool = False, at: str = "") -> int:
    """Run it in a process of its own that is killed right before its `after`-th change on the disk,
    of all or of those since the folder was `marked` first.

    With `at` it is killed when that function of `tickets` is called. Answers 0, or if it got through how many changes it made.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with os.fdopen(reader) as told:
            said = told.read()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said
        return int(said)
    try:
        count, counting = [0], [not marked]
        real_mark = moved.put_mark

        def mark(*args: Any, **more: Any) -> None:
            counting[0] = True
            real_mark(*args, **more)

        moved.put_mark = mark
        real_write = os.write

        def die() -> None:
            real_write(writer, b"0")
            os._exit(0)

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any, **more: Any) -> Any:
                count[0] += counting[0]
                if counting[0] and count[0] == after:
                    die()
                return real(*args, **more)

            return call

        for name in ("replace", "rename", "unlink", "fsync", "mkdir"):
            setattr(os, name, counted(getattr(os, name)))
        if at:
            setattr(tickets, at, lambda *_args: die())
        work()
        real_write(writer, str(count[0]).encode())
        os._exit(0)
    except BaseException as error:  # told to whoever reads the failed test
        os.write(writer, repr(error).encode())
    finally:
        os._exit(1)


NEVER = 1_000_000


@both
def test_killed_while_moving_out(old: Path, empty_url: str | None, tmp_path: Path) -> None:
    """Whoever may not serve, the other one may, with the same data: at some points of the copy, and at each from the mark on."""
    before, usb, new = rows(old), tmp_path / "usb", tmp_path / "new"
    for point in (1, 12, 40):
        assert killed(lambda: out(old, usb), point) == 0
        assert serves(old)
    for point in range(1, 40):
        killed(lambda: out(old, usb), point, marked=True)
        if not serves(old):
            break
        assert not tickets.read(usb / "praxisd")
        refused(lambda: into(usb, new, empty_url), tickets.NO_TICKET)
    assert 3 < point < 39, "from one point on it has moved"
    ticket = tickets.read(usb / "praxisd")
    assert ticket is not None and not ticket["claimed"]
    into(usb, new, empty_url)
    assert rows(new) == before


@both
def test_killed_while_moving_in(old: Path, empty_url: str | None, tmp_path: Path) -> None:
    """The old one refuses all the time; the new one until it is complete, and is completed by the same command."""
    before, usb, new = rows(old), tmp_path / "usb", tmp_path / "new"
    out(old, usb)
    assert killed(lambda: arriving.arrive(usb, new, empty_url, again=False), 1) == 0
    done = False
    for point in [*range(2, 14), *range(14, 40, 4)]:
        done = killed(lambda: into(usb, new, empty_url), point) > 0 or (
            (new / "praxisd.toml").exists() and not moved.mark(new)
        )
        if done:
            break
        if moved.mark(new):
            refused(lambda: moved.refuse(new), "control.moving_in")
            refused(lambda: command(new), "control.moving_in")
        else:
            assert not (new / "vault.key").exists()
    if not done:
        into(usb, new, empty_url)
    assert serves(new) and rows(new) == before and not serves(old)


def command(folder: Path) -> None:
    """What a command does that knows nothing of moves."""
    control.run(folder, "kernel.doctor", {}, lambda: pytest.fail("opened"))


def test_killed_while_coming_back(old: Path, tmp_path: Path) -> None:
    before, usb = rows(old), tmp_path / "usb"
    out(old, usb)
    for point in range(1, 40):
        if killed(lambda: undo(old), point) or not moved.mark(old):
            break
        assert not serves(old)
    assert point > 1 and serves(old) and rows(old) == before
    refused(lambda: into(usb, tmp_path / "new"), tickets.NO_TICKET)


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)
def test_other_nodes_write_nothing_more_and_learn_why(old: Path, tmp_path: Path) -> None:
    """A node with a folder of its own on the same database: what it wants to write is refused, and its next start too."""
    other = tmp_path / "other"
    shutil.copytree(old, other)
    with opened(other) as node:
        out(old, tmp_path / "usb")
        with (
            pytest.raises(Exception, match="moved to another computer"),
            node.store.write(system("test", INSTALLATION)) as tx,
        ):
            tx.raw("UPDATE directory_organization SET organization = 'lost'")
        with node.store.read(system("test")) as tx:
            assert tx.raw("SELECT count(*) FROM directory_organization").fetchone()[0] == 1
    assert not serves(other)
    undo(old)
    assert serves(other) and serves(old)


def test_a_server_at_work_is_moved_in_the_background(old: Path, tmp_path: Path) -> None:
    """Nothing is written from the copy on until the program ends; who asks sees how far it is."""
    with opened(old) as house:
        ended: list[bool] = []

        def end(_house: House) -> None:
            with house.store.read(system("test")) as tx:
                ended.append(maintenance.state(tx) is not None)

        house.shared[leaving.END] = end
        house.shared["worker"] = None
        assert operations.out(house, {"to": str(tmp_path / "usb"), "lang": "en"})["state"] in (
            "running",
            "left",
        )
        for _ in range(600):
            found = operations.status(house, {})
            if found["state"] != "running":
                break
            time.sleep(0.1)
        assert (found["state"], found["step"], ended) == ("left", "end", [True])
    assert not serves(old)


def test_steps_are_ticked_by_a_person_or_seen_to_be_done(old: Path, tmp_path: Path) -> None:
    out(old, tmp_path / "usb")
    into(tmp_path / "usb", tmp_path / "new")
    with opened(tmp_path / "new") as house:
        codes = [one.code for one in checks.after_move(house)]
        assert codes == [f"backups.moved_{one}" for one in ("service", "firewall", "exclusions", "old")]
        fix = next(one for one in checks.FIXES if one.code == "backups.moved_firewall")
        fix.call(house, WHO, "", {})
        assert "backups.moved_firewall" not in [one.code for one in checks.after_move(house)]
        steps.tick(house, WHO, "firewall", done=False, by="")
        assert "backups.moved_firewall" in [one.code for one in checks.after_move(house)]
        refused(lambda: steps.tick(house, WHO, "seats", done=True, by=""), steps.UNKNOWN)
        made = operations.paper(house, {"file": str(tmp_path / "list.pdf")})
        assert Path(made["file"]).read_bytes().startswith(b"%PDF")
