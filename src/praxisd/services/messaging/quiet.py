"""Quiet hours: when a message to a patient may go out. Pure; times are epoch seconds, hours are wall time `HH:MM`.

The wall clock of the practice decides, minute by minute (SPEC 5.7): what stands on it lies in the quiet hours from
`quiet_from` up to, not including, `quiet_to`, over midnight too. In the night in which clocks go forward the hours may
thus end at a moment that no clock shows; in the other night a quiet hour may come twice.
"""

import re
from datetime import datetime, tzinfo

QUIET_FROM, QUIET_TO = "20:00", "08:00"
"""The hours with which a practice starts."""
DAY_MINUTES = 1440
OPEN_LEAST = 60
"""So many minutes of a day have to stay open: with fewer nothing would ever be sent."""
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def minute(text: str) -> int:
    """Minutes since midnight of `HH:MM` (00:00 to 23:59). ValueError for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("not a time of day")
    return int(found[1]) * 60 + int(found[2])


def open_minutes(quiet_from: str, quiet_to: str) -> int:
    """Minutes of an ordinary day on which messages may go out; 0 where both times are the same."""
    return (minute(quiet_from) - minute(quiet_to)) % DAY_MINUTES


def good(quiet_from: str, quiet_to: str) -> bool:
    """True for quiet hours that leave at least an hour of the day, and are hours at all."""
    return open_minutes(quiet_from, quiet_to) >= OPEN_LEAST


def next_allowed(at: int, quiet_from: str, quiet_to: str, zone: tzinfo) -> int:
    """The first moment not before `at` at which a message may go out.

    Where both times are the same (a configuration file may say so, the console refuses it) the hours with which a
    practice starts hold.
    """
    if open_minutes(quiet_from, quiet_to) == 0:
        quiet_from, quiet_to = QUIET_FROM, QUIET_TO
    begin, end = minute(quiet_from), minute(quiet_to)
    while _quiet(at, begin, end, zone):
        wall = datetime.fromtimestamp(at, zone)
        seconds = (wall.hour * 60 + wall.minute) * 60 + wall.second
        expected = at + (end * 60 - seconds) % (DAY_MINUTES * 60)
        if datetime.fromtimestamp(expected, zone).utcoffset() == wall.utcoffset():
            return expected
        at = _clock_change(at, expected, zone)
    return at


def _quiet(at: int, begin: int, end: int, zone: tzinfo) -> bool:
    wall = datetime.fromtimestamp(at, zone)
    now = wall.hour * 60 + wall.minute
    return begin <= now < end if begin < end else now >= begin or now < end


def _clock_change(before: int, after: int, zone: tzinfo) -> int:
    """The first moment at which clocks no longer go as at `before`; they go otherwise at `after`, less than a day later."""
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
