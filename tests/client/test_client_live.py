"""The library against a real server: becoming a seat, waiting and changing one's mind, breaks, callbacks, the log."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import praxisd_client
from praxisd.testing import seat_scene
from praxisd.testing.programs import Client, running
from praxisd.testing.seat_proxy import SeatProxy
from praxisd_client import (
    Api,
    Locked,
    LockLost,
    PatientData,
    Problem,
    Pseudonym,
    Refused,
    Seat,
    SeatKey,
    SyncSeat,
    Unreachable,
    WrongServer,
    register,
    state,
)

EXAMPLES = Path(praxisd_client.__file__).parent / "examples"


@dataclass
class Place:
    """A server with seats that are approved already."""

    url: str
    port: int
    folder: Path
    scene: seat_scene.SeatScene
    owner: Client

    def seat(self, number: int = 0, **more: Any) -> Seat:
        return Seat(self.url, self.scene.keys[number], **{"person": f"Person {number}", **more})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("client")
    scene = seat_scene.prepare(folder / "praxis", seats=3, patients=4)
    seat_scene.write_config(folder / "praxis")
    with running(folder / "praxis") as server:
        port = int(server.url.rsplit(":", 1)[1])
        yield Place(server.url, port, folder, scene, server.client(scene.secrets["owner"]))


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def test_a_program_becomes_a_seat_when_a_person_says_so(place: Place) -> None:
    api = Api(place.url)
    made = register(api, "Anmeldung 7", program="Test")
    assert made.state == "waiting" and made.key.seat and made.key.installation
    assert state(api, made.key) == "waiting"

    async def refused() -> None:
        with pytest.raises(Problem) as waits:
            async with Seat(place.url, made.key, patience=1.0):
                pass
        assert waits.value.code == "seats.not_approved"

    _run(refused())
    path = f"/api/v1/seats/{made.key.seat}"
    assert place.owner.call("POST", f"{path}/approve", {"code": "000 000"})[0] in (200, 422)
    status, told = place.owner.call("POST", f"{path}/approve", {"code": made.code})
    assert status in (200, 409), told
    assert state(api, made.key) == "approved"

    async def works() -> None:
        ended: list[Any] = []
        async with Seat(place.url, made.key) as seat:
            seat.on("ended", ended.append)
            assert seat.status().name == "Anmeldung 7"
            assert place.owner.call("DELETE", path)[0] in (200, 204)
            until = time.monotonic() + 60
            while not ended and time.monotonic() < until:
                await asyncio.sleep(0.05)
            assert isinstance(ended[0], Problem) and ended[0].code == "seats.not_approved"
            with pytest.raises(Problem):
                await seat.lock(place.scene.records[0])

    _run(works())
    assert state(api, made.key) == "revoked"


def test_another_server_gets_no_signature(place: Place) -> None:
    key = SeatKey(place.scene.keys[0].private, place.scene.keys[0].seat, "0" * 32)

    async def work() -> None:
        with pytest.raises(WrongServer):
            async with Seat(place.url, key):
                pass

    _run(work())


def test_nobody_there_is_said_in_time() -> None:
    async def work() -> None:
        key = SeatKey.make().registered("seat", "house")
        with pytest.raises(Unreachable):
            async with Seat("http://127.0.0.1:9", key, patience=0.5):
                pass

    began = time.monotonic()
    _run(work())
    assert time.monotonic() - began < 5


def test_who_changes_their_mind_keeps_nothing(place: Place) -> None:
    record = place.scene.records[0]

    async def work() -> None:
        async with place.seat(0) as one, place.seat(1) as two:
            lock = await one.lock(record)
            waiting = asyncio.create_task(two._locks.acquire(record, True, None, 10))
            await asyncio.sleep(0.3)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await asyncio.sleep(0.2)
            await lock.release()
            async with one.lock(record):
                pass
            # The same at the very moment of the grant, again and again: nothing is left behind.
            for pause in (0.0, 0.001, 0.002, 0.004, 0.008):
                lock = await one.lock(record)
                waiting = asyncio.create_task(two._locks.acquire(record, True, None, 10))
                await asyncio.sleep(0.05)
                freeing = asyncio.create_task(lock.release())
                await asyncio.sleep(pause)
                waiting.cancel()
                await asyncio.wait([waiting, freeing])
                if not waiting.cancelled():
                    await waiting.result().release()
                lock = await one.lock(record, wait=True, timeout=30)
                await lock.release()
            assert two.status().locks == {} and two.status().waiting == ()

    _run(work())


def test_who_changes_their_mind_as_the_lock_is_granted_keeps_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grant and the change of mind in one turn of the loop: the program never sees the lock it was given."""
    record = place.scene.records[0]

    async def work() -> None:
        async with place.seat(0) as one, place.seat(1) as two:
            lock = await one.lock(record)
            waiting = asyncio.create_task(two._locks.acquire(record, True, None, 10))
            granted = two._locks.granted

            def at_once(told: dict[str, object]) -> None:
                granted(told)
                waiting.cancel()

            monkeypatch.setattr(two._locks, "granted", at_once)
            await asyncio.sleep(0.3)
            await lock.release()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            lock = await one.lock(record, wait=True, timeout=30)
            await lock.release()
            assert two.status().locks == {} and two.status().waiting == ()

    _run(work())


