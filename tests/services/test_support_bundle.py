"""Support packages: shown line by line, saved and sent byte for byte, kept with who, when and to whom (SPEC 7.11)."""

import hashlib
import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from praxisd.kernel import control
from praxisd.kernel.ids import new_id
from praxisd.kernel.job_plan import Planner
from praxisd.model.machine import Disk, MachineFacts, SystemFacts, known
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.support import bundle, cli, store
from praxisd.services.support.bundle_values import Row
from praxisd.testing.practice import key_for, small_practice

from .support_cast import PARTNER, Scene, scene, with_mail

DAY = 86_400


MACHINE = MachineFacts(
    host="empfang",
    at=0,
    memory_gb=known(16.0),
    os=SystemFacts(name=known("Windows 11"), edition=known("Pro"), version=known("10.0.22631")),
    disks=known((Disk(volume="C:\\", kind=known("ssd"), free_gb=known(80.5)), Disk(volume="/srv/mueller"))),
    domain=known("PRAXIS-MUELLER"),
)


@pytest.fixture
def there(house, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The practice on a computer that is known already: measuring this one would take seconds."""
    monkeypatch.setattr(diagnosis, "facts", lambda _house: MACHINE)
    with scene(house) as one:
        yield one


def all_lines(there: Scene, id_: str) -> list[str]:
    lines: list[str] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = there("GET", f"/support/bundle/{id_}?limit=40&cursor={cursor}")
        assert page["first"] == len(lines) + 1
        lines += page["text"]
        cursor = page["next"]
    return lines


def test_a_package_is_what_its_lines_say_and_goes_nowhere(there: Scene) -> None:
    Planner(there.house).step()
    there("GET", "/support/contact")
    there("GET", "/support/contact", status=403, role="partner")
    made = there("POST", "/support/bundle", {}, 201)
    lines = all_lines(there, made["id"])
    assert len(lines) == made["lines"] and made["handovers"] == []
    rows = [json.loads(line) for line in lines]
    assert rows[0]["part"] == "bundle" and rows[0]["id"] == made["id"] and rows[0]["format"] == bundle.FORMAT
    parts = {row["part"] for row in rows}
    assert {
        "installation",
        "versions",
        "library",
        "job",
        "storage",
        "machine",
        "schema",
        "table",
        "events",
        "log",
    } <= parts
    assert not [row for row in rows if row.get("failed")]
    refused = [row for row in rows if row["part"] == "log" and row.get("status") == 403]
    assert [(row["route"], row["code"]) for row in refused] == [("supportContact.read", "access.forbidden")]
    assert not [row for row in rows if row["part"] == "log" and row.get("status") == 200 and row["ms"] < 1000]
    tables = {row["name"]: row for row in rows if row["part"] == "table"}
    assert tables["directory_patient"]["rows"] == 1, "of this practice"
    (schema,) = [row for row in rows if row["part"] == "schema"]
    assert schema["current"] is True and any(one.startswith("support_") for one in schema["applied"])
    settings = {row["key"]: row for row in rows if row["part"] == "setting"}
    assert settings["support.partner_name"]["hidden"] == ["value"], "named, not told"
    (machine,) = [row for row in rows if row["part"] == "machine"]
    assert (machine["system"], machine["version"], machine["memory_gb"]) == ("Windows 11", "10.0.22631", 16.0)
    assert machine["hidden"] == ["domain"] and "cpu" not in machine["undetermined"]
    disks = [row for row in rows if row["part"] == "disk"]
    assert [(row.get("volume"), row.get("hidden")) for row in disks] == [("C:\\", None), (None, ["volume"])]
    assert PARTNER not in "".join(lines) and "Systemhaus" not in "".join(lines)
    assert hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() == made["digest"]


def test_saved_is_byte_for_byte_what_was_shown_and_is_kept(there: Scene) -> None:
    made = there("POST", "/support/bundle", {}, 201, role="partner")
    lines = all_lines(there, made["id"])
    data = there("GET", f"/support/bundle/{made['id']}/file", role="partner")
    assert data == "".join(f"{line}\n" for line in lines).encode()
    assert made["file"] in there.last.headers["content-disposition"]
    (left,) = there("GET", f"/support/bundle/{made['id']}")["handovers"]
    assert (left["way"], left["by"], left["outcome"], left["target"]) == ("file", "partner", "sent", "")
    listed = there("POST", "/listings/support.bundles", {})["rows"]
    assert [one["cells"]["way"] for one in listed] == ["file"]
    assert len(there.events("support.bundle_saved")) == 1


def test_sent_is_byte_for_byte_what_was_shown(there: Scene, tmp_path: Path) -> None:
    made = there("POST", "/support/bundle", {}, 201)
    there("POST", f"/support/bundle/{made['id']}/send", {"once": new_id()}, 403, role="partner")
    assert (
        there("POST", f"/support/bundle/{made['id']}/send", {"once": new_id()}, 409)["code"]
        == "messaging.account_missing"
    )
    lines = all_lines(there, made["id"])
    there.set("diagnosis.customer_number", "4711-08")
    with with_mail(there, tmp_path) as post:
        told = there("POST", f"/support/bundle/{made['id']}/send", {"once": new_id()})
        assert told["state"] == "sent" and told["to"] == PARTNER
        post.faults.set(next_=["drop_kept"])
        assert there("POST", f"/support/bundle/{made['id']}/send", {"once": new_id()})["state"] == "unsure"
    mail = message_from_bytes(post.taken[0].content, policy=policy.default)
    assert "4711-08" in mail["Subject"] and made["digest"] in mail.get_body().get_content()
    (file,) = mail.iter_attachments()
    assert file.get_filename() == made["file"]
    assert file.get_content() == "".join(f"{line}\n" for line in lines).encode()
    left = there("GET", f"/support/bundle/{made['id']}")["handovers"]
    assert [(one["outcome"], one["target"], one["by"]) for one in left] == [
        ("unsure", PARTNER, "desk"),
        ("sent", PARTNER, "desk"),
    ]


def test_another_practice_sees_none_of_it(there: Scene) -> None:
    made = there("POST", "/support/bundle", {}, 201)
    other = small_practice(there.house)
    key = key_for(there.house, other, "owner", "fremd")
    headers = {"Authorization": f"Bearer {key}"}
    for path in (made["id"], f"{made['id']}/file"):
        assert there.client.get(f"/api/v1/support/bundle/{path}", headers=headers).status_code == 404
    assert (
        there.client.post("/api/v1/listings/support.bundles", headers=headers, json={}).json()["rows"] == []
    )


def test_what_never_left_is_forgotten_after_a_month_and_the_rest_stays(there: Scene) -> None:
    gone, kept = (there("POST", "/support/bundle", {}, 201)["id"] for _ in range(2))
    there("GET", f"/support/bundle/{kept}/file")
    there.house.clock.advance(29 * DAY)
    there("POST", "/support/bundle", {}, 201)
    there("GET", f"/support/bundle/{gone}")
    there.house.clock.advance(2 * DAY)
    there("POST", "/support/bundle", {}, 201)
    there("GET", f"/support/bundle/{gone}", status=404)
    there("GET", f"/support/bundle/{kept}")
    with there.house.store.read(there.actor) as tx:
        assert len(store.every(tx)) == 3


def test_a_part_that_fails_is_told_and_stops_nobody(there: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_look: object) -> Iterator[Row]:
        yield Row("x", {"n": 1})
        raise LookupError("Kanarie")

    monkeypatch.setattr(bundle, "COLLECTORS", (("x", broken), *bundle.COLLECTORS[:1]))
    made = there("POST", "/support/bundle", {}, 201)
    rows = [json.loads(line) for line in made["text"]]
    assert rows[1] == {"part": "x", "failed": True, "error": "LookupError"}
    assert rows[2]["part"] == "installation" and "Kanarie" not in str(rows)


def test_the_command_prints_or_saves_it_and_says_so(there: Scene, tmp_path: Path) -> None:
    def call(*arguments: str) -> str:
        def perform(_folder: Path, name: str, args: dict[str, Any]) -> dict[str, Any]:
            return control.perform(there.house, name, args)

        done = CliRunner().invoke(cli.support, ["bundle", *arguments], obj=perform, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    printed = call().splitlines()
    assert all(json.loads(line)["part"] for line in printed)
    file = tmp_path / "hilfe.jsonl"
    told = json.loads(call("--json", "--out", str(file)))
    assert file.read_text(encoding="utf-8").splitlines() == told["lines"] and told["saved"] == str(file)
    assert file.stat().st_mode & 0o077 == 0
    (left,) = there("GET", f"/support/bundle/{told['id']}")["handovers"]
    assert left["way"] == "file"
