"""Statements on the computers that were reported. All rows belong to the installation."""

import msgspec
import sqlalchemy as sa

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.store import Tx, mine, prepared, upsert
from praxisd.services.diagnosis.machine_shapes import MachineFacts, Role
from praxisd.services.diagnosis.measuring import host_name
from praxisd.services.diagnosis.store import MACHINE

_M = MACHINE.c
_PUT = upsert(MACHINE, ("organization", "host"))
_ALL = prepared(sa.select(MACHINE).where(mine(MACHINE)).order_by(_M.host))
_ONE = prepared(sa.select(MACHINE).where(mine(MACHINE), _M.host == sa.bindparam("host")))
_DROP = prepared(sa.delete(MACHINE).where(mine(MACHINE), _M.host == sa.bindparam("host")))
_COUNT = prepared(sa.select(sa.func.count()).select_from(MACHINE).where(mine(MACHINE)))


class Reported(msgspec.Struct, frozen=True):
    """A computer that measured itself: which role it has ("" none), who sent it (a label), its facts, when (epoch s)."""

    facts: MachineFacts
    role: Role | None = None
    by: str = ""
    at: int = 0


def put(tx: Tx, facts: MachineFacts, role: Role | None) -> None:
    """Keep what a computer sent, in place of what it sent before. `at` is now by the server's clock, not by its own."""
    facts = msgspec.structs.replace(facts, host=host_name(facts.host), at=tx.now)
    doc = Reported(facts=facts, role=role, by=tx.actor.label, at=tx.now)
    tx.run(_PUT, host=facts.host, doc=msgspec.json.encode(doc).decode(), at=tx.now, organization=INSTALLATION)


def every(tx: Tx) -> list[Reported]:
    """All reported computers by name; those whose record no version of praxisd can read any more are left out."""
    return [one for row in tx.all(_ALL, organization=INSTALLATION) if (one := _read(row)) is not None]


def one(tx: Tx, host: str) -> Reported | None:
    """The computer of this name."""
    row = tx.first(_ONE, host=host.lower(), organization=INSTALLATION)
    return None if row is None else _read(row)


def drop(tx: Tx, host: str) -> bool:
    """Forget a computer; False if it was not known."""
    return tx.run(_DROP, host=host.lower(), organization=INSTALLATION) == 1


def count(tx: Tx) -> int:
    """How many computers are known."""
    return int(tx.value(_COUNT, organization=INSTALLATION) or 0)


def _read(row: object) -> Reported | None:
    try:
        return msgspec.json.decode(row.doc, type=Reported)  # type: ignore[attr-defined]
    except msgspec.MsgspecError:
        return None
