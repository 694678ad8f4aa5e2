"""The waiting list: a time becomes free, is offered in order, and the first to accept gets it; both engines."""

import re

import pytest

from praxisd.kernel import job_claim, job_store, jobs
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import Planner
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import rounds, store, waiting_job, waiting_store
from praxisd.services.directory import api as directory

from .calendar_cast import (  # noqa: F401 - fixtures
    EVA,
    TUE,
    Rest,
    book,
    the_client,
    the_desk,
    the_owner,
    the_partner,
    the_portal,
    the_practice,
)
from .test_calendar_settling import heard

NINE = f"{TUE}09:00:00+01:00"


def on(house, practice, **values):
    """Switch automatic offers on (and other settings of the list)."""
    with house.store.write(practice.desk()) as tx:
        for name, value in ({"offers": True} | values).items():
            house.settings.put(tx, f"calendar.waiting_{name}", value)


def patients(house, practice, count):
    from praxisd.model.people import PatientClaim

    with house.store.write(practice.desk()) as tx:
        return [
            directory.claim(
                tx, PatientClaim(family=f"Wartend{n}", given="Ada", birth_date=f"1980-01-{n + 1:02d}", phone="+4930231250")
            ).patient
            for n in range(count)
        ]  # fmt: skip


def step(house, practice):
    return rounds.step(house, practice.desk())


@pytest.fixture(name="line")
def the_line(house, practice, desk, clock):
    """Three who wait for a check, in order; each a second after the other."""
    found = []
    for patient in patients(house, practice, 3):
        found.append(desk("POST", "/waiting", 201, {"patient": patient, "service": practice.check})["id"])
        clock.advance(1)
    return found


@pytest.fixture(name="booked")
def the_booked(desk, practice):
    """The appointment that will be cancelled: the doctor's, Tuesday at nine."""
    return book(desk, practice.check, NINE, schedules=practice.doctors[:1])


def free_it(desk, booked):
    desk("POST", f"/appointments/{booked['id']}/cancel", body={})


def offers(desk, **more):
    return desk("POST", "/waiting/offers/search", body=more)["offers"]


def opened(desk):
    """Who has an open offer, in the order in which they were made."""
    return [one["entry"] for one in reversed(offers(desk, state="open"))]


def test_without_the_setting_it_is_only_shown_and_the_desk_offers_it(house, practice, desk, line, booked):
    free_it(desk, booked)
    assert step(house, practice) == {"offers": 0, "ended": 0}
    (round_,) = desk("POST", "/waiting/rounds/search", body={"state": "found"})["rounds"]
    assert (round_["schedules"], round_["start"]) == ([practice.doctors[0]], NINE)
    assert [fit["entry"] for fit in round_["fits"]] == line
    assert round_["fits"][0]["patient"]["name"] == "Ada Wartend0" and round_["fits"][0]["start"] == NINE
    book(desk, practice.check, NINE, 201, schedules=practice.doctors[:1])  # free for everybody until then
    assert (
        desk.code(
            "POST",
            "/waiting/offers",
            409,
            {"entry": line[0], "start": NINE, "schedules": practice.doctors[:1]},
        )
        == "calendar.slot_taken"
    )
    later = f"{TUE}11:00:00+01:00"
    made = desk("POST", "/waiting/offers", 201, {"entry": line[1], "start": later})
    assert made["state"] == "open" and made["schedules"] == [practice.doctors[0]]
    assert (
        desk.code("POST", "/waiting/offers", 409, {"entry": line[1], "start": later}) == "calendar.offer_open"
    )
    refused = book(desk, practice.check, later, 409, schedules=practice.doctors[:1])
    assert refused["params"] == {"rounds": made["round"], "count": 1}
    view = desk("POST", "/calendar/view", body={"from": f"{TUE}00:00:00+01:00", "to": f"{TUE}23:00:00+01:00"})
    assert [(one["start"], one["round"]) for one in view["busy"]] == [(later, made["round"])]
    desk("POST", f"/waiting/rounds/{made['round']}/end", body={})
    assert offers(desk)[0]["state"] == "gone"
    book(desk, practice.check, later, 201, schedules=practice.doctors[:1])


