"""What can be given back: states of the media, and the names in them, folder by folder."""

import itertools
from collections.abc import Generator
from contextlib import closing
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import SnapshotKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import EngineFault, Entry
from praxisd.services.backups.keys import keyring
from praxisd.services.backups.plans import planning
from praxisd.services.backups.restoring import manifest, opening
from praxisd.services.backups.restoring.opening import Opened
from praxisd.services.backups.restoring.shapes import (
    Entries,
    EntryOut,
    PasswordOut,
    RootOut,
    SnapshotOut,
    Snapshots,
)
from praxisd.services.backups.sources import places

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def states(house: "House", tx: Tx, medium: str, *, most: int, before: int | None, gone: bool) -> Snapshots:
    """The newest states of a medium, or of all; `before` an instant to page on. Times are the practice's."""
    zone = planning.zone(house, tx)
    media = {one.medium.id: one.medium.label for one in store.MEDIUM.all(tx)}
    numbers = {one.no: one.since for one in store.SECRET.all(tx) if one.kind == "password"}
    found: list[SnapshotKept] = []
    while len(found) <= most:
        some = (
            store.SNAPSHOT.by(tx, "medium", medium, most=500, before=before)
            if medium
            else store.SNAPSHOT.newest(tx, 500, before=before)
        )
        found += [one for one in some if one.medium in media and (gone or one.gone is None)]
        if len(some) < 500:
            break
        before = some[-1].at
    while len(found) > most and found[most].at == found[most - 1].at:
        most += 1  # what was taken in the same second stays on one page: the next begins with an earlier one
    opens = {one: keyring.opened_by(tx, one) for one in {state.medium for state in found[:most]}}
    shown = tuple(_shown(one, media[one.medium], numbers, opens[one.medium], zone) for one in found[:most])
    more = found[most - 1].at if len(found) > most else None
    return Snapshots(shown, None if more is None else str(more))


def entries(house: "House", id: str, below: str, password: str, *, most: int, after: int) -> Entries:
    """What lies directly in a folder of a state; for "" what was backed up, by source. Problems as `opening.opened`."""
    found = opening.opened(house, id, password)
    try:
        if not below:
            return Entries(id, None, _roots(house, found), ())
        folder = opening.path(below).rstrip("/") or "/"
        with closing(_inside(found, folder)) as listed:
            some = list(itertools.islice(listed, after, after + most + 1))
    except EngineFault as fault:
        raise opening.problem(fault) from None
    more = str(after + most) if len(some) > most else None
    with house.store.read(opening.SYSTEM) as tx:
        zone = planning.zone(house, tx)
    return Entries(id, places.printable(folder), (), tuple(_entry(one, zone) for one in some[:most]), more)


def _roots(house: "House", found: Opened) -> tuple[RootOut, ...]:
    snapshot = manifest.of(found.engine, found.repo, found.kept.engine_id)
    if snapshot is None:
        raise opening.gone()
    told = manifest.read(
        found.engine, found.repo, snapshot, house.folder / "backups" / "look", lambda: house.stopping
    )
    return tuple(
        RootOut(
            one.name,
            one.kind,
            tuple(EntryOut(places.printable(path), opening.key(path), "folder", 0, None) for path in paths),
        )
        for one in told.sources
        for paths in [[manifest.listed(path) for path in one.paths]]
    )


def _inside(found: Opened, folder: str) -> Generator[Entry]:
    depth = folder.rstrip("/").count("/") + 1
    for one in found.engine.entries(found.repo, found.kept.engine_id, folder, deep=False):
        if one.path.count("/") == depth and one.path != folder:
            yield one


def _entry(one: Entry, zone: tzinfo) -> EntryOut:
    at = format_rfc3339(max(one.at, 0), zone)
    return EntryOut(places.printable(one.path), opening.key(one.path), one.kind, one.size, at)


def _shown(
    one: SnapshotKept, label: str, numbers: dict[int, int], opens: tuple[int, ...], zone: tzinfo
) -> SnapshotOut:
    """`opens`: what opens its medium now, and so every state on it; after a change that is another than when it was written."""

    def when(at: int | None) -> str | None:
        return None if at is None else format_rfc3339(at, zone)

    said: dict[str, Any] = {
        name: getattr(one, name) for name in ("id", "medium", "no", "good", "verified", "held")
    }
    return SnapshotOut(
        **said,
        label=label,
        at=format_rfc3339(one.at, zone),
        day=one.day,
        verified_at=when(one.verified_at),
        proven=when(one.proven),
        passwords=tuple(PasswordOut(no, when(numbers.get(no))) for no in opens or one.opened_by),
        bytes=one.figures.bytes,
        files=one.figures.files,
        gone=when(one.gone),
    )


def medium(tx: Tx, word: str) -> str:
    """The id of the medium with this id or label. `http.not_found`."""
    for one in store.MEDIUM.all(tx):
        if word == one.medium.id or word.casefold() == one.medium.label.casefold():
            return one.medium.id
    raise not_found("BackupMedium")
