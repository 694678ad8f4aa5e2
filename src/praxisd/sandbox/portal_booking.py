"""One booking at the simulated portal, and what the practice and the patient may do with it. Pure.

States: `requested` → `confirmed`, `refused`, `proposed` (another time), `cancelled` (by the patient),
`cancelled_by_practice`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from praxisd.sandbox.portal_times import Span, Wrong, instant, shown, words

STATES = ("requested", "confirmed", "refused", "proposed", "cancelled", "cancelled_by_practice")
OPEN = frozenset({"requested", "confirmed", "proposed"})
KINDS = ("accepted", "refused", "proposed", "moved", "cancelled")
_LONGEST_S = 86_400


class Late(Exception):
    """It cannot be done any more; `code` says why, `status` how HTTP says it."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Patient:
    """What the patient wrote of themselves."""

    family: str
    given: str
    birth_date: str = ""
    phone: str = ""
    email: str = ""

    def json(self) -> dict[str, str]:
        """As on the wire."""
        return {
            "family": self.family,
            "given": self.given,
            "birthDate": self.birth_date,
            "phone": self.phone,
            "email": self.email,
        }


def patient_of(fields: Any, today: date) -> Patient:
    """A person as given in JSON or a form; Wrong(`<field>_invalid`) for what cannot be meant."""
    if not isinstance(fields, Mapping):
        raise Wrong("patient_invalid")
    birth = _optional(fields, "birthDate", 10)
    if birth:
        try:
            born = date.fromisoformat(birth)
        except ValueError:
            raise Wrong("birthDate_invalid") from None
        if not date(1880, 1, 1) <= born <= today or born.isoformat() != birth:
            raise Wrong("birthDate_invalid")
    phone = _optional(fields, "phone", 40)
    if phone and (sum(one.isdigit() for one in phone) < 6 or set(phone) - set("0123456789 +-/().")):
        raise Wrong("phone_invalid")
    email = _optional(fields, "email", 120)
    name, at, domain = email.partition("@")
    if email and (not name or not at or "." not in domain.strip(".") or " " in email or "@" in domain):
        raise Wrong("email_invalid")
    return Patient(
        words(fields.get("family"), 80, "family_invalid"),
        words(fields.get("given"), 80, "given_invalid"),
        birth,
        phone,
        email,
    )


def _optional(fields: Mapping[str, Any], name: str, most: int) -> str:
    value = fields.get(name, "")
    return words(value, most, f"{name}_invalid") if value not in ("", None) else ""


@dataclass(frozen=True)
class Booking:
    """Times are epoch seconds. `mark` grows with each change by the patient. `told`: the practice's last answer.

    `once`: the form it came from, so that a form sent twice books once.
    """

    id: str
    calendar: str
    start: int
    end: int
    service: str
    patient: Patient
    mark: int
    made_at: float
    note: str = ""
    state: str = "requested"
    proposed: Span | None = None
    answer: str = ""
    reason: str = ""
    once: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    def kept(self) -> dict[str, Any]:
        """For the journal."""
        return asdict(self)

    def json(self, zone: ZoneInfo) -> dict[str, Any]:
        """As on the wire."""
        return {
            "id": self.id,
            "calendar": self.calendar,
            "start": shown(self.start, zone),
            "end": shown(self.end, zone),
            "service": self.service,
            "kind": self.service,
            "patient": self.patient.json(),
            "note": self.note,
            "state": self.state,
            "cancelled": self.state == "cancelled",
            "proposed": None
            if self.proposed is None
            else {"start": shown(self.proposed[0], zone), "end": shown(self.proposed[1], zone)},
            "answer": self.answer,
            "reason": self.reason,
            "madeAt": shown(int(self.made_at), zone),
            "mark": str(self.mark),
        }

    def occupies(self) -> list[Span]:
        """What it takes from others."""
        if self.state not in OPEN:
            return []
        return [(self.start, self.end), *([self.proposed] if self.proposed else [])]


def booking_of(kept: Mapping[str, Any]) -> Booking:
    """From the journal."""
    proposed = kept.get("proposed")
    return Booking(
        **{
            **kept,
            "patient": Patient(**kept["patient"]),
            "proposed": None if proposed is None else (proposed[0], proposed[1]),
        }
    )


def answered(booking: Booking, fields: Mapping[str, Any]) -> Booking:
    """The booking after the practice's answer `{kind, start?, end?, reason?}`; the same object if it was told already.

    Wrong for what cannot be meant, Late for what comes too late.
    """
    kind, reason = fields.get("kind"), fields.get("reason") or ""
    if kind not in KINDS:
        raise Wrong("kind_invalid")
    if not isinstance(reason, str) or len(reason) > 200 or not reason.isprintable():
        raise Wrong("reason_invalid")
    span = _span(booking, fields)
    if kind in ("proposed", "moved") and span is None:
        raise Wrong("time_missing")
    told = {"kind": kind, "span": None if span is None else list(span), "reason": reason}
    if booking.told == told:
        return booking
    if booking.state == "cancelled":
        if kind in ("cancelled", "refused"):
            return booking
        raise Late("booking_cancelled", 410)
    if booking.state not in OPEN:
        raise Late("too_late", 409)
    if kind == "proposed":
        return replace(booking, state="proposed", proposed=span, answer="", reason=reason, told=told)
    if kind in ("refused", "cancelled"):
        ended = "refused" if kind == "refused" else "cancelled_by_practice"
        return replace(booking, state=ended, proposed=None, reason=reason, told=told)
    start, end = span or (booking.start, booking.end)
    return replace(booking, state="confirmed", start=start, end=end, proposed=None, reason=reason, told=told)


def _span(booking: Booking, fields: Mapping[str, Any]) -> Span | None:
    """The time of an answer. Without an end it is as long as before, without a start it begins as before."""
    if fields.get("start") is None and fields.get("end") is None:
        return None
    start = booking.start if fields.get("start") is None else instant(fields["start"])
    end = start + booking.end - booking.start if fields.get("end") is None else instant(fields["end"])
    if not start < end <= start + _LONGEST_S:
        raise Wrong("time_invalid")
    return start, end


def decided(booking: Booking, accepted: bool, now: float, mark: int) -> Booking:
    """The patient's yes or no to another time; Late if there is nothing to decide (any more)."""
    if booking.state != "proposed" or booking.proposed is None:
        raise Late("too_late", 409)
    if not accepted:
        return replace(booking, state="cancelled", answer="no", proposed=None, mark=mark)
    start, end = booking.proposed
    if start <= now:
        raise Late("too_late", 409)
    return replace(booking, state="confirmed", answer="yes", start=start, end=end, proposed=None, mark=mark)


def withdrawn(booking: Booking, now: float, mark: int) -> Booking:
    """The patient cancels; the same object if that was done before, Late if it is too late."""
    if booking.state == "cancelled":
        return booking
    if booking.state not in OPEN or booking.start <= now:
        raise Late("too_late", 409)
    return replace(booking, state="cancelled", proposed=None, mark=mark)
