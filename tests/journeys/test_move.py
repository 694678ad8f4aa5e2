"""A practice moves to another computer: out while the server runs, in on the other side, and the same answers there."""

import json
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from praxisd.testing.programs import END_S, Client, command, running


def answers(client: Client, booked: str, at: str) -> dict[str, Any]:
    """What a portal and the desk would ask; free times from `at` on."""
    found = {}
    kinds = client.call("GET", "/api/v1/healthcare-services")[1]["healthcareServices"]
    until = (datetime.fromisoformat(at) + timedelta(days=10)).isoformat()
    query = urlencode({"service": kinds[0]["id"], "from": at, "to": until})
    for path in (
        "schedules",
        "organization",
        "healthcare-services",
        f"appointments/{booked}",
        f"slots?{query}",
    ):
        status, found[path] = client.call("GET", f"/api/v1/{path}")
        assert status == 200, (path, found[path])
    status, found["search"] = client.call(
        "POST", "/api/v1/appointments/search", {"from": at, "to": until, "limit": 200}
    )
    assert status == 200 and found["search"]["appointments"], found["search"]
    return found


def book(client: Client) -> tuple[str, str]:
    """An appointment of a new patient: its id, and the time before it."""
    kinds = {
        one["name"]: one["id"]
        for one in client.call("GET", "/api/v1/healthcare-services")[1]["healthcareServices"]
    }
    now = datetime.now().astimezone().replace(microsecond=0) + timedelta(days=1)
    query = urlencode(
        {"service": kinds["Kontrolle"], "from": now.isoformat(), "to": (now + timedelta(days=20)).isoformat()}
    )
    slot = client.call("GET", f"/api/v1/slots?{query}")[1]["slots"][0]
    patient = {"family": "Umzug", "given": "Uta", "birthDate": "1980-02-03", "phone": "030 23125999"}
    wish = {
        "service": kinds["Kontrolle"],
        "start": slot["start"],
        "schedules": slot["schedules"],
        "patient": patient,
    }
    status, booked = client.call("POST", "/api/v1/appointments", wish)
    assert status == 201, booked
    return booked["id"], now.isoformat()


def test_a_practice_moves(filled: Path, tmp_path: Path) -> None:
    old, new, usb = tmp_path / "old", tmp_path / "new", tmp_path / "usb"
    shutil.copytree(filled, old)
    access = json.loads((old / "access.json").read_text())
    key = access["desk_key"]
    with running(old) as server:
        booked = book(server.client(access["api_key"]))
        before = answers(server.client(key), *booked)
        done = command("move", "out", "--to", str(usb), "--json", folder=old)
        assert done.code == 0, done.err
        assert (done.json["state"], Path(done.json["copy"]).parent) == ("left", usb)
        assert server.process.wait(END_S) == 0, "it has ended in order"
    for verb in (("serve", "--safe", "--port", "0"), ("keys", "list")):
        refused = command(*verb, folder=old)
        assert refused.code == 1 and "control.moved" in refused.err and "praxisd move undo" in refused.err

    arrived = command("move", "in", "--from", str(usb), "--json", folder=new)
    assert arrived.code == 0, arrived.err
    steps = {one["step"]: one["state"] for one in arrived.json["arrival"]["steps"]}
    assert steps["old"] == steps["firewall"] == "open"
    with running(new) as server:
        client = server.client(key)
        assert answers(client, *booked) == before
        issues = _wait_for_issues(new)
        assert {f"backups.moved_{one}" for one in steps} <= issues
        assert client.call("GET", "/health/ready")[0] == 200, "the doors were closed for the copy only"

    assert command("serve", "--port", "0", folder=old).code == 1


def _wait_for_issues(folder: Path) -> set[str]:
    """Codes of a doctor that has asked the running server."""
    until = time.monotonic() + 60
    while True:
        found = {one["code"] for one in command("doctor", "--json", folder=folder).json["issues"]}
        if "backups.moved_old" in found or time.monotonic() > until:
            return found
        time.sleep(0.5)
