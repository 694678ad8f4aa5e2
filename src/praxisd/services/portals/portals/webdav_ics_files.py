"""The .ics file of an online calendar: our busy times in it, and what others have put there. Pure.

Ours are VEVENTs without a title whose UID is a hash of their two times and ends in `OURS`; times are UTC, nothing in the
file depends on when it was written. An empty week is one VFREEBUSY with the period, since RFC 5545 § 3.6 knows no empty
calendar. Components of others stay in the file byte by byte.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from praxisd.services.portals.portal import ANSWER_UNREADABLE, Period
from praxisd.services.portals.portals.talking import wrong

OURS = "@busy.praxisd"
_LINE = "\r\n"
_STAMP = "DTSTAMP:20000101T000000Z"
_TIMES = re.compile(r"^DTSTART:([0-9]{8}T[0-9]{6}Z)$.*?^DTEND:([0-9]{8}T[0-9]{6}Z)$", re.M | re.S)
_CORE = ("VERSION", "PRODID", "METHOD", "CALSCALE")
_NAME = re.compile(r"[A-Z0-9-]+")
Key = tuple[str, str, str]
"""Component, start and end of one of ours, as they are written."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in a file. `ours`: our own components; `others`: those of others as they were written; `said`:
    properties of the calendar itself that others have set.
    """

    ours: frozenset[Key] = frozenset()
    others: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Nobody else has put anything there."""
        return not self.others and not self.said


def keys(period: Period, busy: Iterable[tuple[int, int]]) -> dict[Key, None]:
    """Our components for these times, in order."""
    found = {("VEVENT", _stamp(start), _stamp(end)): None for start, end in busy}
    return found or {("VFREEBUSY", _stamp(period.start), _stamp(period.end)): None}


def written(ours: Iterable[Key], kept: Content) -> bytes:
    """The file with our components and everything of others."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//praxisd//busy//EN", *kept.said, *kept.others]
    for kind, start, end in ours:
        lines += [f"BEGIN:{kind}", f"UID:{uid(start, end)}", _STAMP, f"DTSTART:{start}", f"DTEND:{end}"]
        lines += [] if kind == "VFREEBUSY" else ["CLASS:PRIVATE", "TRANSP:OPAQUE"]
        lines.append(f"END:{kind}")
    return _LINE.join([*lines, "END:VCALENDAR", ""]).encode()


def uid(start: str, end: str) -> str:
    """Says nothing but what the times say, and stays the same as long as they do."""
    return hashlib.sha256(f"{start}/{end}".encode()).hexdigest()[:32] + OURS


def content(body: bytes) -> Content:
    """What stands in a file; Problem `portals.answer_unreadable` if it is no iCalendar."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise wrong(ANSWER_UNREADABLE) from None
    ours: set[Key] = set()
    others: list[str] = []
    said: list[str] = []
    for name, raw in _pieces(text):
        if not name:
            said.append(raw)
        elif not _is_ours(raw):
            others.append(raw)
        else:
            times = _TIMES.search(raw.replace("\r", ""))
            ours.add((name, times[1], times[2]) if times else (name, "", raw))
    return Content(frozenset(ours), tuple(others), tuple(said))


def _is_ours(raw: str) -> bool:
    unfolded = re.sub(r"\r?\n[ \t]", "", raw)
    return re.search(rf"^UID(?:;[^:\r\n]*)?:[^\r\n]*{re.escape(OURS)}\r?$", unfolded, re.M) is not None


def _pieces(text: str) -> list[tuple[str, str]]:
    """(name, lines) of each component of the calendar, and ("", lines) of each property that is not of our own making."""
    found: list[tuple[str, str]] = []
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    open_: list[str] = []
    piece: list[str] = []
    whole = False
    for line in lines:
        word, _, name = line.partition(":")
        word, name = word.upper(), name.strip().upper()
        if word == "BEGIN":
            open_.append(name)
            if len(open_) == 1 and name != "VCALENDAR":
                raise wrong(ANSWER_UNREADABLE)
        elif not open_:
            raise wrong(ANSWER_UNREADABLE)
        if len(open_) > 1:
            piece.append(line)
        elif word not in ("BEGIN", "END"):
            _property(found, line)
        if word == "END":
            if not open_ or open_.pop() != name:
                raise wrong(ANSWER_UNREADABLE)
            whole = not open_
            if len(open_) == 1:
                found.append((name, _LINE.join(piece)))
                piece = []
    if open_ or not whole:
        raise wrong(ANSWER_UNREADABLE)
    return found


def _property(found: list[tuple[str, str]], line: str) -> None:
    """A property of the calendar, or the rest of the one before (folded lines begin with a blank)."""
    if line[0] in " \t":
        if found and not found[-1][0]:
            found[-1] = ("", found[-1][1] + _LINE + line)
        return
    name = _NAME.match(line.upper())
    if name is not None and name[0] not in _CORE:
        found.append(("", line))


def _stamp(epoch: int) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y%m%dT%H%M%SZ}"


__all__ = ("OURS", "Content", "Key", "content", "keys", "uid", "written")
