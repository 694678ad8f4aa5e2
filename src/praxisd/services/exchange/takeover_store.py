"""Tables and statements of take-overs: the file and how far it is, each of its records, its warnings, whose number is whose."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert

TAKEOVER = table(
    "exchange_takeover",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cursor", sa.Integer, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("left_out", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("source_gone", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("exchange_takeover_state", "state"),
)
"""`state` is one of `takeover_terms.STATES`; `cursor` the number of the last record dealt with in it; `done` of `total` is
its progress (bytes while looking and running, records while undoing)."""
ITEM = table(
    "exchange_item",
    sa.Column("takeover", sa.Text, nullable=False),
    sa.Column("no", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("source_id", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("flaw", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("target", sa.Text),
    sa.Column("patient", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("before", sa.Text),
    sa.PrimaryKeyConstraint("organization", "takeover", "no"),
    sa.Index("exchange_item_action", "organization", "takeover", "action", "no"),
    sa.Index("exchange_item_target", "organization", "target"),
    sa.Index("exchange_item_patient", "organization", "patient"),
)
"""What became of each record. `target` is what it led to and never turned to another record by a merge; `patient` whom it
is about and turned. `flaw`: its number is damaged. `state`: looked, applied, back, kept, changed (undo met a change)."""
WARNING = table(
    "exchange_warning",
    sa.Column("takeover", sa.Text, nullable=False),
    sa.Column("no", sa.Integer, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "takeover", "no"),
)
LINK = table(
    "exchange_link",
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("takeover", sa.Text, nullable=False),
    sa.Column("no", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "origin", "source_id"),
    sa.Index("exchange_link_patient", "organization", "patient"),
    sa.Index("exchange_link_takeover", "organization", "takeover", "no"),
)
"""Whom a number of another program (`origin`) means here."""
MAPPING = table(
    "exchange_mapping",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("headings", sa.Text, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("exchange_mapping_headings", "organization", "headings"),
)
"""How the columns of a table were read, kept by its headings (a digest of them)."""
TABLES = tuple(str(one.name) for one in (TAKEOVER, ITEM, WARNING, LINK, MAPPING))
REFERENCES = (("exchange_item", "patient"), ("exchange_link", "patient"))
OWN = frozenset({"exchange_item", "exchange_link"})
"""Tables whose rows about a patient go with the take-over that made them."""

_T, _I, _W, _L, _M = TAKEOVER.c, ITEM.c, WARNING.c, LINK.c, MAPPING.c
_bind = sa.bindparam
_ADD = insert(TAKEOVER)
_GET = prepared(sa.select(TAKEOVER).where(mine(TAKEOVER), _T.id == _bind("id")))
_GET_LOCKED = prepared(sa.select(TAKEOVER).where(mine(TAKEOVER), _T.id == _bind("id")).with_for_update())
_PAGE = prepared(
    sa.select(TAKEOVER)
    .where(mine(TAKEOVER), _T.id < _bind("before"), _T.state != "deleting")
    .order_by(_T.id.desc())
    .limit(_bind("at_most"))
)
_MOVING = (
    "state", "cursor", "done", "total", "counts", "left_out", "code", "settings", "format", "changed_at"
)  # fmt: skip
_SAVE = prepared(
    sa.update(TAKEOVER)
    .where(mine(TAKEOVER), _T.id == _bind("its_id"))
    .values({name: _bind(f"new_{name}") for name in _MOVING})
)
_GONE = prepared(sa.update(TAKEOVER).where(mine(TAKEOVER), _T.id == _bind("id")).values(source_gone=1))
_AT_WORK = prepared(
    sa.select(TAKEOVER.c.organization, _T.id, _T.state)
    .where(_T.state.in_(["looking", "running", "undoing", "deleting"]))
    .order_by(_T.id)
)
_AT_WORK.across = True
_QUIET = _T.state.not_in(["looking", "running", "undoing", "deleting"])
_OLD = prepared(
    sa.select(_T.organization, _T.id)
    .where(_T.source_gone == 0, _QUIET, _T.changed_at < _bind("before"))
    .order_by(_T.id)
)
_OLD.across = True
_IDS = prepared(sa.select(_T.id))
_IDS.across = True
_PUT_ITEM = upsert(ITEM, ("organization", "takeover", "no"))
_ITEM = prepared(sa.select(ITEM).where(mine(ITEM), _I.takeover == _bind("takeover"), _I.no == _bind("no")))
_BACKWARDS = prepared(
    sa.select(ITEM)
    .where(
        mine(ITEM),
        _I.takeover == _bind("takeover"),
        _I.state == _bind("its_state"),
        _I.no <= _bind("upto"),
        sa.case((_I.kind == "patient", 1), else_=0) == _bind("people"),
    )
    .order_by(_I.no.desc())
    .limit(_bind("at_most"))
)
_SETTLE = prepared(
    sa.update(ITEM)
    .where(mine(ITEM), _I.takeover == _bind("its_takeover"), _I.no == _bind("its_no"))
    .values(state=_bind("new_state"), code=_bind("new_code"), before=None)
)
_MARK = prepared(
    sa.update(ITEM)
    .where(mine(ITEM), _I.takeover == _bind("its_takeover"), _I.no == _bind("its_no"))
    .values(state="changed", code=_bind("new_code"))
)
_SHIFT = prepared(
    sa.update(ITEM)
    .where(
        mine(ITEM),
        _I.target == _bind("its_target"),
        _I.takeover == _bind("its_takeover"),
        _I.state == "applied",
        _I.no < _bind("its_no"),
        _I.version > 0,
    )
    .values(version=_bind("new_version"))
)
_FLAWED = prepared(
    sa.select(_I.source_id, _I.flaw).where(
        mine(ITEM), _I.takeover == _bind("takeover"), _I.flaw != "", _I.source_id.is_not(None),
        sa.or_(_I.flaw != _bind("judged"), _I.state == "applied"),
    )
)  # fmt: skip
_FLAWED_BEFORE = prepared(
    sa.select(_I.takeover, _I.source_id)
    .where(
        mine(ITEM), _I.takeover != _bind("takeover"), _I.kind == "patient", _I.flaw != "", _I.source_id.is_not(None),
        _I.state.in_(["applied", "changed", "kept"]),
    )
    .distinct()
)  # fmt: skip
_STATES = prepared(
    sa.select(_I.state, sa.func.count())
    .where(mine(ITEM), _I.takeover == _bind("takeover"))
    .group_by(_I.state)
)
_DROP = tuple(
    prepared(sa.delete(one).where(mine(one), one.c.takeover == _bind("takeover"))) for one in (ITEM, WARNING)
)
_DROP_AFTER = prepared(
    sa.delete(ITEM).where(
        mine(ITEM), _I.takeover == _bind("takeover"), _I.no > _bind("no"), _I.no <= _bind("upto")
    )
)
_NTH = prepared(
    sa.select(_I.no).where(mine(ITEM), _I.takeover == _bind("takeover")).order_by(_I.no).offset(_bind("number")).limit(1)
)  # fmt: skip
_DELETE = prepared(sa.delete(TAKEOVER).where(mine(TAKEOVER), _T.id == _bind("id")))
_ADD_WARNING = insert(WARNING, ignore=True)
_WARNINGS = prepared(
    sa.select(WARNING)
    .where(mine(WARNING), _W.takeover == _bind("takeover"), _W.no > _bind("no"))
    .order_by(_W.no)
    .limit(_bind("at_most"))
)
_ADD_LINK = insert(LINK, ignore=True)
_LINKED = prepared(
    sa.select(_L.patient).where(mine(LINK), _L.origin == _bind("origin"), _L.source_id == _bind("source_id"))
)
_NUMBERED = prepared(
    sa.select(_L.source_id).where(mine(LINK), _L.origin == _bind("origin"), _L.patient == _bind("patient"))
)
_UNLINK = prepared(sa.delete(LINK).where(mine(LINK), _L.takeover == _bind("takeover"), _L.no == _bind("no")))
_PUT_MAPPING = upsert(MAPPING, ("organization", "id"))
_MAPPINGS = prepared(sa.select(MAPPING).where(mine(MAPPING)).order_by(_M.used_at.desc()).limit(200))
_BY_HEADINGS = prepared(
    sa.select(MAPPING)
    .where(mine(MAPPING), _M.headings == _bind("headings"))
    .order_by(_M.used_at.desc())
    .limit(1)
)
_DROP_MAPPING = prepared(sa.delete(MAPPING).where(mine(MAPPING), _M.id == _bind("id")))


def add(tx: Tx, **row: Any) -> None:
    """Note a take-over."""
    tx.run(_ADD, **row)


def get(tx: Tx, id_: str, *, lock: bool = False) -> Any:
    """One take-over, or None; `lock` keeps other transactions from changing it."""
    return tx.first(_GET_LOCKED if lock else _GET, id=id_)


def page(tx: Tx, before: str | None, limit: int) -> list[Any]:
    """Take-overs, the newest first."""
    return tx.all(_PAGE, before=before or "~", at_most=limit)


def save(tx: Tx, row: Any, **change: Any) -> None:
    """Change what moves of a take-over."""
    now = {name: change.get(name, getattr(row, name)) for name in _MOVING}
    now["changed_at"] = tx.now
    tx.run(_SAVE, its_id=row.id, **{f"new_{name}": value for name, value in now.items()})


def source_gone(tx: Tx, id_: str) -> None:
    """The file is thrown away."""
    tx.run(_GONE, id=id_)


def at_work(tx: Tx) -> list[Any]:
    """(organization, id, state) of take-overs that have something to do, of all practices."""
    return tx.all(_AT_WORK)


def old(tx: Tx, before: int) -> list[Any]:
    """(organization, id) of take-overs at which nobody has worked since then and that still have their file, of all
    practices. Whoever stopped one half-way brings the file again: what is in is known then."""
    return tx.all(_OLD, before=before)


def ids(tx: Tx) -> set[str]:
    """Ids of all take-overs, of all practices."""
    return {str(one.id) for one in tx.all(_IDS)}


def put_item(tx: Tx, **row: Any) -> None:
    """Write what became of a record; the same record again is the same row."""
    tx.run(_PUT_ITEM, **row)


def item(tx: Tx, takeover: str, no: int) -> Any:
    """One record of a take-over, or None."""
    return tx.first(_ITEM, takeover=takeover, no=no)


def items(
    tx: Tx, takeover: str, after: int, limit: int, *, action: str | None = None, state: str | None = None, flawed: bool = False
) -> list[Any]:  # fmt: skip
    """Records in the order of the file."""
    query = sa.select(ITEM).where(mine(ITEM), _I.takeover == takeover, _I.no > after)
    if action is not None:
        query = query.where(_I.action == action)
    if state is not None:
        query = query.where(_I.state == state)
    if flawed:
        query = query.where(_I.flaw != "")
    return tx.all(query.order_by(_I.no).limit(limit))


def backwards(tx: Tx, takeover: str, upto: int, limit: int, *, people: bool, state: str) -> list[Any]:
    """Records to take back, the last one first: those about people, or the people themselves."""
    return tx.all(
        _BACKWARDS, takeover=takeover, upto=upto, at_most=limit, people=int(people), its_state=state
    )


def settle(tx: Tx, one: Any, state: str, code: str = "") -> None:
    """A record is taken back, or stays for good; its document of before is thrown away."""
    tx.run(_SETTLE, its_takeover=one.takeover, its_no=one.no, new_state=state, new_code=code)


def mark_changed(tx: Tx, one: Any, code: str) -> None:
    """A record that somebody has changed or used since waits for a person."""
    tx.run(_MARK, its_takeover=one.takeover, its_no=one.no, new_code=code)


def shift(tx: Tx, one: Any, version: int) -> None:
    """Earlier records of the take-over that led to the same one go on from the version that taking this back has made."""
    tx.run(_SHIFT, its_target=one.target, its_takeover=one.takeover, its_no=one.no, new_version=version)


def flawed(tx: Tx, takeover: str, judged: str) -> dict[str, str]:
    """Numbers that are damaged, and how. The flaw `judged` depends on who is known: it counts where it was written."""
    return {str(one[0]): str(one[1]) for one in tx.tuples(_FLAWED, takeover=takeover, judged=judged)}


def flawed_before(tx: Tx, takeover: str) -> list[tuple[str, str]]:
    """(take-over, number) of people whom other take-overs brought under a damaged number."""
    return [(str(one[0]), str(one[1])) for one in tx.tuples(_FLAWED_BEFORE, takeover=takeover)]


def states(tx: Tx, takeover: str) -> dict[str, int]:
    """How many records are in which state."""
    return {str(one[0]): int(one[1]) for one in tx.tuples(_STATES, takeover=takeover)}


def drop_items(tx: Tx, takeover: str, after: int, upto: int) -> None:
    """Forget records of a look, a piece at a time."""
    tx.run(_DROP_AFTER, takeover=takeover, no=after, upto=upto)


def drop_some(tx: Tx, takeover: str, number: int) -> bool:
    """Forget the first so many records; False where no more than these were left."""
    upto = tx.value(_NTH, takeover=takeover, number=number)
    if upto is None:
        return False
    tx.run(_DROP_AFTER, takeover=takeover, no=-1, upto=int(upto) - 1)
    return True


def drop_report(tx: Tx, takeover: str) -> None:
    """Forget all that a look found."""
    for one in _DROP:
        tx.run(one, takeover=takeover)


def delete(tx: Tx, id_: str) -> None:
    """Forget a take-over."""
    tx.run(_DELETE, id=id_)


def add_warning(tx: Tx, **row: Any) -> None:
    """Keep a warning; the same one again is nothing."""
    tx.run(_ADD_WARNING, **row)


def warnings(tx: Tx, takeover: str, after: int, limit: int) -> list[Any]:
    """Warnings in the order of the file."""
    return tx.all(_WARNINGS, takeover=takeover, no=after, at_most=limit)


def link(tx: Tx, **row: Any) -> None:
    """A number of another program means this patient; what was known before stays."""
    tx.run(_ADD_LINK, **row)


def linked(tx: Tx, origin: str, source_id: str) -> str | None:
    """Whom a number means, or None."""
    found = tx.value(_LINKED, origin=origin, source_id=source_id)
    return None if found is None else str(found)


def numbers_of(tx: Tx, origin: str, patient: str) -> set[str]:
    """Numbers by which another program knows a patient."""
    return {str(one[0]) for one in tx.tuples(_NUMBERED, origin=origin, patient=patient)}


def unlink(tx: Tx, takeover: str, no: int) -> None:
    """Forget the number that a record brought."""
    tx.run(_UNLINK, takeover=takeover, no=no)


def put_mapping(tx: Tx, **row: Any) -> None:
    """Remember how a table was read."""
    tx.run(_PUT_MAPPING, **row)


def mappings(tx: Tx) -> Sequence[Any]:
    """Remembered ways to read tables, the last used first."""
    return tx.all(_MAPPINGS)


def mapping_for(tx: Tx, headings: str) -> Any:
    """How a table with these headings was read last, or None."""
    return tx.first(_BY_HEADINGS, headings=headings)


def drop_mapping(tx: Tx, id_: str) -> bool:
    """Forget one; False if there is none."""
    return tx.run(_DROP_MAPPING, id=id_) == 1
