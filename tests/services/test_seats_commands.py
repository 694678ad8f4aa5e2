"""`praxisd seats …` as operations: what they do, and what they say of bad arguments."""

from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.seats import operations as ops
from praxisd.services.seats import register
from praxisd.testing.practice import Practice, small_practice

from .seats_cast import program, public_key, session_at

ONE = "Patient/eins"


@pytest.fixture
def practice(house: House) -> Practice:
    return small_practice(house)


def refused(call: Any, house: House, **args: Any) -> str:
    with pytest.raises(Problem) as found:
        call(house, args)
    return found.value.code


def test_seats_are_listed_approved_and_removed(house: House, practice: Practice) -> None:
    with house.store.write(practice.desk()) as tx:
        made = register.register(tx, name="Neu", public_key=public_key())
        other = register.register(tx, name="Fremd", public_key=public_key())
    assert [one["code"] for one in ops.listed(house, {})["seats"] if one["id"] == made.id] == [
        f"{made.code[:3]} {made.code[3:]}"
    ]
    assert refused(ops.approve, house, id=made.id, code="abc") == "seats.wrong_code"
    assert refused(ops.approve, house, code="123456") == "seats.invalid"
    assert refused(ops.approve, house, id="niemand", code="123456") == "http.not_found"
    assert ops.approve(house, {"id": made.id, "code": made.code})["state"] == "approved"
    assert ops.refuse(house, {"id": other.id})["state"] == "refused"
    assert ops.revoke(house, {"id": made.id})["state"] == "revoked"
    assert refused(ops.revoke, house, id=made.id) == "seats.not_now"


def test_locks_are_listed_and_taken_away(house: House, practice: Practice) -> None:
    anna, bert = (session_at(house, program(house, practice, name)) for name in ("Eins", "Zwei"))
    anna.here()
    bert.here()
    anna.lock(ONE)
    bert.wait(ONE)
    (lock,) = ops.locks(house, {})["locks"]
    assert (lock["record"], lock["holder"]["seatName"], len(lock["waiting"])) == (ONE, "Eins", 1)
    assert refused(ops.release, house, record=ONE, reason="weil") == "seats.invalid"
    assert refused(ops.release, house, record="eins", reason="absent") == "seats.invalid"
    assert refused(ops.release, house, record="Unsinn/1", reason="absent") == "seats.unknown_kind"
    assert ops.release(house, {"record": ONE, "reason": "absent"}) == {"record": ONE, "granted": True}
    assert ops.release(house, {"record": ONE, "reason": "absent"}) == {"record": ONE, "granted": False}
    assert refused(ops.release, house, record=ONE, reason="absent") == "seats.not_locked"


def test_modes_and_announcements(house: House, practice: Practice) -> None:
    assert ops.mode(house, {})["mode"] == "operation"
    assert ops.mode(house, {"mode": "setup", "hours": 1})["modeUntil"] == "2026-11-23T09:00:00+00:00"
    assert refused(ops.mode, house, mode="setup", hours=9) == "seats.invalid"
    assert refused(ops.mode, house, mode="Urlaub") == "seats.invalid"
    assert ops.announce(house, {})["announcement"] is None
    at = "2026-11-23T18:00:00+01:00"
    assert ops.announce(house, {"at": at, "minutes": 5})["announcement"]["minutes"] == 5
    assert refused(ops.announce, house, at="morgen") == "clock.bad_time"
    assert refused(ops.announce, house, at=at, minutes=0) == "seats.invalid"
    assert ops.announce(house, {"off": True})["announcement"] is None


def test_before_there_is_a_practice_a_word_says_so(house: House) -> None:
    assert refused(ops.listed, house) == "control.no_practice_yet"
