"""Patients out on a laptop and back: worked on on both sides, merged by field, conflicts for a person (SPEC 11.1)."""

import msgspec
import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.people import Contact, Patient
from praxisd.model.statement import Statement
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_opening, laptop_returning, laptop_store, laptop_views
from praxisd.services.exchange.laptop_returning import decide, take
from praxisd.services.medication import api as medication
from praxisd.services.messaging import api as messaging

from .laptop_cast import MONDAY_10, digests, on, opened, pack, the_home, the_laptops, work  # noqa: F401


@pytest.fixture(name="laptop")
def the_laptop(home, laptops, clock):
    home.given = home.lend()
    return opened(laptops, home.given, clock)


def patient_on(laptop, id_):
    with laptop.store.read(on(laptop)) as tx:
        return directory.patient(tx, id_)


def change(home_or_laptop, id_, **fields):
    def run(tx):
        before = directory.patient(tx, id_)
        directory.amend_patient(tx, id_, fields, before.version)

    if hasattr(home_or_laptop, "do"):
        home_or_laptop.do(run)
    else:
        work(home_or_laptop, run)


def conflicts(home):
    return home.read(lambda tx: laptop_views.conflicts(home.house, tx, "de"))


def test_the_laptop_has_the_chosen_patients_with_all_that_belongs_to_them_and_nobody_else(home, laptop):
    with laptop.store.read(on(laptop)) as tx:
        assert {one.id for one in directory.all_patients(tx, None, 50)[0]} == {home.anna, home.ben}
        assert directory.patient(tx, home.anna).telecom[0].value == "030 111111"
        assert [one.note for one in directory.treatments_of(tx, [home.anna])] == ["Prothese"]
        one = calendar.appointments_of(tx, [home.anna])[0]
        assert (one.id, one.start, one.service, one.note) == (
            home.appointment,
            MONDAY_10,
            home.practice.check,
            "nüchtern",
        )
        assert [x.text for x in medication.statements(tx, [home.anna])] == ["Ibuprofen 400"]
        assert [x.text for x in medication.risks(tx, [home.ben])] == ["Penicillin"]
        assert messaging.wishes(tx, [home.anna])[home.anna].said["reminder", "sms"].state == "given"
        assert directory.organization(tx).name == "Praxis am Test"
        assert {x.name for x in calendar.columns(tx)} == {"Dr. 1", "Dr. 2", "Stuhl 1", "Stuhl 2"}
    assert laptop_opening.pack(laptop, on(laptop)).records == 0  # nobody has done anything


def test_what_was_changed_on_either_side_is_there_after_the_way_back(home, laptop):
    change(home, home.anna, note="Klingel defekt")
    change(laptop, home.anna, given="Anna Maria", telecom=(
        Contact(system="phone", value="030 111111", use="home"), Contact(system="email", value="anna@example.org"),
    ))  # fmt: skip
    work(
        laptop, lambda tx: medication.enter_statement(laptop, tx, Statement(patient=home.ben, text="ASS 100"))
    )

    def amended(tx):
        one = medication.statements(tx, [home.anna])[0]
        medication.amend(tx, msgspec.structs.replace(one, dosage="1-1-1"), one.version)

    work(laptop, amended)
    work(laptop, lambda tx: calendar.change(laptop, tx, home.appointment, note="nach 10 Uhr"))
    report = take(home.house, home.actor, pack(laptop))
    assert (report.changed, report.added, report.conflicts) == (3, 1, 0)
    anna = home.patient(home.anna)
    assert (anna.given, anna.note, len(anna.telecom)) == ("Anna Maria", "Klingel defekt", 2)
    assert [x.dosage for x in home.read(lambda tx: medication.statements(tx, [home.anna]))] == ["1-1-1"]
    assert [x.text for x in home.read(lambda tx: medication.statements(tx, [home.ben]))] == ["ASS 100"]
    assert home.read(lambda tx: calendar.get(tx, home.appointment)).note == "nach 10 Uhr"


def test_the_same_file_again_and_an_older_one_change_nothing(home, laptop):
    change(laptop, home.anna, note="eins")
    first = pack(laptop)
    change(laptop, home.anna, note="zwei")
    second = pack(laptop)
    assert take(home.house, home.actor, second).changed == 1
    before = digests(home)
    for file in (second, first):
        assert take(home.house, home.actor, file).again
        assert digests(home) == before
    assert home.patient(home.anna).note == "zwei"