def test_offered_in_order_and_the_first_to_accept_wins(house, practice, desk, portal, line, booked, clock):
    on(house, practice)
    free_it(desk, booked)
    assert step(house, practice)["offers"] == 1
    assert opened(desk) == line[:1]
    assert step(house, practice)["offers"] == 0  # the next one is asked when the first had time to answer
    assert (
        book(portal, practice.check, NINE, 409, schedules=practice.doctors[:1])["code"]
        == "calendar.slot_taken"
    )
    clock.advance(30 * 60)
    step(house, practice)
    assert opened(desk) == line[:2]  # the earlier offer stays good
    first, second = reversed(offers(desk, state="open"))
    done = desk("POST", f"/waiting/offers/{second['id']}/accept", body={})
    made = desk("GET", f"/appointments/{done['appointment']}")
    assert (made["start"], made["status"], made["schedules"]) == (NINE, "booked", [practice.doctors[0]])
    assert desk("POST", f"/waiting/offers/{second['id']}/accept", body={}) == done  # twice is once
    assert desk.code("POST", f"/waiting/offers/{first['id']}/accept", 409, {}) == "calendar.offer_gone"
    assert {one["id"]: one["state"] for one in offers(desk)} == {
        first["id"]: "gone",
        second["id"]: "accepted",
    }
    states = [one["state"] for one in desk("POST", "/waiting/search", body={})["entries"]]
    assert states == ["waiting", "booked", "waiting"]
    with house.store.read(practice.desk()) as tx:
        assert not [row for row in store.busy_rows(tx, 0, 2**40) if row[3].startswith("Offer/")]


def test_declined_goes_on_at_once_and_nobody_left_lets_the_time_go(
    house, practice, desk, portal, line, booked, clock
):
    on(house, practice)
    free_it(desk, booked)
    for number in range(3):
        assert step(house, practice)["offers"] == 1
        (one,) = offers(desk, state="open")
        assert one["entry"] == line[number]
        desk("POST", f"/waiting/offers/{one['id']}/decline", body={})
    assert step(house, practice) == {"offers": 0, "ended": 1}
    (round_,) = desk("POST", "/waiting/rounds/search", body={"state": "ended"})["rounds"]
    assert round_["how"] == "empty"
    book(portal, practice.check, NINE, schedules=practice.doctors[:1])


def test_nobody_answers(house, practice, desk, line, booked, clock):
    on(house, practice, minutes=10)
    free_it(desk, booked)
    for _ in range(3):
        assert step(house, practice)["offers"] == 1
        clock.advance(10 * 60)
    assert len(opened(desk)) == 3
    assert step(house, practice) == {"offers": 0, "ended": 1}
    assert [one["state"] for one in offers(desk)] == ["lapsed"] * 3
    late = offers(desk)[0]["id"]
    assert desk.code("POST", f"/waiting/offers/{late}/accept", 409, {}) == "calendar.offer_gone"


def test_nobody_is_asked_at_night(house, practice, desk, line, booked, clock):
    on(house, practice)
    clock.advance(11 * 3600)  # eight in the evening
    free_it(desk, booked)
    assert step(house, practice)["offers"] == 0
    clock.advance(10 * 3600)
    assert step(house, practice)["offers"] == 0
    clock.advance(2 * 3600)  # eight in the morning, an hour before: too late for who wants two hours' notice
    assert step(house, practice) == {"offers": 0, "ended": 1}


def test_times_and_columns_the_patient_named(house, practice, desk, booked):
    on(house, practice)
    wishes = [
        {"from": "10:00"}, {"days": [1, 3]}, {"first": "2026-11-25"}, {"last": "2026-11-23"},
        {"from": "08:50", "to": "09:15"}, {"noticeMinutes": 25 * 60}, {"schedules": practice.doctors[1:]},
        {"from": "08:00", "to": "09:30", "days": [2], "schedules": practice.doctors[:1]},
    ]  # fmt: skip
    ids = []
    for patient, wish in zip(patients(house, practice, len(wishes)), wishes, strict=True):
        ids.append(
            desk("POST", "/waiting", 201, {"patient": patient, "service": practice.check} | wish)["id"]
        )
    free_it(desk, booked)
    step(house, practice)
    assert [ids.index(one) for one in opened(desk)] == [7]


