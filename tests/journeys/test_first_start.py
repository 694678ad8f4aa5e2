"""The first start as a new user meets it: serve an empty folder, read the code, set up by HTTP, sign in, book."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from praxisd.testing.programs import Client, Running, command, running

PASSWORD = "Der Hund bellt im Hof"
OWNER = {"login": "eva", "name": "Dr. Eva Muster", "password": PASSWORD}
PRACTICE = {"name": "Praxis Dr. Muster", "region": "DE-BY"}
WEEK = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
_CODE = re.compile(r"^ {4}([2-9A-Z]{4}-[2-9A-Z]{4})$", re.MULTILINE)


def shown(server: Running) -> str:
    """The code on the server's own screen; it comes a moment after the ready line."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = _CODE.search(server.errors)
        if found is not None:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(server.errors)


class Person:
    """Someone at a browser: the session's cookie and the CSRF token go along."""

    def __init__(self, client: Client, login: str, password: str) -> None:
        self._client, self._headers = client, {}
        body = json.dumps({"login": login, "password": password}).encode()
        status, headers, data = client.raw("POST", "/api/v1/session", body)
        assert status == 201, data
        cookie = str(headers["Set-Cookie"]).partition(";")[0]
        self._headers = {"Cookie": cookie, "X-Praxisd-Csrf": json.loads(data)["csrf"]}

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None) -> Any:
        found, answer = self._client.call(method, f"/api/v1{path}", body, self._headers)
        assert found == status, answer
        return answer


def test_from_an_empty_folder_to_a_booking(tmp_path: Path) -> None:
    folder = tmp_path / "praxis"
    with running(folder) as server:
        client = server.client()
        assert client.call("GET", "/api/v1/setup") == (200, {"needed": True, "practice": False})
        code = shown(server)
        assert f"{server.url}/" in server.errors and "First start" in server.errors
        status, refused = client.call("POST", "/api/v1/setup/code", {"code": "AAAA-AAAA"})
        assert (status, refused["code"]) == (403, "setup.code_wrong")
        wanted = {"code": code, "practice": PRACTICE, "owner": OWNER}
        assert client.call("POST", "/api/v1/setup", wanted)[0] == 201
        assert client.call("POST", "/api/v1/setup", wanted)[0] == 409
        owner = Person(client, "eva", PASSWORD)
        quick = {
            "columns": [{"name": "Dr. Muster", "practitioner": {"family": "Muster"}, "released": True}],
            "hours": WEEK,
            "types": [{"name": "Kontrolle", "duration": 30, "released": True}],
        }
        service = owner("POST", "/setup/quick", 201, quick)["healthcareServices"][0]
        for step in ("takeover", "relay", "messages", "backup"):
            owner("POST", "/setup/steps", 200, {"step": step, "state": "skipped"})
        assert owner("GET", "/setup/steps")["complete"] is True
        soon = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        times = {"from": soon.isoformat(), "to": (soon + timedelta(days=14)).isoformat(), "limit": 1}
        slot = owner("GET", f"/slots?{urlencode({'service': service, **times})}")["slots"][0]
        patient = {"family": "Beispiel", "given": "Anna", "birthDate": "1980-05-17"}
        made = owner(
            "POST", "/appointments", 201, {"service": service, "start": slot["start"], "patient": patient}
        )
        assert made["status"] == "booked"
        states = {one["name"]: one["state"] for one in owner("GET", "/setup/steps")["steps"]}
        assert states["takeover"] == "skipped", "who books takes no old data over"
        done = command("setup", "status", "--json", folder=folder)
        assert done.json["needed"] is False and done.json["practices"][0]["owner"] is True
        late = command("setup", "code", folder=folder)
        assert late.code == 1 and "setup.not_needed" in late.err
        assert server.terminate()[0] == 0
        assert server.more_lines() == []  # `ready <url>` stays the one line on standard output
    with running(folder) as again:
        Person(again.client(), "eva", PASSWORD)
        time.sleep(0.3)
        assert _CODE.search(again.errors) is None
    doctor = command("doctor", "--json", folder=folder)
    wrong = {one["code"] for one in doctor.json["issues"] if one["severity"] != "info"}
    assert doctor.code == 1 and wrong == {
        "backups.plan_missing"
    }  # that step was skipped, and the practice has a patient
    assert not [one for one in doctor.json["issues"] if one["code"].startswith(("setup.", "directory."))]


def test_codes_by_command_with_and_without_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "praxis"
    assert command("setup", "code", "--json", folder=folder).json["problem"]["code"] == "control.no_practice"
    assert not folder.exists()
    assert command("practice", "create", "Praxis Alt", folder=folder).code == 0
    asked = command("setup", "code", folder=folder)
    assert asked.code == 0 and re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}\n", asked.out)
    with running(folder) as server:
        client = server.client()
        good = client.call("POST", "/api/v1/setup/code", {"code": asked.out.strip()})
        assert good[0] == 204  # asked for just now: the start did not end it
        fresh = command("setup", "code", "--json", folder=folder).json["code"]
        assert client.call("POST", "/api/v1/setup/code", {"code": asked.out.strip()})[0] == 403
        assert client.call("GET", "/api/v1/setup")[1] == {"needed": True, "practice": True}
        assert client.call("POST", "/api/v1/setup", {"code": fresh, "owner": OWNER})[0] == 201
        assert Person(client, "eva", PASSWORD)("GET", "/organization")["name"] == "Praxis Alt"
        log = [json.loads(line) for line in server.errors.splitlines() if line.startswith("{")]
        assert log and fresh not in json.dumps(log) and asked.out.strip() not in json.dumps(log)
