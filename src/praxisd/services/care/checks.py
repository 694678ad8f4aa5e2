"""What may be wrong with the database: found damaged, not looked at for long, full of holes, or in a place that is not safe."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import database_at
from praxisd.kernel.access import system
from praxisd.kernel.engines import Sqlite
from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.services.care import checking, figures, journal, rules, settling, state, store, targets
from praxisd.services.care.figures import Figures

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House

LATE, PROPOSED = "care.check_late", "care.compact_proposed"
NETWORK, CLOUD, FLEETING = "care.on_network", "care.in_cloud", "care.on_fleeting"
CUT, LEFT, KEPT, PASSED = settling.CUT, "care.move_left", "care.old_kept", "care.pointer_passed"
_GRAVE = {
    checking.DAMAGED: Severity.ERROR,
    checking.ORPHANS: Severity.ERROR,
    checking.UNREADABLE: Severity.WARNING,  # nobody knows how it is
    LATE: Severity.WARNING,
}


def found(house: "House") -> Iterator[Finding]:
    """What the last check said, and whether there was one of late."""
    with house.store.read(system("care")) as tx:
        quick, full = store.last(tx, "quick"), store.last(tx, "full")
        now = tx.now
    works = sorted([*quick, *full], key=lambda one: (one.at, one.id))
    if works and works[-1].state != "good":
        worst = works[-1]
        severity = Severity.ERROR if worst.state == "bad" else Severity.WARNING
        yield Finding(worst.code, "", severity, {"detail": worst.detail or "–"})
    elif full and full[0].state == "bad":  # a quick one does not see what the full one has seen
        yield Finding(full[0].code, "", Severity.ERROR, {"detail": full[0].detail or "–"})
    if works and now - works[-1].at > rules.LATE_S:
        yield Finding(LATE, "", Severity.WARNING, {"days": (now - works[-1].at) // 86_400})


def holes(house: "House") -> Iterator[Finding]:
    """Compacting is worth it."""
    with house.store.read(system("care")) as tx:
        works = [one for kind in store.KINDS for one in store.last(tx, kind)]
    newest = max(works, key=lambda one: (one.at, one.id), default=None)
    if newest is None or not newest.figures.get("tables"):
        return
    guess = figures.estimated(msgspec.convert(newest.figures, Figures))
    if guess is not None and guess.proposed:
        facts = {
            "megabytes": guess.gain // 1_000_000,
            "percent": guess.gain_percent,
            "seconds": max(1, round(guess.stall_s)),
        }
        yield Finding(PROPOSED, "", Severity.INFO, facts)


def place(house: "House") -> Iterator[Finding]:
    """The database lies where it may be damaged, copied by others, or gone after a restart."""
    engine = house.store.engine
    if not isinstance(engine, Sqlite):
        return
    folder = Path(os.path.realpath(engine.path.parent))
    system, cloud = targets.kind_of(folder), targets.in_cloud(folder)
    if system in rules.NETWORK or rules.is_share(str(folder)):
        yield Finding(NETWORK, "", Severity.ERROR, {"path": str(engine.path), "system": system or "UNC"})
    elif system in rules.FLEETING and not house.config.demo and not house.config.development:
        yield Finding(FLEETING, "", Severity.ERROR, {"path": str(engine.path), "system": system})
    if cloud is not None:
        yield Finding(CLOUD, "", Severity.ERROR, {"path": str(engine.path), "name": cloud})


def moves(house: "House") -> Iterator[Finding]:
    """A move that was cut off, what it left, old databases that nobody released, and a pointer that is passed over."""
    last = journal.known(house.folder)
    if last is not None and last.cut and not last.seen:
        facts = {"valid": state.valid(house.folder, last), "other": _other(house, last)}
        yield Finding(CUT, last.id, Severity.WARNING, facts)
    if last is not None and last.left:
        yield Finding(LEFT, last.id, Severity.WARNING, {"path": last.new})
    now = house.clock.now()
    for one in journal.old_ones(house.folder):
        if one.released is None and now - one.at >= rules.OLD_AFTER_S:
            old: dict[str, object] = {
                "path": one.path,
                "days": (now - one.at) // 86_400,
                "megabytes": one.bytes // 1_000_000,
            }
            yield Finding(KEPT, one.id, Severity.INFO, old)
    passed = database_at.passed_over(house.config.database_url, house.folder)
    if passed is not None:
        yield Finding(PASSED, "", Severity.WARNING, {"file": str(house.folder / database_at.POINTER)})


def _other(house: "House", last: journal.Move) -> str:
    """Where the one of the two lies that is not valid, or what became of it."""
    return last.new if state.valid(house.folder, last) == last.old else last.kept or last.old


def _seen(house: "House", _actor: "Actor", _subject: str, _params: Mapping[str, Any]) -> None:
    last = journal.known(house.folder)
    if last is not None:
        journal.keep(house.folder, msgspec.structs.replace(last, seen=True))


FIXES = (Fix(CUT, _seen, "care.database.work"),)
CHECKS = (
    Check("care.place", (NETWORK, CLOUD, FLEETING), place, grave=Severity.ERROR),
    Check(
        "care.moves",
        (CUT, LEFT, KEPT, PASSED),
        moves,
        grave={CUT: Severity.WARNING, LEFT: Severity.WARNING, KEPT: Severity.INFO, PASSED: Severity.WARNING},
    ),
    Check("care.found", (*checking.CODES, LATE), found, grave=_GRAVE),
    Check("care.holes", (PROPOSED,), holes, grave=Severity.INFO),
)
