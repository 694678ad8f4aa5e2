"""When the sample practice's patients come: a pure plan over open days, about 70 % full. Same seed, same plan."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from praxisd.demo.practice import COLUMNS, KINDS, Column

FILLED = 0.74
"""Chance that the next free moment of a column is taken; gaps of half an hour between make it about 70 %."""
_STEP_S = 15 * 60
_GAP_S = 30 * 60
_PAIR = "implant"
_MIX = {
    "sommer": ("check", "check", "treatment", "treatment", "first"),
    "winter": ("check", "check", "treatment", "treatment", "first"),
    "prophylaxis": ("cleaning",),
    "urgent": ("pain",),
}
Busy = dict[str, list[tuple[int, int]]]


class Planned(NamedTuple):
    """One appointment: type and columns as keys of `practice`, start in epoch seconds."""

    kind: str
    columns: tuple[str, ...]
    start: int


def opening(column: Column, day: date, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The open periods of a column on a local day, in epoch seconds."""
    return [(_at(day, a, zone), _at(day, b, zone)) for days, a, b in column.open if day.isoweekday() in days]


def plan(
    rng: Random, days: Iterable[date], zone: ZoneInfo, blocked: Mapping[str, Sequence[tuple[int, int]]]
) -> list[Planned]:
    """Appointments on these days, in order of start; nothing in `blocked` (periods by column) is touched."""
    busy: Busy = {name: list(blocked.get(name, ())) for name in COLUMNS}
    found: list[Planned] = []
    for day in days:
        found += _pairs(rng, day, zone, busy)
        for name, column in COLUMNS.items():
            for start, end in opening(column, day, zone):
                found += _fill(rng, name, start, end, busy)
    return sorted(found, key=lambda one: (one.start, one.columns))


def _pairs(rng: Random, day: date, zone: ZoneInfo, busy: Busy) -> list[Planned]:
    """On every other day or so one appointment that takes a doctor and Zimmer 3 together."""
    if rng.random() < 0.4:
        return []
    doctor = rng.choice(KINDS[_PAIR].groups[0])
    columns = (doctor, KINDS[_PAIR].groups[1][0])
    start = opening(COLUMNS[doctor], day, zone)[0][0] + _STEP_S * rng.randrange(0, 12)
    taken = _taken(_PAIR, start)
    if any(_overlaps(busy[name], *taken) for name in columns):
        return []
    for name in columns:
        busy[name].append(taken)
    return [Planned(_PAIR, columns, start)]


def _fill(rng: Random, name: str, start: int, end: int, busy: Busy) -> list[Planned]:
    found = []
    at = start
    while at < end:
        kind = rng.choice(_MIX[name])
        low, high = _taken(kind, at)
        length = KINDS[kind].fields["duration"] * 60
        wanted = rng.random() < FILLED
        if at + length <= end and not _overlaps(busy[name], low, high) and wanted:
            busy[name].append((low, high))
            found.append(Planned(kind, (name,), at))
            at = _raster(high)
        else:
            at += _GAP_S if not wanted else _STEP_S
    return found


def _taken(kind: str, start: int) -> tuple[int, int]:
    fields = KINDS[kind].fields
    after = fields["duration"] + fields.get("buffer_after", 0)
    return start - fields.get("buffer_before", 0) * 60, start + after * 60


def _raster(moment: int) -> int:
    return -(-moment // _STEP_S) * _STEP_S


def _overlaps(rows: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(low < end and start < high for low, high in rows)


def _at(day: date, clock: str, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time.fromisoformat(clock), zone).timestamp())
