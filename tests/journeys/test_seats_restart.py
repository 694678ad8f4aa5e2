"""The server is killed and comes back, and a line breaks for a moment: whoever works goes on working (SPEC 9.1)."""

import socket
import time
from pathlib import Path

import pytest

from praxisd.testing import seat_scene
from praxisd.testing.programs import running
from praxisd.testing.seat_proxy import SeatProxy

from .seats_cast import programs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_locks_outlive_a_server_that_is_killed_and_a_line_that_breaks(tmp_path: Path) -> None:
    folder, port = tmp_path / "praxis", _free_port()
    scene = seat_scene.prepare(folder, seats=3, patients=3)
    seat_scene.write_config(folder, interval=10)
    one, two, three = scene.records
    proxy = SeatProxy("127.0.0.1", port)
    with programs(tmp_path, f"http://127.0.0.1:{port}") as start:
        with running(folder, port=port) as server:
            secret = ("--api-key", scene.secrets["desk"])
            anna = start(scene.keys[0], "Anna Roth", *secret)
            ben = start(scene.keys[1], "Ben Kurz", *secret)
            far = start(scene.keys[2], "Fern", url=f"http://127.0.0.1:{proxy.port}")
            for program in (anna, ben, far):
                program.ready()
            fences = {one: anna.do("lock", record=one)["fence"], three: far.do("lock", record=three)["fence"]}
            path = f"/patients/{one.removeprefix('Patient/')}"
            etag = anna.do("read", path=path)["etag"]
            waiting = {record: ben.begin("lock", record=record, wait=True) for record in fences}
            assert anna.do("status")["interval"] == 10
            proxy.lose()
            time.sleep(1)
            proxy.heal()
            far.event("disconnected")
            far.event("connected", fits=lambda what: what[0]["reconnects"] == 1)
            assert far.do("status")["locks"] == {three: fences[three]}
            assert far.quiet("lost")
            server.process.kill()
            server.process.wait()
        killed = time.monotonic()
        with running(folder, port=port) as server:
            for program in (anna, ben, far):
                program.event("connected", fits=lambda what: what[0]["reconnects"] >= 1)
            assert time.monotonic() - killed < 30
            assert anna.do("status")["locks"] == {one: fences[one]}
            assert anna.quiet("lost") and far.quiet("lost")
            saved = anna.do("save", record=one, path=path, body={"phone": "+4930555"}, etag=etag)
            assert "30555" in str(saved["body"])
            assert ben.do("status")["waiting"], "who waited waits still"
            anna.do("release", record=one)
            assert waiting[one](30)["answer"]["fence"] > fences[one]
            assert far.leave() == 0
            assert waiting[three](30)["answer"]["fence"] > fences[three]
            assert ben.do("lock", record=two)["record"] == two
    proxy.close()
