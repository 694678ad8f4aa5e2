"""Every decision with all that follows from it, whoever takes it and wherever (SPEC 3.7, 1.12)."""

import pytest
from tests.services.desk_cast import BERLIN, Desk, Hands, at, desk_of, door, outbox_rows

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.app import House
from praxisd.kernel.clock import format_rfc3339
from praxisd.model.portals import Told
from praxisd.services.accounts import api as accounts
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import deciding, requests, requests_store

SAME = Told(family="Muster", given="Erika", birth_date="1970-01-02", phone="+49 40 999999")
"""Perhaps the patient who is known, whose number is another."""

NORA = Told(family="Neu", given="Nora", birth_date="1990-02-03")


def rfc(text: str) -> str:
    return format_rfc3339(at(text), BERLIN)


def test_accept_with_another_length_books_tells_and_answers(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        id_ = hands.post("/requests/search", {"state": "open"})["requests"][0]["id"]
        done = hands.post(f"/requests/{id_}/accept", {"minutes": 45, "note": "nimmt Blutverdünner"})
        hands.post(f"/requests/{id_}/accept", status=409)
    made = desk.appointment()
    assert (made.status, made.end - made.start, made.note) == ("booked", 45 * 60, None)
    assert (done["state"], done["note"], done["byName"]) == (
        "accepted",
        "nimmt Blutverdünner",
        "Konsole desk",
    )
    assert done["portalAnswer"]["state"] == "open" and desk.answers() == [("accepted", "open")]
    assert [kind for kind, _ in desk.messages()] == ["confirmation"]
    assert desk.events() == ["request.received", "request.accepted"]
    desk.handle()
    assert desk.answers() == [("accepted", "open")] and len(desk.messages()) == 1
    assert desk.events() == ["request.received", "request.accepted"]


def test_refuse_frees_the_time_and_says_why(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        id_ = desk.only().id
        hands.post(f"/requests/{id_}/refuse", {"reason": "portals.unheard_of"}, 400)
        done = hands.post(
            f"/requests/{id_}/refuse",
            {"reason": "portals.refused_no_new_patients", "words": "Ab März wieder."},
        )
    assert (done["state"], done["reason"]) == ("refused", "portals.refused_no_new_patients")
    assert desk.appointment().status == "cancelled" and desk.answers() == [("refused", "open")]
    assert [kind for kind, _ in desk.messages()] == ["refusal"]
    desk.handle()
    assert desk.answers() == [("refused", "open")] and len(desk.messages()) == 1


def test_a_portal_that_tells_the_patient_itself_is_left_to_it(house: House) -> None:
    desk = desk_of(house)
    desk.change_portal(tells=True)
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    assert desk.messages() == [] and desk.answers() == [("accepted", "open")]


def test_another_time_is_kept_until_the_patient_answers(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        id_ = desk.only().id
        hands.post(f"/requests/{id_}/propose", {"start": rfc("2026-11-20 10:00")}, 422)
        hands.post(
            f"/requests/{id_}/propose",
            {"start": rfc("2026-11-25 15:00"), "until": rfc("2026-11-26 10:00")},
            422,
        )
        asked = hands.post(f"/requests/{id_}/propose", {"start": rfc("2026-11-25 15:00"), "minutes": 60})
        assert (asked["state"], asked["wished"]) == ("asked", rfc("2026-11-24 10:00"))
        assert asked["until"] == rfc("2026-11-25 15:00")  # three days, but not longer than there is
        assert (desk.appointment().status, desk.appointment().start) == ("pending", at("2026-11-25 15:00"))
        desk.handle()
        assert desk.only().state == "asked" and desk.answers() == [("proposed", "open")]
        done = hands.post(f"/requests/{id_}/answer", {"accepted": True})
    assert done["state"] == "accepted" and desk.appointment().status == "booked"
    assert desk.answers() == [("proposed", "superseded"), ("moved", "open")]  # it never heard of the proposal
    assert [kind for kind, _ in desk.messages()] == ["proposal", "confirmation"]


def test_the_patient_takes_the_proposed_time_at_the_portal(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    start = at("2026-11-25 15:00")
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), start))
    assert desk.take(desk.booking()) == "known"  # it still shows the time of before
    assert desk.take(desk.booking(when="2026-11-25 15:00")) == "new"
    assert (desk.only().state, desk.appointment().status) == ("accepted", "booked")


def test_a_declined_proposal_is_over_and_its_time_free(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    start = at("2026-11-25 15:00")
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), start))
    desk.do(lambda tx: deciding.answered(house, tx, deciding.need(tx, desk.only().id), False))
    assert (desk.only().state, desk.only().reason) == ("withdrawn", "portals.proposal_declined")
    assert desk.appointment().status == "cancelled"


