"""Rules of seats and locks: what needs no store. Times are epoch seconds."""

import base64
import binascii
import re
import unicodedata

from praxisd.kernel.errors import Problem

PREFIX = "record:"
"""So begin the keys of record locks among the leases."""
_HOLDER = "seat:"
BROWSER = "browser-"
"""So begin the ids of seats that are browsers; their 32 hexadecimal digits were made by the page."""
_BROWSER = re.compile(rf"{BROWSER}[0-9a-f]{{32}}")
NAME_MOST, PERSON_MOST, PROGRAM_MOST = 60, 80, 40
KEY_BYTES = 32
WAITING_MOST = 50
"""So many seats of a practice may wait for a person at one time; somebody who registers without end fills no more."""
WAITING_DAYS = 7
"""A seat that nobody approved for so long has to register anew."""
BROWSER_DAYS = 90
"""A browser nobody came with for so long is forgotten: private windows make a new one each time."""
SETUP_HOURS = 8
SWEEPS = 3
"""Sweeps in one interval: what lapsed is free after the interval and a third of it at most (SPEC 9.1)."""
VANISHED_S = 600
"""A program that went without a word is reported after so long. Seconds."""
SESSION_DAYS = 7
"""How long sessions that are over are remembered."""
MINUTES_MOST, AHEAD_DAYS = 720, 30
OPERATION, SETUP = "operation", "setup"
EXPIRED, TAKEN, RELEASED = "expired", "taken", "released"

WAITING, APPROVED, REFUSED, REVOKED = "waiting", "approved", "refused", "revoked"
_NEXT = {(WAITING, APPROVED), (WAITING, REFUSED), (WAITING, REVOKED), (APPROVED, REVOKED)}


def holder_of(session: str) -> str:
    """The holder of a session's leases."""
    return f"{_HOLDER}{session}"


def session_of(holder: str) -> str:
    """The session behind a holder of record locks; empty for a holder that is none."""
    return holder.removeprefix(_HOLDER) if holder.startswith(_HOLDER) else ""


def key_of(record: str) -> str:
    """The key of a record's lock."""
    return f"{PREFIX}{record}"


def record_of(key: str) -> str:
    """The record behind the key of a lock."""
    return key.removeprefix(PREFIX)


def is_browser(seat: str) -> bool:
    """True for the id of a browser."""
    return _BROWSER.fullmatch(seat) is not None


def plain(text: str, most: int, field: str) -> str:
    """A name on one line, without blanks around it. Problem `seats.invalid` (422) for an empty or overlong one, or signs
    that are not printed.
    """
    found = " ".join(unicodedata.normalize("NFC", text).split())
    if not found or len(found) > most or not found.isprintable():
        raise Problem("seats.invalid", 422, field=field)
    return found


def may_become(state: str, then: str) -> bool:
    """True if a seat in `state` may become `then`."""
    return (state, then) in _NEXT


def need_state(state: str, then: str) -> None:
    """Problem `seats.not_now` (409) where `state` does not allow it."""
    if not may_become(state, then):
        raise Problem("seats.not_now", 409, state=state)


def shown_code(code: str) -> str:
    """A code as people read it out: `123 456`."""
    return f"{code[:3]} {code[3:]}"


def typed_code(text: str) -> str:
    """What a person typed, without blanks and signs between."""
    return re.sub(r"[\s.\-]", "", text)


def raw_key(text: str) -> bytes:
    """The 32 bytes of a public Ed25519 key given as base64url. Problem `seats.invalid` (422) for anything else."""
    found = unpacked(text)
    if found is None or len(found) != KEY_BYTES:
        raise Problem("seats.invalid", 422, field="publicKey")
    return found


def unpacked(text: str) -> bytes | None:
    """The bytes of base64url, with or without `=`; None for what is none."""
    if "+" in text or "/" in text:  # base64 of another kind
        return None
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None


def is_rest(last: int, now: int, interval: int) -> bool:
    """True if nobody could renew anything for longer than an interval: the server stood still, or was closed."""
    return now - last > interval


def state_of(gone: bool, line: bool, beat_at: int, now: int, interval: int) -> str:
    """How a session is: `here`, `quiet` (its line broke, or its word is overdue), `gone`."""
    if gone or now - beat_at >= interval:
        return "gone"
    return "here" if line and now - beat_at <= interval * 2 // 3 else "quiet"


def why_lost(fence: int, now_fence: int, marked: str) -> str:
    """Why a lock is not there any more: `marked` is what the lease says of its last change, `now_fence` how far it grew."""
    if now_fence == fence:
        return marked if marked in (EXPIRED, TAKEN, RELEASED) else RELEASED
    return TAKEN if marked == TAKEN and now_fence == fence + 1 else EXPIRED


def hours_end(now: int, hours: int) -> int:
    """When set-up ends by itself. Problem `seats.invalid` (422) beyond 8 hours (SPEC 9.2)."""
    if not 1 <= hours <= SETUP_HOURS:
        raise Problem("seats.invalid", 422, field="hours")
    return now + hours * 3600


def mode_now(mode: str, until: int | None, now: int) -> str:
    """The mode in force: set-up is over at its end, whether somebody has noted it yet or not."""
    return SETUP if mode == SETUP and until is not None and now < until else OPERATION


def check_announcement(at: int, minutes: int, now: int) -> None:
    """Problem `seats.invalid` (422) for a time that is over or more than a month away, or a length that is none."""
    if not now <= at <= now + AHEAD_DAYS * 86_400:
        raise Problem("seats.invalid", 422, field="at")
    if not 1 <= minutes <= MINUTES_MOST:
        raise Problem("seats.invalid", 422, field="minutes")
