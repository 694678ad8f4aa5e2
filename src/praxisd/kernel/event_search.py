"""Finding events, newest first: the activity list and the evidence, for one practice and what the server itself does."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.events import EVENT, Event, of_row
from praxisd.kernel.service import Retention
from praxisd.kernel.store import Tx

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry

_E = EVENT.c


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to find. None or empty means any; `since`/`until` are epoch seconds, `below` an event number.

    `audit`: True only evidence, False none of it. `hidden`: by type the number up to which events are left out
    (evidence never is). `runs`: only what these runs did.
    """

    types: Sequence[str] | None = None
    subject_type: str = ""
    subject_id: str = ""
    actors: Sequence[str] | None = None
    since: int | None = None
    until: int | None = None
    audit: bool | None = None
    below: int | None = None
    runs: Sequence[str] | None = None
    hidden: Mapping[str, int] = {}
    offset: int = 0
    limit: int = 50
    oldest_first: bool = False


def find(tx: Tx, registry: "Registry", wanted: Wanted) -> list[Event]:
    """At most `limit` events of the transaction's organization, and of the installation those of the kernel itself."""
    query = sa.select(EVENT).where(*_conditions(registry, wanted))
    order = _E.seq.asc() if wanted.oldest_first else _E.seq.desc()
    query = query.order_by(order).limit(wanted.limit).offset(wanted.offset)
    return [of_row(r) for r in tx.all(_across(query), installation=INSTALLATION)]


def count_by_type(tx: Tx, registry: "Registry", wanted: Wanted) -> dict[str, int]:
    """How many there are of each type (`limit`, `offset` and `below` do not matter)."""
    query = sa.select(_E.type, sa.func.count().label("number")).where(*_conditions(registry, wanted))
    rows = tx.all(_across(query.group_by(_E.type)), installation=INSTALLATION)
    return {row.type: int(row.number) for row in rows}


def count_by_run(tx: Tx, registry: "Registry", runs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By run how much it noted, and how much of that tells of a failure; evidence is not counted."""
    if not runs:
        return {}
    conditions = _conditions(registry, Wanted(runs=runs, audit=False))
    query = sa.select(_E.run, _E.type, sa.func.count().label("number")).where(*conditions)
    found: dict[str, tuple[int, int]] = {}
    for row in tx.all(_across(query.group_by(_E.run, _E.type)), installation=INSTALLATION):
        number, wrong = found.get(row.run, (0, 0))
        alert = registry.events[row.type].alert
        found[row.run] = (number + int(row.number), wrong + (int(row.number) if alert else 0))
    return found


def actors(tx: Tx) -> list[str]:
    """Every label that stands in an event of the transaction's organization."""
    query = sa.select(_E.actor).where(_E.organization == sa.bindparam("organization")).distinct()
    return sorted(row.actor for row in tx.all(query))


def _conditions(registry: "Registry", wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    own = [name for name, service in registry.event_services.items() if service == "kernel"]
    found = [
        sa.or_(
            _E.organization == sa.bindparam("organization"),
            sa.and_(_E.organization == sa.bindparam("installation"), _E.type.in_(own)),
        ),
        # A plug-in that is gone leaves events nobody has words for.
        _E.type.in_(list(registry.events) if wanted.types is None else list(wanted.types)),
    ]
    if wanted.subject_type:
        found.append(_E.subject_type == wanted.subject_type)
    if wanted.subject_id:
        found.append(_E.subject_id == wanted.subject_id)
    if wanted.actors is not None:
        found.append(_E.actor.in_(list(wanted.actors)))
    if wanted.since is not None:
        found.append(_E.at >= wanted.since)
    if wanted.until is not None:
        found.append(_E.at < wanted.until)
    evidence = _E.retention == Retention.AUDIT.value
    if wanted.runs is not None:
        found.append(_E.run.in_(list(wanted.runs)))
    if wanted.hidden:
        by_mark: dict[int, list[str]] = defaultdict(list)
        for name, mark in wanted.hidden.items():
            by_mark[mark].append(name)
        left_out = [sa.and_(_E.type.in_(names), _E.seq <= mark) for mark, names in by_mark.items()]
        found.append(sa.or_(evidence, sa.not_(sa.or_(*left_out))))
    if wanted.audit is not None:
        found.append(evidence if wanted.audit else sa.not_(evidence))
    if wanted.below is not None:
        found.append(_E.seq < wanted.below)
    return found


def _across(statement: sa.Select) -> sa.Select:  # type: ignore[type-arg]
    """The installation's rows are read beside the practice's, on purpose."""
    return statement.execution_options(across=True)
