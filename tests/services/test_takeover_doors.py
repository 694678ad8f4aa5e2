"""The doors of take-overs and exports: the wizard from file to undo over REST, who may, and the commands."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.services.exchange import exporting, takeover_cli, takeovers
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.exchange.takeover_view import View
from praxisd.testing.practice import key_for
from praxisd.web.app import build

from .takeover_cast import PATIENTS, Office

BASE = "/api/v1/exchange"


class Desk:
    """The owner's program at the door."""

    def __init__(self, office: Office, client: Any) -> None:
        self.office, self._client = office, client
        key = key_for(office.house, office.practice, "owner", "Inhaber")
        self.headers = {"Authorization": f"Bearer {key}"}

    def ask(self, method: str, path: str, status: int = 200, **how: Any) -> Any:
        """One request; its answer."""
        headers = {**self.headers, **how.pop("headers", {})}
        answer = self._client.request(method, f"{BASE}{path}", headers=headers, **how)
        assert answer.status_code == status, answer.text
        return answer

    def bring(self, data: str) -> str:
        """Send a file."""
        headers = {"Content-Type": "application/octet-stream", "X-Praxisd-File-Name": "Pat%C3%AAnten.csv"}
        made = self.ask("POST", "/takeovers", 201, content=data.encode(), headers=headers).json()
        assert (made["state"], made["format"], made["name"]) == ("uploaded", "csv", "Patênten.csv")
        return str(made["id"])

    def until_done(self, id_: str) -> Any:
        """What the server's thread does, then the take-over."""
        now = self.ask("GET", f"/takeovers/{id_}").json()
        room_of(self.office.house).work(self.office.practice.organization, id_, now["state"])
        return self.ask("GET", f"/takeovers/{id_}").json()


@pytest.fixture
def desk(house: House, tmp_path: Path) -> Iterator[Desk]:
    office = Office(house, tmp_path)
    with TestClient(build(house, main.doors(house))) as client:
        yield Desk(office, client)


def test_the_wizard_from_file_to_undo(desk: Desk) -> None:
    id_ = desk.bring(PATIENTS)
    seen = desk.ask("POST", f"/takeovers/{id_}/preview", json={}).json()
    assert [one["field"] for one in seen["columns"]][:4] == ["sourceId", "family", "given", "birthDate"]
    assert (seen["delimiter"], seen["encoding"], seen["dateOrder"], seen["dateAmbiguous"]) == (
        ";",
        "utf-8",
        "dmy",
        False,
    )
    assert len(seen["rows"]) == 3
    begun = desk.ask("POST", f"/takeovers/{id_}/look", json={"remember": "Altes Programm"}).json()
    assert begun["state"] == "looking"
    looked = desk.until_done(id_)
    assert (looked["state"], looked["counts"]["new"]) == ("looked", 3)
    desk.ask("POST", f"/takeovers/{id_}/apply")
    done = desk.until_done(id_)
    assert (done["state"], done["progress"]["done"]) == ("done", done["progress"]["total"])
    items = desk.ask("POST", f"/takeovers/{id_}/items", json={"action": "new", "limit": 2}).json()
    assert [one["no"] for one in items["items"]] == [1, 2]
    assert items["items"][0]["name"] == "Anna Müller"
    more = desk.ask("POST", f"/takeovers/{id_}/items", json={"cursor": items["next"]}).json()
    assert [one["no"] for one in more["items"]] == [3]
    desk.ask("POST", f"/takeovers/{id_}/undo", json={})
    assert desk.until_done(id_)["state"] == "undone"
    assert desk.office.patients() == []
    desk.ask("DELETE", f"/takeovers/{id_}", 204)
    desk.ask("GET", f"/takeovers/{id_}", 404)


def test_a_mapping_is_remembered_by_its_headings(desk: Desk) -> None:
    table = "A;B;C\n1;Adler;01/02/1980\n2;Bauer;03/04/1981\n"
    first = desk.bring(table)
    desk.ask("POST", f"/takeovers/{first}/look", 422, json={})
    chosen = {"header": True, "mapping": {"A": "sourceId", "B": "family", "C": "birthDate"}}
    asked = desk.ask("POST", f"/takeovers/{first}/look", 422, json={"options": chosen}).json()
    assert asked["code"] == "exchange.date_order_missing"
    chosen["dateOrder"] = "mdy"
    desk.ask("POST", f"/takeovers/{first}/look", json={"options": chosen, "remember": "ABC"})
    desk.until_done(first)
    second = desk.bring(table)
    seen = desk.ask("POST", f"/takeovers/{second}/preview", json={"header": True}).json()
    assert (seen["mappingName"], seen["dateOrder"]) == ("ABC", "mdy")
    assert [one["field"] for one in seen["columns"]] == ["sourceId", "family", "birthDate"]
    (kept,) = desk.ask("GET", "/mappings").json()["mappings"]
    desk.ask("DELETE", f"/mappings/{kept['id']}", 204)
    desk.ask("DELETE", f"/mappings/{kept['id']}", 404)


