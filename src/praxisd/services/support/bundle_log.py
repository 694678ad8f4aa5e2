"""What a support package tells of the log: its last lines, each field by its own type (see `kernel/log.py`).

The log drops free text already; here every field is held against what it may be once more, so that a line which some
plug-in has written carelessly does not leave the practice either.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from praxisd.kernel.log_routes import line
from praxisd.services.support.bundle_known import Look
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
"""So many of the last lines are told; of level debug none."""
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
    recent = look.house.log.recent()[-4 * LINES :]
    found = [one for one in (line(number_, data) for number_, data in recent) if one.level != "debug"]
    for one in found[-LINES:]:
        values: dict[str, Value] = {
            "at": stamp(one.at),
            "level": word(one.level, look.known),
            "event": one.event if _EVENT.fullmatch(one.event) else HIDDEN,
        }
        for name, value in one.detail.items():
            values[name] = field(name, value, look.known)
        yield Row("log", values)


def field(name: str, value: Any, known: frozenset[str]) -> Value:
    """A field of a line as its type."""
    if isinstance(value, bool | int | float):
        return number(value)
    if name in _NUMBERS:
        return HIDDEN
    if name in _WORDS:
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
