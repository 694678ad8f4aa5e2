"""Loans, conflicts and the laptop as they are shown, by the doors and by commands."""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.store import Tx
from praxisd.model.people import MASK
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_store
from praxisd.services.exchange.laptop_shapes import ConflictOut, LaptopOut, LoanOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def loans(house: "House", tx: Tx, lang: str, patient: str | None = None) -> list[LoanOut]:
    """All loans, the newest first; with a patient those it went out with."""
    rows = laptop_store.loans(tx, patient)
    waiting: dict[str, int] = {}
    for one in laptop_store.open_conflicts(tx):
        waiting[one.loan] = waiting.get(one.loan, 0) + 1
    zone = zone_of(zone_name(house, tx))
    names = actor_names(house, tx, {row.person for row in rows}, lang)

    def at(epoch: int | None) -> str | None:
        return None if epoch is None else format_rfc3339(epoch, zone)

    return [
        LoanOut(
            id=row.id,
            label=MASK if tx.actor.masked else row.label,
            state="over" if row.state == laptop_store.OUT and row.until <= tx.now else row.state,
            person=names[row.person],
            out_at=format_rfc3339(row.out_at, zone),
            until=format_rfc3339(row.until, zone),
            sealed=row.sealed,
            patients=row.patients,
            number=row.number,
            back_at=at(row.back_at),
            ended_at=at(row.ended_at),
            conflicts=waiting.get(row.id, 0),
        )
        for row in rows
    ]


def conflicts(house: "House", tx: Tx, lang: str) -> list[ConflictOut]:
    """All that wait, the oldest first. Who may not see patients learns where something waits, and nothing else."""
    rows = laptop_store.open_conflicts(tx)
    names = directory.name(tx, [row.patient for row in rows if row.patient])
    labels = {one.id: one.label for one in laptop_store.loans(tx)}
    zone = zone_of(zone_name(house, tx))
    masked = tx.actor.masked

    def side(text: str | None) -> Any:
        return UNSET if text is None or masked else msgspec.json.decode(text)

    return [
        ConflictOut(
            id=row.id,
            loan=row.loan,
            label=MASK if masked else labels.get(row.loan, ""),
            kind=row.kind,
            record=row.record,
            patient=row.patient,
            patient_name=names.get(row.patient),
            path=row.path.partition("/")[0] if masked else row.path,
            field=row.path.partition("/")[0],
            why=row.why,
            reason=house.texts.get(f"{row.why}.title", lang)
            if house.texts.has(f"{row.why}.title")
            else row.why,
            found_at=format_rfc3339(row.found_at, zone),
            base=side(row.base),
            ours=side(row.ours),
            theirs=side(row.theirs),
        )
        for row in rows
    ]


def laptop(house: "House", tx: Tx) -> LaptopOut:
    """What this praxisd is, and until when."""
    one = house.lent
    if one is None:
        return LaptopOut(laptop=False)
    row = laptop_store.laptop(tx)
    zone = zone_of(zone_name(house, tx))
    packed = None if row is None else row.packed_at
    return LaptopOut(
        laptop=True,
        practice=one.practice,
        label=MASK if tx.actor.masked else one.label,
        since=format_rfc3339(one.since, zone),
        until=format_rfc3339(one.until, zone),
        over=one.over(house.clock.now()),
        packed=0 if row is None else row.number,
        packed_at=None if packed is None else format_rfc3339(packed, zone),
    )
