"""Booking, moving, cancelling and holding against real stores, on both engines."""

import threading
from datetime import date

import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Appointment
from praxisd.services.calendar import api, feeds, holds, store
from praxisd.services.calendar.booking import Wish
from praxisd.testing.practice import Practice, small_practice

NINE = 1_795_507_200  # Tuesday, 24 November 2026, 09:00 in Berlin
HOUR = 3600


@pytest.fixture
def practice(house):
    return small_practice(house)


def book(house, actor, wish) -> Appointment:
    return house.store.run(actor, lambda tx: api.book(house, tx, wish))


def refused(call) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def wish(practice: Practice, service: str | None = None, start: int = NINE, **more) -> Wish:
    return Wish(service=service or practice.check, start=start, patient=practice.patient, **more)


def rows(house, practice):
    with house.store.read(practice.desk()) as tx:
        return store.busy_rows(tx, 0, 2**40)


def test_two_doctors_take_two_and_refuse_the_third(house, practice):
    portal = practice.portal(house)
    first = book(house, portal, wish(practice))
    second = book(house, portal, wish(practice))
    assert {first.schedules, second.schedules} == {(d,) for d in practice.doctors}
    assert first.status == "booked" and first.version == 1 and first.portal == "portal-a"
    assert refused(lambda: book(house, portal, wish(practice))) == "calendar.slot_taken"
    assert refused(lambda: book(house, portal, wish(practice, start=NINE + 600))) == "calendar.slot_taken"
    assert book(house, portal, wish(practice, start=NINE + 1800)).start == NINE + 1800
    assert len(rows(house, practice)) == 3


def test_booked_in_all_columns_or_in_none(house, practice):
    desk = practice.desk()
    for _ in range(2):
        book(house, desk, wish(practice, practice.surgery))
    before = rows(house, practice)
    assert len(before) == 4
    assert {(r[1], r[2]) for r in before} == {(NINE - 600, NINE + HOUR + 900)}
    assert refused(lambda: book(house, desk, wish(practice, practice.surgery))) == "calendar.slot_taken"
    assert rows(house, practice) == before


def test_buffers_count_before_and_after(house, practice):
    desk = practice.desk()
    one = practice.doctors[0]
    book(house, desk, wish(practice, practice.surgery, schedules=(one,)))
    late = wish(practice, start=NINE + HOUR, schedules=(one,))
    assert refused(lambda: book(house, desk, late)) == "calendar.slot_taken"
    assert book(house, desk, wish(practice, start=NINE + HOUR + 900, schedules=(one,)))
    early = wish(practice, start=NINE - 1800, schedules=(one,))
    assert refused(lambda: book(house, desk, early)) == "calendar.slot_taken"


def test_moving_keeps_the_id_and_the_old_time_until_the_new_one_fits(house, practice):
    desk = practice.desk()
    one = book(house, desk, wish(practice, schedules=practice.doctors[:1]))
    other = book(house, desk, wish(practice, start=NINE + HOUR, schedules=practice.doctors[:1]))
    to_taken = wish(practice, start=NINE + HOUR, schedules=practice.doctors[:1])
    before = rows(house, practice)
    move = lambda w, v=None: house.store.run(desk, lambda tx: api.move(house, tx, one.id, w, v))  # noqa: E731
    assert refused(lambda: move(to_taken)) == "calendar.slot_taken"
    assert rows(house, practice) == before
    half = move(wish(practice, start=NINE + 900, schedules=practice.doctors[:1]))
    assert half.id == one.id and half.version == 2 and half.start == NINE + 900
    assert refused(lambda: move(to_taken, 1)) == "resource.stale"
    house.store.run(desk, lambda tx: api.cancel(house, tx, other.id))
    assert move(to_taken, 2).start == NINE + HOUR
    assert len(rows(house, practice)) == 1


def test_cancelling_frees_the_time_and_is_repeatable(house, practice):
    portal = practice.portal(house)
    one = book(house, portal, wish(practice))
    cancel = lambda: house.store.run(portal, lambda tx: api.cancel(house, tx, one.id, "anders"))  # noqa: E731
    assert cancel().status == "cancelled"
    assert cancel().version == 2
    assert rows(house, practice) == []
    assert (
        refused(lambda: house.store.run(portal, lambda tx: api.move(house, tx, one.id, wish(practice))))
        == "calendar.frozen"
    )


