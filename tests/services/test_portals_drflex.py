"""Portals of the Dr.Flex kind differ in every name: all of them can be said in the form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Period
from praxisd.testing.portal_suite import pairs, soon, spans, told

from .http_cast import Rude, Way, answer, rude
from .portal_cast import KEY, SandboxStage, sandbox_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SandboxStage]:
    with sandbox_stage("drflex", tmp_path) as one:
        yield one


def at(text: str) -> int:
    return parse_rfc3339(text)


def sent(server: Rude) -> tuple[bytes, Any]:
    """Head and JSON of the last request."""
    head, _, body = server.requests[-1].partition(b"\r\n\r\n")
    return head, json.loads(body) if body else None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Zurich"])
def test_other_names_other_header_and_the_practices_own_clock(stage: SandboxStage, zone: str) -> None:
    names = {"header": "X-Praxis", "calendar": "kalender", "start": "von", "end": "bis", "appointments": "termine",
             "from": "von", "to": "bis", "format": "local"}  # fmt: skip
    stage.board.store("drflex", names)
    portal = stage.open(
        zone=zone, header_name="X-Praxis", calendar_field="kalender", period_start="von", period_end="bis",
        upload_list="termine", upload_start="von", upload_end="bis", time_format="local",
    )  # fmt: skip
    calendar = stage.calendars[2]
    period = portal.period(calendar)
    assert period == stage.wanted(calendar)
    night = at("2026-10-25T00:00:00+02:00")
    busy = spans((night - 3_600, night + 1_800), (night + 30 * 3_600, night + 31 * 3_600))
    assert portal.upload(calendar, period, busy, soon(stage)) == 2
    assert stage.taken(calendar) == pairs(busy)
    assert json.loads(stage.requests()[-1][2])["termine"][0] == {
        "von": "2026-10-24T23:00:00",
        "bis": "2026-10-25T00:30:00",
    }


def test_on_a_wall_clock_the_repeated_hour_is_taken_twice(stage: SandboxStage) -> None:
    """2:15 to 2:45 of the second pass: a portal that reads it as the first one must not offer it either."""
    portal = stage.open(time_format="local")
    calendar = stage.calendars[0]
    period = portal.period(calendar)
    first, second = at("2026-10-25T02:30:00+02:00"), at("2026-10-25T02:30:00+01:00")
    portal.upload(calendar, period, spans((first, second)), soon(stage))
    shown = json.loads(stage.requests()[-1][2])["appointments"]
    assert shown == [{"start": "2026-10-25T02:00:00", "end": "2026-10-25T03:00:00"}]


@pytest.mark.parametrize("where", ["query", "path", "body"])
def test_the_calendars_name_stands_where_the_portal_wants_it(stage: SandboxStage, where: str) -> None:
    document = b'{"zeitraum":{"von":"2026-10-20","bis":"2026-10-31"}}'
    with rude(answer("200 OK", document)) as server:
        mark = "/{calendar}/x" if where == "path" else ""
        portal = stage.open(
            address_period=f"{server.url}/period{mark}?v=1", address_upload=f"{server.url}/upload{mark}", calendar_in=where,
            calendar_field="kalender", period_start="zeitraum.von", period_end="zeitraum.bis", header_prefix="Bearer",
            header_name="Authorization", upload_period="no",
        )  # fmt: skip
        for calendar in ("Größe/„A“ & {calendar}", "a"):
            period = portal.period(calendar)
            assert period == Period(at("2026-10-20T00:00:00+02:00"), at("2026-11-01T00:00:00+01:00"))
            head, body = sent(server)
            assert b"\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n" in head
            line = head.split(b"\r\n")[0]
            if where == "path":
                assert unquote(line.decode()) == f"GET /send/period/{calendar}/x?v=1 HTTP/1.1"
                assert line.count(b"/") == 5, "a slash in the name is no slash of the address"
            elif where == "query":
                assert line.startswith(b"GET /send/period?") and b"v=1" in line and b"kalender=" in line
            else:
                assert line.startswith(b"POST ") and body == {"kalender": calendar}
            assert (
                portal.upload(calendar, period, spans((period.start, period.start + 900)), soon(stage)) == 1
            )
            head, body = sent(server)
            expected: dict[str, Any] = {
                "appointments": [{"start": "2026-10-20T00:00:00+02:00", "end": "2026-10-20T00:15:00+02:00"}]
            }
            assert body == ({"kalender": calendar, **expected} if where == "body" else expected)


UPLOADS: dict[str, tuple[Way, str | None]] = {
    "nothing said": (answer("204 No Content", b""), None),
    "a word": (answer("200 OK", b"OK", "Content-Type: text/plain"), None),
    "fewer taken, the others are outside its hours": (answer("200 OK", b'{"accepted":0,"errors":[]}'), None),
    "errors": (answer("200 OK", b'{"errors":["x"]}'), codes.REFUSED),
    "a page": (answer("200 OK", b"  <!DOCTYPE html><p>Wartung"), codes.ANSWER_UNREADABLE),
    "a page by its type": (
        answer("200 OK", b"Wartung", "Content-Type: text/html; charset=utf-8"),
        codes.ANSWER_UNREADABLE,
    ),
    "unknown in words of its own": (answer("400 Bad", b"calendar_unknown: a"), codes.CALENDAR_UNKNOWN),
    "invalid": (answer("422 Bad", b'{"code":"time_invalid"}'), codes.REFUSED),
    "elsewhere": (answer("404 Not Found", b"<html>"), codes.ADDRESS_WRONG),
}


@pytest.mark.parametrize("kind", UPLOADS)
def test_what_counts_as_yes(stage: SandboxStage, kind: str) -> None:
    way, code = UPLOADS[kind]
    period = stage.wanted(stage.calendars[0])
    busy = spans((period.start, period.start + 900), (period.start, period.start + 900))
    with rude(way) as server:
        portal = stage.open(address_upload=server.url)
        if code is None:
            assert portal.upload("a", period, busy, soon(stage)) == 1, "the same time twice is one"
        else:
            assert told(lambda: portal.upload("a", period, busy, soon(stage))).code == code


@pytest.mark.parametrize(
    "body",
    [b"", b"<p>", b"{}", b'{"start":"2026-10-20"}', b'{"start":"2026-10-20","end":"2026-10-01"}', b"[]"],
)
def test_a_period_that_cannot_be_read(stage: SandboxStage, body: bytes) -> None:
    with rude(answer("200 OK", body)) as server:
        problem = told(lambda: stage.open(address_period=server.url).period("a"))
    assert (problem.code, problem.retry) == (codes.ANSWER_UNREADABLE, True)


def test_the_test_of_the_connection_needs_no_calendar(stage: SandboxStage) -> None:
    assert stage.portal.names() is None
    with rude(answer("400 Bad", b"{}")) as server:
        assert stage.open(address_period=server.url).names() is None
    with rude(answer("500 Oops", b"{}")) as server, pytest.raises(Problem):
        stage.open(address_period=server.url).names()
