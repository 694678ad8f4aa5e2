"""The judge of the torture of messages: what is stored, against what the gateway got. Each fault is a sentence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.config import Config
from praxisd.kernel.store import mine
from praxisd.services.messaging.outbox_store import BALANCE, LEDGER, OUTBOX
from praxisd.testing.torture_messages_scene import COST, FUNDS

ENDS = frozenset({"delivered", "failed", "expired", "unsure"})
TAKEN = {"delivered": "delivered", "failed": "failed", "expired": "expired"}
"""What our word for an end is at the gateway."""


@dataclass(frozen=True)
class Stored:
    """What the practice knows: rows of the outbox, of the ledger, the balance, and its booked appointments."""

    outbox: Sequence[Any]
    ledger: Sequence[Any]
    balance: int
    appointments: frozenset[str]


def stored(folder: Path, database_url: str | None, organization: str, appointments: frozenset[str]) -> Stored:
    """Read it; on SQLite only while no server runs."""
    house = main.open_practice(folder, Config(database_url=database_url, log_level="error"))
    try:
        with house.store.read(system("judge", organization)) as tx:
            outbox = tx.all(sa.select(OUTBOX).where(mine(OUTBOX)).order_by(OUTBOX.c.id))
            ledger = tx.all(sa.select(LEDGER).where(mine(LEDGER)).order_by(LEDGER.c.id))
            balance = int(tx.value(sa.select(BALANCE.c.credits).where(mine(BALANCE))) or 0)
    finally:
        house.stop()
    return Stored(outbox, ledger, balance, appointments)


def judge(found: Stored, arrived: Sequence[dict[str, Any]]) -> list[str]:
    """Every broken promise: never twice, never lost, one end each, charged once."""
    faults: list[str] = []
    times = Counter(str(one["reference"]) for one in arrived)
    faults += [f"sent {n} times: {one}" for one, n in sorted(times.items()) if n > 1]
    rows = {row.id: row for row in found.outbox}
    faults += [f"at the gateway and unknown here: {one}" for one in sorted(times.keys() - rows.keys())]
    topics = Counter(row.appointment for row in found.outbox)
    faults += [
        f"{topics[one]} messages for appointment {one}" for one in found.appointments if topics[one] != 1
    ]
    faults += [f"still {row.state}: {row.id}" for row in found.outbox if row.state not in ENDS]
    charged = {one.message: one for one in found.ledger if one.kind == "charged"}
    returned = {one.message for one in found.ledger if one.kind == "returned"}
    for row in found.outbox:
        faults += _row(row, times[row.id], row.id in charged, row.id in returned, _state(row.id, arrived))
    spent = sum(one.amount for one in found.ledger)
    if spent != found.balance:
        faults.append(f"the ledger says {spent}, the balance {found.balance}")
    accepted = len(charged) - len(returned)
    if found.balance != FUNDS - accepted * COST:
        faults.append(f"{accepted} accepted, but {FUNDS - found.balance} credits spent")
    return faults


def _row(row: Any, times: int, charged: bool, returned: bool, there: str) -> list[str]:
    faults: list[str] = []
    if row.state == "unsure":
        return faults
    taken = row.accepted_at is not None
    if taken != bool(times):
        faults.append(
            f"{row.state} {'with' if taken else 'without'} acceptance, {times} at the gateway: {row.id}"
        )
    if taken != charged or row.charged != (COST if charged and not returned else 0):
        faults.append(f"{row.state}, charged {row.charged}: {row.id}")
    if taken and there != TAKEN.get(row.state):
        faults.append(f"{row.state} here, {there} at the gateway: {row.id}")
    return faults


def _state(id_: str, arrived: Sequence[dict[str, Any]]) -> str:
    return next((str(one["state"]) for one in arrived if one["reference"] == id_), "")
