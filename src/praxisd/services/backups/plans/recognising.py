"""A medium that does not say any more which it is: told by its repository, and marked anew.

The mark is a small file on a medium that people pull out; the repository beside it bears an id of its own, which is in the
list. Slow work with the medium: never inside a transaction.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.backup import Identity, Seen
from praxisd.model.backup_kept import Drive, MediumKept
from praxisd.services.backups import engine, media_rules
from praxisd.services.backups.engine import EngineFault
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.plans import drives, looking, media, planning
from praxisd_guard import durable

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def recognised(house: "House", drive: Drive) -> MediumKept | None:
    """The medium of the list whose repository lies in this drive; None for none, or if that medium is in another drive."""
    from praxisd.services.backups.keys import keyring

    place = looking.place(drive)
    if drives.is_address(drive.path) or not os.path.isdir(place) or not os.listdir(place):
        return None
    found = engine_of(house)
    with house.store.read(planning.SYSTEM) as tx:
        every, other = media.media(tx), [one for one in drives.here(house, tx) if one.id != drive.id]
        keys = {one.medium.id: keyring.keys_on(tx, one.medium.id) for one in every}
    with contextlib.suppress(Problem, EngineFault):
        there = found.key_names(place) or ()
        mine = [
            one for one in every if any(name.startswith(key) for key in keys[one.medium.id] for name in there)
        ]
        repository = found.identity(keyring.repo_of(house, place, mine[0].medium.id if mine else ""))
        same = [one for one in mine or every if one.repository and one.repository == repository]
        elsewhere = {
            said.id for one in other if (said := media_rules.parse(looking.look(one).identity or b""))
        }
        if len(same) == 1 and same[0].medium.id not in elsewhere:
            return same[0]
    return None


def mark(house: "House", actor: Actor, drive: Drive, kept: MediumKept) -> MediumKept:
    """Write on it anew which it is, and the instructions beside it. EngineFault `backups.medium_read_only`."""
    from praxisd.services.backups.keys import keyring

    one = kept.medium
    identity = Identity(one.id, planning.digest(house), one.label, one.slot, kept.created)
    try:
        keyring.write_instructions(Path(drive.path), identity)
        durable.put(Path(drive.path) / media_rules.FILE, media_rules.written(identity), 0o644)
    except OSError as error:
        raise EngineFault(engine.READ_ONLY, type(error).__name__) from None

    def keep(tx: Tx) -> MediumKept:
        events.note(tx, media.CHANGED, media.SUBJECT, one.id, fields=("mark",))
        return media.seen(tx, one.id, drive.id, tx.now)

    return house.store.run(actor, keep)


def nameless(seen: Seen) -> bool:
    """Does something lie in the drive whose mark is missing or cannot be read?"""
    return seen.present and (seen.identity is None or media_rules.parse(seen.identity) is None)


def again(house: "House", actor: Actor, _subject: str, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fix: mark what is recognised, in each drive of this computer. Problem `backups.medium_unreadable` (409) if nothing
    is; those of `mark` as problems.
    """
    found = list(_unmarked(house))
    if not found:
        raise Problem(media_rules.UNREADABLE, 409)
    for drive, kept in found:
        try:
            mark(house, actor, drive, kept)
        except EngineFault as fault:
            raise Problem(fault.code, 409, detail=fault.detail or None, expected=kept.medium.label) from None
    return None


def _unmarked(house: "House") -> Iterator[tuple[Drive, MediumKept]]:
    with house.store.read(planning.SYSTEM) as tx:
        mine = [one for one in drives.here(house, tx) if one.kind != "folder"]
    for drive in mine:
        if nameless(looking.glance(house, drive)) and (kept := recognised(house, drive)) is not None:
            yield drive, kept
