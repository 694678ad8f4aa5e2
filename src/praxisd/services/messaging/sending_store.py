"""Queries of the outbox by what is to be done next: what is due, left over, unsure, or not heard of yet."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared
from praxisd.services.messaging.outbox_store import OUTBOX

_O = OUTBOX.c
_LEFT_OVER = prepared(
    sa.select(OUTBOX)
    .where(
        mine(OUTBOX),
        _O.state == "sending",
        _O.sending_at < sa.bindparam("before"),
        sa.func.substr(_O.claim, 1, sa.bindparam("length", type_=sa.Integer)) != sa.bindparam("own"),
    )
    .order_by(_O.id)
    .limit(200)
)
_UNSURE = prepared(
    sa.select(OUTBOX)
    .where(mine(OUTBOX), _O.state == "unsure", _O.sending_at >= sa.bindparam("since"))
    .order_by(sa.func.coalesce(_O.asked_at, 0), _O.id)
    .limit(200)
)
_OVER = prepared(
    sa.select(OUTBOX)
    .where(mine(OUTBOX), _O.state == "prepared", _O.useless_after <= sa.bindparam("moment"))
    .order_by(_O.id)
    .limit(100)
)
_SILENT = prepared(
    sa.update(OUTBOX)
    .where(
        mine(OUTBOX), _O.state == "accepted", _O.ended_at.is_(None), _O.accepted_at < sa.bindparam("since")
    )
    .values(ended_at=sa.bindparam("moment"))
)
_COUNT = prepared(
    sa.select(_O.state, _O.channel, sa.func.count())
    .where(mine(OUTBOX), _O.state.in_(("prepared", "sending", "unsure")))
    .group_by(_O.state, _O.channel)
)
_USEFUL = sa.and_(_O.attempts > 0, _O.accepted_at.is_(None), _O.useless_after > sa.bindparam("moment"))
_STUCK = prepared(
    sa.select(_O.channel, _O.reason, sa.func.count(), sa.func.max(_O.attempts))
    .where(
        mine(OUTBOX),
        sa.or_(_O.state == "prepared", sa.and_(_O.state == "failed", _O.letter.is_distinct_from("done"))),
        _USEFUL,
        _O.reason.is_not(None),
    )
    .group_by(_O.channel, _O.reason)
    .order_by(_O.channel, _O.reason)
)


def due(tx: Tx, channels: Sequence[str], now: int, limit: int) -> list[Any]:
    """Messages that are to go out now on these channels, the longest waiting first."""
    query = (
        sa.select(OUTBOX)
        .where(mine(OUTBOX), _O.state == "prepared", _O.next_at <= now, _O.channel.in_(list(channels)))
        .order_by(_O.next_at, _O.id)
        .limit(limit)
    )
    return tx.all(query)


def left_over(tx: Tx, own: str, before: int) -> list[Any]:
    """Messages that were taken to be sent before `before`, not by the run whose claims begin with `own`."""
    return tx.all(_LEFT_OVER, own=own, length=len(own), before=before)


def unsure(tx: Tx, since: int) -> list[Any]:
    """Messages of which nobody knows whether they went out, tried since then; the longest not asked about first."""
    return tx.all(_UNSURE, since=since)


def under_way(tx: Tx) -> list[Any]:
    """(state, gateway, sending_at, claim) of messages whose sending has not come to an answer."""
    columns = (_O.state, _O.gateway, _O.sending_at, _O.claim)
    return tx.all(sa.select(*columns).where(mine(OUTBOX), _O.state.in_(("sending", "unsure"))).limit(500))


def over(tx: Tx, now: int) -> list[Any]:
    """Waiting messages that would only confuse by now."""
    return tx.all(_OVER, moment=now)


def awaited(tx: Tx, gateway: str, channel: str, since: int, asked_before: int, limit: int) -> list[Any]:
    """Accepted messages that this gateway can still tell about and was not asked about since `asked_before`."""
    asked = sa.func.coalesce(_O.asked_at, 0)
    query = (
        sa.select(OUTBOX)
        .where(
            mine(OUTBOX),
            _O.state == "accepted",
            _O.ended_at.is_(None),
            _O.gateway == gateway,
            _O.channel == channel,
            _O.accepted_at >= since,
            asked < asked_before,
        )
        .order_by(asked, _O.id)
        .limit(limit)
    )
    return tx.all(query)


def asked(tx: Tx, ids: Sequence[str]) -> None:
    """Note that the gateway was asked about these just now; that is no new version of them."""
    tx.run(sa.update(OUTBOX).where(mine(OUTBOX), _O.id.in_(list(ids))).values(asked_at=tx.now))


def give_up(tx: Tx, since: int) -> int:
    """Nothing more is awaited for messages accepted before `since`; how many those are."""
    return tx.run(_SILENT, since=since, moment=tx.now)


def counts(tx: Tx) -> dict[tuple[str, str], int]:
    """How many messages are under way, by state and channel."""
    return {(str(state), str(channel)): int(number) for state, channel, number in tx.tuples(_COUNT)}


def unsure_before(tx: Tx, moment: int) -> int:
    """How many messages are unsure since before that moment."""
    query = sa.select(sa.func.count()).select_from(OUTBOX)
    return int(tx.value(query.where(mine(OUTBOX), _O.state == "unsure", _O.sending_at <= moment)))


def stuck(tx: Tx) -> list[tuple[str, str, int, int]]:
    """(channel, reason, how many, attempts of the most tried) of messages that a gateway did not take and that would still
    be of use.
    """
    return [(str(c), str(r), int(n), int(a)) for c, r, n, a in tx.tuples(_STUCK, moment=tx.now)]


def wait_again(tx: Tx, channel: str, reasons: Sequence[str]) -> int:
    """Messages that failed for one of these reasons, and are still of use, are to go out after all; how many."""
    query = sa.update(OUTBOX).where(
        mine(OUTBOX),
        _O.state == "failed",
        _O.channel == channel,
        _O.reason.in_(list(reasons)),
        _O.holds.is_not(None),
        _O.accepted_at.is_(None),
        _O.useless_after > tx.now,
        _O.letter.is_distinct_from("done"),
    )
    fresh = {
        "reason": None,
        "detail": None,
        "letter": None,
        "ended_at": None,
        "claim": None,
        "sending_at": None,
    }
    return tx.run(query.values(state="prepared", next_at=tx.now, version=_O.version + 1, **fresh))


def newest_to(tx: Tx, channel: str, addresses: Sequence[str], since: int) -> list[Any]:
    """Messages that went to one of these addresses since then, the newest first. Capitals of mail addresses do not count."""
    known = list(addresses)
    here = _O.address.in_(known)
    if channel == "email":
        here = sa.func.lower(_O.address).in_([one.lower() for one in known])
    query = (
        sa.select(OUTBOX)
        .where(
            mine(OUTBOX),
            _O.channel == channel,
            here,
            _O.state.in_(("accepted", "delivered", "unsure", "sending", "expired", "failed")),
            sa.func.coalesce(_O.accepted_at, _O.sending_at) >= since,
        )
        .order_by(sa.func.coalesce(_O.accepted_at, _O.sending_at).desc(), _O.id.desc())
        .limit(50)
    )
    return tx.all(query)
