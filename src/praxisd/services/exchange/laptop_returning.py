"""Back: a file from a laptop is proved whole, then merged record by record (SPEC 11.1).

Each record is one short transaction: its merge, its conflicts and the new base commit together, marked with the file. A run
that was cut off is taken up by the same file; a file that was taken changes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, leases
from praxisd.kernel.access import Actor
from praxisd.kernel.engines import Violation
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, valid_id
from praxisd.kernel.leases import Lease
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_file, laptop_lending, laptop_sealing, laptop_store, merge_rules
from praxisd.services.exchange.laptop_file import Content, Line
from praxisd.services.exchange.laptop_kinds import KINDS, Lent, doc_of, patient_of, record_of
from praxisd.services.exchange.laptop_lending import PURPOSE, Secrets, text_of
from praxisd.services.exchange.merge_rules import MISSING, RECORD, Clash, Doc

if TYPE_CHECKING:
    from praxisd.kernel.app import House

BUSY_S = 600
"""So long a merge that was killed keeps the next one of its loan waiting at most. Seconds."""
REVOKED, BUSY = "exchange.loan_revoked", "exchange.loan_busy"
BOTH = "exchange.changed_on_both"
"""Why a conflict waits, where nothing was refused."""


class Done(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one record, or of all of them.

    `changed`, `added`, `removed` count records here; `fields` the single values that were taken. `proposed`: new
    appointments whose time is taken here. `conflicts` wait for a person, `refused` of them because the practice cannot take
    what came.
    """

    changed: int = 0
    added: int = 0
    removed: int = 0
    fields: int = 0
    proposed: int = 0
    conflicts: int = 0
    refused: int = 0


class Report(Done, frozen=True, kw_only=True, rename="camel"):
    """What became of a file. `again`: it, or a later one, had been taken before, and nothing was changed. `unchanged` records
    said nothing new.
    """

    loan: str
    label: str
    number: int
    last: bool
    again: bool = False
    records: int = 0
    unchanged: int = 0


def take(house: "House", actor: Actor, data: bytes, passphrase: str | None = None) -> Report:
    """Merge a file. Problems, nothing changed: `exchange.file_foreign`, `file_damaged`, `file_newer`, `file_goes_out`,
    `passphrase_missing`, `passphrase_wrong`, `key_wrong` (422), `exchange.file_other_practice`, `loan_unknown`,
    `loan_revoked`, `loan_other_laptop`, `loan_busy`, `laptop_lends_not` (409).
    """
    laptop_lending.need_practice(house)
    content, row = unseal(house, actor, data, passphrase)
    with _alone(house, actor, row.id) as lease:
        return _take(house, actor, content, lease)


@contextmanager
def _alone(house: "House", actor: Actor, loan: str) -> Iterator[Lease]:
    """Two files of one loan are merged one after the other; each record renews the lease. Problem `exchange.loan_busy` (409)."""
    key, holder = f"exchange.loan:{loan}", new_id()
    lease = house.store.run(actor, lambda tx: leases.acquire(tx, key, holder, BUSY_S))
    if lease is None:
        raise Problem(BUSY, 409, retry=True)
    try:
        yield lease
    finally:
        house.store.run(actor, lambda tx: leases.release(tx, lease))


def _take(house: "House", actor: Actor, content: Content, lease: Lease) -> Report:
    manifest = content.manifest
    with house.store.read(actor) as tx:
        row = laptop_lending.need_loan(tx, manifest.loan)
    # Who has ended with it, on the laptop, has brought nothing new since.
    if manifest.number <= row.number or row.state == laptop_store.BACK:
        return Report(loan=row.id, label=row.label, number=manifest.number, last=manifest.last, again=True)
    _check(content.lines)
    order = {name: number for number, name in enumerate(KINDS)}
    lines = sorted(content.lines, key=lambda one: order.get(one.kind, len(order)))
    allowed = _allowed(house, actor, row.id, lines)
    done = [_merge(house, actor, lease, row.id, one, content.sha256, allowed) for one in lines]

    def note(tx: Tx) -> None:
        if not laptop_store.take(
            tx, row.id, manifest.laptop, manifest.number, content.sha256, last=manifest.last
        ):
            raise Problem(REVOKED, 409)
        if manifest.last:
            laptop_store.forget(tx, row.id)
        events.note(
            tx,
            "loan.returned",
            "Loan",
            row.id,
            number=manifest.number,
            records=len(lines),
            conflicts=sum(one.conflicts for one in done),
            last=manifest.last,
        )

    house.store.run(actor, note)
    return Report(
        loan=row.id,
        label=row.label,
        number=manifest.number,
        last=manifest.last,
        records=len(lines),
        unchanged=sum(one == Done() for one in done),
        **{name: sum(getattr(one, name) for one in done) for name in Done.__struct_fields__},
    )


