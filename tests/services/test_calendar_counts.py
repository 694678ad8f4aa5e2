"""How much is booked per day, through the REST door, on both engines."""

import pytest

from .calendar_cast import (  # noqa: F401 - fixtures
    TUE,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)

COUNTS = "/calendar/counts"


def test_days_are_counted_without_what_was_cancelled(practice, desk, portal, partner):
    book(desk, practice.surgery, f"{TUE}09:00:00+01:00")
    book(portal, practice.check, f"{TUE}11:00:00+01:00")
    gone = book(desk, practice.check, f"{TUE}12:00:00+01:00")
    book(desk, practice.check, "2026-11-25T09:00:00+01:00")
    desk("POST", f"/appointments/{gone['id']}/cancel", body={"reason": "krank"})
    asked = {"first": "2026-11-23", "last": "2026-11-25"}
    found = desk("POST", COUNTS, body=asked)
    assert found == {
        "days": [
            {"date": "2026-11-23", "appointments": 0, "portals": 0},
            {"date": "2026-11-24", "appointments": 2, "portals": 1},
            {"date": "2026-11-25", "appointments": 1, "portals": 0},
        ]
    }
    assert partner("POST", COUNTS, body=asked) == found  # numbers name nobody


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("2026-11-25", "2026-11-24", "calendar.range_reversed"),
        ("2026-11-01", "2026-12-31", "calendar.range_too_long"),
        ("9999-12-31", "9999-12-31", "clock.bad_time"),
        ("0001-01-01", "0001-01-02", "clock.bad_time"),
    ],
)
def test_periods_are_bounded(practice, desk, first, last, code):
    assert desk.code("POST", COUNTS, 400, {"first": first, "last": last}) == code


def test_a_day_of_the_clock_change_is_counted_once(practice, desk):
    asked = {"first": "2026-10-24", "last": "2026-10-26"}
    assert [one["appointments"] for one in desk("POST", COUNTS, body=asked)["days"]] == [0, 0, 0]


def test_portals_do_not_count(practice, portal):
    assert (
        portal.code("POST", COUNTS, 403, {"first": "2026-11-23", "last": "2026-11-23"}) == "access.forbidden"
    )
