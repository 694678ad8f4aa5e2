"""`praxisd sandbox sms` as others use it: its API, its faults, its page, and what a kill -9 leaves."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from praxisd.sandbox.journal import Journal
from praxisd.sandbox.sms import parts_of
from praxisd.sandbox.sms_faults import Faults
from praxisd.sandbox.sms_program import Running, Wishes
from praxisd.testing.programs import PROGRAM, environment

KEY = {"Authorization": "Bearer sandbox"}
SMS = {"to": "+491713920055", "from": "Praxis", "text": "Ihr Termin", "reference": "r1"}


def ask(url: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    try:
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        kind = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if "json" in kind and text else text
    finally:
        connection.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, "127.0.0.1", 0, Wishes(deliver_s=None, credits=5))
    yield running
    running.close()


def send(sandbox: Running, **more: Any) -> tuple[int, Any]:
    return ask(sandbox.url, "POST", "/v1/messages", {**SMS, **more}, **KEY)


def messages(sandbox: Running) -> list[dict[str, Any]]:
    status, found = ask(sandbox.url, "GET", "/messages")
    assert status == 200
    return list(found)


def test_it_takes_shows_and_charges(sandbox: Running) -> None:
    status, made = send(sandbox)
    assert status == 201 and (made["reference"], made["parts"], made["credits"]) == ("r1", 1, 4)
    (shown,) = messages(sandbox)
    assert {name: shown[name] for name in ("to", "text", "id", "state", "reference")} == {
        "to": "+491713920055", "text": "Ihr Termin", "id": made["id"], "state": "accepted", "reference": "r1",
    }  # fmt: skip
    assert time.time() - time.mktime(time.strptime(shown["at"][:19], "%Y-%m-%dT%H:%M:%S")) < 90_000
    assert ask(sandbox.url, "GET", f"/v1/messages/{made['id']}", **KEY)[1]["state"] == "accepted"
    assert ask(sandbox.url, "GET", "/v1/balance", **KEY) == (200, {"credits": 4})
    assert (
        ask(sandbox.url, "POST", "/v1/status", {"ids": f"{made['id']},x"}, **KEY)[1]["messages"][0]["id"]
        == made["id"]
    )


def test_it_does_not_look_whether_it_has_a_message_already(sandbox: Running) -> None:
    first, second = send(sandbox)[1]["id"], send(sandbox)[1]["id"]
    assert first != second and [one["reference"] for one in messages(sandbox)] == ["r1", "r1"]
    found = ask(sandbox.url, "GET", "/v1/messages?reference=r1", **KEY)[1]["messages"]
    assert [one["id"] for one in found] == [first, second]
    assert ask(sandbox.url, "GET", "/")[1].count("doppelt") == 2


def test_what_it_refuses(sandbox: Running) -> None:
    assert ask(sandbox.url, "POST", "/v1/messages", SMS, Authorization="Bearer x") == (
        401,
        {"code": "unauthorized"},
    )
    for more, code in (
        ({"to": "0171"}, "number_invalid"),
        ({"to": "+491713920009"}, "number_invalid"),
        ({"text": " "}, "text_invalid"),
        ({"from": "Praxis am Markt"}, "sender_invalid"),
        ({"validMinutes": 0}, "minutes_invalid"),
    ):
        assert send(sandbox, **more) == (422, {"code": code})
    assert send(sandbox, text="x" * 800)[0] == 402 and messages(sandbox) == []
    assert ask(sandbox.url, "POST", "/v1/messages", b"{", **KEY)[0] == 400
    assert ask(sandbox.url, "GET", "/nothing")[0] == 404
    assert ask(sandbox.url, "PUT", "/messages")[0] == 405
    assert ask(sandbox.url, "POST", "/v1/messages", b"x" * 2_100_000, **KEY)[0] == 413
    assert ask(sandbox.url, "POST", "/credits", {"credits": 3}, Origin="https://elsewhere.example")[0] == 403


@pytest.mark.parametrize(
    ("fault", "status", "taken"),
    [
        ("busy", 429, 0),
        ("error", 500, 0),
        ("error_after", 500, 1),
        ("refuse", 422, 0),
        ("garbage", 200, 1),
        ("", 201, 1),
    ],
)
def test_faults_that_answer(sandbox: Running, fault: str, status: int, taken: int) -> None:
    assert ask(sandbox.url, "POST", "/faults", {"next": [fault]})[1]["next"] == [fault]
    assert send(sandbox)[0] == status
    assert len(messages(sandbox)) == taken and send(sandbox)[0] == 201


@pytest.mark.parametrize(("fault", "taken"), [("drop", 1), ("lose", 0)])
def test_faults_that_do_not(sandbox: Running, fault: str, taken: int) -> None:
    ask(sandbox.url, "POST", "/faults", {"next": [fault]})
    with pytest.raises((RemoteDisconnected, ConnectionError)):
        send(sandbox)
    assert len(messages(sandbox)) == taken


@pytest.mark.parametrize(("fault", "early"), [("stall", 1), ("delay", 0)])
def test_faults_that_take_their_time(sandbox: Running, fault: str, early: int) -> None:
    import threading

    ask(sandbox.url, "POST", "/faults", {"next": [fault], "delay": 1.5})
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(send(sandbox)[0]))
    thread.start()
    time.sleep(0.3)
    while early and not found and not messages(sandbox):
        time.sleep(0.02)
    assert (len(messages(sandbox)), found) == (early, [])
    thread.join(30)
    assert found == [201] and len(messages(sandbox)) == 1


def test_chance_can_be_repeated() -> None:
    def drawn(seed: int) -> list[str]:
        one = Faults(0.3, seed)
        return [one.send() for _ in range(300)]

    assert drawn(7) == drawn(7) != drawn(8)
    assert 50 < sum(1 for one in drawn(7) if one) < 130
    for wrong in ({"rate": 2}, {"kinds": ["fire"]}, {"next_": ["x"]}, {"delay_s": -1}):
        with pytest.raises(ValueError):
            Faults().set(**wrong)  # type: ignore[arg-type]


def test_faults_are_set_and_taken_back(sandbox: Running) -> None:
    state = ask(sandbox.url, "POST", "/faults", {"rate": 1, "seed": 3, "kinds": ["busy"]})[1]
    assert (state["rate"], state["seed"], state["kinds"]) == (1, 3, ["busy"])
    assert [send(sandbox)[0] for _ in range(5)] == [429] * 5
    ask(sandbox.url, "POST", "/faults", {"rate": 0})
    assert send(sandbox)[0] == 201
    assert ask(sandbox.url, "POST", "/faults", {"kinds": ["fire"]}) == (422, {"code": "kinds_invalid"})


def test_the_page_shows_a_phone_and_needs_no_script(sandbox: Running) -> None:
    id_ = send(sandbox, text="<script>alert(1)</script> Grüße")[1]["id"]
    page = ask(sandbox.url, "GET", "/?lang=de")[1]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Grüße" in page and "<script" not in page
    assert "Zugestellt" in page and "Guthaben: 4" in page and 'lang="de"' in page
    assert "Delivered" in ask(sandbox.url, "GET", "/", **{"Accept-Language": "en-US"})[1]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(sandbox.url, "POST", f"/messages/{id_}/state", b"state=failed", **form)[0] == 303
    assert ask(sandbox.url, "POST", f"/messages/{id_}/reply", "text=JA+ü".encode(), **form)[0] == 303
    assert ask(sandbox.url, "POST", f"/messages/{id_}/state", {"state": "lost"})[0] == 422
    (shown,) = messages(sandbox)
    assert shown["state"] == "failed" and [one["text"] for one in shown["replies"]] == ["JA ü"]
    phone = ask(sandbox.url, "GET", "/phones/%2B491713920055")[1]
    assert "fehlgeschlagen" in phone and "JA ü" in phone and '<label for="text">' in phone
    assert ask(sandbox.url, "GET", "/phones/%2B49")[0] == 303


def test_parts() -> None:
    assert [parts_of(one) for one in ("", "a" * 160, "a" * 161, "€" * 80, "€" * 81)] == [1, 1, 2, 1, 2]
    assert [parts_of(one) for one in ("中" * 70, "中" * 71, "🎂" * 35, "🎂" * 36)] == [1, 2, 1, 2]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "x" / "j.jsonl"
    journal = Journal(file)
    journal.add(kind="a", text="ü")
    journal.close()
    with file.open("ab") as handle:
        handle.write(b'{"kind":"b')
    again = Journal(file)
    assert [one["kind"] for one in again.read()] == ["a"]
    again.add(kind="c")
    assert [one["kind"] for one in again.read()] == ["a", "c"]
    again.close()


@contextmanager
def program(folder: Path, *more: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    line = [*PROGRAM, "sandbox", "sms", "--data", str(folder), "--port", "0", *more]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready" and url.startswith("http://127.0.0.1:")
        yield process, url
    finally:
        process.kill()
        process.wait(10)


def test_nothing_is_lost_by_kill_9(tmp_path: Path) -> None:
    with program(tmp_path, "--by-hand", "--credits", "50") as (process, url):
        ids = [
            ask(url, "POST", "/v1/messages", {**SMS, "reference": f"r{n}"}, **KEY)[1]["id"] for n in range(5)
        ]
        ask(url, "POST", f"/messages/{ids[0]}/state", {"state": "delivered"})
        ask(url, "POST", f"/messages/{ids[1]}/reply", {"text": "NEIN"})
        before = ask(url, "GET", "/messages")[1]
        process.kill()
    with program(tmp_path, "--by-hand", "--credits", "50") as (process, url):
        assert ask(url, "GET", "/messages")[1] == before
        assert ask(url, "GET", "/v1/balance", **KEY)[1] == {"credits": 45}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (tmp_path / "sandbox" / "sms.jsonl").stat().st_mode & 0o077 == 0


def test_numbers_have_their_fate(tmp_path: Path) -> None:
    with program(tmp_path, "--deliver", "0") as (_, url):
        for end in ("0001", "0002", "0003", "0055"):
            ask(url, "POST", "/v1/messages", {**SMS, "to": f"+49171392{end}"}, **KEY)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            states = [one["state"] for one in ask(url, "GET", "/messages")[1]]
            if states == ["failed", "expired", "buffered", "delivered"]:
                return
            time.sleep(0.05)
        raise AssertionError(states)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with program(tmp_path) as (_, url):
        port = str(urlsplit(url).port)
        line = [*PROGRAM, "sandbox", "sms", "--data", str(tmp_path / "b"), "--port", port]
        done = subprocess.run(line, capture_output=True, text=True, timeout=30, env=environment())
    assert done.returncode == 1 and port in done.stderr and "control.address_unusable" in done.stderr
