"""A whole server moves its database, asked by command while it answers requests; it goes on there, and after a restart too."""

import threading

from praxisd.kernel import database_at
from praxisd.services.care import journal
from praxisd.testing.practice import key_for, small_practice
from praxisd.testing.programs import command, running


def _founded(sqlite_houses):
    house = sqlite_houses.open()
    key = key_for(house, small_practice(house), "owner", "Chefin")
    house.stop()
    return house.folder, key


def test_a_server_moves_its_database_under_requests_and_stays_there(sqlite_houses, tmp_path):
    folder, key = _founded(sqlite_houses)
    to = tmp_path / "Daten"
    to.mkdir()
    stop, said = threading.Event(), []
    with running(folder) as server:
        client = server.client(key)

        def ask():
            while not stop.wait(0.15):  # a key may not ask much more often
                number = len(said)
                body = {"name": f"Umzug {number}", "kind": "room"}
                said.append(client.call("POST", "/api/v1/locations", body)[0])

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            moved = command("care", "move", "--to", str(to), folder=folder)
            assert moved.code == 0, moved.err
            refused = command("care", "move", "--to", str(to), folder=folder)
            assert refused.code == 1 and "care.move_same" in refused.err
            unknown = command(
                "care", "release", "nobody", folder=folder
            )  # not asked whether it may be deleted
            assert unknown.code == 1 and "control.unknown_name" in unknown.err and "[y/N]" not in unknown.err
            asked = command("care", "release", folder=folder)
            assert asked.code == 1 and "[y/N]" in asked.err
        finally:
            stop.set()
            thread.join()
        assert said and set(said) == {201}
        state = client.call("GET", "/api/v1/care/state")[1]
        assert state["place"] == str(to / "praxisd.db") and state["move"]["phase"] == "done"
        assert "care_moved" in server.errors
    with running(folder) as server:
        client = server.client(key)
        found, cursor = set(), ""
        while cursor is not None:
            page = client.call("GET", f"/api/v1/locations?limit=200{cursor and '&cursor=' + cursor}")[1]
            found |= {one["name"] for one in page["locations"]}
            cursor = page["next"]
        assert {f"Umzug {number}" for number in range(len(said))} <= found
        assert client.call("GET", "/api/v1/care/state")[1]["place"] == str(to / "praxisd.db")
    (to / "praxisd.db").rename(to / "weg.db")
    lost = command("serve", "--port", "0", folder=folder)
    assert lost.code == 1 and "store.database_away" in lost.err
    assert not (to / "praxisd.db").exists()


def test_a_server_moves_to_postgres_shuts_its_doors_and_goes_on_there(sqlite_houses, postgres_url):
    folder, key = _founded(sqlite_houses)
    with running(folder) as server:
        client = server.client(key)
        moved = command("care", "move", "--to-postgres", postgres_url, "--yes", folder=folder)
        assert moved.code == 0, moved.err
        status, problem = client.call("POST", "/api/v1/locations", {"name": "spät", "kind": "room"})
        assert (status, problem["code"]) == (503, "maintenance")
        assert journal.known(folder).phase == "done"
    with running(folder) as server:
        client = server.client(key)
        assert client.call("GET", "/api/v1/care/state")[1]["engine"] == "postgresql"
        assert client.call("POST", "/api/v1/locations", {"name": "neu", "kind": "room"})[0] == 201
        assert database_at.is_stone(folder / "praxisd.db")
