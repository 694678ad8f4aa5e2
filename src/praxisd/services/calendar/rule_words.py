"""A repeating rule in words, and the next days it names: for whoever enters one, and for lists."""

from datetime import date, timedelta
from itertools import islice
from typing import Annotated

from msgspec import Meta

from praxisd.kernel.clock import local_date, zone
from praxisd.kernel.service import Call
from praxisd.kernel.texts import Texts
from praxisd.model.recurrence import recurrence
from praxisd.model.recurrence_text import LONGEST_TEXT, Parts
from praxisd.model.scheduling import Absence
from praxisd.services.calendar import repeating
from praxisd.services.calendar.shapes import In, Out
from praxisd.services.directory import api as directory

SHOWN = 5
"""Days that are shown to see whether a rule says what was meant."""
_YEARS = 12
"""How far ahead they are looked for."""
_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_WHICH = (1, 2, 3, 4, 5, -1)


class RuleIn(In, frozen=True, kw_only=True):
    """A rule (RRULE of RFC 5545) and the day from which it counts."""

    rule: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
    first: date


class Repeated(Out, frozen=True, kw_only=True):
    """What a rule says, in the caller's language, and the next days that it names: from today on, or from its first."""

    words: str
    dates: tuple[date, ...]


def preview(call: Call) -> Repeated:
    """A rule in words, with its next days."""
    asked: RuleIn = call.body
    repeating.check_rule(asked.rule, asked.first)
    with call.read() as tx:
        today = local_date(tx.now, zone(directory.organization(tx).zone))
    since = max(today, asked.first)
    rule = recurrence(asked.rule, asked.first)
    dates = tuple(islice(rule.dates(since, since + timedelta(days=366 * _YEARS)), SHOWN))
    return Repeated(words=words(call.house.texts, call.lang, asked.rule, asked.first), dates=dates)


def of_absence(texts: Texts, lang: str, one: Absence) -> str | None:
    """How an absence repeats, in words; None for one that does not."""
    return None if one.rule is None else words(texts, lang, one.rule, one.first)


def words(texts: Texts, lang: str, text: str, first: date) -> str:
    """`jeden Monat am 1. Samstag, bis 31.12.2027`; a rule that is more involved is given as it is written."""
    parts = recurrence(text, first).parts
    said = _said(texts, lang, parts)
    if said is None:
        return texts.get("console.rule.other", lang, rule=text)
    if parts.until is not None:
        said += texts.get("console.rule.until", lang, date=_date(lang, parts.until))
    if parts.times is not None:
        said += texts.get("console.rule.count", lang, n=parts.times)
    return said


def _said(texts: Texts, lang: str, parts: Parts) -> str | None:
    """What comes before the end, where it can be said simply."""
    when = _when(texts, lang, parts)
    if when is None:
        return None
    unit = _UNITS[parts.freq]
    key = f"console.rule.every_{unit}" if parts.interval == 1 else f"console.rule.every_n_{unit}s"
    return texts.get(key, lang, n=parts.interval, when=when).strip()


def _when(texts: Texts, lang: str, parts: Parts) -> str | None:
    if parts.by_position or parts.by_week or parts.by_year_day or (parts.by_month_day and parts.by_day):
        return None
    if parts.freq == "DAILY":
        return "" if not (parts.by_month or parts.by_month_day or parts.by_day) else None
    if parts.freq == "WEEKLY":
        days = sorted(day for _, day in parts.by_day)
        return None if parts.by_month else _listed(texts, lang, [_weekday(texts, lang, day) for day in days])
    month = texts.get(f"console.rule.month_{parts.by_month[0]}", lang) if len(parts.by_month) == 1 else ""
    if (parts.freq == "YEARLY") != bool(month):
        return None
    named = []
    for which, day in parts.by_day:
        if which not in _WHICH:
            return None
        key = f"console.rule.nth_{'last' if which < 0 else which}"
        named.append(texts.get(key, lang, day=_weekday(texts, lang, day)))
    for day in sorted(parts.by_month_day, key=lambda day: day if day > 0 else 99):
        if day < -1:
            return None
        if day > 0:
            named.append(
                texts.get("console.rule.date" if month else "console.rule.day", lang, n=day, month=month)
            )
        else:
            named.append(texts.get("console.rule.last_day", lang))
    if month and (parts.by_day or -1 in parts.by_month_day):
        named = [texts.get("console.rule.of_month", lang, when=one, month=month) for one in named]
    return _listed(texts, lang, named)


def _weekday(texts: Texts, lang: str, day: int) -> str:
    return texts.get(f"console.rule.weekday_{day + 1}", lang)


def _listed(texts: Texts, lang: str, items: list[str]) -> str:
    """`Montag, Dienstag und Freitag`"""
    if len(items) < 2:
        return "".join(items)
    return texts.get("console.rule.and", lang, first=", ".join(items[:-1]), last=items[-1])


def _date(lang: str, on: date) -> str:
    return f"{on.day}.{on.month}.{on.year}" if lang == "de" else on.isoformat()
