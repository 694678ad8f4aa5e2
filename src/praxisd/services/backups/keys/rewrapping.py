"""Letting a new password open a medium, and the old one not any more. May be cut off at every point.

The password is in the vault before a medium hears of it. On the medium it is added, tried, and noted; only when it and the
recovery key have opened the medium goes the old one. Whatever is cut off: one that we know opens the medium, and the next
call does the rest. restic lets each key open all states of a repository, also those written before (its "Design", Keys).
"""

import threading
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Secret, Wrap
from praxisd.services.backups import engine as codes
from praxisd.services.backups import store
from praxisd.services.backups.engine import Engine, EngineFault, Repo
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.keys.opening import opens, repo_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

THERE = "backups.repository_there"
_GATE = threading.Lock()
"""Two at once on one medium would add the same password twice."""


def set_up(house: "House", engine: Engine, place: str, medium: str) -> tuple[Repo, str]:
    """A new repository that the current password opens, and the recovery key; its id is the engine's.

    One that is left of a set-up that was cut off, empty and opened by the same password, is gone on with. EngineFault;
    Problem `backups.repository_there` (409) if states lie in it already.
    """
    with _GATE:
        secret, recovery = house.store.run(
            keeping.OWN, lambda tx: (keeping.current(house, tx), keeping.recovery(house, tx))
        )
        repo = Repo(place, keeping.text_of(house, secret))
        try:
            repository = engine.init(repo)
        except EngineFault as fault:
            if fault.code != codes.FAILED or opens(engine, repo) is None:
                raise
            if engine.snapshots(repo):
                raise Problem(THERE, 409) from None
            repository = engine.identity(repo)
        for one in (secret, recovery):
            _let_in(house, engine, repo, medium, one)
        return repo, repository


def rewrap(house: "House", engine: Engine, place: str, medium: str) -> bool:
    """Let the newest password and the newest recovery key open the medium, and then no older one; True if it had to.

    Where that is so already, it costs nothing: call it before each run. A medium that is held back or retired stays as it
    is, as does one on which nothing can be written: what opened it opens it. Problems as `repo_of`; EngineFault.
    """
    with house.store.read(keeping.OWN) as tx:
        kept = store.MEDIUM.get(tx, medium)
    if kept is not None and (kept.medium.held or kept.medium.retired):
        return False
    try:
        return move(house, engine, place, medium)
    except EngineFault as fault:
        if fault.code in (codes.READ_ONLY, codes.FULL):
            return False
        raise


def move(house: "House", engine: Engine, place: str, medium: str) -> bool:
    """As `rewrap`, but it raises for a medium on which nothing can be written."""
    with house.store.read(keeping.OWN) as tx:
        wanted = [one for one in (keeping.newest(tx), keeping.newest_recovery(tx)) if one is not None]
        noted = keeping.wraps(tx, medium)
    if _settled(engine.key_names(place), noted, wanted):
        return False
    with _GATE:
        _moved(house, engine, repo_of(house, place, medium), medium, wanted)
    return True


def adopt(house: "House", engine: Engine, repo: Repo, medium: str) -> None:
    """As `move`, by what a person typed (`repo`): for a medium that none of the passwords opens which the vault can read."""
    wanted = list(house.store.run(keeping.OWN, lambda tx: keeping.usable(house, tx)))
    with _GATE:
        _moved(house, engine, repo, medium, wanted)


def _moved(house: "House", engine: Engine, repo: Repo, medium: str, wanted: list[Secret]) -> None:
    kept = [_let_in(house, engine, repo, medium, one) for one in wanted]
    _let_out(house, engine, Repo(repo.place, keeping.text_of(house, wanted[0])), medium, kept)
    house.store.run(keeping.OWN, lambda tx: _end(tx, medium, wanted))


def _settled(there: tuple[str, ...] | None, noted: list[Wrap], wanted: list[Secret]) -> bool:
    same = {(one.kind, one.no) for one in noted} == {(one.kind, one.no) for one in wanted}
    return same and (there is None or all(any(_same(name, one.key) for name in there) for one in noted))


def _let_in(house: "House", engine: Engine, repo: Repo, medium: str, secret: Secret) -> str:
    """The engine's id of its key, which has opened the medium; added if it did not yet, and noted."""
    text = keeping.text_of(house, secret)
    key = opens(engine, Repo(repo.place, text))
    if key is None:
        engine.add_key(repo, text)
        key = opens(engine, Repo(repo.place, text))
    if key is None:
        raise EngineFault(codes.FAILED, "the new password does not open the repository")
    found = key
    house.store.run(keeping.OWN, lambda tx: keeping.wrapped(tx, medium, secret, found))
    return key


def _let_out(house: "House", engine: Engine, repo: Repo, medium: str, kept: list[str]) -> None:
    """Take away every older key of ours: those noted, and those that a cut-off change left without a note.

    A key that nobody of us made (a service partner's) stays.
    """
    with house.store.read(keeping.OWN) as tx:
        every = store.WRAP.by(tx, "medium", medium)
        former = [one for one in keeping.passwords(tx) + keeping.recovery_keys(tx) if one.until is not None]
    there = [one.id for one in engine.keys(repo) if not any(_same(one.id, key) for key in kept)]
    old = [one for one in every if not any(_same(one.key, key) for key in kept)]
    noted = [key for key in there if any(_same(key, one.key) for one in old)]
    strange = [key for key in there if key not in noted]
    for secret in former if strange else ():
        text = keeping.readable(house, secret)
        found = opens(engine, Repo(repo.place, text)) if text is not None else None
        noted += [key for key in strange if found is not None and _same(key, found) and key not in noted]
    for key in noted:
        engine.remove_key(repo, key)


def _end(tx: Tx, medium: str, wanted: list[Secret]) -> None:
    """What is not wanted any more opens it no longer."""
    for one in keeping.wraps(tx, medium):
        if (one.kind, one.no) not in {(other.kind, other.no) for other in wanted}:
            keeping.unwrapped(tx, one)


def _same(one: str, other: str) -> bool:
    """restic shows the first eight letters of an id, or all."""
    return bool(one and other) and (one.startswith(other) or other.startswith(one))
