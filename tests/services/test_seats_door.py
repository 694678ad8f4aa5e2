"""Seats at the door: who they are, that they prove it, and how a conversation begins and ends. Real connections."""

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus

from praxisd.kernel import maintenance
from praxisd.kernel.access import system
from praxisd.kernel.clock import SystemClock
from praxisd.services.seats import register
from praxisd.services.seats.lines import lines
from praxisd.testing.houses import Houses
from praxisd.web import connected, sockets

from . import seats_door_cast as cast
from .seats_door_cast import Door, Wired

RECORD = "Patient/abc"


@pytest.fixture
def door(sqlite_houses: Houses) -> Iterator[Door]:
    with cast.door_of(sqlite_houses.open(cast.SERVICES, SystemClock())) as found:
        yield found


def until(condition: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.01)


# --- who it is -----------------------------------------------------------------------------------------------------------


def test_the_server_speaks_first_and_every_challenge_is_another(door: Door) -> None:
    one, two = door.wired().hello, door.wired().hello
    assert ({*one}, one["v"]) == ({"type", "v", "installation", "challenge", "now"}, 1)
    assert (len(one["installation"]), len(one["challenge"])) == (32, 43)
    assert one["installation"] == two["installation"]
    assert one["challenge"] != two["challenge"]


def test_a_program_proves_itself_and_works(door: Door) -> None:
    key, session = door.key("Anmeldung"), secrets.token_hex(16)
    line, answer = door.program(key, session, person="Frau Blum", program="acme 1.2")
    assert answer == {
        "type": "answer", "id": 1, "seat": {"id": key.seat, "name": "Anmeldung", "viewer": False}, "session": session,
        "interval": 30, "mode": "operation", "locks": [], "lost": [],
    }  # fmt: skip
    lock = line.ask(type="lock", record=RECORD)["lock"]
    assert (lock["record"], lock["fence"]) == (RECORD, 1)
    assert line.ask(type="beat")["interval"] == 30
    other, _ = door.program()
    told = other.ask(type="lock", record=RECORD)
    assert (told["type"], told["code"]) == ("problem", "seats.locked")
    assert told["parameters"]["holder"]["person"] == "Frau Blum"
    assert line.ask(type="bye") == {"type": "answer", "id": line._id}
    assert line.closed() == (1000, "bye")
    assert other.ask(type="lock", record=RECORD)["lock"]["fence"] == 2


def test_a_lost_connection_keeps_its_locks_and_comes_back(door: Door) -> None:
    key, session = door.key(), secrets.token_hex(16)
    line, _ = door.program(key, session)
    line.ask(type="lock", record=RECORD)
    line.ws.socket.shutdown(socket.SHUT_RDWR)
    until(lambda: session not in lines(door.house))
    other, _ = door.program()
    assert other.ask(type="lock", record=RECORD)["code"] == "seats.locked"
    _, answer = door.program(key, session, holds=[{"record": RECORD, "fence": 1}])
    assert [one["fence"] for one in answer["locks"]] == [1]
    assert answer["lost"] == []


def test_a_session_that_comes_again_replaces_its_old_connection(door: Door) -> None:
    key, session = door.key(), secrets.token_hex(16)
    old, _ = door.program(key, session)
    old.ask(type="lock", record=RECORD)
    new, answer = door.program(key, session)
    assert len(answer["locks"]) == 1
    assert old.push("bye")["reason"] == "replaced"
    assert old.closed() == (4409, "replaced")
    assert new.ask(type="release", record=RECORD, fence=1)["type"] == "answer"
    assert session in lines(door.house)


@pytest.mark.parametrize(
    "given",
    [
        {"signed_challenge": "another"},
        {"signed_installation": "another"},
        {"signed_seat": "another"},
        {"signature": "AAAA"},
        {"signature": "not base64 !"},
        {"signature": ""},
        {"signed_session": "f" * 32},
    ],
)
def test_a_signature_is_good_for_this_server_connection_seat_and_session_only(
    door: Door, given: dict[str, str]
) -> None:
    line, answer = door.program(**given)
    assert (answer["type"], answer["code"], answer["retry"]) == ("problem", "seats.not_proven", False)
    assert line.closed() == (4401, "seats.not_proven")
    assert len(lines(door.house)) == 0


def test_what_was_signed_before_is_worth_nothing_on_another_connection(door: Door) -> None:
    key, session = door.key(), secrets.token_hex(16)
    first = door.wired()
    heard = key.here(first.hello, session)
    assert first.ask(**heard)["type"] == "answer"
    replay = door.wired()
    assert replay.ask(**heard)["code"] == "seats.not_proven"
    assert replay.closed()[0] == 4401
    assert first.ask(type="beat")["type"] == "answer"
    assert first.ask(**heard)["code"] == "seats.here_already"  # nor a second time on its own
    assert first.ask(type="beat")["type"] == "answer"


