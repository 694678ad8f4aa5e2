"""Canaries at the booking desk: a booking whose every word is one, one that cannot be read, and a source."""

from typing import Any

from praxisd.kernel.access import system
from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.store import Tx
from praxisd.model.portals import Told
from praxisd.services.portals import requests, sources, store

BODIES: dict[str, Any] = {
    "sources.create": {"name": "Quelle zwei", "kind": "hook"},
    "sources.change": {"name": "Quelle drei", "kind": "hook"},
}
"""What the operations of sources are asked with on the tour."""


def let_in(nest: Any) -> None:
    """Bookings by mail, as they would come: each in the house of canaries with the ids of what they made."""
    house, bird = nest.house, nest.bird
    actor = system("test", nest.practice.organization)
    told = Told(
        family=bird("request.family"),
        given=bird("request.given"),
        birth_date="1911-11-11",
        phone=f"0171 {bird('request.phone')}",
        email=f"{bird('request.email')}@example.org",
    )
    start = parse_rfc3339("2026-11-25T15:00:00+01:00")
    read = requests.Incoming(
        origin="mailbox", remote="canary", told=told, start=start, service=nest.practice.check, word=bird("request.word"),
        note=bird("request.note"), original=bird("request.original"), subject=bird("request.subject"),
    )  # fmt: skip
    unread = requests.Incoming(origin="mailbox", remote="canary 2", original=bird("unread.original"))

    def work(tx: Tx) -> None:
        for said in (read, unread):
            assert requests.receive(house, tx, said) == "new"
        found = store.REQUESTS.all(tx)
        nest.note("requests", *(one.id for one in found))
        nest.note("appointments", *(one.appointment for one in found if one.appointment))
        nest.note("patients", *(one.patient for one in found if one.patient))
        given = sources.Given(
            name="Quelle",
            kind="hook",
            active=True,
            portal=None,
            schedule=None,
            service=None,
            fields={},
            secrets={},
        )
        nest.note("sources", sources.create(house, tx, given)[0].id)

    house.store.run(actor, work)
