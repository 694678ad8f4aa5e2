"""The door of WebSockets: what is heard, and what becomes of those who behave badly. Real sockets."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import pytest

from praxisd.kernel.house import SERVICE as KERNEL
from praxisd.testing.houses import Houses
from praxisd.web import connected, server, wire

from . import sockets_cast as cast
from . import web_sample
from .listing_sample import SERVICE as EVENTFUL
from .live_cast import DOORS, sessions
from .sockets_cast import code_of, here, until
from .web_sample.serving import Running, running

SERVICES = (KERNEL, EVENTFUL, cast.SERVICE)


@pytest.fixture
def one(sqlite_houses: Houses) -> Iterator[Running]:
    cast.opened.clear()
    sessions.clear()
    with running(sqlite_houses.open(SERVICES), DOORS) as found:
        yield found


# --- what is heard -------------------------------------------------------------------------------------------------------


def test_what_is_no_text_message_ends_it(one: Running) -> None:
    for frames, code in (
        ([(2, b"{}", True)], 1003),
        ([(1, b'{"x":"\xff"}', True)], 1007),
        ([(1, b"{" + b" " * 65_536, True)], 1009),
        ([(1, b" " * 40_000, False), (0, b" " * 40_000, True)], 1009),
        ([(0, b"{}", True)], 1002),
        ([(3, b"{}", True)], 1002),
        ([(1, b"", False), *[(0, b"", False)] * 300], 1008),
        ([(9, b"x" * 126, True)], 1002),
    ):
        raw = cast.Raw(one.url)
        assert raw.status == 101
        for opcode, data, fin in frames:
            with contextlib.suppress(ConnectionError):
                raw.send(opcode, data, fin=fin)
        assert raw.closed() == code, frames[0][:1]
        until(lambda: cast.opened[-1].gone.is_set())
        assert cast.opened[-1].codes == [code]
        assert cast.opened[-1].heard_all == []
    raw = cast.Raw(one.url)
    raw.send(1, b"{}", masked=False)
    assert raw.closed() == 1002


def test_a_socket_has_its_own_longest_message(one: Running) -> None:
    with here(one, "inside") as client:
        cast.told(client)
        cast.ask(client, x="x" * 1900)
        client.send(json.dumps({"x": "x" * 2100}))
        assert code_of(client) == 1009


def test_a_message_in_pieces_is_one_message(one: Running) -> None:
    raw = cast.Raw(one.url)
    whole = '{"x": "ä€"}'.encode()
    cut = whole.index("€".encode()) + 1  # in the midst of a sign
    raw.send(1, whole[:cut], fin=False)
    raw.send(9, b"between")
    raw.send(0, whole[cut:])
    until(lambda: cast.opened[0].heard_all == [{"x": "ä€"}])


def test_what_a_service_refuses_is_a_problem_and_its_faults_stay_inside(one: Running) -> None:
    with here(one, Accept_Language="en") as client:
        cast.told(client)
        answer = cast.ask(client, do="problem")
        assert (answer["type"], answer["code"], answer["retry"]) == ("problem", "http.bad_fence", False)
        assert answer["title"] == "Lock number not readable" or answer["title"]
        answer = cast.ask(client, do="fail", secret=web_sample.CANARY)
        assert answer["code"] == "http.internal"
        client.send("{ no json")
        assert cast.told(client)["code"] == "http.internal"
        assert cast.ask(client, n=1) == {"echo": {"n": 1}}
    assert "socket_failed" in one.log() and web_sample.CANARY not in one.log()


def test_who_has_too_much_unanswered_is_not_read_and_loses_nothing(one: Running) -> None:
    number = 20_000
    with here(one) as client:
        cast.told(client)
        sending = threading.Thread(
            target=lambda: [client.send(f'{{"do":"hold","n":{n}}}') for n in range(number)]
        )
        sending.start()
        talk = cast.opened[0]
        until(lambda: len(talk.held) >= connected.MOST_UNANSWERED)
        time.sleep(0.5)
        most = connected.MOST_UNANSWERED + wire.PIECE // 20
        assert len(talk.held) < most
        answered = 0
        while answered < number:
            for asked in talk.held[answered:]:
                talk.line.answer({"n": asked["n"]})
                answered += 1
                assert len(talk.held) - answered < most
            time.sleep(0.0002)
        sending.join(20)
        assert [cast.told(client)["n"] for _ in range(number)] == [*range(number)]


def test_who_waits_for_answers_is_not_taken_for_dead(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PING_S", 0.2)
    cast.opened.clear()
    with running(sqlite_houses.open(SERVICES), DOORS) as one, here(one) as client:
        cast.told(client)
        for n in range(connected.MOST_UNANSWERED):
            client.send(json.dumps({"do": "hold", "n": n}))
        until(lambda: len(cast.opened[0].held) == connected.MOST_UNANSWERED)
        time.sleep(1.5)
        for asked in cast.opened[0].held:
            cast.opened[0].line.answer(asked)
        assert [cast.told(client)["n"] for _ in range(connected.MOST_UNANSWERED)] == [
            *range(connected.MOST_UNANSWERED)
        ]
        assert cast.ask(client, n=1) == {"echo": {"n": 1}}


# --- who behaves badly ---------------------------------------------------------------------------------------------------


def test_a_slow_reader_is_let_go(one: Running) -> None:
    raw = cast.Raw(one.url)
    raw.send(1, json.dumps({"do": "flood", "n": 4000, "size": 10_000}).encode())
    talk = cast.opened[0]
    assert talk.gone.wait(30)
    assert talk.codes == [1013]
    assert raw.closed() in (1006, 1013)
    with here(one) as other:
        cast.told(other)
        assert cast.ask(other, n=1) == {"echo": {"n": 1}}


def test_whoever_does_not_answer_pings_is_gone(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PING_S", 0.3)
    cast.opened.clear()
    with running(sqlite_houses.open(SERVICES), DOORS) as one:
        began = time.monotonic()
        raw = cast.Raw(one.url)
        assert cast.opened[0].gone.wait(30)
        assert 0.5 < time.monotonic() - began < 20
        assert cast.opened[0].codes == [1006]
        raw.sock.close()


def test_a_flood_of_pings_by_somebody_who_does_not_read_fills_nothing(
    sqlite_houses: Houses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PING_S", 1.0)
    cast.opened.clear()
    with running(sqlite_houses.open(SERVICES), DOORS) as one:
        raw = cast.Raw(one.url)
        pings = raw.frame(9, b"x" * 125) * 2000
        sent = 0
        raw.sock.settimeout(0.5)
        with contextlib.suppress(OSError):
            while sent < 60_000_000:
                sent += raw.sock.send(pings)
        assert sent < 30_000_000, "the server took all of it"
        assert cast.opened[0].gone.wait(30)


def test_a_flood_of_tiny_messages_does_not_keep_others_waiting(one: Running) -> None:
    raw = cast.Raw(one.url)
    flood = raw.frame(1, b"{}") * 30_000

    def pour() -> None:
        with contextlib.suppress(OSError):
            raw.sock.sendall(flood)

    def drink() -> None:
        with contextlib.suppress(OSError):
            while raw.sock.recv(65536):
                pass

    with here(one) as other:
        cast.told(other)
        threads = [threading.Thread(target=work, daemon=True) for work in (pour, drink)]
        for thread in threads:
            thread.start()
        slowest = 0.0
        for n in range(50):
            began = time.monotonic()
            assert cast.ask(other, n=n) == {"echo": {"n": n}}
            slowest = max(slowest, time.monotonic() - began)
        raw.sock.close()
        assert slowest < 0.5


def test_a_handshake_that_cannot_be_read_is_answered_and_over(one: Running) -> None:
    assert cast.Raw(one.url, more="".join(f"X-{n}: 1\r\n" for n in range(200))).status == 400
    assert cast.Raw(one.url, more=f"X-Long: {'x' * 9000}\r\n").status == 400
    assert cast.Raw(one.url, more=f"X-Long: {'x' * 33_000}\r\n").status == 431
    assert cast.opened == []
