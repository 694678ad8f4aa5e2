"""What a support package tells of the log: its last lines, each field by its own type (see `kernel/log.py`).

The log drops free text already; here every field is held against what it may be once more, so that a line which some
plug-in has written carelessly does not leave the practice either.
"""

import logging
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from praxisd.kernel.log_routes import line
from praxisd.kernel.shapes import LogLineOut
from praxisd.services.support.bundle_known import Look
from praxisd.services.support.bundle_spoken import spoken
from praxisd.services.support.bundle_values import (
    HIDDEN,
    Row,
    Value,
    error_type,
    host,
    ident,
    number,
    place,
    stamp,
    version,
    word,
)

LINES = 500
"""So many of the last lines are told; none of level debug, and of requests only those refused, failed or slow."""
SLOW_MS = 1_000
_NUMBERS = frozenset(
    {"dropped", "status", "ms", "count", "port", "pid", "attempt", "fence", "cursor", "bytes", "due"}
)
_WORDS = frozenset(
    {
        "service", "job", "route", "method", "code", "lang", "handler", "check", "table", "state", "permission", "engine",
        "channel", "lease",
    }
)  # fmt: skip
_EVENT = re.compile(
    r"[a-z]+(_[a-z0-9]+)+|started|stopped|ready|stdlib|request|signal|withheld|draining|ended"
)
_STATE = re.compile(r"SQLITE_[A-Z_]{1,40}|[0-9A-Z]{5}")
_TEMPLATE = re.compile(r"(?=.* ).{1,200}", re.DOTALL)


def log(look: Look) -> Iterator[Row]:
    """The last lines, the oldest first."""
    said = spoken()
    known = look.known | said
    found = (line(number_, data) for number_, data in look.house.log.recent())
    for one in deque((each for each in found if _telling(each)), maxlen=LINES):
        values: dict[str, Value] = {
            "at": stamp(one.at),
            "level": word(one.level, look.known),
            "event": word(one.event, said),
        }
        for name, value in one.detail.items():
            values[name] = field(name, value, known if name == "route" else look.known)
        yield Row("log", values)


def _telling(one: LogLineOut) -> bool:
    """What was asked for and given in good time tells nothing, and would leave no room for what does."""
    status, ms = one.detail.get("status"), one.detail.get("ms")
    plain = one.event == "request" and isinstance(status, int) and status < 400
    return one.level != "debug" and not (plain and isinstance(ms, int | float) and ms < SLOW_MS)


def field(name: str, value: Any, known: frozenset[str]) -> Value:
    """A field of a line as its type."""
    if isinstance(value, bool | int | float):
        return number(value)
    if name in _NUMBERS:
        return HIDDEN
    if name in _WORDS or (name == "where" and value in known):
        return word(value, known)
    told = _BY_NAME.get(name)
    return HIDDEN if told is None else told(value)


def _places(value: Any) -> Value:
    found = [place(one) for one in value] if isinstance(value, list) else [HIDDEN]
    kept = [one for one in found if isinstance(one, str)]
    return kept or HIDDEN


def _types(value: Any) -> Value:
    found = [error_type(one) for one in value] if isinstance(value, list) else [HIDDEN]
    kept = [one for one in found if isinstance(one, str)]
    return kept or HIDDEN


def _state(value: Any) -> Value:
    """The database's own word for a fault."""
    return value if isinstance(value, str) and _STATE.fullmatch(value) else HIDDEN


def _logger(value: Any) -> Value:
    """A logger that is named after a module."""
    text = str(value)
    known = text in logging.root.manager.loggerDict and text.partition(".")[0] in sys.modules
    return text if known else HIDDEN


def _template(value: Any) -> Value:
    """A sentence that stands in the code of a library. The log lets several words through only where it made sure of
    that; a single word anybody could have given.
    """
    return value if isinstance(value, str) and _TEMPLATE.fullmatch(value) else HIDDEN


_BY_NAME: dict[str, Callable[[Any], Value]] = {
    "where": place,
    "trace": _places,
    "error_type": error_type,
    "caused_by": _types,
    "reason": _state,
    "logger": _logger,
    "template": _template,
    "node": host,
    "version": version,
    "run": ident,
    "request": ident,
    "organization": ident,
    "portal": ident,
}
"""Of the rest nothing is told: `actor`, `subject`, `key`, `host`, `thread`, `signal`, `revision`."""