def test_a_later_file_merges_on_top(home, laptop):
    change(laptop, home.anna, note="vom Laptop")
    take(home.house, home.actor, pack(laptop))
    change(home, home.anna, language="de")
    change(laptop, home.anna, note=None)  # as it was when it went out: told all the same
    report = take(home.house, home.actor, pack(laptop))
    anna = home.patient(home.anna)
    assert (anna.note, anna.language, report.changed, report.conflicts) == (None, "de", 1, 0)


def test_what_both_changed_differently_waits_side_by_side(home, laptop):
    change(home, home.anna, family="Adler-Home", note="gleich")
    change(laptop, home.anna, family="Adler-Weg", note="gleich", prefix="Dr.")
    report = take(home.house, home.actor, pack(laptop))
    assert (report.conflicts, report.changed) == (1, 1)
    one = conflicts(home)[0]
    assert (one.path, one.base, one.ours, one.theirs) == ("family", "Adler", "Adler-Home", "Adler-Weg")
    assert (one.kind, one.patient, one.why) == ("Patient", home.anna, laptop_returning.BOTH)
    anna = home.patient(home.anna)
    assert (anna.family, anna.prefix) == ("Adler-Home", "Dr.")  # until it is decided ours stays
    home.do(lambda tx: decide(home.house, tx, one.id, "theirs"))
    assert home.patient(home.anna).family == "Adler-Weg" and not conflicts(home)
    with pytest.raises(Problem, match="conflict_decided"):
        home.do(lambda tx: decide(home.house, tx, one.id, "ours"))


def test_an_own_value_decides_and_nonsense_is_refused(home, laptop):
    change(home, home.anna, family="Adler-Home")
    change(laptop, home.anna, family="Adler-Weg")
    take(home.house, home.actor, pack(laptop))
    one = conflicts(home)[0]
    before = digests(home)
    for value in ({"a": 1}, 7, None):
        with pytest.raises(Problem, match="choice_invalid"):
            home.do(lambda tx, value=value: decide(home.house, tx, one.id, "own", value))
    assert digests(home) == before
    home.do(lambda tx: decide(home.house, tx, one.id, "own", "Adler-Beide"))
    assert home.patient(home.anna).family == "Adler-Beide"


def test_a_conflict_that_waits_is_renewed_and_one_that_is_gone_is_closed(home, laptop):
    change(home, home.anna, family="Home")
    change(laptop, home.anna, family="Weg")
    take(home.house, home.actor, pack(laptop))
    change(laptop, home.anna, family="Weiter")
    take(home.house, home.actor, pack(laptop))
    assert [one.theirs for one in conflicts(home)] == ["Weiter"]
    change(laptop, home.anna, family="Home")
    report = take(home.house, home.actor, pack(laptop))
    assert not conflicts(home) and report.conflicts == 0


def test_a_new_appointment_comes_home_and_where_its_time_is_taken_it_is_proposed(home, laptop):
    doctor = home.practice.doctors[0]

    def booked(house, tx, start, patient):
        wish = calendar.Wish(service=home.practice.check, start=start, schedules=(doctor,), patient=patient)
        return calendar.book(house, tx, wish)

    home.do(lambda tx: booked(home.house, tx, MONDAY_10 + 7_200, home.stays))
    taken = work(laptop, lambda tx: booked(laptop, tx, MONDAY_10 + 7_200, home.ben)).id
    free = work(laptop, lambda tx: booked(laptop, tx, MONDAY_10 + 14_400, home.ben)).id
    report = take(home.house, home.actor, pack(laptop))
    assert (report.added, report.proposed, report.conflicts) == (2, 1, 0)
    with home.house.store.read(home.actor) as tx:
        assert calendar.get(tx, free).status == "booked"
        assert calendar.get(tx, taken).status == "proposed"
        assert [one.appointment for one in calendar.open_conflicts(tx)] == [taken]


