"""Who would get what, who not, and why: the verdicts of a run that writes nothing, before anything is switched on."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from praxisd.kernel.clock import FIRST_YEAR, LAST_YEAR, format_rfc3339, local_date, zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.reminders import judging, late, preparing
from praxisd.services.reminders.conditions import Conditions, conditions
from praxisd.services.reminders.day_rules import birthdays
from praxisd.services.reminders.judging import Judged
from praxisd.services.reminders.rules import CHANNELS, Candidate, Facts, Refusal
from praxisd.services.reminders.shapes import Counts, Not, Preview, PreviewIn, Reason, Way, Will

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CHUNK = 400
Names = Mapping[str, str | None]
_RUN_AT = time(10)
"""When the job is taken to run on another day than today."""


def preview(house: "House", tx: Tx, asked: PreviewIn, lang: str) -> Preview:
    """All verdicts of a run on that day, counted, and one page of them. Problem `reminders.bad_day` (422)."""
    found = conditions(house, tx, asked.kind, _now(tx, asked.day))
    first, skip = int(asked.cursor or 0), 0
    page: list[Judged] = []
    more = False
    tally: Counter[str] = Counter()
    parts = credits = letters = 0
    for one in _judged(tx, found, found.terms.now + 1 if asked.day is None else None):
        answer = one.verdict
        if isinstance(answer, Refusal):
            tally[answer.code] += 1
            letters += answer.letter
        elif one.message is not None:
            tally[""] += 1
            parts += one.message.parts
            credits += one.message.cost
        if not _wanted(one, asked):
            continue
        skip += 1
        if skip > first:
            more = len(page) == asked.limit
            if not more:
                page.append(one)
    will = tally.pop("", 0)
    counts = Counts(
        looked=will + tally.total(), will=will, letters=letters, not_=tally.total(), parts=parts, credits=credits,
        reasons=[_reason(house, code, count, lang) for code, count in tally.most_common()],
    )  # fmt: skip
    days = _days(found)
    names = directory.name(tx, [one.facts.patient for one in page if one.facts.patient is not None])
    return Preview(
        kind=asked.kind,
        day=found.day.isoformat(),
        first=days[0].isoformat(),
        last=days[1].isoformat(),
        switched_on=found.on,
        send_at=format_rfc3339(found.terms.send_at, found.zone),
        channels=_ways(found),
        counts=counts,
        candidates=[_will(found, one, names) for one in page if isinstance(one.verdict, Candidate)],
        refusals=[_not(house, found, one, names, lang) for one in page if isinstance(one.verdict, Refusal)],
        next=str(first + len(page)) if skip > first + len(page) else None,
    )


def _now(tx: Tx, day: str | None) -> int | None:
    if day is None:
        return None
    here = zone(directory.organization(tx).zone)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise Problem("reminders.bad_day", 422) from None
    if not FIRST_YEAR <= wanted.year < LAST_YEAR:
        raise Problem("reminders.bad_day", 422)
    if wanted == local_date(tx.now, here):
        return None
    return int(datetime.combine(wanted, _RUN_AT, here).timestamp())


def _judged(tx: Tx, found: Conditions, soon: int | None) -> Iterator[Judged]:
    """The verdicts of a run; with `soon` also on what it looks at again between then and its first day."""
    ledge = judging.begin(tx, found)
    if found.kind == "reminder":
        first = found.period[0]
        if soon is not None and soon < first:
            ledge = preparing.earlier_today(tx, found, (soon, ""), with_it=False)
        for rows in judging.pages(tx, found, CHUNK, None if soon is None else min(first, soon)):
            judged, ledge = late.reminders(tx, found, rows, ledge, first)
            yield from judged
        return
    patients = directory.birthdays(tx, birthdays(found.day, found.leap_day))
    for start in range(0, len(patients), CHUNK):
        judged, ledge = judging.greetings(tx, found, patients[start : start + CHUNK], ledge)
        yield from judged


def _wanted(one: Judged, asked: PreviewIn) -> bool:
    refused = isinstance(one.verdict, Refusal)
    if asked.code is not None and (not isinstance(one.verdict, Refusal) or one.verdict.code != asked.code):
        return False
    return asked.filter is None or refused == (asked.filter == "not")


def _days(found: Conditions) -> tuple[date, date]:
    if found.kind == "birthday":
        return found.day, found.day
    first = found.day + timedelta(days=found.first_day)
    return first, first + timedelta(days=found.days - 1)


def _ways(found: Conditions) -> list[Way]:
    return [
        Way(
            channel=one,
            active=one in found.prices,
            cost=found.prices.get(one, 0),
            templates=sorted(language for channel, language in found.templates if channel == one),
        )
        for one in CHANNELS
    ]


def _reason(house: "House", code: str, count: int, lang: str) -> Reason:
    text = house.texts.get
    return Reason(
        code=code, title=text(f"{code}.title", lang), solution=text(f"{code}.solution", lang), count=count
    )


def _start(found: Conditions, one: Judged) -> str | None:
    return format_rfc3339(one.facts.start, found.zone) if isinstance(one.facts, Facts) else None


def _birth_date(one: Judged) -> str | None:
    person = one.facts.person
    return None if isinstance(one.facts, Facts) or person is None else person.birth_date


def _will(found: Conditions, one: Judged, names: Names) -> Will:
    answer, message = one.verdict, one.message
    if not isinstance(answer, Candidate) or message is None:
        raise TypeError("only candidates have a message")
    return Will(
        appointment=one.facts.appointment if isinstance(one.facts, Facts) else None,
        patient=one.facts.patient or "",
        patient_name=names.get(one.facts.patient or "") or "",
        start=_start(found, one),
        birth_date=_birth_date(one),
        channel=answer.channel,
        address=answer.address,
        language=answer.language,
        mandator=answer.mandator,
        mandator_name=found.mandators[answer.mandator].name,
        subject=message.subject,
        text=message.text,
        parts=message.parts,
        cost=message.cost,
        send_at=format_rfc3339(answer.send_at, found.zone),
        renews=one.facts.held is not None and bool(one.facts.held.channel),
    )


def _not(house: "House", found: Conditions, one: Judged, names: Names, lang: str) -> Not:
    answer = one.verdict
    if not isinstance(answer, Refusal):
        raise TypeError("candidates have no reason")
    title, cause, solution = (
        house.texts.get(f"{answer.code}.{part}", lang) for part in ("title", "cause", "solution")
    )
    return Not(
        appointment=one.facts.appointment if isinstance(one.facts, Facts) else None,
        patient=one.facts.patient,
        patient_name=names.get(one.facts.patient or ""),
        start=_start(found, one),
        birth_date=_birth_date(one),
        code=answer.code,
        title=title,
        cause=cause,
        solution=solution,
        letter=answer.letter,
    )
