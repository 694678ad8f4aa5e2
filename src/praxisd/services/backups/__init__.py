"""backups: copies that prove themselves, on media with names, and the form that says so (SPEC § 8)."""

from typing import TYPE_CHECKING

from praxisd.kernel.console import ConsolePage, SetupStep
from praxisd.kernel.service import Service
from praxisd.services.backups import engine, engine_checks, snapshot, snapshot_operations, source, store
from praxisd.services.backups.keys import declared as keys
from praxisd.services.backups.moving import declared as moving
from praxisd.services.backups.plans import declared as plans
from praxisd.services.backups.plans import planning
from praxisd.services.backups.protocol import declared as protocol
from praxisd.services.backups.restoring import declared as restoring
from praxisd.services.backups.runs import declared as runs

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_ROOMS = (plans, keys, restoring, runs, protocol, moving)


def _start(house: "House") -> None:
    """What rooms do when the work begins."""
    for room in _ROOMS:
        begin = getattr(room, "START", None)
        if begin is not None:
            begin(house)


SERVICE = Service(
    name="backups",
    package="praxisd.services.backups",
    needs=(
        "accounts",
        "calendar",
        "diagnosis",
        "directory",
        "messaging",
        "relay",
        "serviceprovider",
        "updates",
    ),
    settings=tuple(one for room in _ROOMS for one in room.SETTINGS),
    permissions=tuple(one for room in _ROOMS for one in room.PERMISSIONS),
    routes=tuple(one for room in _ROOMS for one in room.ROUTES),
    events=tuple(one for room in _ROOMS for one in room.EVENTS),
    jobs=tuple(one for room in _ROOMS for one in room.JOBS),
    handlers=tuple(one for room in _ROOMS for one in getattr(room, "HANDLERS", ())),
    checks=(*engine_checks.CHECKS, *(one for room in _ROOMS for one in room.CHECKS)),
    fixes=tuple(one for room in _ROOMS for one in room.FIXES),
    pages=(ConsolePage("backups", "backups.read", "day", 60, "hard-drive"),),
    steps=(SetupStep("backup", 60, lambda _house, tx: planning.plan(tx) is not None, "backups"),),
    tables=store.TABLES,
    problems=(
        *engine.CODES,
        *source.OWN_CODES,
        *snapshot.CODES,
        *(one for room in _ROOMS for one in room.PROBLEMS),
    ),
    operations=(*snapshot_operations.OPERATIONS, *(one for room in _ROOMS for one in room.OPERATIONS)),
    commands="praxisd.services.backups.cli:commands",
    start=_start,
)
