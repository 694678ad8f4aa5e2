"""Who opened which patient's record: an event of the audit, once per person, patient and hour (SPEC 12.4).

Noted after the record was read, in a transaction of its own: what cannot be noted (a full disk) is an error in the log,
never a reason to keep a record from who needs it.
"""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.store import Tx
from praxisd.services.directory.contacts import ContactFacts

if TYPE_CHECKING:
    from praxisd.kernel.app import House

EVENT = "patient.seen"
HOUR_S = 3600
_KEPT = 4096
_Key = tuple[str, str, str, int]


def note(house: "House", actor: Actor, patient: str, version: int) -> None:
    """Note that a person (no program) read this record; `masked` in the event: and saw nothing personal."""
    if actor.kind not in (Kind.USER, Kind.SUPPORT):
        return
    hour = house.clock.now() // HOUR_S
    key = (actor.organization, actor.label, patient, hour)
    noted: dict[_Key, None] = house.shared.setdefault("directory.seen", {})
    if key in noted:
        return
    try:
        done = house.store.run(actor, lambda tx: _once(tx, key, version))
    except Exception as error:
        house.log.error("patient_seen_not_noted", where="directory.seen", error=error)
        return
    if len(noted) >= _KEPT:
        noted.clear()  # the next reads ask the database again, which knows
    if done:
        noted[key] = None


def saw(house: "House", actor: Actor, people: Iterable[ContactFacts]) -> None:
    """Note that a person read of these patients elsewhere: in a message, in their wishes, in a text filled in for them.

    After the reading transaction has ended; for one opened record, not for lists.
    """
    for one in people:
        note(house, actor, one.id, one.version)


def _once(tx: Tx, key: _Key, version: int) -> bool:
    """Whether the event is there now; False where another node is noting the very same."""
    _, person, patient, hour = key
    lock = int.from_bytes(hashlib.sha256("\0".join(map(str, key)).encode()).digest()[:8]) >> 1
    if not tx.try_lock(lock):
        return False
    since = hour * HOUR_S
    for one in events.about(tx, "Patient", patient):
        if one.type == EVENT and one.actor == person and one.at >= since:
            return True
    events.note(tx, EVENT, "Patient", patient, version=version, masked=tx.actor.masked)
    return True
