"""116117 behind the engine: a practice, its two nodes, and the simulated service; only the memory in the database is shared."""

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.model.portals import OnlineCalendar, OnlinePortal
from praxisd.sandbox import portal_tvs
from praxisd.sandbox.door import Door, Function
from praxisd.sandbox.portal_faults import Faults, Guard
from praxisd.sandbox.portal_tvs_fhir import instant
from praxisd.services.calendar import api as calendar
from praxisd.services.portals import accounts, cycle_store, engine_offers, store
from praxisd.services.portals.portals.tvs_rules import POLL_S
from praxisd.testing.houses import START, Houses
from praxisd.testing.practice import small_practice

from .portals_cast import Stage, World

CARD = "kartenschluessel-4711"
NAME = "Sprechstunde"
HOUR = 3_600
DAY = 86_400
PERSON = {"family": "Kanari", "given": "Vera", "birthDate": "1980-02-03", "phone": "+49302000100"}


class TvsPractice(Stage):
    """A practice with one column that is offered at 116117."""

    def __init__(self, house: House, other: House, folder: Path) -> None:
        super().__init__(house, small_practice(house), World(house))
        self.nodes = (house, other)
        self.faults = Faults()
        guard = Guard(self.faults, house.clock.now)
        self.tvs = portal_tvs.mount(
            folder, CARD, lambda: house.clock.now_ms() / 1000, self._only_reports(guard)
        )
        self.profile = self.tvs.add_profile(NAME).id
        self.door = Door("127.0.0.1", 0, self.tvs.routes)
        fields = {"address": f"{self.door.url}/tvs/api", "login": f"{self.door.url}/tvs/login"}
        record = OnlinePortal(name="116117", adapter="tvs116117", active=True, fields=fields)
        self.account = self.run(lambda tx: accounts.create(house, tx, accounts.Given(record, {"card": CARD})))
        self.calendar: OnlineCalendar = self.link(self.account, NAME)

    @staticmethod
    def _only_reports(guard: Guard) -> Callable[[str, Function], Function]:
        """Searches go well whatever `faults` says; reports of a slot's status do not."""

        def guarded(door: str, function: Function) -> Function:
            other = guard(door, function)
            return lambda call: (other if "slotstatus" in call.target else function)(call)

        return guarded

    def slot(self, at: int, status: str = "free") -> str:
        """A slot of half an hour there."""
        return self.tvs.add_slot(self.profile, at, at + 1_800, status).id

    def polls(self) -> list[str]:
        """When changes were asked for, page one."""
        return [one["at"] for one in self.tvs.requests if "/Provenance/" in one["target"]]

    def unknown(self) -> dict[str, str | None]:
        """What a person is asked, or has answered, by slot."""
        rows = self.read(lambda tx: cycle_store.unknowns(tx, self.account.id))
        return {row.remote: row.choice for row in rows}

    def bookings(self) -> list[calendar.AppointmentFacts]:
        """The appointments of the booking requests, in order of arrival."""
        found = self.read(store.REQUESTS.all)
        ids = [one.appointment for one in sorted(found, key=lambda one: (one.received, one.id))]
        facts = self.read(lambda tx: calendar.appointment_facts(tx, [one for one in ids if one]))
        return [facts[one] for one in ids if one]


@pytest.fixture
def here(houses: Houses, house: House, tmp_path: Path) -> Iterator[TvsPractice]:
    one = TvsPractice(house, houses.twin(house), tmp_path)
    yield one
    assert [each for each in one.tvs.requests if each["method"] != "POST"] == []
    assert [each for each in one.tvs.requests if each["status"] == 429] == []
    one.door.close()
    one.tvs.close()


def test_appointments_of_the_practice_take_the_slots_they_touch(here: TvsPractice) -> None:
    morning, noon = here.slot(START + DAY), here.slot(START + DAY + 2 * HOUR)
    here.book(START + DAY)
    report = here.cycle(here.account, "hand")
    (result,) = report.results
    assert (report.state, result.uploaded) == ("done", len(here.busy(here.calendar)))
    assert (here.tvs.slot(morning).status, here.tvs.slot(noon).status) == ("busy", "free")
    assert here.unknown() == {morning: None, noon: None}


