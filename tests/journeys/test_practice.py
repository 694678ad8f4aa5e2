"""From an empty folder to a booking, without the sample practice: the path of a real practice."""

import json
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest


def praxisd(folder: Path, *words: str, code: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "praxisd", *words, "--data", str(folder), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else json.loads(done.stderr or "null")


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "praxis"
    made = praxisd(folder, "practice", "create", "Praxis Dr. Neu", "--region", "DE-BY")
    assert made["region"] == "DE-BY" and praxisd(folder, "practice", "list")["practices"] == [made]
    key = praxisd(folder, "keys", "create", "--role", "owner")["secret"]
    server = subprocess.Popen(
        [sys.executable, "-m", "praxisd", "serve", "--data", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    yield folder, server.stdout.readline().removeprefix("ready ").strip(), key
    server.terminate()
    assert server.wait(10) == 0
    server.stdout.close()


def ask(url: str, key: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1{path}", data, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_an_empty_folder_becomes_a_practice_that_can_be_booked(served):
    folder, url, owner = served
    hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
    column = ask(
        url,
        owner,
        "/schedules",
        {"name": "Dr. Neu", "hours": hours, "released": True, "observesHolidays": False},
    )
    kind = {"name": "Erstgespräch", "duration": 30, "groups": [[column["id"]]], "released": True}
    service = ask(url, owner, "/healthcare-services", kind)["id"]
    portal = praxisd(folder, "keys", "create", "--portal", "Portal")["secret"]
    soon = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=30)
    times = {"from": soon.isoformat(), "to": (soon + timedelta(days=1)).isoformat()}
    query = f"/slots?{urlencode({'service': service, **times})}"
    first = ask(url, portal, query)["slots"][0]
    patient = {"family": "Muster", "given": "Eva", "birthDate": "1980-05-17"}
    made = ask(
        url, portal, "/appointments", {"service": service, "start": first["start"], "patient": patient}
    )
    assert made["status"] == "booked"
    assert first not in ask(url, portal, query)["slots"]


def test_a_practice_with_bad_words_is_refused_and_leaves_nothing(tmp_path):
    folder = tmp_path / "new"
    for words in (["--zone", "Mars/Olympus"], ["--region", "XX"]):
        found = subprocess.run(
            [sys.executable, "-m", "praxisd", "practice", "create", "X", "--data", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert found.returncode in (1, 2) and "Traceback" not in found.stderr and found.stderr
        assert not folder.exists()
