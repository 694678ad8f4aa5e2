"""A state on a medium that is there now, with the password that opens it: ours, or one that a person typed."""

import base64
import binascii
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.model.backup_kept import SnapshotKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import Engine, EngineFault, Repo
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.source import SourceFault

if TYPE_CHECKING:
    from praxisd.kernel.app import House

SYSTEM = system("backups", INSTALLATION)
SUBJECT = "BackupSnapshot"
AWAY, GONE = "backups.restore_medium_away", "backups.restore_state_gone"
BAD_PATH = "backups.restore_path"
CODES = (AWAY, GONE, BAD_PATH)


@dataclass(frozen=True)
class Opened:
    """A state, the medium it is on, and what opens it."""

    kept: SnapshotKept
    label: str
    engine: Engine
    repo: Repo


def state(house: "House", id: str) -> tuple[SnapshotKept, str]:
    """The state and the label of its medium. Problems `http.not_found`, GONE (409) if retention dropped it."""
    with house.store.read(SYSTEM) as tx:
        kept = store.SNAPSHOT.get(tx, id)
        medium = None if kept is None else store.MEDIUM.get(tx, kept.medium)
    if kept is None or medium is None:
        raise not_found(SUBJECT)
    if kept.gone is not None:
        raise Problem(GONE, 409)
    return kept, medium.medium.label


def opened(house: "House", id: str, password: str = "") -> Opened:
    """Where the state lies now, and what opens it. Problems (409): AWAY {label} while its medium is in no drive, GONE,
    `backups.password_needed` {number, since}, `backups.password_later`, `backups.password_wrong`; of the engine as `problem`
    says.
    """
    from praxisd.services.backups.keys import keyring, opening
    from praxisd.services.backups.plans import looking
    from praxisd.services.backups.runs import targets

    kept, label = state(house, id)
    inside = targets.reachable(house, retired=True)
    there = [drive for drive, medium in inside if medium.medium.id == kept.medium]
    if not there:
        raise Problem(AWAY, 409, label=label)
    place = looking.place(there[0])
    try:
        typed = opening.repo_by(house, place, kept.medium, password) if password else None
        repo = typed or keyring.repo_of(house, place, kept.medium)
    except EngineFault as fault:
        raise problem(fault) from None
    return Opened(kept, label, engine_of(house), repo)


def problem(fault: EngineFault | SourceFault) -> Problem:
    """What an engine or a source could not do, as a door tells it."""
    return Problem(fault.code, 503 if fault.retry else 409, retry=fault.retry, detail=fault.detail or None)


def key(path: str) -> str:
    """A path as a text that JSON, a table and an address take: its bytes, in the URL-safe alphabet of RFC 4648 § 5."""
    return base64.urlsafe_b64encode(os.fsencode(path)).decode().rstrip("=")


def path(key_or_path: str) -> str:
    """The path: what begins with `/` is one, all else is a `key`. Problem `http.invalid_request` (422)."""
    if key_or_path.startswith("/") or not key_or_path:
        return key_or_path or "/"
    try:
        found = os.fsdecode(base64.urlsafe_b64decode(key_or_path + "=" * (-len(key_or_path) % 4)))
    except (ValueError, binascii.Error):
        found = ""
    if not found.startswith("/") or "\0" in found:
        raise Problem(BAD_PATH, 422)
    return found


def gone() -> Problem:
    """The engine does not know this state (any more)."""
    return Problem(GONE, 409)
