"""The table of those who were not reminded or greeted, with the reason the last run found."""

from typing import TYPE_CHECKING

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339, zone
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row
from praxisd.kernel.service import Call
from praxisd.services.directory import api as directory
from praxisd.services.reminders import rules, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

READ = "reminders.refusal.read"
CONSENT = ("messaging.consent_withdrawn", "messaging.consent_missing")
REASONS = (*rules.CODES, *CONSENT)


def _reasons(house: "House", lang: str) -> list[tuple[str, str]]:
    """All reasons by their titles."""
    return [(code, house.texts.get(f"{code}.title", lang)) for code in REASONS]


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    letter = query.filters.get("letter")
    with call.read() as tx:
        found, total = store.page(
            tx,
            kind=query.filters.get("kind"),
            code=query.filters.get("reason"),
            letter=None if letter is None else letter == "true",
            since=parse_rfc3339(query.from_, "from") if query.from_ else None,
            until=parse_rfc3339(query.to, "to") if query.to else None,
            order=query.sort or REFUSALS.sort,
            offset=query.offset,
            limit=query.limit,
        )
        names = directory.name(tx, [one.patient for one in found if one.patient is not None])
        here = zone(directory.organization(tx).zone)
    # Whose birthday it is is the patient's id, and the day is the birthday: a masked caller is told neither.
    hidden = [call.actor.masked and one.kind == "birthday" for one in found]
    rows = [
        Row(
            id=f"{one.kind}/{query.offset + number if hidden[number] else one.subject}",
            cells={
                "at": format_rfc3339(one.at, here),
                "kind": one.kind,
                "patient": names.get(one.patient or ""),
                "start": None if hidden[number] else format_rfc3339(one.start, here),
                "reason": one.code,
                "letter": bool(one.letter),
                "run": one.run,
            },
            alert=bool(one.letter),
        )
        for number, one in enumerate(found)
    ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


REFUSALS = Listing(
    "reminders.refusals",
    READ,
    (
        Column("at", "time", sortable=True),
        Column("kind", "choice", filter=True, choices=("reminder", "birthday"), words="reminders_kind"),
        Column("patient", personal=True),
        Column("start", "time", sortable=True),
        Column("reason", "choice", filter=True, options=_reasons),
        Column("letter", "flag", filter=True),
        Column("run"),
    ),
    _rows,
    period="at",
    sort="-at",
    problems=((409, "directory.organization_missing"),),
)
LISTINGS = (REFUSALS,)
