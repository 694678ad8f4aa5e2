"""Tables and statements of devices: the devices, how reading goes, the numbers they know patients by, what they sent."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, insert, mine, prepared, table, upsert
from praxisd.model.device import Device, ResultDoc, ResultState

_BIG = sa.BigInteger
DEVICE = resource_table(
    "exchange_device",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("active", sa.Integer, nullable=False),
    sa.UniqueConstraint("organization", "name", name="exchange_device_name"),
)
STATE = table(
    "exchange_device_state",
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("looked_at", _BIG, nullable=False),
    sa.Column("good_at", _BIG),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("waiting_since", _BIG),
    sa.PrimaryKeyConstraint("organization", "device"),
)
"""How the last look went. `waiting`: files that do not stand still or cannot be taken, the oldest `waiting_since`."""
NUMBER = table(
    "exchange_device_number",
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("own", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization", "number"),
    sa.Index("exchange_device_number_patient", "organization", "patient"),
)
"""Numbers (field 3000) under which patients were told to devices; `own`: praxisd made it up."""
RESULT = table(
    "exchange_result",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("no", sa.Integer, nullable=False),
    sa.Column("patient", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("received_at", _BIG, nullable=False),
    sa.Column("decided_at", _BIG),
    sa.Column("decided_by", sa.Text),
    sa.Column("doc", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "device", "digest", "no", name="exchange_result_once"),
    sa.Index("exchange_result_patient", "organization", "patient", "id"),
    sa.Index("exchange_result_state", "organization", "state", "id"),
)
"""Records that came: the same file read twice (a crash, two nodes) is one, by `digest` and `no` within the file."""
TABLES = (DEVICE.name, STATE.name, NUMBER.name, RESULT.name)
REFERENCES = (("exchange_device_number", "patient"), ("exchange_result", "patient"))
DEVICES = Records(
    "Device", DEVICE, Device, lambda one: {"name": one.name, "active": int(one.active)}, lockable=False
)

_D, _S, _N, _R = DEVICE.c, STATE.c, NUMBER.c, RESULT.c
_STATE = prepared(sa.select(STATE).where(mine(STATE)))
_PUT_STATE = upsert(STATE, ("organization", "device"))
_DROP_STATE = prepared(sa.delete(STATE).where(mine(STATE), _S.device == sa.bindparam("whose")))
_OWNER = prepared(sa.select(_N.patient).where(mine(NUMBER), _N.number == sa.bindparam("number")))
_OWN = prepared(
    sa.select(_N.number)
    .where(mine(NUMBER), _N.patient == sa.bindparam("patient"), _N.own == 1)
    .order_by(_N.number)
)
_LAST = prepared(sa.select(sa.func.max(_N.number)).where(mine(NUMBER), _N.own == 1))
_PUT_NUMBER = insert(NUMBER, ignore=True)
_PUT_RESULT = insert(RESULT, ignore=True)
_ONE = prepared(sa.select(RESULT).where(mine(RESULT), _R.id == sa.bindparam("id")))
_DECIDE = prepared(
    sa.update(RESULT)
    .where(mine(RESULT), _R.id == sa.bindparam("which"), _R.version == sa.bindparam("expected"))
    .values(
        version=_R.version + 1, patient=sa.bindparam("whose"), state=sa.bindparam("becomes"), why=None,
        decided_at=sa.bindparam("at"), decided_by=sa.bindparam("who"),
    )
)  # fmt: skip
_OF_PATIENT = prepared(
    sa.select(RESULT).where(mine(RESULT), _R.patient == sa.bindparam("patient")).order_by(_R.id)
)
_doc = msgspec.json.Decoder(ResultDoc)


def devices(tx: Tx, *, active: bool = False) -> list[Device]:
    """All devices by name; with `active` only those."""
    found = DEVICES.all(tx, *([_D.active == 1] if active else []))
    return sorted(found, key=lambda one: one.name.casefold())


def named(tx: Tx, name: str, but: str = "") -> bool:
    """True if another device has this name."""
    return DEVICES.count(tx, _D.name == name, _D.id != but) > 0


def states(tx: Tx) -> dict[str, Any]:
    """How reading goes, by device."""
    return {row.device: row for row in tx.all(_STATE)}


def looked(tx: Tx, device: str, *, code: str | None, taken: int, waiting: int, since: int | None) -> None:
    """Note how a look went; `taken` is added, `since` in epoch seconds."""
    row = states(tx).get(device)
    good = code is None
    tx.run(
        _PUT_STATE,
        device=device,
        looked_at=tx.now,
        good_at=tx.now if good else row.good_at if row else None,
        failures=0 if good else (row.failures if row else 0) + 1,
        code=code,
        taken=(row.taken if row else 0) + taken,
        waiting=waiting,
        waiting_since=since,
    )


def forget(tx: Tx, device: str) -> None:
    """Drop what is kept beside a device; its results stay."""
    tx.run(_DROP_STATE, whose=device)


def owner(tx: Tx, number: str) -> str | None:
    """Whose number this is."""
    found = tx.value(_OWNER, number=number)
    return None if found is None else str(found)


def claim_number(tx: Tx, number: str, patient: str) -> bool:
    """True if the number is this patient's, now or before."""
    tx.run(_PUT_NUMBER, number=number, patient=patient, own=0)
    return owner(tx, number) == patient