def test_a_noshow_who_comes_after_all_needs_the_time_again(house, practice):
    desk = practice.desk()
    one = book(house, desk, wish(practice, schedules=practice.doctors[:1]))
    change = lambda status: house.store.run(desk, lambda tx: api.change(house, tx, one.id, status=status))  # noqa: E731
    assert change("noshow").status == "noshow"
    assert rows(house, practice) == []
    book(house, desk, wish(practice, schedules=practice.doctors[:1]))
    assert refused(lambda: change("arrived")) == "calendar.slot_taken"
    assert refused(lambda: change("pending")) == "calendar.status_change"


def test_a_portal_sees_and_books_only_what_is_released_and_its_own(house, practice):
    a, b = practice.portal(house), practice.portal(house, "portal-b")
    assert refused(lambda: book(house, a, wish(practice, practice.talk))) == "calendar.service_unknown"
    one = book(house, a, wish(practice))
    with house.store.read(b) as tx:
        assert refused(lambda: api.get(tx, one.id)) == "http.not_found"
    assert refused(lambda: house.store.run(b, lambda tx: api.cancel(house, tx, one.id))) == "http.not_found"
    house.store.run(
        practice.desk(), lambda tx: api.edit_schedule(house, tx, one.schedules[0], None, released=False)
    )
    with house.store.read(a) as tx:
        assert api.get(tx, one.id).status == "booked"  # withdrawing keeps what is booked
    again = book(house, a, wish(practice))
    assert again.schedules != one.schedules
    assert refused(lambda: book(house, a, wish(practice))) == "calendar.slot_taken"
    direct = wish(practice, schedules=one.schedules, start=NINE + HOUR)
    assert refused(lambda: book(house, a, direct)) == "calendar.schedule_unfit"


def test_lead_time_duration_and_hours_bind_portals_not_the_desk(house, practice):
    portal, desk = practice.portal(house), practice.desk()
    house.store.run(
        desk, lambda tx: api.edit_service(house, tx, practice.check, None, min_notice=24 * 60, max_ahead=10)
    )
    now = house.clock.now()
    assert refused(lambda: book(house, portal, wish(practice, start=now + HOUR))) == "calendar.too_soon"
    assert refused(lambda: book(house, portal, wish(practice, start=NINE + 28 * 86400))) == "calendar.too_far"
    assert (
        refused(lambda: book(house, portal, wish(practice, start=NINE + 86400, end=NINE + 86400 + HOUR)))
        == "calendar.wrong_duration"
    )
    assert book(house, desk, wish(practice, start=NINE, end=NINE + HOUR)).end == NINE + HOUR
    night = NINE + 86400 + 12 * HOUR
    assert refused(lambda: book(house, portal, wish(practice, start=night))) == "calendar.outside_hours"
    assert refused(lambda: book(house, desk, wish(practice, start=night))) == "calendar.outside_hours"
    assert book(house, desk, wish(practice, start=night, outside_hours=True)).start == night
    assert (
        refused(lambda: book(house, portal, wish(practice, start=night, outside_hours=True)))
        == "access.forbidden"
    )


def test_a_type_that_needs_confirmation_is_pending_for_a_portal(house, practice):
    portal, desk = practice.portal(house), practice.desk()
    house.store.run(desk, lambda tx: api.edit_service(house, tx, practice.check, None, confirm=True))
    one = book(house, portal, wish(practice))
    assert one.status == "pending" and len(rows(house, practice)) == 1
    confirmed = house.store.run(desk, lambda tx: api.change(house, tx, one.id, status="booked"))
    assert confirmed.status == "booked"
    assert book(house, desk, wish(practice)).status == "booked"


