"""The chain of a booking: requested, held, in the calendar, on the portals, confirmed to the patient (SPEC 1.13).

Each step with its time and, if it failed, the reason. Times come from the events of the appointment; where those are
cleared away by age, from the records themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest
from praxisd.model.scheduling import Appointment
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import deciding, requests, requests_store, store
from praxisd.services.portals.desk_shapes import StepOut
from praxisd.services.portals.engine import on_portals

if TYPE_CHECKING:
    from praxisd.kernel.app import House

State = Literal["done", "waiting", "failed", "none"]
Name = Literal["requested", "held", "in_calendar", "on_portals", "confirmed"]
CANCELLED = "portals.chain_cancelled"
UNREAD = "portals.chain_incomplete"
TAKEN = "portals.chain_taken"
_STANDS = ("booked", "arrived", "fulfilled", "noshow")
_UNDER_WAY = ("prepared", "sending", "unsure")
_ARRIVED = ("accepted", "delivered")


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `at` in epoch seconds."""

    step: Name
    state: State
    at: int | None = None
    where: str | None = None
    code: str | None = None


def of_appointment(house: "House", tx: Tx, id_: str) -> list[Step]:
    """The chain of an appointment; 404 for one that nobody may see."""
    one = calendar.get(tx, id_)
    return steps(house, tx, requests_store.about(tx, id_), one)


def steps(house: "House", tx: Tx, request: BookingRequest | None, one: Appointment | None) -> list[Step]:
    """The chain of a request, of an appointment that was booked without one, or of both."""
    history = events.about(tx, "Appointment", one.id)[::-1] if one is not None else []
    return [
        _requested(tx, request, one),
        _held(request, one),
        _booked(request, one, history),
        *_outside(tx, one),
        _confirmed(tx, request, one),
    ]


def _requested(tx: Tx, request: BookingRequest | None, one: Appointment | None) -> Step:
    if request is not None:
        return Step("requested", "done", request.received, origin_name(tx, request))
    if one is not None and one.portal is not None:
        return Step("requested", "done", one.created, one.portal)
    return Step("requested", "none")


def origin_name(tx: Tx, request: BookingRequest) -> str | None:
    """The portal's name, else the source's."""
    if request.source is not None:
        found = store.SOURCES.get(tx, request.source)
        return None if found is None else found.name
    if request.portal is not None and request.origin == "api":
        return accounts.portal_name(tx, request.portal) or request.portal
    return requests.portal_name(tx, request)


def _held(request: BookingRequest | None, one: Appointment | None) -> Step:
    if request is None:
        return Step("held", "none")
    if one is None:
        return Step("held", "failed" if request.reason else "waiting", code=request.reason or UNREAD)
    if one.status == "proposed":
        return Step("held", "failed", one.created, code=TAKEN)
    return Step("held", "done", one.created)


def _booked(request: BookingRequest | None, one: Appointment | None, history: Sequence[events.Event]) -> Step:
    if one is None:
        over = request is not None and request.state not in requests_store.WAITING
        return Step("in_calendar", "failed" if over else "waiting", code=request.reason if request else None)
    if one.status in _STANDS:
        at = [e.at for e in history if e.type in ("appointment.booked", "appointment.confirmed")]
        decided = request.decided if request is not None else None
        return Step("in_calendar", "done", at[-1] if at else decided or one.created)
    if one.status == "cancelled":
        at = [e.at for e in history if e.type == "appointment.cancelled"]
        code = request.reason if request is not None and request.reason else CANCELLED
        return Step("in_calendar", "failed", at[-1] if at else one.updated, code=code)
    return Step("in_calendar", "waiting")


def _outside(tx: Tx, one: Appointment | None) -> list[Step]:
    """Per online calendar that is linked to one of its columns."""
    found = [] if one is None else on_portals(tx, one)
    made = [
        Step(
            "on_portals",
            "failed" if code else "done" if at is not None else "waiting",
            at,
            f"{portal} · {name}",
            code,
        )
        for name, portal, at, code in found
    ]
    return made or [Step("on_portals", "none")]


def _confirmed(tx: Tx, request: BookingRequest | None, one: Appointment | None) -> Step:
    """Told by us, or by the portal once it knows."""
    if one is None or one.status not in _STANDS:
        return Step("confirmed", "none" if one is not None and one.status == "cancelled" else "waiting")
    portal = deciding.online_portal(tx, request) if request is not None else None
    if request is not None and portal is not None and portal.tells:
        sent = requests_store.answers(tx, request.id)
        last = sent[-1] if sent else None
        state: State = "waiting" if last is None or last.state == "open" else "done"
        if last is not None and last.state == "failed":
            return Step("confirmed", "failed", None, portal.name, last.code)
        return Step("confirmed", state, last.sent_at if last else None, portal.name)
    told = [row for row in messaging.told_of(tx, one.id) if row.kind == "confirmation"]
    if not told:
        return Step("confirmed", "none")
    row = told[-1]
    if row.state in _ARRIVED or row.letter == "done":
        return Step("confirmed", "done", row.at, row.channel)
    if row.state in _UNDER_WAY:
        return Step("confirmed", "waiting", None, row.channel, row.reason)
    return Step("confirmed", "failed", row.at, row.channel, row.reason)


def shown(house: "House", some: Sequence[Step], here: Any, lang: str) -> list[StepOut]:
    """The steps with their words, times in the practice's zone."""
    texts = house.texts

    def word(code: str | None, part: str) -> str | None:
        return texts.get(f"{code}.{part}", lang) if code and texts.has(f"{code}.{part}") else None

    return [
        StepOut(
            step=one.step,
            state=one.state,
            at=None if one.at is None else format_rfc3339(one.at, here),
            where=one.where,
            code=one.code,
            title=word(one.code, "title") or one.code,
            solution=word(one.code, "solution"),
        )
        for one in some
    ]
