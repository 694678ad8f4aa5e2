"""Entries of the log: a code and fields, each of a class; what belongs to patients does not leave this computer."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from praxisd_client.words import elapsed

Level = Literal["debug", "info", "warning", "error"]
LEVELS = ("debug", "info", "warning", "error")
LONGEST_VALUE = 200
MOST_FIELDS = 32
DIAGNOSE_MOST_S = 24 * 3600
_CODE = re.compile(r"[a-z0-9_.]{1,64}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """A value that points at a person only for whoever has the key to it, such as a record's id."""

    value: Value


@dataclass(frozen=True, slots=True)
class PatientData:
    """A value that belongs to a patient. It is dropped here, unless `Diagnose` is on for a while."""

    value: Value


class Diagnose:
    """The local switch that lets data of patients into the log, for a while. Off; never on for more than a day."""

    def __init__(self) -> None:
        self._until = 0.0

    def on(self, seconds: float) -> None:
        """For so many seconds, a day at most."""
        self._until = elapsed() + min(max(seconds, 0.0), DIAGNOSE_MOST_S)

    def off(self) -> None:
        """At once."""
        self._until = 0.0

    def __bool__(self) -> bool:
        return elapsed() < self._until


def entry(
    level: Level, code: str, fields: dict[str, Any], text: str = "", *, diagnose: bool = False
) -> dict[str, Any]:
    """One entry without its number. ValueError for a level, code, name or value that no server would take.

    `text` is for what is technical and the same for every patient.
    """
    if level not in LEVELS:
        raise ValueError(f"no level: {level!r}")
    if not _CODE.fullmatch(code):
        raise ValueError("a code is a-z, 0-9, _ and ., 64 at most")
    made: dict[str, Any] = {
        "at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "kind": "error" if level in ("warning", "error") else "status",
        "code": code,
        "fields": _fields(fields, diagnose),
    }
    if text:
        made["text"] = text[:LONGEST_VALUE]
    return made


def _fields(given: dict[str, Any], diagnose: bool) -> dict[str, Any]:
    if len(given) > MOST_FIELDS:
        raise ValueError(f"more than {MOST_FIELDS} fields")
    made = {}
    for name, what in given.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name of a field: {name!r}")
        kind = "patient" if isinstance(what, PatientData) else "pseudonym"
        if not isinstance(what, PatientData | Pseudonym):
            kind = "tech"
        value = what.value if isinstance(what, PatientData | Pseudonym) else what
        if not isinstance(value, str | int | float | bool):
            raise ValueError(f"the value of {name} is neither text nor number")
        if kind != "patient" or diagnose:
            made[name] = {"class": kind, "value": value[:LONGEST_VALUE] if isinstance(value, str) else value}
    return made