def unseal(house: "House", actor: Actor, data: bytes, passphrase: str | None) -> tuple[Content, Any]:
    """The content, proved to its end, and the row of its loan; see `take` for what is refused."""
    sealed = laptop_sealing.wants_passphrase(data)
    with house.store.read(actor) as tx:
        rows = {one.id: one for one in laptop_store.loans(tx)}
    known = {
        id_: msgspec.json.decode(house.vault.open(PURPOSE, actor.organization, one.secret), type=Secrets)
        for id_, one in rows.items()
    }
    if sealed:
        if not passphrase:
            raise Problem("exchange.passphrase_missing", 422)
        plain = laptop_sealing.open_with_passphrase(data, passphrase)
    else:
        plain = laptop_sealing.open_with_keys(data, [one.identity for one in known.values()])
    manifest = laptop_file.manifest_of(plain)
    if manifest.organization != actor.organization:
        raise Problem("exchange.file_other_practice", 409)
    row = rows.get(manifest.loan)
    if row is None:
        raise Problem("exchange.loan_unknown", 409)
    content = laptop_file.read(plain, "back", known[manifest.loan].proof)
    if row.state == laptop_store.REVOKED:
        raise Problem(REVOKED, 409)
    if row.laptop is not None and row.laptop != manifest.laptop:
        raise Problem("exchange.loan_other_laptop", 409)
    return content, row


def _check(lines: Sequence[Line]) -> None:
    """Before anything is written: all records are of kinds we know, and can be read."""
    for one in lines:
        kind = KINDS.get(one.kind)
        if kind is None:
            raise Problem("exchange.file_newer", 422)
        if not valid_id(one.id) or (one.doc is not None and record_of(kind, one.doc).id != one.id):
            raise Problem("exchange.record_invalid", 422)


def _allowed(house: "House", actor: Actor, loan: str, lines: Sequence[Line]) -> frozenset[str]:
    """Whose records the file may bring: patients of the loan, and those who are new in it."""
    with house.store.read(actor) as tx:
        rows = [row for row in laptop_store.bases(tx, loan) if row.kind == "Patient"]
        lent = {row.patient for row in rows} | {row.id for row in rows}  # one may have been merged meanwhile
        new = {
            one.id
            for one in lines
            if one.kind == "Patient" and valid_id(one.id) and directory.one_patient(tx, one.id) is None
        }
    return frozenset(lent | new)


def _merge(
    house: "House", actor: Actor, lease: Lease, loan: str, line: Line, digest: str, allowed: frozenset[str]
) -> Done:
    """One record; what the practice refuses waits as a conflict."""
    kind = KINDS[line.kind]

    def one(tx: Tx, refused: str | None) -> Done:
        if not leases.renew(tx, lease, BUSY_S):
            raise Problem(BUSY, 409, retry=True)
        return _one(house, tx, loan, kind, line, digest, allowed, refused)

    try:
        return house.store.run(actor, lambda tx: one(tx, None))
    except Problem as problem:
        if problem.status >= 500 or problem.code in (
            REVOKED,
            BUSY,
        ):  # not about this record: the file ends here
            raise
        why = problem.code
    except Violation:
        why = "exchange.record_invalid"
    return house.store.run(actor, lambda tx: one(tx, why))


def _one(
    house: "House",
    tx: Tx,
    loan: str,
    kind: Lent,
    line: Line,
    digest: str,
    allowed: frozenset[str],
    refused: str | None,
) -> Done:
    if laptop_lending.need_loan(tx, loan).state == laptop_store.REVOKED:  # reported lost meanwhile
        raise Problem(REVOKED, 409)
    row = laptop_store.base(tx, loan, kind.name, line.id)
    if row is not None and row.sha256 == digest:
        return Done()  # a run before this one came as far
    base: Doc | None = None if row is None or row.doc is None else msgspec.json.decode(row.doc)
    record = here(tx, kind, line.id)
    ours, theirs = doc_of(record), line.doc
    merged = merge_rules.merge(kind.form, base, ours, theirs)
    patient = patient_of(kind.name, theirs or ours or base, line.id)
    clashes = [(one, BOTH) for one in merged.clashes]
    done = Done()
    if merged.taken and refused is not None:
        clashes += [(one, refused) for one in _refusals(kind, merged.taken, base, ours, theirs)]
        done = Done(refused=len(clashes) - len(merged.clashes))
    elif merged.taken:
        if patient and patient not in allowed:
            raise Problem("exchange.record_foreign", 422)
        done = _apply(house, tx, kind, record, merged)
    _settle(tx, loan, kind, line.id, ours if refused else merged.doc, theirs)
    for one, why in clashes:
        _note(tx, loan, kind.name, line.id, patient, one, why)
    version = 0 if record is None else record.version
    kept = laptop_store.Base(kind.name, line.id, patient, version, text_of(theirs))
    laptop_store.put_bases(tx, loan, [kept], digest)
    return msgspec.structs.replace(done, conflicts=len(clashes))


