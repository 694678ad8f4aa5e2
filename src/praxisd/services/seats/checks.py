"""Checks of seats: a program that vanished, programs that wait for a person, set-up that is on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.seats import modes, rules, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

VANISHED, APPROVAL, SETUP = "seats.vanished", "seats.waiting_approval", "seats.setup_mode"


def look(house: "House") -> Iterator[Finding]:
    """Of each practice in turn. The subject is `Seat/<id>`; a seat's name is the name of a computer or program."""
    with house.store.read(system("seats")) as tx:
        practices = list(house.shared.get("organizations", lambda _tx: [])(tx))
    for one in practices:
        with house.store.read(system("seats", one)) as tx:
            mode, until = modes.mode(tx)
            zone = zone_of(zone_name(house, tx))
            living = {row.seat for row in store.living(tx)}
            vanished = {row.seat: row for row in reversed(store.vanished(tx)) if row.seat not in living}
            waiting = [seat for seat in store.seats(tx) if seat.state == rules.WAITING]
            now = tx.now
        if mode == rules.SETUP:
            yield Finding(SETUP, "", Severity.INFO, {"until": format_rfc3339(until or now, zone)}, one)
        else:
            for row in vanished.values():
                if now - row.beat_at > rules.VANISHED_S:
                    params = {"seat": row.seat_name or row.seat, "since": format_rfc3339(row.beat_at, zone)}
                    yield Finding(VANISHED, f"Seat/{row.seat}", Severity.WARNING, params, one)
        for seat in waiting:
            yield Finding(APPROVAL, f"Seat/{seat.id}", Severity.WARNING, {"seat": seat.name}, one)


CHECKS = (
    Check(
        "seats.register",
        (VANISHED, APPROVAL, SETUP),
        look,
        grave={VANISHED: Severity.WARNING, APPROVAL: Severity.WARNING, SETUP: Severity.INFO},
    ),
)