def test_the_report_names_lines_and_reasons(desk: Desk) -> None:
    id_ = desk.bring(
        "PatNr;Nachname;Geburtsdatum\n1,2E+07;Adler;01.01.1980\n2;Bauer;99.99.1980\n3;Conrad;02.02.2099\n"
    )
    desk.ask("POST", f"/takeovers/{id_}/look", json={})
    told = desk.until_done(id_)["counts"]
    assert [one["code"] for one in told["flaws"]] == ["exchange.id_scientific"]
    assert [one["code"] for one in told["warnings"]] == ["exchange.csv_date_invalid"]
    warned = desk.ask("POST", f"/takeovers/{id_}/warnings", json={}).json()["warnings"]
    assert [(one["line"], one["code"]) for one in warned] == [(3, "exchange.csv_date_invalid")]
    report = desk.ask("GET", f"/takeovers/{id_}/report").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(report), delimiter=";"))
    assert rows[0][:4] == ["Zeile", "Art", "Nummer", "Was daraus wird"]
    assert rows[1][1:4] == ["Patient", "1,2E+07", "neu"] and rows[3][1:4] == ["", "", "auffällig"]
    assert [(row[0], row[4]) for row in rows[1:]] == [
        ("2", "exchange.id_scientific"), ("4", "directory.birth_date_invalid"), ("3", "exchange.csv_date_invalid")
    ]  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "fhir-ndjson", "fhir-bundle"])
def test_what_is_given_out_can_be_brought_again(desk: Desk, format_: str) -> None:
    id_, _ = desk.office.whole(PATIENTS)
    given = desk.ask("POST", "/exports", json={"what": "patients", "format": format_})
    assert given.headers["x-praxisd-records"] == "4"
    desk.office.undo(id_)
    _, done = desk.office.whole(given.content, origin="again")
    assert (done["new"], done.get("doubt", 0)) == (3, 0)
    assert {one.family for one in desk.office.patients()} == {"Müller", "Schmidt", "Özdemir"}


@pytest.mark.parametrize("encoding", ["undefined", "nonsense", "rot13", "base64"])
def test_a_charset_that_writes_nothing_is_refused(desk: Desk, encoding: str) -> None:
    desk.office.whole(PATIENTS)
    asked = {"what": "patients", "format": "csv", "encoding": encoding}
    assert desk.ask("POST", "/exports", 422, json=asked).json()["code"] == "exchange.settings_invalid"


def test_only_the_owner_may(desk: Desk) -> None:
    for role in ("desk", "pvs", "partner", "portal"):
        key = key_for(desk.office.house, desk.office.practice, role, role)
        desk.headers = {"Authorization": f"Bearer {key}"}
        desk.ask("GET", "/takeovers", 403)
        desk.ask("POST", "/exports", 403, json={"what": "patients", "format": "csv"})


def test_who_is_masked_sees_counts_and_nobody(desk: Desk) -> None:
    office = desk.office
    id_, _ = office.whole(PATIENTS)
    masked = dataclasses.replace(office.actor, masked=True)
    with office.house.store.read(masked) as tx:
        view = View(office.house, tx, "de")
        (shown,) = view.takeovers([takeovers.need(tx, id_)])
        items = view.items(store.items(tx, id_, 0, 10))
    assert (shown.name, shown.counts.new) == ("", 3)
    assert [(one.source_id, one.name) for one in items] == [(None, None)] * 3
    with pytest.raises(Problem, match="forbidden"):
        exporting.filed(office.house, masked, "patients", "csv")


def test_events_tell_counts_and_no_names(desk: Desk) -> None:
    desk.office.whole(PATIENTS)
    desk.ask("POST", "/exports", json={"what": "patients", "format": "csv"})
    with desk.office.house.store.read(desk.office.actor) as tx:
        rows = tx.raw("SELECT type, detail FROM kernel_event").fetchall()
    told = json.dumps([list(row) for row in rows])
    assert "takeover.done" in told
    assert "data.exported" in told
    for word in ("ller", "Anna", "1980", "00017", "Weg 1"):
        assert word not in told


def test_a_mapping_file_is_toml_or_json(tmp_path: Path) -> None:
    file = tmp_path / "spalten.toml"
    file.write_text('dateOrder = "dmy"\n[columns]\nA = "family"\n', encoding="utf-8")
    assert takeover_cli.mapping_of(file) == {"dateOrder": "dmy", "mapping": {"A": "family"}}
    found = CliRunner().invoke(takeover_cli.takeover, ["undo", "--help"])
    assert "--changed" in found.output
