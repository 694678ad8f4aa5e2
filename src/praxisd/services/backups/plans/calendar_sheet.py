"""The calendar of media on paper: to hang beside the drive, one line a day, with a box to tick and room for a name."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, Actor
from praxisd.kernel.paper import Column, Paper
from praxisd.services.backups.plans.plan_shapes import CalendarDayOut, CalendarOut, NamedSlot
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "praxisd-medien.pdf"


def paper(house: "House", actor: Actor, found: CalendarOut, now: datetime, lang: str) -> Paper:
    """The sheet of the calendar as it stands."""

    def say(key: str, **params: object) -> str:
        return house.texts.get(f"backups.calendar_sheet.{key}", lang, **params)

    with house.store.read(actor) as tx:
        practice = None if actor.organization == INSTALLATION else directory.organization(tx)
    name = practice.name if practice else house.config.instance
    made = Paper(say("title"), lang, organization=name, printed=now)
    days = found.days
    made.facts([(say("range"), f"{_day(days[0].day, lang)} – {_day(days[-1].day, lang)}")])
    made.text(say("how"), small=True)
    columns = (
        Column(say("day"), 1.7),
        Column(say("insert"), 3),
        Column(say("take"), 1.8),
        Column(say("bring"), 2),
        Column(say("done"), 1.4),
    )
    made.table(columns, [_row(house, one, say, lang) for one in days])
    if found.image is not None:
        made.text(say("image", label=found.image.label, day=_day(found.image.day, lang)))
    return made


def _row(house: "House", one: CalendarDayOut, say: Callable[..., str], lang: str) -> tuple[str, ...]:
    weekday = house.texts.get(f"backups.weekday.{one.weekday}", lang)[: 2 if lang.startswith("de") else 3]
    day = f"{weekday} {_day(one.day, lang)}"
    runs = []
    for run in one.runs:
        key = "desk" if run.start == "desk" else "night" if run.next_morning else "time"
        runs.append(say(key, label=run.label, time=run.time))
    shut = [say("closed")] if one.closed else []
    bring = ""
    if one.bring_next and one.next_day is not None and not one.closed:
        bring = say("for", labels=_named(one.bring_next), day=_short(one.next_day, lang))
    return day, "\n".join([*shut, *runs]), _named(one.take), bring, ""


def _named(found: Iterable[NamedSlot]) -> str:
    return ", ".join(one.label for one in found)


def _day(day: date, lang: str) -> str:
    return f"{day:%d.%m.%Y}" if lang.startswith("de") else f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _short(day: date, lang: str) -> str:
    return f"{day:%d.%m.}" if lang.startswith("de") else f"{day.day} {_MONTHS[day.month - 1]}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
