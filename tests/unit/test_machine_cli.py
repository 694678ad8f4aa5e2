"""`praxisd machine measure` and `send`: on any seat, without a data folder; nothing goes anywhere but to the named server."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from praxisd.cli import root
from praxisd.model.machine import MachineFacts, known
from praxisd.sandbox.mail_certificate import certificate
from praxisd.services.diagnosis import measuring

FACTS = MachineFacts(host="anmeldung", at=7, memory_gb=known(8.0))


class Server:
    """Notes what it is sent, and answers as it is told."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: tuple[int, bytes] = (204, b"")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.got.append((self.path, self.headers["Authorization"], body))
                status, data = outer.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "measure", lambda: FACTS)


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text("\ufeffpx-secret\n", encoding="utf-8")
    return str(file)


def run(*words: str) -> Result:
    return CliRunner().invoke(root, ["machine", *words, "--lang", "de"], catch_exceptions=False)


def test_measuring_needs_no_data_folder(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("measure", "--json")
    assert found.exit_code == 0 and msgspec.json.decode(found.stdout, type=MachineFacts) == FACTS
    words = run("measure").stdout
    assert "Arbeitsspeicher: 8 GB" in words and "USB: ? Wurde nicht gemessen." in words
    run("measure", "--out", "facts.json")
    assert msgspec.json.decode(Path("facts.json").read_bytes(), type=MachineFacts) == FACTS
    assert sorted(one.name for one in tmp_path.iterdir()) == ["facts.json"]


def test_facts_go_to_the_server_that_was_named(server: Server, key: str, quick: None, tmp_path: Path) -> None:
    found = run("send", "--to", server.url, "--key-file", key, "--role", "workstation")
    assert found.exit_code == 0 and "anmeldung" in found.stdout
    path, authorization, body = server.got[0]
    assert (path, authorization, body["role"]) == ("/api/v1/machines", "Bearer px-secret", "workstation")
    assert msgspec.convert(body["facts"], MachineFacts) == FACTS
    file = tmp_path / "other.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(FACTS, host="labor")))
    answer = run("send", "--to", server.url + "/", "--key-file", key, "--from", str(file), "--json")
    assert json.loads(answer.stdout) == {"host": "labor", "role": None}
    assert server.got[1][2]["facts"]["host"] == "labor"


def test_refusals_are_told_in_words(server: Server, key: str, quick: None, tmp_path: Path) -> None:
    server.answer = (403, json.dumps({"title": "Nicht erlaubt", "code": "access.forbidden"}).encode())
    refused = run("send", "--to", server.url, "--key-file", key)
    assert refused.exit_code == 1 and "403: Nicht erlaubt (access.forbidden)" in refused.stderr
    assert "px-secret" not in refused.output
    server.answer = (200, b"<html>")
    assert "diagnosis.seat_refused" in run("send", "--to", server.url, "--key-file", key).stderr
    server.http.shutdown()
    server.http.server_close()
    assert "diagnosis.seat_unreachable" in run("send", "--to", server.url, "--key-file", key).stderr
    for url in ("ftp://x", "praxis", "http://[::1", "http://a b/", "http://x:99999"):
        assert "diagnosis.seat_unreachable" in run("send", "--to", url, "--key-file", key).stderr
    empty = tmp_path / "empty"
    empty.write_text("two words")
    assert "diagnosis.seat_bad_key" in run("send", "--to", server.url, "--key-file", str(empty)).stderr
    told = run("send", "--to", server.url, "--key-file", key, "--from", str(empty))
    assert "diagnosis.facts_unreadable" in told.stderr


def test_a_certificate_must_be_trusted(key: str, quick: None, tmp_path: Path) -> None:
    context, file = certificate(tmp_path / "tls", "localhost")
    server = Server(context)
    try:
        found = run("send", "--to", server.url, "--key-file", key)
        assert found.exit_code == 1 and "diagnosis.seat_untrusted" in found.stderr and server.got == []
        trusted = run("send", "--to", server.url, "--key-file", key, "--trust", str(file))
        assert trusted.exit_code == 0 and len(server.got) == 1
    finally:
        server.http.shutdown()
        server.http.server_close()
