"""Busy times of a column, as portals are told them: against a naive oracle, and where they could go wrong; both engines."""

import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.scheduling import Appointment, Closing, OpeningException
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import holds, store
from praxisd.services.calendar.holidays_rules import public_holidays
from praxisd.testing.practice import small_practice

from .busy_cast import Practice

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
RULES = (None, "FREQ=WEEKLY;BYDAY=FR", "FREQ=DAILY;INTERVAL=3", "FREQ=MONTHLY;BYDAY=-1SU;COUNT=4")


def at(on: date, clock: str = "00:00") -> int:
    hour, minute = clock.split(":")
    return int(datetime(on.year, on.month, on.day, int(hour), int(minute), tzinfo=BERLIN).timestamp())


def told(house, tx, schedule, since, until, but=()):
    return [(one.start, one.end) for one in calendar.busy(house, tx, schedule, since, until, but)]


@st.composite
def worlds(draw):
    """A few entries of each kind around a day on which something is odd: the clock changes, or a holiday."""
    middle = draw(st.sampled_from((SPRING, AUTUMN, date(2026, 12, 25), date(2027, 5, 1))))
    near = st.integers(-6, 6).map(lambda n: middle + timedelta(days=n))
    instants = st.tuples(near, st.integers(0, 287)).map(lambda got: at(got[0]) + got[1] * 300)
    both = st.sampled_from(((0,), (1,), (0, 1)))
    return {
        "appointments": draw(
            st.lists(
                st.tuples(
                    both, instants, st.sampled_from((300, 1800, 5400)), st.sampled_from((0, 15, 700)),
                    st.sampled_from(("pending", "booked", "arrived", "proposed", "cancelled", "noshow")),
                ),
                max_size=6,
            )
        ),
        "reservations": draw(
            st.lists(st.tuples(both, instants, st.sampled_from((1800, 86_400, 86_400 * 3 + 60))), max_size=4)
        ),
        "absences": draw(
            st.lists(
                st.tuples(
                    st.sampled_from((None, 0, 1)), near, st.integers(0, 4), st.sampled_from(RULES)
                ),
                max_size=3,
            )
        ),
        "closings": draw(st.lists(st.tuples(near, st.booleans()), max_size=3, unique_by=lambda c: c[0])),
        "exceptions": draw(st.lists(st.tuples(near, st.booleans()), max_size=2, unique_by=lambda c: c[0])),
        "observes": draw(st.booleans()),
        "period": sorted(draw(st.lists(instants, min_size=2, max_size=2, unique=True))),
    }  # fmt: skip


@given(world=worlds())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_as_the_oracle_says(house, world):
    practice = small_practice(house)
    desk = practice.desk()
    columns = practice.doctors
    seen = Practice(BERLIN)
    with house.store.write(desk) as tx:
        open_ = tuple(
            OpeningException(date=on, open=(("09:00", "12:00"),) if opened else ())
            for on, opened in world["exceptions"]
        )
        calendar.edit_schedule(
            house, tx, columns[0], None, exceptions=open_, observes_holidays=world["observes"]
        )
        for names, start, length, buffer, status in world["appointments"]:
            wish = Appointment(
                id=f"a{len(seen.appointments)}-{practice.organization}", status=status, start=start,
                end=start + length, schedules=tuple(columns[n] for n in names),
                buffer_before=buffer, buffer_after=buffer,
            )  # fmt: skip
            made, _ = calendar.import_appointment(house, tx, wish)
            seen.appointments.append(made)
        for names, start, length in world["reservations"]:
            try:
                kept = calendar.add_reservation(
                    house, tx, title="x", schedules=tuple(columns[n] for n in names), start=start,
                    end=start + length,
                )  # fmt: skip
            except Problem as problem:
                assert problem.code == "calendar.reservation_overlaps"
                store.RESERVATIONS.delete(tx, _last(tx, seen), 1)
            else:
                seen.reservations.append(kept)
        for whose, first, length, rule in world["absences"]:
            one, _ = calendar.add_absence(
                house, tx, schedule=None if whose is None else columns[whose], first=first,
                last=first + timedelta(days=length), rule=rule,
            )  # fmt: skip
            seen.absences.append(one)
        for year in (2026, 2027):
            seen.closed |= set(public_holidays("DE-BE", year))
        for on, closed in world["closings"]:
            calendar.put_closing(house, tx, Closing(date=on, closed=closed, name="x"))
            (seen.closed.add if closed else seen.closed.discard)(on)
    since, until = world["period"]
    with house.store.read(desk) as tx:
        for id_ in columns:
            column = store.SCHEDULES.need(tx, id_)
            assert told(house, tx, id_, since, until) == seen.busy(column, since, until)


