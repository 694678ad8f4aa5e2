"""Queries of the outbox. Every change names the state it starts from: who comes second changes nothing."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.model.communication import BOOKING
from praxisd.services.messaging.outbox_store import OUTBOX

_O = OUTBOX.c
CHUNK = 400
"""Ids in one statement."""
_ADD = insert(OUTBOX, ignore=True)
_GET = prepared(sa.select(OUTBOX).where(mine(OUTBOX), _O.id == sa.bindparam("id")))
_BY_RECEIPT = prepared(
    sa.select(OUTBOX)
    .where(mine(OUTBOX), _O.gateway == sa.bindparam("gateway"), _O.receipt == sa.bindparam("receipt"))
    .order_by(_O.id)
    .limit(1)
)
_RELEASE = prepared(
    sa.update(OUTBOX)
    .where(mine(OUTBOX), _O.id == sa.bindparam("one"), _O.holds.is_not(None))
    .values(holds=None, letter=sa.case((_O.letter == "open", None), else_=_O.letter), version=_O.version + 1)
)
_OTHERS = OUTBOX.alias()
_HOLD = prepared(
    sa.update(OUTBOX)
    .where(
        mine(OUTBOX),
        _O.id == sa.bindparam("one"),
        _O.holds.is_(None),
        ~sa.exists().where(_OTHERS.c.organization == _O.organization, _OTHERS.c.holds == _O.topic),
    )
    .values(holds=_O.topic, version=_O.version + 1)
)
_NO_LETTER = prepared(
    sa.update(OUTBOX)
    .where(mine(OUTBOX), _O.id == sa.bindparam("one"), _O.letter == "open")
    .values(letter=None, version=_O.version + 1)
)
_ANSWERED = prepared(
    sa.update(OUTBOX)
    .where(mine(OUTBOX), _O.topic == sa.bindparam("about"), _O.letter == "open", _O.id != sa.bindparam("one"))
    .values(letter=None, version=_O.version + 1)
)


def add(tx: Tx, row: dict[str, Any]) -> bool:
    """Store a new message; False if another holds its topic already."""
    return tx.run(_ADD, **row) == 1


def get(tx: Tx, id_: str) -> Any | None:
    """The row, or None."""
    return tx.first(_GET, id=id_)


def by_receipt(tx: Tx, gateway: str, receipt: str) -> Any | None:
    """The message a gateway knows by this id of its own, or None."""
    return tx.first(_BY_RECEIPT, gateway=gateway, receipt=receipt)


def release(tx: Tx, id_: str) -> bool:
    """Let the message no longer hold its topic; nobody need write a letter for it."""
    return tx.run(_RELEASE, one=id_) == 1


def hold(tx: Tx, id_: str) -> bool:
    """Let the message hold its topic again; False if it does, or if another one does."""
    return tx.run(_HOLD, one=id_) == 1


def no_letter(tx: Tx, id_: str) -> bool:
    """Nobody need write a letter in place of this message; False if nobody was asked to."""
    return tx.run(_NO_LETTER, one=id_) == 1


def answered(tx: Tx, topic: str, but: str) -> None:
    """Another message goes out for the topic: no letter is needed for the earlier ones."""
    tx.run(_ANSWERED, about=topic, one=but)


def change(tx: Tx, id_: str, states: Sequence[str], *conditions: Any, **values: Any) -> bool:
    """Set columns of a message that is in one of `states` (and meets `conditions`); False if it is not."""
    query = sa.update(OUTBOX).where(mine(OUTBOX), _O.id == id_, _O.state.in_(states), *conditions)
    return tx.run(query.values(version=_O.version + 1, **values)) == 1


def claimed(claim: str) -> Any:
    """The condition that the message was taken to be sent under this claim."""
    return _O.claim == claim


def without_receipt() -> Any:
    """The condition that the gateway's own id is not known yet."""
    return _O.receipt.is_(None)


def chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    """The ids, each once, in lists short enough for one statement."""
    known = list(dict.fromkeys(ids))
    return (known[start : start + CHUNK] for start in range(0, len(known), CHUNK))


