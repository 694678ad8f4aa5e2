"""The job `messaging.status`: gateways and mailboxes are asked what became of messages, for 7 days (SPEC 5.9)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.messaging import accounts, asking, hearing, sending_store
from praxisd.services.messaging.accounts import Way
from praxisd.services.messaging.channel import Waiting

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

BATCH = 100
"""Messages about which a gateway is asked at once."""


def status(run: "RunContext") -> None:
    """Ask about everything that may still change; what is older than 7 days is not awaited any more.

    A gateway that cannot be asked at all makes the run fail with its code, after the others were asked.
    """
    known = asking.of_run(run)
    with run.read() as tx:
        ways = accounts.ways(run.house, tx)
    asking.give_up_claims(run, known)
    asking.ask(run, known, ways)
    failure: Problem | None = None
    for channel, way in ways.items():
        if way.channel.abilities.reports:
            try:
                _poll(run, channel, way)
            except Problem as problem:
                failure = failure or problem
    run.checkpoint(
        silent=run.house.store.run(
            run.actor, lambda tx: sending_store.give_up(tx, tx.now - asking.ASKED_DAYS_S)
        )
    )
    if failure is not None:
        raise failure


def _poll(run: "RunContext", channel: str, way: Way) -> None:
    """Ask one account about all that it can still tell of; one that reads a mailbox is asked at least once."""
    began, first = run.house.clock.now(), True
    while True:
        run.stop_if_asked()
        with run.read() as tx:
            since = began - asking.ASKED_DAYS_S
            found = sending_store.awaited(tx, way.gateway, channel, since, began, BATCH)
        if not found and not first:
            return
        first = False
        waiting = [
            Waiting(id=row.id, receipt=row.receipt or "", to=row.address, accepted_at=row.accepted_at)
            for row in found
        ]
        counts = hearing.take_in(run.house, run.actor, way, way.channel.reports(waiting), channel)
        run.house.store.run(run.actor, partial(_asked, run, [row.id for row in found], counts))


def _asked(run: "RunContext", ids: Sequence[str], counts: Mapping[str, int], tx: Tx) -> None:
    if ids:
        sending_store.asked(tx, ids)
    run.checkpoint(tx=tx, asked=len(ids), **counts)
