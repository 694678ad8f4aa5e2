"""A patient's list: entering, changing and ending lines of it.

Which product a line means is a person's choice or an exact package number, never guessed from a name. The list goes with the
lock of its patient: a save without the valid fence while another seat holds `Patient/<id>` is refused (423).
"""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from praxisd.kernel import events, leases
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model import pzn as pzn_rules
from praxisd.model.fhir_primitives import FORBIDDEN_CHARACTERS
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_times import is_date
from praxisd.model.statement import FromSet, Risk, Statement
from praxisd.services.directory import api as directory
from praxisd.services.medication import finding, knowing, sets_reading, statement_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KIND = "MedicationStatement"
NAME_LIMIT, TEXT_LIMIT, NOTE_LIMIT = 1_000, 2_000, 20_000
"""Characters of a name, of a dosage, of a note."""


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


def number(text: str) -> str:
    """The eight digits of a package number; `medication.pzn_invalid` (422) for what is none."""
    found = pzn_rules.read(text)
    if found is None or not pzn_rules.valid(found):
        raise Problem("medication.pzn_invalid", 422)
    return found


def meant(house: "House", tx: Tx, one: Statement) -> Statement:
    """The statement with what the data set in use says of its product: name, substances, ATC code, edition.

    With `product` the set must have it (`medication.product_unknown` 422) and must not be out of date (`medication.no_data`,
    `medication.data_expired` 409), and a `pzn` must be one of its packages (`medication.pzn_mismatch` 422). With `pzn`
    alone: the product of that package, and the plain text where there is none.
    """
    bare = msgspec.structs.replace(one, product=None, from_set=None, substances=())
    if one.product is None and one.pzn is None:
        return bare
    pzn = None if one.pzn is None else number(one.pzn)
    bare = msgspec.structs.replace(bare, pzn=pzn)
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
    if made.product is not None and made.source in ("practice", "patient"):
        finding.used(tx, made.product)  # what a take-over brings was used elsewhere
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

    Raises 404, 412 `resource.stale`, 423, the refusals of `check` and `meant`, and `medication.text_of_product` (422) where
    another name would stand beside the product that it had: a line must not say one thing and be checked as another.
    """
    before = statement_store.statements.need(tx, id_)
    guarded(tx, before.patient, fence)
    check_version(expected, before.version, KIND)
    after = _renewed(house, tx, before, msgspec.structs.replace(before, **fields), frozenset(fields))
    changed = changed_fields(before, after)
    if not changed:
        return before
    check(after)
    if "extra" not in fields:
        after = _without_prose(after)
    saved = statement_store.statements.save(tx, after, expected)
    if saved.product is not None and saved.product != before.product:
        finding.used(tx, saved.product)
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


def _renewed(house: "House", tx: Tx, before: Statement, after: Statement, names: frozenset[str]) -> Statement:
    """What a change makes of the product, the package and the name, which belong together. `names`: the given fields."""
    if after.product != before.product:
        if "pzn" not in names:
            after = msgspec.structs.replace(after, pzn=None)
        if after.product is not None and "text" not in names:
            after = msgspec.structs.replace(after, text="")
    elif after.product is not None and after.text != before.text and "product" not in names:
        raise Problem("medication.text_of_product", 422)
    elif after.product is None and after.text.casefold().split() != before.text.casefold().split():
        # Another name is another medicine: the number and the code of the one before would have that one checked.
        kept = {name: None for name in ("pzn", "atc") if name not in names}
        after = msgspec.structs.replace(after, **kept)
    if (after.product, after.pzn) == (before.product, before.pzn):
        return after
    after = meant(house, tx, after)
    if before.product is not None and after.product is None and "atc" not in names:
        return msgspec.structs.replace(after, atc=None)  # the code was that of the product it no longer is
    return after


def _without_prose(one: Statement) -> Statement:
    """Without the narrative (`text`) of the resource it came as, which a changed field would make a lie."""
    if one.extra is UNSET:
        return one
    extra = load_json(one.extra)
    extra.pop("text", None)
    return msgspec.structs.replace(one, extra=dump_json(extra).decode() if extra else UNSET)


def withdraw(tx: Tx, id_: str, expected: int | None = None, fence: int | None = None) -> Statement:
    """Mark a line as entered by mistake: it stays readable, and is no longer checked. Refusals as `change`."""
    before = statement_store.statements.need(tx, id_)
    guarded(tx, before.patient, fence)
    check_version(expected, before.version, KIND)
    if before.status == "entered-in-error":
        return before
    after = _without_prose(msgspec.structs.replace(before, status="entered-in-error"))
    saved = statement_store.statements.save(tx, after, expected)
    events.note(tx, "medication.statement_removed", KIND, id_, version=saved.version, patient=saved.patient)
    return saved
