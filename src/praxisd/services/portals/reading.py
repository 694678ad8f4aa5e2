"""What a message says of a booking: a mail, a file, the body of a call. Pure; reads anything, raises nothing.

Structured first: our JSON, an iCalendar text, lines with labels (German, English). Of free text only what it calls by its
name. What is not certain is left out, and a person fills it in; the message itself is always kept as it came.

Our JSON, one object or a list, or `{"bookings": […]}`: `{"id", "start", "end" | "minutes", "service", "calendar",
"patient": {"family", "given", "birthDate", "phone", "email"}, "note", "cancelled", "status"}`; times are RFC
3339, without an offset the practice's wall time.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from praxisd.model.portals import Told
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import reading_cancels, reading_ics, reading_lines, reading_times
from praxisd.services.portals.reading_lines import clean, line

ORIGINAL_MOST = 20_000
"""Letters of a message that are kept."""
BOOKINGS_MOST = 50
"""Bookings in one message; one with more is for a person."""
AHEAD_S = 3 * 366 * 86_400
"""Nobody books further ahead. Seconds."""
_ID_MOST = 200
_WORD_MOST = 120
_EMAIL = re.compile(r"[^\s<>()\",;:@]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{4,30}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one booking of a message says. `key`: the sender's own id of it, or a digest of the message.

    `told` keeps what is certain; `start`, `end` are epoch seconds ahead of the reader's clock. `word`, `calendar`: the
    appointment type and the column as they were written. `text` is the message, `subject` its title. `named`: the key is the
    sender's, so that a later message may change or cancel this booking. `cancelled`: it books nothing, it calls something
    off; `perhaps`: only words of its subject or its beginning say so. `answers`: it answers another mail, or hands it on.
    """

    key: str
    named: bool = False
    told: Told = field(default_factory=Told)
    start: int | None = None
    end: int | None = None
    word: str = ""
    calendar: str = ""
    note: str = ""
    text: str = ""
    subject: str = ""
    cancelled: bool = False
    perhaps: bool = False
    answers: bool = False


def read(data: bytes, zone: ZoneInfo, now: int, *, mail: bool = False) -> tuple[Reading, ...]:
    """The bookings of a message, at least one. `mail`: it is one for certain; else a file may still be."""
    data = data[: messaging.READ_MOST]
    pieces = messaging.take_apart(data) if mail or _is_mail(data) else None
    digest = _digest(data, pieces)
    if pieces is None:
        text = clean(messaging.decoded(data.removeprefix(b"\xef\xbb\xbf"), ""))
        found = _structured(text, digest, zone) or (_of_lines(text, digest, zone),)
        top = reading_cancels.first_words(text)
        return tuple(_ahead(_off(replace(one, text=text[:ORIGINAL_MOST]), top), now) for one in found)
    subject = line(pieces.headers.get("subject", ""), 200)
    text = _words_of(pieces)
    found = ()
    for kinds in (("application/json",), ("text/calendar", "application/ics")):
        for part in pieces.parts:
            if not found and _kind(part) in kinds:
                found = _structured(clean(part.text), digest, zone)
                text = text or clean(part.text)
    if not found:
        found = _structured(text, digest, zone) or (_of_lines(text, digest, zone),)
    kept = text.strip()[:ORIGINAL_MOST]
    top = f"{subject}\n{reading_cancels.first_words(kept)}"
    again = reading_cancels.answers(subject)
    return tuple(
        _ahead(replace(_off(one, top), text=kept, subject=subject or one.subject, answers=again), now)
        for one in found
    )


def _off(one: Reading, top: str) -> Reading:
    """The reading, as one that calls off where the subject or the first words (`top`) say so."""
    if one.cancelled or not (reading_cancels.called_off(top) or reading_cancels.called_off(one.subject)):
        return one
    return replace(one, cancelled=True, perhaps=True)


def _is_mail(data: bytes) -> bool:
    """A head as mails have it, at the very beginning."""
    return bool(
        re.match(rb"(?:From [^\r\n]{1,200}\r?\n)?(?:[A-Za-z-]{2,40}:[^\r\n]{0,2000}\r?\n){2}", data)
        and re.search(rb"(?im)^(?:message-id|mime-version|received|return-path):", data[:20_000])
    )


