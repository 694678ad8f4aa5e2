"""The table of those who were not written to, each with the newest reason."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, table, upsert

REFUSAL = table(
    "reminders_refusal",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("patient", sa.Text),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("letter", sa.Integer, nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("run", sa.Text),
    sa.PrimaryKeyConstraint("organization", "kind", "subject"),
    sa.Index("reminders_refusal_listed", "organization", "at"),
    sa.Index("reminders_refusal_patient", "organization", "patient"),
)
"""`subject` is the appointment, or the patient whose birthday it is; `start` when it begins, `at` when the verdict was
found (epoch seconds), `run` by which run. `letter`: 1 if somebody should write one. A newer verdict takes the row's
place, and there is none once a message was prepared.
"""
TABLES = (str(REFUSAL.name),)
REFERENCES = (("reminders_refusal", "patient"),)
"""Where a patient's id stands, for merge, export and erasure."""

AT_ONCE = 20
"""So many refusals of a patient get a new verdict at once; nobody has more appointments in the days searched."""

_R = REFUSAL.c
_PUT = upsert(REFUSAL, ("organization", "kind", "subject"))
_OLD = prepared(
    sa.delete(REFUSAL).where(
        mine(REFUSAL),
        _R.at < sa.bindparam("before"),
        sa.tuple_(_R.kind, _R.subject).in_(
            sa.select(_R.kind, _R.subject)
            .where(mine(REFUSAL), _R.at < sa.bindparam("before"))
            .limit(sa.bindparam("most"))
        ),
    )
)


class Refused(NamedTuple):
    """One row; see REFUSAL."""

    kind: str
    subject: str
    patient: str | None
    code: str
    letter: int
    start: int
    at: int
    run: str | None


def put(tx: Tx, rows: Iterable[Refused]) -> None:
    """Write down refusals, each in place of the one that was there for its subject."""
    tx.many(_PUT, [{"organization": tx.organization, **row._asdict()} for row in rows])


def drop(tx: Tx, kind: str, subjects: Sequence[str]) -> None:
    """These are written to now: no refusal any more."""
    for start in range(0, len(subjects), 200):
        some = subjects[start : start + 200]
        tx.run(sa.delete(REFUSAL).where(mine(REFUSAL), _R.kind == kind, _R.subject.in_(some)))


def purge(tx: Tx, before: int, most: int = 200) -> int:
    """Forget at most so many refusals that were found before then; how many."""
    return tx.run(_OLD, before=before, most=most)


def get(tx: Tx, kind: str, subject: str) -> Refused | None:
    """The refusal of one appointment or birthday, or None."""
    query = sa.select(*(_R[name] for name in Refused._fields))
    row = tx.first(query.where(mine(REFUSAL), _R.kind == kind, _R.subject == subject))
    return None if row is None else Refused(*row)


def codes(tx: Tx, kind: str, subjects: Sequence[str]) -> dict[str, str]:
    """The reasons of these, by subject; who was not refused is left out."""
    found: dict[str, str] = {}
    for begin in range(0, len(subjects), 200):
        some = subjects[begin : begin + 200]
        query = sa.select(_R.subject, _R.code).where(mine(REFUSAL), _R.kind == kind, _R.subject.in_(some))
        found.update((str(subject), str(code)) for subject, code in tx.tuples(query))
    return found


def ahead(tx: Tx, patient: str) -> list[Refused]:
    """What was refused for a patient and has not begun yet, or began within the last day (a birthday), by time."""
    query = sa.select(*(_R[name] for name in Refused._fields)).where(
        mine(REFUSAL), _R.patient == patient, _R.start > tx.now - 86_400
    )
    return [Refused(*row) for row in tx.tuples(query.order_by(_R.start, _R.kind, _R.subject).limit(AT_ONCE))]


def page(
    tx: Tx,
    *,
    kind: str | None = None,
    code: str | None = None,
    letter: bool | None = None,
    since: int | None = None,
    until: int | None = None,
    order: str = "-at",
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Refused], int]:
    """Refusals found in [since, until), and how many there are. `order` is at or start, with a minus for descending."""
    wanted: list[Any] = [mine(REFUSAL)]
    for column, value in (
        (_R.kind, kind),
        (_R.code, code),
        (_R.letter, None if letter is None else int(letter)),
    ):
        if value is not None:
            wanted.append(column == value)
    if since is not None:
        wanted.append(_R.at >= since)
    if until is not None:
        wanted.append(_R.at < until)
    column = _R[order.removeprefix("-")]
    by = column.desc() if order.startswith("-") else column.asc()
    query = sa.select(*(_R[name] for name in Refused._fields)).where(*wanted)
    query = query.order_by(by, _R.start, _R.kind, _R.subject).limit(limit).offset(offset)
    total = tx.value(sa.select(sa.func.count()).select_from(REFUSAL).where(*wanted))
    return [Refused(*row) for row in tx.tuples(query)], int(total)