def _last(tx, seen):
    """The reservation that was refused: its transaction goes on here, so it is taken back by hand."""
    (left,) = {one.id for one in store.RESERVATIONS.all(tx)} - {one.id for one in seen.reservations}
    return left


def test_what_counts_and_what_does_not(house, clock):
    practice = small_practice(house)
    doctor, other = practice.doctors
    tuesday = date(2026, 11, 24)
    period = (at(tuesday), at(tuesday + timedelta(days=1)))
    with house.store.write(practice.desk()) as tx:
        holds.place(house, tx, practice.check, at(tuesday, "08:00"), (doctor,), None)
        one = calendar.book(
            house,
            tx,
            calendar.Wish(service=practice.surgery, start=at(tuesday, "10:00"), schedules=(doctor,)),
        )
        kept = calendar.add_reservation(
            house, tx, title="x", schedules=(doctor,), start=at(tuesday, "12:00"), end=at(tuesday, "13:00")
        )
        calendar.add_reservation(  # the same hour twice is one
            house, tx, title="y", schedules=(doctor,), start=at(tuesday, "12:00"), end=at(tuesday, "13:00")
        )
    surgery = (at(tuesday, "09:50"), at(tuesday, "11:15"))
    lunch = (at(tuesday, "12:00"), at(tuesday, "13:00"))
    with house.store.read(practice.desk()) as tx:
        assert told(house, tx, doctor, *period) == [surgery, lunch]
        assert told(house, tx, doctor, *period, but=[f"Appointment/{one.id}"]) == [lunch]
        assert told(house, tx, doctor, *period, but=[f"Reservation/{kept.id}"]) == [surgery, lunch]
        assert told(house, tx, other, *period) == []
        assert told(house, tx, doctor, at(tuesday, "10:00"), at(tuesday, "12:30")) == [
            (at(tuesday, "10:00"), surgery[1]),
            (lunch[0], at(tuesday, "12:30")),
        ]
        with pytest.raises(Problem) as refused:
            calendar.busy(house, tx, "unknown", *period)
    assert refused.value.code == "calendar.schedule_unknown"


def test_days_on_which_the_clock_changes_are_23_and_25_hours_long(house):
    practice = small_practice(house)
    with house.store.write(practice.desk()) as tx:
        for on in (SPRING, AUTUMN):
            calendar.add_absence(house, tx, schedule=practice.doctors[0], first=on, last=on)
    with house.store.read(practice.desk()) as tx:
        for on, hours in ((SPRING, 23), (AUTUMN, 25)):
            ((start, end),) = told(house, tx, practice.doctors[0], at(on) - 86_400, at(on) + 3 * 86_400)
            assert (start, end - start) == (at(on), hours * 3600)


def test_a_thousand_appointments_take_milliseconds(sqlite_houses):
    """Half a second would still be ten times what a cycle may cost; the measured time is 3 ms."""
    house = sqlite_houses.open()
    practice = small_practice(house)
    first = at(date(2026, 11, 24))
    with house.store.write(practice.desk()) as tx:
        for n in range(1_000):
            begin = first + (n // 17) * 86_400 + (n % 17) * 1800
            store.occupy(tx, practice.doctors[:1], begin, begin + 1800, "appointment", f"Appointment/{n}")
    best = 9.0
    with house.store.read(practice.desk()) as tx:
        for _ in range(5):
            begun = time.perf_counter()
            found = calendar.busy(house, tx, practice.doctors[0], first, first + 60 * 86_400)
            best = min(best, time.perf_counter() - begun)
    print(f"{best * 1000:.2f} ms")
    assert len(found) >= 1_000 and best < 0.5
