"""A loan in the house of canaries, and what waits for a decision since it came back."""

from datetime import date
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import local_date
from praxisd.kernel.ids import new_id
from praxisd.services.exchange import laptop_lending, laptop_sealing, laptop_store

if TYPE_CHECKING:
    from .canary_house import Aviary


def let_in(nest: "Aviary") -> None:
    """Somebody took a patient along, and both sides changed the same."""
    house, actor = nest.house, system("test", nest.practice.organization)
    patient = nest.ids["patients"][0]
    until: date = local_date(house.clock.now() + 86_400, laptop_lending.zone("Europe/Berlin"))
    key = laptop_sealing.new_key().recipient
    loan = laptop_lending.lend(house, actor, [patient], nest.bird("loan.label"), until, recipient=key).loan
    bird = nest.bird
    conflict = new_id()
    house.store.run(
        actor,
        lambda tx: laptop_store.add_conflict(
            tx,
            id=conflict,
            loan=loan,
            kind="Patient",
            record=patient,
            patient=patient,
            path=f"telecom/{bird('conflict.path')}/use",
            why="exchange.changed_on_both",
            base=f'"{bird("conflict.base")}"',
            ours=f'"{bird("conflict.ours")}"',
            theirs=f'"{bird("conflict.theirs")}"',
        ),
    )
    nest.note("loans", loan)
    nest.note("conflicts", conflict)