def here(tx: Tx, kind: Lent, id_: str) -> Any:
    """Our record; of a patient merged meanwhile the one that goes on."""
    found = kind.one(tx, id_)
    return directory.known(tx, id_) if found is not None and kind.name == "Patient" else found


def _apply(house: "House", tx: Tx, kind: Lent, record: Any, merged: merge_rules.Merged) -> Done:
    """Bring in, remove, or amend."""
    if merged.doc is None:
        kind.remove(house, tx, record)
        return Done(removed=1)
    wanted = record_of(kind, merged.doc)
    if record is None:
        made = kind.bring(house, tx, wanted)
        proposed = kind.name == "Appointment" and made.status == "proposed" != wanted.status
        return Done(added=1, proposed=int(proposed))
    kind.amend(house, tx, record, wanted)
    return Done(changed=1, fields=len(merged.taken))


def _refusals(
    kind: Lent, taken: Sequence[str], base: Doc | None, ours: Doc | None, theirs: Doc | None
) -> list[Clash]:
    """What would have been taken, as conflicts."""
    return [
        Clash(path, *(merge_rules.at(kind.form, one, path) for one in (base, ours, theirs))) for path in taken
    ]


def _settle(tx: Tx, loan: str, kind: Lent, record: str, ours: Doc | None, theirs: Doc | None) -> None:
    """What waited and is the same on both sides by now waits no more."""
    for one in laptop_store.open_of(tx, loan, kind.name, record):
        sides = (merge_rules.at(kind.form, doc, one.path) for doc in (ours, theirs))
        if merge_rules.alike(*sides):
            laptop_store.decided(tx, one.id, "gone")


def _note(tx: Tx, loan: str, kind: str, record: str, patient: str, clash: Clash, why: str) -> None:
    """A conflict; one that waits at this place already is renewed."""
    base, ours, theirs = (None if one is MISSING else text_of_any(one) for one in clash[1:])
    for one in laptop_store.open_of(tx, loan, kind, record):
        if one.path == clash.path:
            laptop_store.renew_conflict(tx, one.id, ours, theirs, why)
            return
    laptop_store.add_conflict(
        tx,
        id=new_id(),
        loan=loan,
        kind=kind,
        record=record,
        patient=patient,
        path=clash.path,
        why=why,
        base=base,
        ours=ours,
        theirs=theirs,
    )


def text_of_any(value: Any) -> str:
    """A side of a conflict as JSON."""
    return msgspec.json.encode(value).decode()


def decide(house: "House", tx: Tx, id_: str, choice: str, value: Any = MISSING) -> None:
    """A person decides a conflict: `ours` stays, `theirs` is taken, or an `own` value.

    404; `exchange.conflict_decided` (409), `exchange.choice_invalid` (422) for a value that cannot stand there, and the
    refusals of making the change by hand: then it still waits.
    """
    row = laptop_store.conflict(tx, id_)
    if row is None:
        raise not_found("Conflict")
    if row.decided_at is not None:
        raise Problem("exchange.conflict_decided", 409)
    if choice != "ours":
        _put(house, tx, row, _chosen(row, choice, value))
    laptop_store.decided(tx, id_, choice)
    events.note(tx, "loan.decided", "Loan", row.loan, conflict=id_, choice=choice)


def _chosen(row: Any, choice: str, value: Any) -> Any:
    if choice == "theirs":
        return MISSING if row.theirs is None else msgspec.json.decode(row.theirs)
    if value is MISSING or row.path == RECORD:
        raise Problem("exchange.choice_invalid", 422)
    return value


def _put(house: "House", tx: Tx, row: Any, value: Any) -> None:
    kind = KINDS[row.kind]
    record = here(tx, kind, row.record)
    try:
        doc = merge_rules.decide(kind.form, doc_of(record), row.path, value)
        wanted = None if doc is None else record_of(kind, doc)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Problem("exchange.choice_invalid", 422) from None
    except Problem as problem:
        raise Problem("exchange.choice_invalid", 422) from problem
    if wanted is None:
        if record is not None:
            kind.remove(house, tx, record)
    elif record is None:
        kind.bring(house, tx, wanted)
    else:
        kind.amend(house, tx, record, wanted)
