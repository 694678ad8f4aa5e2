"""What comes from elsewhere and the way back: take-over, undo to the exact row, a laptop's records."""

import msgspec
import pytest
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import mine
from praxisd.model.statement import Risk, Statement
from praxisd.services.medication import api, statement_store, statements

from .medication_cast import product
from .medication_cast import the_practice as _practice  # noqa: F401
from .seats_cast import program, session_at


def rows(house, practice, table):
    """The whole table, as the hash of a take-over's undo sees it."""
    with house.store.read(practice.desk()) as tx:
        return tx.tuples(sa.select(table).where(mine(table)).order_by(table.c.id))


def run(house, practice, work):
    return house.store.run(practice.desk(), work)


def refused(code, call):
    with pytest.raises(Problem) as found:
        call()
    assert found.value.code == code


def test_a_line_of_another_program_is_taken_once(house, practice):
    id_, _, pzn = product(house, "Ibuprofen Muster 600")
    line = {"patient": practice.patient, "text": "IBU  600", "dosage": "1-0-1", "since": "2026"}

    def take(**more):
        return run(house, practice, lambda tx: api.take_statement(house, tx, **line | more))

    made = take()
    assert made is not None and made[1] == 1
    assert take() is None and take(text="ibu 600") is None
    assert take(dosage="2-0-0") is not None
    known = take(pzn=pzn)
    odd = take(text="Tropfen", pzn="1,23E+07")
    with house.store.read(practice.desk()) as tx:
        first, by_pzn, strange = (api.statement(tx, one[0]) for one in (made, known, odd))
    assert (first.status, first.source, first.product) == ("unknown", "import", None)
    assert (by_pzn.product, by_pzn.pzn) == (id_, pzn)
    assert (strange.text, strange.pzn) == ("Tropfen (PZN 1,23E+07)", None)
    assert take(text="Tropfen", pzn="1,23E+07") is None

    def there(**more):
        with house.store.read(practice.desk()) as tx:
            return api.has_statement(tx, **line | more)

    assert there() and there(pzn=pzn) and there(text="tropfen", pzn="1,23E+07")
    assert not there(dosage="3-0-0") and not there(until="2027") and not there(text="Tropfen")
    run(house, practice, lambda tx: statements.withdraw(tx, made[0]))  # a person: it was a mistake
    assert take() is None and there()
    risk = {"patient": practice.patient, "text": "Penicillin-Allergie"}
    first = run(house, practice, lambda tx: api.take_risk(house, tx, **risk))
    assert first is not None
    assert run(house, practice, lambda tx: api.take_risk(house, tx, **risk)) is None
    with house.store.read(practice.desk()) as tx:
        (kept,) = api.risks(tx, [practice.patient])
        for text, known in ((f" {risk['text'].upper()}  ", True), (f"{risk['text']} nicht", False)):
            assert (
                api.has_risk(tx, patient=practice.patient, text=text) is known
            )  # a look says what the writing will do
    assert (kept.condition, kept.source) == (None, "import")


def test_what_was_taken_goes_as_if_it_had_never_come(house, practice):
    tables = (statement_store.STATEMENT, statement_store.RISK)
    before = [rows(house, practice, one) for one in tables]
    line = {"patient": practice.patient, "text": "Ramipril"}
    one = run(house, practice, lambda tx: api.take_statement(house, tx, **line))
    two = run(house, practice, lambda tx: api.take_risk(house, tx, **line))
    pairs = (("MedicationStatement", one), ("Risk", two))
    for kind, (id_, version) in pairs:
        stale = run(house, practice, lambda tx, k=kind, i=id_, v=version: api.take_back(tx, k, i, v + 1))
        gone = run(house, practice, lambda tx, k=kind, i=id_, v=version: api.take_back(tx, k, i, v))
        again = run(house, practice, lambda tx, k=kind, i=id_, v=version: api.take_back(tx, k, i, v))
        assert (stale, gone, again) == (False, True, False)
    assert [rows(house, practice, one) for one in tables] == before


def test_a_change_is_taken_back_to_the_exact_row(house, practice):
    line = Statement(patient=practice.patient, text="Ramipril")
    made = run(house, practice, lambda tx: api.enter_statement(house, tx, line))
    before = rows(house, practice, statement_store.STATEMENT)
    with house.store.read(practice.desk()) as tx:
        former = api.kept(tx, "MedicationStatement", made.id)
        assert api.kept(tx, "Risk", made.id) is None
    former = msgspec.json.decode(msgspec.json.encode(former), type=api.Kept)  # as an undo would keep it
    house.clock.advance(60)
    changed = msgspec.structs.replace(made, dosage="1-0-0")
    saved = run(house, practice, lambda tx: api.amend(tx, changed, made.version))
    assert saved.version == 2 and rows(house, practice, statement_store.STATEMENT) != before
    assert run(house, practice, lambda tx: api.put_back(tx, former, 1)) is False
    assert run(house, practice, lambda tx: api.put_back(tx, former, 2)) is True
    assert rows(house, practice, statement_store.STATEMENT) == before
    assert run(house, practice, lambda tx: api.put_back(tx, former, None)) is False
    assert run(house, practice, lambda tx: api.take_back(tx, "MedicationStatement", made.id, 1)) is True
    assert run(house, practice, lambda tx: api.put_back(tx, former, None)) is True
    assert rows(house, practice, statement_store.STATEMENT) == before
    with house.store.read(practice.desk()) as tx:
        told = [one.type for one in events.about(tx, "MedicationStatement", made.id)]
    assert sorted(told) == [
        "medication.statement_added",
        "medication.statement_added",
        "medication.statement_changed",
        "medication.statement_changed",
        "medication.statement_removed",
    ]


@pytest.mark.parametrize("kind", ["MedicationStatement", "Risk"])
def test_records_of_a_laptop_come_whole(house, practice, kind):
    form = Statement if kind == "MedicationStatement" else Risk
    new = form(
        id="von-laptop-1", patient=practice.patient, text="Tee", recorded_at=5, recorded_by="user:anna"
    )
    made = run(house, practice, lambda tx: api.bring(tx, new))
    assert made == new
    unknown = msgspec.structs.replace(new, id="zwei", patient="niemand")
    refused("directory.patient_unknown", lambda: run(house, practice, lambda tx: api.bring(tx, unknown)))
    other = msgspec.structs.replace(made, note="n")
    saved = run(house, practice, lambda tx: api.amend(tx, other, 1))
    assert (saved.version, saved.note, saved.recorded_by) == (2, "n", "user:anna")
    refused("resource.stale", lambda: run(house, practice, lambda tx: api.amend(tx, other, 1)))
    anna = session_at(house, program(house, practice))
    anna.here()
    fence = anna.lock(f"Patient/{practice.patient}")
    refused("seats.locked", lambda: run(house, practice, lambda tx: api.amend(tx, other, 2)))
    refused("seats.locked", lambda: run(house, practice, lambda tx: api.remove(tx, kind, made.id, 2)))
    anna.release(f"Patient/{practice.patient}", fence)
    refused("resource.stale", lambda: run(house, practice, lambda tx: api.remove(tx, kind, made.id, 1)))
    run(house, practice, lambda tx: api.remove(tx, kind, made.id, 2))
    refused("http.not_found", lambda: run(house, practice, lambda tx: api.remove(tx, kind, made.id, 2)))
    with house.store.read(practice.desk()) as tx:
        assert api.statement(tx, made.id) is None and api.risk(tx, made.id) is None
