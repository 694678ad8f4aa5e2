"""Tables of the waiting list: entries, rounds (one per freed time) and offers (SPEC 1.14)."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.engines import Conflict
from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, insert, mine, prepared, table
from praxisd.model.waiting import OfferState, RoundState, WaitingEntry

_BIG = sa.BigInteger
WAITING = resource_table(
    "calendar_waiting",
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("created", _BIG, nullable=False),
    sa.Index("calendar_waiting_listed", "organization", "state", "created"),
    sa.Index("calendar_waiting_patient", "organization", "patient"),
)
ROUND = table(
    "calendar_round",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("schedules", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("how", sa.Text),
    sa.Column("automatic", sa.Integer, nullable=False),
    sa.Column("found_at", _BIG, nullable=False),
    sa.Column("next_at", _BIG),
    sa.Column("ended_at", _BIG),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "source", name="calendar_round_source"),
    sa.Index("calendar_round_listed", "organization", "state", "start"),
)
"""A time that became free. `source`: what freed it, so that it is one round however often it is told. States: `found`
(shown, not held), `running` (held, offers are out), `ended`. `automatic`: 1 = goes on by itself. `next_at`: when it wants
to be looked at. `how` it ended: accepted, empty, taken, past, stopped.
"""
OFFER = table(
    "calendar_offer",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("schedules", sa.Text, nullable=False),
    sa.Column("start", _BIG, nullable=False),
    sa.Column("end", _BIG, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, unique=True),
    sa.Column("made_at", _BIG, nullable=False),
    sa.Column("until", _BIG, nullable=False),
    sa.Column("answered_at", _BIG),
    sa.Column("appointment", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("calendar_offer_round", "organization", "round"),
    sa.Index("calendar_offer_listed", "organization", "state", "made_at"),
)
_OPEN = sa.text("state = 'open'")
sa.Index(
    "calendar_offer_once",
    OFFER.c.organization,
    OFFER.c.entry,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
"""States: open, accepted, declined, lapsed (nobody answered), gone (somebody else was first, or the time was taken).
`digest`: SHA-256 (hex) of the unguessable part of the patient's link. `until`: from then on the next one is asked too.
An entry has at most one open offer.
"""
TABLES = (str(WAITING.name), str(ROUND.name), str(OFFER.name))
ENTRIES: Records[WaitingEntry] = Records(
    "WaitingEntry",
    WAITING,
    WaitingEntry,
    lambda r: {name: getattr(r, name) for name in ("state", "service", "patient", "created")},
    lockable=False,
)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ROUND."""

    id: str
    version: int = 1
    source: str
    schedules: tuple[str, ...]
    start: int
    end: int
    state: RoundState = "found"
    how: str | None = None
    automatic: bool
    found_at: int
    next_at: int | None
    ended_at: int | None = None

    @property
    def owner(self) -> str:
        """Under which name it keeps its time in `calendar_busy`."""
        return f"Offer/{self.id}"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A row of OFFER."""

    id: str
    round: str
    entry: str
    service: str
    schedules: tuple[str, ...]
    start: int
    end: int
    state: OfferState = "open"
    digest: str | None = None
    made_at: int
    until: int
    answered_at: int | None = None
    appointment: str | None = None


_W, _R, _O = WAITING.c, ROUND.c, OFFER.c
_ASKED = WAITING.alias("asked")
_ANYBODY = prepared(sa.select(_W.id).where(mine(WAITING), _W.state == "waiting").limit(1))
_LOCK_ENTRY = prepared(sa.select(_W.doc).where(mine(WAITING), _W.id == sa.bindparam("id")).with_for_update())
_QUEUE = prepared(
    sa.select(_W.doc)
    .where(
        mine(WAITING),
        _W.state == "waiting",
        _W.patient.not_in(
            sa.select(_ASKED.c.patient).where(
                _ASKED.c.organization == sa.bindparam("organization"),
                _O.organization == sa.bindparam("organization"),
                _O.entry == _ASKED.c.id,
                sa.or_(_O.state == "open", _O.round == sa.bindparam("round")),
            )
        ),
    )
    .order_by(_W.created, _W.id)
    .limit(sa.bindparam("at_most"))
)
_MINE = (
    sa.select(_W.doc)
    .where(mine(WAITING), _W.patient == sa.bindparam("patient"), _W.state == "waiting")
    .order_by(_W.id)
)
_OF_PATIENT, _LOCK_PATIENT = prepared(_MINE), prepared(_MINE.with_for_update())
_OPEN_OF_PATIENT = prepared(
    sa.select(OFFER)
    .join(WAITING, sa.and_(mine(WAITING), _W.id == _O.entry))
    .where(mine(OFFER), _O.state == "open", _W.patient == sa.bindparam("patient"))
    .order_by(_O.id)
)
_ADD_ROUND = insert(ROUND, ignore=True)
_ROUND = sa.select(ROUND).where(mine(ROUND), _R.id == sa.bindparam("id"))
_GET_ROUND, _LOCK_ROUND = prepared(_ROUND), prepared(_ROUND.with_for_update())
_DUE = prepared(
    sa.select(_R.id)
    .where(mine(ROUND), _R.state.in_(("found", "running")), _R.next_at <= sa.bindparam("moment"))
    .order_by(_R.next_at, _R.start, _R.id)
    .limit(sa.bindparam("at_most"))
)
_SAVE_ROUND = prepared(
    sa.update(ROUND)
    .where(mine(ROUND), _R.id == sa.bindparam("id"), _R.version == sa.bindparam("expected"))
    .values({n: sa.bindparam(n) for n in ("version", "state", "how", "automatic", "next_at", "ended_at")})
)
_ADD_OFFER = insert(OFFER)
_GET_OFFER = prepared(sa.select(OFFER).where(mine(OFFER), _O.id == sa.bindparam("id")))
_BY_DIGEST = prepared(sa.select(OFFER).where(_O.digest == sa.bindparam("digest")))
_BY_DIGEST.across = True
_OF_ROUND = prepared(
    sa.select(OFFER).where(mine(OFFER), _O.round == sa.bindparam("round")).order_by(_O.made_at, _O.id)
)
_OPEN_OF_ENTRY = prepared(
    sa.select(OFFER).where(mine(OFFER), _O.entry == sa.bindparam("entry"), _O.state == "open")
)
_SAVE_OFFER = prepared(
    sa.update(OFFER)
    .where(mine(OFFER), _O.id == sa.bindparam("id"), _O.state == sa.bindparam("before"))
    .values({n: sa.bindparam(n) for n in ("state", "digest", "answered_at", "appointment")})
)


def anybody(tx: Tx) -> bool:
    """Whether somebody waits at all: as long as nobody does, what becomes free costs one look."""
    return tx.value(_ANYBODY) is not None


def entry(tx: Tx, id_: str, lock: bool = False) -> WaitingEntry | None:
    """An entry. `lock`: it is about to be changed, others wait."""
    if not lock or tx.store.alone:
        return ENTRIES.get(tx, id_)
    doc = tx.value(_LOCK_ENTRY, id=id_)
    return None if doc is None else ENTRIES.decode(doc)


def queue(tx: Tx, round_: str, at_most: int) -> list[WaitingEntry]:
    """Who waits, first come first, without patients who have an open offer or were asked in this round already.

    A patient may wait more than once: for another type, or since two records turned out to be one person.
    """
    rows = tx.tuples(_QUEUE, round=round_, at_most=at_most)
    return [ENTRIES.decode(row[0]) for row in rows]


def of_patient(tx: Tx, patient: str, lock: bool = False) -> list[WaitingEntry]:
    """What a patient waits for, by id. `lock`: it is about to be changed or offered a time, others wait."""
    statement = _LOCK_PATIENT if lock and not tx.store.alone else _OF_PATIENT
    return [ENTRIES.decode(row[0]) for row in tx.tuples(statement, patient=patient)]


def overdue(tx: Tx, today: str) -> list[WaitingEntry]:
    """Waiting ones whose last day is before this local date (YYYY-MM-DD)."""
    found = ENTRIES.all(tx, _W.state == "waiting")
    return [one for one in found if one.last is not None and one.last.isoformat() < today]


def entries_page(
    tx: Tx, state: str | None, service: str | None, after: str | None, limit: int
) -> tuple[list[WaitingEntry], str | None]:
    """A page of entries in the order in which they came (ids grow with time)."""
    conditions = [] if state is None else [_W.state == state]
    if service is not None:
        conditions.append(_W.service == service)
    return ENTRIES.page(tx, *conditions, after=after, limit=limit)


def add_round(tx: Tx, one: Round) -> bool:
    """Store it; False where this source has its round already."""
    return tx.run(_ADD_ROUND, **_row(one)) == 1


def round_of(tx: Tx, id_: str, lock: bool = False) -> Round | None:
    """A round. `lock`: it is about to go on; other nodes and answers wait."""
    row = tx.first(_LOCK_ROUND if lock and not tx.store.alone else _GET_ROUND, id=id_)
    return None if row is None else _round(row)


def due(tx: Tx, at_most: int = 100) -> list[str]:
    """Ids of rounds that want to be looked at."""
    return [row[0] for row in tx.tuples(_DUE, moment=tx.now, at_most=at_most)]


def save_round(tx: Tx, one: Round) -> Round:
    """Store state, how, automatic, next_at and ended_at, with the next version; Conflict if another was faster."""
    new = msgspec.structs.replace(one, version=one.version + 1)
    fields = {n: getattr(new, n) for n in ("version", "state", "how", "next_at", "ended_at")}
    if tx.run(_SAVE_ROUND, id=one.id, expected=one.version, automatic=int(new.automatic), **fields) != 1:
        raise Conflict("the round went on meanwhile")
    return new


def add_offer(tx: Tx, one: Offer) -> None:
    """Store it; Violation if its entry has an open one."""
    tx.run(_ADD_OFFER, **_row(one))


def offer(tx: Tx, id_: str) -> Offer | None:
    """An offer."""
    row = tx.first(_GET_OFFER, id=id_)
    return None if row is None else _offer(row)


def offer_by_digest(tx: Tx, digest: str) -> tuple[str, Offer] | None:
    """(organization, offer) of any practice: the caller knows nothing but the link."""
    row = tx.first(_BY_DIGEST, digest=digest)
    return None if row is None else (row.organization, _offer(row))


def offers_of(tx: Tx, round_: str) -> list[Offer]:
    """All of a round, in the order in which they were made."""
    return [_offer(row) for row in tx.all(_OF_ROUND, round=round_)]


def open_offer(tx: Tx, entry_: str) -> Offer | None:
    """The open offer of an entry, if it has one."""
    row = tx.first(_OPEN_OF_ENTRY, entry=entry_)
    return None if row is None else _offer(row)


def open_offers(tx: Tx, patient: str) -> list[Offer]:
    """The open offers of a patient, by id; more than one only where records were merged."""
    return [_offer(row) for row in tx.all(_OPEN_OF_PATIENT, patient=patient)]


def save_offer(tx: Tx, before: str, one: Offer) -> Offer:
    """Store state, link, answer; Conflict if it is no longer in the state `before`."""
    fields = {n: getattr(one, n) for n in ("state", "digest", "answered_at", "appointment")}
    if tx.run(_SAVE_OFFER, id=one.id, before=before, **fields) != 1:
        raise Conflict("the offer was answered meanwhile")
    return one


def rounds_page(tx: Tx, state: str | None, after: str | None, limit: int) -> tuple[list[Round], str | None]:
    """Latest found first, from below the id `after` on."""
    rows, last = _newest(tx, ROUND, [] if state is None else [_R.state == state], after, limit)
    return [_round(row) for row in rows], last


def offers_page(
    tx: Tx, conditions: Collection[tuple[str, str]], after: str | None, limit: int
) -> tuple[list[Offer], str | None]:
    """Latest made first, from below the id `after` on; `conditions`: (column, value)."""
    wanted = [OFFER.c[name] == value for name, value in conditions]
    rows, last = _newest(tx, OFFER, wanted, after, limit)
    return [_offer(row) for row in rows], last


def _newest(
    tx: Tx, one: sa.Table, conditions: Sequence[Any], after: str | None, limit: int
) -> tuple[list[Any], str | None]:
    query = sa.select(one).where(mine(one), *conditions).order_by(one.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(one.c.id < after)
    rows = tx.all(query)
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _row(one: Round | Offer) -> dict[str, Any]:
    fields = msgspec.structs.asdict(one)
    fields["schedules"] = msgspec.json.encode(one.schedules).decode()
    if isinstance(one, Round):
        fields["automatic"] = int(one.automatic)
    return fields


def _fields(row: Any) -> dict[str, Any]:
    fields: dict[str, Any] = row._asdict()
    del fields["organization"]
    fields["schedules"] = msgspec.json.decode(fields["schedules"], type=tuple[str, ...])
    return fields


def _round(row: Any) -> Round:
    fields = _fields(row)
    return Round(**fields | {"automatic": bool(fields["automatic"])})


def _offer(row: Any) -> Offer:
    return Offer(**_fields(row))
