"""Two-way portals that are not quite as they should be: what is certain is taken, what is not is told."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.clock import parse_rfc3339
from praxisd.model.portals import Told
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Blocker, Booking, Period, Reply
from praxisd.services.portals.portals.two_way import PAGES, UNREAD
from praxisd.testing.portal_suite import soon, spans, told

from .http_cast import Rude, Way, answer, rude
from .portal_cast import NOW, SECRET, SandboxStage, sandbox_stage

PERIOD = Period(NOW, NOW + 86_400)
GOOD: dict[str, Any] = {"id": "b1", "calendar": "a", "start": "2026-10-21T09:00:00+02:00"}
START = parse_rfc3339("2026-10-21T09:00:00+02:00")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SandboxStage]:
    with sandbox_stage("two_way", tmp_path) as one:
        yield one


def says(value: Any) -> Way:
    return answer("200 OK", json.dumps(value).encode(), "Content-Type: application/json")


def feed(*bookings: Any, mark: str | None = "7", more: bool = False) -> Way:
    return says({"bookings": list(bookings), "mark": mark, "more": more})


def in_turn(*ways: Way) -> Way:
    """One after the other, the last one for ever."""
    left = list(ways)

    def way(one: Any, server: Rude) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(one, server)

    return way


@pytest.mark.parametrize("document", [{"taken": 1}, {"taken": 3}, {"taken": "2"}, {}, []])
def test_a_portal_that_did_not_take_all_has_not_said_yes(stage: SandboxStage, document: Any) -> None:
    busy = spans((NOW, NOW + 900), (NOW + 1_800, NOW + 2_700))
    with rude(says(document)) as server:
        problem = told(lambda: stage.open(url=server.url).upload("a", PERIOD, busy, soon(stage)))
    whole = isinstance(document, dict) and isinstance(document.get("taken"), int)
    assert problem.code == (codes.REFUSED if whole else codes.ANSWER_UNREADABLE)


def test_what_is_written_is_signed_and_what_is_asked_is_not(stage: SandboxStage) -> None:
    with rude(in_turn(says({"taken": 1}), says({}), feed())) as server:
        portal = stage.open(url=server.url)
        portal.upload("a", PERIOD, spans((NOW, NOW + 900)), soon(stage))
        portal.answer(Reply("b1", "accepted"), soon(stage))
        portal.fetch(None)
        for request in server.requests[:2]:
            body = request.partition(b"\r\n\r\n")[2]
            digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            assert f"X-Signature: sha256={digest}\r\n".encode() in request
        assert b"X-Signature" not in server.requests[2]
        assert b"GET /send/api/bookings HTTP/1.1" in server.requests[2]
    with rude(says({"taken": 0})) as server:
        stage.open(url=server.url, signing_secret="").upload("a", PERIOD, [], soon(stage))
        assert b"X-Signature" not in server.requests[0]


@pytest.mark.parametrize(
    ("more", "booking"),
    [
        ({}, Booking("b1", "a", START, None, Told())),
        (
            {"end": None, "patient": None, "note": None, "service": None},
            Booking("b1", "a", START, None, Told()),
        ),
        ({"end": "2026-10-21T09:00:00+02:00"}, Booking("b1", "a", START, None, Told())),
        (
            {"patient": {"family": "Ä" * 300, "given": 5}},
            Booking("b1", "a", START, None, Told(family="Ä" * 200)),
        ),
        ({"patient": "Erika", "extra": [1]}, Booking("b1", "a", START, None, Told())),
        ({"cancelled": True}, Booking("b1", "a", START, None, Told(), cancelled=True)),
        ({"state": "cancelled", "cancelled": False}, Booking("b1", "a", START, None, Told(), cancelled=True)),
        ({"state": "something new"}, Booking("b1", "a", START, None, Told())),
        ({"state": "refused"}, None),
        ({"state": "cancelled_by_practice"}, None),
    ],
)
def test_what_is_missing_is_not_guessed(
    stage: SandboxStage, more: dict[str, Any], booking: Booking | None
) -> None:
    with rude(feed({**GOOD, **more})) as server:
        found = stage.open(url=server.url).fetch("3")
        assert b"/send/api/bookings?since=3 " in server.requests[0]
    assert found.bookings == (() if booking is None else (booking,)) and found.mark == "7"


@pytest.mark.parametrize(
    ("broken", "kept"),
    [({"id": None}, None), ({"id": ""}, None), ({"id": ".."}, None), ({"id": "a\nb"}, None), ({"id": "x" * 201}, None),
     ({"id": True}, None), ({"calendar": 7}, ("b2", "", START)), ({"start": "bald"}, ("b2", "a", None)),
     ({"start": None}, ("b2", "a", None)), ({"end": "später"}, ("b2", "a", START)),
     ({"start": "9 Uhr", "end": "2026-10-21T10:00:00+02:00"}, ("b2", "a", None))],
)  # fmt: skip
def test_a_booking_that_cannot_be_read_is_for_a_person_and_keeps_no_other(
    stage: SandboxStage, broken: dict[str, Any], kept: tuple[str, str, int | None] | None
) -> None:
    bad = {**GOOD, "id": "b2", "patient": {"family": "Kanari"}, **broken}
    with rude(feed(GOOD, bad, {**GOOD, "id": "b3"})) as server:
        portal = stage.open(url=server.url)
        found, again = portal.fetch(None), portal.fetch(None)
        assert found == again, "told again it is the same"
        assert found.mark == "7" and [one.id for one in found.bookings][::2] == ["b1", "b3"]
        second = found.bookings[1]
        assert json.loads(second.original) == bad and second.told.family == "Kanari"
        assert not any(one.original for one in found.bookings[::2])
        if kept is not None:
            assert (second.id, second.calendar, second.start) == kept and second.end is None
            return
        assert second.id.startswith(UNREAD) and len(second.id) < 100 and second.start == START
        asked = len(server.requests)
        problem = told(lambda: portal.answer(Reply(second.id, "accepted"), soon(stage)))
        assert problem.code == codes.BOOKING_GONE and len(server.requests) == asked


def test_a_cancellation_needs_its_id_alone(stage: SandboxStage) -> None:
    gone = {"id": "b1", "state": "cancelled", "start": "gestern"}
    nobody = {"state": "cancelled", "start": GOOD["start"]}
    with rude(feed(gone, {"id": 17, "calendar": "a", "start": GOOD["start"]}, nobody)) as server:
        first, number, last = stage.open(url=server.url).fetch(None).bookings
    assert (first.id, first.cancelled, first.original) == ("b1", True, "")
    assert (number.id, number.original) == ("17", "")
    assert last.id.startswith(UNREAD) and last.cancelled and "cancelled" in last.original


@pytest.mark.parametrize(
    "piece",
    [b'"b2"', b"null", b"[]", b'{"id":"b2","calendar":"a","note":"\\ud83d"}', b'{"id":"b2","calendar":"a","note":"\xff"}',
     b'{"id":"b2","calendar":"a","note":"a\x01b"}', b'{"id":"b2","calendar":"a","start":NaN}'],
)  # fmt: skip
def test_an_entry_that_is_no_text_or_no_object_keeps_no_other(stage: SandboxStage, piece: bytes) -> None:
    body = b'{"bookings":[%s,%s],"mark":"7"}' % (piece, json.dumps(GOOD).encode())
    with rude(answer("200 OK", body, "Content-Type: application/json")) as server:
        found = stage.open(url=server.url).fetch(None)
    assert found.mark == "7" and found.bookings[1].id == "b1" and found.bookings[1].original == ""
    assert found.bookings[0].original and found.bookings[0].start is None
    assert (found.bookings[0].id == "b2") == (b"note" in piece or b"NaN" in piece)


def test_one_calendar_that_cannot_be_read_keeps_no_other(stage: SandboxStage) -> None:
    with rude(
        says({"calendars": [{"name": 7}, "b", {"name": "a", "start": NOW, "end": NOW + 60}]})
    ) as server:
        portal = stage.open(url=server.url)
        assert portal.names() == ("a",) and portal.period("a") == Period(NOW, NOW + 60)


def test_a_booking_that_changes_between_two_pages_counts_as_it_is_last(stage: SandboxStage) -> None:
    ways = (
        feed(GOOD, mark="1", more=True),
        feed({**GOOD, "id": "b2"}, {**GOOD, "state": "cancelled"}, mark="2"),
    )
    with rude(in_turn(*ways)) as server:
        found = stage.open(url=server.url).fetch(None)
        assert b"since=1 " in server.requests[1]
    assert [(one.id, one.cancelled) for one in found.bookings] == [("b2", False), ("b1", True)]


def test_a_feed_without_end_ends(stage: SandboxStage) -> None:
    with rude(feed(GOOD, mark="1", more=True)) as server:
        found = stage.open(url=server.url).fetch("1")
        assert len(server.requests) == 1, "a mark that does not move leads nowhere"
    assert [one.id for one in found.bookings] == ["b1"] and found.mark == "1"
    marks = (feed({**GOOD, "id": f"b{n}"}, mark=str(n), more=True) for n in range(PAGES + 5))
    with rude(in_turn(*marks)) as server:
        found = stage.open(url=server.url).fetch(None)
        assert len(server.requests) <= PAGES
    assert found.mark == str(len(found.bookings) - 1), "the next call goes on where this one ended"


def test_a_feed_without_mark_keeps_the_old_one(stage: SandboxStage) -> None:
    with rude(feed(GOOD, mark=None)) as server:
        assert stage.open(url=server.url).fetch("5").mark == "5"


def test_hours_and_blockers(stage: SandboxStage) -> None:
    span = {"start": "2026-10-21T09:00:00+02:00", "end": "2026-10-21T10:00:00+02:00"}
    empty = {**span, "end": span["start"]}
    ways = (
        says({"hours": None}), says({"hours": [empty, span]}),
        says({"blockers": [{"id": "x", **span}, {"id": "y", **empty}, {"id": "", **span}, {"id": "z", "start": "9"}]}),
        says({"hours": "x"}), says({"hours": [{"start": 1}, span, 5]}), says({"hours": [{"start": 1}]}),
    )  # fmt: skip
    with rude(in_turn(*ways)) as server:
        portal = stage.open(url=server.url)
        assert portal.hours("Ä/b", PERIOD) is None
        line = server.requests[0].split(b"\r\n")[0]
        assert line.startswith(
            b"GET /send/api/calendars/%C3%84%2Fb/hours?start=2026-10-20T10:17:00%2B02:00&end="
        )
        assert portal.hours("a", PERIOD) == tuple(spans((START, START + 3_600)))
        good, nameless, timeless = portal.blockers("a", PERIOD)
        assert good == Blocker("x", START, START + 3_600)
        assert nameless.unread and nameless.id.startswith(UNREAD) and timeless == Blocker("z", 0, 0, True)
        assert told(lambda: portal.hours("a", PERIOD)).code == codes.ANSWER_UNREADABLE
        assert portal.hours("a", PERIOD) == tuple(spans((START, START + 3_600)))
        assert told(lambda: portal.hours("a", PERIOD)).code == codes.ANSWER_UNREADABLE


def test_one_list_of_calendars_serves_a_whole_cycle(stage: SandboxStage) -> None:
    def asked() -> int:
        return sum(target == "/api/calendars" for _, target, _ in stage.requests())

    for calendar in stage.calendars:
        stage.portal.period(calendar)
    assert asked() == 1
    stage.portal.period(stage.calendars[0])
    assert asked() == 2, "the next cycle asks anew"
    stage.clock.advance(31)
    stage.portal.period(stage.calendars[1])
    assert asked() == 3, "what is old is not believed"


@pytest.mark.parametrize(
    ("way", "code"),
    [
        (answer("404 Where", b"<html>"), codes.ADDRESS_WRONG),
        (answer("404 Where", b'{"code":"not_found"}'), codes.ADDRESS_WRONG),
        (answer("404 Where", b'{"code":"calendar_unknown"}'), codes.ANSWER_UNREADABLE),
        (answer("409 Late", b'{"code":"too_late"}'), codes.BOOKING_GONE),
        (answer("422 Bad", b'{"code":"kind_invalid"}'), codes.REFUSED),
        (answer("200 OK", b"<!doctype html>"), codes.ANSWER_UNREADABLE),
    ],
)
def test_answers_that_are_not_taken(stage: SandboxStage, way: Way, code: str) -> None:
    with rude(way) as server:
        portal = stage.open(url=server.url)
        assert (
            told(
                lambda: portal.answer(Reply("b1", "refused", reason="portals.refused_other"), soon(stage))
            ).code
            == code
        )
