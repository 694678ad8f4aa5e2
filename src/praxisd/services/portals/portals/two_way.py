"""Portals that speak both ways: busy times go out, bookings come in as data, and our decision goes back.

The wire (JSON, described in docs/integrators): `GET /calendars`, `PUT /calendars/{name}/busy`, `GET
/calendars/{name}/hours|blockers?start=&end=`, `GET /bookings?since=`, `POST /bookings/{id}/answer`. The key goes as
`Authorization: Bearer`; with a signing secret what is written carries `X-Signature: sha256=<HMAC of the body>`.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.clock import Clock, format_rfc3339, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import HttpAnswer
from praxisd.model.portals import Told
from praxisd.model.scheduling import Busy
from praxisd.services.portals.portal import (
    ANSWER_UNREADABLE,
    BOOKING_GONE,
    CALENDAR_UNKNOWN,
    REFUSED,
    Abilities,
    Account,
    Blocker,
    Booking,
    Fetched,
    Memory,
    Period,
    Reply,
)
from praxisd.services.portals.portals.forms import Field, Form
from praxisd.services.portals.portals.talking import (
    OneWay,
    Talk,
    decoded,
    is_page,
    open_talk,
    read,
    segment,
    word,
    wrong,
)
from praxisd.services.portals.portals.talking_times import moment, period_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ABILITIES = Abilities(names=True, hours=True, bookings=True, answers=True, blockers=True)
FORM = Form(
    "two_way",
    (
        Field("address", required=True, whom=True, kind="base"),
        Field("key", secret=True, required=True),
        Field("signing_secret", secret=True),
    ),
    ABILITIES,
)
PAGES = 20
"""Pages of bookings per `fetch`; the mark tells where the next one goes on."""
UNREAD = "unread:"
"""So begins what we call an entry whose id cannot be read. The portal cannot be answered about it."""
_FETCH_S = 20.0
_FRESH_S = 30.0
_DECIDED = frozenset({"refused", "cancelled_by_practice"})
"""States of bookings that we ended ourselves: they never come in again."""


class _Calendar(msgspec.Struct):
    name: str
    start: Any = None
    end: Any = None


class _Calendars(msgspec.Struct):
    calendars: list[msgspec.Raw]


class _Hours(msgspec.Struct):
    hours: list[msgspec.Raw] | None


class _Blockers(msgspec.Struct):
    blockers: list[msgspec.Raw]


class _Taken(msgspec.Struct):
    taken: int


class _Bookings(msgspec.Struct):
    bookings: list[msgspec.Raw]
    mark: str | None = None
    more: bool = False


class TwoWay(OneWay):
    """One account."""

    def __init__(self, account: Account, talk: Talk, clock: Clock) -> None:
        fields = FORM.filled(account.values)
        self._base = fields["address"].rstrip("/")
        self._key = fields["key"]
        self._secret = fields["signing_secret"]
        self._zone = zone(account.zone)
        self.talk = talk
        self._clock = clock
        self._listed: dict[str, _Calendar] = {}
        self._listed_at = 0.0

    @property
    def abilities(self) -> Abilities:
        """All but offering times one by one."""
        return ABILITIES

    def names(self) -> tuple[str, ...] | None:
        """Its calendars."""
        return tuple(one.name for one in self._calendars())

    def period(self, calendar: str) -> Period:
        """As the list of calendars says; one list serves each of them once, for half a minute."""
        fresh = self._clock.monotonic() - self._listed_at < _FRESH_S
        found = self._listed.pop(calendar, None) if fresh else None
        if found is None:
            self._listed = {one.name: one for one in self._calendars()}
            self._listed_at = self._clock.monotonic()
            found = self._listed.pop(calendar, None)
        if found is None:
            raise wrong(CALENDAR_UNKNOWN)
        return period_of(found.start, found.end, self._zone, self._clock.now())

    def _calendars(self) -> list[_Calendar]:
        found: list[_Calendar] = []
        for raw in read(self._get("/calendars", {}), _Calendars).calendars:
            with suppress(Problem):  # whoever needs this one hears that it is not there
                found.append(decoded(bytes(raw), _Calendar))
        return found

    def upload(self, calendar: str, period: Period, busy: Sequence[Busy], before: float) -> int:
        """All of it at once; the portal must say how many it took."""
        times = dict.fromkeys((one.start, one.end) for one in busy)
        document = {**self._span(period.start, period.end), "busy": [self._span(*one) for one in times]}
        answer = self._write("PUT", f"/calendars/{segment(calendar)}/busy", document, before)
        if read(answer, _Taken).taken != len(times):
            raise wrong(REFUSED)
        return len(times)

    def hours(self, calendar: str, period: Period) -> tuple[Busy, ...] | None:
        """When it offers times, as far as that can be read; Problem `portals.answer_unreadable` where nothing can."""
        told = read(self._part(calendar, "hours", period), _Hours).hours
        if told is None:
            return None
        spans: list[tuple[int, int]] = []
        for raw in told:
            with suppress(Problem):
                entry = _entry(raw)
                spans.append((moment(entry.get("start"), self._zone), moment(entry.get("end"), self._zone)))
        if told and not spans:
            raise wrong(ANSWER_UNREADABLE)
        return tuple(Busy(start=start, end=end) for start, end in sorted(spans) if start < end)

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        """What was entered there; what cannot be read of it is `unread`."""
        told = read(self._part(calendar, "blockers", period), _Blockers).blockers
        found = [self._blocker(raw) for raw in told]
        return tuple(one for one in found if one.unread or one.start < one.end)

    def _blocker(self, raw: msgspec.Raw) -> Blocker:
        entry = _entry(raw)
        id_ = _id(entry, raw)
        try:
            if id_.startswith(UNREAD):
                raise wrong(ANSWER_UNREADABLE)
            return Blocker(id_, moment(entry.get("start"), self._zone), moment(entry.get("end"), self._zone))
        except Problem:
            return Blocker(id_, 0, 0, unread=True)

    def fetch(self, mark: str | None) -> Fetched:
        """Page after page; what does not fit in this call comes with the next."""
        found: dict[str, Booking] = {}
        until = time.monotonic() + _FETCH_S
        for _ in range(PAGES):
            page = read(self._get("/bookings", {} if mark is None else {"since": mark}), _Bookings)
            for raw in page.bookings:
                booking = self._booking(raw)
                if booking is not None:
                    found.pop(booking.id, None)
                    found[booking.id] = booking
            stuck = page.mark is None or page.mark == mark
            mark = page.mark or mark
            if stuck or not page.more or time.monotonic() > until:
                break
        return Fetched(tuple(found.values()), (), mark)

    def _booking(self, raw: msgspec.Raw) -> Booking | None:
        """What it says. What of id, calendar and times cannot be read is left open, and a person gets the whole of it to read.
        None for those that we ended.
        """
        entry = _entry(raw)
        state, calendar, id_ = entry.get("state"), entry.get("calendar"), _id(entry, raw)
        if state in _DECIDED:
            return None
        start = self._time(entry.get("start"))
        end = self._time(entry.get("end"))
        cancelled = state == "cancelled" or entry.get("cancelled") is True
        clear = not id_.startswith(UNREAD) and isinstance(calendar, str) and start is not None
        clear = clear and (end is not None or entry.get("end") is None)
        if cancelled and not id_.startswith(UNREAD):
            clear = True  # which one is all that counts
        person = entry.get("patient")
        patient: Mapping[str, Any] = person if isinstance(person, dict) else {}
        return Booking(
            id=id_,
            calendar=calendar if isinstance(calendar, str) else "",
            start=start,
            end=end if end is not None and start is not None and end > start else None,
            told=Told(
                family=_text(patient, "family"),
                given=_text(patient, "given"),
                birth_date=_text(patient, "birthDate"),
                phone=_text(patient, "phone"),
                email=_text(patient, "email"),
            ),
            kind=_text(entry, "service"),
            note=_text(entry, "note", 2_000),
            cancelled=cancelled,
            original="" if clear else _shown(raw),
        )

    def _time(self, told: object) -> int | None:
        try:
            return moment(told, self._zone)
        except Problem:
            return None

    def answer(self, reply: Reply, before: float) -> None:
        """Our decision."""
        if not _plain(reply.booking) or reply.booking.startswith(UNREAD):
            raise wrong(BOOKING_GONE)
        document: dict[str, Any] = {"kind": reply.kind}
        for name, at in (("start", reply.start), ("end", reply.end)):
            if at is not None:
                document[name] = format_rfc3339(at, self._zone)
        if reply.reason:
            document["reason"] = reply.reason
        path = f"/bookings/{segment(reply.booking)}/answer"
        answer = self._write("POST", path, document, before, ok=(404, 409, 410))
        if answer.status < 400:
            if is_page(answer):
                raise wrong(ANSWER_UNREADABLE)
            return
        said = word(answer)
        if said in ("", "not_found"):
            raise self.talk.refusal(answer)
        # Of calendars nothing was asked: such an answer says nothing of the booking.
        raise wrong(ANSWER_UNREADABLE if said == "calendar_unknown" else BOOKING_GONE)

    def _span(self, start: int, end: int) -> dict[str, str]:
        return {"start": format_rfc3339(start, self._zone), "end": format_rfc3339(end, self._zone)}

    def _part(self, calendar: str, what: str, period: Period) -> HttpAnswer:
        return self._get(f"/calendars/{segment(calendar)}/{what}", self._span(period.start, period.end))

    def _get(self, path: str, params: Mapping[str, str]) -> HttpAnswer:
        return self.talk.ask("GET", self._base + path, headers=self._headers(None), params=params)

    def _write(
        self, method: str, path: str, document: Any, before: float, ok: Sequence[int] = ()
    ) -> HttpAnswer:
        body = msgspec.json.encode(document)
        headers = {"Content-Type": "application/json", **self._headers(body)}
        return self.talk.ask(method, self._base + path, headers=headers, body=body, before=before, ok=ok)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        found = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if body is not None and self._secret:
            digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            found["X-Signature"] = f"sha256={digest}"
        return found


def _text(entry: Mapping[str, Any], name: str, most: int = 200) -> str:
    found = entry.get(name)
    return found[:most] if isinstance(found, str) else ""


def _entry(raw: msgspec.Raw) -> Mapping[str, Any]:
    """One entry of a list; an empty one for what is none."""
    try:
        found = decoded(bytes(raw), Any)
    except Problem:
        return {}
    return found if isinstance(found, dict) else {}


def _id(entry: Mapping[str, Any], raw: msgspec.Raw) -> str:
    """The portal's id; of one that can be no id, or where there is none, a digest that begins with `UNREAD`."""
    told = entry.get("id")
    if isinstance(told, int) and not isinstance(told, bool):
        told = str(told)
    if isinstance(told, str) and _plain(told) and not told.startswith(UNREAD):
        return told
    kept = told.encode("utf-8", "replace") if isinstance(told, str) and told else bytes(raw)
    return UNREAD + hashlib.sha256(kept).hexdigest()


def _shown(raw: msgspec.Raw) -> str:
    """The entry as a person can read it."""
    try:
        return msgspec.json.format(bytes(raw), indent=2).decode("utf-8", "replace")
    except (msgspec.DecodeError, RecursionError):
        return bytes(raw).decode("utf-8", "replace")


def _plain(id_: str) -> bool:
    """True for an id that can be kept and written into an address."""
    return 0 < len(id_) <= 200 and id_.isprintable() and id_ not in (".", "..")


def connect(house: "House", account: Account, memory: Memory) -> TwoWay:
    """The portal of an account."""
    return TwoWay(account, open_talk(house), house.clock)


__all__ = ("FORM", "TwoWay", "connect")
