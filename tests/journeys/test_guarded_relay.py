"""A guarded practice behind a hub: whoever comes through the relay gets the server's answer or 503, whatever happens to it.

The stand-in holds the link while no server does (issue 7, done when 6).
"""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing.programs import PROGRAM, command, environment
from praxisd.testing.relay_hub import free_port
from praxisd_guard import home as homes

from .guard_cast import until

DOMAIN = "relay.localhost"


@dataclass
class Scene:
    """A hub, and a practice of its own that is linked to it."""

    folder: Path
    home: Path
    hub_port: int
    host: str = ""

    def state(self) -> dict[str, Any]:
        """What the guard says it does."""
        try:
            found: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def standins(self) -> list[int]:
        """Processes of this home that stand in."""
        found = []
        for one in Path("/proc").iterdir():
            if one.name.isdigit():
                try:
                    line = (one / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"praxisd_relay.standin" in line and str(self.folder).encode() in line:
                    found.append(int(one.name))
        return found

    def ask(self, path: str = "/health/live", **headers: str) -> tuple[int, dict[str, str], bytes, bytes]:
        """(status, headers, body, certificate) as a guest from outside gets them. OSError if nobody answers."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.hub_port), 30)
        with context.wrap_socket(plain, server_hostname=self.host) as guest:
            asked = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            guest.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n{asked}Connection: close\r\n\r\n".encode()
            )
            answer = http.client.HTTPResponse(guest)
            answer.begin()
            body = answer.read()
            shown = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, shown, body, guest.getpeercert(binary_form=True) or b""

    def linked(self) -> bool:
        """The server itself answers guests."""
        try:
            return self.state().get("state") == "running" and self.ask()[0] == 200
        except OSError:
            return False


@dataclass
class Guests:
    """Somebody from outside asks all the time."""

    scene: Scene
    statuses: set[int] = field(default_factory=set)
    certificates: set[bytes] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __enter__(self) -> "Guests":
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(60)

    def _work(self) -> None:
        while not self._ended.wait(0.02):
            try:
                status, headers, body, certificate = self.scene.ask()
            except (OSError, http.client.HTTPException) as error:
                self.refused.append(f"{time.monotonic():.2f} {type(error).__name__}: {error}")
                continue
            self.statuses.add(status)
            self.certificates.add(certificate)
            if status == 503 and not headers.get("retry-after", "").isdigit():
                self.wrong.append(f"503 without Retry-After: {body[:200]!r}")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("relayed")
    port = free_port()
    config = folder / "hub.toml"
    config.write_text(
        f'domain = "{DOMAIN}"\nlink_name = "link.localhost"\nlisten = "127.0.0.1:{port}"\ndata = "{folder / "hub"}"\n'
        "[limits]\nhalf_open_per_address = 0\nper_address = 0\n"
    )
    data, home = folder / "data", folder / "home"
    assert command("practice", "create", "Praxis Dr. Neu", "--region", "DE-BY", folder=data).code == 0
    homes.found(home, data, port=free_port())
    homes.adopt(home)
    started = [
        subprocess.Popen([*line], env=environment(), stdout=log, stderr=log)
        for line, log in (
            ((*PROGRAM, "relay-hub", "serve", "--config", str(config)), (folder / "hub.log").open("wb")),
            (
                (sys.executable, "-m", "praxisd_guard", "run", "--home", str(home)),
                (folder / "guard.log").open("wb"),
            ),
        )
    ]
    try:
        one = Scene(folder, home, port)
        until(lambda: one.state().get("state") == "running", "the server")
        made = command("relay-hub", "code", "--label", "Praxis", "--config", str(config), "--json").json
        done = command("relay", "enrol", made["invitation"], "--json", folder=data)
        assert done.code == 0, done.err
        one.host = done.json["host"]
        until(one.linked, "the link")
        until((data / "run" / "standin.json").exists, "the stand-in's file")
        yield one
    finally:
        for program in reversed(started):
            program.terminate()
        for program in started:
            program.wait(60)


def test_the_file_with_the_keys_is_for_its_owner_only(scene: Scene) -> None:
    file = scene.folder / "data" / "run" / "standin.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert scene.standins() == []


def test_a_restart_by_order_is_never_a_closed_door_outside(scene: Scene) -> None:
    pid = scene.state()["server_pid"]
    line = [sys.executable, "-m", "praxisd_guard", "order", "restart", "--home", str(scene.home)]
    with Guests(scene) as guests:
        subprocess.run(line, check=True, capture_output=True, env=environment())
        until(lambda: scene.state().get("server_pid") not in (None, pid) and scene.linked(), "another server")
        until(lambda: not scene.standins(), "the stand-in's end")
        until(scene.linked, "the link")
    assert guests.refused == [] and guests.wrong == []
    assert guests.statuses == {200, 503}
    assert len(guests.certificates) == 1, "guests met another certificate"


def test_after_a_crash_the_stand_in_says_so_until_the_server_is_back(scene: Scene) -> None:
    pid = scene.state()["server_pid"]
    with Guests(scene) as guests:
        os.kill(pid, signal.SIGKILL)
        until(lambda: 503 in guests.statuses, "an answer of the stand-in")
        for path, kind in (("/api/v1/slots", "application/problem+json"), ("/fhir/Slot", "application/fhir")):
            status, headers, body, _ = scene.ask(path)
            if status == 503:  # else the server is back already
                assert headers["content-type"].startswith(kind) and b"guard.down" in body
        until(lambda: scene.state().get("server_pid") not in (None, pid) and scene.linked(), "another server")
        until(lambda: not scene.standins(), "the stand-in's end")
    assert guests.wrong == [] and guests.statuses == {200, 503}
    times = [float(one.split(" ")[0]) for one in guests.refused]
    assert not times or times[-1] - times[0] < 10.0, guests.refused


def test_who_leaves_the_relay_leaves_no_keys_behind(scene: Scene) -> None:
    file = scene.folder / "data" / "run" / "standin.json"
    assert command("relay", "revoke", "--yes", folder=scene.folder / "data").code == 0
    until(lambda: not file.exists(), "the file to go")
