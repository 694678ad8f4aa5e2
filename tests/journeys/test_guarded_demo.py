"""The sample practice under its guard, as `make demo` runs it: updates, roll-back, crashes, safe mode, planned restart.

One practice lives through all of it, in the order of the file (issue 7, done when 1 and 5).
"""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from praxisd.testing.hammer import Hammer
from praxisd.testing.programs import running

from .guard_cast import Booker, Practice, until

FREE, OPEN = "/health/ready", "/fhir/R4/metadata"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("guarded") / "data"
    with running(folder, verb="demo", guarded=True) as program:
        yield Practice(folder, program)


def test_its_portal_is_kept_in_step_from_the_start(practice: Practice) -> None:
    """README: a booking on the portal's page is in the console within a minute, without anybody switching anything on."""
    assert practice.say("sync", "status", "--json").json["background"] is True


def test_a_new_version_waits_until_a_person_installs_it(practice: Practice) -> None:
    assert practice.say("updates", "check").code == 0
    found = practice.say("updates", "list", "--json").json
    waiting = {one["element"]: one["waiting"]["version"] for one in found["elements"] if one["waiting"]}
    assert waiting == {"praxisd": "0.2.0"} and found["version"] == "0.1.0"
    assert practice.runs("0.1.0")


def test_it_is_installed_and_every_booking_is_kept(practice: Practice) -> None:
    before = practice.book()
    outside = Hammer(practice.program.url, OPEN, practice.access["relay"])
    with Hammer(practice.program.url, FREE) as seen, outside as far, Booker(practice) as booker:
        until(lambda: booker.ids and far.statuses, "a first booking, and an answer through the relay")
        assert practice.say("updates", "install", "praxisd").code == 0
        until(lambda: practice.runs("0.2.0"), "the new version")
        until(lambda: practice.say("updates", "list", "--json").json["order"] is None, "the end of the order")
        count = len(booker.ids)
        until(lambda: len(booker.ids) > count, "a booking on the new version")
    assert seen.wrong == [] and set(seen.statuses) == {200, 503}
    assert far.wrong == [] and set(far.statuses) == {200, 503}, "through the relay it is the same"
    assert practice.lost([before, *booker.ids]) == []
    assert practice.say("updates", "list", "--json").json["version"] == "0.2.0"
    assert practice.steps() == [
        "accepted",
        "unpacked",
        "stopped",
        "expanded",
        "switched",
        "started",
        "healthy",
        "kept",
    ]


def test_a_broken_version_rolls_back_by_itself_and_says_why(practice: Practice) -> None:
    practice.publish("broken")
    with Hammer(practice.program.url, FREE) as seen, Booker(practice) as booker:
        assert practice.say("updates", "install", "praxisd").code == 0
        until(lambda: "restored" in practice.steps(), "the old version back")
        until(lambda: practice.say("updates", "list", "--json").json["order"] is None, "the end of the order")
    assert seen.wrong == [] and set(seen.statuses) == {200, 503}
    until(lambda: practice.runs("0.2.0"), "the old version")
    assert booker.ids and practice.lost(booker.ids) == []
    issue = practice.codes()["updates.rolled_back"]
    assert "0.3.0" in issue["title"] and "failed-0.3.0" in issue["solution"]
    assert list((practice.folder / "program" / "logs").glob("failed-0.3.0-*.log"))


def test_a_planned_restart_loses_no_request(practice: Practice) -> None:
    pid = practice.state()["server_pid"]
    with Hammer(practice.program.url, FREE) as seen:
        assert practice.say("jobs", "run", "kernel.restart").code == 0
        until(lambda: practice.runs() and practice.state()["server_pid"] != pid, "another server")
    assert seen.wrong == [] and set(seen.statuses) <= {200, 503}
    starts = [line for line in practice.journal() if line["kind"] == "start"]
    assert starts[-1]["reason"] == "planned" and starts[-1]["failures"] == 0


def test_an_end_from_outside_is_noticed_and_no_failure(practice: Practice) -> None:
    pid = practice.strike(signal.SIGTERM)
    until(lambda: practice.runs() and practice.state()["server_pid"] != pid, "another server")
    assert practice.state()["failures"] == 0
    assert "guard.restarted_outside" in practice.codes()


def test_the_third_start_is_safe_mode_and_a_new_try_ends_it(practice: Practice) -> None:
    for _ in range(2):
        practice.crash()
        assert practice.runs()
        assert "guard.crashed" in practice.codes()
    practice.crash()
    assert practice.state()["state"] == "safe"
    status, answer = practice.client.call("GET", "/api/v1/healthcare-services")
    assert (status, answer["code"]) == (503, "guard.safe_mode")
    assert practice.client.call("GET", "/fhir/R4/metadata")[0] == 503
    status, guard = practice.desk.call("GET", "/api/v1/guard")
    assert (status, guard["safe"], guard["start"]["end"]) == (200, True, "signal SIGSEGV")
    assert "SIGSEGV" in practice.codes()["guard.safe_start"]["cause"]
    owner = practice.access["console"]
    status, _ = practice.client.call(
        "POST", "/api/v1/session", {"login": owner["user"], "password": owner["password"]}
    )
    assert status == 201, "people still sign in"
    assert practice.say("updates", "list").code == 0
    home = str(practice.folder / "program")
    line = [sys.executable, "-m", "praxisd_guard", "order", "try_again", "--home", home, "--wait", "60"]
    assert subprocess.run(line, capture_output=True, timeout=90).returncode == 0
    until(practice.runs, "the server as usual")
    assert practice.client.call("GET", "/api/v1/healthcare-services")[0] == 200
    assert practice.state()["failures"] == 0


def test_the_version_before_works_on_the_schema_of_the_new_one(practice: Practice) -> None:
    """Two real builds (issue 7, done when 2): 0.2.0 brought a column more, and 0.1.0 books, lists and checks on it."""
    assert practice.say("updates", "switch-back", "praxisd").code == 0
    until(lambda: practice.runs("0.1.0"), "the version before")
    until(lambda: practice.say("updates", "list", "--json").json["order"] is None, "the end of the order")
    assert practice.say("updates", "list", "--json").json["version"] == "0.1.0"
    assert practice.lost([practice.book()]) == []
    assert practice.client.call("GET", "/fhir/R4/Appointment")[0] == 200
    assert "updates.rolled_back" in practice.codes()
