"""May this be booked: each refusal has its code, and only overlaps can never be waived."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Absence, HealthcareService, OpeningRule, Schedule
from praxisd.services.calendar.rules import Almanac, check_range, fits, place, read_slot_id, slot_id

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = (OpeningRule(days=(1, 2, 3, 4, 5, 6, 7), start="08:00", end="12:00"),)
COLUMNS = {
    "a": Schedule(id="a", no=1, name="A", hours=HOURS),
    "b": Schedule(id="b", no=2, name="B", hours=HOURS),
    "chair": Schedule(id="chair", no=3, name="Chair", hours=HOURS),
    "off": Schedule(id="off", no=4, name="Off", hours=HOURS, active=False),
}
CHECK = HealthcareService(
    id="check",
    no=1,
    name="Check",
    duration=30,
    buffer_before=5,
    buffer_after=10,
    groups=(("a", "b", "off"), ("chair",)),
    min_notice=60,
    max_ahead=30,
)
ALMANAC = Almanac(
    BERLIN,
    closed=[date(2026, 12, 1)],
    absences=[
        Absence(id="1", schedule="a", first=date(2026, 12, 2), last=date(2026, 12, 2)),
        Absence(id="2", first=date(2026, 12, 3), last=date(2026, 12, 3)),
    ],
)


def at(day: int, clock: str, month: int = 11) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    return int(datetime(2026, month, day, hour, minute, tzinfo=BERLIN).timestamp())


NOW = at(23, "09:00")


def book(
    start: int, minutes: int = 30, service: HealthcareService | None = CHECK, **more: object
) -> tuple[str, ...]:
    fixed: dict[str, object] = {"busy": {}, "now": NOW}
    return place(service, COLUMNS, ALMANAC, start, start + minutes * 60, **(fixed | more))  # type: ignore[arg-type]


def refusal(
    start: int, minutes: int = 30, service: HealthcareService | None = CHECK, **more: object
) -> Problem:
    with pytest.raises(Problem) as refused:
        book(start, minutes, service, **more)
    return refused.value


def test_the_first_combination_is_taken() -> None:
    assert book(at(24, "09:00")) == ("a", "chair")
    assert book(at(24, "09:00"), must=("b",)) == ("b", "chair")
    assert book(at(24, "09:00"), busy={"a": [(at(24, "09:10"), at(24, "09:11"))]}) == ("b", "chair")
    assert book(at(2, "09:00", 12)) == ("b", "chair")


def test_any_minute_may_be_booked_though_only_the_raster_is_offered() -> None:
    assert book(at(24, "09:07")) == ("a", "chair")


@pytest.mark.parametrize(
    ("start", "minutes", "code"),
    [
        (at(24, "09:00"), 0, "calendar.range_reversed"),
        (at(24, "09:00"), -30, "calendar.range_reversed"),
        (at(24, "09:00"), 45, "calendar.wrong_duration"),
        (at(23, "09:59"), 30, "calendar.too_soon"),
        (at(22, "09:00"), 30, "calendar.too_soon"),
        (at(24, "09:00", 12), 30, "calendar.too_far"),
        (at(24, "07:59"), 30, "calendar.outside_hours"),
        (at(24, "11:31"), 30, "calendar.outside_hours"),
        (at(1, "09:00", 12), 30, "calendar.holiday"),
        (at(3, "09:00", 12), 30, "calendar.absent"),
    ],
)
def test_each_refusal_has_its_code(start: int, minutes: int, code: str) -> None:
    problem = refusal(start, minutes)
    assert problem.code == code
    assert problem.status == (400 if code == "calendar.range_reversed" else 422)
    assert not problem.retry


def test_the_edges_are_inside() -> None:
    assert book(at(23, "10:00"))
    assert book(at(23, "11:30", 12))
    assert book(at(23, "23:00", 12), ignore_hours=True)
    assert refusal(at(24, "00:00", 12), ignore_hours=True).code == "calendar.too_far"
    assert book(at(24, "08:00"))
    assert book(at(24, "11:30"))


def test_a_demanded_column_that_is_away_is_named() -> None:
    problem = refusal(at(2, "09:00", 12), must=("a",))
    assert (problem.code, problem.params) == ("calendar.absent", {"schedule": "a"})
    assert refusal(at(1, "09:00", 12), must=("chair",)).params == {"schedule": "chair"}


@pytest.mark.parametrize("must", [("off",), ("unknown",), ("a", "b"), ("a", "a"), ("a", "chair", "b")])
def test_unfit_combinations(must: tuple[str, ...]) -> None:
    assert refusal(at(24, "09:00"), must=must).code == "calendar.schedule_unfit"


def test_an_inactive_type_takes_no_booking() -> None:
    resting = HealthcareService(id="r", no=2, name="r", active=False, duration=30, groups=(("a",),))
    empty = HealthcareService(id="e", no=3, name="e", duration=30)
    assert refusal(at(24, "09:00"), service=resting).code == "calendar.schedule_unfit"
    assert refusal(at(24, "09:00"), service=empty).code == "calendar.schedule_unfit"


def test_overlaps_count_buffers_to_the_second_and_cannot_be_waived() -> None:
    def taken(start: int, end: int, **more: object) -> bool:
        rows = {"chair": [(start, end)]}
        try:
            book(at(24, "09:00"), busy=rows, **more)
        except Problem as problem:
            assert (problem.code, problem.status) == ("calendar.slot_taken", 409)
            return True
        return False

    assert not taken(at(24, "08:00"), at(24, "08:55"))
    assert taken(at(24, "08:00"), at(24, "08:55") + 1)
    assert not taken(at(24, "09:40"), at(24, "11:00"))
    assert taken(at(24, "09:40") - 1, at(24, "11:00"))
    assert taken(
        at(24, "09:10"), at(24, "09:11"), ignore_hours=True, ignore_notice=True, ignore_duration=True
    )
    assert not taken(at(24, "08:00"), at(24, "08:58"), buffers=(0, 0))


def test_the_desk_may_waive_the_rest() -> None:
    assert book(at(24, "20:00"), ignore_hours=True) == ("a", "chair")
    assert book(at(1, "09:00", 12), ignore_hours=True) == ("a", "chair")
    assert book(at(3, "09:00", 12), ignore_hours=True) == ("a", "chair")
    assert book(at(22, "09:00"), ignore_notice=True) == ("a", "chair")
    assert book(at(24, "09:00", 12), ignore_notice=True) == ("a", "chair")
    assert book(at(24, "09:00"), 75, ignore_duration=True) == ("a", "chair")
    assert refusal(at(24, "09:00"), 1441, ignore_duration=True).code == "calendar.wrong_duration"


def test_without_a_type_the_named_columns_are_taken() -> None:
    assert book(at(24, "09:00"), 50, None, must=("b", "chair")) == ("b", "chair")
    assert refusal(at(24, "09:00"), 50, None).code == "calendar.schedule_unfit"
    assert refusal(at(24, "09:00"), 50, None, must=("off",)).code == "calendar.schedule_unfit"
    assert refusal(at(24, "13:00"), 50, None, must=("b",)).code == "calendar.outside_hours"


def test_fits_wants_a_complete_combination() -> None:
    start = at(24, "09:00")

    def judge(*chosen: str) -> str | None:
        try:
            fits(CHECK, COLUMNS, chosen, ALMANAC, start, start + 1800, busy={}, now=NOW)
        except Problem as problem:
            return problem.code
        return None

    assert judge("a", "chair") is None
    assert judge("chair", "b") is None
    assert judge("a") == "calendar.schedule_unfit"
    assert judge("a", "b") == "calendar.schedule_unfit"
    assert judge("a", "a") == "calendar.schedule_unfit"


def test_periods_of_questions_are_bounded() -> None:
    check_range(at(1, "00:00"), at(1, "00:00") + 92 * 86_400)
    check_range(at(1, "00:00", 8), at(1, "00:00", 11))  # 92 local days over the autumn change
    for begin, end, code in (
        (NOW, NOW, "calendar.range_reversed"),
        (NOW, NOW - 1, "calendar.range_reversed"),
        (NOW, NOW + 93 * 86_400, "calendar.range_too_long"),
    ):
        with pytest.raises(Problem) as refused:
            check_range(begin, end)
        assert (refused.value.code, refused.value.status) == (code, 400)


def test_slot_ids_are_stable_and_strict() -> None:
    start = at(24, "09:00")
    assert read_slot_id(slot_id(3, 12, start)) == (3, 12, start)
    assert slot_id(3, 12, 29_666_400 * 60) == "c-3-12-hnuqo"
    assert slot_id(1, 1, 0) == "c-1-1-0"
    assert slot_id(1, 1, 36 * 60) == "c-1-1-10"
    for start_of_none in (61, -60):
        with pytest.raises(ValueError, match="whole minute"):
            slot_id(1, 1, start_of_none)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c-1-1",
        "c-1-1-",
        "C-1-1-a",
        "c-1-1-A",
        "c-01-1-a",
        "c-0-1-a",
        "c-1-0-a",
        "c-1-1-0a",
        "c--1-1-a",
        "c-1-1-a ",
        "c-1-1-a\n",
        "c-1-1-1234567",
        "c-12345678901-1-a",
        "c-١-1-a",
        "s-1-1-a",
        "c-1-1-a-b",
    ],
)
def test_other_texts_are_no_slot_ids(text: str) -> None:
    assert read_slot_id(text) is None
