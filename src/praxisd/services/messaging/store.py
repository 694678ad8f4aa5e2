"""Tables and queries of messages and their attachments."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, insert, mine, prepared, table
from praxisd.model.communication import Communication

COMMUNICATION = resource_table(
    "messaging_communication",
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("portal", sa.Text),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Index("messaging_communication_state", "organization", "state", "id"),
    sa.Index("messaging_communication_portal", "organization", "portal", "id"),
    sa.Index("messaging_communication_patient", "organization", "patient"),
)
PARTY = table(
    "messaging_party",
    sa.Column("communication", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("patient", sa.Text),
    sa.PrimaryKeyConstraint("organization", "communication", "role", "kind", "told"),
    sa.Index("messaging_party_told", "organization", "role", "told"),
    sa.Index("messaging_party_patient", "organization", "patient"),
)
"""Whom a message names: `kind` and `told` as its author wrote them, `patient` our record where the kind is Patient."""
BINARY = table(
    "messaging_binary",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("portal", sa.Text),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("extra", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("id", name="messaging_binary_id"),
    sa.Index("messaging_binary_portal", "organization", "portal", "created_at"),
)
"""Attachments. They never change; `size` is in bytes, `extra` further FHIR elements as JSON text."""
TABLES = (str(COMMUNICATION.name), str(PARTY.name), str(BINARY.name))
REFERENCES = (("messaging_communication", "patient"), ("messaging_party", "patient"))
"""Where a patient's id stands, for merge, export and erasure."""

COMMUNICATIONS: Records[Communication] = Records(
    "Communication",
    COMMUNICATION,
    Communication,
    lambda one: {"state": one.state, "portal": one.portal, "patient": one.patient},
)
_C, _P, _B = COMMUNICATION.c, PARTY.c, BINARY.c
_ADD_PARTY = insert(PARTY)
_DROP_PARTIES = prepared(
    sa.delete(PARTY).where(mine(PARTY), _P.communication == sa.bindparam("communication"))
)
_PARTIES = prepared(
    sa.select(_P.role, _P.kind, _P.told, _P.patient)
    .where(mine(PARTY), _P.communication == sa.bindparam("communication"))
    .order_by(_P.role, _P.kind, _P.told)
)
_ADD_BINARY = insert(BINARY)
_FACTS = (_B.id, _B.portal, _B.media_type, _B.size, _B.created_at, _B.extra)
_BINARY = prepared(sa.select(*_FACTS).where(mine(BINARY), _B.id == sa.bindparam("id")))
_DATA = prepared(sa.select(_B.data).where(mine(BINARY), _B.id == sa.bindparam("id")))
_SINCE = prepared(
    sa.select(sa.func.count(), sa.func.min(_B.created_at)).where(
        mine(BINARY), _B.portal == sa.bindparam("portal"), _B.created_at > sa.bindparam("since")
    )
)


class Party(NamedTuple):
    """One that a message names. `role`: subject, sender, recipient, or other."""

    role: str
    kind: str
    told: str
    patient: str | None


def put_parties(tx: Tx, communication: str, parties: Iterable[Party]) -> None:
    """Note whom a message names, in place of what was noted before."""
    tx.run(_DROP_PARTIES, communication=communication)
    for one in sorted(set(parties), key=lambda p: p[:3]):
        tx.run(_ADD_PARTY, communication=communication, **one._asdict())


def parties(tx: Tx, communication: str) -> list[Party]:
    """Whom a message names."""
    return [Party(*row) for row in tx.tuples(_PARTIES, communication=communication)]


def of_portal(portal: str | None) -> list[Any]:
    """The condition that keeps a portal to what it sent itself."""
    return [] if portal is None else [_C.portal == portal]


def in_state(state: str) -> Any:
    """The condition that a message is in this inbox state."""
    return _C.state == state


def among(ids: Sequence[str], outside: bool = False) -> Any:
    """The condition that a message's id is one of these (`outside`: none of these)."""
    return _C.id.not_in(ids) if outside else _C.id.in_(ids)


def nothing() -> Any:
    """The condition that nothing meets."""
    return _C.id.is_(None)  # a plain FALSE would swallow the condition on the practice


def everything() -> Any:
    """The condition that every message meets."""
    return _C.id.is_not(None)


def names(tx: Tx, role: str, wanted: Iterable[tuple[str | None, str]]) -> Any:
    """The condition that the message names one of `wanted` (kind or None for any, id as this actor knows it)."""
    outside = tx.actor.portal is not None

    def fits(kind: str | None, id_: str) -> Any:
        known = _P.told == id_
        if not outside:
            known = sa.or_(_P.patient == id_, sa.and_(_P.patient.is_(None), known))
        return known if kind is None else sa.and_(known, _P.kind == kind)

    found = [fits(*one) for one in wanted]
    if not found:
        return nothing()
    return _C.id.in_(sa.select(_P.communication).where(mine(PARTY), _P.role == role, sa.or_(*found)))


def newest(
    tx: Tx, conditions: Sequence[Any], before: str | None, limit: int
) -> tuple[list[Communication], str | None]:
    """Messages, the newest first, and the cursor of the next page. Ids grow with time."""
    query = sa.select(_C.doc).where(mine(COMMUNICATION), *conditions).order_by(_C.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(_C.id < before)
    found = [COMMUNICATIONS.decode(row[0]) for row in tx.tuples(query)]
    return found[:limit], (found[limit - 1].id if len(found) > limit else None)


def sorted_page(
    tx: Tx, conditions: Sequence[Any], *, down: bool, offset: int, limit: int
) -> list[Communication]:
    """Messages by when they came, from `offset` on."""
    query = sa.select(_C.doc).where(mine(COMMUNICATION), *conditions)
    query = query.order_by(_C.id.desc() if down else _C.id).limit(limit).offset(offset)
    return [COMMUNICATIONS.decode(row[0]) for row in tx.tuples(query)]


def add_binary(tx: Tx, id_: str, media_type: str, data: bytes, extra: str) -> None:
    """Store an attachment as this actor's."""
    tx.run(
        _ADD_BINARY,
        id=id_, portal=tx.actor.portal, media_type=media_type, size=len(data), created_at=tx.now,
        actor=tx.actor.label, extra=extra, data=data,
    )  # fmt: skip


def binary(tx: Tx, id_: str) -> Any:
    """Facts about an attachment this actor may know (id, portal, media_type, size, created_at, extra), or None."""
    found = tx.first(_BINARY, id=id_)
    if found is None or (tx.actor.portal is not None and found.portal != tx.actor.portal):
        return None
    return found


def binary_data(tx: Tx, id_: str) -> bytes:
    """The bytes of an attachment that `binary` found."""
    return bytes(tx.value(_DATA, id=id_))


def sent_since(tx: Tx, portal: str, since: int) -> tuple[int, int | None]:
    """How many attachments a portal sent after `since`, and when the first of them came (epoch seconds)."""
    row = tx.tuples(_SINCE, portal=portal, since=since)[0]
    return int(row[0]), row[1]
