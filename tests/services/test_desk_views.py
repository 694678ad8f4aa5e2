"""What people see of requests: whole for the desk, without any person for the masked, a small page for the patient."""

import json
import re
from typing import Any

import pytest
from tests.services.desk_cast import Desk, Hands, at, desk_of, door

from praxisd.kernel import events
from praxisd.kernel.app import House
from praxisd.model.portals import Told
from praxisd.services.calendar import api as calendar
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import deciding, requests, requests_store, store
from praxisd.testing.practice import key_for

CANARY = Told(
    family="Kanarienvogel", given="Zacharias", birth_date="1961-07-13", phone="0171 3929999", email="kanarie@example.org"
)  # fmt: skip
TRACES = ("Kanarienvogel", "Zacharias", "1961-07-13", "3929999", "kanarie", "Wurzelschmerz", "Sonderwunsch")


def test_the_inbox_of_the_desk(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=CANARY))
    desk.take(desk.booking("b2", "2026-11-24 11:00"))
    desk.take(desk.booking("b3", kind=""), link=False)
    with door(house) as client:
        hands = Hands(desk, client)
        page = hands.post("/requests/search", {"state": "open", "limit": 2})
        assert page["counts"] == {"open": 3, "asked": 0, "unreadable": 1, "conflicts": 0}
        rest = hands.post("/requests/search", {"state": "open", "limit": 2, "cursor": page["next"]})
        assert [len(one["requests"]) for one in (page, rest)] == [2, 1] and rest["next"] is None
        shown = {one["appointment"] is None: one for one in (*page["requests"], *rest["requests"])}
        assert shown[True]["readable"] is False and shown[True]["missing"] == ["service"]
        first = next(one for one in page["requests"] if one["told"]["family"] == "Kanarienvogel")
        whole = hands.get(f"/requests/{first['id']}")
        assert whole["originName"] == "Termine online" and whole["serviceWord"] == "Kontrolle"
        assert [step["step"] for step in whole["chain"]] == [
            "requested",
            "held",
            "in_calendar",
            "on_portals",
            "confirmed",
        ]
        filled = hands.ask(
            "PUT", f"/requests/{shown[True]['id']}", {"schedule": desk.practice.doctors[1], "service": None}
        )
        assert filled["appointment"]["schedules"] == [desk.practice.doctors[1]] and filled["missing"] == []
        assert hands.post("/requests/search", {"state": "decided"})["requests"] == []
        hands.ask("GET", "/requests/nobody", None, 404)
        hands.ask("PUT", f"/requests/{first['id']}", {"start": "2026-11-20T10:00:00+01:00"}, 422)


def _everything(desk: Desk, house: House) -> str:
    """A request with everything personal in it; its id."""
    said = requests.Incoming(
        origin="mailbox", remote="x", told=CANARY, start=at("2026-11-24 10:00"), schedule=desk.practice.doctors[0],
        note="Wurzelschmerz", original="Zacharias Kanarienvogel 0171 3929999", subject="Termin Kanarienvogel",
        word="Sonderwunsch",
    )  # fmt: skip
    assert desk.do(lambda tx: requests.receive(house, tx, said)) == "new"
    return desk.only().id


def test_masked_callers_see_no_person(house: House) -> None:
    desk = desk_of(house)
    id_ = _everything(desk, house)
    with door(house) as client:
        hands, partner = Hands(desk, client), Hands(desk, client, "partner")
        assert "Kanarienvogel" in json.dumps(hands.get(f"/requests/{id_}"))
        for seen in (
            partner.get(f"/requests/{id_}"),
            partner.post("/requests/search"),
            partner.post("/listings/portals.requests"),
        ):
            assert [trace for trace in TRACES if trace in json.dumps(seen, ensure_ascii=False)] == []
        shown = partner.get(f"/requests/{id_}")
        assert [shown[name] for name in ("told", "patient", "original", "subject", "note")] == [None] * 5
        partner.post(f"/requests/{id_}/accept", status=403)


