"""REST: POST and GET /api/v1/fridge/readings. Structs say what is taken; the door checks it before a function is called."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Limit, Route
from praxisd_fridge import store

BROKEN = "fridge.reading_broken"
_LOWEST, _HIGHEST = -40, 60


class ReadingIn(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A temperature in degrees Celsius, and who read it."""

    celsius: float
    by: Annotated[str, Meta(max_length=60)] = ""


class ReadingOut(msgspec.Struct, frozen=True, rename="camel"):
    """A reading as it is kept."""

    id: str
    at: str
    celsius: float
    by: str


class Readings(msgspec.Struct, frozen=True, rename="camel"):
    """The newest first."""

    readings: list[ReadingOut]


class Query(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How many are wanted."""

    limit: Limit = 50


def measure(call: Call) -> Answer:
    """Write a temperature down

    Of this moment. What no refrigerator can have is refused: the thermometer is broken.
    """
    body: ReadingIn = call.body
    if not _LOWEST <= body.celsius <= _HIGHEST:
        raise Problem(BROKEN, 422, lowest=_LOWEST, highest=_HIGHEST)
    tx = call.writing  # the transaction of this request: all of it is kept, or nothing
    id_ = store.add(tx, round(body.celsius * 10), body.by)
    events.note(tx, "fridge.measured", "FridgeReading", id_)
    return Answer(ReadingOut(id_, format_rfc3339(tx.now), body.celsius, body.by), 201)


def readings(call: Call) -> Readings:
    """The temperatures of late"""
    with call.read() as tx:
        found = store.newest(tx, call.query.limit)
    return Readings(
        [ReadingOut(one.id, format_rfc3339(one.at), one.tenths / 10, one.person) for one in found]
    )


_TAGS = ("fridge",)
ROUTES = (
    Route("GET", "/fridge/readings", "fridge.readings", readings, "fridge.reading.read", Readings, query=Query, tags=_TAGS),
    Route(
        "POST", "/fridge/readings", "fridge.measure", measure, "fridge.reading.write", ReadingOut, body=ReadingIn, status=201,
        problems=((422, BROKEN),), tags=_TAGS,
    ),
)  # fmt: skip
