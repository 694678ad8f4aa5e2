"""The sample practice under its relay name: the API answers there, the console does not, and a second start is the same name."""

import http.client
import json
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from praxisd.testing.programs import command, running


def ask(access: dict[str, Any], path: str) -> tuple[int, bytes]:
    """What a portal gets that knows nothing but access.json."""
    relay = access["relay"]
    where = urlsplit(relay["url"])
    host, port = relay["connect"].split(":")
    trust = ssl.create_default_context(cafile=relay["certificate"])
    plain = socket.create_connection((host, int(port)), 20)
    link = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    link.sock = trust.wrap_socket(plain, server_hostname=where.hostname)
    try:
        link.request("GET", path, headers={"Authorization": f"Bearer {access['api_key']}"})
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def test_the_api_answers_under_the_relay_name(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(filled, folder)
    names = []
    for _ in range(2):
        with running(folder, verb="demo"):
            access = json.loads((folder / "access.json").read_text())
            assert access["sandbox"]["relay"] == access["relay"]["url"]
            status, body = ask(access, "/api/v1/healthcare-services")
            assert status == 200 and json.loads(body)["healthcareServices"]
            assert ask(access, "/")[0] == 404, "the console stays inside"
            state = command("relay", "status", "--json", folder=folder)
            assert state.code == 0 and state.json["connected"] and state.json["reachable"]
            names.append((access["relay"]["url"], access["relay"]["spki_sha256"]))
    assert names[0] == names[1], "name and key outlive a start"