def test_an_appointment_moved_to_a_time_that_is_taken_waits(home, laptop):
    def other(tx):
        wish = calendar.Wish(
            service=home.practice.check,
            start=MONDAY_10 + 7_200,
            schedules=(home.practice.doctors[0],),
            patient=home.stays,
        )
        return calendar.book(home.house, tx, wish)

    home.do(other)
    old = home.read(lambda tx: calendar.get(tx, home.appointment))

    def moved(tx):
        wish = calendar.Wish(
            service=old.service, start=MONDAY_10 + 7_200, schedules=(home.practice.doctors[0],)
        )
        calendar.move(laptop, tx, home.appointment, wish)
        calendar.change(laptop, tx, home.appointment, note="verlegt")

    work(laptop, moved)
    report = take(home.house, home.actor, pack(laptop))
    assert report.refused == report.conflicts == 2  # time and note: a record is taken whole, or waits
    waiting = {one.path: one for one in conflicts(home)}
    assert waiting["time"].why == "calendar.slot_taken"
    assert home.read(lambda tx: calendar.get(tx, home.appointment)) == old
    with pytest.raises(Problem, match="slot_taken"):
        home.do(lambda tx: decide(home.house, tx, waiting["time"].id, "theirs"))
    own = {**waiting["time"].theirs, "start": MONDAY_10 + 21_600, "end": MONDAY_10 + 23_400}
    home.do(lambda tx: decide(home.house, tx, waiting["time"].id, "own", own))
    home.do(lambda tx: decide(home.house, tx, waiting["note"].id, "theirs"))
    now = home.read(lambda tx: calendar.get(tx, home.appointment))
    assert (now.start, now.note) == (MONDAY_10 + 21_600, "verlegt")


def test_a_cancelled_appointment_and_a_removed_treatment_come_home(home, laptop):
    work(laptop, lambda tx: calendar.cancel(laptop, tx, home.appointment, "krank"))
    work(laptop, lambda tx: directory.remove_treatment(tx, home.treatment, 1))
    report = take(home.house, home.actor, pack(laptop))
    assert (report.changed, report.removed) == (1, 1)
    with home.house.store.read(home.actor) as tx:
        one = calendar.get(tx, home.appointment)
        assert (one.status, one.cancel_reason) == ("cancelled", "krank")
        assert not directory.treatments_of(tx, [home.anna])


def test_removed_there_and_changed_here_waits(home, laptop):
    home.do(lambda tx: directory.amend_treatment(tx, home.treatment, {"note": "Krone"}, 1))
    work(laptop, lambda tx: directory.remove_treatment(tx, home.treatment, 1))
    assert take(home.house, home.actor, pack(laptop)).conflicts == 1
    one = conflicts(home)[0]
    assert one.path == "*" and one.ours["note"] == "Krone" and not one.theirs
    home.do(lambda tx: decide(home.house, tx, one.id, "theirs"))
    assert not home.read(lambda tx: directory.treatments_of(tx, [home.anna]))


def test_a_person_new_on_the_laptop_is_compared_with_everybody_at_home(home, laptop):
    def new(tx):
        directory.put_patient(tx, Patient(id="neu1", family="Daheim", given="Dora", birth_date="1972-09-10"))
        return directory.put_patient(tx, Patient(id="neu2", family="Neuling", given="Nina"))

    work(laptop, new)
    assert take(home.house, home.actor, pack(laptop)).added == 2
    assert home.patient("neu1").unconfirmed and not home.patient("neu2").unconfirmed
    assert home.patient(home.stays).family == "Daheim"  # never joined without a person
    with home.house.store.read(home.actor) as tx:
        assert len(directory.doubts(tx, "neu1")) == 1


def test_a_patient_merged_at_home_meanwhile_gets_the_changes_on_the_record_that_goes_on(home, laptop):
    refs = home.house.registry.patient_refs
    home.do(lambda tx: directory.merge(tx, refs, home.stays, home.ben))
    change(laptop, home.ben, note="vom Laptop")
    work(
        laptop, lambda tx: medication.enter_statement(laptop, tx, Statement(patient=home.ben, text="ASS 100"))
    )
    report = take(home.house, home.actor, pack(laptop))
    assert home.patient(home.stays).note == "vom Laptop" and report.conflicts == 0
    assert [x.text for x in home.read(lambda tx: medication.statements(tx, [home.stays]))] == ["ASS 100"]


def test_a_locked_record_is_no_loss(home, laptop):
    from praxisd.kernel import leases

    change(laptop, home.anna, note="vom Laptop")
    home.do(lambda tx: leases.acquire(tx, f"record:Patient/{home.anna}", "seat", 60))
    report = take(home.house, home.actor, pack(laptop))
    assert (report.refused, report.changed) == (1, 0)
    one = conflicts(home)[0]
    assert (one.why, one.path, one.theirs) == ("seats.locked", "note", "vom Laptop")
    home.house.clock.advance(3_600)
    home.do(lambda tx: decide(home.house, tx, one.id, "theirs"))
    assert home.patient(home.anna).note == "vom Laptop"


