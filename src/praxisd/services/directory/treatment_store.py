"""Queries about treatments: a patient's, all in order, and which mandator counts for thousands of patients at once."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.model.people import Treatment
from praxisd.services.directory.person_store import one_of, pieces
from praxisd.services.directory.store import TREATMENT, treatments

_T = TREATMENT.c
BATCH = 200
_NEWEST = (_T.opened.desc(), _T.entered.desc())


class Mark(NamedTuple):
    """Where a list goes on: day of opening and entry of the last one shown, as text `2026-11-27~<entered>`."""

    opened: str
    entered: str

    @property
    def cursor(self) -> str:
        """The text of it."""
        return f"{self.opened}~{self.entered}"

    @classmethod
    def read(cls, cursor: str | None) -> "Mark | None":
        """The mark of a text; a text that is none stands before all treatments."""
        if cursor is None:
            return None
        opened, _, entered = cursor.partition("~")
        return cls(opened, entered)


def mark_of(one: Treatment) -> Mark:
    """Where a list goes on after this one."""
    return Mark(one.opened.isoformat(), one.entered)


def last_mandators(tx: Tx, patients: Sequence[str], day: date) -> dict[str, str]:
    """Patient id → mandator id of the treatment opened last on or before `day`; of two of one day the one entered last.

    Patients without any are left out.
    """
    found: dict[str, str] = {}
    for some in pieces(tx, patients):
        found.update(tx.tuples(_LAST, ids=some, day=day.isoformat()))  # type: ignore[arg-type]
    return found


_LAST = prepared(
    lambda dialect: (
        sa.select(_T.patient, _T.mandator)
        .where(mine(TREATMENT), one_of(_T.patient, dialect), _T.opened <= sa.bindparam("day"))
        .order_by(_T.patient, _T.opened, _T.entered)
    )
)


def newest(
    tx: Tx, conditions: Sequence[Any], after: Mark | None, limit: int
) -> tuple[list[Treatment], str | None]:
    """Treatments, the one opened last first, and the cursor of the next page."""
    query = sa.select(_T.doc).where(mine(TREATMENT), *conditions)
    if after is not None:
        query = query.where(
            sa.or_(_T.opened < after.opened, sa.and_(_T.opened == after.opened, _T.entered < after.entered))
        )
    found = [treatments.decode(row[0]) for row in tx.tuples(query.order_by(*_NEWEST).limit(limit + 1))]
    if len(found) <= limit:
        return found, None
    return found[:limit], mark_of(found[limit - 1]).cursor


def scan(
    tx: Tx, conditions: Sequence[Any], keep: Callable[[Treatment], bool], after: Mark | None, limit: int
) -> tuple[list[Treatment], str | None]:
    """As `newest`, of those that `keep` keeps: read in pieces until the page is full."""
    found: list[Treatment] = []
    while True:
        some, following = newest(tx, conditions, after, BATCH)
        for one in some:
            if keep(one):
                if len(found) == limit:
                    return found, mark_of(found[-1]).cursor
                found.append(one)
        if following is None:
            return found, None
        after = mark_of(some[-1])


def sorted_page(tx: Tx, conditions: Sequence[Any], *, down: bool, offset: int, limit: int) -> list[Treatment]:
    """Treatments by day of opening, from `offset` on."""
    order = _NEWEST if down else (_T.opened, _T.entered)
    query = sa.select(_T.doc).where(mine(TREATMENT), *conditions).order_by(*order)
    return [treatments.decode(row[0]) for row in tx.tuples(query.limit(limit).offset(offset))]


def of_patients(patients: Sequence[str]) -> Any:
    """The condition that leaves only treatments of these patients."""
    return _T.patient.in_(list(patients))


def of_mandators(mandators: Sequence[str]) -> Any:
    """The condition that leaves only treatments in these accounting units."""
    return _T.mandator.in_(list(mandators))


def opened_between(since: str | None, until: str | None) -> list[Any]:
    """Conditions on the day of opening: from the date of `since` on, before that of `until` (RFC 3339, as it is written)."""
    early = [] if since is None else [_T.opened >= since[:10]]
    return early + ([] if until is None else [_T.opened < until[:10]])


def opened_on(day: date) -> list[Any]:
    """The condition that leaves only treatments opened on this day."""
    return [_T.opened == day.isoformat()]


def standing(status: str, today: str) -> Any:
    """The condition for `planned`, `active` or `finished` on this day; any other word fits none."""
    goes_on = sa.or_(_T.closed.is_(None), _T.closed > today)
    if status == "planned":
        return _T.opened > today
    if status == "active":
        return sa.and_(_T.opened <= today, goes_on)
    if status == "finished":
        return sa.and_(_T.opened <= today, _T.closed <= today)
    return _T.id.is_(None)


def among(ids: Sequence[str]) -> Any:
    """The condition `id in ids`."""
    return _T.id.in_(list(ids))


def earlier(tx: Tx, system: str, id_: str) -> str | None:
    """Id of the treatment that came with this id from outside and could not keep it; None if there is none."""
    needle = f'\\"system\\":\\"{system}\\",\\"value\\":\\"{id_}\\"'
    found = tx.value(sa.select(_T.id).where(mine(TREATMENT), _T.doc.contains(needle, autoescape=True)))
    return None if found is None else str(found)
