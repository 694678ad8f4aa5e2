"""What a portal does, in a code that a person can act on: each kind of failure apart from every other."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from praxisd.kernel.clock import FrozenClock, SystemClock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import Http
from praxisd.kernel.outside import Outside
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portals.talking import OneWay, Talk, read, segment, wrong

from .http_cast import (
    Way,
    answer,
    certificate,
    closed_port,
    closes_after_reading,
    closes_at_once,
    drips,
    half_closes,
    raw,
    resets_after_reading,
    rude,
    silent,
    ways_out,
)

SECRET = "geheim-4711"


@pytest.fixture
def make() -> Iterator[Callable[..., Http]]:
    loop = Outside()
    with ways_out(loop) as one:
        yield one
    loop.close()


@pytest.fixture
def talk(make: Callable[..., Http]) -> Talk:
    found = Talk(make(), SystemClock())
    found.patience_s = 30.0
    return found


def problem(talk: Talk, url: str, method: str = "GET") -> Problem:
    with pytest.raises(Problem) as caught:
        talk.ask(method, url, headers={"X-Key": SECRET}, json={"a": 1} if method != "GET" else None)
    assert caught.value.params == {} and caught.value.detail is None
    assert caught.value.status in (502, 504)
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "code", "retry"),
    [
        ("301 Moved", b"", codes.ADDRESS_WRONG, False),
        ("302 Found", b"", codes.ADDRESS_WRONG, False),
        ("304 Same", b"", codes.ADDRESS_WRONG, False),
        ("400 Bad", b"{}", codes.REFUSED, False),
        ("401 Who", b"", codes.KEY_REFUSED, False),
        ("403 No", b"<html>", codes.KEY_REFUSED, False),
        ("404 Where", b"<html>", codes.ADDRESS_WRONG, False),
        ("404 Where", b'{"code":"not_found"}', codes.ADDRESS_WRONG, False),
        ("404 Where", b'{"code":"calendar_unknown"}', codes.CALENDAR_UNKNOWN, False),
        ("404 Where", b'{"code":"booking_unknown"}', codes.BOOKING_GONE, False),
        ("404 Where", b'["calendar_unknown"]', codes.ADDRESS_WRONG, False),
        ("405 How", b"", codes.ADDRESS_WRONG, False),
        ("407 Proxy", b"", codes.UNREACHABLE, True),
        ("511 Sign in", b"<html>", codes.UNREACHABLE, True),
        ("408 Slow", b"", codes.TIMEOUT, True),
        ("409 Conflict", b"", codes.REFUSED, False),
        ("410 Gone", b"", codes.ADDRESS_WRONG, False),
        ("410 Gone", b'{"code":"booking_cancelled"}', codes.BOOKING_GONE, False),
        ("413 Big", b"", codes.REFUSED, False),
        ("422 What", b'{"code":["x"]}', codes.REFUSED, False),
        ("429 Often", b"", codes.TOO_OFTEN, True),
        ("500 Oops", b"\xff\x00", codes.FAILING, True),
        ("501 Never", b"", codes.ADDRESS_WRONG, False),
        ("502 Bad", b"", codes.FAILING, True),
        ("503 Later", b"", codes.FAILING, True),
        ("599 Odd", b"", codes.FAILING, True),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_statuses(talk: Talk, method: str, status: str, body: bytes, code: str, retry: bool) -> None:
    with rude(
        answer(status, b"" if status.startswith("304") else body, f"Location: http://x/{SECRET}")
    ) as server:
        found = problem(talk, server.url, method)
        assert server.connections == 1
    assert (found.code, found.retry) == (code, retry)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", "7"), ("999999", "86400"), ("Wed, 21 Oct 2026 07:28:00 GMT", "60"), ("Wed, 21 Oct 2020 07:28:00 GMT", None),
     ("bald", None), ("-3", None), ("0", None), ("", None), ("²", None)],
)  # fmt: skip
@pytest.mark.parametrize("status", ["429 Often", "503 Later"])
def test_how_long_to_wait(make: Callable[..., Http], status: str, told: str, seconds: str | None) -> None:
    clock = FrozenClock(1_792_567_620)  # 2026-10-21T07:27:00Z
    with rude(answer(status, b"", f"Retry-After: {told}")) as server:
        found = problem(Talk(make(clock), clock), server.url)
    assert found.headers == ({} if seconds is None else {"Retry-After": seconds})


def test_waiting_belongs_to_what_passes_by_itself(talk: Talk) -> None:
    with rude(answer("401 Who", b"", "Retry-After: 7")) as server:
        assert problem(talk, server.url).headers == {}


LOST: dict[str, Way] = {
    "closes at once": closes_at_once,
    "closes after reading": closes_after_reading,
    "resets after reading": resets_after_reading,
    "cuts the body": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "speaks no HTTP": raw(b"+OK ready\r\n"),
}


@pytest.mark.parametrize("way", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_lost_answer(talk: Talk, method: str, way: Way) -> None:
    with rude(way) as server:
        found = problem(talk, server.url, method)
        assert len(server.requests) == (0 if way is closes_at_once else 1)
    assert (found.code, found.retry) == (codes.ANSWER_LOST, True)


@pytest.mark.parametrize("way", [silent, half_closes, drips])
@pytest.mark.parametrize(("method", "code"), [("GET", codes.TIMEOUT), ("POST", codes.ANSWER_LOST)])
def test_time_runs_out(talk: Talk, method: str, code: str, way: Way) -> None:
    talk.patience_s = 0.7
    with rude(way) as server:
        found = problem(talk, server.url, method)
    assert found.code in (code, codes.ANSWER_LOST if way is half_closes else code) and found.retry


def test_nobody_there(talk: Talk) -> None:
    found = problem(talk, f"http://127.0.0.1:{closed_port()}/")
    assert (found.code, found.retry) == (codes.UNREACHABLE, True)
    found = problem(talk, "https://no-such-name.invalid/")
    assert (found.code, found.retry) == (codes.UNKNOWN_HOST, True)


def test_a_certificate_that_nobody_vouches_for(talk: Talk, tmp_path: Path, make: Callable[..., Http]) -> None:
    context, trust = certificate(tmp_path)
    with rude(answer(), context) as server:
        found = problem(talk, server.url)
        assert (found.code, found.retry) == (codes.TLS_FAILED, False)
        assert server.requests == []
        assert Talk(make(None, lambda: "", trust), SystemClock()).ask("GET", server.url).status == 200


def test_a_certificate_for_another_name(tmp_path: Path, make: Callable[..., Http]) -> None:
    context, trust = certificate(tmp_path, "anders.example")
    with rude(answer(), context) as server:
        found = problem(Talk(make(None, lambda: "", trust), SystemClock()), server.url)
    assert (found.code, found.retry) == (codes.TLS_FAILED, False)


def test_an_answer_that_is_wanted_is_given(talk: Talk) -> None:
    with rude(answer("404 Where", b"x")) as server:
        assert talk.ask("GET", server.url, ok=(404,)).status == 404


@pytest.mark.parametrize("body", [b"", b"<p>", b"[]", b'{"a":', b"\xff", b"[" * 100_000, b'{"a":"x"}'])
def test_what_cannot_be_read(talk: Talk, body: bytes) -> None:
    with rude(answer("200 OK", body)) as server, pytest.raises(Problem) as caught:
        read(talk.ask("GET", server.url), dict[str, int])
    assert (caught.value.code, caught.value.retry) == (codes.ANSWER_UNREADABLE, True)


def test_every_code_says_whether_to_try_again_and_nothing_is_logged(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert {code: wrong(code).retry for code in codes.CODES} == {
        code: code in (codes.UNKNOWN_HOST, codes.UNREACHABLE, codes.TIMEOUT, codes.ANSWER_UNREADABLE, codes.ANSWER_LOST,
                       codes.TOO_OFTEN, codes.FAILING)
        for code in codes.CODES
    }  # fmt: skip
    with rude(answer("401 Who", SECRET.encode())) as server:
        assert SECRET not in repr(problem(talk, server.url))
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_dots_do_not_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(Problem) as caught:
        segment(name)
    assert caught.value.code == codes.CALENDAR_UNKNOWN


def test_names_are_one_piece_of_an_address() -> None:
    assert segment("Ä/b ?#%") == "%C3%84%2Fb%20%3F%23%25"


def test_what_an_adapter_can_not_do() -> None:
    from praxisd.services.portals.portal import Period, Reply, Unknown
    from praxisd.testing.portal_suite import spans

    one = OneWay()
    assert (one.names(), one.hours("a", Period(0, 1)), one.blockers("a", Period(0, 1))) == (None, None, ())
    assert one.fetch("7").bookings == () and one.fetch("7").mark is None
    assert one.offer("a", spans((0, 1), (2, 3)), 9e9) == (codes.REFUSED, codes.REFUSED)
    for work in (
        lambda: one.answer(Reply("b", "accepted"), 9e9),
        lambda: one.settle(Unknown("u", "a", 0, 1), "keep", 9e9),
    ):
        with pytest.raises(Problem) as caught:
            work()
        assert caught.value.code in codes.CODES and not caught.value.retry