def test_an_earlier_time_for_the_appointment_there_is(house, practice, desk, booked, clock):
    on(house, practice)
    (patient,) = patients(house, practice, 1)
    kept = book(desk, practice.check, f"{TUE}15:00:00+01:00", patient={"id": patient})
    early = book(desk, practice.check, f"{TUE}16:00:00+01:00", schedules=practice.doctors[:1])
    wish = {"patient": patient, "service": practice.check, "replaces": kept["id"]}
    entry = desk("POST", "/waiting", 201, wish)
    other = {**wish, "patient": practice.patient}
    assert desk.code("POST", "/waiting", 422, other) == "calendar.waiting_replaces"
    free_it(desk, early)
    assert step(house, practice) == {"offers": 0, "ended": 1}  # four is later than three
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    assert one["entry"] == entry["id"]
    done = desk("POST", f"/waiting/offers/{one['id']}/accept", body={})
    assert desk("GET", f"/appointments/{kept['id']}")["status"] == "cancelled"
    assert desk("GET", f"/appointments/{done['appointment']}")["replaces"] == kept["id"]


def test_a_surgery_fits_when_doctor_and_chair_are_free_around_it(house, practice, desk):
    """Buffers reach into time that was free before; the chair it needs is kept too."""
    on(house, practice)
    one = book(desk, practice.surgery, NINE, schedules=[practice.doctors[0], practice.chairs[0]])
    (patient,) = patients(house, practice, 1)
    desk("POST", "/waiting", 201, {"patient": patient, "service": practice.surgery})
    free_it(desk, one)
    step(house, practice)
    (offer,) = offers(desk, state="open")
    assert offer["start"] == NINE and offer["schedules"] == [practice.doctors[0], practice.chairs[0]]
    with house.store.read(practice.desk()) as tx:
        kept = {row[0] for row in store.busy_rows(tx, 0, 2**40) if row[3].startswith("Offer/")}
    assert kept == {practice.doctors[0], practice.chairs[0]}
    assert desk("POST", f"/waiting/offers/{offer['id']}/accept", body={})["appointment"]


def test_a_freed_day_is_offered_to_several_at_once_and_what_is_left_goes_on(house, practice, desk, line):
    on(house, practice)
    block = {"title": "Fortbildung", "schedules": [practice.doctors[0]]}
    block |= {"start": f"{TUE}08:00:00+01:00", "end": f"{TUE}18:00:00+01:00"}
    made = desk("POST", "/reservations", 201, block)
    assert opened(desk) == []
    desk("DELETE", f"/reservations/{made['id']}", 204)
    step(house, practice)
    assert len(opened(desk)) == 3  # each its own time
    assert len({one["start"] for one in offers(desk, state="open")}) == 3
    one = offers(desk, state="open")[0]
    desk("POST", f"/waiting/offers/{one['id']}/accept", body={})
    with house.store.read(practice.desk()) as tx:
        rests, _ = waiting_store.rounds_page(tx, "found", None, 50)
    assert any(row.source.startswith(f"Round/{one['round']}/") for row in rests)


def test_an_absence_taken_back_frees_its_days(house, practice, desk, line):
    on(house, practice)
    absence = {"first": "2026-11-24", "last": "2026-11-24", "schedule": practice.doctors[0]}
    made = desk("POST", "/absences", 201, absence)["absence"]
    desk("DELETE", f"/absences/{made['id']}", 204)
    step(house, practice)
    assert len(opened(desk)) == 3


def test_a_hold_that_lapsed_and_a_time_that_was_taken(house, practice, desk, portal, line, booked, clock):
    """The job stood still: the hold lapses, a portal books. The offer is still written down as open, and worth nothing."""
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    clock.advance(3600)
    book(portal, practice.check, NINE, schedules=practice.doctors[:1])
    assert desk.code("POST", f"/waiting/offers/{one['id']}/accept", 409, {}) == "calendar.offer_gone"
    step(house, practice)
    assert offers(desk)[0]["state"] == "gone"


def test_a_hold_that_lapsed_and_a_time_that_is_still_free(house, practice, desk, line, booked, clock):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    clock.advance(3600)
    assert desk("POST", f"/waiting/offers/{one['id']}/accept", body={})["appointment"]


