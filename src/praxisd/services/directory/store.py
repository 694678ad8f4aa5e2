"""Tables and queries of the directory."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.clock import local_date
from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import METADATA, Tx, insert, mine, prepared, table, upsert
from praxisd.model.people import Mandator, Patient, Practitioner
from praxisd.model.places import Location, Organization
from praxisd.services.directory.fhir_shapes import all_names
from praxisd.services.directory.rules import given_key, name_key, search_words

ORGANIZATION = resource_table("directory_organization")
"""The practice itself (its id is the tenant's name) and organizations it knows of, which came by import."""
MANDATOR = resource_table("directory_mandator", sa.Column("standard", sa.Integer, nullable=False))
PRACTITIONER = resource_table("directory_practitioner", sa.Column("visible", sa.Integer, nullable=False))
LOCATION = resource_table("directory_location", sa.Column("visible", sa.Integer, nullable=False))
PATIENT = resource_table(
    "directory_patient",
    sa.Column("family_key", sa.Text, nullable=False),
    sa.Column("given_key", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Text),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("merged_into", sa.Text),
    sa.Column("portal", sa.Text),
    sa.Index("directory_patient_name", "organization", "family_key", "given_key"),
    sa.Index("directory_patient_birth", "organization", "birth_date"),
)
STATEMENT = table(
    "directory_portal_patient",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("family_key", sa.Text, nullable=False),
    sa.Column("given_key", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("id", name="directory_portal_patient_id"),
    sa.Index("directory_portal_patient_name", "organization", "portal", "family_key", "birth_date"),
    sa.Index("directory_portal_patient_who", "organization", "patient", "portal"),
)
"""What a portal told about a person, under an alias (`id`) of its own: the portal never learns the patient's id."""
CONTACT = table(
    "directory_contact",
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "owner", "kind", "key"),
    sa.Index("directory_contact_key", "organization", "kind", "key"),
    sa.Index("directory_contact_patient", "organization", "patient"),
)
"""Comparable numbers and addresses; `owner` is the patient, or the alias whose portal told them."""
MATCH = table(
    "directory_match",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("candidate", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("directory_match_patient", "organization", "patient"),
)
"""Decisions that wait for a person (`outcome` null), and the ones made: same, different, obsolete."""
MERGE = table(
    "directory_merge",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kept", sa.Text, nullable=False),
    sa.Column("dropped", sa.Text, nullable=False),
    sa.Column("merged_at", sa.BigInteger, nullable=False),
    sa.Column("merged_by", sa.Text, nullable=False),
    sa.Column("undone_at", sa.BigInteger),
    sa.Column("moved", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("directory_merge_kept", "organization", "kept"),
)
"""Which rows a merge moved, so that it can be undone."""
BIRTHDAY = table(
    "directory_birthday",
    sa.Column("birth_date", sa.Text, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "birth_date"),
)
"""One row per date of birth: whoever matches a person born that day holds it, so two nodes cannot both find nobody."""

TABLES = tuple(
    one.name
    for one in (
        ORGANIZATION, MANDATOR, PRACTITIONER, LOCATION, PATIENT, STATEMENT, CONTACT, MATCH, MERGE, BIRTHDAY
    )
)  # fmt: skip
REFERENCES = (
    (STATEMENT.name, "patient"),
    (CONTACT.name, "patient"),
    (MATCH.name, "patient"),
    (MATCH.name, "candidate"),
)
"""Where a patient's id stands, for merge, export and erasure."""
HISTORY = frozenset({MATCH.name, MERGE.name})
"""Tables that say what was decided about which record; a merge does not rewrite them."""


def name_columns(patient: Patient) -> dict[str, Any]:
    """The columns by which a person is found, shared by patients and portals' statements."""
    return {
        "family_key": name_key(patient.family),
        "given_key": given_key(patient.given),
        "words": search_words(*all_names(patient)),
        "birth_date": patient.birth_date,
    }


def _patient_columns(patient: Patient) -> dict[str, Any]:
    return {
        **name_columns(patient),
        "active": int(patient.active),
        "merged_into": patient.merged_into,
        "portal": patient.portal,
    }


def _visible(one: Practitioner | Location) -> dict[str, Any]:
    return {"visible": int(one.active and one.released)}


organizations = Records("Organization", ORGANIZATION, Organization)
mandators = Records("Mandator", MANDATOR, Mandator, lambda m: {"standard": int(m.default)})
practitioners = Records("Practitioner", PRACTITIONER, Practitioner, _visible)
locations = Records("Location", LOCATION, Location, _visible)
patients = Records("Patient", PATIENT, Patient, _patient_columns)

_TENANTS = prepared(sa.select(ORGANIZATION.c.id).where(ORGANIZATION.c.id == ORGANIZATION.c.organization))
_TENANTS.across = True
_S, _C, _M, _P = STATEMENT.c, CONTACT.c, MATCH.c, PATIENT.c
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
    sa.select(_C.owner, _C.patient).where(
        mine(CONTACT), _C.kind == sa.bindparam("kind"), _C.key == sa.bindparam("key")
    )
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
_ADD_MATCH = insert(MATCH)
_MATCH = prepared(sa.select(MATCH).where(mine(MATCH), _M.id == sa.bindparam("id")))
_OPEN_OF = prepared(
    sa.select(MATCH).where(mine(MATCH), _M.patient == sa.bindparam("patient"), _M.outcome.is_(None))
)
_DECIDE = prepared(
    sa.update(MATCH)
    .where(mine(MATCH), _M.id == sa.bindparam("id"), _M.outcome.is_(None))
    .values(outcome=sa.bindparam("result"), decided_at=sa.bindparam("moment"), decided_by=sa.bindparam("who"))
)
_ADD_MERGE = insert(MERGE)
_MERGE = prepared(sa.select(MERGE).where(mine(MERGE), MERGE.c.id == sa.bindparam("id")))
_UNDONE = prepared(
    sa.update(MERGE)
    .where(mine(MERGE), MERGE.c.id == sa.bindparam("id"))
    .values(undone_at=sa.bindparam("moment"))
)
_STANDARD = prepared(
    sa.select(MANDATOR.c.doc).where(mine(MANDATOR), MANDATOR.c.standard == 1).order_by(MANDATOR.c.id)
)
_statement = msgspec.json.Decoder(Patient)
BATCH = 200


def tenants(tx: Tx) -> list[str]:
    """Ids of all practices of the installation."""
    return sorted(row[0] for row in tx.tuples(_TENANTS))


def standard_mandators(tx: Tx) -> list[Mandator]:
    """The default mandator, as a list of none or one."""
    return [mandators.decode(row[0]) for row in tx.tuples(_STANDARD)]


def visible(one: sa.Table) -> Any:
    """The condition that leaves only what portals may see."""
    return one.c.visible == 1


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


def owners(tx: Tx, kind: str, key: str, aliases: bool) -> list[str]:
    """Ids of the records that carry this number or address: patients by what the practice has, or portals' aliases."""
    return [
        owner for owner, patient in tx.tuples(_OWNERS, kind=kind, key=key) if (owner != patient) == aliases
    ]


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


def scan(
    tx: Tx,
    one: sa.Table,
    conditions: Sequence[Any],
    keep: Callable[[Patient], bool] | None,
    after: str | None,
    limit: int | None,
) -> tuple[list[Patient], str | None]:
    """Patients (or statements) that meet the conditions and that `keep` keeps, in id order; the cursor of the next page.

    `limit` None reads all of them.
    """
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


def open_match(tx: Tx, id_: str, patient: str, candidate: str, reason: str) -> None:
    """Put a decision before a person."""
    tx.run(
        _ADD_MATCH,
        id=id_, patient=patient, candidate=candidate, reason=reason, created_at=tx.now,
        decided_at=None, decided_by=None, outcome=None,
    )  # fmt: skip


def match_row(tx: Tx, id_: str) -> Any:
    """One decision, made or not, or None."""
    return tx.first(_MATCH, id=id_)


def open_matches_of(tx: Tx, patient: str) -> list[Any]:
    """Decisions about a new patient that are not made yet."""
    return tx.all(_OPEN_OF, patient=patient)


def open_matches(tx: Tx, after: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Decisions not made yet, oldest first, and the cursor of the next page."""
    query = sa.select(MATCH).where(mine(MATCH), _M.outcome.is_(None)).order_by(_M.id).limit(limit + 1)
    if after is not None:
        query = query.where(_M.id > after)
    rows = tx.all(query)
    return rows[:limit], (rows[limit - 1].id if len(rows) > limit else None)


def decide(tx: Tx, id_: str, outcome: str) -> bool:
    """Close a decision; False when it was closed already."""
    return tx.run(_DECIDE, id=id_, result=outcome, moment=tx.now, who=tx.actor.label) == 1


def add_merge(tx: Tx, id_: str, kept: str, dropped: str, moved: str) -> None:
    """Note a merge with what it moved (JSON text)."""
    tx.run(
        _ADD_MERGE,
        id=id_, kept=kept, dropped=dropped, merged_at=tx.now, merged_by=tx.actor.label, undone_at=None, moved=moved,
    )  # fmt: skip


def merge_row(tx: Tx, id_: str) -> Any:
    """One merge, or None."""
    return tx.first(_MERGE, id=id_)


def merge_undone(tx: Tx, id_: str) -> None:
    """Note that a merge was taken back."""
    tx.run(_UNDONE, id=id_, moment=tx.now)


def point(
    tx: Tx, name: str, column: str, old: str, new: str, keys: Sequence[Sequence[Any]] | None
) -> list[list[Any]]:
    """Let rows of any service's table point to patient `new` in place of `old`; returns the keys of the rows changed.

    With `keys` only those rows. Where a row keeps its record as a document, the id in the document changes with it and
    the record gets its next version, so that a save made from the old one is refused.
    """
    one = METADATA.tables[name]
    key = [c for c in one.primary_key.columns if c.name != "organization"]
    wanted = None if keys is None else {tuple(k) for k in keys}
    read = [c for c in (one.c.get("doc"), one.c.get("version")) if c is not None]
    rows = tx.tuples(sa.select(*key, *read).where(mine(one), one.c[column] == old))
    changed = []
    for row in rows:
        its = row[: len(key)]
        if wanted is not None and its not in wanted:
            continue
        values: dict[str, Any] = {column: new}
        if read:
            version = row[-1] + 1 if len(read) == 2 else None
            values["doc"] = _repoint(row[len(key)], column, old, new, version)
            if version is not None:
                values["version"] = version
        here = sa.and_(*(c == value for c, value in zip(key, its, strict=True)))
        tx.run(sa.update(one).where(mine(one), here).values(**values))
        changed.append(list(its))
    return changed


def _repoint(doc: str, column: str, old: str, new: str, version: int | None) -> str:
    """The document with the field of this column (camelCase) changed from `old` to `new`; all else byte for byte."""
    fields = msgspec.json.decode(doc, type=dict[str, msgspec.Raw])
    name = re.sub("_([a-z])", lambda m: m[1].upper(), column)
    if name in fields and bytes(fields[name]) == msgspec.json.encode(old):
        fields[name] = msgspec.Raw(msgspec.json.encode(new))
    if version is not None and "version" in fields:
        fields["version"] = msgspec.Raw(str(version).encode())
    return msgspec.json.encode(fields).decode()
