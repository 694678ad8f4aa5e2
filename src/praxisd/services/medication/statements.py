"""A patient's list: entering, changing and ending lines of it.

Which product a line means is a person's choice or an exact package number, never guessed from a name. The list goes with the
lock of its patient: a save without the valid fence while another seat holds `Patient/<id>` is refused (423).
"""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, leases
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.fhir_times import is_date
from praxisd.model.statement import FromSet, Risk, Statement
from praxisd.services.directory import api as directory
from praxisd.services.medication import knowing, sets_reading, statement_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KIND = "MedicationStatement"
NAME_LIMIT, TEXT_LIMIT, NOTE_LIMIT = 1_000, 2_000, 20_000
"""Characters of a name, of a dosage, of a note."""
_MEANT = ("product", "pzn")


def guarded(tx: Tx, patient: str, fence: int | None) -> None:
    """Refuse (423) while another seat holds the patient's record, unless `fence` is the valid one."""
    leases.guard(tx, f"Patient/{patient}", fence)


def check(one: Statement | Risk) -> None:
    """Refuse (422) texts that are empty, endless or not to be written down, and days that are none or out of order."""
    for name in ("text", "dosage", "note"):
        value: str | None = getattr(one, name, None)
        limit = {"text": NAME_LIMIT, "dosage": TEXT_LIMIT}.get(name, NOTE_LIMIT)
        if value is not None and (len(value) > limit or FORBIDDEN_CHARACTERS.search(value)):
            raise Problem("medication.text_invalid", 422, field=name, limit=limit)
    if not one.text.strip():
        raise Problem("medication.unnamed", 422)
    since, until = one.since, getattr(one, "until", None)
    for day in (since, until):
        if day is not None and not is_date(day):
            raise Problem("medication.day_invalid", 422)
    if since is not None and until is not None:
        known = min(len(since), len(until))
        if until[:known] < since[:known]:
            raise Problem("medication.days_reversed", 422)


def meant(house: "House", tx: Tx, one: Statement) -> Statement:
    """The statement with what the data set in use says of its product: name, substances, ATC code, edition.

    With `product` the set must have it (`medication.product_unknown` 422) and must not be out of date (`medication.no_data`,
    `medication.data_expired` 409), and a `pzn` must be one of its packages (`medication.pzn_mismatch` 422). With `pzn`
    alone: the product of that package, and the plain text where there is none.
    """
    bare = msgspec.structs.replace(one, product=None, from_set=None, substances=())
    if one.product is None and one.pzn is None:
        return bare
    pzn = one.pzn
    if one.product is None:
        try:
            opened = sets_reading.for_entry(house, tx)
        except Problem:
            return bare
        id_ = knowing.product_of_pzn(opened, pzn or "")
        if id_ is None:
            return bare
    else:
        opened, id_ = sets_reading.for_entry(house, tx), one.product
    known = knowing.products(opened, [id_]).get(id_)
    if known is None:
        raise Problem("medication.product_unknown", 422)
    if pzn is not None and knowing.product_of_pzn(opened, pzn) != id_:
        raise Problem("medication.pzn_mismatch", 422)
    return msgspec.structs.replace(
        bare,
        product=id_,
        text=one.text.strip() or known.name,
        from_set=FromSet(element=opened.element, version=opened.version),
        substances=(*known.active, *known.salts),
        atc=known.atc,
    )


def enter(house: "House", tx: Tx, one: Statement, fence: int | None = None) -> Statement:
    """A new line under its own id, or a new one if it brings none. A merged patient is followed to the record that goes on;
    an unknown one is `directory.patient_unknown` (422). Further refusals: `check`, `meant`, `guarded`.
    """
    patient = directory.known(tx, one.patient).id
    guarded(tx, patient, fence)
    one = meant(house, tx, msgspec.structs.replace(one, patient=patient))
    check(one)
    made = statement_store.statements.insert(tx, stamped(tx, one))
    events.note(tx, "medication.statement_added", KIND, made.id, version=1, patient=patient)
    return made


def stamped(tx: Tx, one: Any) -> Any:
    """The record with an id, the time and who entered it, where it brings none."""
    return msgspec.structs.replace(
        one,
        id=one.id or new_id(),
        recorded_at=one.recorded_at or tx.now,
        recorded_by=one.recorded_by or tx.actor.label,
    )


def change(
    house: "House",
    tx: Tx,
    id_: str,
    fields: dict[str, Any],
    expected: int | None = None,
    fence: int | None = None,
) -> Statement:
    """Change the given fields. Nothing given changes nothing, not even the version; whose line it is never changes.

    Raises 404, 412 `resource.stale`, 423, and the refusals of `check` and `meant`. Another name without another product
    (`text` alone) keeps the product: it is what people read.
    """
    before = statement_store.statements.need(tx, id_)
    guarded(tx, before.patient, fence)
    check_version(expected, before.version, KIND)
    after: Statement = msgspec.structs.replace(before, **fields)
    if any(name in fields and getattr(after, name) != getattr(before, name) for name in _MEANT):
        # Another product is another name, unless the caller names it; none at all leaves what is read.
        renamed = "text" in fields or after.product is None
        after = meant(house, tx, after if renamed else msgspec.structs.replace(after, text=""))
        if not after.text:  # no product after all: a package number that the data set does not know
            after = msgspec.structs.replace(after, text=before.text)
    changed = changed_fields(before, after)
    if not changed:
        return before
    check(after)
    saved = statement_store.statements.save(tx, after, expected)
    events.note(
        tx,
        "medication.statement_changed",
        KIND,
        id_,
        version=saved.version,
        fields=changed,
        patient=saved.patient,
    )
    return saved


def withdraw(tx: Tx, id_: str, expected: int | None = None, fence: int | None = None) -> Statement:
    """Mark a line as entered by mistake: it stays readable, and is no longer checked. Refusals as `change`."""
    before = statement_store.statements.need(tx, id_)
    guarded(tx, before.patient, fence)
    check_version(expected, before.version, KIND)
    if before.status == "entered-in-error":
        return before
    after = msgspec.structs.replace(before, status="entered-in-error")
    saved = statement_store.statements.save(tx, after, expected)
    events.note(tx, "medication.statement_removed", KIND, id_, version=saved.version, patient=saved.patient)
    return saved
