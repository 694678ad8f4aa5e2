"""Tables of the laptops: loans, the state in which each record went out (the base of the merge), and conflicts."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

_BIG = sa.BigInteger
LOAN = table(
    "exchange_loan",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("out_at", _BIG, nullable=False),
    sa.Column("until", _BIG, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("patients", sa.Integer, nullable=False),
    sa.Column("laptop", sa.Text),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("back_at", _BIG),
    sa.Column("back_sha256", sa.Text),
    sa.Column("ended_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("exchange_loan_state", "organization", "state"),
)
"""One row per laptop file. `person`: label of the actor. `state`: out, back (it came back for the last time), revoked.

`sealed`: how the file was sealed, passphrase or key. `recipient` and `secret`: what comes back is sealed for the first and
proved with the second; the key that opens it and the proof's secret are kept sealed by the vault, as one JSON text.
`laptop`: the one folder it was opened in, known once it came back. `number`: how many times it did; `back_sha256` is of the
last one.
"""
BASE = table(
    "exchange_loan_base",
    sa.Column("loan", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("doc", sa.Text),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "loan", "kind", "id"),
    sa.Index("exchange_loan_base_patient", "organization", "patient"),
)
"""What a laptop has, as far as we know: as it went out, or as it last came back (`doc` null: taken away there). `sha256`: of
the file that brought it."""
CONFLICT = table(
    "exchange_conflict",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("loan", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("base", sa.Text),
    sa.Column("ours", sa.Text),
    sa.Column("theirs", sa.Text),
    sa.Column("found_at", _BIG, nullable=False),
    sa.Column("decided_at", _BIG),
    sa.Column("decided_by", sa.Text),
    sa.Column("choice", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("exchange_conflict_open", "organization", "decided_at", "id"),
    sa.Index("exchange_conflict_record", "organization", "loan", "kind", "record", "path"),
    sa.Index("exchange_conflict_patient", "organization", "patient"),
)
"""What a person decides: JSON of the three sides (null: nothing stood there). `why` is a code: both changed it, or what the
practice refused when it was to be taken."""
LAPTOP = table(
    "exchange_laptop",
    sa.Column("loan", sa.Text, nullable=False),
    sa.Column("laptop", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("opened_at", _BIG, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("packed_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "loan"),
)
"""On the laptop itself: what it is a loan of, a number of its own, and how often it was packed."""
TABLES = tuple(str(one.name) for one in (LOAN, BASE, CONFLICT, LAPTOP))
REFERENCES = ((str(BASE.name), "patient"), (str(CONFLICT.name), "patient"))
"""Where a patient's id stands, for merge, export and erasure."""

OUT, BACK, REVOKED = "out", "back", "revoked"
_L, _B, _C, _P = LOAN.c, BASE.c, CONFLICT.c, LAPTOP.c
_ADD_LOAN, _ADD_CONFLICT, _ADD_LAPTOP = insert(LOAN), insert(CONFLICT), insert(LAPTOP)
_PUT_BASE = upsert(BASE, ("organization", "loan", "kind", "id"))
_LOAN = prepared(sa.select(LOAN).where(mine(LOAN), _L.id == sa.bindparam("id")))
_LOANS = prepared(sa.select(LOAN).where(mine(LOAN)).order_by(_L.out_at.desc(), _L.id.desc()))
_LOANS_OF = prepared(
    sa.select(LOAN)
    .where(
        mine(LOAN),
        _L.id.in_(
            sa.select(_B.loan).where(mine(BASE), _B.kind == "Patient", _B.patient == sa.bindparam("patient"))
        ),
    )
    .order_by(_L.out_at.desc(), _L.id.desc())
)
_TAKE = prepared(
    sa.update(LOAN)
    .where(mine(LOAN), _L.id == sa.bindparam("loan"), _L.state != REVOKED)
    .values(
        number=sa.bindparam("its_number"), back_at=sa.bindparam("moment"), back_sha256=sa.bindparam("digest"),
        laptop=sa.bindparam("its_laptop"), state=sa.bindparam("its_state"),
    )
)  # fmt: skip
_REVOKE = prepared(
    sa.update(LOAN)
    .where(mine(LOAN), _L.id == sa.bindparam("loan"), _L.state != REVOKED)
    .values(state=REVOKED, ended_at=sa.bindparam("moment"))
)
_BASE = prepared(
    sa.select(BASE).where(
        mine(BASE),
        _B.loan == sa.bindparam("loan"),
        _B.kind == sa.bindparam("kind"),
        _B.id == sa.bindparam("id"),
    )
)
_BASES = prepared(
    sa.select(_B.kind, _B.id, _B.patient, _B.sha256)
    .where(mine(BASE), _B.loan == sa.bindparam("loan"))
    .order_by(_B.kind, _B.id)
)
_FORGET = prepared(sa.delete(BASE).where(mine(BASE), _B.loan == sa.bindparam("loan")))
_CONFLICT = prepared(sa.select(CONFLICT).where(mine(CONFLICT), _C.id == sa.bindparam("id")))
_OPEN = prepared(sa.select(CONFLICT).where(mine(CONFLICT), _C.decided_at.is_(None)).order_by(_C.id))
_OPEN_AT = prepared(
    sa.select(CONFLICT)
    .where(
        mine(CONFLICT), _C.decided_at.is_(None), _C.loan == sa.bindparam("loan"), _C.kind == sa.bindparam("kind"),
        _C.record == sa.bindparam("record"),
    )
    .order_by(_C.id)
)  # fmt: skip
_AGAIN = prepared(
    sa.update(CONFLICT)
    .where(mine(CONFLICT), _C.id == sa.bindparam("conflict"), _C.decided_at.is_(None))
    .values(
        ours=sa.bindparam("our_side"), theirs=sa.bindparam("their_side"), why=sa.bindparam("its_why"),
        found_at=sa.bindparam("moment"),
    )
)  # fmt: skip
_DECIDE = prepared(
    sa.update(CONFLICT)
    .where(mine(CONFLICT), _C.id == sa.bindparam("conflict"), _C.decided_at.is_(None))
    .values(decided_at=sa.bindparam("moment"), decided_by=sa.bindparam("who"), choice=sa.bindparam("chosen"))
)
_LAPTOP = prepared(sa.select(LAPTOP).where(mine(LAPTOP)))
_PACKED = prepared(
    sa.update(LAPTOP)
    .where(mine(LAPTOP), _P.loan == sa.bindparam("its_loan"))
    .values(number=sa.bindparam("its_number"), packed_at=sa.bindparam("moment"))
)


