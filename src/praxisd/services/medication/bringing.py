"""Statements and risks that come from elsewhere: a take-over of old data, a laptop that is back. And the way back.

What comes by an exact package number is that product; all else stays the text it was, and its name is checked by nobody.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import not_found
from praxisd.kernel.resource import Records, changed_fields
from praxisd.kernel.store import Tx
from praxisd.model import pzn as pzn_rules
from praxisd.model.statement import Risk, Statement, StatementSource, StatementStatus
from praxisd.services.directory import api as directory
from praxisd.services.medication import risks, statement_store, statements
from praxisd.services.medication.statement_store import Kept, Kind

if TYPE_CHECKING:
    from praxisd.kernel.app import House

R = TypeVar("R", Statement, Risk)
_EVENTS: dict[Kind, str] = {"MedicationStatement": "medication.statement", "Risk": "medication.risk"}


def take_statement(
    house: "House",
    tx: Tx,
    *,
    patient: str,
    text: str,
    pzn: str | None = None,
    atc: str | None = None,
    dosage: str | None = None,
    since: str | None = None,
    until: str | None = None,
    status: StatementStatus = "unknown",
    note: str | None = None,
    source: StatementSource = "import",
) -> tuple[str, int] | None:
    """A line of another program's list; (id, version) of it here, None where the very same stands there already, also where
    a person has struck it out as a mistake since: no file brings it back.

    A package number that is none stays with the name, where a person sees it. Refusals as `statements.enter`.
    """
    text, pzn = _named(text, pzn)
    told = Statement(
        patient=patient,
        text=text,
        pzn=pzn,
        atc=atc,
        dosage=dosage,
        since=since,
        until=until,
        status=status,
        note=note,
        source=source,
    )
    if _there(tx, told):
        return None
    made = statements.enter(house, tx, told)
    return made.id, made.version


def has_statement(
    tx: Tx,
    *,
    patient: str,
    text: str,
    pzn: str | None = None,
    dosage: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> bool:
    """Whether `take_statement` would find the very same there."""
    text, pzn = _named(text, pzn)
    return _there(tx, Statement(patient=patient, text=text, pzn=pzn, dosage=dosage, since=since, until=until))


def _named(text: str, pzn: str | None) -> tuple[str, str | None]:
    """The name and the package number, which goes into the name where it is none."""
    number = None if pzn is None else pzn_rules.read(pzn)
    if pzn is not None and (number is None or not pzn_rules.valid(number)):
        return f"{text} (PZN {pzn.strip()})".strip(), None
    return text, number


def _there(tx: Tx, told: Statement) -> bool:
    listed = statement_store.statements_of(tx, directory.known(tx, told.patient).id)
    return any(_same(one, told) for one in listed)


def _same(one: Statement, told: Statement) -> bool:
    names = ("pzn", "dosage", "since", "until")
    return one.text.casefold().split() == told.text.casefold().split() and all(
        getattr(one, name) == getattr(told, name) for name in names
    )


def take_risk(
    house: "House", tx: Tx, *, patient: str, text: str, since: str | None = None, note: str | None = None
) -> tuple[str, int] | None:
    """A risk from another program, as the text it was; None where the same text stands there already."""
    if has_risk(tx, patient=patient, text=text):
        return None
    made = risks.enter(house, tx, Risk(patient=patient, text=text, since=since, note=note, source="import"))
    return made.id, made.version


def has_risk(tx: Tx, *, patient: str, text: str) -> bool:
    """Whether `take_risk` would find the same text there."""
    words = text.casefold().split()
    listed = statement_store.risks_of(tx, directory.known(tx, patient).id)
    return any(one.text.casefold().split() == words for one in listed)


def bring(tx: Tx, record: R) -> R:
    """A new record stored as it is, under its own id: what was entered on a laptop. Its patient must be here (422)."""
    kind, held = _held(record)
    record = msgspec.structs.replace(record, patient=directory.known(tx, record.patient).id)
    statements.guarded(tx, record.patient, None)
    statements.check(record)
    made: R = held.insert(tx, statements.stamped(tx, record))
    events.note(tx, f"{_EVENTS[kind]}_added", kind, made.id, version=1, patient=made.patient)
    return made


def amend(tx: Tx, record: R, expected: int) -> R:
    """The whole record saved over version `expected`; 412 where another one stands there, 423 while its patient is locked."""
    kind, held = _held(record)
    before = held.need(tx, record.id)
    record = msgspec.structs.replace(record, patient=directory.known(tx, record.patient).id)
    for one in {before.patient, record.patient}:
        statements.guarded(tx, one, None)
    statements.check(record)
    saved: R = held.save(tx, record, expected)
    fields = changed_fields(before, saved)
    events.note(
        tx,
        f"{_EVENTS[kind]}_changed",
        kind,
        saved.id,
        version=saved.version,
        fields=fields,
        patient=saved.patient,
    )
    return saved


def _held(record: Statement | Risk) -> tuple[Kind, Records[Any]]:
    if isinstance(record, Statement):
        return "MedicationStatement", statement_store.statements
    return "Risk", statement_store.risks


def take_back(tx: Tx, kind: Kind, id_: str, version: int) -> bool:
    """Take the record away as if it had never come. False (and nothing done) where it is not at `version` any more."""
    row = statement_store.kept(tx, kind, id_)
    if row is None or not statement_store.erase(tx, kind, id_, version):
        return False
    _note(tx, row, "removed", version)
    return True


def remove(tx: Tx, kind: Kind, id_: str, expected: int) -> None:
    """As `take_back`, for who expects it to be there: 404 where it is gone, 412 where it is another version."""
    held: Records[Any] = (
        statement_store.statements if kind == "MedicationStatement" else statement_store.risks
    )
    row = statement_store.kept(tx, kind, id_)
    if row is None:
        raise not_found(kind)
    statements.guarded(tx, str(row.values["patient"]), None)
    held.delete(tx, id_, expected)
    _note(tx, row, "removed", expected)


def put_back(tx: Tx, former: Kept, expected: int | None) -> bool:
    """Let a record be exactly what it was; see `statement_store.put_back`. What changed is told by an event."""
    if not statement_store.put_back(tx, former, expected):
        return False
    _note(tx, former, "added" if expected is None else "changed", former.version)
    return True


def _note(tx: Tx, row: Kept, what: str, version: int) -> None:
    patient = str(row.values["patient"])
    events.note(tx, f"{_EVENTS[row.kind]}_{what}", row.kind, row.id, version=version, patient=patient)


def of_patients(tx: Tx, patients: Iterable[str]) -> list[Statement]:
    """The statements of several patients, by patient and order of entering."""
    return [one for id_ in patients for one in statement_store.statements_of(tx, id_)]


def risks_of_patients(tx: Tx, patients: Iterable[str]) -> list[Risk]:
    """The risks of several patients, by patient and order of entering."""
    return [one for id_ in patients for one in statement_store.risks_of(tx, id_)]
