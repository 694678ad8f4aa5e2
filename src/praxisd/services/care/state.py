"""The database put into words for page, command and package."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.care import figures, journal, releasing, settling, store
from praxisd.services.care.figures import Figures
from praxisd.services.care.shapes import (
    EstimateOut,
    MoveOut,
    OldOut,
    StateOut,
    TableOut,
    TargetOut,
    UnderOut,
    WorkOut,
)
from praxisd.services.care.store import Work
from praxisd.services.care.targets import Target
from praxisd.services.care.working import working_of

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def shown(house: "House", lang: str) -> StateOut:
    """How it is now, and what was found when all of it was last read."""
    now = figures.quick(house)
    with house.store.read(system("care")) as tx:
        zone = zone_of(zone_name(house, tx))
        works = [one for kind in store.KINDS for one in store.last(tx, kind)]
    measured = max((one for one in works if one.figures.get("tables")), key=lambda one: one.at, default=None)
    known = None if measured is None else msgspec.convert(measured.figures, Figures)
    guess = (
        None if known is None else figures.estimated(msgspec.structs.replace(known, disk_free=now.disk_free))
    )
    under = working_of(house).now

    def moment(at: int) -> str:
        return format_rfc3339(at, zone)

    return StateOut(
        engine=now.engine,
        place=now.place,
        size=now.size,
        free=now.free,
        log=now.log,
        disk_free=now.disk_free,
        measured_at=None if measured is None else moment(measured.at),
        unused=None if known is None else known.unused,
        fill_percent=None if known is None else _fill(known),
        tables=[] if known is None else [TableOut(name=t.name, bytes=t.bytes, rows=t.rows) for t in known.tables],
        estimate=None if guess is None else EstimateOut(
            gain=guess.gain, gain_percent=guess.gain_percent, after=guess.after, extra=guess.extra,
            stall_seconds=guess.stall_s, proposed=guess.proposed, reason=guess.reason,
        ),
        works=[_work(house, one, lang, moment(one.at)) for one in works],
        under=None if under is None else UnderOut(
            kind=under.kind, at=moment(under.at), done=under.done, total=under.total, ended=under.ended,
            code=under.code, title=title(house, under.code, lang),
        ),
        move=moved(house, lang),
        old=kept(house),
    )  # fmt: skip


def moved(house: "House", lang: str) -> MoveOut | None:
    """The move under way, or the last one."""
    last = journal.known(house.folder)
    if last is None:
        return None
    with house.store.read(system("care")) as tx:
        zone = zone_of(zone_name(house, tx))
    under = working_of(house).now
    mine = under is not None and under.kind == "move" and not under.ended and last.phase in journal.UNDERWAY
    return MoveOut(
        id=last.id, kind=last.kind, phase=last.phase, old=last.old, new=last.new, valid=valid(house.folder, last),
        at=format_rfc3339(last.at, zone), ended=None if last.ended is None else format_rfc3339(last.ended, zone),
        code=last.code, title=title(house, last.code, lang), detail=last.detail, cut=last.cut, stall_ms=last.stall_ms,
        done=under.done if mine and under is not None else 0, total=under.total if mine and under is not None else 0,
    )  # fmt: skip


def target(found: Target) -> TargetOut:
    """What a look at a move tells."""
    return TargetOut(
        path=found.path, system=found.system, size=found.size, free=found.free, stall_seconds=found.stall_s
    )


def valid(folder: Path, last: journal.Move) -> str:
    """Of the two databases of a move the one that is in force."""
    return last.new if settling.points(folder, last) else last.old


def kept(house: "House") -> list[OldOut]:
    """Old databases, newest first."""
    with house.store.read(system("care")) as tx:
        zone = zone_of(zone_name(house, tx))
        proven = releasing.proven_since(tx)
    return [
        OldOut(
            id=one.id, path=one.path, at=format_rfc3339(one.at, zone), bytes=one.bytes,
            released=None if one.released is None else format_rfc3339(one.released, zone),
            releasable=one.released is None and proven >= one.at,
        )
        for one in reversed(journal.old_ones(house.folder))
    ]  # fmt: skip


def title(house: "House", code: str, lang: str) -> str:
    """The title of a problem's code; "" for none."""
    key = f"{code}.title"
    return house.texts.get(key, lang) if code and house.texts.has(key, lang) else ""


def _fill(found: Figures) -> int | None:
    if found.unused is None or not found.size:
        return None
    return 100 * (found.size - found.free - found.unused) // found.size


def _work(house: "House", one: Work, lang: str, at: str) -> WorkOut:
    return WorkOut(
        kind=one.kind, at=at, state=one.state, code=one.code, title=title(house, one.code, lang), detail=one.detail, ms=one.ms
    )  # fmt: skip
