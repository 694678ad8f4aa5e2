"""Ports by command: a seat knocks at the door of a served practice, and the list shows it."""

from pathlib import Path

from praxisd.testing.programs import command, running


def test_a_seat_knocks_at_the_door_of_a_served_practice(tmp_path: Path) -> None:
    folder, key, sheet = tmp_path / "data", tmp_path / "seat.key", tmp_path / "sheet.pdf"
    assert command("practice", "create", "Praxis am Test", folder=folder).code == 0
    with running(folder, "--host", "0.0.0.0") as server:
        port = int(server.url.rpartition(":")[2])
        made = command("keys", "create", "--name", "Empfang", "--role", "pvs", folder=folder)
        key.write_text(made.out, encoding="utf-8")
        knocked = command(
            "ports", "knock", "--to", server.url, "--key-file", str(key), "--seat", "Empfang", "--json"
        )
        assert knocked.code == 0, knocked.err
        assert knocked.json["results"] == [{"row": "praxisd/door", "port": port, "state": "open", "why": ""}]

        rows = {row["id"]: row for row in command("ports", "list", "--json", folder=folder).json["rows"]}
        seen = {(one["direction"], one["host"], one["state"]) for one in rows["praxisd/door"]["results"]}
        assert seen == {("listen", "", "listening"), ("in", "empfang", "open")}
        assert rows["praxisd/control"]["internal"] is False
        assert command("ports", "export", "sheet.pdf", "--out", str(sheet), folder=folder).code == 0
        assert sheet.read_bytes().startswith(b"%PDF-")
