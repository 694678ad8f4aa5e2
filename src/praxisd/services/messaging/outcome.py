"""What became of a message: every change of its state after it was taken to be sent, in the caller's transaction.

Each change names the states it may start from, so that answers, reports and people who come late or twice change
nothing: `delivered`, `failed`, `expired` and `withdrawn` stay. What is certain wins over `unsure`, whoever brings it.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel.store import Tx
from praxisd.model.communication import BOOKING
from praxisd.services.messaging import ledger, sending_store
from praxisd.services.messaging import outgoing_store as rows
from praxisd.services.messaging.channel import Accepted, Lost, Refused, Reply, Report
from praxisd.services.messaging.outbox import tell
from praxisd.services.messaging.outbox_declared import FALLBACK

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OPEN = ("prepared", "sending", "unsure")
"""States in which it is not certain that the gateway has the message."""
ACCOUNT_CODES = frozenset(
    {
        "messaging.gateway_credentials",
        "messaging.gateway_no_credits",
        "messaging.mail_credentials",
        "messaging.mail_unprotected",
        "messaging.sender_rejected",
    }
)
"""Refusals that are about our access, not about the message. A final one is shown as failed (a letter may be written), and
the message goes out after all once the access data is put right while it is still of use: see `sent_after_all`."""
GATEWAY_CODES = ACCOUNT_CODES | {
    "messaging.gateway_busy", "messaging.gateway_refused", "messaging.gateway_unreachable",
    "messaging.mail_busy", "messaging.mail_refused", "messaging.mail_unreachable",
}  # fmt: skip
"""Refusals that the next message would meet as well: the run goes on with the other channels only."""
REFUSING = frozenset({"messaging.gateway_rejected", "messaging.gateway_refused", "messaging.number_rejected"})
"""Reports by which a gateway says that it never sent what it had taken: its credits are given back (SPEC 5.4)."""
_ENDS = {
    ("sms", "failed"): "messaging.sms_failed",
    ("sms", "expired"): "messaging.sms_expired",
    ("email", "failed"): "messaging.mail_bounced",
    ("email", "expired"): "messaging.mail_expired",
}
"""Why, where a report does not say it."""
NOT_STARTED = "messaging.too_late"
"""The permission to send ran out before anything was written; the message is as good as new."""
BACKOFF_S = (60, 300, 900, 3_600)
"""Waits after the first, second, … temporary refusal. Seconds."""
WAIT_MOST_S = 6 * 3_600


class Route(NamedTuple):
    """By which gateway a message goes. `final`: acceptance is the last that will be heard."""

    gateway: str
    final: bool


def answer(house: "House", tx: Tx, row: Any, way: Route, got: Accepted | Refused | Lost) -> str:
    """Write down what `Channel.send` answered for the message as it was claimed (`row.claim`); a word for the run log."""
    if isinstance(got, Accepted):
        accept(tx, row, way, got.receipt)
        return "sent"
    if isinstance(got, Lost):
        return "unsure" if lose(tx, row, got.code) else "late"
    return refuse(house, tx, row, got)


def accept(tx: Tx, row: Any, way: Route, receipt: str) -> bool:
    """The gateway has the message: charged once, whoever says so first. False if it was known or has ended."""
    values = {"receipt": receipt} if receipt else {}
    ended = tx.now if way.final else None
    done = rows.change(
        tx, row.id, OPEN,
        state="accepted", gateway=way.gateway, accepted_at=tx.now, ended_at=ended, reason=None, detail=None,
        letter=None, **values,
    )  # fmt: skip
    if not done:
        if receipt:  # a report was faster than the answer, and did not tell the gateway's own id
            known = ("accepted", "delivered", "failed", "expired")
            rows.change(tx, row.id, known, rows.without_receipt(), receipt=receipt)
        return False
    charged = ledger.charge(tx, row.mandator, row.id, row.cost)
    if charged:
        rows.change(tx, row.id, ("accepted",), charged=charged)
    tell(tx, row.id, "communication.sent")
    return True


def lose(tx: Tx, row: Any, code: str) -> bool:
    """Nobody knows whether this attempt (`row.claim`) has sent the message. False if somebody knows by now."""
    done = rows.change(tx, row.id, ("sending",), rows.claimed(row.claim), state="unsure", reason=code)
    if done:
        tell(tx, row.id, "communication.unsure")
    return done


def refuse(house: "House", tx: Tx, row: Any, got: Refused) -> str:
    """The gateway certainly did not take it from this attempt: failed for good, or to be tried again."""
    mine = rows.claimed(row.claim)
    if got.permanent:
        return "failed" if fail(house, tx, row, got.code, got.detail, ("sending", "unsure"), mine) else "late"
    wait = 0 if got.code == NOT_STARTED else backoff(row.attempts, got.wait_s)
    done = rows.change(
        tx, row.id, ("sending", "unsure"), mine,
        state="prepared", next_at=tx.now + wait, reason=got.code, detail=got.detail or None,
        claim=None, sending_at=None,
    )  # fmt: skip
    return "waiting" if done else "late"


def backoff(attempts: int, told: int | None) -> int:
    """Seconds until the next attempt, after so many."""
    ladder = BACKOFF_S[min(max(attempts, 1), len(BACKOFF_S)) - 1]
    return min(max(ladder, told or 0), WAIT_MOST_S)


def again(tx: Tx, row: Any) -> bool:
    """The gateway certainly does not have an unsure message: it is to be sent (again) by the next run."""
    return rows.change(
        tx, row.id, ("unsure",), rows.claimed(row.claim),
        state="prepared", next_at=tx.now, reason=None, claim=None, sending_at=None,
    )  # fmt: skip


def fail(
    house: "House",
    tx: Tx,
    row: Any,
    code: str,
    detail: str,
    states: tuple[str, ...],
    *conditions: Any,
) -> bool:
    """It will not arrive on this channel. All but greetings ask for a letter; a reminder's topic is free again with
    the switch on: the next verdict tries the other way. Who waits for an answer is called at once.
    """
    other = (
        row.kind not in BOOKING
        and bool(house.settings.get(tx, FALLBACK))
        and row.useless_after > tx.now
        and code not in ACCOUNT_CODES
    )
    done = rows.change(
        tx, row.id, states, *conditions,
        state="failed", reason=code, detail=detail or None, ended_at=tx.now, letter=_letter(row),
        **({"holds": None} if other else {}),
    )  # fmt: skip
    if done:
        tell(tx, row.id, "communication.failed", again=other)
    return done


def sent_after_all(tx: Tx, channel: str) -> int:
    """Our access to the channel was put right: what failed only because of it waits again; how many messages.

    Not what a letter was written for, nor what would only confuse by now.
    """
    return sending_store.wait_again(tx, channel, sorted(ACCOUNT_CODES))


def expire(tx: Tx, row: Any, code: str, states: tuple[str, ...], letter: bool = False) -> bool:
    """It was not delivered while it was of use."""
    done = rows.change(
        tx, row.id, states,
        state="expired", reason=code, ended_at=tx.now, letter=_letter(row) if letter else None,
    )  # fmt: skip
    if done:
        tell(tx, row.id, "communication.expired")
    return done


def report(house: "House", tx: Tx, row: Any, way: Route, said: Report) -> bool:
    """What the gateway reports of a message. Repeated, late or out of order it changes nothing; True if it did.

    Who reports of a message has it: one that was still unsure (or being sent) is accepted by that.
    """
    if row.state == "prepared" and not row.attempts:
        return False  # never handed over: whatever this is about, it is not this message
    known = accept(tx, row, way, said.receipt)
    states = ("accepted",)
    if said.state == "delivered":
        done = rows.change(tx, row.id, states, state="delivered", ended_at=tx.now, reason=None, detail=None)
        if done:
            tell(tx, row.id, "communication.delivered")
    elif said.state == "failed":
        done = fail(house, tx, row, said.code or _ENDS[row.channel, "failed"], said.detail, states)
        if done and said.code in REFUSING:
            _give_back(tx, row.id)
    elif said.state == "expired":
        done = expire(tx, row, said.code or _ENDS[row.channel, "expired"], states, row.useless_after > tx.now)
    else:
        done = False
    return known or done


def _give_back(tx: Tx, id_: str) -> None:
    row = rows.get(tx, id_)
    if row is not None and ledger.give_back(tx, row.mandator, id_, row.charged):
        rows.change(tx, id_, ("failed",), charged=0)


def _letter(row: Any) -> str | None:
    return None if row.kind == "birthday" else "open"


def named(tx: Tx, gateway: str, channel: str, said: Report | Reply) -> Any | None:
    """The message that a report or reply names by the gateway's id or by our own; None if there is none of ours.

    Our own counts where no receipt is known yet: the answer was lost, or is still under way. Where another receipt is, it
    is about an earlier attempt, whose bad end says nothing of the later one.
    """
    row = rows.by_receipt(tx, gateway, said.receipt) if said.receipt else None
    if row is None and said.id:
        row = rows.get(tx, said.id)
        if row is not None and said.receipt and row.receipt and isinstance(said, Report):
            row = None if said.state in ("failed", "expired") else row
    return row if row is not None and row.channel == channel else None
