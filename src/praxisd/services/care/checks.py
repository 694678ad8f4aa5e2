"""What may be wrong with the database: found damaged, not looked at for long, full of holes, or in a place that is not safe."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.care import checking, figures, rules, store
from praxisd.services.care.figures import Figures

if TYPE_CHECKING:
    from praxisd.kernel.app import House

LATE, PROPOSED = "care.check_late", "care.compact_proposed"


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


CHECKS = (
    Check("care.found", (*checking.CODES, LATE), found),
    Check("care.holes", (PROPOSED,), holes),
)