def test_a_hold_keeps_the_slot_for_its_holder_and_lapses_by_itself(house, practice):
    a, b = practice.portal(house), practice.portal(house, "portal-b")
    place = lambda who: house.store.run(  # noqa: E731
        who, lambda tx: holds.place(house, tx, practice.surgery, NINE, (), 60)
    )
    held = place(a)
    place(a)
    assert refused(lambda: book(house, b, wish(practice, practice.surgery))) == "calendar.slot_taken"
    assert (
        refused(lambda: book(house, b, wish(practice, practice.surgery, hold=held.id)))
        == "calendar.hold_unknown"
    )
    one = book(house, a, wish(practice, practice.surgery, hold=held.id))
    assert one.schedules == held.schedules
    assert (
        refused(lambda: book(house, a, wish(practice, practice.surgery, hold=held.id)))
        == "calendar.hold_unknown"
    )
    house.clock.advance(61)
    assert book(house, b, wish(practice, practice.surgery)).status == "booked"
    last = house.store.run(b, lambda tx: holds.place(house, tx, practice.check, NINE + 3 * HOUR, (), 60))
    other = wish(practice, start=NINE + 4 * HOUR, hold=last.id)
    assert refused(lambda: book(house, b, other)) == "calendar.hold_differs"
    house.clock.advance(61)
    late = wish(practice, start=NINE + 3 * HOUR, hold=last.id)
    assert refused(lambda: book(house, b, late)) == "calendar.hold_expired"
    with house.store.write(practice.desk()) as tx:
        assert holds.sweep(house, tx) == 2
        assert holds.sweep(house, tx) == 0


def test_holds_per_key_are_limited_and_can_be_given_back(house, practice):
    a, b = practice.portal(house), practice.portal(house, "portal-b")
    with house.store.write(practice.desk()) as tx:
        house.settings.put(tx, "calendar.holds_per_key", 1)
    place = lambda start: house.store.run(  # noqa: E731
        a, lambda tx: holds.place(house, tx, practice.check, start, (), None)
    )
    held = place(NINE)
    assert refused(lambda: place(NINE + HOUR)) == "calendar.too_many_holds"
    assert (
        refused(lambda: house.store.run(b, lambda tx: holds.release(house, tx, held.id))) == "http.not_found"
    )
    house.store.run(a, lambda tx: holds.release(house, tx, held.id))
    assert rows(house, practice) == []
    assert place(NINE + HOUR)


def test_reservations_over_columns_and_days_block_and_are_blocked(house, practice):
    desk = practice.desk()
    reserve = lambda start, end: house.store.run(  # noqa: E731
        desk,
        lambda tx: api.add_reservation(
            house, tx, title="Fortbildung", schedules=practice.doctors, start=start, end=end
        ),
    )
    reserve(NINE, NINE + 3 * 86400)
    reserve(NINE + HOUR, NINE + 2 * HOUR)  # reservations may overlap each other
    assert refused(lambda: book(house, desk, wish(practice, start=NINE + 86400))) == "calendar.slot_taken"
    later = NINE + 7 * 86400
    book(house, desk, wish(practice, start=later))
    assert refused(lambda: reserve(later - HOUR, later + HOUR)) == "calendar.reservation_overlaps"
    assert refused(lambda: reserve(NINE, NINE)) == "calendar.range_reversed"


def test_absences_and_closings_close_days_and_keep_what_stands(house, practice):
    from datetime import date

    from praxisd.model.scheduling import Closing

    desk, portal = practice.desk(), practice.portal(house)
    one = book(house, desk, wish(practice))
    made, standing = house.store.run(
        desk, lambda tx: api.add_absence(house, tx, first=date(2026, 11, 24), last=date(2026, 11, 25))
    )
    assert standing == [one.id] and made.schedule is None
    assert refused(lambda: book(house, portal, wish(practice))) == "calendar.absent"
    christmas = NINE + 31 * 86400
    assert refused(lambda: book(house, portal, wish(practice, start=christmas))) == "calendar.holiday"
    house.store.run(
        desk, lambda tx: api.put_closing(house, tx, Closing(date=date(2026, 12, 25), closed=False, name=""))
    )
    assert book(house, portal, wish(practice, start=christmas)).status == "booked"


def test_the_database_itself_refuses_an_overlap(house, practice):
    from praxisd.kernel.engines import Violation

    one = practice.doctors[0]
    desk = practice.desk()
    with house.store.write(desk) as tx:
        store.occupy(tx, [one], NINE, NINE + HOUR, "appointment", "Appointment/x")
    for kind, start in (("appointment", NINE + 1800), ("hold", NINE - 60), ("reservation", NINE)):
        with pytest.raises(Violation), house.store.write(desk) as tx:
            store.occupy(tx, [one], start, start + HOUR, kind, "Appointment/y")
    with house.store.write(desk) as tx:
        store.occupy(tx, [one], NINE + HOUR, NINE + 2 * HOUR, "reservation", "Reservation/a")
        store.occupy(tx, [one], NINE + HOUR, NINE + 2 * HOUR, "reservation", "Reservation/b")
    with pytest.raises(Violation), house.store.write(desk) as tx:
        store.occupy(tx, [one], NINE + HOUR, NINE + HOUR + 60, "appointment", "Appointment/z")


