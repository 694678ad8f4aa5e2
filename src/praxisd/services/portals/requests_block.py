"""The person and the time of a request: looked up in the directory, blocked in the calendar, as far as both are known."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.people import PatientClaim
from praxisd.model.portals import BookingRequest, OnlinePortal, Origin, Told
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import engine_blockers, store
from praxisd.services.portals.desk_settings import BLOCK_MINUTES

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Taken = Literal["new", "known", "cancelled"]
ORIGINAL_MOST = 40_000
"""Letters of all messages about one booking that are kept."""
LONGEST_S = 86_400
"""No booking is longer; an end that says so says nothing. Seconds."""
SURE_S = 4 * 3600
"""What takes longer is not accepted without a person, unless its type does. Seconds."""
_REMOTE_MOST = 500


@dataclass(frozen=True, slots=True)
class Incoming:
    """A booking as it came. `at_once`: accept it without a person where nothing is in doubt. `word`: the type as written.

    `reason`: why a person has to look at it, whatever else is known of it (code).
    """

    origin: Origin
    remote: str
    told: Told = field(default_factory=Told)
    start: int | None = None
    end: int | None = None
    service: str | None = None
    schedule: str | None = None
    word: str = ""
    note: str = ""
    portal: OnlinePortal | None = None
    source: str | None = None
    original: str = ""
    subject: str = ""
    cancelled: bool = False
    at_once: bool = False
    reason: str | None = None


@contextmanager
def acting_for(tx: Tx, portal: str | None) -> Iterator[None]:
    """As the same actor, for this portal or for none."""
    actor = tx.actor
    tx.actor = replace(actor, portal=portal)
    try:
        yield
    finally:
        tx.actor = actor


def safe(text: str, most: int) -> str:
    """The text without what no database keeps: null characters, half surrogates."""
    return text[:most].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def remote_of(told: str) -> str:
    """The sender's id as it is kept; of one that is no reasonable id its digest."""
    kept = safe(told, _REMOTE_MOST)
    return kept if kept == told else f"sha256:{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()}"


def tell(tx: Tx, type_: str, request: BookingRequest) -> None:
    """The event about a request; it is its portal's own."""
    events.note(
        tx,
        type_,
        "BookingRequest",
        request.id,
        version=request.version,
        portal=portal_name(tx, request),
        origin=request.origin,
        appointment=request.appointment,
    )


def portal_name(tx: Tx, request: BookingRequest) -> str | None:
    """The name of the portal whose booking it is, if one's."""
    if request.portal is None or request.origin == "api":
        return request.portal
    found = store.PORTALS.get(tx, request.portal)
    return None if found is None else found.name


def block(
    house: "House",
    tx: Tx,
    request: BookingRequest,
    note: str = "",
    at_once: bool = False,
    *,
    strict: bool = False,
    look: bool = True,
) -> tuple[BookingRequest, bool]:
    """The request with its person and its time in the calendar, as far as both are known; not stored yet.

    The second value: nothing is in doubt, and with `at_once` the appointment is booked already. What the calendar refuses
    becomes the request's reason; with `strict` the Problem goes to the caller, who is a person. Without `look` nobody is
    looked up: somebody has to name the person.
    """
    outcome = recognised(tx, request) if look and request.patient is None else None
    patient = outcome.patient if outcome else request.patient
    found = outcome.found if outcome else request.found
    name = portal_name(tx, request)
    request = msgspec.structs.replace(request, patient=patient, found=found)
    if request.start is None or (request.service is None and request.schedule is None):
        return request, False
    sure = found in ("certain", "new") and request.service is not None and request.start > tx.now
    end = _end(house, tx, request)
    if end is not None and end - request.start > SURE_S:
        sure = False
    column = engine_blockers.give_way(house, tx, request, request.start, end) or request.schedule
    wish = calendar.Wish(
        service=request.service,
        start=request.start,
        end=end,
        schedules=(column,) if column else (),
        patient=patient,
        note=safe(note, 2000) or None,
        status="booked" if at_once and sure else "pending",
        extra={"alias": outcome.shown} if outcome and name is not None else {},
    )
    try:
        made, conflict = calendar.request(house, tx, wish, created_by_portal=name)
    except Problem as problem:
        if strict:
            raise
        return msgspec.structs.replace(request, reason=problem.code), False
    done = msgspec.structs.replace(request, appointment=made.id, start=made.start, end=made.end, reason=None)
    return done, at_once and conflict is None and made.status == "booked"


def recognised(tx: Tx, request: BookingRequest) -> directory.Outcome | None:
    """Whose booking it is, told by its portal; None where too little was told, or it cannot be true: a person completes it."""
    told = request.told
    if not enough(told):
        return None
    try:
        with acting_for(tx, portal_name(tx, request)):
            return directory.recognise(tx, claim_of(told))
    except Problem:
        return None


def enough(told: Told) -> bool:
    """True if it says who it is: names and the whole day of birth."""
    return bool(told.family.strip() and told.given.strip() and len(told.birth_date) == 10)


def claim_of(told: Told) -> PatientClaim:
    """What was told, as the directory compares it."""
    return PatientClaim(
        family=told.family,
        given=told.given,
        birth_date=told.birth_date or None,
        phone=told.phone or None,
        email=told.email or None,
    )


def _end(house: "House", tx: Tx, request: BookingRequest) -> int | None:
    """Until when the time is blocked; None leaves it to the type. What says nothing of its length gets the usual one."""
    if request.end is not None:
        return request.end
    kind = calendar.views(house).calendar(tx).services.get(request.service or "")
    if kind is not None and kind.duration:
        return None
    return int(request.start or 0) + int(house.settings.get(tx, BLOCK_MINUTES)) * 60


def appointment_of(tx: Tx, request: BookingRequest) -> Appointment | None:
    if request.appointment is None:
        return None
    try:
        return calendar.get(tx, request.appointment)
    except Problem:
        return None