def test_one_program_has_a_record_once(place: Place) -> None:
    record, other = place.scene.records[:2]

    async def work() -> None:
        async with place.seat(0) as seat:
            async with seat.lock(record) as lock:
                with pytest.raises(Locked) as own:
                    await seat.lock(record)
                assert own.value.own
                later = asyncio.create_task(seat._locks.acquire(record, True, 5.0, 10))
                await lock.switch(other)
                second = await later
                assert second.record == record and lock.record == other
                assert seat.status().locks == {record: second.fence, other: lock.fence}
            with pytest.raises(LockLost):
                lock.check()
            await second.release()
            await second.release()

    _run(work())


def test_a_request_outlives_a_break(place: Place) -> None:
    proxy = SeatProxy("127.0.0.1", place.port)
    record, other = place.scene.records[2:4]

    async def work() -> None:
        url = f"http://127.0.0.1:{proxy.port}"
        async with Seat(url, place.scene.keys[0], patience=20) as seat:
            lock = await seat.lock(record)
            # The answers to these are lost on the way; what they asked for was done.
            proxy.lose(answers_only=True)
            switching = asyncio.create_task(lock.switch(other))
            await asyncio.sleep(0.3)
            proxy.heal()
            link = seat._connection._link
            assert link is not None
            link.abort()
            await switching
            assert lock.record == other and lock.loss is None
            assert seat.status().locks == {other: lock.fence}
            proxy.lose(answers_only=True)
            asked = asyncio.create_task(seat._locks.acquire(record, False, None, 20))
            await asyncio.sleep(0.3)
            proxy.heal()
            link = seat._connection._link
            assert link is not None
            link.abort()
            again = await asked
            assert seat.status().locks == {other: lock.fence, record: again.fence}
            await lock.release()
            await again.release()
            assert seat.status().reconnects == 2
        async with place.seat(1) as two:
            for one in (record, other):
                await (await two.lock(one)).release()

    _run(work())
    proxy.close()


def test_without_asyncio_and_with_callbacks(place: Place) -> None:
    record = place.scene.records[0]
    asked: list[Any] = []
    replied: list[Any] = []
    with SyncSeat(place.url, place.scene.keys[0], person="Anna Roth") as one:

        def answer(told: Any) -> str:
            asked.append((told.by.person, one.status().locks))  # callbacks may call the seat
            return "now"

        one.on("asked", answer)
        with SyncSeat(place.url, place.scene.keys[1], person="Ben Kurz") as two:
            two.on("replied", replied.append)
            with one.lock(record) as lock:
                assert lock.sure and not lock.wait_lost(0.05)
                with pytest.raises(Locked) as busy:
                    two.lock(record)
                assert busy.value.holder is not None and busy.value.holder.person == "Anna Roth"
                two.ask(record)
                until = time.monotonic() + 30
                while not replied and time.monotonic() < until:
                    time.sleep(0.02)
                assert replied[0].answer == "now"
                assert asked == [("Ben Kurz", {record: lock.fence})]
                assert two.who([record])[record].holder is not None
            with two.lock(record) as second:
                assert second.fence > lock.fence
        with pytest.raises(Unreachable):
            two.lock(record)
    with pytest.raises(Refused):
        Api(place.url, "no key").get("/patients/x")