def test_a_seat_nobody_approved_or_somebody_revoked_does_not_come_in(door: Door) -> None:
    waiting = door.key(approved=False)
    line, answer = door.program(waiting)
    assert (answer["code"], answer["retry"]) == ("seats.not_approved", True)
    assert line.closed()[0] == 4403
    revoked = door.key()
    door.house.store.run(system("test", door.organization), lambda tx: register.revoke(tx, revoked.seat))
    line, answer = door.program(revoked)
    assert (answer["code"], answer["retry"]) == ("seats.not_approved", False)
    assert line.closed()[0] == 4403


def test_a_seat_that_is_revoked_is_let_go_at_once(door: Door) -> None:
    key = door.key()
    line, answer = door.program(key)
    stays, _ = door.program()
    assert answer["type"] == "answer"
    time.sleep(0.3)  # the hub has begun to listen
    door.house.store.run(system("test", door.organization), lambda tx: register.revoke(tx, key.seat))
    began = time.monotonic()
    assert line.push("bye")["reason"] == "revoked"
    assert line.closed() == (4401, "revoked")
    assert time.monotonic() - began < sockets.CHECK_S * 2 / 3  # nobody had to look
    assert stays.ask(type="beat")["type"] == "answer"


def test_nobody_takes_the_session_of_another_seat(door: Door) -> None:
    session = secrets.token_hex(16)
    line, _ = door.program(session=session)
    line.ask(type="lock", record=RECORD)
    thief, answer = door.program(session=session)
    assert (answer["code"], answer["retry"]) == ("seats.session_taken", False)
    assert thief.closed()[0] == 4400
    assert line.ask(type="beat")["type"] == "answer"
    line.ws.socket.shutdown(socket.SHUT_RDWR)
    until(lambda: session not in lines(door.house))
    thief, answer = door.program(session=session)
    assert answer["code"] == "seats.session_taken"
    assert session not in lines(door.house)


# --- people --------------------------------------------------------------------------------------------------------------


def test_a_person_is_known_by_the_session_and_two_tabs_are_two(door: Door) -> None:
    anna, browser = door.person(), "browser-" + "a" * 32
    one, answer = door.browser(anna, seat=browser, person="Anna")
    assert answer["seat"] == {"id": browser, "name": "Browser", "viewer": False}
    two, answer = door.browser(anna, seat=browser, person="Anna")
    one.ask(type="lock", record=RECORD)
    told = two.ask(type="lock", record=RECORD)
    assert (told["code"], told["parameters"]["own"]) == ("seats.locked", True)
    taken = two.ask(type="take", record=RECORD, reason="other")
    assert taken["lock"]["fence"] == 2
    lost = one.push("lost")
    assert (lost["record"], lost["fence"], lost["why"], lost["by"]["session"]) == (
        RECORD,
        1,
        "taken",
        answer["session"],
    )


def test_a_page_cannot_be_a_program_without_its_key_nor_a_program_a_page(door: Door) -> None:
    anna, key = door.person(), door.key()
    line, answer = door.browser(anna, seat=key.seat)
    assert answer["code"] == "seats.not_proven"
    assert line.closed()[0] == 4401
    line = door.wired()
    assert line.ask(type="here", session="a" * 32, seat="browser-" + "a" * 32)["code"] == "seats.not_proven"
    assert line.closed()[0] == 4401


def test_who_may_hold_no_lock_is_not_let_in(door: Door) -> None:
    line, answer = door.browser(door.person("partner", "peter"))
    assert answer["code"] == "access.forbidden"
    assert line.closed()[0] == 4403


def test_who_signs_out_is_let_go_at_once(door: Door) -> None:
    anna = door.person()
    line, _ = door.browser(anna)
    time.sleep(0.3)
    headers = {"Cookie": anna["Cookie"], "X-Praxisd-Csrf": anna["X-Csrf"], "Authorization": ""}
    assert door.one.http.delete("/api/v1/session", headers=headers).status_code == 204
    assert line.push("bye")["reason"] == "signed_out"
    assert line.closed() == (4401, "signed_out")