class Base(NamedTuple):
    """A row of BASE as it is written."""

    kind: str
    id: str
    patient: str
    version: int
    doc: str | None


def add_loan(tx: Tx, **row: Any) -> None:
    """A new loan."""
    tx.run(_ADD_LOAN, state=OUT, number=0, back_at=None, back_sha256=None, ended_at=None, **row)


def loan(tx: Tx, id_: str) -> Any:
    """The row of a loan, or None."""
    return tx.first(_LOAN, id=id_)


def loans(tx: Tx, patient: str | None = None) -> list[Any]:
    """All loans, the newest first; with a patient those it went out with."""
    return tx.all(_LOANS) if patient is None else tx.all(_LOANS_OF, patient=patient)


def take(tx: Tx, loan_id: str, laptop: str, number: int, digest: str, *, last: bool) -> bool:
    """Note that it came back; False for a revoked one."""
    state = BACK if last else OUT
    values = {"its_laptop": laptop, "its_number": number, "digest": digest, "its_state": state}
    return tx.run(_TAKE, loan=loan_id, moment=tx.now, **values) == 1


def revoke(tx: Tx, loan_id: str) -> bool:
    """Take nothing of it any more; False where it is so already."""
    return tx.run(_REVOKE, loan=loan_id, moment=tx.now) == 1


def put_bases(tx: Tx, loan_id: str, rows: Iterable[Base], digest: str) -> None:
    """Note what the laptop has."""
    for one in rows:
        tx.run(_PUT_BASE, loan=loan_id, sha256=digest, **one._asdict())


def forget(tx: Tx, loan_id: str) -> None:
    """Nothing comes of this loan any more: what the laptop had need not be kept."""
    tx.run(_FORGET, loan=loan_id)


def base(tx: Tx, loan_id: str, kind: str, id_: str) -> Any:
    """What the laptop had of a record when we last knew, or None."""
    return tx.first(_BASE, loan=loan_id, kind=kind, id=id_)


def bases(tx: Tx, loan_id: str) -> list[Any]:
    """(kind, id, patient, sha256) of all the laptop has."""
    return tx.all(_BASES, loan=loan_id)


def add_conflict(tx: Tx, **row: Any) -> None:
    """A new conflict."""
    tx.run(_ADD_CONFLICT, found_at=tx.now, decided_at=None, decided_by=None, choice=None, **row)


def conflict(tx: Tx, id_: str) -> Any:
    """One conflict, decided or not, or None."""
    return tx.first(_CONFLICT, id=id_)


def open_conflicts(tx: Tx) -> list[Any]:
    """All that wait, the oldest first."""
    return tx.all(_OPEN)


def open_of(tx: Tx, loan_id: str, kind: str, record: str) -> list[Any]:
    """Those that wait about one record of one loan."""
    return tx.all(_OPEN_AT, loan=loan_id, kind=kind, record=record)


def renew_conflict(tx: Tx, id_: str, ours: str | None, theirs: str | None, why: str) -> None:
    """The same conflict with what the sides say now."""
    tx.run(_AGAIN, conflict=id_, our_side=ours, their_side=theirs, its_why=why, moment=tx.now)


def decided(tx: Tx, id_: str, choice: str) -> bool:
    """Close a conflict; False where it was closed already."""
    return tx.run(_DECIDE, conflict=id_, moment=tx.now, who=tx.actor.label, chosen=choice) == 1


def add_laptop(tx: Tx, loan_id: str, laptop_id: str, manifest: str) -> None:
    """This is a laptop now."""
    tx.run(
        _ADD_LAPTOP,
        loan=loan_id,
        laptop=laptop_id,
        manifest=manifest,
        opened_at=tx.now,
        number=0,
        packed_at=None,
    )


def laptop(tx: Tx) -> Any:
    """What this laptop is a loan of; None in a practice."""
    return tx.first(_LAPTOP)


def packed(tx: Tx, loan_id: str, number: int) -> None:
    """Note that it was packed."""
    tx.run(_PACKED, its_loan=loan_id, its_number=number, moment=tx.now)
