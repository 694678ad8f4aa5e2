"""Local days, both clock changes, and what opens and closes a column."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from praxisd.model.scheduling import Absence, ImportedSlot, OpeningException, OpeningRule, Schedule
from praxisd.services.calendar import repeating
from praxisd.services.calendar.days import day, start_mask
from praxisd.services.calendar.rules import Almanac, busy_bits, day_bounds, span, span_of

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
MONDAY = date(2026, 11, 23)
VERSIONS = itertools.count(1)
ALL_WEEK = (1, 2, 3, 4, 5, 6, 7)


def at(on: date, clock: str, fold: int = 0) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    return int(datetime(on.year, on.month, on.day, hour, minute, fold=fold, tzinfo=BERLIN).timestamp())


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


def column(*hours: tuple[str, str], days: tuple[int, ...] = ALL_WEEK, **more: object) -> Schedule:
    rules = tuple(OpeningRule(days=days, start=start, end=end) for start, end in hours)
    # An almanac remembers what it computed per version: each column of a test is a version of its own.
    fixed = {"id": "a", "no": 1, "version": next(VERSIONS), "name": "A", "hours": rules}
    return Schedule(**(fixed | more))  # type: ignore[arg-type]


def clocks(almanac: Almanac, schedule: Schedule, on: date, service: str | None = None) -> list[str]:
    return [
        f"{datetime.fromtimestamp(start, BERLIN):%H:%M}-{datetime.fromtimestamp(end, BERLIN):%H:%M}"
        for start, end in almanac.periods(schedule, on, service)
    ]


@pytest.mark.parametrize(
    ("on", "start", "units"),
    [
        (MONDAY, utc(2026, 11, 22, 23), 288),
        (SPRING, utc(2026, 3, 28, 23), 276),
        (AUTUMN, utc(2026, 10, 24, 22), 300),
    ],
)
def test_a_day_counts_elapsed_units(on: date, start: int, units: int) -> None:
    assert day_bounds(on, BERLIN) == (start, units)


def test_a_day_may_begin_after_midnight_or_be_left_out() -> None:
    santiago = ZoneInfo("America/Santiago")
    first, units = day_bounds(date(2026, 9, 6), santiago)
    assert datetime.fromtimestamp(first, santiago).strftime("%d %H:%M") == "06 01:00"
    assert units == 276
    assert day_bounds(date(2011, 12, 30), ZoneInfo("Pacific/Apia"))[1] == 0
    assert day(date(2011, 12, 30), ZoneInfo("Pacific/Apia")).instants(0, 1440) == []


def test_hours_in_the_spring_gap_vanish() -> None:
    almanac = Almanac(BERLIN)
    assert almanac.periods(column(("02:00", "03:00")), SPRING) == ()
    assert almanac.periods(column(("01:30", "03:30")), SPRING) == (
        (utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 30)),
    )
    assert almanac.periods(column(("02:30", "04:00")), SPRING) == (
        (utc(2026, 3, 29, 1), utc(2026, 3, 29, 2)),
    )
    assert almanac.bits(column(("00:00", "24:00")), SPRING) == (1 << 276) - 1


def test_hours_that_autumn_repeats_are_open_twice() -> None:
    almanac = Almanac(BERLIN)
    assert almanac.periods(column(("02:00", "02:30")), AUTUMN) == (
        (utc(2026, 10, 25, 0), utc(2026, 10, 25, 0, 30)),
        (utc(2026, 10, 25, 1), utc(2026, 10, 25, 1, 30)),
    )
    assert almanac.periods(column(("02:00", "03:00")), AUTUMN) == (
        (utc(2026, 10, 25, 0), utc(2026, 10, 25, 2)),
    )
    assert almanac.bits(column(("00:00", "24:00")), AUTUMN) == (1 << 300) - 1
    assert almanac.bits(column(("23:55", "24:00")), AUTUMN) == 1 << 299


def test_starts_follow_the_wall_clock() -> None:
    def hours(on: date) -> list[str]:
        over = span(on, on, BERLIN)
        mask = start_mask(over, 60)
        return [
            datetime.fromtimestamp(over.start + 300 * n, BERLIN).strftime("%H:%M")
            for n in range(over.units)
            if mask >> n & 1
        ]

    assert len(hours(MONDAY)) == 24
    assert hours(SPRING)[:4] == ["00:00", "01:00", "03:00", "04:00"]
    assert hours(AUTUMN)[:5] == ["00:00", "01:00", "02:00", "02:00", "03:00"]


def test_rules_repeat_by_weekday_validity_and_weeks() -> None:
    rule = OpeningRule(
        days=(1, 3),
        start="08:00",
        end="12:00",
        valid_from=date(2026, 11, 11),
        valid_to=date(2026, 12, 9),
        every_weeks=2,
    )
    almanac, schedule = Almanac(BERLIN), column(hours=(rule,))
    opened = [on for n in range(1, 31) if almanac.periods(schedule, on := date(2026, 11, n))] + [
        on for n in range(1, 32) if almanac.periods(schedule, on := date(2026, 12, n))
    ]
    # The anchor is a Wednesday; the Monday of its week lies before it, that of the next turn counts.
    assert opened == [
        date(2026, 11, 11),
        date(2026, 11, 23),
        date(2026, 11, 25),
        date(2026, 12, 7),
        date(2026, 12, 9),
    ]


def test_hours_may_be_kept_for_some_types() -> None:
    rule = OpeningRule(days=ALL_WEEK, start="08:00", end="09:00", services=("check",))
    other = OpeningRule(days=ALL_WEEK, start="10:00", end="11:00")
    almanac, schedule = Almanac(BERLIN), column(hours=(rule, other))
    assert clocks(almanac, schedule, MONDAY, "check") == ["08:00-09:00", "10:00-11:00"]
    assert clocks(almanac, schedule, MONDAY, "surgery") == ["10:00-11:00"]
    assert clocks(almanac, schedule, MONDAY) == ["08:00-09:00", "10:00-11:00"]
    assert almanac.bits(schedule, MONDAY, "check") != almanac.bits(schedule, MONDAY, "surgery")


def test_from_weak_to_strong() -> None:
    hours = ("08:00", "12:00")
    shorter = OpeningException(date=MONDAY, open=(("09:00", "10:00"),))
    holiday, plain = Almanac(BERLIN, closed=[MONDAY]), Almanac(BERLIN)
    away = Absence(id="x", schedule="a", first=MONDAY, last=MONDAY)
    extra = ImportedSlot(id="s", schedule="a", start=at(MONDAY, "18:00"), end=at(MONDAY, "19:00"))

    assert clocks(plain, column(hours), MONDAY) == ["08:00-12:00"]
    assert clocks(holiday, column(hours), MONDAY) == []
    assert holiday.shut(column(hours), MONDAY) == "holiday"
    assert clocks(holiday, column(hours, observes_holidays=False), MONDAY) == ["08:00-12:00"]
    assert clocks(holiday, column(hours, exceptions=(shorter,)), MONDAY) == ["09:00-10:00"]
    assert holiday.shut(column(hours, exceptions=(shorter,)), MONDAY) is None
    assert clocks(plain, column(hours, exceptions=(OpeningException(date=MONDAY),)), MONDAY) == []
    assert clocks(Almanac(BERLIN, [MONDAY], imported=[extra]), column(hours), MONDAY) == ["18:00-19:00"]
    assert clocks(Almanac(BERLIN, imported=[extra]), column(hours), MONDAY) == ["08:00-12:00", "18:00-19:00"]
    everything = Almanac(BERLIN, absences=[away], imported=[extra])
    assert clocks(everything, column(hours, exceptions=(shorter,)), MONDAY) == []
    assert everything.shut(column(hours), MONDAY) == "absent"


def test_absences_are_whole_days_of_one_column_or_of_all() -> None:
    one = Absence(id="x", schedule="b", first=MONDAY, last=MONDAY)
    every = Absence(id="y", first=date(2026, 11, 24), last=date(2026, 11, 25))
    almanac, schedule = Almanac(BERLIN, absences=[one, every]), column(("08:00", "12:00"))
    opened = [bool(almanac.periods(schedule, date(2026, 11, n))) for n in (23, 24, 25, 26)]
    assert opened == [True, False, False, True]


def test_an_absence_that_repeats_closes_its_days_from_each_date_of_its_rule() -> None:
    """Three days from each second Thursday on, so into the next week; the day before and the day after are open."""
    away = Absence(
        id="x",
        first=date(2026, 11, 26),
        last=date(2026, 11, 28),
        rule="FREQ=WEEKLY;INTERVAL=2;UNTIL=20261210",
    )
    almanac, schedule = Almanac(BERLIN, absences=[away]), column(("08:00", "12:00"))
    days = [date(2026, 11, 19) + timedelta(days=n) for n in range(40)]
    shut = [on.isoformat()[5:] for on in days if not almanac.periods(schedule, on)]
    assert shut == ["11-26", "11-27", "11-28", "12-10", "12-11", "12-12"]
    assert [on for on in days if almanac.shut(schedule, on)] == [
        on for on in days if on.isoformat()[5:] in shut
    ]
    found = list(repeating.periods(away, date(2026, 11, 28), date(2026, 12, 10)))
    assert [(a.day, b.day) for a, b in found] == [(26, 28), (10, 12)]
    assert repeating.last_day(away) == date(2026, 12, 12)
    endless = msgspec.structs.replace(away, rule="FREQ=YEARLY")
    assert repeating.last_day(endless) == repeating.ENDLESS
    assert list(repeating.periods(endless, date(2028, 11, 1), date(2028, 11, 25))) == []


def test_imported_times_open_only_when_free_and_join() -> None:
    def slot(name: str, start: str, end: str, status: str = "free") -> ImportedSlot:
        return ImportedSlot(
            id=name,
            schedule="a",
            start=at(MONDAY, start),
            end=at(MONDAY, end),
            status=status,  # type: ignore[arg-type]
        )

    almanac = Almanac(
        BERLIN,
        imported=[
            slot("1", "09:00", "09:07"),
            slot("2", "09:07", "09:20"),
            slot("3", "11:00", "12:00", "busy"),
        ],
    )
    assert clocks(almanac, column(), MONDAY) == ["09:00-09:20"]
    assert almanac.bits(column(), MONDAY).bit_count() == 4


def test_opening_rounds_inward_and_busy_outward() -> None:
    schedule = column(("08:02", "08:29"))
    over = span(MONDAY, MONDAY, BERLIN)
    opened = Almanac(BERLIN).bits(schedule, MONDAY)
    assert [n for n in range(288) if opened >> n & 1] == [97, 98, 99, 100]  # 08:05 to 08:25
    taken = busy_bits([(at(MONDAY, "08:02"), at(MONDAY, "08:06"))], over)
    assert [n for n in range(288) if taken >> n & 1] == [96, 97]  # 08:00 to 08:10


def test_busy_rows_are_cut_to_the_span() -> None:
    over = span(MONDAY, MONDAY, BERLIN)
    assert busy_bits([(over.start - 90_000, over.start)], over) == 0
    assert busy_bits([(over.start - 90_000, over.start + 1)], over) == 1
    assert busy_bits([(0, 2**40)], over) == over.full == (1 << 288) - 1
    assert busy_bits([(over.end, over.end + 300), (over.start + 7, over.start + 7)], over) == 0


def test_a_span_of_slots_reaches_around_its_window() -> None:
    over = span_of(at(SPRING, "09:00"), at(SPRING, "10:00"), BERLIN)
    assert [each.date.day for each in over.days] == [28, 29, 30, 31]
    assert over.units == 288 + 276 + 288 + 288
    assert over is span_of(at(SPRING, "00:00"), at(date(2026, 3, 30), "00:00"), BERLIN)


def test_open_is_exact_and_passes_midnight() -> None:
    almanac, schedule = Almanac(BERLIN), column(("22:00", "24:00"), ("00:00", "06:00"))
    tuesday = date(2026, 11, 24)
    assert almanac.open(schedule, at(MONDAY, "22:00"), at(tuesday, "06:00"))
    assert not almanac.open(schedule, at(MONDAY, "22:00"), at(tuesday, "06:00") + 1)
    assert not almanac.open(schedule, at(MONDAY, "22:00") - 1, at(tuesday, "06:00"))


def test_a_new_version_of_a_column_is_seen_at_once() -> None:
    almanac = Almanac(BERLIN)
    assert almanac.bits(column(("08:00", "09:00")), MONDAY).bit_count() == 12
    assert almanac.bits(column(("08:00", "08:30")), MONDAY).bit_count() == 6
    over = span(MONDAY, MONDAY, BERLIN)
    assert almanac.over(column(("08:00", "09:00")), over) == almanac.bits(column(("08:00", "09:00")), MONDAY)
