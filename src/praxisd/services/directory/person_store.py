"""Queries about people: contacts, portals' statements, candidates for matching, search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.clock import local_date
from praxisd.kernel.store import Tx, insert, mine, prepared, upsert
from praxisd.model.people import Patient, full_name
from praxisd.services.directory.rules import name_key
from praxisd.services.directory.store import (
    BIRTH_DAY,
    BIRTHDAY,
    CONTACT,
    PATIENT,
    STATEMENT,
    name_columns,
    patients,
)

_S, _C, _P = STATEMENT.c, CONTACT.c, PATIENT.c
_BY_BIRTH = prepared(sa.select(_P.id).where(mine(PATIENT), _P.birth_date == sa.bindparam("birth_date")))
_BY_NAME = prepared(
    sa.select(_P.id).where(
        mine(PATIENT), _P.family_key == sa.bindparam("family"), _P.given_key == sa.bindparam("given")
    )
)
_BY_CONTACT = prepared(
    sa.select(_C.patient).where(mine(CONTACT), _C.kind == sa.bindparam("kind"), _C.key == sa.bindparam("key"))
)
_OWNERS = prepared(
    sa.select(_C.owner).where(mine(CONTACT), _C.kind == sa.bindparam("kind"), _C.key == sa.bindparam("key"))
)
_KEYS = prepared(
    sa.select(_P.family_key, _P.given_key, _P.birth_date, _P.merged_into).where(
        mine(PATIENT), _P.id == sa.bindparam("id")
    )
)
_CONTACTS = prepared(sa.select(_C.kind, _C.key).where(mine(CONTACT), _C.patient == sa.bindparam("patient")))
_ADD_CONTACT = insert(CONTACT, ignore=True)
_DROP_CONTACTS = prepared(sa.delete(CONTACT).where(mine(CONTACT), _C.owner == sa.bindparam("owner")))
_HOLD_BIRTHDAY = upsert(BIRTHDAY, ("organization", "birth_date"))
_ADD_STATEMENT = insert(STATEMENT)
_STATEMENT = prepared(
    sa.select(_S.doc, _S.patient).where(
        mine(STATEMENT), _S.id == sa.bindparam("id"), _S.portal == sa.bindparam("portal")
    )
)
_STATEMENT_TAKEN = prepared(sa.select(_S.id).where(_S.id == sa.bindparam("id")))
_STATEMENT_TAKEN.across = True
_SAID_OF = prepared(
    sa.select(_S.id, _S.doc)
    .where(mine(STATEMENT), _S.patient == sa.bindparam("patient"), _S.portal == sa.bindparam("portal"))
    .order_by(_S.id)
)
_SAID_BEFORE = prepared(
    sa.select(_S.id, _S.patient, _S.doc)
    .where(
        mine(STATEMENT),
        _S.portal == sa.bindparam("portal"),
        _S.family_key == sa.bindparam("family"),
        _S.birth_date == sa.bindparam("birth_date"),
    )
    .order_by(_S.id)
)
_BORN_ON = prepared(
    sa.select(_P.id).where(
        mine(PATIENT), sa.literal_column(BIRTH_DAY) == sa.bindparam("day"), _P.merged_into.is_(None)
    )
)
_statement = msgspec.json.Decoder(Patient)
BATCH = 200


def hold_birthday(tx: Tx, birth_date: str | None) -> None:
    """Make every other match of a person born that day wait for this transaction."""
    tx.run(_HOLD_BIRTHDAY, birth_date=birth_date or "", used_at=tx.now)


def put_contacts(tx: Tx, owner: str, patient: str, keys: Iterable[tuple[str, str]]) -> None:
    """Replace the comparable contacts of a patient or of a statement about it."""
    tx.run(_DROP_CONTACTS, owner=owner)
    for kind, key in sorted(keys):
        tx.run(_ADD_CONTACT, owner=owner, patient=patient, kind=kind, key=key)


def contacts_of(tx: Tx, patient: str) -> frozenset[tuple[str, str]]:
    """Comparable contacts known of a patient, from the practice and from all portals."""
    return frozenset((kind, key) for kind, key in tx.tuples(_CONTACTS, patient=patient))


def who_has(tx: Tx, kind: str, key: str) -> list[str]:
    """Patients with this number or address."""
    return sorted({row[0] for row in tx.tuples(_BY_CONTACT, kind=kind, key=key)})


def who_said(tx: Tx, kind: str, key: str) -> list[str]:
    """Aliases under which portals told this number or address (and ids of patients who have it)."""
    return [row[0] for row in tx.tuples(_OWNERS, kind=kind, key=key)]


def like(
    tx: Tx, family: str, given: str, birth_date: str | None, contacts: Iterable[tuple[str, str]]
) -> list[str]:
    """Ids of patients who share the date of birth, the whole name, or a contact, in id order."""
    found = {row[0] for row in tx.tuples(_BY_NAME, family=family, given=given)}
    if birth_date is not None:
        found |= {row[0] for row in tx.tuples(_BY_BIRTH, birth_date=birth_date)}
    for kind, key in contacts:
        found |= set(who_has(tx, kind, key))
    return sorted(found)


def keys_of(tx: Tx, patient: str) -> Any:
    """(family_key, given_key, birth_date, merged_into) of a patient, or None."""
    return tx.first(_KEYS, id=patient)


def add_statement(tx: Tx, alias: str, portal: str, patient: str, said: Patient) -> None:
    """Keep what a portal told, under its alias."""
    doc = msgspec.json.encode(said).decode()
    tx.run(
        _ADD_STATEMENT,
        id=alias,
        portal=portal,
        patient=patient,
        created_at=tx.now,
        doc=doc,
        **name_columns(said),
    )


def statement(tx: Tx, portal: str, alias: str) -> tuple[Patient, str] | None:
    """What the portal told under this alias, and the patient it is about; None for another's or an unknown one."""
    row = tx.first(_STATEMENT, id=alias, portal=portal)
    return None if row is None else (_statement.decode(row.doc), row.patient)


