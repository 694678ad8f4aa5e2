"""A throw-away service for the tests of listings: seven people in memory, with a column of every kind."""

from dataclasses import replace
from typing import Any

from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.console import Column, ConsolePage, Listing, ListingPage, ListingQuery, Row, arrange
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, EventType, Permission, Retention, Service
from praxisd.web.door import Doors

READ = "trial.person.read"
LISTING = "trial.people"
PEOPLE: list[dict[str, Any]] = [
    {"name": "Özdemir, Ayşe", "age": 41, "seen": "2026-11-20T08:00:00+01:00", "born": "1985-03-01"},
    {"name": "Strauß, Emil", "age": 9, "seen": "2026-11-21T08:00:00+01:00", "born": "2017-05-02"},
    {"name": "=SUMME(1;2)", "age": 33, "seen": "2026-11-22T23:30:00+01:00", "born": "1993-07-09"},
    {"name": "-5", "age": None, "seen": None, "born": None},
    {"name": 'Ach "Ja"; so', "age": 77, "seen": "2026-11-23T08:00:00Z", "born": "1949-01-31"},
    {"name": "Zahn\nArzt", "age": 50, "seen": "2026-11-19T08:00:00+01:00", "born": "1976-12-24"},
    {"name": "@Ärger", "age": 12, "seen": "2026-11-18T08:00:00+01:00", "born": "2014-02-28"},
]
COLUMNS = (
    Column("name", sortable=True, filter=True, personal=True),
    Column("age", "number", sortable=True),
    Column("seen", "time", sortable=True),
    Column("born", "date", personal=True),
    Column("adult", "flag", filter=True),
    Column("state", "choice", filter=True, choices=("waiting", "success"), words="run_state"),
    Column("share", "number"),
    Column("room", "choice", filter=True, options=lambda _house, lang: [("r1", f"Raum 1 ({lang})")]),
)


def people(_call: Call, query: ListingQuery) -> ListingPage:
    """All of them, as the listing asked for arranges them."""
    rows = [
        Row(
            id=str(number),
            cells={
                **one,
                "adult": (one["age"] or 0) >= 18,
                "state": "success" if number % 2 else "waiting",
                "share": number + 0.5,
                "room": "r1",
            },
            alert=one["age"] is None,
        )
        for number, one in enumerate(PEOPLE)
    ]
    return arrange(BY_DATE if query.from_ and query.from_ < "2000" else TABLE, rows, query)


TABLE = Listing(LISTING, READ, COLUMNS, people, text=True, period="seen", sort="name")
BY_DATE = replace(TABLE, name="trial.birthdays", columns=COLUMNS[:5], text=False, period="born", sort="")
SERVICE = Service(
    name="trial",
    package=__name__,
    events=(
        EventType("trial.made"),
        EventType("trial.proved", Retention.AUDIT),
        EventType("trial.seen", Retention.AUDIT, live=False),
    ),
    permissions=(Permission(READ, ("owner", "partner")),),
    listings=(TABLE, BY_DATE),
    pages=(ConsolePage("trial-people", READ, "practice", 10, listing=LISTING),),
)


def authenticate(house: House, secret: str, _address: str | None) -> Actor:
    """The secret is a role; the partner is masked, `nobody` may do nothing."""
    if secret == "nobody":
        return Actor(Kind.KEY, "nobody", "practice")
    if secret not in ("owner", "partner", "desk"):
        raise Problem("accounts.key_missing", 401)
    return Actor(Kind.KEY, secret, "practice", house.registry.role(secret), masked=secret == "partner")


DOORS = Doors(authenticate, lambda _house, _actor: None)
