"""The seed's four jobs on the sample practice, by command: who the preview names gets exactly one message, the others
are listed with the reason, and a run that succeeded says nothing about a message that did not arrive.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing.programs import Client, Running, command, no_quiet_hours, running

JOBS = ("reminders.prepare", "reminders.birthdays", "messaging.send", "messaging.status")
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def practice(filled_today: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    """The sample practice, switched on, with quiet hours that are not now."""
    folder = tmp_path_factory.mktemp("messages") / "data"
    shutil.copytree(filled_today, folder)
    with running(folder, verb="demo") as found:
        no_quiet_hours(folder)
        for key in ("reminders.send_reminders", "reminders.send_greetings"):
            done = command("settings", "set", key, "true", folder=folder)
            assert done.code == 0, done.err
        # A booking the handler has not heard of yet would be judged again, and its reason become a message, in between.
        until(lambda: _heard_of_bookings(folder))
        yield folder, found


def _heard_of_bookings(folder: Path) -> bool:
    """True once reminders has handled every event of an appointment that is there."""
    with closing(sqlite3.connect(f"file:{folder / 'praxisd.db'}?mode=ro", uri=True)) as database:
        last = database.execute(
            "SELECT max(seq) FROM kernel_event WHERE type LIKE 'appointment.%'"
        ).fetchone()[0]
        at = "SELECT seq FROM kernel_cursor WHERE name = 'handler:reminders.appointments'"
        row = database.execute(at).fetchone()
        return row is not None and row[0] >= (last or 0)


def access_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "access.json").read_text())
    return found


def ask(client: Client, method: str, path: str, body: Any = None) -> Any:
    status, answer = client.call(method, f"/api/v1{path}", body)
    assert status == 200, answer
    return answer


def preview(client: Client, kind: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(who will get a message, who not)."""
    found: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for rows, name, filter_ in ((found[0], "candidates", "will"), (found[1], "refusals", "not")):
        cursor: str | None = None
        while True:
            body = {"kind": kind, "filter": filter_, "limit": 200, **({"cursor": cursor} if cursor else {})}
            page = ask(client, "POST", "/reminders/preview", body)
            rows += page[name]
            cursor = page["next"]
            if cursor is None:
                break
    return found


def run(folder: Path, job: str) -> dict[str, Any]:
    """Run a job by command and wait for its end; its row in the run log."""
    started = command("jobs", "run", job, "--json", folder=folder)
    assert started.code == 0, started.err
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        row: dict[str, Any] = command("jobs", "log", job, "--json", folder=folder).json["runs"][0]
        if row["state"] not in ("waiting", "running"):
            return row
        time.sleep(0.3)
    raise AssertionError(f"{job} does not end")