def test_withdrawn_on_the_telephone(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        id_ = desk.only().id
        hands.post(f"/requests/{id_}/accept")
        assert hands.post(f"/requests/{id_}/withdraw")["state"] == "withdrawn"
    desk.handle()
    assert desk.answers() == [("accepted", "superseded"), ("cancelled", "open")]
    assert desk.appointment().status == "cancelled"


def test_decided_on_the_calendar_is_decided(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking("yes"))
    desk.take(desk.booking("no", "2026-11-24 12:00"))
    first, second = desk.requests()
    desk.do(lambda tx: calendar.accept(house, tx, str(first.appointment), minutes=60))
    desk.do(lambda tx: calendar.cancel(house, tx, str(second.appointment)))
    desk.handle()
    first, second = desk.requests()
    assert (first.state, first.end) == ("accepted", at("2026-11-24 11:00"))
    assert (second.state, second.reason) == ("refused", "portals.refused_other")
    assert (desk.answers(first), desk.answers(second)) == ([("accepted", "open")], [("refused", "open")])
    assert sorted(kind for kind, _ in desk.messages()) == ["confirmation", "refusal"]


def test_what_the_desk_does_later_reaches_the_portal(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    id_ = str(desk.only().appointment)
    wish = calendar.Wish(
        service=desk.practice.check, start=at("2026-11-26 09:00"), schedules=desk.practice.doctors[:1]
    )
    desk.do(lambda tx: calendar.move(house, tx, id_, wish))
    desk.handle()
    assert desk.answers()[-1] == ("moved", "open") and desk.only().start == at("2026-11-26 09:00")
    desk.do(lambda tx: calendar.cancel(house, tx, id_))
    desk.handle()
    desk.handle()
    assert [one for one in desk.answers() if one[1] == "open"] == [("cancelled", "open")]
    assert desk.only().state == "accepted"


def test_moved_on_the_calendar_while_it_waits(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.do(lambda tx: calendar.reschedule(house, tx, str(desk.only().appointment), at("2026-11-26 09:00")))
    desk.handle()
    one = desk.only()
    assert (one.state, one.start, one.wished) == ("open", at("2026-11-26 09:00"), at("2026-11-24 10:00"))
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, one.id)))
    assert desk.answers() == [("moved", "open")]  # the portal knows another time


def test_a_conflict_decided_against_it_refuses_it(house: House) -> None:
    desk = desk_of(house)
    wish = calendar.Wish(
        service=desk.practice.check, start=at("2026-11-24 10:00"), schedules=desk.practice.doctors[:1]
    )
    desk.do(lambda tx: calendar.book(house, tx, wish))
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        shown = hands.get(f"/requests/{desk.only().id}")
        assert shown["conflict"] and hands.post("/requests/search")["counts"]["conflicts"] == 1
        hands.post(f"/requests/{desk.only().id}/accept", status=409)
        hands.post(f"/conflicts/{shown['conflict']}/settle", {"how": "keep_local"})
    desk.handle()
    assert (desk.only().state, desk.only().reason) == ("refused", "portals.refused_time_taken")
    assert desk.answers() == [("refused", "open")]


