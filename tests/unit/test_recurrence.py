"""Rules of RFC 5545 that name days: libical's vectors, cases by hand, dateutil as a second opinion, and what is refused."""

import re
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from dateutil.rrule import rrulestr
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from praxisd.model.recurrence import Recurrence, recurrence
from praxisd.model.recurrence_text import MOST, RuleRefused, read

EVERY_DAY = tuple(range(1, 8))


class Vector(NamedTuple):
    """A rule, its first day with its time of day (HHMMSS or ""), and the days expected; None: libical itself gives up."""

    rule: str
    start: date
    clock: str
    days: list[date] | None


def day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def vectors(folder: Path) -> list[Vector]:
    found: list[Vector] = []
    told: dict[str, str] = {}
    for line in (folder / "recurrence/icalrecur_test.txt").read_text().splitlines():
        match = re.fullmatch(r"(RRULE|DTSTART|INSTANCES):(.*)", line)
        if match is None:
            continue
        told[match[1]] = match[2].strip()
        if match[1] == "INSTANCES":
            rule, start, days = told.pop("RRULE"), told.pop("DTSTART"), told.pop("INSTANCES")
            known = [day(one) for one in days.split(",")] if days[:1].isdigit() else None
            found.append(Vector(rule, day(start), start[9:].rstrip("Z"), known))
    return found


def whole_days(one: Vector) -> str:
    """The rule with the moment of its UNTIL as the last whole day: the day before where the time of day comes too late."""
    match = re.search(r"UNTIL=([0-9]{8})T([0-9]{6})Z?", one.rule)
    assert match is not None
    last = day(match[1]) - timedelta(days=int(one.clock > match[2]))
    return one.rule.replace(match[0], f"UNTIL={last:%Y%m%d}")


def named(rule: Recurrence, expected: list[date]) -> list[date]:
    """All its days; where it has no end, as far as expected and a year more than that by `holds`, day by day."""
    end = rule.last or expected[-1]
    found = list(rule.dates(rule.start, end))
    some = rule.start + timedelta(days=400)
    walked = [rule.start + timedelta(days=n) for n in range(400)]
    assert [on for on in walked if rule.holds(on)] == [on for on in found if on < some]
    return found


def test_libicals_vectors_hold_for_every_rule_we_accept(foreign_data: Path) -> None:
    told: Counter[str] = Counter()
    wrong = []
    for one in (all_ := vectors(foreign_data)):
        text = one.rule
        try:
            rule = recurrence(text, one.start)
        except RuleRefused as refused:
            told[f"refused: {refused.part}"] += 1
            assert refused.unsupported, one.rule
            if refused.part != "UNTIL":
                continue
            # The moment is refused; the same end as a day is taken, and has to give the same days.
            text = whole_days(one)
            try:
                rule = recurrence(text, one.start)
            except RuleRefused as again:
                told[f"refused: UNTIL and {again.part}"] += 1
                continue
            told["accepted with UNTIL as a day"] += 1
        else:
            told["accepted as written"] += 1
        assert one.days is not None, one.rule
        if named(rule, one.days) != one.days:
            wrong.append(text)
    for what, count in sorted(told.items()):
        print(f"{count:4} {what}")
    assert wrong == []
    assert len(all_) == 146
    assert told["accepted as written"] >= 73 and told["accepted with UNTIL as a day"] >= 32
    # What is refused stands here with its reason; anything else would be a rule lost by mistake.
    parts = ["BYHOUR", "BYMINUTE", "BYSECOND", "FREQ", "UNTIL", "BYMONTHDAY", "BYWEEKNO", "INTERVAL"]
    assert {what for what in told if what.startswith("refused")} == {
        "refused: UNTIL and INTERVAL",
        *(f"refused: {part}" for part in parts),
    }


MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("rule", "start", "days"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", MONDAY, ["2026-11-23", "2026-12-07", "2026-12-21"]),
        # The first day is named only if the rule names it.
        ("FREQ=WEEKLY;BYDAY=SA;COUNT=2", MONDAY, ["2026-11-28", "2026-12-05"]),
        # Weeks begin with Monday unless told otherwise: this Sunday is of the week of the start, or of the next.
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;COUNT=2", MONDAY, ["2026-11-29", "2026-12-13"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU;COUNT=2", MONDAY, ["2026-12-06", "2026-12-20"]),
        ("FREQ=MONTHLY;BYDAY=1SA;UNTIL=20270201", MONDAY, ["2026-12-05", "2027-01-02"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", MONDAY, ["2026-11-27", "2026-12-25"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", MONDAY, ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4", date(2027, 12, 31), ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]),
        ("FREQ=MONTHLY;COUNT=2", date(2027, 1, 30), ["2027-01-30", "2027-03-30"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", MONDAY, ["2026-11-30", "2026-12-31"]),
        ("FREQ=YEARLY;COUNT=2", date(2028, 2, 29), ["2028-02-29", "2032-02-29"]),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYMONTHDAY=24,31", MONDAY, ["2026-12-24", "2026-12-31", "2028-12-24", "2028-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", MONDAY, ["2026-12-28", "2032-12-27"]),
        ("FREQ=YEARLY;BYYEARDAY=-1,60;COUNT=3", MONDAY, ["2026-12-31", "2027-03-01", "2027-12-31"]),
        ("FREQ=DAILY;INTERVAL=10;UNTIL=20261213", MONDAY, ["2026-11-23", "2026-12-03", "2026-12-13"]),
        ("FREQ=DAILY;BYMONTH=12;BYDAY=SU;COUNT=2", MONDAY, ["2026-12-06", "2026-12-13"]),
        ("rrule:freq=daily;count=1", MONDAY, ["2026-11-23"]),
    ],
)  # fmt: skip
def test_by_hand(rule: str, start: date, days: list[str]) -> None:
    made = recurrence(rule, start)
    expected = [date.fromisoformat(one) for one in days]
    assert list(made.dates(date(1990, 1, 1), made.last or expected[-1])) == expected
    assert [made.holds(on) for on in expected] == [True] * len(expected)
    assert not made.holds(start - timedelta(days=1)) and not made.holds(expected[0] - timedelta(days=7))


@pytest.mark.parametrize(
    ("rule", "part", "unsupported"),
    [
        ("FREQ=HOURLY", "FREQ", True),
        ("FREQ=SOMETIMES", "FREQ", False),
        ("INTERVAL=2", "FREQ", False),
        ("", "RRULE", False),
        ("täglich", "TÄGLICH", False),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR", True),
        ("FREQ=DAILY;RSCALE=CHINESE", "RSCALE", True),
        ("FREQ=DAILY;X-MINE=1", "X-MINE", True),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ", False),
        ("FREQ=DAILY;COUNT=0", "COUNT", False),
        (f"FREQ=DAILY;COUNT={MOST + 1}", "COUNT", False),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL", False),
        ("FREQ=DAILY;INTERVAL=²", "INTERVAL", False),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "COUNT", False),
        ("FREQ=DAILY;UNTIL=20270101T000000Z", "UNTIL", True),
        ("FREQ=DAILY;UNTIL=20270229", "UNTIL", False),
        ("FREQ=DAILY;UNTIL=morgen", "UNTIL", False),
        ("FREQ=WEEKLY;WKST=XX", "WKST", False),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY", False),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY", False),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY", False),
        ("FREQ=MONTHLY;BYDAY=MO,,TU", "BYDAY", False),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY", False),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY", False),
        ("FREQ=MONTHLY;BYMONTHDAY=1.5", "BYMONTHDAY", False),
        ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTHDAY", True),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH", False),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO", False),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY", False),
        ("FREQ=YEARLY;BYWEEKNO=1;INTERVAL=2", "INTERVAL", True),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY", False),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS", False),
        ("FREQ=DAILY;" + "BYMONTH=1,1,1,1,1,1,1,1,1,1" * 20, "RRULE", False),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_part(rule: str, part: str, unsupported: bool) -> None:
    with pytest.raises(RuleRefused) as caught:
        read(rule)
    assert (caught.value.part, caught.value.unsupported) == (part, unsupported)


