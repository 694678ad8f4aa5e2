"""Tables of what a patient wants: consent and withdrawal per purpose and channel, and the preferred channel."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Prepared, Tx, insert, mine, prepared, table

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
SIZES = (1, 16, 512)
"""Numbers of ids that statements are compiled for: few, each compiled once, serve any number of patients."""
_ADD_CONSENT, _ADD_PREFERENCE = insert(CONSENT), insert(PREFERENCE)
_ANY_CONSENT = prepared(sa.select(_C.id).where(mine(CONSENT)).limit(1))
_ANY_PREFERENCE = prepared(sa.select(_P.id).where(mine(PREFERENCE)).limit(1))
"""A young practice has none, and then nobody need be looked up."""
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
    """(patient, purpose, channel, state, id) of all words of these patients, each patient's oldest first."""
    asked = _filled(patients) if tx.value(_ANY_CONSENT) else ()
    for size, places in asked:
        yield from tx.tuples(_said(size), **places)  # type: ignore[misc]


def preferred(tx: Tx, patients: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(patient, channel) of all preferences of these patients, each patient's oldest first."""
    asked = _filled(patients) if tx.value(_ANY_PREFERENCE) else ()
    for size, places in asked:
        yield from tx.tuples(_chosen(size), **places)  # type: ignore[misc]


@lru_cache(maxsize=len(SIZES))
def _said(size: int) -> Prepared:
    asked: list[Any] = [sa.bindparam(f"p{n}") for n in range(size)]
    query = sa.select(_C.patient, _C.purpose, _C.channel, _C.state, _C.id)
    return prepared(query.where(mine(CONSENT), _C.patient.in_(asked)).order_by(_C.id))


@lru_cache(maxsize=len(SIZES))
def _chosen(size: int) -> Prepared:
    asked: list[Any] = [sa.bindparam(f"p{n}") for n in range(size)]
    query = sa.select(_P.patient, _P.channel)
    return prepared(query.where(mine(PREFERENCE), _P.patient.in_(asked)).order_by(_P.id))


def _filled(patients: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(size, parameters `p0`, `p1`, …) of the statements that ask for all of them, filled up with the last id."""
    known = list(dict.fromkeys(patients))
    for index in range(0, len(known), SIZES[-1]):
        some = known[index : index + SIZES[-1]]
        size = next(n for n in SIZES if n >= len(some))
        yield size, {f"p{n}": some[min(n, len(some) - 1)] for n in range(size)}


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
