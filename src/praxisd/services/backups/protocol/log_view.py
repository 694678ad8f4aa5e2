"""The log of backup days in the words of one language."""

from datetime import date
from typing import TYPE_CHECKING

from praxisd.kernel.clock import format_rfc3339
from praxisd.model.backup_kept import LogCheck, RunKept
from praxisd.services.backups.protocol.log_keeping import Book
from praxisd.services.backups.protocol.log_rules import Line
from praxisd.services.backups.protocol.log_shapes import (
    BackupLogCheckOut,
    BackupLogDayOut,
    BackupLogDaysOut,
    BackupLogLineOut,
    BackupLogOut,
)

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def days(book: Book, limit: int, masked: bool = False) -> BackupLogDaysOut:
    """The newest so many days on which there is something to tell; to masked callers without names."""
    told = [day for day in sorted(book.states, reverse=True) if book.states[day] != "nothing"]
    return BackupLogDaysOut(days=tuple(_short(book, day, masked) for day in told[:limit]), asked=book.asked)


def day(house: "House", book: Book, one: date, lang: str, masked: bool = False) -> BackupLogOut:
    """One day with its lines."""
    return BackupLogOut(
        day=one,
        state=book.states[one],
        due=one in book.late,
        check=check(book.checks.get(one), masked),
        over=one < book.around.today,
        lines=tuple(line(house, each, lang) for each in book.lines[one]),
    )


def _short(book: Book, one: date, masked: bool) -> BackupLogDayOut:
    return BackupLogDayOut(
        day=one, state=book.states[one], due=one in book.late, check=check(book.checks.get(one), masked)
    )


def check(one: LogCheck | None, masked: bool) -> BackupLogCheckOut | None:
    """Who has looked; a masked caller is told that somebody has."""
    if one is None:
        return None
    by, remark = ("", "") if masked else (one.by, one.remark)
    return BackupLogCheckOut(by=by, at=format_rfc3339(one.at), state=one.state, remark=remark)


def line(house: "House", one: Line, lang: str) -> BackupLogLineOut:
    """A run, or what was to run."""
    run = one.run
    return BackupLogLineOut(
        id="" if run is None else run.id,
        kind="backup" if run is None else run.kind,
        job=one.job,
        slot=one.slot,
        label=what(house, one, lang),
        state=one.state,
        last=one.last,
        due=_at(one.due),
        began=_at(run.began if run else None),
        ended=_at(run.ended if run else None),
        code=run.code if run else "",
        title=why(house, run, lang),
        figures=run.figures if run else None,
        named_count=run.named_count if run else 0,
    )


def what(house: "House", one: Line, lang: str) -> str:
    """What a line is about: its slot („Mo extern“), else its kind („Prüfung“)."""
    key = f"backups.slot.{one.slot}"
    if one.slot and house.texts.has(key):
        return house.texts.get(key, lang)
    kind = "backup" if one.run is None else one.run.kind
    return house.texts.get(f"backups.log_kind.{kind}", lang)


def why(house: "House", run: RunKept | None, lang: str) -> str:
    """Why a run is not green: the title of its code."""
    if run is None or not run.code:
        return ""
    key = f"{run.code}.title"
    return house.texts.get(key, lang, **run.facts) if house.texts.has(key) else run.code


def _at(at: int | None) -> str | None:
    return None if at is None else format_rfc3339(at)