def test_a_run_that_was_cut_off_is_taken_up_by_the_same_file(home, laptop, monkeypatch):
    change(laptop, home.anna, note="eins")
    change(laptop, home.ben, note="zwei")
    file = pack(laptop)
    real, calls = laptop_returning._merge, []

    def cut(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(laptop_returning, "_merge", cut)
    with pytest.raises(KeyboardInterrupt):
        take(home.house, home.actor, file)
    monkeypatch.setattr(laptop_returning, "_merge", real)
    report = take(home.house, home.actor, file)
    assert report.changed == 1 and not report.again
    assert (home.patient(home.anna).note, home.patient(home.ben).note) == ("eins", "zwei")
    assert home.patient(home.anna).version == home.patient(home.ben).version == 2


def test_two_files_of_one_loan_wait_for_each_other(home, laptop):
    from praxisd.kernel import leases

    change(laptop, home.anna, note="eins")
    file, key = pack(laptop), f"exchange.loan:{home.given.loan}"
    home.do(lambda tx: leases.acquire(tx, key, "another", 60))
    with pytest.raises(Problem, match="loan_busy"):
        take(home.house, home.actor, file)
    home.house.clock.advance(61)
    assert take(home.house, home.actor, file).changed == 1


def test_a_merge_that_took_too_long_ends_where_another_has_begun(home, laptop, monkeypatch):
    from praxisd.kernel import leases

    change(laptop, home.anna, note="eins")
    change(laptop, home.ben, note="zwei")
    file, key = pack(laptop), f"exchange.loan:{home.given.loan}"
    real, calls = laptop_returning._one, []

    def slow(*args):
        calls.append(1)
        if len(calls) == 1:
            return real(*args)
        raise AssertionError("a record was merged without the lease")

    def late(*args):
        if calls:  # after the first record it stands still, and somebody else begins
            home.house.clock.advance(laptop_returning.BUSY_S + 1)
            home.do(lambda tx: leases.acquire(tx, key, "another", 60))
        return merge(*args)

    merge = laptop_returning._merge
    monkeypatch.setattr(laptop_returning, "_one", slow)
    monkeypatch.setattr(laptop_returning, "_merge", late)
    with pytest.raises(Problem, match="loan_busy"):
        take(home.house, home.actor, file)
    assert len(calls) == 1
    assert sorted((home.patient(home.anna).note or "", home.patient(home.ben).note or ""))[0] == ""


def test_what_the_laptop_brings_for_somebody_who_was_not_lent_waits(home, laptop, monkeypatch):
    """A laptop that was tampered with brings nothing into other records by itself."""
    monkeypatch.setattr(laptop_opening, "_everybody", lambda _tx: [])
    lines = laptop_opening._changes

    def more(tx, out):
        doc = {"id": "x1", "patient": home.stays, "text": "Gift", "version": 1}
        return [*lines(tx, out), laptop_opening.Line(kind="MedicationStatement", id="x1", doc=doc)]

    monkeypatch.setattr(laptop_opening, "_changes", more)
    report = take(home.house, home.actor, pack(laptop))
    assert (report.refused, report.added) == (1, 0)
    assert conflicts(home)[0].why == "exchange.record_foreign"
    assert not home.read(lambda tx: medication.statements(tx, [home.stays]))


def test_loans_are_listed_also_for_one_patient_and_say_what_they_are(home, laptop):
    def listed(patient=None):
        return home.read(lambda tx: laptop_views.loans(home.house, tx, "de", patient))

    assert [one.state for one in listed()] == ["out"] and [one.patients for one in listed(home.anna)] == [2]
    assert listed(home.stays) == []
    take(home.house, home.actor, pack(laptop, last=True))
    assert [(one.state, one.number) for one in listed()] == [("back", 1)]
    assert listed(home.ben) == []  # what the laptop had is not kept any longer
    assert take(home.house, home.actor, pack(laptop)).again  # it ended: nothing new can come
    home.lend(home.stays)
    home.house.clock.advance(30 * 86_400)
    assert [one.state for one in listed()] == ["over", "back"]
    assert home.read(laptop_store.laptop) is None
