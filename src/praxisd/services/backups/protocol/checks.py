"""What may be wrong with the duty of looking and with what is covered: small checks, and the click that heals one."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import Actor
from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.services.backups import day_rules
from praxisd.services.backups.plans.rights import MANAGE
from praxisd.services.backups.protocol import coverage, log_keeping
from praxisd.services.backups.protocol.around import reading
from praxisd.services.backups.protocol.coverage_rules import Thing
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House

UNCHECKED = "backups.log_unchecked"


def log_looked_at(house: "House") -> Iterator[Finding]:
    """From 10:00 of the next working day on somebody should have looked at a day's log. Never on closed days."""
    with reading(house) as tx:
        late = log_keeping.book(house, tx).late
    if late:
        facts = {"day": day_rules.told(late[-1]), "days": len(late)}
        yield Finding(UNCHECKED, "", Severity.WARNING, facts)


def covered(house: "House") -> Iterator[Finding]:
    """Databases, disks, products and data folders that no plan covers; nothing while there is no plan."""
    if not coverage.planned(house):
        return
    for one in coverage.judged(house):
        if one.state == "open":
            facts = {"what": told(one.thing), "fixable": coverage.can_include(one.thing)}
            yield Finding(coverage.NOT_COVERED, f"{coverage.SUBJECT}/{one.thing.id}", Severity.WARNING, facts)


def told(thing: Thing) -> dict[str, Any]:
    """A thing as a param of a text, in whichever language it is read."""
    key = f"backups.thing.{thing.kind}{'_there' if thing.host else ''}"
    return {"text": key, "values": {"name": thing.name, "product": thing.product, "host": thing.host}}


def take_in(house: "House", actor: Actor, subject: str, _params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Take a folder into the backup, as it is."""
    found = coverage.thing(house, subject.rpartition("/")[2])
    coverage.ready(house, found, "")
    person = "" if actor.kind in log_keeping.PEOPLE else actor.label
    house.store.run(
        actor,
        lambda tx: coverage.include(house, tx, found, "", log_keeping.name(house, tx, person)),
    )
    return None


CHECKS = (
    Check("backups.log", (UNCHECKED,), log_looked_at, every_s=300.0, grave=Severity.WARNING),
    Check(
        "backups.coverage",
        (coverage.NOT_COVERED,),
        covered,
        seconds=15.0,
        every_s=600.0,
        place=diagnosis.own_host,
        grave=Severity.WARNING,
    ),
)
FIXES = (Fix(coverage.NOT_COVERED, take_in, MANAGE, asks=True),)
