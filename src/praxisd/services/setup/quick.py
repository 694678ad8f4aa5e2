"""A calendar in one go: practitioners, columns with the same hours, appointment types, with sensible defaults."""

from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import Practitioner
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.setup.shapes import ColumnIn, PersonIn, QuickIn, QuickOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House

COLORS = ("#2a6f97", "#468c5a", "#b5651d", "#7b4b94", "#a4243b", "#3d7f7f", "#8a6d1d", "#4f5d95")
"""Given out in turn; dark enough for white words on them."""


def fill(house: "House", tx: Tx, wanted: QuickIn) -> QuickOut:
    """Make it all in the open transaction.

    Problems: `setup.no_hours` (422) for columns without hours, `setup.no_columns` (422) for types where no active
    column is, and those of making each.
    """
    if wanted.columns and not wanted.hours:
        raise Problem("setup.no_hours", 422)
    there = calendar.views(house).calendar(tx)
    hours = tuple(one.rule() for one in wanted.hours)
    people = _People(tx, wanted.columns)
    columns = [
        calendar.add_schedule(
            house,
            tx,
            name=one.name.strip(),
            practitioner=people.of(one.practitioner),
            hours=hours,
            released=one.released,
            order=number,
            color=COLORS[number % len(COLORS)],
        ).id
        for number, one in enumerate(wanted.columns, len(there.schedules))
    ]
    usable = (*(one.id for one in there.schedules.values() if one.active), *columns)
    if wanted.types and not usable:
        raise Problem("setup.no_columns", 422)
    types = [
        calendar.add_service(
            house,
            tx,
            name=one.name.strip(),
            duration=one.duration,
            groups=(usable,),
            released=one.released,
            color=COLORS[number % len(COLORS)],
        ).id
        for number, one in enumerate(wanted.types, len(there.services))
    ]
    return QuickOut(practitioners=people.made, schedules=columns, healthcare_services=types)


class _People:
    """Practitioners by name: whoever is there is taken, whoever is not is made once."""

    def __init__(self, tx: Tx, columns: tuple[ColumnIn, ...]) -> None:
        self._tx = tx
        self._shown = {_key(one.practitioner) for one in columns if one.practitioner and one.released}
        self._known = {
            (one.family, one.given, one.prefix or ""): one.id
            for one in directory.practitioners(tx)
            if one.active
        }
        self.made: list[str] = []

    def of(self, person: PersonIn | None) -> str | None:
        """The id of a column's practitioner; a new one is released with any of its columns."""
        if person is None:
            return None
        key = _key(person)
        if key not in self._known:
            family, given, prefix = key
            record = Practitioner(
                family=family, given=given, prefix=prefix or None, released=key in self._shown
            )
            self._known[key] = directory.create_practitioner(self._tx, record).id
            self.made.append(self._known[key])
        return self._known[key]


def _key(person: PersonIn) -> tuple[str, str, str]:
    return person.family.strip(), person.given.strip(), person.prefix.strip()
