"""praxisd's data back from a medium while it runs: made ready, exchanged at the next start, undone by one command."""

import json
import shutil
import signal
from pathlib import Path

from tests.journeys.test_move import book
from tests.services.backups_scene import Scene

from praxisd import main
from praxisd.testing.programs import command, running


def test_back_to_the_evening_before_and_forth_again(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    key = json.loads((folder / "access.json").read_text())["api_key"]
    house = main.open_practice(folder)
    scene = Scene(house, tmp_path)
    scene.plan()
    scene.medium(scene.drive("nas"), "nas", "NAS oben")
    assert scene.run(job="night", slot="nas").state == "good"
    house.stop()

    with running(folder) as server:
        client = server.client(key)
        booked, _ = book(client)
        asked = command("backup", "restore", "--own", "--json", folder=folder)
        assert asked.code == 0 and asked.json["exchange"] is True, (asked.out, asked.err)
        assert client.call("GET", f"/api/v1/appointments/{booked}")[0] == 200, (
            "the practice works on meanwhile"
        )
        assert command("backup", "exchange", "--json", folder=folder).json["phase"] == "ready"
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with running(folder) as server:
        assert server.client(key).call("GET", f"/api/v1/appointments/{booked}")[0] == 404
        found = command("backup", "exchange", "--json", folder=folder).json
        assert (found["phase"], found["undoable"]) == ("done", True)
        issues = command("doctor", "--json", folder=folder).json["issues"]
        assert "backups.exchanged" in {one["code"] for one in issues}
        assert command("backup", "restore", "--undo", "--json", folder=folder).json["phase"] == "ready"
    with running(folder) as server:
        assert server.client(key).call("GET", f"/api/v1/appointments/{booked}")[0] == 200