def statements_of(tx: Tx, portal: str, patient: str) -> list[Patient]:
    """All that the portal told about a patient, oldest first."""
    return [_statement.decode(row.doc) for row in tx.all(_SAID_OF, portal=portal, patient=patient)]


def said_before(tx: Tx, portal: str, said: Patient) -> tuple[str, str] | None:
    """(alias, patient) of the same statement made before by the same portal, word for word."""
    for row in tx.all(_SAID_BEFORE, portal=portal, family=name_key(said.family), birth_date=said.birth_date):
        before = _statement.decode(row.doc)
        if msgspec.structs.replace(before, id="", version=1) == msgspec.structs.replace(
            said, id="", version=1
        ):
            return row.id, row.patient
    return None


def alias_taken(tx: Tx, id_: str) -> bool:
    """True if the id is an alias anywhere in the installation."""
    return tx.value(_STATEMENT_TAKEN, id=id_) is not None


def count(tx: Tx, one: sa.Table, conditions: Sequence[Any]) -> int:
    """How many patients (or statements) meet the conditions."""
    return int(tx.value(sa.select(sa.func.count()).select_from(one).where(mine(one), *conditions)))


def scan(
    tx: Tx,
    one: sa.Table,
    conditions: Sequence[Any],
    keep: Callable[[Patient], bool] | None,
    after: str | None,
    limit: int | None,
) -> tuple[list[Patient], str | None]:
    """Patients (or statements) that meet the conditions and that `keep` keeps, in id order; the cursor of the next page.

    `limit` None reads all of them, 0 none.
    """
    if limit == 0:
        return [], None
    found: list[Patient] = []
    while True:
        query = sa.select(one.c.doc, one.c.id).where(mine(one), *conditions)
        if after is not None:
            query = query.where(one.c.id > after)
        rows = tx.tuples(query.order_by(one.c.id).limit(BATCH))
        for doc, id_ in rows:
            record = _statement.decode(doc)
            if keep is None or keep(record):
                if limit is not None and len(found) == limit:
                    return found, found[-1].id
                found.append(record)
            after = id_
        if len(rows) < BATCH:
            return found, None


def ids(tx: Tx, conditions: Sequence[Any], limit: int) -> list[str]:
    """Ids of patients that meet the conditions, at most `limit`, in id order."""
    query = sa.select(_P.id).where(mine(PATIENT), *conditions).order_by(_P.id).limit(limit)
    return [row[0] for row in tx.tuples(query)]


def birthdays(tx: Tx, month_days: Sequence[str]) -> list[str]:
    """Ids of patients born on one of these days (`MM-DD`) of some year, merged ones left out, in id order."""
    found: set[str] = set()
    for one in month_days:
        found.update(row[0] for row in tx.tuples(_BORN_ON, day=one))
    return sorted(found)


