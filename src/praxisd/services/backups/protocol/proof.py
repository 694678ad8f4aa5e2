"""Tells the diagnosis whether the backup is recent and was proved; asked by the checklist of § 390 SGB V."""

from typing import TYPE_CHECKING

from praxisd.services.backups import store
from praxisd.services.backups.protocol import log_keeping, proof_rules
from praxisd.services.backups.protocol.around import reading
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def answer(house: "House") -> bool | None:
    """See `proof_rules.good`; None while there is no plan."""
    with reading(house) as tx:
        book = log_keeping.book(house, tx)
        plan = book.around.plan
        if plan is None:
            return None
        made = {one.day for one in store.RUN.by(tx, "kind", "backup", most=500) if one.state == "good"}
        ends = [one.ended or 0 for one in store.RUN.by(tx, "kind", "prove", most=100) if one.state == "good"]
    over = {day: state for day, state in book.states.items() if day < book.around.today}
    variant, now = plan.plan.variant, book.around.now
    return proof_rules.good(variant, plan.at, over, made, max(ends, default=None), now)


def start(house: "House") -> None:
    """Offer the answer, at start."""
    diagnosis.answer_backup(house, lambda: answer(house))
