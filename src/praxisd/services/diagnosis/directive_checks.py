"""Reminders of the checklist whose date has passed, practice by practice. No name stands in them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.diagnosis import directive_rules as rules
from praxisd.services.diagnosis import directive_store as store
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.directive_looks import looks, note_waiting
from praxisd.services.diagnosis.directive_view import day
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

DUE = "diagnosis.directive_due"
_NAME = "diagnosis.directive"


def due(house: "House") -> Iterator[Finding]:
    """Items that a person did once, and should look at again by now; not those that are measured as a whole."""
    with house.store.read(system(_NAME)) as tx:
        practices = directory.organization_ids(tx)
    sized = False
    for organization in practices:
        with house.store.read(system(_NAME, organization)) as tx:
            practice, notes = store.read(tx)
            today = day(house, tx)
        if practice is not None and not sized:
            sized = True
            note_waiting(house, today)
        late = [
            one for one in rules.wanted(catalogue().item, practice) if rules.overdue(notes.get(one.id), today)
        ]
        found = looks(house, [one.probe for one in late if one.probe], today)
        for one in late:
            note = notes[one.id]
            if rules.line(one, note, found.get(one.probe or ""), today).state == "due":
                facts = {"reason": f"diagnosis.directive_item.{one.id}", "due": f"{note.due:%d.%m.%Y}"}
                yield Finding(DUE, f"Directive/{one.id}", Severity.WARNING, facts, organization)


CHECKS = (Check(_NAME, (DUE,), due, seconds=15, every_s=600, grave=Severity.WARNING),)
