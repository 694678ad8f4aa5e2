"""The stand-in's guests and its file: TLS ends, the answer is 503 in the form that was asked for, nobody else is let in."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from praxisd_relay import standin_guest, standin_note
from praxisd_relay.dial import Address
from praxisd_relay.frames import Rst
from praxisd_relay.hello import UNRECOGNIZED_NAME, Hello, alert
from praxisd_relay.identity import Identity
from praxisd_relay.proxy import Proxy
from praxisd_relay.pump import Pump
from praxisd_relay.standin_guest import Guest
from praxisd_relay.standin_note import Note, NoteError
from praxisd_relay.stream import Stream

NAME = "practice.relay.test"


@pytest.fixture(scope="module")
def note() -> Note:
    made = trustme.CA().issue_cert(NAME)
    chain = b"".join(one.bytes() for one in made.cert_chain_pems).decode()
    hubs = (
        (Address("link.relay.test", 8443, "p" * 43), None),
        (Address("link2.relay.test"), Proxy("proxy", 3128, "user", "secret")),
    )
    return Note(Identity.new(), hubs, frozenset({NAME}), chain, made.private_key_pem.bytes(), "1.2")


class Line:
    """A stream in memory."""

    def __init__(self) -> None:
        self.out = b""
        self.finished = False
        self.code: Rst | None = None

    def write(self, data: bytes) -> None:
        self.out += data

    def finish(self) -> None:
        self.finished = True

    def reset(self, code: Rst) -> None:
        self.code = code

    def taken(self) -> bytes:
        found, self.out = self.out, b""
        return found


class Caller:
    """A guest: its TLS, and the stand-in's end of the stream."""

    def __init__(self, note: Note, name: str = NAME, alpn: tuple[str, ...] = ("http/1.1",)) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        tls = note.context()

        def contexts(said: Hello) -> ssl.SSLContext | None:
            return tls if said.name in note.names else None

        self.line = Line()
        self.guest = Guest(cast(Stream, self.line), contexts, "maintenance", 2)
        self.pump = Pump(context, server=False, server_name=name)
        self.said = b""

    def turn(self) -> None:
        """Carry bytes both ways until nobody has more to say."""
        while True:
            there = self.pump.outgoing()
            if there:
                self.guest.arrived(memoryview(there))
            back = self.line.taken()
            if back:
                self.pump.feed(back)
                self.said += b"".join(self.pump.plain())
            if not there and not back:
                return

    def ask(self, text: str) -> tuple[str, bytes]:
        """(head, body) of the answer."""
        self.turn()
        self.pump.write(text.encode())
        self.turn()
        head, _, body = self.said.partition(b"\r\n\r\n")
        return head.decode(), body


def on_loop(work: Callable[[], Any]) -> Any:
    async def within() -> Any:
        return work()

    return asyncio.run(within())


@pytest.mark.parametrize(
    ("asked", "kind", "word"),
    [
        ("GET /api/v1/slots HTTP/1.1\r\n", "application/problem+json", "maintenance"),
        ("GET /fhir/Slot HTTP/1.1\r\n", "application/fhir+json", "OperationOutcome"),
        (
            "POST /fhir/Slot HTTP/1.1\r\nAccept: application/fhir+xml\r\n",
            "application/fhir+xml",
            "<OperationOutcome",
        ),
        (
            "GET / HTTP/1.1\r\nAccept: text/html\r\nAccept-Language: en\r\n",
            "text/html",
            "Planned maintenance",
        ),
        ("nonsense", "application/problem+json", "maintenance"),
    ],
)
def test_the_answer_is_503_in_the_form_asked_for(note: Note, asked: str, kind: str, word: str) -> None:
    def work() -> None:
        caller = Caller(note)
        head, body = caller.ask(asked + "\r\n" if asked.endswith("\r\n") else asked + "\r\n\r\n")
        assert (
            head.startswith("HTTP/1.1 503") and "Retry-After: 2" in head and f"Content-Type: {kind}" in head
        )
        assert word in body.decode() and caller.line.finished and caller.pump.ended
        caller.guest.ended()
        assert caller.line.code is None

    on_loop(work)


def test_head_has_no_body(note: Note) -> None:
    head, body = on_loop(lambda: Caller(note).ask("HEAD / HTTP/1.1\r\n\r\n"))
    assert "503" in head and body == b""


def test_an_endless_head_is_answered_and_not_kept(note: Note) -> None:
    def work() -> None:
        caller = Caller(note)
        head, _ = caller.ask("GET / HTTP/1.1\r\nX: " + "a" * 40_000)
        assert "503" in head and caller.guest._head == b""

    on_loop(work)


@pytest.mark.parametrize(("name", "alpn"), [("other.relay.test", ("http/1.1",)), (NAME, ("acme-tls/1",))])
def test_a_name_that_is_not_ours_and_the_authority_are_not_let_in(
    note: Note, name: str, alpn: tuple[str, ...]
) -> None:
    def work() -> None:
        caller = Caller(note, name, alpn)
        caller.guest.arrived(memoryview(caller.pump.outgoing()))
        assert caller.line.out == alert(UNRECOGNIZED_NAME) and caller.line.finished

    on_loop(work)


def test_what_is_no_tls_gets_no_word(note: Note) -> None:
    def work() -> None:
        caller = Caller(note)
        caller.guest.arrived(memoryview(b"GET / HTTP/1.1\r\n\r\n"))
        assert caller.line.out == b"" and caller.line.finished

    on_loop(work)


def test_who_says_nothing_or_lingers_is_cut(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin_guest, "PATIENCE_S", 0.01)
    monkeypatch.setattr(standin_guest, "LINGER_S", 0.01)

    async def work() -> None:
        silent, lingering = Caller(note), Caller(note)
        lingering.ask("GET / HTTP/1.1\r\n\r\n")
        for _ in range(1000):
            if silent.line.code is not None and lingering.line.code is not None:
                break
            await asyncio.sleep(0.01)
        assert (silent.line.code, lingering.line.code) == (Rst.TIMEOUT, Rst.CLOSED)

    asyncio.run(work())


def test_the_file_says_all_and_its_words_no_key(note: Note, tmp_path: Path) -> None:
    file = tmp_path / "standin.json"
    file.write_bytes(note.encoded())
    found = standin_note.read(file)
    assert found == note and found.encoded() == note.encoded()
    key = json.loads(note.encoded())["key"]
    assert key not in repr(note) and "PRIVATE KEY" not in repr(note)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "[]", "\udcff"])
def test_another_file_is_refused(note: Note, tmp_path: Path, text: str) -> None:
    file = tmp_path / "standin.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(NoteError):
        standin_note.read(file)
    with pytest.raises(NoteError):
        standin_note.read(tmp_path / "nothing")
    wrong = json.loads(note.encoded()) | {"key": "AAAA"}
    file.write_text(json.dumps(wrong))
    with pytest.raises(NoteError):
        standin_note.read(file)
