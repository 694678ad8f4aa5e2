"""What is left of a long slot, against a naive look at each second's neighbourhood."""

from hypothesis import given
from hypothesis import strategies as st

from praxisd.services.calendar.fhir_slots import LEAST_S, room

PERIOD = st.tuples(st.integers(0, 40), st.integers(1, 20)).map(lambda p: (p[0] * 60, (p[0] + p[1]) * 60))


def naive(start: int, end: int, busy: list[tuple[int, int]]) -> bool:
    """Minute by minute: is there a run of five free ones?"""
    run = 0
    for minute in range(start, end, 60):
        run = 0 if any(low <= minute < high for low, high in busy) else run + 60
        if run >= LEAST_S:
            return True
    return False


@given(st.integers(0, 30), st.integers(1, 30), st.lists(PERIOD, max_size=6))
def test_room_is_found_where_five_minutes_are_left(first, length, busy):
    start, end = first * 60, (first + length) * 60
    assert room(start, end, busy) == naive(start, end, busy)


def test_nothing_is_left_of_a_slot_that_is_over():
    assert not room(1000, 900, [])
    assert not room(0, 299, [])
    assert room(0, 300, [])
