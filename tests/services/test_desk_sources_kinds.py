"""Bookings that arrive as messages: mailboxes, an address of ours, and the job that reads all (SPEC 3.7)."""

import json
from pathlib import Path
from typing import Any

from tests.services.desk_cast import Desk, Hands, at, desk_of, door
from tests.services.imap_cast import imap_server
from tests.services.sources_cast import FREE, certain, mail, names, put, read, source_of

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.model.portals import BookingSource
from praxisd.services.portals import (
    desk_job,
    sources_reading,
    sources_store,
    store,
)


def test_a_mailbox_that_is_a_folder(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="mailbox", fields={"mailbox": "folder", "folder": str(tmp_path)})
    put(tmp_path, "1.eml", mail(certain()))
    put(tmp_path, "2.eml", mail(FREE, "2"))
    put(tmp_path, "copy.eml", b"X-Way: another\r\n" + mail(certain()))
    assert read(desk, source) == {"taken": 2, "stuck": 0}
    assert names(tmp_path) == ["done/1.eml", "done/copy.eml", "unreadable/2.eml"]
    assert [one.subject for one in desk.requests()] == ["Neue Buchung"] * 2


def test_a_mailbox_on_a_server(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    with imap_server(tmp_path) as (account, trusted):
        account.put(mail(certain()))
        account.put(mail(FREE, "2"))
        fields = {
            "mailbox": "imap", "imap_server": "127.0.0.1", "imap_port": str(account.port), "imap_login": "praxis",
            "certificate": str(trusted),
        }  # fmt: skip
        source = source_of(desk, kind="mailbox", fields=fields, secrets={"imap_password": "geheim"})
        assert sources_reading.tried(house, desk.actor, source) == (2, 1)
        assert len(account.folders["INBOX"]) == 2 and desk.requests() == []
        assert read(desk, source) == {"taken": 2, "stuck": 0}
        assert account.folders["INBOX"] == {} and len(account.folders["praxisd"]) == 2
        account.put(mail(certain()))
        assert read(desk, source) == {"taken": 0, "stuck": 0}
    assert len(desk.requests()) == 2


def test_one_number_twice_is_a_change_a_cancellation_or_another_word(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path)})

    def send(text: str) -> None:
        put(tmp_path, "m.txt", text)
        read(desk, source)

    send(certain(number="4711"))
    send(certain("25.11.2026 11:00 Uhr", "4711"))
    assert desk.only().start == at("2026-11-25 11:00") and desk.appointment().start == at("2026-11-25 11:00")
    send("Buchungsnummer: 4711\nIch komme vielleicht zu spät.")
    assert "zu spät" in desk.only().original and desk.only().state == "open"
    send(certain("25.11.2026 11:00 Uhr", "4711") + "\nStatus: storniert")
    assert (desk.only().state, desk.appointment().status) == ("withdrawn", "cancelled")
    send("Buchungsnummer: 4711\nBitte rufen Sie mich an.")
    assert [one.state for one in desk.requests()] == ["withdrawn", "open"]
    send("Buchungsnummer: 4712\nStatus: storniert")
    assert desk.requests()[-1].reason == "portals.cancels_unknown"
    send("Buchungsnummer: 4712\nStatus: storniert")
    assert len(desk.requests()) == 3 and desk.requests()[-1].state == "open"


