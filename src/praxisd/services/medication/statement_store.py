"""Tables of statements, risks and read notices; the exact former row of a record, for whoever takes a change back."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, insert, mine, prepared, table
from praxisd.model.statement import Risk, Statement

STATEMENT = resource_table(
    "medication_statement",
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("product", sa.Text),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),
    sa.Index("medication_statement_patient", "organization", "patient", "id"),
)
RISK = resource_table(
    "medication_risk",
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Index("medication_risk_patient", "organization", "patient", "id"),
)
NOTICE_SEEN = table(
    "medication_notice_seen",
    sa.Column("reader", sa.Text, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "reader", "notice"),
)
"""Which seat or person (label of the actor) has seen which notice of the data set."""
TABLES = (str(STATEMENT.name), str(RISK.name), str(NOTICE_SEEN.name))
REFERENCES = ((str(STATEMENT.name), "patient"), (str(RISK.name), "patient"))
"""Where a patient's id stands, for merge, export and erasure."""

statements: Records[Statement] = Records(
    "MedicationStatement",
    STATEMENT,
    Statement,
    lambda one: {
        "patient": one.patient,
        "status": one.status,
        "product": one.product,
        "recorded_at": one.recorded_at,
    },
    # A list is edited as one thing: it goes with the lock of its patient (`statements.guarded`).
    lockable=False,
)
risks: Records[Risk] = Records(
    "Risk",
    RISK,
    Risk,
    lambda one: {"patient": one.patient, "active": int(one.active)},
    lockable=False,
)
Kind = Literal["MedicationStatement", "Risk"]
_OF: dict[str, sa.Table] = {"MedicationStatement": STATEMENT, "Risk": RISK}


def statements_of(tx: Tx, patient: str) -> list[Statement]:
    """All a patient's statements in the order in which they were entered, mistakes and ended ones too."""
    return statements.all(tx, STATEMENT.c.patient == patient)


def risks_of(tx: Tx, patient: str) -> list[Risk]:
    """All a patient's risks in the order in which they were entered, those that are over too."""
    return risks.all(tx, RISK.c.patient == patient)


def of_patients(ids: Collection[str]) -> Any:
    """The condition that leaves statements of these patients."""
    return STATEMENT.c.patient.in_(list(ids))


def among(ids: Collection[str]) -> Any:
    """The condition that leaves statements with these ids."""
    return STATEMENT.c.id.in_(list(ids))


def in_states(names: Collection[str]) -> Any:
    """The condition that leaves statements in these states."""
    return STATEMENT.c.status.in_(list(names))


BATCH = 200


def scan(
    tx: Tx, conditions: Sequence[Any], keep: Callable[[Statement], bool], after: str | None, limit: int
) -> tuple[list[Statement], str | None]:
    """Statements that meet the conditions and that `keep` keeps, in id order, and the cursor of the next page."""
    found: list[Statement] = []
    while True:
        some, following = statements.page(tx, *conditions, after=after, limit=BATCH)
        for one in some:
            if keep(one):
                if len(found) == limit:
                    return found, found[-1].id
                found.append(one)
        if following is None:
            return found, None
        after = following


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The exact row of a statement or a risk: what an undo puts back. JSON can carry it."""

    kind: Kind
    id: str
    version: int
    values: dict[str, str | int | None]


def kept(tx: Tx, kind: Kind, id_: str) -> Kept | None:
    """The row as it stands now; None where there is none."""
    one = _OF[kind]
    row = tx.first(sa.select(one).where(mine(one), one.c.id == id_))
    if row is None:
        return None
    values = {c.name: getattr(row, c.name) for c in one.columns if c.name != "organization"}
    return Kept(kind=kind, id=id_, version=row.version, values=values)


def put_back(tx: Tx, former: Kept, expected: int | None) -> bool:
    """Let the row be exactly what it was, its version and time too. False (and nothing done) unless it stands at version
    `expected` now; None: it must be gone.
    """
    one = _OF[former.kind]
    if expected is None:
        return tx.run(insert(one, ignore=True), **former.values) == 1
    values = {name: value for name, value in former.values.items() if name != "id"}
    here = sa.and_(one.c.id == former.id, one.c.version == expected)
    return tx.run(sa.update(one).where(mine(one), here).values(**values)) == 1


def erase(tx: Tx, kind: Kind, id_: str, expected: int) -> bool:
    """Take the row away. False (and nothing done) unless it stands at version `expected` now."""
    one = _OF[kind]
    return tx.run(sa.delete(one).where(mine(one), one.c.id == id_, one.c.version == expected)) == 1


_SEEN = prepared(
    sa.select(NOTICE_SEEN.c.notice).where(mine(NOTICE_SEEN), NOTICE_SEEN.c.reader == sa.bindparam("who"))
)
_SEE = insert(NOTICE_SEEN, ignore=True)


def notices_seen(tx: Tx, reader: str) -> set[str]:
    """Ids of the notices this reader has seen."""
    return {row[0] for row in tx.tuples(_SEEN, who=reader)}


def see_notices(tx: Tx, reader: str, ids: Collection[str]) -> int:
    """Note that the reader has seen them; how many were new to it."""
    return sum(tx.run(_SEE, reader=reader, notice=one, seen_at=tx.now) for one in sorted(set(ids)))