def holders(tx: Tx, topics: Iterable[str]) -> list[Any]:
    """(topic, id, state, stamp, channel, letter, patient) of the messages that hold these topics."""
    columns = (_O.topic, _O.id, _O.state, _O.stamp, _O.channel, _O.letter, _O.patient)
    return [
        row
        for some in chunks(topics)
        for row in tx.tuples(sa.select(*columns).where(mine(OUTBOX), _O.holds.in_(some)))
    ]


def refused(tx: Tx, topics: Iterable[str]) -> list[Any]:
    """(topic, stamp, channel) of messages that failed on a channel."""
    return [
        row
        for some in chunks(topics)
        for row in tx.tuples(
            sa.select(_O.topic, _O.stamp, _O.channel).where(
                mine(OUTBOX), _O.topic.in_(some), _O.state == "failed", _O.channel != ""
            )
        )
    ]


def withdrawn(tx: Tx, topics: Iterable[str]) -> list[Any]:
    """(topic, stamp, reason) of messages that were withdrawn."""
    return [
        row
        for some in chunks(topics)
        for row in tx.tuples(
            sa.select(_O.topic, _O.stamp, _O.reason).where(
                mine(OUTBOX), _O.topic.in_(some), _O.state == "withdrawn"
            )
        )
    ]


def greeted(tx: Tx, patients: Iterable[str], since: int) -> set[str]:
    """Patients with a birthday message prepared since then that was not withdrawn."""
    return {
        str(row[0])
        for some in chunks(patients)
        for row in tx.tuples(
            sa.select(_O.patient).where(
                mine(OUTBOX),
                _O.patient.in_(some),
                _O.prepared_at >= since,
                _O.kind == "birthday",
                _O.state != "withdrawn",
            )
        )
    }


_WENT = sa.func.coalesce(_O.sending_at, _O.accepted_at)
_WENT_OUT = prepared(
    sa.select(sa.func.count())
    .select_from(OUTBOX)
    .where(
        mine(OUTBOX),
        _O.patient == sa.bindparam("whose"),
        _O.kind.not_in(list(BOOKING)),
        sa.bindparam("begin") <= _WENT,
        sa.bindparam("until") > _WENT,
        sa.or_(
            _O.state.in_(("sending", "unsure", "accepted", "delivered")),
            sa.and_(_O.state.in_(("failed", "expired")), _O.accepted_at.is_not(None)),
        ),
    )
)


def went_out(tx: Tx, patient: str, start: int, end: int) -> int:
    """How many messages to a patient went out in [start, end), or may have gone out; answers to what was asked for aside.

    Not those that no gateway ever took: letters that were asked for, refused ones, what was too old to be sent.
    """
    return int(tx.value(_WENT_OUT, whose=patient, begin=start, until=end))


def waiting_of(tx: Tx, patient: str, kinds: Sequence[str]) -> list[Any]:
    """(id, kind, topic, appointment, channel, address, stamp) of a patient's messages that were not sent yet."""
    columns = (_O.id, _O.kind, _O.topic, _O.appointment, _O.channel, _O.address, _O.stamp)
    query = sa.select(*columns).where(
        mine(OUTBOX), _O.patient == patient, _O.state == "prepared", _O.kind.in_(list(kinds))
    )
    return tx.tuples(query.order_by(_O.id))


def waiting_kind(tx: Tx, kind: str) -> list[str]:
    """Ids of all messages of a kind that were not sent yet."""
    query = sa.select(_O.id).where(mine(OUTBOX), _O.state == "prepared", _O.kind == kind)
    return [str(row[0]) for row in tx.tuples(query.order_by(_O.id))]


def withdrawn_since(tx: Tx, reason: str, since: int) -> list[Any]:
    """(kind, appointment, patient) of messages that were withdrawn for this reason since then, the oldest first."""
    query = sa.select(_O.kind, _O.appointment, _O.patient).where(
        mine(OUTBOX), _O.state == "withdrawn", _O.reason == reason, _O.ended_at >= since
    )
    return tx.tuples(query.order_by(_O.id))


def close_letters(tx: Tx, patient: str) -> int:
    """Nobody need write the letters any more that are open for a patient; how many those were."""
    query = sa.update(OUTBOX).where(mine(OUTBOX), _O.patient == patient, _O.letter == "open")
    return tx.run(query.values(letter=None, version=_O.version + 1))