def test_the_bookings_of_a_portal_that_sends_mails_are_its_own(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    desk.change_portal(at_once=True)
    source = source_of(desk, kind="folder", portal=desk.portal.id, fields={"folder": str(tmp_path)})
    text = certain().replace("Kalender: Dr. 1", f"Kalender: {desk.link.name}")
    put(tmp_path, "a.txt", text)
    put(tmp_path, "b.txt", text.replace("Kontrolle", "Bleaching").replace("10:00", "12:00"))
    read(desk, source)
    states = {one.word: one.state for one in desk.requests()}
    assert states == {"Kontrolle": "accepted", "Bleaching": "open"}
    one = next(one for one in desk.requests() if one.word == "Kontrolle")
    assert desk.appointment(one).portal == desk.portal.name and desk.appointment(one).extra["alias"]
    assert desk.answers(one) == [] and [kind for kind, _ in desk.messages()] == ["confirmation"]


def test_a_hook_takes_what_a_program_sends(house: House) -> None:
    desk = desk_of(house)
    with door(house) as client:
        hands = Hands(desk, client, "owner")
        made = hands.post("/portals/sources", {"name": "Programm", "kind": "hook", "active": True}, 201)
        assert made["address"].startswith("/api/v1/portals/hooks/")
        assert hands.get(f"/portals/sources/{made['id']}")["address"] is None
        body = json.dumps(
            {"id": "x1", "start": "2026-11-24T10:00:00+01:00", "calendar": "Dr. 1", "service": "Kontrolle"}
        )
        for taken in (1, 0):
            answer = client.post(made["address"], content=body)
            assert (answer.status_code, answer.json()) == (202, {"taken": taken, "readable": True})
        assert client.post(made["address"], content="Guten Tag").json() == {"taken": 1, "readable": False}
        assert client.post(made["address"], content="x" * 300_000).status_code == 413
        assert client.post(made["address"], content="").status_code == 404
        for wrong in ("x" * 43, "ä", "x"):
            assert client.post(f"/api/v1/portals/hooks/{wrong}", content=body).status_code == 404
        put_ = {"name": "Programm", "kind": "hook", "active": True, "newAddress": True}
        second = hands.ask("PUT", f"/portals/sources/{made['id']}", put_)
        assert client.post(made["address"], content=body).status_code == 404
        assert client.post(second["address"], content=body).json()["taken"] == 0
        off = hands.ask(
            "PUT", f"/portals/sources/{made['id']}", {"name": "Programm", "kind": "hook", "active": False}
        )
        assert off["state"]["taken"] == 2 and client.post(second["address"], content=body).status_code == 404
    assert [one.origin for one in desk.requests()] == ["hook"] * 2


def test_a_source_is_checked_when_it_is_saved(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    with door(house) as client:
        hands = Hands(desk, client, "owner")

        def refused(status: int, **body: Any) -> str:
            given = {"name": "Q", "kind": "folder", "fields": {"folder": str(tmp_path)}, **body}
            return str(hands.post("/portals/sources", given, status)["code"])

        assert refused(422, fields={}) == "portals.source_field"
        assert refused(422, fields={"folder": "relative"}) == "portals.source_field"
        assert refused(422, fields={"folder": str(house.folder)}) == "portals.source_field"
        assert refused(422, fields={"folder": str(house.folder / "x" / ".." / "y")}) == "portals.source_field"
        assert refused(422, fields={"folder": str(tmp_path), "colour": "blue"}) == "portals.source_field"
        assert refused(422, schedule="nowhere") == "portals.source_field"
        assert (
            refused(422, kind="mailbox", fields={"imap_server": "x", "imap_login": "y"}, active=True)
            == "portals.source_field"
        )
        mailbox = {
            "name": "M",
            "kind": "mailbox",
            "fields": {"imap_server": "mail.example.org", "imap_login": "y"},
        }
        made = hands.post("/portals/sources", {**mailbox, "secrets": {"imap_password": "geheim"}}, 201)
        assert made["secretsSet"] == ["imap_password"] and "geheim" not in json.dumps(made)
        moved = {**mailbox, "fields": {"imap_server": "evil.example.org", "imap_login": "y"}}
        path = f"/portals/sources/{made['id']}"
        assert hands.ask("PUT", path, moved, 422)["code"] == "portals.source_secrets_again"
        assert hands.ask("PUT", path, mailbox)["secretsSet"] == ["imap_password"]
        assert refused(409, name="M") == "portals.source_name_taken"
        partner = Hands(desk, client, "partner")
        assert (
            partner.ask("PUT", path, {**mailbox, "active": True}, 422)["code"]
            == "portals.source_owner_switches_on"
        )
        hook = {"name": "H", "kind": "hook", "active": True}
        there = f"/portals/sources/{hands.post('/portals/sources', hook, 201)['id']}"
        bound = ({"newAddress": True}, {"portal": desk.portal.id}, {"schedule": desk.practice.doctors[0]})
        for more in (*bound, {"service": desk.practice.check}):
            answer = partner.ask("PUT", there, {**hook, **more}, 422)
            assert answer["code"] == "portals.source_owner_switches_on"
        assert partner.ask("PUT", there, {**hook, "name": "Formular"})["active"]
        hands.ask("DELETE", there, None, 204)
        hands.ask("DELETE", path, None, 204)
        assert hands.get("/portals/sources")["sources"] == []
    with house.store.read(system("test", desk.practice.organization)) as tx:
        assert store.SOURCES.count(tx) == 0 and sources_store.states(tx) == {}


class Run:
    """As much of a run as the job needs."""

    def __init__(self, desk: Desk) -> None:
        self.house, self.actor, self.counts = desk.house, desk.actor, dict[str, int]()

    def read(self) -> Any:
        return self.house.store.read(self.actor)

    def stop_if_asked(self) -> None:
        return None

    def checkpoint(self, **counts: int) -> None:
        for name, number in counts.items():
            self.counts[name] = self.counts.get(name, 0) + number


def test_the_job_reads_all_sources_and_lets_lapse(house: House, tmp_path: Path) -> None:
    from praxisd.services.portals import deciding

    desk = desk_of(house)
    for name in ("eins", "zwei"):
        (tmp_path / name).mkdir()
        source_of(desk, name=name, kind="folder", fields={"folder": str(tmp_path / name)})
        put(tmp_path / name, "a.txt", certain(f"24.11.2026 1{len(name)}:00 Uhr", name))
    source_of(desk, name="weg", kind="folder", fields={"folder": str(tmp_path / "weg")})
    desk.take(desk.booking(when="2026-11-26 10:00"))
    one = next(one for one in desk.requests() if one.origin == "portal")
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, one.id), at("2026-11-27 10:00")))
    run = Run(desk)
    desk_job.run(run)  # type: ignore[arg-type]
    assert run.counts == {"taken": 2, "stuck": 0, "expired": 0}
    house.clock.advance(3 * 86_400 + 1)  # type: ignore[attr-defined]
    desk_job.run(run)  # type: ignore[arg-type]
    assert run.counts["expired"] == 1
    assert next(each for each in desk.requests() if each.id == one.id).state == "expired"


def test_a_problem_in_one_message_holds_no_other_up(house: House, tmp_path: Path, monkeypatch: Any) -> None:
    desk = desk_of(house)
    source = source_of(desk, kind="folder", fields={"folder": str(tmp_path)})
    put(tmp_path, "a.txt", certain(), age=120)
    put(tmp_path, "b.txt", certain("24.11.2026 12:00 Uhr", "2"))
    real = sources_reading.take

    def breaks(house: House, actor: Any, source: BookingSource, data: bytes) -> tuple[int, bool]:
        if b"Buchungsnummer" not in data:
            raise Problem("calendar.slot_taken", 409)
        return real(house, actor, source, data)

    with monkeypatch.context() as patched:
        patched.setattr(sources_reading, "take", breaks)
        assert read(desk, source) == {"taken": 1, "stuck": 1}
    assert names(tmp_path) == ["a.txt", "done/b.txt"]
    assert read(desk, source) == {"taken": 1, "stuck": 0}