def test_the_log_waits_for_the_server_and_arrives_once(place: Place) -> None:
    spool = place.folder / "spool.db"
    key = place.scene.keys[2]
    away = SyncSeat("http://127.0.0.1:9", key, spool=spool)
    away.start(wait=False)
    for tries in range(250):
        fields = {"record": Pseudonym("Patient/42"), "name": PatientData("Kanarienvogel")}
        away.log("warning", "client.test", tries=tries, **fields)
    away.close()
    with SyncSeat(place.url, key, spool=spool) as seat:
        until = time.monotonic() + 60
        while seat.status().waiting_entries and time.monotonic() < until:
            time.sleep(0.05)
        assert seat.status().waiting_entries == 0
    found, cursor = list[Any](), None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        status, told = place.owner.call(
            "POST", "/api/v1/logbook/search", {"codes": ["client.test"], "limit": 100, **more}
        )
        assert status == 200, told
        found += told["entries"]
        cursor = told["next"]
        if cursor is None:
            break
    assert sorted(one["fields"]["tries"] for one in found) == list(range(250))
    assert "Kanarienvogel" not in str(found)


# --- the examples ---------------------------------------------------------------------------------------------------------


def _example(name: str, *arguments: str) -> "subprocess.Popen[str]":
    line = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_examples_work(place: Place, tmp_path: Path) -> None:
    record, secret = place.scene.records[3], place.scene.secrets["desk"]
    patient, path = record.removeprefix("Patient/"), tmp_path / "seat.json"
    becoming = _example("become_a_seat.py", place.url, "Beispielplatz", str(path))
    assert becoming.stdout is not None
    code = becoming.stdout.readline().rpartition(": ")[2].strip()
    seat = SeatKey.load(path).seat
    status, told = place.owner.call("POST", f"/api/v1/seats/{seat}/approve", {"code": code})
    assert status == 200, told
    assert becoming.communicate(timeout=60)[0].strip() == "approved"

    edit = ("edit_patient.py", place.url, str(path), secret, patient)
    sync = ("edit_patient_sync.py", place.url, str(path), secret, patient)
    with SyncSeat(place.url, place.scene.keys[0], person="Dr. Chef") as other:
        other.on("asked", lambda told: "soon")
        with other.lock(record):
            busy, patient_one = _example(*edit, "+4930100001"), _example(*sync, "+4930100002")
            out, errors = busy.communicate(timeout=60)
            assert (busy.returncode, out.strip()) == (1, "Dr. Chef (Full 1) works there"), errors
            assert patient_one.stdout is not None
            assert patient_one.stdout.readline().strip() == "Dr. Chef: soon"
        out, errors = patient_one.communicate(timeout=60)
        assert out.strip() == "saved", errors
    done = _example(*edit, "+4930100003")
    out, errors = done.communicate(timeout=60)
    assert (done.returncode, out.strip()) == (0, "saved"), errors
    assert "30100003" in str(place.owner.call("GET", f"/api/v1/patients/{patient}")[1])
    logged = _example("write_log.py", place.url, str(path), str(tmp_path / "spool.db"))
    out, errors = logged.communicate(timeout=60)
    assert logged.returncode == 0 and out.startswith("kept as "), errors


def test_the_readme_is_python(tmp_path: Path) -> None:
    text = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in text.split("```python")[1:]]
    assert len(blocks) == 2
    for block in blocks:
        for node in compile(block, "README.md", "exec").co_names:
            assert node.isidentifier()
        for line in block.splitlines():
            if line.startswith("from praxisd_client import "):
                for name in line.removeprefix("from praxisd_client import ").split(", "):
                    assert hasattr(praxisd_client, name), name
    for example in EXAMPLES.glob("*.py"):
        assert f"`{example.name}`" in text