def outbox(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(client, "POST", "/outbox/search", {"limit": 200, **({"cursor": cursor} if cursor else {})})
        found += page["messages"]
        cursor = page["next"]
        if cursor is None:
            return found


def until(ready: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, "does not come"
        time.sleep(0.5)


def test_the_four_jobs_in_order(practice: tuple[Path, Running]) -> None:
    folder, server = practice
    access = access_of(folder)
    desk = server.client(access["desk_key"])
    sms, mails = Client(access["sandbox"]["sms"]), Client(access["sandbox"]["mail"])
    will, not_ = preview(desk, "reminder")
    greeted, ungreeted = preview(desk, "birthday")
    assert will and not_ and greeted and ungreeted
    assert len({one["code"] for one in not_}) > 1

    # SPEC 4.5: one message is refused by the gateway; the run is a success all the same.
    assert sms.call("POST", "/faults", {"next": ["refuse"]})[0] == 200
    rows = {job: run(folder, job) for job in JOBS}
    assert {row["state"] for row in rows.values()} == {"success"}
    assert rows["reminders.prepare"]["counts"]["prepared"] == len(will)
    assert rows["reminders.birthdays"]["counts"]["prepared"] == len(greeted)
    sent, everybody = rows["messaging.send"], len(will) + len(greeted)
    # The sandbox also refuses numbers that end in 0009, and some patients may have one.
    failed = [
        one for one in outbox(desk) if one["state"] == "failed" and one["attempts"] and not one["acceptedAt"]
    ]
    assert failed and all(one["reason"]["title"] and one["reason"]["solution"] for one in failed)
    assert (sent["counts"]["failed"], sent["counts"]["sent"]) == (len(failed), everybody - len(failed))
    assert sent["activity"] == {"events": everybody, "errors": len(failed)}

    # Exactly the others arrived, with exactly the words of the preview, each once.
    every = [(one["address"], one["text"].strip()) for one in [*will, *greeted]]
    for one in failed:
        every.remove((one["address"], one["text"].strip()))
    short = [(one["to"], one["text"].strip()) for one in sms.call("GET", "/messages")[1]]
    long = [(one["to"], one["text"].strip()) for one in mails.call("GET", "/mails")[1]]
    assert sorted(short + long) == sorted(every)

    # Who gets none is listed with the reason.
    titles = {one["code"]: one["title"] for one in [*not_, *ungreeted]}
    reasons = {
        one["id"].partition("/")[2]: one["cells"]["reason"] for one in _listing(desk, "reminders.refusals")
    }
    for one in not_:
        assert reasons[one["appointment"]] in (one["code"], titles[one["code"]])
    for one in ungreeted:
        assert reasons[one["patient"]] in (one["code"], titles[one["code"]])

    # Those without an address wait for a letter; birthdays leave no entry.
    letters = [one for one in outbox(desk) if one["letter"] == "open" and not one["channel"]]
    assert {one["appointment"] for one in letters} == {one["appointment"] for one in not_ if one["letter"]}
    assert {one["kind"] for one in letters} <= {"reminder"}


def test_again_nothing_is_sent_twice(practice: tuple[Path, Running]) -> None:
    folder, _ = practice
    access = access_of(folder)
    sms, mails = Client(access["sandbox"]["sms"]), Client(access["sandbox"]["mail"])
    before = len(sms.call("GET", "/messages")[1]), len(mails.call("GET", "/mails")[1])
    for job in JOBS:
        assert run(folder, job)["state"] == "success"
    assert (len(sms.call("GET", "/messages")[1]), len(mails.call("GET", "/mails")[1])) == before


def test_a_switch_that_is_off_says_so_and_does_nothing(practice: tuple[Path, Running]) -> None:
    folder, _ = practice
    assert command("settings", "set", "reminders.send_greetings", "false", folder=folder).code == 0
    row = run(folder, "reminders.birthdays")
    assert (row["state"], row["code"]) == ("success", "reminders.greetings_switched_off") and row["message"]
    assert not any(row["counts"].values())


def _listing(client: Client, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(
            client, "POST", f"/listings/{name}", {"limit": 200, **({"cursor": cursor} if cursor else {})}
        )
        found += page["rows"]
        cursor = page["next"]
        if cursor is None:
            return found


def test_the_list_of_letters_is_enough_to_write_or_to_ring(practice: tuple[Path, Running]) -> None:
    folder, server = practice
    desk = server.client(access_of(folder)["desk_key"])
    rows = _listing(desk, "messaging.letters")
    open_ = {one["id"] for one in outbox(desk) if one["letter"] == "open"}
    assert {row["id"] for row in rows if row["cells"]["letter"] == "open"} == open_ and open_
    assert all("Berlin" in row["cells"]["postal"] for row in rows)
    first = sorted(open_)[0]
    assert ask(desk, "POST", f"/outbox/{first}/letter", {"done": True})["letter"] == "done"
    left = {row["id"] for row in _listing(desk, "messaging.letters") if row["cells"]["letter"] == "open"}
    assert left == open_ - {first}
