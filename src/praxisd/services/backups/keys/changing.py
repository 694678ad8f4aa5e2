"""A new password, or a new recovery key, and at once onto every medium that is there now.

It is in the vault before any medium hears of it; who is away gets it when it is back (`rewrapping`). So a change never waits
for a medium, and never fails because of one. A door waits `PATIENCE_S` for those that are there, then it is gone on with behind
it; what is cut off there, by a stop perhaps, the next run does.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.backup import Identity
from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import media_rules, store
from praxisd.services.backups.engine import LOCKED, READ_ONLY, EngineFault
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.keys import keeping
from praxisd.services.backups.keys.opening import LATER, repo_by, repo_of
from praxisd.services.backups.keys.rewrapping import adopt, move
from praxisd.services.backups.plans import drives, looking, media, planning
from praxisd_guard import durable

if TYPE_CHECKING:
    from praxisd.kernel.app import House

WEAK, UNDER_WAY = "backups.password_weak", "backups.key_under_way"
PATIENCE_S = 8.0
"""So long a door waits for all media: a busy NAS takes minutes. Seconds."""
LEAST, MOST = 12, 200
What = Literal["password", "recovery"]
MOVED = "backup_key.moved"


class Reached(msgspec.Struct, frozen=True, rename="camel"):
    """A medium that is there: `code` "" if it has the new password now, else why not yet."""

    medium: str
    label: str
    code: str = ""


def change(
    house: "House", actor: Actor, what: What, chosen: str = "", patience: float | None = None
) -> list[Reached]:
    """Make a new one (`chosen`: a password that a person made up) and bring it to the media that are there.

    Problem `backups.password_weak` (422). Slow, some seconds for each medium, unless `patience` is given: see `bring`.
    """
    if chosen:
        _checked(house, chosen)

    def made(tx: Tx) -> None:
        if what == "password":
            keeping.add(house, tx, chosen or None, only_first=False)
        else:
            keeping.current(house, tx)
            keeping.add_recovery(house, tx, only_first=False)
        keeping.usable(house, tx)

    house.store.run(actor, made)
    return bring(house, actor, patience)


def bring(house: "House", actor: Actor, patience: float | None = None) -> list[Reached]:
    """Bring the newest password and recovery key to all media that are there now, and are neither held back nor retired.

    After `patience` seconds those that still wait are UNDER_WAY: a thread of this server goes on with them.
    """
    bringing = _Bringing(house, actor)
    if patience is None:
        bringing.work()
        return bringing.reached()
    thread = threading.Thread(target=bringing.behind, name="praxisd-keys", daemon=True)
    thread.start()
    thread.join(patience)
    if not thread.is_alive() and bringing.failed is not None:
        raise bringing.failed
    return bringing.reached()


class _Bringing:
    """One medium after the other."""

    def __init__(self, house: "House", actor: Actor) -> None:
        self._house, self._actor = house, actor
        self._media: list[MediumKept] | None = None
        self._done: dict[str, Reached] = {}
        self.failed: Exception | None = None

    def work(self) -> None:
        found = there(self._house)
        self._media = [kept for _, kept in found]
        for drive, kept in found:
            if self._house.stopping:
                return
            self._done[kept.medium.id] = _brought(self._house, self._actor, drive, kept)

    def behind(self) -> None:
        """`work`, where nobody may be waiting any more."""
        try:
            self.work()
        except Exception as error:  # the next run brings it
            self.failed = error
            self._house.log.warning("backup_key_not_brought", error=type(error).__name__)

    def reached(self) -> list[Reached]:
        """How far it is. While nobody knows yet what is there: what was in a drive when it was looked at last."""
        media = self._media
        if media is None:
            media = _last_seen(self._house)
        return [
            self._done.get(one.medium.id) or Reached(one.medium.id, one.medium.label, UNDER_WAY)
            for one in media
        ]


def _last_seen(house: "House") -> list[MediumKept]:
    with house.store.read(planning.SYSTEM) as tx:
        return [one for one in media.media(tx) if one.drive and _gets_it(one)]


def _gets_it(kept: MediumKept) -> bool:
    return bool(kept.repository) and not kept.medium.held and not kept.medium.retired


def open_by_hand(house: "House", actor: Actor, medium: str, typed: str) -> None:
    """A medium that is there and that nothing of ours opens gets today's password, by what a person typed.

    One that was changed after the state was taken which is in use now: see `keeping.later`; a recovery key that is typed for
    one medium then opens all that had it.
    Whoever has its key may say that it is ours: its mark is written anew where it is of another vault. Problems
    `http.not_found` (404) if it is not in the list, `backups.medium_missing` (409) if it is not there, else those of
    `opening.repo_by`; of an engine (409).
    """
    with house.store.read(planning.SYSTEM) as tx:
        kept, mine = media.need(tx, medium), drives.here(house, tx)
    drive = next((one for one in mine if _shows(house, one, kept)), None)
    if drive is None:
        raise Problem(media_rules.MISSING, 409, expected=kept.medium.label)
    place = looking.place(drive)
    try:
        repo = repo_by(house, place, medium, typed)
        if _is_later(house, place, medium):
            house.store.run(actor, lambda tx: keeping.later(house, tx, repo.secret))
        adopt(house, engine_of(house), repo, medium)
        _mark(house, drive)
    except EngineFault as fault:
        raise Problem(fault.code, 409, detail=fault.detail or None, retry=fault.retry) from None
    house.store.run(actor, lambda tx: _noted(tx, medium))


def _is_later(house: "House", place: str, medium: str) -> bool:
    try:
        repo_of(house, place, medium)
    except Problem as problem:
        return problem.code == LATER
    return False


def _shows(house: "House", drive: Drive, kept: MediumKept) -> bool:
    """Does this drive show the medium, by the id in its mark, whoever wrote it?"""
    if drives.is_address(drive.path):
        return kept.drive == drive.id
    identity = _identity(house, drive)
    return identity is not None and identity.id == kept.medium.id


def _identity(house: "House", drive: Drive) -> Identity | None:
    seen = looking.glance(house, drive)
    return media_rules.parse(seen.identity) if seen.present and seen.identity else None


def _mark(house: "House", drive: Drive) -> None:
    identity = None if drives.is_address(drive.path) else _identity(house, drive)
    if identity is None or identity.practice == planning.digest(house):
        return
    ours = msgspec.structs.replace(identity, practice=planning.digest(house))
    try:
        durable.put(Path(drive.path) / media_rules.FILE, media_rules.written(ours), 0o644)
    except OSError as error:
        raise EngineFault(READ_ONLY, type(error).__name__) from None


def there(house: "House") -> list[tuple[Drive, MediumKept]]:
    """The media in the drives of this computer, and its targets that are always there."""
    with house.store.read(planning.SYSTEM) as tx:
        mine = drives.here(house, tx)
        known = {one.medium.id: one for one in media.media(tx)}
    found = []
    for drive in mine:
        kept = media.of_drive(house, drive, looking.glance(house, drive), known)
        if kept is not None and _gets_it(kept):
            found.append((drive, kept))
    return found


def _brought(house: "House", actor: Actor, drive: Drive, kept: MediumKept) -> Reached:
    id_, label = kept.medium.id, kept.medium.label
    with house.store.read(planning.SYSTEM) as tx:
        busy = media.at_work(tx, id_)
    if busy:
        return Reached(id_, label, LOCKED)
    try:
        moved = move(house, engine_of(house), looking.place(drive), id_)
    except (EngineFault, Problem) as error:
        return Reached(id_, label, error.code)
    if moved:
        house.store.run(actor, lambda tx: _noted(tx, id_))
    return Reached(id_, label)


def _noted(tx: Tx, medium: str) -> None:
    newest = keeping.newest(tx)
    events.note(tx, MOVED, media.SUBJECT, medium, no=newest.no if newest is not None else 0)


def _checked(house: "House", chosen: str) -> None:
    """A password of one line that was never valid before."""
    if not (LEAST <= len(chosen) <= MOST) or chosen != chosen.strip() or not chosen.isprintable():
        raise Problem(WEAK, 422)
    with house.store.read(keeping.OWN) as tx:
        every = store.SECRET.all(tx)
    if any(keeping.readable(house, one) == chosen for one in every):
        raise Problem(WEAK, 422)