def _portal_key(desk: Desk) -> tuple[Actor, str]:
    house = desk.house
    key, secret = desk.do(
        lambda tx: accounts.create_key(tx, house.registry, role="portal", name="Anderes Portal")
    )
    return Actor(
        Kind.KEY, key.id, desk.practice.organization, house.registry.role("portal"), portal=key.portal
    ), secret


def _confirmed_type(desk: Desk) -> None:
    desk.do(lambda tx: calendar.edit_service(desk.house, tx, desk.practice.check, None, confirm=True))


@pytest.mark.parametrize("cancels", ["portal", "desk"])
def test_a_pending_booking_over_the_api_is_a_request(house: House, cancels: str) -> None:
    desk = desk_of(house)
    _confirmed_type(desk)
    portal, secret = _portal_key(desk)
    body = {
        "service": desk.practice.check,
        "start": rfc("2026-11-24 10:00"),
        "patient": {"family": "Neu", "given": "Nora", "birthDate": "1990-02-03", "phone": "0171 3920099"},
    }
    with door(house) as client:
        hands = Hands(desk, client)
        headers = {"Authorization": f"Bearer {secret}"}
        made = client.post("/api/v1/appointments", headers=headers, json=body)
        assert (made.status_code, made.json()["status"]) == (201, "pending")
        desk.handle()
        desk.handle()
        one = desk.only()
        assert (one.origin, one.portal, one.found, one.told.phone) == (
            "api",
            portal.portal,
            "new",
            "0171 3920099",
        )
        assert hands.get(f"/requests/{one.id}")["originName"] == "Anderes Portal"
        if cancels == "desk":
            hands.post(f"/appointments/{made.json()['id']}/cancel")
        else:
            gone = client.post(f"/api/v1/appointments/{made.json()['id']}/cancel", headers=headers, json={})
            assert gone.status_code == 200
    desk.handle()
    state = {"desk": "refused", "portal": "withdrawn"}[cancels]
    assert desk.only().state == state and desk.answers() == []
    assert len(desk.messages()) == (cancels == "desk")


def test_a_portal_that_changes_an_accepted_one_asks_anew(house: House) -> None:
    desk = desk_of(house)
    _confirmed_type(desk)
    portal, _ = _portal_key(desk)

    def book(tx: object) -> str:
        told = directory.recognise(tx, requests.claim_of(NORA))  # type: ignore[arg-type]
        wish = calendar.Wish(
            service=desk.practice.check,
            start=at("2026-11-24 10:00"),
            patient=told.patient,
            extra={"alias": told.shown},
        )
        return calendar.book(house, tx, wish).id  # type: ignore[arg-type]

    id_ = desk.do(book, portal)
    desk.handle()
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id)))
    wish = calendar.Wish(service=desk.practice.check, start=at("2026-11-25 10:00"))
    desk.do(lambda tx: calendar.move(house, tx, id_, wish), portal)
    desk.handle()
    assert (desk.only().state, desk.only().start) == ("open", at("2026-11-25 10:00"))


def test_side_by_side_and_a_person_says_it_is_the_known_one(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=SAME))
    with door(house) as client:
        hands = Hands(desk, client)
        shown = hands.get(f"/requests/{desk.only().id}")["matching"]
        (candidate,) = shown["candidates"]
        assert shown["found"] == "possible" and candidate["id"] == desk.practice.patient
        assert candidate["same"] == ["family", "given", "birthDate"] and candidate["differs"] == ["phone"]
        done = hands.post(f"/requests/{desk.only().id}/accept", {"patient": desk.practice.patient})
        assert hands.get("/patients/matches")["matches"] == []
    assert (done["state"], done["patient"]["id"]) == ("accepted", desk.practice.patient)
    assert done["matching"]["found"] == "certain"
    assert desk.appointment().patient == desk.practice.patient