def own_number(tx: Tx, patient: str) -> str:
    """The number praxisd made up for this patient: `P0000001`, at most 10 characters as GDT 2.1 wants."""
    known = tx.first(_OWN, patient=patient)
    if known is not None:
        return str(known.number)
    last = tx.value(_LAST)
    at = int(str(last)[1:]) if last else 0
    while True:
        at += 1
        number = f"P{at:07d}"
        if tx.run(_PUT_NUMBER, number=number, patient=patient, own=1) == 1:
            return number


def keep(
    tx: Tx, id_: str, device: str, digest: str, no: int, patient: str | None, why: str | None, doc: ResultDoc
) -> bool:
    """Keep a record that came; False if it is known."""
    row = {
        "id": id_, "version": 1, "device": device, "digest": digest, "no": no, "patient": patient,
        "state": "doubt" if why else "taken", "why": why, "received_at": tx.now, "decided_at": None, "decided_by": None,
        "doc": msgspec.json.encode(doc).decode(),
    }  # fmt: skip
    return tx.run(_PUT_RESULT, **row) == 1


def result(tx: Tx, id_: str) -> Any:
    """A row, or None."""
    return tx.first(_ONE, id=id_)


def doc(row: Any) -> ResultDoc:
    """What stands in a row."""
    return _doc.decode(row.doc)


def decide(tx: Tx, id_: str, expected: int, patient: str | None, state: ResultState) -> bool:
    """Write a person's decision; False where somebody was quicker."""
    done = tx.run(
        _DECIDE, which=id_, expected=expected, whose=patient, becomes=state, at=tx.now, who=tx.actor.label
    )
    return done == 1


def page(
    tx: Tx, *, patient: str | None, state: str | None, device: str | None, before: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Rows, the newest first, and the cursor of the next page."""
    query = sa.select(RESULT).where(mine(RESULT)).order_by(_R.id.desc()).limit(limit + 1)
    for column, wanted in ((_R.patient, patient), (_R.state, state), (_R.device, device)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(_R.id < before)
    rows = tx.all(query)
    return rows[:limit], (rows[limit - 1].id if len(rows) > limit else None)


def of_patient(tx: Tx, patient: str) -> Sequence[Any]:
    """All rows of a patient, the oldest first: for exports."""
    return tx.all(_OF_PATIENT, patient=patient)


def doubts(tx: Tx, but: str = "") -> int:
    """How many results wait for a person, those that wait for the reason `but` left out."""
    query = sa.select(sa.func.count()).where(mine(RESULT), _R.state == "doubt", _R.why != but)
    return int(tx.tuples(query)[0][0])


def waiting_for(tx: Tx, why: str) -> dict[str, int]:
    """How many results wait for this reason, by device."""
    query = (
        sa.select(_R.device, sa.func.count())
        .where(mine(RESULT), _R.state == "doubt", _R.why == why)
        .group_by(_R.device)
    )
    return {str(device): int(number) for device, number in tx.tuples(query)}


def unanswered(tx: Tx, device: str, patient: str, why: str) -> list[Any]:
    """Results of a patient from a device that wait for this reason."""
    return tx.all(
        sa.select(RESULT).where(
            mine(RESULT), _R.patient == patient, _R.device == device, _R.state == "doubt", _R.why == why
        )
    )
