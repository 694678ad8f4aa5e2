"""What may be wrong with updates: nobody could look for a while, a look was refused, one was taken back, data grow old."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.finding import Varies
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.updates import guarding, places, rules, settings, slots, store, words

if TYPE_CHECKING:
    from praxisd.kernel.app import House

STALE_DAYS, URGENT_DAYS = 8, 30
"""After so many days without a good look it is reported, and after so many it is urgent."""
OLD_DAYS = 45
"""Data sets older than this are reported."""
_DAY_S = 86_400
SUBJECT = "Updates/source"
QUIET = ("updates.unreachable",)
"""What heals by itself as a rule: it is reported by its consequence, `updates.unknown_since`."""
SOURCE = (
    "updates.unknown_since",
    "updates.no_root",
    words.UNKNOWN,
    *(one for one in words.FAULTS if one not in QUIET),
)
_GRAVE: dict[str, Severity | Varies] = {
    **dict.fromkeys(SOURCE, Severity.WARNING),
    "updates.unknown_since": Varies("updates.unknown_since.grave", (Severity.ERROR, Severity.WARNING)),
}


def source(house: "House") -> Iterator[Finding]:
    """The source, while it is used at all."""
    with house.store.read(system("updates.checks")) as tx:
        chosen, facts, now = settings.chosen(house, tx), store.facts(tx), tx.now
        zone = zone_of(zone_name(house, tx))
    if not chosen.active or not chosen.address:
        return
    if places.root(house) is None:
        yield Finding("updates.no_root", SUBJECT, Severity.WARNING)
        return
    failed = facts.get("failed")
    if failed is not None and failed[0] in SOURCE:
        yield Finding(failed[0], SUBJECT, Severity.WARNING, {"reason": failed[0]})
    since = next((facts[name][1] for name in ("good", "begun") if name in facts), None)
    if since is not None and now - since > STALE_DAYS * _DAY_S:
        days = (now - since) // _DAY_S
        severity = Severity.ERROR if days > URGENT_DAYS else Severity.WARNING
        day = format_rfc3339(since, zone)[:10]
        yield Finding("updates.unknown_since", SUBJECT, severity, {"since": day, "days": days})


def outcome(house: "House") -> Iterator[Finding]:
    """Updates that were taken back, until a later version of the same element is in use."""
    with house.store.read(system("updates.checks")) as tx:
        found = store.packages(tx)
    running = guarding.running_version(house)
    for one in found:
        if one.state == "rolled_back" and rules.newer(one.version, running):
            params = {
                "element": one.element, "version": one.version, "reason": one.reason or "–", "log": one.log or "–"
            }  # fmt: skip
            yield Finding(
                "updates.rolled_back", f"Update/{one.element}-{one.version}", Severity.ERROR, params
            )


def data(house: "House") -> Iterator[Finding]:
    """Data sets in use that are old, while they are subscribed."""
    with house.store.read(system("updates.checks")) as tx:
        subscribed = [one.element for one in store.elements(tx) if one.kind == "data" and one.subscribed]
        today = datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx))).date()
    for name in subscribed:
        held = slots.held(house.folder, name)
        age = None if held is None else rules.age_days(held.released, today)
        if held is not None and age is not None and age > OLD_DAYS:
            params = {"element": name, "version": held.version, "days": age}
            yield Finding("updates.data_old", f"Dataset/{name}", Severity.WARNING, params)


CHECKS = (
    Check("updates.source", SOURCE, source, grave=_GRAVE),
    Check("updates.outcome", ("updates.rolled_back",), outcome, grave=Severity.ERROR),
    Check("updates.data", ("updates.data_old",), data, grave=Severity.WARNING),
)
