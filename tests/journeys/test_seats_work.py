"""Programs at their seats, one server: who has a record, who gets it next, and who may only look (SPEC 9.1, 9.2)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from praxisd.testing import seat_scene
from praxisd.testing.programs import Client, running

from .seats_cast import Fails, Program, programs

SOON_S = 10.0
"""At once, on a busy machine: who vanishes is waited for thirty seconds and more."""


@dataclass
class Desk:
    """Two programs, a second window of the first, one that may take over, a viewer; all as processes of their own."""

    url: str
    scene: seat_scene.SeatScene
    start: Callable[..., Program]
    anna: Program
    ben: Program
    tab: Program
    chief: Program
    viewer: Program
    owner: Client

    def free(self, number: int) -> str:
        """A record nobody has touched."""
        return self.scene.records[number]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("seats")
    scene = seat_scene.prepare(folder / "praxis", seats=3, viewers=1, takers=1, patients=12)
    seat_scene.write_config(folder / "praxis")
    with running(folder / "praxis") as server, programs(folder, server.url) as start:
        secret = ("--api-key", scene.secrets["desk"])
        started = [
            start(scene.keys[0], "Anna Roth", *secret),
            start(scene.keys[1], "Ben Kurz", *secret),
            start(scene.keys[0], "Anna Roth", *secret),
            start(scene.takers[0], "Dr. Chef", *secret),
            start(scene.viewers[0], "Vera Blick", *secret),
        ]
        yield Desk(
            server.url,
            scene,
            start,
            *(one.ready() for one in started),
            owner=server.client(scene.secrets["owner"]),
        )


def _refused(program: Program, do: str, **more: Any) -> Fails:
    with pytest.raises(Fails) as caught:
        program.do(do, **more)
    return caught.value


def test_another_seat_is_told_who_holds_the_record(desk: Desk) -> None:
    record = desk.free(0)
    mine = desk.anna.do("lock", record=record)
    assert mine["fence"] > 0
    refused = _refused(desk.ben, "lock", record=record)
    assert (refused.kind, refused.code) == ("Locked", "seats.locked")
    assert (refused.holder["person"], refused.holder["seatName"]) == ("Anna Roth", "Full 1")
    since = datetime.fromisoformat(refused.holder["since"])
    assert abs((datetime.now(UTC) - since).total_seconds()) < 10
    assert refused.parameters.get("own") in (False, None)
    told = desk.ben.do("who", records=[record])
    assert told[record]["holder"]["person"] == "Anna Roth"
    desk.anna.do("release", record=record)
    again = desk.ben.do("lock", record=record)
    assert again["fence"] > mine["fence"], "fences only grow"
    desk.ben.do("release", record=record)


def test_switching_the_record_frees_the_one_before_at_once(desk: Desk) -> None:
    one, two, three = desk.free(1), desk.free(2), desk.free(3)
    desk.anna.do("lock", record=one)
    desk.anna.do("switch", **{"from": one, "record": two})
    desk.ben.do("lock", record=one)
    desk.ben.do("lock", record=three)
    refused = _refused(desk.anna, "switch", **{"from": two, "record": three})
    assert refused.kind == "Locked" and refused.holder["person"] == "Ben Kurz"
    assert two in desk.anna.do("status")["locks"], "a switch that is refused leaves everything as it is"
    assert _refused(desk.ben, "lock", record=two).kind == "Locked"
    desk.anna.do("release", record=two)
    desk.ben.do("release", record=one)
    desk.ben.do("release", record=three)


def test_a_clean_exit_frees_at_once(desk: Desk) -> None:
    record = desk.free(4)
    guest = desk.start(desk.scene.keys[2], "Gast").ready()
    guest.do("lock", record=record)
    waiting = desk.ben.begin("lock", record=record, wait=True)
    time.sleep(0.3)
    left = time.time()
    assert guest.leave() == 0
    assert waiting(SOON_S)["at"] - left < SOON_S
    desk.ben.do("release", record=record)


def test_who_waits_may_ask_and_is_answered(desk: Desk) -> None:
    record = desk.free(5)
    desk.anna.do("answer", answer="soon")
    desk.anna.do("lock", record=record)
    waiting = desk.ben.begin("lock", record=record, wait=True)
    desk.ben.do("ask", record=record)
    asked = desk.anna.event("asked")["what"][0]
    assert (asked["record"], asked["by"]["person"]) == (record, "Ben Kurz")
    replied = desk.ben.event("replied")["what"][0]
    assert (replied["answer"], replied["by"]["person"]) == ("soon", "Anna Roth")
    desk.anna.do("release", record=record)
    assert waiting(SOON_S)["answer"]["record"] == record
    desk.ben.do("release", record=record)
    # Who waits no longer gets nothing.
    desk.anna.do("lock", record=record)
    late = _refused(desk.ben, "lock", record=record, wait=True, timeout=0.3)
    assert late.kind == "Locked" and late.holder["person"] == "Anna Roth"
    desk.anna.do("release", record=record)
    time.sleep(0.2)
    assert desk.tab.do("lock", record=record)["record"] == record
    desk.tab.do("release", record=record)


def test_taking_over_needs_the_right_and_is_written_down(desk: Desk) -> None:
    record = desk.free(6)
    path = f"/patients/{record.removeprefix('Patient/')}"
    desk.anna.do("lock", record=record)
    etag = desk.anna.do("read", path=path)["etag"]
    refused = _refused(desk.ben, "take", record=record, reason="urgent")
    assert refused.code == "access.forbidden"
    assert desk.anna.quiet("lost")
    desk.chief.do("take", record=record, reason="urgent")
    lock, loss = desk.anna.event("lost", SOON_S)["what"]
    assert (lock["record"], loss["why"], loss["by"]["person"]) == (record, "taken", "Dr. Chef")
    late = _refused(
        desk.anna, "save", record=record, path=path, body={"phone": "+4930111"}, etag=etag, blind=True
    )
    assert late.status == 423
    saved = desk.chief.do("save", record=record, path=path, body={"phone": "+4930222"}, etag=etag)
    assert "30222" in str(saved["body"])
    desk.chief.do("release", record=record)
    status, events = desk.owner.call("POST", "/api/v1/events/search", {"types": ["lock.taken_over"]})
    assert status == 200, events
    (found,) = [one for one in events["events"] if one["subject"] == record]
    assert found["actor"] == f"seat:{desk.scene.takers[0].seat}"
    assert "Anna" not in str(found) and "Chef" not in str(found), "events name seats, not who sat there"


def test_two_windows_of_one_person_are_told_apart(desk: Desk) -> None:
    record = desk.free(7)
    desk.anna.do("lock", record=record)
    refused = _refused(desk.tab, "lock", record=record)
    assert refused.kind == "Locked" and refused.parameters["own"] is True
    desk.anna.do("release", record=record)
    desk.tab.do("lock", record=record)
    assert _refused(desk.anna, "lock", record=record).parameters["own"] is True
    desk.tab.do("release", record=record)


def test_a_viewer_looks_and_never_locks(desk: Desk) -> None:
    record = desk.free(8)
    assert desk.viewer.do("status")["viewer"] is True
    refused = _refused(desk.viewer, "lock", record=record)
    assert (refused.kind, refused.code) == ("Refused", "seats.viewer")
    assert _refused(desk.viewer, "take", record=record, reason="other").code == "seats.viewer"
    desk.viewer.do("at", record=record)
    desk.anna.do("lock", record=record)
    told = desk.viewer.event("presence", SOON_S, lambda what: what[0]["holder"] is not None)["what"][0]
    assert (told["record"], told["holder"]["person"]) == (record, "Anna Roth")
    found = desk.anna.do("who", records=[record])[record]
    assert [one["person"] for one in found["here"]] == ["Vera Blick"]
    desk.anna.do("release", record=record)
    desk.viewer.event("presence", SOON_S, lambda what: what[0]["holder"] is None)
    desk.viewer.do("at", record=None)
    assert desk.anna.do("who", records=[record])[record]["here"] == []


def test_nobody_saves_past_a_lock(desk: Desk) -> None:
    record = desk.free(9)
    path = f"/patients/{record.removeprefix('Patient/')}"
    fence = desk.anna.do("lock", record=record)["fence"]
    etag = desk.anna.do("read", path=path)["etag"]
    other, change = desk.owner, {"phone": "+4930333"}
    for headers in ({}, {"X-Praxisd-Fence": str(fence + 1)}, {"If-Match": etag}):
        status, told = other.call("PATCH", f"/api/v1{path}", change, headers)
        assert (status, told["code"]) == (423, "seats.locked")
    first = desk.anna.do("save", record=record, path=path, body=change, etag=etag)
    stale = _refused(desk.anna, "save", record=record, path=path, body=change, etag=etag)
    assert (stale.kind, stale.status) == ("Stale", 412)
    desk.anna.do("save", record=record, path=path, body={"phone": "+4930444"}, etag=first["etag"])
    desk.anna.do("release", record=record)
    gone = {"X-Praxisd-Fence": str(fence)}
    status, told = other.call("PATCH", f"/api/v1{path}", change, gone)
    assert (status, told["code"]) == (423, "seats.lock_lost")
    assert other.call("PATCH", f"/api/v1{path}", change)[0] == 200
