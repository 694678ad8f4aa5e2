"""Queries of deliveries: what is due on any node, what became of it, and the log. Times are epoch seconds."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared
from praxisd.services.portals.store import DELIVERY, WEBHOOK

_D = DELIVERY.c
_EARLIER = DELIVERY.alias().c
IN_ORDER = 4
"""A call that failed this often no longer holds back later ones about the same thing."""
AT_ONCE = 200
"""Due calls that are looked at in one round, of all practices."""
_ADD = insert(DELIVERY, ignore=True)
_GET = prepared(sa.select(DELIVERY).where(mine(DELIVERY), _D.id == sa.bindparam("one")))
_FREE = ~sa.exists().where(
    _EARLIER.organization == _D.organization,
    _EARLIER.webhook == _D.webhook,
    _EARLIER.subject == _D.subject,
    _EARLIER.state == "open",
    _EARLIER.seq < _D.seq,
    _EARLIER.attempts < IN_ORDER,
)
_ACTIVE = sa.and_(
    WEBHOOK.c.organization == _D.organization, WEBHOOK.c.id == _D.webhook, WEBHOOK.c.active == 1
)
_TURN = sa.func.row_number().over(
    partition_by=(_D.organization, _D.webhook), order_by=(_D.next_at, _D.seq, _D.id)
)
_WAITS = (
    sa.select(
        _D.organization, _D.id, _D.webhook, _D.subject, _D.attempts, _D.next_at, _D.seq, _TURN.label("turn")
    )
    .join(WEBHOOK, _ACTIVE)
    .where(_D.state == "open", _D.next_at <= sa.bindparam("moment"), _FREE)
    .subquery()
)
_W = _WAITS.c
_DUE = prepared(
    sa.select(_W.organization, _W.id, _W.webhook, _W.subject, _W.attempts)
    .where(_W.turn <= sa.bindparam("of_one"))
    .order_by(_W.turn, _W.next_at, _W.seq, _W.id)
    .limit(AT_ONCE)
)
_DUE.across = True
_NEXT = prepared(sa.select(sa.func.min(_D.next_at)).join(WEBHOOK, _ACTIVE).where(_D.state == "open"))
_NEXT.across = True
_CLAIM = prepared(
    sa.update(DELIVERY)
    .where(
        mine(DELIVERY), _D.id == sa.bindparam("one"), _D.state == "open", _D.attempts == sa.bindparam("known"),
        _D.next_at <= sa.bindparam("moment"),
    )
    .values(attempts=_D.attempts + 1, next_at=sa.bindparam("until"))
)  # fmt: skip
_HOLD = prepared(
    sa.update(DELIVERY)
    .where(
        mine(DELIVERY), _D.webhook == sa.bindparam("its"), _D.state == "open", _D.id != sa.bindparam("one"),
        _D.next_at < sa.bindparam("until"),
    )
    .values(next_at=sa.bindparam("until"))
)  # fmt: skip
_DROP_ALL = prepared(sa.delete(DELIVERY).where(mine(DELIVERY), _D.webhook == sa.bindparam("its")))
_NEWEST = sa.select(sa.func.max(_EARLIER.replay)).where(
    _EARLIER.organization == _D.organization, _EARLIER.webhook == _D.webhook, _EARLIER.seq == _D.seq
)
_FAILED = prepared(
    sa.select(DELIVERY)
    .where(
        mine(DELIVERY), _D.webhook == sa.bindparam("its"), _D.state == "failed", _D.seq > 0,
        _D.created_at >= sa.bindparam("since"), _D.replay == _NEWEST.scalar_subquery(),
    )
    .order_by(_D.seq)
    .limit(sa.bindparam("most"))
)  # fmt: skip
_LAST_REPLAY = prepared(
    sa.select(sa.func.max(_D.replay)).where(
        mine(DELIVERY), _D.webhook == sa.bindparam("its"), _D.seq == sa.bindparam("number")
    )
)
_OLD = prepared(
    sa.select(_D.id)
    .where(mine(DELIVERY), _D.state != "open", _D.created_at < sa.bindparam("before"))
    .limit(500)
)


class State(NamedTuple):
    """How a webhook stands: when something last arrived, calls that failed since, how many wait, why not."""

    delivered_at: int | None = None
    failures: int = 0
    open: int = 0
    code: str | None = None
    status: int | None = None
    given_up: int = 0
    tries: int = 0


def add(tx: Tx, **row: Any) -> bool:
    """Store a delivery; False if this webhook has one about this event (and replay) already."""
    given = {
        "state": "open", "attempts": 0, "next_at": tx.now, "status": None, "code": None, "created_at": tx.now,
        "done_at": None,
    }  # fmt: skip
    return tx.run(_ADD, **{**given, **row}) == 1


def get(tx: Tx, id_: str) -> Any | None:
    """The row, or None."""
    return tx.first(_GET, one=id_)


def due(tx: Tx, now: int, of_one: int) -> list[Any]:
    """(organization, id, webhook, subject, attempts) of what may be called now, of all practices, at most `of_one` calls of
    a webhook: first the next one of each, so that nobody's backlog holds up the others. The longest waiting first.

    Not what waits behind an earlier event about the same thing.
    """
    return tx.all(_DUE, moment=now, of_one=of_one)


def next_at(tx: Tx) -> int | None:
    """When something is due next, in any practice."""
    found = tx.value(_NEXT)
    return None if found is None else int(found)


def claim(tx: Tx, id_: str, attempts: int, until: int) -> bool:
    """Take a delivery for one call that is over by `until`; False if somebody else has it, or it has ended."""
    return tx.run(_CLAIM, one=id_, known=attempts, moment=tx.now, until=until) == 1


def change(tx: Tx, id_: str, attempts: int | None, **values: Any) -> bool:
    """Write down what became of an open delivery; with `attempts` only by whoever made that call last."""
    query = sa.update(DELIVERY).where(mine(DELIVERY), _D.id == id_, _D.state == "open")
    if attempts is not None:
        query = query.where(_D.attempts == attempts)
    return tx.run(query.values(**values)) == 1


def hold(tx: Tx, webhook: str, but: str, until: int) -> None:
    """The receiver does not answer: its other calls wait as well."""
    tx.run(_HOLD, its=webhook, one=but, until=until)


def drop_all(tx: Tx, webhook: str) -> None:
    """Forget everything about a webhook that is gone."""
    tx.run(_DROP_ALL, its=webhook)


def failed_since(tx: Tx, webhook: str, since: int, most: int) -> list[Any]:
    """Deliveries that were given up and not sent again yet, by event."""
    return tx.all(_FAILED, its=webhook, since=since, most=most)


def next_replay(tx: Tx, webhook: str, seq: int) -> int:
    """The number of the next repetition."""
    found = tx.value(_LAST_REPLAY, its=webhook, number=seq)
    return 0 if found is None else int(found) + 1


def purge(tx: Tx, before: int) -> int:
    """Forget some deliveries that have ended and are older; how many."""
    old = [row.id for row in tx.all(_OLD, before=before)]
    if old:
        tx.run(sa.delete(DELIVERY).where(mine(DELIVERY), _D.id.in_(old)))
    return len(old)


def states(tx: Tx) -> dict[str, State]:
    """How each webhook stands, by id; those that were never called are left out. Test calls do not count."""
    here = [mine(DELIVERY), _D.seq > 0]
    arrived = {
        str(webhook): int(at)
        for webhook, at in tx.tuples(
            sa.select(_D.webhook, sa.func.max(_D.done_at))
            .where(*here, _D.state == "delivered")
            .group_by(_D.webhook)
        )
    }
    found = {one: State(at) for one, at in arrived.items()}
    waiting = sa.select(_D.webhook, sa.func.count(), sa.func.max(_D.attempts)).where(
        *here, _D.state == "open"
    )
    for webhook, number, tries in tx.tuples(waiting.group_by(_D.webhook)):
        found[str(webhook)] = found.get(str(webhook), State())._replace(open=int(number), tries=int(tries))
    for webhook in {*found, *_webhooks_with(tx, "failed")}:
        state, since = found.get(webhook, State()), arrived.get(webhook, 0)
        bad = [
            mine(DELIVERY),
            _D.seq > 0,
            _D.webhook == webhook,
            _D.code.is_not(None),
            _D.state != "delivered",
        ]
        worst = tx.first(
            sa.select(_D.code, _D.status)
            .where(*bad, _later(since))
            .order_by(_D.seq.desc(), _D.replay.desc())
            .limit(1)
        )
        if worst is None:
            found[webhook] = state
            continue
        count = sa.select(sa.func.sum(_D.attempts), sa.func.sum(sa.case((_D.state == "failed", 1), else_=0)))
        ((tries, given_up),) = tx.tuples(count.where(*bad, _later(since)))
        found[webhook] = state._replace(
            failures=int(tries or 0), given_up=int(given_up or 0), code=worst.code, status=worst.status
        )
    return found


def _later(since: int) -> Any:
    return sa.or_(_D.state == "open", _D.done_at > since)


def _webhooks_with(tx: Tx, state: str) -> set[str]:
    query = sa.select(_D.webhook).where(mine(DELIVERY), _D.seq > 0, _D.state == state).distinct()
    return {str(row[0]) for row in tx.tuples(query)}


def newest(tx: Tx, wanted: Mapping[str, Any], before: str | None, limit: int) -> list[Any]:
    """Deliveries with these values (a list: one of them), the newest first, older than `before`."""
    query = sa.select(DELIVERY).where(mine(DELIVERY), *_conditions(wanted))
    if before is not None:
        query = query.where(_D.id < before)
    return tx.all(query.order_by(_D.id.desc()).limit(limit))


def page(
    tx: Tx, wanted: Mapping[str, Any], *, sort: str, down: bool, offset: int, limit: int
) -> tuple[list[Any], int]:
    """A page of the log in this order (a column's name), and how many there are."""
    conditions = [mine(DELIVERY), *_conditions(wanted)]
    order = [_D[sort], _D.id]
    query = sa.select(DELIVERY).where(*conditions).order_by(*(one.desc() if down else one for one in order))
    total = tx.value(sa.select(sa.func.count()).select_from(DELIVERY).where(*conditions))
    return tx.all(query.limit(limit).offset(offset)), int(total)


def _conditions(wanted: Mapping[str, Any]) -> Sequence[Any]:
    found = []
    for name, value in wanted.items():
        if value is None:
            continue
        if name == "since":
            found.append(_D.created_at >= value)
        elif name == "until":
            found.append(_D.created_at < value)
        else:
            found.append(
                _D[name].in_(list(value)) if isinstance(value, list | tuple | set) else _D[name] == value
            )
    return found
