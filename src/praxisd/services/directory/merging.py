"""Two records, one person: merging with undo, and the decisions about possible matches.

A merged record stays readable, inactive and linked. All tables that name a patient (`Service.patient_refs`) are turned
to the record that goes on; which rows were turned is kept, so that a mistake can be taken back.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from praxisd.kernel import events
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.people import Patient
from praxisd.services.directory import merge_store, person_store, rules, store
from praxisd.services.directory.claims import follow, organization

Refs = Sequence[tuple[str, str]]
FILLED = ("telecom", "address", "birth_date", "gender", "language", "prefix")
"""Fields the kept record takes over where it says nothing itself. Names are never joined."""
DEATH = ("deceased", "deceased_undated")
"""So is the death: who goes on in place of somebody who died is not written to."""


class _Moved(msgspec.Struct, frozen=True):
    """What a merge did: rows turned (table, column, keys), fields filled (name → document of the value)."""

    rows: tuple[tuple[str, str, list[list[Any]]], ...]
    filled: dict[str, Any]
    unconfirmed: bool = False


def merge(
    tx: Tx,
    refs: Refs,
    kept: str,
    dropped: str,
    expected: int | None = None,
    fence: int | None = None,
    *,
    mistaken: bool = False,
) -> str:
    """Let `kept` go on in place of `dropped`; returns the id of the merge, by which it can be undone.

    `mistaken`: what the dropped one says is wrong: nothing of it is taken over, and nobody is found by its numbers.
    `refs` are `registry.patient_refs`. Raises 404 for unknown ids, `directory.merge_impossible` (409) for one record
    with itself or records that are merged already, `directory.merge_blocked` (409) where a table refuses the move.
    """
    keep, drop = store.patients.need(tx, kept), store.patients.need(tx, dropped)
    if kept == dropped or keep.merged_into is not None or drop.merged_into is not None:
        raise Problem("directory.merge_impossible", 409)
    wanted = FILLED if keep.dead else (*FILLED, *DEATH)
    filled = {name: getattr(drop, name) for name in wanted if not getattr(keep, name) and getattr(drop, name)}
    if mistaken:
        filled = {}
        person_store.put_contacts(tx, dropped, dropped, ())
    rows = []
    for table, column in refs:
        if table not in store.HISTORY:
            try:
                changed = merge_store.point(tx, table, column, dropped, kept, None)
            except Violation:
                raise Problem("directory.merge_blocked", 409, table=table) from None
            if changed:
                rows.append((table, column, changed))
    after = store.patients.save(tx, msgspec.structs.replace(keep, **filled), expected, fence)
    gone = msgspec.structs.replace(drop, active=False, merged_into=kept, unconfirmed=False)
    gone = store.patients.save(tx, gone)
    id_ = new_id()
    moved = _Moved(tuple(rows), filled, drop.unconfirmed)
    merge_store.add_merge(tx, id_, kept, dropped, msgspec.json.encode(moved).decode())
    _settle(tx, dropped)
    events.note(
        tx, "patient.merged", "Patient", kept, version=after.version, fields=sorted(filled), dropped=dropped
    )
    events.note(
        tx, "patient.changed", "Patient", dropped, version=gone.version, fields=("active", "merged_into")
    )
    return id_


def undo(tx: Tx, refs: Refs, id_: str) -> tuple[str, str]:
    """Take a merge back; returns the ids of the kept and of the revived record.

    Rows that were made since stay with the kept record, and so do fields a person has changed since. Raises 404, and
    `directory.merge_undo_blocked` (409) if it was undone before, or the kept record was itself merged since.
    """
    row = merge_store.merge_row(tx, id_)
    if row is None:
        raise not_found("Merge")
    keep, drop = store.patients.need(tx, row.kept), store.patients.need(tx, row.dropped)
    if row.undone_at is not None or keep.merged_into is not None or drop.merged_into != keep.id:
        raise Problem("directory.merge_undo_blocked", 409)
    moved = msgspec.json.decode(row.moved, type=_Moved)
    allowed = set(refs)
    for table, column, keys in moved.rows:
        if (table, column) in allowed:  # a plug-in that is gone has no table to turn back
            merge_store.point(tx, table, column, keep.id, drop.id, keys)
    blank = {f.name: f.default for f in msgspec.structs.fields(Patient) if f.name in moved.filled}
    back = {name: value for name, value in blank.items() if _same(getattr(keep, name), moved.filled[name])}
    after = store.patients.save(tx, msgspec.structs.replace(keep, **back))
    revived = msgspec.structs.replace(drop, active=True, merged_into=None, unconfirmed=False)
    revived = store.patients.save(tx, revived)
    contacts = rules.contact_keys(revived.telecom, organization(tx).country)
    person_store.put_contacts(tx, revived.id, revived.id, contacts)
    merge_store.merge_undone(tx, id_)
    events.note(
        tx,
        "patient.unmerged",
        "Patient",
        keep.id,
        version=after.version,
        fields=sorted(back),
        revived=drop.id,
    )
    events.note(
        tx, "patient.changed", "Patient", drop.id, version=revived.version, fields=("active", "merged_into")
    )
    return keep.id, drop.id


def _same(value: Any, stored: Any) -> bool:
    return bool(msgspec.to_builtins(value) == stored)


def decide(tx: Tx, refs: Refs, id_: str, outcome: Literal["same", "different"]) -> Patient:
    """A person's decision about a possible match; returns the patient that goes on.

    `same` merges the new record into the known one and closes its other questions. Raises 404, and
    `directory.match_decided` (409) if someone was faster.
    """
    row = merge_store.match_row(tx, id_)
    if row is None:
        raise not_found("Match")
    if row.outcome is not None:
        raise Problem("directory.match_decided", 409)
    new, known = follow(tx, row.patient), follow(tx, row.candidate)
    outcome_kept = "obsolete" if new.id == known.id else outcome
    merge_store.decide(tx, id_, outcome_kept)
    events.note(
        tx, "patient.match_decided", "Patient", new.id, version=new.version, match=id_, outcome=outcome_kept
    )
    if outcome_kept == "same":
        merge(tx, refs, known.id, new.id)
        return follow(tx, known.id)
    return _confirm(tx, new)


def _confirm(tx: Tx, patient: Patient) -> Patient:
    """Once no question is open any more, a new patient is one like all others."""
    if not patient.unconfirmed or merge_store.open_matches_of(tx, patient.id):
        return patient
    saved = store.patients.save(tx, msgspec.structs.replace(patient, unconfirmed=False))
    events.note(tx, "patient.changed", "Patient", saved.id, version=saved.version, fields=("unconfirmed",))
    return saved


def _settle(tx: Tx, dropped: str) -> None:
    """Questions about a record that was merged away need no answer any more."""
    for row in merge_store.open_matches_of(tx, dropped):
        merge_store.decide(tx, row.id, "obsolete")
