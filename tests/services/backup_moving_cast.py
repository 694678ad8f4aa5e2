"""A practice that moves: its old data folder, and what is asked of both sides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from praxisd import main
from praxisd.kernel import maintenance, moved
from praxisd.kernel.access import INSTALLATION, Actor, Kind, system
from praxisd.kernel.app import House, open_house
from praxisd.kernel.config import load
from praxisd.kernel.errors import Problem
from praxisd.services.backups.moving import arriving, leaving, operations, returning
from praxisd.testing.houses import Houses, registry_of
from praxisd.testing.practice import small_practice

WHO = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


@contextmanager
def opened(folder: Path, *, migrate: bool = False) -> Iterator[House]:
    """The house of a data folder, as a command opens it."""
    house = open_house(folder, registry_of(None), load(None, folder), migrate=migrate)
    try:
        yield main.wire(house)
    finally:
        house.store.close()


def serves(folder: Path) -> bool:
    """Would a server start here? It does all that a start does before the doors open."""
    try:
        moved.refuse(folder)
        with opened(folder) as house:
            main.before_serving(house)
            with house.store.read(system("test")) as tx:
                assert maintenance.state(tx) is None
            house.store.run(
                system("test", INSTALLATION),
                lambda tx: tx.raw("UPDATE directory_organization SET organization = organization"),
            )
    except Problem as problem:
        assert problem.code in ("control.moved", "control.moving_in"), problem.code
        return False
    return True


def out(folder: Path, to: Path) -> None:
    with opened(folder) as house:
        leaving.check(house, to)
        leaving.leave(house, to, WHO, leaving.Way(str(to), 0))


def into(copy: Path, folder: Path, url: str | None = None, password: str | None = None) -> dict[str, Any]:
    brought = arriving.arrive(copy, folder, url, again=False, password=password)
    with opened(folder, migrate=True) as house:
        return operations.arrive(house, {"told": brought.told, "lang": "de"})


def undo(folder: Path) -> None:
    with opened(folder) as house:
        returning.undo(house, WHO, sure=False)


def rows(folder: Path) -> dict[str, list[Any]]:
    """What people would miss."""
    tables = (
        "directory_patient",
        "directory_organization",
        "calendar_schedule",
        "calendar_service",
        "accounts_key",
    )
    with opened(folder) as house, house.store.read(system("test")) as tx:
        return {one: sorted(map(str, tx.raw(f"SELECT * FROM {one}").fetchall())) for one in tables}


def refused(call: Callable[[], object], code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def filled(houses: Houses, top: Path) -> Path:
    """The data folder of a practice that has worked for a while, its vault's key elsewhere."""
    key = top / "secret" / "vault.key"
    key.parent.mkdir(mode=0o700)
    house = houses.open(vault_key=str(key), instance="alt")
    small_practice(house)
    folder, url = house.folder, house.config.database_url
    house.stop()
    text = f'vault_key = "{key}"\ninstance = "alt"\n' + (f'database_url = "{url}"\n' if url else "")
    (folder / "praxisd.toml").write_text(text + "[settings]\n")
    (folder / "products").mkdir()
    (folder / "products" / "own.toml").write_text("# ours\n")
    return folder