@pytest.mark.parametrize("year", [1, 1899, 2201, 9999])
def test_a_rule_begins_in_a_year_that_the_house_knows(year: int) -> None:
    with pytest.raises(RuleRefused, match="DTSTART"):
        recurrence("FREQ=WEEKLY;WKST=SU", date(year, 1, 1))


def test_a_count_that_is_never_reached_ends_after_a_hundred_years() -> None:
    rule = recurrence("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", MONDAY)
    assert rule.last == date(2126, 12, 31) and list(rule.dates(MONDAY, date(2200, 1, 1))) == []


def test_one_question_costs_the_same_however_long_ago_a_rule_began() -> None:
    old = Recurrence(read("FREQ=DAILY;INTERVAL=3"), date(1900, 1, 1))
    begun = time.process_time()
    found = sum(old.holds(MONDAY + timedelta(days=n)) for n in range(3000))
    assert found == 1000
    # Writing out 46,000 days first would take longer than all of these.
    assert time.process_time() - begun < 0.25
    weekday = Recurrence(read("FREQ=WEEKLY"), date(1900, 1, 1))
    assert next(weekday.dates(MONDAY, date(2200, 1, 1))) == MONDAY


def _parts(name: str, low: int, high: int, negative: bool = True) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    some = st.one_of(numbers, numbers.map(lambda n: -n)) if negative else numbers
    return st.lists(some, min_size=1, max_size=3, unique=True).map(
        lambda found: f";{name}=" + ",".join(map(str, found))
    )


WEEKDAY = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
DAYS = st.lists(WEEKDAY, min_size=1, max_size=3, unique=True).map(lambda found: ";BYDAY=" + ",".join(found))
NTH = st.tuples(st.sampled_from(["1", "2", "-1", "5", "-3"]), WEEKDAY).map("".join)
NTHS = st.lists(NTH, min_size=1, max_size=3, unique=True).map(lambda found: ";BYDAY=" + ",".join(found))
NONE = st.just("")


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules that we take but for three that dateutil 2.9 gets wrong: numbered weeks at the turn of a year, `1MO` beside
    `TU` (which it joins by "and"), and places in a first week that began before the first day."""
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    months = draw(_parts("BYMONTH", 1, 12, negative=False) | NONE)
    days = draw((NTHS | DAYS if freq in ("MONTHLY", "YEARLY") else DAYS) | NONE)
    month_days = "" if freq == "WEEKLY" else draw(_parts("BYMONTHDAY", 1, 31) | NONE)
    if freq == "YEARLY" and not months:
        month_days = ""
    year_days = draw(_parts("BYYEARDAY", 1, 366)) if freq == "YEARLY" and draw(st.booleans()) else ""
    told = months + days + month_days + year_days
    place = draw(_parts("BYSETPOS", 1, 4) | NONE) if told and freq != "WEEKLY" else ""
    interval = draw(st.integers(1, 5))
    week = draw(st.sampled_from(["", ";WKST=SU", ";WKST=MO"]))
    return f"FREQ={freq};INTERVAL={interval}{told}{place}{week}"


@settings(max_examples=60, phases=(Phase.generate, Phase.shrink))
@given(rules(), st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 900))
def test_dateutil_is_of_the_same_opinion(rule: str, start: date, skipped: int) -> None:
    made = recurrence(rule, start)
    since, until = start + timedelta(days=skipped), start + timedelta(days=skipped + 800)
    # Where no day comes for long, dateutil looks for one until the year 9999.
    assume(next(made.dates(until, until + timedelta(days=3000)), None) is not None)
    theirs = rrulestr(f"DTSTART:{start:%Y%m%d}T000000\nRRULE:{rule};UNTIL={until:%Y%m%d}T000000")
    wanted = [one.date() for one in theirs if one.date() >= since]
    assert list(made.dates(since, until)) == wanted
    walked = [since + timedelta(days=n) for n in range(801)]
    assert [on for on in walked if made.holds(on)] == wanted