def test_no_event_and_no_log_holds_a_person(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    desk = desk_of(house)
    id_ = _everything(desk, house)
    with door(house) as client:
        hands = Hands(desk, client)
        hands.get(f"/requests/{id_}")
        hands.post(f"/requests/{id_}/accept", {"note": "Wurzelschmerz"})
        hands.post(
            f"/requests/{id_}/refuse", {"reason": "portals.refused_other", "words": "Wurzelschmerz"}, 409
        )
    desk.handle()
    found = desk.see(lambda tx: events.since(tx, 0, limit=1000))
    said = "".join(repr(one) for one in found) + capsys.readouterr().err
    assert "request.accepted" in said and [trace for trace in TRACES if trace in said] == []


def test_a_table_that_a_spreadsheet_cannot_be_harmed_by(house: House) -> None:
    desk = desk_of(house)
    desk.take(
        desk.booking(kind='=cmd|" /C calc"!A0', told=Told(family="=1+1", given="@x", birth_date="1980-01-01"))
    )
    with door(house) as client:
        key = key_for(house, desk.practice, "owner", "Tabelle")
        answer = client.post(
            "/api/v1/listings/portals.requests/export", headers={"Authorization": f"Bearer {key}"}, json={}
        )
        assert answer.status_code in (200, 201), answer.text
        assert not re.search(r'(^|;)"?[=@+]', answer.text, re.M)
        rows = Hands(desk, client).post(
            "/listings/portals.requests", {"filters": {"state": "open", "origin": "portal"}}
        )
        assert rows["total"] == 1 and rows["rows"][0]["cells"]["from"] == "Termine online"


def test_the_chain_of_a_booking(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())

    def chain(hands: Hands) -> dict[str, str]:
        steps = hands.get(f"/appointments/{desk.only().appointment}/chain")["steps"]
        return {one["step"]: one["state"] for one in steps}

    with door(house) as client:
        hands = Hands(desk, client)
        before = chain(hands)
        assert (before["requested"], before["held"], before["in_calendar"]) == ("done", "done", "waiting")
        assert before["confirmed"] == "waiting"
        hands.post(f"/requests/{desk.only().id}/accept")
        after = chain(hands)
        assert after["in_calendar"] == "done" and after["confirmed"] == "failed"  # no way to write is set up
        told = hands.get(f"/requests/{desk.only().id}")["chain"][-1]
        assert told["code"] and told["title"] and told["solution"]
        hands.post(f"/appointments/{desk.only().appointment}/cancel")
        desk.handle()
        assert chain(hands)["in_calendar"] == "failed"
        portal = key_for(house, desk.practice, "portal", "Portal")
        headers = {"Authorization": f"Bearer {portal}"}
        path = f"/api/v1/appointments/{desk.only().appointment}/chain"
        assert client.get(path, headers=headers).status_code in (403, 404)


def test_the_chain_of_one_booked_at_the_desk(house: House) -> None:
    desk = desk_of(house)
    wish = calendar.Wish(service=desk.practice.check, start=at("2026-11-24 10:00"))
    made = desk.do(lambda tx: calendar.book(house, tx, wish))
    with door(house) as client:
        steps = Hands(desk, client).get(f"/appointments/{made.id}/chain")["steps"]
    states = {one["step"]: one["state"] for one in steps}
    assert (states["requested"], states["held"], states["in_calendar"]) == ("none", "none", "done")


def test_a_taken_time_shows_in_the_chain(house: House) -> None:
    desk = desk_of(house)
    wish = calendar.Wish(
        service=desk.practice.check, start=at("2026-11-24 10:00"), schedules=desk.practice.doctors[:1]
    )
    desk.do(lambda tx: calendar.book(house, tx, wish))
    desk.take(desk.booking())
    with door(house) as client:
        held = Hands(desk, client).get(f"/requests/{desk.only().id}")["chain"][1]
    assert (held["state"], held["code"]) == ("failed", "portals.chain_taken")


def _proposal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """Propose another time; the address the patient gets."""
    links: list[str] = []
    real: Any = messaging.tell

    def tell(*given: Any, **more: Any) -> Any:
        links.append(more["link"])
        return real(*given, **more)

    monkeypatch.setattr(messaging, "tell", tell)
    desk.do(lambda tx: desk.house.settings.put(tx, "messaging.public_url", "https://praxis.example"))
    desk.take(desk.booking(told=CANARY))
    desk.do(
        lambda tx: deciding.propose(desk.house, tx, deciding.need(tx, desk.only().id), at("2026-11-25 15:00"))
    )
    (link,) = links
    assert link.startswith("https://praxis.example/api/v1/proposals/")
    return link.removeprefix("https://praxis.example")


@pytest.mark.parametrize(
    ("said", "state", "status"), [("yes", "accepted", "booked"), ("no", "withdrawn", "cancelled")]
)
def test_the_patient_answers_on_a_page_without_a_name(
    house: House, monkeypatch: pytest.MonkeyPatch, said: str, state: str, status: str
) -> None:
    desk = desk_of(house)
    path = _proposal(desk, monkeypatch)
    with door(house) as client:
        page = client.get(path)
        assert (
            page.status_code == 200
            and "Mittwoch, 25. November, 15:00" in page.text
            and "Praxis am Test" in page.text
        )
        assert [trace for trace in TRACES if trace in page.text] == [] and "<script" not in page.text
        assert (
            page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
        )
        assert client.post(path, data={"answer": "maybe"}).status_code == 404
        done = client.post(path, data={"answer": said})
        assert done.status_code == 200 and "<form" not in done.text
        assert (desk.only().state, desk.appointment().status) == (state, status)
        assert client.post(path, data={"answer": said}).status_code == 404
        assert client.get(path).status_code == 404
        for wrong in ("x" * 43, "x", "%00", "ä"):
            assert client.get(f"/api/v1/proposals/{wrong}").status_code == 404
            assert client.post(f"/api/v1/proposals/{wrong}", data={"answer": "yes"}).status_code == 404
    assert desk.only().answer is None and path.rpartition("/")[2] not in repr(desk.requests())


def test_a_proposal_that_lapsed_cannot_be_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(house)
    path = _proposal(desk, monkeypatch)
    house.clock.advance(3 * 86_400)  # type: ignore[attr-defined]
    with door(house) as client:
        assert client.post(path, data={"answer": "yes"}).status_code == 404
    assert desk.only().state == "asked"


def test_a_merged_patient_takes_the_request_along(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    before = desk.only()
    from praxisd.services.directory import api as directory

    desk.do(
        lambda tx: directory.merge(
            tx, house.registry.patient_refs, desk.practice.patient, str(before.patient)
        )
    )
    assert desk.only().patient == desk.practice.patient == desk.appointment().patient
    assert (
        desk.see(lambda tx: requests_store.about(tx, str(before.appointment))).version == before.version + 1
    )
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, before.id)))
    assert desk.see(lambda tx: store.REQUESTS.need(tx, before.id)).state == "accepted"