def test_a_report_is_believed_only_when_it_was_taken(here: TvsPractice) -> None:
    """A page made for people, with status 200, is no yes: a slot would stay busy for ever and nobody give it back."""
    at = (START + 7 * DAY, START + 7 * DAY + 10 * HOUR)
    slots = [here.slot(one) for one in at]

    def told(status: str, fault: str, node: House) -> None:
        here.faults.set(always=fault)
        here.wait(HOUR)
        report = here.cycle(here.account, "hand", node)
        failed = report.state == "failed" or all(one.code for one in report.results)
        assert failed, f"{fault}: nothing is claimed"
        here.faults.clear()
        here.wait(HOUR)
        assert here.cycle(here.account, "due", node).state == "done"
        assert [here.tvs.slot(one).status for one in slots] == [status, status], fault

    here.cycle(here.account)
    for fault in ("bad_json", "error_after", "half_closed", "lose"):
        made = [here.book(one) for one in at]
        told("busy", fault, here.nodes[0])
        for one in made:
            here.run(lambda tx, id_=one: calendar.cancel(here.house, tx, id_))
        told("free", fault, here.nodes[1])


def test_a_booking_comes_in_and_its_cancellation_too(here: TvsPractice) -> None:
    slot = here.slot(START + DAY)
    here.cycle(here.account)
    made = here.tvs.book(slot, PERSON, "Knie")
    here.wait(HOUR)
    here.cycle(here.account)
    (appointment,) = here.bookings()
    assert (appointment.start, appointment.end, appointment.status) == (
        START + DAY, START + DAY + 1_800, "pending",
    )  # fmt: skip
    here.wait(150)
    here.cycle(here.account)
    assert here.tvs.slot(slot).booking == made.id, "its own busy time takes nothing away"
    here.tvs.end_booking(made.id)
    here.wait(HOUR)
    here.cycle(here.account)
    assert [one.status for one in here.bookings()] == ["cancelled"]


def test_never_more_often_than_every_60_minutes_however_it_is_asked(here: TvsPractice) -> None:
    strange = here.slot(START + 5 * DAY)
    for number in range(120):
        node = here.nodes[number % 2]
        why = "hand" if number % 3 == 0 else "due"
        report = here.cycle(here.account, why, node, full=number == 70)
        assert report.state in ("done", "quiet", "early"), report.code
        assert here.unknown() == {strange: None}, "the question stays, whatever was not asked again"
        here.wait(97)
        if number % 40 == 20:
            here.tvs.book(here.slot(START + 6 * DAY + number * HOUR), PERSON)
    times = [portal_time(one) for one in here.polls()]
    assert len(times) >= 2, "changes were asked for"
    assert all(later - earlier >= POLL_S for earlier, later in pairwise(times))
    assert len(here.bookings()) == 3
    assert strange in here.tvs.slots and not here.tvs.slot(strange).gone


def portal_time(text: str) -> float:
    """Epoch seconds of a request."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_what_a_person_chose_is_done_there(here: TvsPractice) -> None:
    keep, drop, anew = (here.slot(START + DAY + n * HOUR) for n in range(3))
    here.cycle(here.account)
    assert set(here.unknown()) == {keep, drop, anew}
    for remote, choice in ((keep, "keep"), (drop, "delete"), (anew, "again")):
        here.run(lambda tx, r=remote, c=choice: cycle_store.choose(tx, here.account.id, r, c))
    here.wait(130)
    here.cycle(here.account, "hand")
    there = [one for one in here.tvs.slots.values() if not one.gone]
    assert sorted(one.start for one in there) == [START + DAY, START + DAY + 2 * HOUR]
    assert keep in {one.id for one in there} and anew not in {one.id for one in there}
    assert here.unknown() == {}
    here.wait(DAY)
    here.cycle(here.account)
    assert here.unknown() == {}, "what we offered and what was kept is no question any more"


def test_offering_forgets_nothing_that_a_contact_beside_it_learnt(
    here: TvsPractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = here.slot(START + DAY)
    here.cycle(here.account)
    here.wait(130)
    made = here.book(START + DAY)
    free = engine_offers._free

    def meanwhile(*args: Any) -> Any:
        """The other node speaks with the service after the times to offer were looked for, and before the lease."""
        other = threading.Thread(target=here.cycle, args=(here.account, "hand", here.nodes[1]))
        other.start()
        other.join()
        assert here.tvs.slot(slot).status == "busy"
        return free(*args)

    monkeypatch.setattr(engine_offers, "_free", meanwhile)
    got = engine_offers.offer(
        here.house, here.actor, here.account.id, here.calendar.id, START + 3 * DAY, START + 4 * DAY, 30
    )
    assert got and {code for _, code in got} == {None}
    here.run(lambda tx: calendar.cancel(here.house, tx, made))
    here.wait(130)
    here.cycle(here.account, "hand")
    assert here.tvs.slot(slot).status == "free", "it was known that it was busy because of us"


def test_times_read_as_they_were_written() -> None:
    assert portal_time(instant(START)) == START
