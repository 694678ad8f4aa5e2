"""A portal that can reach only the hub books at a practice that nobody can reach (done-when 1 of the relay).

On each wire of the hub everything is kept, the hub's memory is searched: nothing of what was said is there.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from praxisd.testing.debian import ProgramMissing

from . import relay_cast
from .relay_cast import Net, frames, memory_holds, only_tls, tcp_streams, wait

CANARY = "Kanarienvogel"
PORT = 8443
ASK = """
import http.client, json, ssl, sys
host, port, pin_file, method, path, key, body = sys.argv[1:8]
context = ssl.create_default_context(cafile=pin_file)
link = http.client.HTTPSConnection(host, int(port), timeout=30, context=context)
headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
link.request(method, path, body or None, headers)
answer = link.getresponse()
text = answer.read().decode()
print(json.dumps({"status": answer.status, "body": json.loads(text) if text[:1] in "{[" else text}))
"""
"""A portal's whole program: it trusts the practice's certificate and nothing else."""


@dataclass
class Scene:
    """A practice behind a hub. `owner` and `portal` are keys, `host` the practice's name, `pin` its certificate as a file."""

    net: Net
    folder: Path
    url: str
    owner: str
    portal: str
    host: str
    pin: Path
    hub_pid: int
    kept: Path

    def outside(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the portal gets, over there."""
        text = "" if body is None else json.dumps(body)
        found: dict[str, Any] = json.loads(
            self.net.outside.run(
                sys.executable,
                "-c",
                ASK,
                self.host,
                str(PORT),
                str(self.pin),
                method,
                path,
                self.portal,
                text,
            )
        )
        return found

    def inside(self, method: str, path: str, body: Any = None) -> Any:
        """What the owner's program in the practice gets."""
        script = ASK.replace("HTTPSConnection", "HTTPConnection").replace(", context=context", "")
        script = script.replace("ssl.create_default_context(cafile=pin_file)", "None")
        where, port = self.url.removeprefix("http://").split(":")
        text = "" if body is None else json.dumps(body)
        line = (
            sys.executable,
            "-c",
            script,
            where,
            port,
            str(self.pin),
            method,
            f"/api/v1{path}",
            self.owner,
            text,
        )
        found = json.loads(self.net.practice.run(*line))
        assert found["status"] in (200, 201), found
        return found["body"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    try:
        with relay_cast.namespaces(f"{os.getpid() % 10_000}") as net:
            yield _scene(net, tmp_path_factory.mktemp("net"))
    except (ProgramMissing, PermissionError) as missing:
        pytest.skip(str(missing))


def _scene(net: Net, tmp_path: Path) -> Scene:
    link = f"link.{relay_cast.DOMAIN}"
    relay_cast.say_hosts(net, link)
    config = tmp_path / "relay-hub.toml"
    config.write_text(
        f'domain = "{relay_cast.DOMAIN}"\nlisten = "{net.hub_listens}:{PORT}"\ndata = "{tmp_path / "hub"}"\n'
    )
    kept = tmp_path / "wires.bin"
    net.hub.start(sys.executable, "-c", relay_cast.LISTENER, str(kept))
    hub, _ = net.hub.start(
        sys.executable,
        "-m",
        "praxisd",
        "relay-hub",
        "serve",
        "--config",
        str(config),
        log=tmp_path / "hub.log",
    )
    code = json.loads(
        net.hub.praxisd("relay-hub", "code", "--label", "Praxis", "--config", str(config), "--json")
    )
    folder = tmp_path / "praxis"
    net.practice.praxisd("practice", "create", "Praxis Dr. Neu", "--region", "DE-BY", "--data", str(folder))
    made = net.practice.praxisd("keys", "create", "--role", "owner", "--data", str(folder), "--json")
    owner = json.loads(made)["secret"]
    portal = json.loads(
        net.practice.praxisd("keys", "create", "--portal", "Portal", "--data", str(folder), "--json")
    )["secret"]
    _, url = net.practice.start(
        sys.executable,
        "-m",
        "praxisd",
        "serve",
        "--data",
        str(folder),
        "--port",
        "0",
        log=tmp_path / "praxis.log",
    )
    net.practice.praxisd("relay", "enrol", code["invitation"], "--data", str(folder))
    found = Scene(net, folder, url, owner, portal, "", tmp_path / "pin.pem", hub.pid, kept)

    def status() -> dict[str, Any] | None:
        line = (sys.executable, "-m", "praxisd", "relay", "status", "--data", str(folder), "--json")
        import subprocess

        done = subprocess.run([*net.practice.prefix, *line], capture_output=True, text=True, timeout=60)
        said = json.loads(done.stdout or "{}")
        return said if said.get("connected") else None

    found.host = wait(status, what="never connected")["host"]
    relay_cast.say_hosts(net, link, found.host)
    return found


def test_a_portal_outside_books_and_the_hub_reads_nothing(scene: Scene) -> None:
    hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
    column = scene.inside(
        "POST", "/schedules", {"name": "Dr. Neu", "hours": hours, "released": True, "observesHolidays": False}
    )
    kind = {"name": "Erstgespräch", "duration": 30, "groups": [[column["id"]]], "released": True}
    service = scene.inside("POST", "/healthcare-services", kind)["id"]
    chain = scene.inside("GET", "/relay")["certificate"]["chain"]
    scene.pin.write_text(chain)

    soon = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=30)
    times = {"from": soon.isoformat(), "to": (soon + timedelta(days=1)).isoformat()}
    slots = scene.outside("GET", f"/api/v1/slots?{urlencode({'service': service, **times})}")
    assert slots["status"] == 200, slots
    wish = {
        "service": service,
        "start": slots["body"]["slots"][0]["start"],
        "patient": {"family": CANARY, "given": "Gelb", "birthDate": "1980-05-17"},
    }
    made = scene.outside("POST", "/api/v1/appointments", wish)
    assert (made["status"], made["body"]["status"]) == (201, "booked"), made
    assert scene.outside("POST", "/api/v1/appointments", wish)["status"] == 409
    assert scene.outside("GET", "/")["status"] == 404, "the console is not open from outside"

    secrets = [CANARY.encode(), scene.portal.encode(), b"/api/v1/appointments", b"POST /api", b"Erstgespr"]
    assert memory_holds(scene.hub_pid, [scene.host.encode()]) == [scene.host.encode()], (
        "the search finds what is there"
    )
    assert memory_holds(scene.hub_pid, secrets) == []
    streams = tcp_streams(frames(scene.kept))
    told = {key: data for key, data in streams.items() if PORT in (key[2], key[4])}
    assert {key[0] for key in told} == {"w1", "w2"}, "both wires were heard"
    assert sum(len(data) for data in told.values()) > 4_000
    for data in streams.values():
        assert [one for one in secrets if one in data] == []
    assert [key for key, data in told.items() if not only_tls(data)] == []


def test_the_practice_sees_who_came_in(scene: Scene) -> None:
    scene.pin.write_text(scene.inside("GET", "/relay")["certificate"]["chain"])
    assert scene.outside("GET", "/api/v1/schedules")["status"] == 200

    def lines() -> list[dict[str, Any]]:
        found = [one["cells"] for one in scene.inside("POST", "/listings/relay.access", {})["rows"]]
        return [one for one in found if one["operation"].endswith("schedules.list")]

    (line,) = wait(lines, what="nothing in the access log")
    assert (line["status"], line["address"]) == (200, "10.231.2.1")
