"""Canaries of the waiting list and in conflicts: whoever waits, and both sides of a double booking, have names and notes."""

from typing import Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.store import Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import rounds, waiting


def let_in(nest: Any, patient: str) -> None:
    """A double booking from outside of a canary, one that waits with a note, and an offer to it."""
    house, practice = nest.house, nest.practice
    actor = system("test", practice.organization)
    start = parse_rfc3339("2026-12-10T15:00:00+01:00")

    def work(tx: Tx) -> None:
        calendar.add_reservation(
            house, tx, title=nest.bird("conflict.title"), schedules=practice.doctors[:1], start=start,
            end=start + 3600, note=nest.bird("conflict.note"),
        )  # fmt: skip
        wish = calendar.Wish(
            service=practice.check, start=start, schedules=practice.doctors[:1], patient=patient,
            note=nest.bird("online.note"),
        )  # fmt: skip
        made, conflict = calendar.request(house, tx, wish, created_by_portal="Portal")
        nest.note("appointments", made.id)
        nest.note("conflicts", conflict or "")
        entry = waiting.enter(
            house, tx, patient=patient, service=practice.check, note=nest.bird("waiting.note")
        )
        nest.note("waiting", entry.id)
        offer = rounds.by_hand(house, tx, entry.id, start + 5400, practice.doctors[:1], None)
        nest.note("offers", offer.id)
        nest.note("rounds", offer.round)

    house.store.run(actor, work)