def _kind(part: Any) -> str:
    """The media type of a part, by the name of its file where the type says nothing."""
    if part.type in ("application/octet-stream", "text/plain"):
        name = (
            f"{part.headers.get('content-disposition', '')} {part.headers.get('content-type', '')}".casefold()
        )
        if re.search(r"\.ics\b", name):
            return "text/calendar"
        if re.search(r"\.json\b", name):
            return "application/json"
    return str(part.type)


def _words_of(pieces: Any) -> str:
    """The text of a mail: the plain one, else the page without its markup. Never what was attached as a file."""
    shown = [
        one
        for one in pieces.parts
        if "attachment" not in one.headers.get("content-disposition", "").casefold()
    ]
    plain = "\n".join(one.text[: reading_lines.TEXT_MOST] for one in shown if _kind(one) == "text/plain")
    if plain.strip():
        return clean(plain)
    return "\n".join(reading_lines.of_html(one.text) for one in shown if one.type == "text/html")[
        : reading_lines.TEXT_MOST
    ]


def _digest(data: bytes, pieces: Any) -> str:
    """The same for the same message, however it travelled: a mail is known by what its writer wrote."""
    made = hashlib.sha256()
    if pieces is None:
        made.update(data)
    else:
        for name in ("message-id", "date", "from", "subject"):
            made.update(pieces.headers.get(name, "").encode("utf-8", "replace") + b"\0")
        for part in pieces.parts:
            made.update(hashlib.sha256(part.body).digest())
    return made.hexdigest()


def _structured(text: str, digest: str, zone: ZoneInfo) -> tuple[Reading, ...]:
    """Bookings of a JSON or iCalendar text; empty where it is neither."""
    start = text.lstrip()[:20]
    if start[:1] in ("{", "["):
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, ValueError):
            return ()
        return _of_documents(document, digest, zone)
    if start.upper().startswith("BEGIN:VCALENDAR"):
        found = reading_ics.events(text, zone)
        if len(found) >= reading_ics.EVENTS_MOST:
            return (Reading(digest),)
        return tuple(_of_event(one, digest, number, zone) for number, one in enumerate(found))
    return ()


def _of_documents(document: Any, digest: str, zone: ZoneInfo) -> tuple[Reading, ...]:
    if isinstance(document, dict) and isinstance(document.get("bookings"), list):
        document = document["bookings"]
    rows = document if isinstance(document, list) else [document]
    if not rows or len(rows) > BOOKINGS_MOST or not all(isinstance(one, dict) for one in rows):
        return (Reading(digest),)
    return tuple(_of_document(one, _numbered(digest, number), zone) for number, one in enumerate(rows))


def _numbered(digest: str, number: int) -> str:
    return digest if number == 0 else f"{digest}/{number}"


def _of_document(said: Mapping[str, Any], key: str, zone: ZoneInfo) -> Reading:
    def text(where: Mapping[str, Any], name: str, most: int = _WORD_MOST) -> str:
        value = where.get(name)
        return line(value, most) if isinstance(value, str) else ""

    own = said.get("id")
    own = line(str(own), _ID_MOST) if isinstance(own, str | int) and not isinstance(own, bool) else ""
    person = said.get("patient")
    person = person if isinstance(person, dict) else {}
    start = reading_times.iso_instant(text(said, "start"), zone)
    end = reading_times.iso_instant(text(said, "end"), zone)
    minutes = said.get("minutes")
    if end is None and start is not None and type(minutes) is int and 5 <= minutes <= 720:
        end = start + minutes * 60
    family, given = reading_lines.names({name: text(person, name) for name in ("family", "given")})
    note = said.get("note")
    return Reading(
        f"id:{own}" if own else key,
        named=bool(own),
        told=Told(
            family=family,
            given=given,
            birth_date=reading_times.birth_date(text(person, "birthDate")),
            phone=_phone(text(person, "phone")),
            email=_email(text(person, "email", 254)),
        ),
        start=start,
        end=end,
        word=text(said, "service"),
        calendar=text(said, "calendar"),
        note=clean(note, 2000) if isinstance(note, str) else "",
        cancelled=said.get("cancelled") is True or reading_cancels.certain(text(said, "status")),
    )