def test_who_leaves_declines(house, practice, desk, line, booked):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    gone = desk("POST", f"/waiting/{line[0]}/leave", body={})
    assert (gone["state"], gone["offer"]) == ("left", None)
    step(house, practice)
    assert opened(desk) == [line[1]]
    assert desk.code("PUT", f"/waiting/{line[0]}", 409, {"note": "x"}) == "calendar.not_waiting"
    changed = desk("PUT", f"/waiting/{line[2]}", body={"note": "ruft an"}, headers={"If-Match": '"1"'})
    assert (changed["note"], changed["version"]) == ("ruft an", 2)
    assert (
        desk.code("PUT", f"/waiting/{line[2]}", 412, {"note": "y"}, headers={"If-Match": '"1"'})
        == "resource.stale"
    )


def test_the_patients_page(house, practice, desk, line, booked, client):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    with house.store.write(practice.desk()) as tx:
        path = calendar.offer_path(house, tx, one["id"])
    seen = client.get(path)
    assert seen.status_code == 200 and seen.headers["content-type"].startswith("text/html")
    assert "Dienstag, 24.11.2026, 09:00 Uhr" in seen.text and "Kontrolle" in seen.text
    assert "Wartend" not in seen.text and "no-store" in seen.headers["cache-control"]
    assert re.search(r"style-src 'sha256-[^']+'", seen.headers["content-security-policy"])
    assert opened(desk) == line[:1]  # to look changes nothing
    assert client.post(path, content="answer=perhaps").status_code == 200 and opened(desk) == line[:1]
    form = {"content-type": "application/x-www-form-urlencoded"}
    done = client.post(path, content="answer=accept", headers=form)
    assert done.status_code == 200 and "gebucht" in done.text and "<form" not in done.text
    assert "gebucht" in client.get(path).text
    assert client.get(f"{path}x").status_code == 404
    assert client.post("/api/v1/offers/unknown", content="answer=accept", headers=form).status_code == 404


def test_the_event_calls_the_job_and_the_job_does_it_all(house, practice, desk, line, booked, clock):
    on(house, practice)
    Planner(house).step()  # the practice has its jobs
    free_it(desk, booked)
    heard(house)
    heard(house)  # twice is once

    def take(tx):
        (waits,) = [run for run in jobs.runs(house, tx, waiting_job.NAME) if run.ended_at is None]
        (taken,) = job_claim.claim(house, tx, [tx.first(job_store.GET_RUN, id=waits.id)], 1)
        return taken

    desk("PUT", f"/waiting/{line[1]}", body={"last": "2026-11-22"})
    run = house.store.run(practice.desk(), take)
    waiting_job.run(run)
    assert (run.counts["offers"], run.counts["left"]) == (1, 1)
    assert opened(desk) == line[:1]
    assert desk("GET", f"/waiting/{line[1]}")["state"] == "expired"


def test_what_others_ask_of_an_offer(house, practice, desk, line, booked):
    on(house, practice)
    free_it(desk, booked)
    step(house, practice)
    (one,) = offers(desk, state="open")
    with house.store.write(practice.desk()) as tx:
        assert calendar.offer(tx, "unknown") is None
        with pytest.raises(Problem) as missing:
            calendar.accept_offer(house, tx, "unknown")
        assert missing.value.status == 404
        shown = calendar.offer(tx, one["id"])
        assert (shown.state, shown.entry, shown.service) == ("open", line[0], practice.check)
        calendar.decline_offer(house, tx, one["id"])
        calendar.decline_offer(house, tx, one["id"])
        assert calendar.offer(tx, one["id"]).state == "declined"
        with pytest.raises(Problem) as gone:
            calendar.accept_offer(house, tx, one["id"])
        assert gone.value.code == "calendar.offer_gone"


def test_the_table_and_who_may_read_it(desk, partner, portal, line):
    found = desk("POST", "/listings/calendar.waiting", body={})
    assert [row["id"] for row in found["rows"]] == line
    assert found["rows"][0]["cells"]["patient"] == "Ada Wartend0"
    partner("POST", "/waiting/search", 403, {})
    portal("POST", "/waiting/search", 403, {})
