"""What the calendar remembers does not grow with what is booked: `make soak` found a revision of each booking kept for ever."""

import gc
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from praxisd.kernel.access import system
from praxisd.services.calendar import api, shapes
from praxisd.services.calendar.booking import Wish
from praxisd.services.calendar.hours import Almanac
from praxisd.services.calendar.view import touch, views
from praxisd.testing.practice import small_practice

MONDAY = int(datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp())
HOUR = int(timedelta(hours=1).total_seconds())


def test_a_column_over_a_period_is_remembered_once_however_often_it_changed(house):
    practice = small_practice(house)
    actor = system("test", practice.organization)

    def free() -> list[int]:
        with house.store.read(actor) as tx:
            found = api.free(house, tx, practice.check, MONDAY, MONDAY + 24 * HOUR)
            return [int(one.start) for one in found.slots]

    before = free()
    kept = len(views(house)._occupied)
    assert before and kept
    for _ in range(6):
        wish = Wish(service=practice.check, start=before[0], patient=practice.patient)
        made = house.store.run(actor, lambda tx, wish=wish: api.book(house, tx, wish))
        free()
        house.store.run(actor, lambda tx, made=made: api.cancel(house, tx, made.id, "Soak"))
        assert free() == before, "what was remembered of the revision before is not shown"
    assert len(views(house)._occupied) == kept


def test_an_almanac_is_let_go_with_the_configuration_it_belongs_to(house):
    practice = small_practice(house)
    actor = system("test", practice.organization)

    def almanacs() -> int:
        gc.collect()
        return sum(isinstance(one, Almanac) for one in gc.get_objects())

    def free(week: int) -> bool:
        begin = MONDAY + week * 7 * 24 * HOUR
        with house.store.read(actor) as tx:
            return bool(api.free(house, tx, practice.check, begin, begin + 24 * HOUR).slots)

    assert free(0)
    before = almanacs()
    for week in range(
        1, 5
    ):  # what was worked out for the other weeks stands: nobody has asked for them since
        house.store.run(actor, lambda tx: touch(house, tx))
        assert free(week)
    assert almanacs() == before


def test_when_something_happened_is_not_remembered_with_the_times_of_the_calendar(house):
    practice = small_practice(house)
    actor = system("test", practice.organization)
    wish = Wish(service=practice.check, start=MONDAY + HOUR, patient=practice.patient)
    made = house.store.run(actor, lambda tx: api.book(house, tx, wish))
    zone = ZoneInfo("Europe/Berlin")
    shapes.appointment_out(made, zone, made.patient)
    kept = shapes.at.cache_info().currsize
    for second in range(1, 50):  # each booking, move and cancellation has its own
        changed = msgspec.structs.replace(
            made, created=made.created + second, updated=made.updated + 60 * second
        )
        shapes.appointment_out(changed, zone, made.patient)
    assert shapes.at.cache_info().currsize == kept
