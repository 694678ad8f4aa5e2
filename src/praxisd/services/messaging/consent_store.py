"""Tables of what a patient wants: consent and withdrawal per purpose and channel, and the preferred channel."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table

CONSENT = table(
    "messaging_consent",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("messaging_consent_patient", "organization", "patient", "id"),
)
"""All that patients said, only added to: the newest row of a patient, purpose and channel counts.

`state` is `given`, `withdrawn` or `open` (taken back, as if nothing had been said); `source` is desk, api, reply or
import. Two merged records thus have one history, and the last word counts.
"""
PREFERENCE = table(
    "messaging_preference",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("messaging_preference_patient", "organization", "patient", "id"),
)
"""The channel a patient prefers, the newest row counts: sms, email, letter (then nothing is sent), or none (no wish)."""
TABLES = tuple(str(one.name) for one in (CONSENT, PREFERENCE))
REFERENCES = (("messaging_consent", "patient"), ("messaging_preference", "patient"))
"""Where a patient's id stands, for merge, export and erasure."""

_C, _P = CONSENT.c, PREFERENCE.c
CHUNK = 400
"""Ids in one statement."""
_ADD_CONSENT, _ADD_PREFERENCE = insert(CONSENT), insert(PREFERENCE)
_HISTORY = prepared(
    sa.select(_C.id, _C.at, _C.actor, _C.source, _C.purpose, _C.channel, _C.state, _C.note)
    .where(mine(CONSENT), _C.patient == sa.bindparam("patient"))
    .order_by(_C.id.desc())
    .limit(sa.bindparam("at_most"))
)
_PREFERRED = prepared(
    sa.select(_P.id, _P.at, _P.actor, _P.channel)
    .where(mine(PREFERENCE), _P.patient == sa.bindparam("patient"))
    .order_by(_P.id.desc())
    .limit(sa.bindparam("at_most"))
)
_COUNT = prepared(
    sa.select(
        sa.select(sa.func.count())
        .where(mine(CONSENT), _C.patient == sa.bindparam("patient"))
        .scalar_subquery()
        + sa.select(sa.func.count())
        .where(mine(PREFERENCE), _P.patient == sa.bindparam("patient"))
        .scalar_subquery()
    )
)


def add_consent(tx: Tx, **row: Any) -> None:
    """Add a word to what a patient said: id, patient, purpose, channel, state, source, note."""
    tx.run(_ADD_CONSENT, at=tx.now, actor=tx.actor.label, **row)


def add_preference(tx: Tx, id_: str, patient: str, channel: str) -> None:
    """Add a preferred channel."""
    tx.run(_ADD_PREFERENCE, id=id_, patient=patient, channel=channel, at=tx.now, actor=tx.actor.label)


def history(tx: Tx, patient: str, limit: int) -> tuple[list[Any], list[Any]]:
    """Words and preferences of a patient, the newest first."""
    return tx.all(_HISTORY, patient=patient, at_most=limit), tx.all(
        _PREFERRED, patient=patient, at_most=limit
    )


def version(tx: Tx, patient: str) -> int:
    """How many rows tell of a patient's wishes: it grows with each word, and so serves as version."""
    return int(tx.value(_COUNT, patient=patient))


def said(tx: Tx, patients: Iterable[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """(patient, purpose, channel, state, id) of all words of these patients, the oldest first."""
    columns = (_C.patient, _C.purpose, _C.channel, _C.state, _C.id)
    for some in _chunks(patients):
        query = sa.select(*columns).where(mine(CONSENT), _C.patient.in_(some)).order_by(_C.id)
        yield from tx.tuples(query)  # type: ignore[misc]


def preferred(tx: Tx, patients: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(patient, channel) of all preferences of these patients, the oldest first."""
    for some in _chunks(patients):
        query = sa.select(_P.patient, _P.channel).where(mine(PREFERENCE), _P.patient.in_(some))
        yield from tx.tuples(query.order_by(_P.id))  # type: ignore[misc]


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    known = list(dict.fromkeys(ids))
    return (known[start : start + CHUNK] for start in range(0, len(known), CHUNK))


class Asked(NamedTuple):
    """Which last words to list: None asks for any; `since`/`until` are epoch seconds."""

    purpose: str | None = None
    channel: str | None = None
    state: str | None = None
    source: str | None = None
    since: int | None = None
    until: int | None = None


def last_words(tx: Tx, asked: Asked, *, down: bool, offset: int, limit: int) -> tuple[list[Any], int]:
    """The word that counts of each patient, purpose and channel, by when it was said, and how many there are."""
    newer = CONSENT.alias("newer")
    later = (
        sa.select(newer.c.id)
        .where(
            newer.c.organization == _C.organization,
            newer.c.patient == _C.patient,
            newer.c.purpose == _C.purpose,
            newer.c.channel == _C.channel,
            newer.c.id > _C.id,
        )
        .exists()
    )
    conditions = [mine(CONSENT), sa.not_(later)]
    for column, wanted in (
        (_C.purpose, asked.purpose),
        (_C.channel, asked.channel),
        (_C.state, asked.state),
        (_C.source, asked.source),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if asked.since is not None:
        conditions.append(_C.at >= asked.since)
    if asked.until is not None:
        conditions.append(_C.at < asked.until)
    total = int(tx.value(sa.select(sa.func.count()).select_from(CONSENT).where(*conditions)))
    order = (_C.at.desc(), _C.id.desc()) if down else (_C.at, _C.id)
    query = sa.select(CONSENT).where(*conditions).order_by(*order).limit(limit).offset(offset)
    return tx.all(query), total