def unmerged() -> Any:
    """The condition that a record goes on itself."""
    return _P.merged_into.is_(None)


def active(word: str) -> Any:
    """The condition for `true` or `false`; any other word fits nobody."""
    return _P.active == int(word == "true") if word in ("true", "false") else nobody()


def sorted_page(
    tx: Tx, conditions: Sequence[Any], by: str, *, down: bool, offset: int, limit: int
) -> list[Patient]:
    """Patients by `family`, `birth_date` or `id`; whoever has none comes last, whichever way."""
    names = (_P.family_key, _P.given_key)
    columns: Any = {"id": (), "family": names, "birth_date": (_P.birth_date.nulls_last(), *names)}[by]
    if down:
        columns = (
            [_P.birth_date.desc().nulls_last(), *names] if by == "birth_date" else [c.desc() for c in names]
        )
    # Which ones is decided on the index alone; then the documents of those are read, and of nobody else.
    chosen = sa.select(_P.id).where(mine(PATIENT), *conditions).order_by(*columns, _P.id)
    found = [row[0] for row in tx.tuples(chosen.limit(limit).offset(offset))]
    docs = docs_of(tx, found)
    return [patients.decode(docs[id_]) for id_ in found]


class _Name(msgspec.Struct):
    """What is displayed of a patient; the rest of the document is passed over."""

    family: str
    given: str = ""
    prefix: str | None = None


_name = msgspec.json.Decoder(_Name)


def names_of(tx: Tx, patients: Sequence[str]) -> dict[str, str]:
    """Names to display by id, many by one question; ids nobody has are left out."""
    found: dict[str, str] = {}
    for id_, doc in docs_of(tx, patients).items():
        one = _name.decode(doc)
        found[id_] = full_name(one.prefix, one.given, one.family)
    return found


def docs_of(tx: Tx, wanted: Sequence[str]) -> dict[str, str]:
    """Documents by id; ids nobody has are left out."""
    found: dict[str, str] = {}
    for some in pieces(tx, wanted):
        found.update(tx.tuples(_DOCS, ids=some))  # type: ignore[arg-type]
    return found


AT_ONCE = 5_000
"""Ids in one question."""


def pieces(tx: Tx, ids: Sequence[str]) -> Iterator[Any]:
    """The ids in the form in which `one_of` takes them, so many at a time that no answer grows too long."""
    for index in range(0, len(ids), AT_ONCE):
        some = list(ids[index : index + AT_ONCE])
        yield msgspec.json.encode(some).decode() if tx.store.engine.name == "sqlite" else some


def one_of(column: Any, dialect: str) -> Any:
    """The condition that a column's value is one of the ids bound as `ids`: one statement for any number of them."""
    ids: Any = sa.bindparam("ids")
    if dialect != "sqlite":
        return column == sa.func.any(ids)
    return column.in_(sa.select(sa.func.json_each(ids).table_valued("value").c.value))


_DOCS = prepared(lambda dialect: sa.select(_P.id, _P.doc).where(mine(PATIENT), one_of(_P.id, dialect)))


def nobody() -> Any:
    """The condition that no patient meets."""
    return _P.id.is_(None)  # a plain FALSE would swallow the condition on the practice


def narrow(
    one: sa.Table,
    *,
    words: Iterable[tuple[str, ...]] = (),
    inside: bool = False,
    birth_date: str | None = None,
) -> list[Any]:
    """Conditions for `scan`: for each entry of `words` one of its spellings begins (or, `inside`, occurs in) a name.

    `birth_date` may be partial: a year finds the whole year. Words are letters and digits only, so no wildcard can slip in.
    """
    conditions = []
    for spellings in words:
        patterns = [f"%{w}%" if inside else f"% {w}%" for w in spellings]
        conditions.append(sa.or_(*(one.c.words.like(p) for p in patterns)))
    if birth_date is not None:
        whole = len(birth_date) == 10
        conditions.append(
            one.c.birth_date == birth_date if whole else one.c.birth_date.like(f"{birth_date}%")
        )
    return conditions


def utc_day(epoch: int) -> str:
    """The date in UTC of an instant, as written in `birth_date`."""
    return local_date(epoch, UTC).isoformat()


def among(one: sa.Table, ids: Sequence[str]) -> Any:
    """The condition `id in ids`."""
    return one.c.id.in_(list(ids))


def of_portal(portal: str) -> Any:
    """The condition that leaves only this portal's statements."""
    return _S.portal == portal