def test_a_person_says_it_is_somebody_new(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=SAME))
    new = desk.only().patient
    desk.do(lambda tx: deciding.accept(house, tx, deciding.need(tx, desk.only().id), patient=new))
    doubts = desk.see(lambda tx: directory.doubts(tx, str(new)))
    assert [one.outcome for one in doubts] == [
        "different"
    ] and desk.only().patient == new != desk.practice.patient


def test_decided_on_the_page_of_matches(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=SAME))
    with door(house) as client:
        hands = Hands(desk, client)
        (candidate,) = hands.get(f"/requests/{desk.only().id}")["matching"]["candidates"]
        hands.post(f"/patients/matches/{candidate['match']}", {"outcome": "same"})
        shown = hands.get(f"/requests/{desk.only().id}")
        assert shown["matching"]["found"] == "certain" and shown["patient"]["id"] == desk.practice.patient
        assert hands.post(f"/requests/{desk.only().id}/accept")["state"] == "accepted"


def test_nobody_is_booked_whom_nobody_knows(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking(told=Told(family="Nur Nachname")))
    with door(house) as client:
        hands = Hands(desk, client)
        id_ = desk.only().id
        assert hands.get(f"/requests/{id_}")["missing"] == ["given", "birthDate"]
        assert hands.post(f"/requests/{id_}/accept", status=409)["code"] == "portals.request_nobody"
        told = {"family": "Nachname", "given": "Vera", "birthDate": "1985-06-07", "phone": "0171 3920055"}
        filled = hands.ask("PUT", f"/requests/{id_}", {"told": told})
        assert filled["matching"]["found"] == "new" and filled["missing"] == []
        assert desk.appointment().patient == filled["patient"]["id"]
        assert hands.post(f"/requests/{id_}/accept")["state"] == "accepted"


def test_two_desks_decide_once(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    with door(house) as client:
        hands = Hands(desk, client)
        read = hands.get(f"/requests/{desk.only().id}")
        hands.post(f"/requests/{read['id']}/refuse", {"reason": "portals.refused_other"})
        late = {"If-Match": f'"{read["version"]}"'}
        assert (
            hands.ask("POST", f"/requests/{read['id']}/accept", {}, 412, **late)["code"] == "resource.stale"
        )
        assert hands.post(f"/requests/{read['id']}/accept", status=409)["code"] == "portals.request_decided"


def test_what_lapses_is_free_again(house: House) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    start = at("2026-11-30 15:00")
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), start))
    assert desk.see(requests_store.lapsed) == []
    house.clock.advance(3 * 86_400 + 1)  # type: ignore[attr-defined]
    assert desk.see(requests_store.lapsed) == [desk.only().id]
    desk.do(lambda tx: deciding.expire(house, tx, deciding.need(tx, desk.only().id)))
    assert (desk.only().state, desk.appointment().status) == ("expired", "cancelled")
    assert desk.answers()[-1] == ("refused", "open")


@pytest.mark.parametrize(
    ("said", "state"), [("accepted", "accepted"), ("declined", "withdrawn"), ("late", "asked")]
)
def test_an_answer_by_message_decides(house: House, said: str, state: str) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), at("2026-11-25 15:00")))
    first = desk.messages()[-1][1]
    desk.do(lambda tx: deciding.propose(house, tx, deciding.need(tx, desk.only().id), at("2026-11-25 16:00")))

    def answers(topic: str) -> None:
        (id_,) = (row.id for row in desk.see(lambda tx: tx.all(outbox_rows())) if row.topic == topic)
        event = "communication.confirmed" if said == "accepted" else "communication.replied"
        desk.do(lambda tx: events.note(tx, event, "Message", id_, kind="proposal", reply=said))
        desk.handle()

    answers(first)
    assert desk.only().state == "asked"  # that time is not proposed any more
    answers(desk.messages()[-1][1])
    answers(desk.messages()[1][1])
    assert desk.only().state == state
