"""Programs that die, freeze or are cut off: their records are free after the control interval, and what they do late is
refused (SPEC 9.1). The interval is changed while all of them work, so that the shortest one there is counts.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from praxisd.testing import seat_scene
from praxisd.testing.programs import Client, running
from praxisd.testing.seat_proxy import SeatProxy

from .seats_cast import Fails, Program, programs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
INTERVAL_S = 10
FREE_S = INTERVAL_S + INTERVAL_S / 3
SLACK_S = 5.0
"""For this computer: a process is frozen, and an answer read, in time."""


@dataclass
class Lost:
    """What came of it: when each was lost, and when the colleague who waited had its record."""

    scene: seat_scene.SeatScene
    killed: Program
    frozen: Program
    cut: Program
    watcher: Program
    proxy: SeatProxy
    owner: Client
    lost_at: dict[str, float]
    until: dict[str, int]
    answers: dict[str, Callable[[float], dict[str, Any]]]
    etags: dict[str, str]
    before: dict[str, int]
    _granted: dict[str, dict[str, Any]]

    def granted(self, name: str) -> dict[str, Any]:
        """The grant of the record that `name` held."""
        if name not in self._granted:
            self._granted[name] = self.answers[name](FREE_S + 3 * SLACK_S)
        return self._granted[name]

    def seconds(self, name: str) -> float:
        """How long it took to be free."""
        return float(self.granted(name)["at"]) - self.lost_at[name]


NAMES = ("killed", "frozen", "cut")


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    folder = tmp_path_factory.mktemp("lost")
    scene = seat_scene.prepare(folder / "praxis", seats=4, patients=4)
    seat_scene.write_config(folder / "praxis")
    secret = ("--api-key", scene.secrets["desk"])
    with running(folder / "praxis") as server, programs(folder, server.url) as start:
        proxy = SeatProxy("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        found = [start(scene.keys[n], f"Person {n}", *secret) for n in range(2)]
        found.append(start(scene.keys[2], "Person 2", *secret, url=f"http://127.0.0.1:{proxy.port}"))
        found.append(start(scene.keys[3], "Kollege", *secret))
        for one in found:
            one.ready()
        owner = server.client(scene.secrets["owner"])
        by_name = dict(zip(NAMES, found[:3], strict=True))
        records = dict(zip(NAMES, scene.records, strict=False))
        before, etags = {}, {}
        for name, one in by_name.items():
            before[name] = one.do("lock", record=records[name])["fence"]
            path = f"/patients/{records[name].removeprefix('Patient/')}"
            etags[name] = found[3].do("read", path=path)["etag"]
        answers = {name: found[3].begin("lock", record=records[name], wait=True) for name in NAMES}
        status, told = owner.call("PUT", "/api/v1/settings/seats.interval", {"value": INTERVAL_S})
        assert status == 200, told
        for one in found:
            assert one.event("interval")["what"] == [INTERVAL_S]
        lost_at, until = {}, _timed_anew(folder / "praxis", records)
        proxy.lose()
        lost_at["cut"] = time.time()
        lost_at["frozen"] = by_name["frozen"].freeze()
        lost_at["killed"] = by_name["killed"].kill()
        yield Lost(scene, *found, proxy, owner, lost_at, until, answers, etags, before, {})
        proxy.close()


def _timed_anew(folder: Path, records: dict[str, str]) -> dict[str, int]:
    """Until when each is locked, as soon as all have sent the beat by which their locks are timed anew. Epoch seconds."""
    end = time.monotonic() + 30
    with closing(sqlite3.connect(f"file:{folder / 'praxisd.db'}?mode=ro", uri=True)) as database:
        while time.monotonic() < end:
            rows = database.execute(
                "SELECT key, expires_at FROM kernel_lease WHERE expires_at > 0"
            ).fetchall()
            found = {name: at for name in records for key, at in rows if key.endswith(records[name])}
            if len(found) == len(records) and max(found.values()) <= time.time() + INTERVAL_S + 1:
                return found
            time.sleep(0.05)
    raise AssertionError("the locks were not timed anew")


@pytest.mark.parametrize("name", NAMES)
def test_the_record_is_free_after_the_interval(lost: Lost, name: str) -> None:
    assert lost.granted(name)["at"] > lost.until[name] - 1, "not before the lock had run out"
    assert lost.seconds(name) <= FREE_S + SLACK_S
    assert lost.granted(name)["answer"]["fence"] > lost.before[name]


def test_each_lock_expires_once(lost: Lost) -> None:
    for name in NAMES:
        lost.granted(name)
    status, told = lost.owner.call("POST", "/api/v1/events/search", {"types": ["lock.expired"]})
    assert status == 200, told
    assert sorted(one["subject"] for one in told["events"]) == sorted(lost.scene.records[:3])


def test_a_frozen_program_saves_too_late_and_is_told(lost: Lost) -> None:
    lost.granted("frozen")
    record = lost.scene.records[1]
    path = f"/patients/{record.removeprefix('Patient/')}"
    # It stands in the middle of its work: the first that it does on waking up is to save, without looking first.
    late = lost.frozen.begin(
        "save", record=record, path=path, body={"phone": "+4930999"}, etag=lost.etags["frozen"], blind=True
    )
    lost.frozen.thaw()
    with pytest.raises(Fails) as refused:
        late(30)
    assert refused.value.status in (412, 423)
    lock, loss = lost.frozen.event("lost")["what"]
    assert (lock["record"], loss["why"]) == (record, "expired")
    assert loss["by"]["person"] == "Kollege", "it is told who has the record now"
    assert "30999" not in str(lost.watcher.do("read", path=path)["body"])
    with pytest.raises(Fails) as again:
        lost.frozen.do("lock", record=record)
    assert again.value.kind == "Locked"


def test_a_program_that_was_cut_off_knows_it_and_comes_back(lost: Lost) -> None:
    lost.granted("cut")
    record = lost.scene.records[2]
    status = lost.cut.do("status")
    assert status["connected"] is False and status["sure"] == {record: False}
    lost.proxy.heal()
    lock, loss = lost.cut.event("lost")["what"]
    assert (lock["record"], loss["why"], loss["by"]["person"]) == (record, "expired", "Kollege")
    assert lost.cut.do("status")["connected"] is True


def test_the_setting_is_for_all(lost: Lost) -> None:
    assert lost.watcher.do("status")["interval"] == INTERVAL_S