def test_many_threads_never_book_one_slot_twice(house, practice):
    portal = practice.portal(house)
    won: list[Appointment] = []
    codes: list[str] = []

    def fight(offset: int) -> None:
        for n in range(6):
            try:
                service = practice.surgery if (n + offset) % 2 else practice.check
                won.append(
                    book(house, portal, wish(practice, service, start=NINE + 900 * ((n + offset) % 8)))
                )
            except Problem as problem:
                codes.append(problem.code)

    threads = [threading.Thread(target=fight, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(codes) == 48 and set(codes) <= {"calendar.slot_taken"}
    taken: dict[str, list[tuple[int, int]]] = {}
    for schedule, start, end, *_ in rows(house, practice):
        assert all(end <= low or high <= start for low, high in taken.get(schedule, []))
        taken.setdefault(schedule, []).append((start, end))
    assert sum(map(len, taken.values())) == sum(len(a.schedules) for a in won)


def test_the_change_feed_brings_everything_once_then_what_changed(house, practice):
    a, b = practice.portal(house), practice.portal(house, "portal-b")
    mine = [book(house, a, wish(practice, start=NINE + n * HOUR)).id for n in range(3)]
    other = book(house, b, wish(practice)).id

    def read(actor, cursor, limit=2):
        with house.store.read(actor) as tx:
            return feeds.changes(tx, cursor, limit)

    found, cursor, more = read(a, None)
    assert more and len(found) == 2
    house.store.run(a, lambda tx: api.cancel(house, tx, mine[0]))
    rest, cursor, more = read(a, cursor)
    assert [c.id for c in found + rest] == sorted(mine) and not more
    changed, cursor, _ = read(a, cursor)
    assert [(c.id, c.appointment.status) for c in changed] == [(mine[0], "cancelled")]
    assert read(a, cursor)[0] == []
    book(house, b, wish(practice, start=NINE + 5 * HOUR))
    assert read(a, cursor)[0] == []
    with house.store.read(practice.desk()) as tx:
        everyone, _, _ = feeds.changes(tx, None, 50)
    assert {other, *mine} <= {c.id for c in everyone}
    for bad in ("x1", "e", "e-1", "s1x.2", "e" + "9" * 30):
        assert refused(lambda bad=bad: read(a, bad)) == "calendar.cursor_invalid"


def test_a_conflicting_booking_from_outside_is_kept_as_proposed(house, practice):
    desk = practice.desk()
    first = book(house, desk, wish(practice, schedules=practice.doctors[:1]))
    foreign = Appointment(
        id="ext-1", status="booked", start=NINE + 600, end=NINE + 2400, schedules=practice.doctors[:1]
    )
    stored, conflict = house.store.run(desk, lambda tx: api.import_appointment(house, tx, foreign))
    assert stored.status == "proposed" and conflict
    with house.store.read(desk) as tx:
        assert api.get(tx, first.id).status == "booked"
    free = Appointment(
        id="ext-2",
        status="booked",
        start=NINE + 4 * HOUR,
        end=NINE + 5 * HOUR,
        schedules=practice.doctors[:1],
    )
    stored, conflict = house.store.run(desk, lambda tx: api.import_appointment(house, tx, free))
    assert stored.status == "booked" and conflict is None
    assert (
        refused(
            lambda: book(house, desk, wish(practice, start=NINE + 4 * HOUR, schedules=practice.doctors[:1]))
        )
        == "calendar.slot_taken"
    )


def test_a_change_that_was_rolled_back_leaves_no_trace_in_what_is_kept(house, practice):
    desk, day = practice.desk(), date(2026, 11, 24)
    with pytest.raises(RuntimeError, match="fell over"), house.store.write(desk) as tx:
        api.add_absence(house, tx, first=day, last=day)
        raise RuntimeError("fell over")
    # The next change gets the revision that the lost one had.
    house.store.run(
        desk, lambda tx: api.add_absence(house, tx, first=date(2026, 12, 1), last=date(2026, 12, 1))
    )
    with house.store.read(desk) as tx:
        almanac = api.views(house).calendar(tx).almanac
    assert not almanac.absent(practice.doctors[0], day)
    assert almanac.absent(practice.doctors[0], date(2026, 12, 1))
