"""Tables of the console: what patients said about messages, and the numbers somebody should ask about."""

from typing import Any

from praxisd.kernel.clock import format_rfc3339, parse_rfc3339, zone
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Call
from praxisd.services.directory import api as directory
from praxisd.services.messaging import consent_rules, consent_store, phones, reach

_READ = "messaging.consent.read"
SOURCES = ("desk", "api", "reply", "import")
_NO_PRACTICE = ((409, "directory.organization_missing"),)


def _said(call: Call, query: ListingQuery) -> ListingPage:
    asked = consent_store.Asked(
        **query.filters,
        since=parse_rfc3339(query.from_, "from") if query.from_ else None,
        until=parse_rfc3339(query.to, "to") if query.to else None,
    )
    down = (query.sort or CONSENTS.sort).startswith("-")
    with call.read() as tx:
        found, total = consent_store.last_words(tx, asked, down=down, offset=query.offset, limit=query.limit)
        names = directory.name(tx, [one.patient for one in found])
        makers = actor_names(call.house, tx, {one.actor for one in found}, call.lang)
        here = zone(directory.organization(tx).zone)
    rows = [
        Row(
            id=f"{one.patient}:{one.id}",
            cells={
                "patient": names.get(one.patient),
                "purpose": one.purpose,
                "channel": one.channel,
                "state": one.state,
                "at": format_rfc3339(one.at, here),
                "source": one.source,
                "by": makers[one.actor],
                "note": one.note or None,
            },
        )
        for one in found
    ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


def _choice(key: str, choices: tuple[str, ...], words: str) -> Column:
    return Column(key, "choice", filter=True, choices=choices, words=words)


CONSENTS = Listing(
    "messaging.consents",
    _READ,
    (
        Column("patient", personal=True),
        _choice("purpose", consent_rules.PURPOSES, "message_purpose"),
        _choice("channel", consent_rules.CHANNELS, "message_channel"),
        _choice("state", consent_rules.STATES, "consent_state"),
        Column("at", "time", sortable=True),
        _choice("source", SOURCES, "consent_source"),
        Column("by"),
        Column("note", personal=True),
    ),
    _said,
    period="at",
    sort="-at",
    problems=_NO_PRACTICE,
)


def _doubtful(call: Call, query: ListingQuery) -> ListingPage:
    rows: list[Row] = []
    with call.read() as tx:
        country = directory.organization(tx).country
        for patient in directory.living(tx):
            rows += _rows(patient, country)
    return arrange(NUMBERS, rows, query)


def _rows(patient: directory.ContactFacts, country: str) -> list[Row]:
    found = reach.doubtful(patient, country)
    alone = bool(found) and not any(
        isinstance(one.found, phones.Mobile | phones.Mail) for one in reach.ways(patient, country)
    )
    return [
        Row(
            id=f"{patient.id}:{number}",
            cells=_cells(patient, one),
            alert=alone,
        )
        for number, one in enumerate(found)
    ]


def _cells(patient: directory.ContactFacts, one: reach.Way) -> dict[str, Any]:
    return {
        "patient": f"{patient.family}, {patient.given}" if patient.given else patient.family,
        "system": one.system,
        "value": one.value,
        "use": one.use,
        "doubt": one.doubt,
    }


NUMBERS = Listing(
    "messaging.numbers",
    _READ,
    (
        Column("patient", sortable=True, personal=True),
        Column("system", "choice", filter=True, choices=("phone", "email"), words="reach_system"),
        Column("value", personal=True),
        Column("use", "choice", choices=("home", "work", "mobile", "temp"), words="reach_use"),
        Column("doubt", "choice", sortable=True, filter=True, choices=phones.WHYS, words="number_doubt"),
    ),
    _doubtful,
    text=True,
    sort="patient",
    problems=_NO_PRACTICE,
)
LISTINGS = (CONSENTS, NUMBERS)
