"""The job `messaging.send`: what is due goes out, each message once (SPEC 5.8).

Taken in one short transaction that also proves that the run is still ours, sent outside of it, and written down in
another one that names the claim. A kill at any point leaves `prepared`, `sending` or the answer; `asking` does the rest.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.store import Tx
from praxisd.services.messaging import accounts, asking, last_look, outcome, sending_store
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.accounts import Way
from praxisd.services.messaging.asking import Times
from praxisd.services.messaging.channel import Accepted, Lost, Outgoing, Refused
from praxisd.services.messaging.outbox_declared import RUN_CAP

if TYPE_CHECKING:
    from praxisd.kernel.jobs import RunContext

Answered = tuple[str, str]
"""A word for the run log, and the code of a refusal."""
AT_ONCE = 4
"""Messages that are on their way to gateways at the same time."""
QUIET_NOW = "messaging.quiet_now"


class Taken(NamedTuple):
    """A message that this run may send: its row as claimed, and until when (epoch seconds) it may leave."""

    row: Any
    before: int


def send(run: "RunContext") -> None:
    """Send what is due, at most `messaging.run_cap` messages; settle what earlier runs left open."""
    known = asking.of_run(run)
    with run.read() as tx:
        ways = accounts.ways(run.house, tx)
    waited = 0.0
    while True:
        asking.give_up_claims(run, known)
        asking.ask(run, known, ways)
        quiet = _deliver(run, known, ways)
        seconds = asking.soon(run, known, ways)
        if seconds is None or waited + seconds > asking.LINGER_S:
            break
        asking.linger(run, seconds)
        waited += seconds
    if quiet:
        run.say(QUIET_NOW)


def _deliver(run: "RunContext", known: Times, ways: Mapping[str, Way]) -> bool:
    """Send until nothing is due, the cap is reached or it is too late in the day (True)."""
    _expire(run)
    with run.read() as tx:
        cap = int(run.house.settings.get(tx, RUN_CAP))
    open_ = dict(ways)
    while open_:
        room = cap - sum(run.counts.get(word, 0) for word in ("sent", "failed", "unsure"))
        if room <= 0:
            return False
        with run.read() as tx:
            if last_look.quiet(run.house, tx):
                return True
        taken = run.house.store.run(run.actor, partial(_take, run, known, open_, min(room, AT_ONCE)))
        if taken is None:
            return False
        answers = _at_once(partial(_hand_over, run, open_), taken)
        counts: dict[str, int] = {}
        for one, (word, code) in zip(taken, answers, strict=True):
            counts[word] = counts.get(word, 0) + 1
            if code in outcome.GATEWAY_CODES:
                open_.pop(one.row.channel, None)
        run.checkpoint(None, tx=None, **counts)
    return False


def _at_once(call: Callable[[Taken], Answered], taken: Sequence[Taken]) -> list[Answered]:
    """Call it for all of them at the same time. Threads of their own that hold up no end of the process: a message whose
    answer is not waited for is unsure, and asked about after the next start.
    """
    found: list[Answered | Exception] = [("", "")] * len(taken)

    def one(number: int) -> None:
        try:
            found[number] = call(taken[number])
        except Exception as error:
            found[number] = error

    threads = [
        threading.Thread(target=one, args=(n,), name="praxisd-send", daemon=True) for n in range(len(taken))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers: list[Answered] = []
    for answer in found:
        if isinstance(answer, Exception):
            raise answer
        answers.append(answer)
    return answers


def _take(run: "RunContext", known: Times, ways: Mapping[str, Way], limit: int, tx: Tx) -> list[Taken] | None:
    """Claim the next messages; None when nothing is due. Those that may not go out (now) are put aside on the way."""
    due = sending_store.due(tx, sorted(ways), tx.now, limit)
    if not due:
        return None
    counts: dict[str, int] = {}
    taken: list[Taken] = []
    day = last_look.day(run.house, tx)
    for row in due:
        word = last_look.put_aside(run.house, tx, row, day)
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
            continue
        claim = f"{asking.own(run)}{row.attempts + 1}"
        done = rows.change(
            tx, row.id, ("prepared",),
            state="sending", claim=claim, sending_at=tx.now, gateway=ways[row.channel].gateway,
            attempts=row.attempts + 1,
        )  # fmt: skip
        if done:
            taken.append(Taken(rows.get(tx, row.id), tx.now + known.permit))
    run.checkpoint(tx=tx, **counts)  # another node that has taken the run over: nothing of this happens
    return taken


def _hand_over(run: "RunContext", ways: Mapping[str, Way], one: Taken) -> Answered:
    """Send one message and write down what became of it."""
    row, way = one.row, ways[one.row.channel]
    message = Outgoing(
        id=row.id, to=row.address, text=row.text, before=one.before, useless_after=row.useless_after,
        subject=row.subject, language=row.language,
    )  # fmt: skip
    got: Accepted | Refused | Lost
    try:
        got = way.channel.send(message)
    except Exception as error:  # an adapter that breaks its promise: nobody knows
        run.house.log.error("channel_failed", where=way.gateway, error=error)
        got = Lost()
    word = run.house.store.run(run.actor, lambda tx: outcome.answer(run.house, tx, row, way.route, got))
    return word, got.code if isinstance(got, Refused) else ""


def _worth_a_letter(row: Any, now: int) -> bool:
    """It never went out and what it is about is still to come: somebody should ring or write."""
    return row.stamp > now


def _expire(run: "RunContext") -> None:
    """Waiting messages that would only confuse by now, on every channel."""

    def work(tx: Tx) -> int:
        over: Sequence[Any] = sending_store.over(tx, tx.now)
        done = sum(
            outcome.expire(
                tx,
                row,
                row.reason or "messaging.too_late",
                ("prepared",),
                letter=_worth_a_letter(row, tx.now),
            )
            for row in over
        )
        run.checkpoint(tx=tx, **({"expired": done} if done else {}))
        return len(over)

    while run.house.store.run(run.actor, work):
        pass
