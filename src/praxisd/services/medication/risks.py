"""What speaks against drugs in one patient: conditions, allergies, passing states. Entered, changed, removed."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.statement import Risk
from praxisd.services.directory import api as directory
from praxisd.services.medication import knowing, sets_reading, statement_store
from praxisd.services.medication.statements import check, guarded, stamped

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KIND = "Risk"


def meant(house: "House", tx: Tx, one: Risk) -> Risk:
    """The risk with the name and kind of its condition; one the data set does not have: `medication.condition_unknown` (422);
    refusals of `sets_reading.for_entry`.

    The wording a person chose stays.
    """
    if one.condition is None:
        return one
    opened = sets_reading.for_entry(house, tx)
    name = knowing.conditions(opened, [one.condition]).get(one.condition)
    kind = knowing.condition_kind(opened, one.condition)
    if name is None or kind is None:
        raise Problem("medication.condition_unknown", 422)
    return msgspec.structs.replace(one, text=one.text.strip() or name, kind=kind)


def enter(house: "House", tx: Tx, one: Risk, fence: int | None = None) -> Risk:
    """A new risk under its own id, or a new one if it brings none; refusals as `statements.enter`."""
    patient = directory.known(tx, one.patient).id
    guarded(tx, patient, fence)
    one = meant(house, tx, msgspec.structs.replace(one, patient=patient))
    check(one)
    made = statement_store.risks.insert(tx, stamped(tx, one))
    events.note(tx, "medication.risk_added", KIND, made.id, version=1, patient=patient)
    return made


def change(
    house: "House",
    tx: Tx,
    id_: str,
    fields: dict[str, Any],
    expected: int | None = None,
    fence: int | None = None,
) -> Risk:
    """Change the given fields; refusals as `statements.change`."""
    before = statement_store.risks.need(tx, id_)
    guarded(tx, before.patient, fence)
    check_version(expected, before.version, KIND)
    after: Risk = msgspec.structs.replace(before, **fields)
    if after.condition != before.condition:
        fresh = (
            after if "text" in fields or after.condition is None else msgspec.structs.replace(after, text="")
        )
        after = meant(house, tx, fresh)
    changed = changed_fields(before, after)
    if not changed:
        return before
    check(after)
    saved = statement_store.risks.save(tx, after, expected)
    events.note(
        tx,
        "medication.risk_changed",
        KIND,
        id_,
        version=saved.version,
        fields=changed,
        patient=saved.patient,
    )
    return saved


def remove(tx: Tx, id_: str, expected: int | None = None, fence: int | None = None) -> None:
    """Remove a risk that was entered by mistake; one that is over is made inactive instead."""
    before = statement_store.risks.need(tx, id_)
    guarded(tx, before.patient, fence)
    statement_store.risks.delete(tx, id_, before.version if expected is None else expected)
    events.note(tx, "medication.risk_removed", KIND, id_, version=before.version, patient=before.patient)
