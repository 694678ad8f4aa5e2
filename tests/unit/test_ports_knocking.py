"""A seat that knocks: what it asks, what it tells, and what it makes of a server that is none."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.kernel.errors import Problem
from praxisd.services.diagnosis.port_cli import ports
from praxisd.services.diagnosis.port_knocking import knock


class Server:
    """Answers the two questions of a seat, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.keys: set[str | None] = set()
        self.knocks: list[dict[str, object]] = []
        self.answer: bytes | None = None
        outer = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say({"host": "server", "knocks": outer.knocks})

            def do_POST(self) -> None:
                outer.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._say({"taken": 1})

            def _say(self, answer: object) -> None:
                outer.keys.add(self.headers["Authorization"])
                data = json.dumps(answer).encode() if outer.answer is None else outer.answer
                self.send_response(200 if self.path == "/praxis/api/v1/ports/inward" else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                """Nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.port: int = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def test_a_seat_tries_what_it_is_asked_at_the_name_it_knows_and_tells_it(server: Server) -> None:
    server.knocks = [{"row": "praxisd/door", "port": server.port, "how": "http"}]
    found = knock(f"http://127.0.0.1:{server.port}/praxis/", "geheim", "empfang")
    assert found == [{"row": "praxisd/door", "port": server.port, "state": "open", "why": ""}]
    assert server.told == [{"seat": "empfang", "results": found}]
    assert server.keys == {"Bearer geheim"}


def test_the_command_ends_with_1_where_one_is_closed(server: Server, tmp_path: Any) -> None:
    server.knocks = [{"row": "x/db", "port": 1, "how": "plain"}]
    (tmp_path / "key").write_text("geheim\n")
    line = ["knock", "--to", f"http://127.0.0.1:{server.port}/praxis", "--key-file", str(tmp_path / "key")]
    done = CliRunner().invoke(ports, [*line, "--seat", "a", "--lang", "de"])
    assert (done.exit_code, done.output.strip()) == (1, "x/db  1  geschlossen")
    server.knocks = []
    assert CliRunner().invoke(ports, [*line, "--json"]).exit_code == 0
    (tmp_path / "key").write_bytes(b"geh\xffeim")
    with pytest.raises(Problem) as found:
        CliRunner().invoke(ports, line, catch_exceptions=False)
    assert found.value.code == "diagnosis.seat_bad_key"


@pytest.mark.parametrize(
    "url",
    ["server", "ftp://server", "http://", "http://server:99999", "http://[", "http://[::1", "http://a b/"],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(Problem) as found:
        knock(url, "geheim", "a")
    assert found.value.code == "diagnosis.knock_address"


def test_nobody_there_or_somebody_else(server: Server) -> None:
    for path, answer in (("", b"{}"), ("/praxis", b"<html>"), ("/praxis", b"[1]"), ("/praxis", b"{}")):
        server.answer = answer
        with pytest.raises(Problem) as found:
            knock(f"http://127.0.0.1:{server.port}{path}", "geheim", "a")
        assert found.value.code == "diagnosis.knock_refused"
    with pytest.raises(Problem) as found:
        knock("http://127.0.0.1:1", "geheim", "a")
    assert found.value.code == "diagnosis.knock_unreachable"