def _of_event(event: reading_ics.Event, digest: str, number: int, zone: ZoneInfo) -> Reading:
    inner = _of_lines(event.description, _numbered(digest, number), zone)
    own = line(event.uid, _ID_MOST)
    return replace(
        inner,
        key=f"id:{own}" if own else inner.key,
        named=bool(own),
        start=event.start,
        end=event.end,
        subject=line(event.summary, 200),
        cancelled=event.cancelled or inner.cancelled,
        perhaps=inner.perhaps and not event.cancelled,
    )


def _of_lines(text: str, digest: str, zone: ZoneInfo) -> Reading:
    """Lines with labels, and of the rest what calls itself by its name."""
    said = reading_lines.labelled(text)
    family, given = reading_lines.names(said)
    start, end = _times(said, zone)
    length = reading_times.minutes(said.get("minutes", ""))
    if start is not None and end is None and length is not None:
        end = start + length * 60
    number = line(said.get("number", ""), _ID_MOST)
    if not any(one.isdigit() for one in number):
        number = ""  # „Referenz: Website“ stands in every mail of a form, and is no number
    status = said.get("status", "")
    certain = reading_cancels.certain(status)
    birth = said["birth"] if "birth" in said else reading_lines.born(text)
    return Reading(
        f"no:{number}" if number else digest,
        named=bool(number),
        told=Told(
            family=family,
            given=given,
            birth_date=reading_times.birth_date(birth),
            phone=_phone(said.get("mobile", "")) or _phone(said.get("phone", "")),
            email=_email(said.get("email", "")),
        ),
        start=start,
        end=end,
        word=line(said.get("service", ""), _WORD_MOST),
        calendar=line(said.get("calendar", ""), _WORD_MOST),
        note=said.get("note", ""),
        cancelled=certain or reading_cancels.called_off(status),
        perhaps=not certain and reading_cancels.called_off(status),
    )


def _times(said: Mapping[str, str], zone: ZoneInfo) -> tuple[int | None, int | None]:
    """Start and end, if all that the message says of them is one time."""
    found: set[tuple[Any, int]] = set()
    ends: set[int] = set()
    day = reading_times.day(said.get("date", ""), short_years=True)
    span = reading_times.hours(said.get("time", ""))
    if day is not None and span is not None:
        found.add((day, span[0]))
        ends |= {span[1]} if span[1] is not None else set()
    for name in ("moment", "date", "time"):
        whole = reading_times.moment(said.get(name, ""))
        if whole is not None:
            found.add(whole[:2])
            ends |= {whole[2]} if whole[2] is not None else set()
    last = reading_times.clock(said.get("end", ""))
    ends |= {last} if last is not None else set()
    if len(found) != 1:
        return None, None
    when, minute = found.pop()
    start = reading_times.instant(when, minute, zone)
    if start is None or len(ends) != 1:
        return start, None
    end = reading_times.instant(when, ends.pop(), zone)
    return start, end if end is not None and end > start else None


def _ahead(one: Reading, now: int) -> Reading:
    """Without a time that is over, or further off than anybody books; an end that makes no sense falls away too."""
    if one.start is None or not now < one.start < now + AHEAD_S:
        return replace(one, start=None, end=None)
    if one.end is not None and not one.start + 300 <= one.end <= one.start + 86_400:
        return replace(one, end=None)
    return one


def _phone(text: str) -> str:
    found = line(text, 40)
    return found if _PHONE.fullmatch(found) and 5 <= sum(c.isdigit() for c in found) <= 17 else ""


def _email(text: str) -> str:
    found = line(text, 254).strip("<>").removeprefix("mailto:")
    return found if _EMAIL.fullmatch(found) and found.isascii() else ""