def test_pages_of_others_do_not_come_in(door: Door) -> None:
    anna = door.person()
    for origin in ("https://elsewhere.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            Wired(door.url, Cookie=anna["Cookie"], Origin=origin)
        assert refused.value.response.status_code == 403
    signed_out = Wired(door.url, Origin=door.url)
    assert signed_out.closed() == (4401, "signed_out")


# --- what is said --------------------------------------------------------------------------------------------------------


def test_before_it_said_who_it_is_nothing_else_is_heard(door: Door) -> None:
    line = door.wired()
    assert line.ask(type="lock", record=RECORD)["code"] == "seats.not_here"
    assert line.closed() == (4401, "unproven")
    line = door.wired()
    line.ws.send("{ no json")
    told = line.next()
    assert (told["type"], told["code"], "id" in told) == ("problem", "seats.bad_message", False)
    assert line.closed() == (4400, "bad_message")


def test_what_cannot_be_read_is_refused_by_its_id_and_ends_nothing(door: Door) -> None:
    line, _ = door.program()
    for bad in (
        {"type": "lock", "record": "nothing"},
        {"type": "lock", "record": RECORD, "colour": "blue"},
        {"type": "sing"},
        {"type": "who", "records": [RECORD] * 201},
        {"type": "take", "record": RECORD, "reason": "fun"},
    ):
        assert line.ask(**bad)["code"] == "seats.bad_message"
    for text in ("[]", "null", '"x"', "{}", "[" * 30_000, '{"type":"beat","id":1e99}', "\ufeff{}"):
        line.ws.send(text)
        assert line.next()["code"] == "seats.bad_message"
    assert line.ask(type="lock", record="Unheard/1")["code"] == "seats.unknown_kind"
    assert line.ask(type="beat")["type"] == "answer"


def test_problems_are_worded_in_the_language_asked_for(door: Door) -> None:
    for language, title in (("de", "Nachricht nicht lesbar"), ("en", "Message not readable")):
        line = door.wired(Accept_Language=language)
        assert line.ask(type="sing")["title"] == title


def test_many_requests_at_once_are_all_answered_in_order(door: Door) -> None:
    line, _ = door.program()
    number = 2000
    sending = threading.Thread(
        target=lambda: [
            line.ws.send(json.dumps({"type": "who", "id": 10 + n, "records": [RECORD]}))
            for n in range(number)
        ]
    )
    sending.start()
    assert [line.next()["id"] for _ in range(number)] == [*range(10, 10 + number)]
    sending.join(10)


# --- the server ----------------------------------------------------------------------------------------------------------


def test_who_says_nothing_has_to_go_in_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected, "PROOF_S", 0.3)
    line = door.wired()
    assert line.push("bye")["reason"] == "unproven"
    assert line.closed() == (4401, "unproven")


def test_strangers_cannot_keep_seats_out(door: Door) -> None:
    strangers = [door.wired() for _ in range(sockets.MOST_UNPROVEN)]
    with pytest.raises(InvalidStatus) as refused:
        door.wired()
    assert refused.value.response.status_code == 429
    for one in strangers[:2]:
        one.close()
    until(lambda: len(door.one.server.server_state.connections) < sockets.MOST_UNPROVEN + 1)
    keys = [door.key() for _ in range(3)]
    for key in keys:
        assert door.program(key)[1]["type"] == "answer"  # who has proven itself is none of them


def test_in_maintenance_seats_stay_and_locks_wait(door: Door) -> None:
    line, _ = door.program()
    line.ask(type="lock", record=RECORD)
    with door.house.store.write(system("test")) as tx:
        maintenance.begin(tx, "test", 60)
    told = line.ask(type="lock", record="Patient/other")
    assert (told["code"], told["retry"]) == ("maintenance", True)
    assert line.ask(type="beat")["type"] == "answer"
    with door.house.store.write(system("test")) as tx:
        maintenance.end(tx, "test")
    assert line.ask(type="lock", record="Patient/other")["type"] == "answer"


def test_a_draining_server_says_bye_and_seats_keep_their_locks(door: Door) -> None:
    line, _ = door.program()
    line.ask(type="lock", record=RECORD)
    door.one.server.stop()
    assert line.push("bye")["reason"] == "draining"
    assert line.closed() == (1012, "draining")


def test_nothing_of_what_seats_say_is_in_the_log(door: Door) -> None:
    line, _ = door.program(person="Kanarienvogel", program="Kanarienprogramm")
    line.ask(type="lock", record="Patient/kanarienakte")
    line.ask(type="at", record="Patient/kanarienakte")
    line.ask(type="sing", song="Kanarienlied")
    line.close()
    until(lambda: len(lines(door.house)) == 0)
    assert "seats.live" in door.one.log()
    assert "anarien" not in door.one.log()


def test_what_a_seat_logs_is_on_disk_before_it_is_answered(door: Door) -> None:
    line, _ = door.program()
    entry = {"at": "2026-11-28T08:00:00Z", "level": "info", "code": "acme.started", "text": "Gestartet"}
    assert line.ask(type="log", entries=[entry | {"seq": n} for n in (1, 2, 3)])["upto"] == 3
    assert line.ask(type="log", entries=[entry | {"seq": n} for n in (3, 4)])["upto"] == 4
    assert line.ask(type="log", entries=[entry])["code"] == "logbook.bad_entry"
    assert line.ask(type="beat")["type"] == "answer"
