"""After a crash or a lost answer: messages of which nobody knows whether they went out are asked about (SPEC 5.8).

A message that was taken to be sent and never got an answer is *unsure* as soon as its permission to be sent has passed:
from then on a frozen process that wakes up may not send it any more (`Channel`, promise 2). A gateway that knows it
makes it accepted; one that certainly does not have it, asked late enough, makes it prepared again. Else a person decides.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.store import Tx
from praxisd.services.messaging import outcome, sending_store
from praxisd.services.messaging.accounts import Way
from praxisd.services.messaging.channel import Absent, Found, Report, Unknown, Waiting
from praxisd.services.messaging.outbox_declared import PATIENCE, PATIENCE_LOW_S

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

ASKED_DAYS_S = 7 * 86_400
"""So long a gateway is asked about a message (SPEC 5.9). Seconds."""
LINGER_S = 150
"""So long a run waits at most for messages that can be asked about soon. Seconds."""
STEP_S = 0.25


class Times(NamedTuple):
    """How long, in seconds after a message was taken: it may leave (`permit`), it counts as lost (`lost`), and a gateway
    that does not know it may be believed (`believed`).
    """

    permit: int
    lost: int
    believed: int


def times(patience: int) -> Times:
    """The times for a patience of so many seconds (setting `messaging.gateway_patience`)."""
    permit = max(1, min(25, patience // 2))
    return Times(permit, permit + max(1, min(5, patience // 4)), permit + patience)


def of_run(run: "RunContext") -> Times:
    """The times as they are set; what was stored when less was allowed does not count."""
    trial = run.house.config.trial.get(PATIENCE)
    if trial is not None:
        return times(trial)
    with run.read() as tx:
        return times(max(int(run.house.settings.get(tx, PATIENCE)), PATIENCE_LOW_S))


def own(run: "RunContext") -> str:
    """How the claims of this run, in this attempt, begin."""
    return f"{run.id}.{run.fence}."


def give_up_claims(run: "RunContext", known: Times) -> None:
    """Messages that another run took, or this one before it was interrupted, and that got no answer: unsure."""

    def work(tx: Tx) -> int:
        left = sending_store.left_over(tx, own(run), tx.now - known.lost)
        done = sum(outcome.lose(tx, row, "messaging.answer_lost") for row in left)
        run.checkpoint(tx=tx, **({"unsure": done} if done else {}))
        return len(left)

    while run.house.store.run(run.actor, work):
        pass


def ask(run: "RunContext", known: Times, ways: Mapping[str, Way]) -> None:
    """Ask the gateways about all unsure messages, once each."""
    with run.read() as tx:
        found = sending_store.unsure(tx, tx.now - ASKED_DAYS_S)
    for row in found:
        run.stop_if_asked()
        way = ways.get(row.channel)
        if way is None or way.gateway != row.gateway or not way.channel.abilities.finds:
            continue
        began = run.house.clock.now()
        told = _find(run, way, row)
        late_enough = began >= row.sending_at + known.believed

        run.house.store.run(run.actor, partial(_learn, run, way, row, told, late_enough))


def _learn(
    run: "RunContext", way: Way, row: Any, told: Found | Absent | Unknown, late_enough: bool, tx: Tx
) -> None:
    word = ""
    if isinstance(told, Found):
        word = "found" if outcome.accept(tx, row, way.route, told.receipt) else ""
        if told.state is not None and told.state != "buffered":
            said = Report(state=told.state, receipt=told.receipt, id=row.id)
            outcome.report(run.house, tx, row, way.route, said)
    elif isinstance(told, Absent) and late_enough:
        word = "absent" if outcome.again(tx, row) else ""
    else:
        sending_store.asked(tx, [row.id])
    run.checkpoint(tx=tx, **({word: 1} if word else {}))


def _find(run: "RunContext", way: Way, row: Any) -> Found | Absent | Unknown:
    waiting = Waiting(id=row.id, receipt=row.receipt or "", to=row.address, accepted_at=row.sending_at)
    try:
        return way.channel.find(waiting)
    except Exception as error:  # an adapter that breaks its promise must not stop the others
        run.house.log.error("channel_failed", where=way.gateway, error=error)
        return Unknown()


def soon(run: "RunContext", known: Times, ways: Mapping[str, Way]) -> float | None:
    """Seconds until something more can be learnt, if that is worth waiting for in this run; else None."""
    with run.read() as tx:
        found, now = sending_store.under_way(tx), tx.now
    finds = {one.gateway for one in ways.values() if one.channel.abilities.finds}
    moments = [row.sending_at + known.lost + 1 for row in found if row.state == "sending"]
    moments += [row.sending_at + known.believed for row in found if row.gateway in finds]
    ahead = [moment - now for moment in moments if moment > now]
    return min(ahead) if ahead and min(ahead) <= LINGER_S and not run.house.clock.frozen else None


def linger(run: "RunContext", seconds: float) -> None:
    """Wait, and leave at once when the run should stop."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run.stop_if_asked()
        time.sleep(STEP_S)
