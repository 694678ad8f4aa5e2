"""A mail to the service partner leaves once per click: claimed before it is handed in, settled afterwards.

The console sends a request again whose answer got lost. The click brings an id of its own (`once`); who brings the same
again learns what became of the first. A server that died in between leaves `unsure`: nobody knows, and nothing is sent.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.messaging import api as messaging
from praxisd.services.support import store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

State = Literal["sent", "unsure", "failed"]
Shown = Literal["sending", "sent", "unsure", "failed"]
LOST = "messaging.answer_lost"
SENDING_S = 180
"""After so many seconds a mail that is still `sending` is so no more: its server has died."""
_WAIT_S, _STEP_S = 20.0, 0.25


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mail. `code` says why it is unsure or failed, `detail` is the mail server's own number."""

    state: State
    code: str | None = None
    detail: str = ""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail: the click's id, of which package (empty: none), to whom, and every byte of it."""

    once: str
    bundle: str
    to: str
    subject: str
    text: str
    lang: str
    attachments: tuple[messaging.Attachment, ...] = ()


def post(house: "House", actor: Actor, mail: Mail, note: Callable[[Tx, Outcome], None]) -> Outcome:
    """Hand the mail in and keep what became of it; `note` writes the event in the same transaction.

    Problem `messaging.account_missing` (409): nothing was tried, and the same click may be tried again.
    """

    def claim(tx: Tx) -> bool:
        return store.leave(
            tx, click=mail.once, bundle=mail.bundle, at=tx.now, by=actor.label, way="mail", target=mail.to, outcome="sending"
        )  # fmt: skip

    if not house.store.run(actor, claim):
        return _first(house, actor, mail.once)
    try:
        got = messaging.send_mail(
            house, actor.organization, mail.to, mail.subject, mail.text, mail.attachments, mail.lang
        )
    except Problem:
        house.store.run(actor, lambda tx: store.take_back(tx, mail.once))
        raise
    outcome = _outcome(got)

    def settle(tx: Tx) -> None:
        store.settle(tx, mail.once, outcome.state, outcome.code, outcome.detail)
        note(tx, outcome)

    house.store.run(actor, settle)
    return outcome


def _outcome(got: messaging.Accepted | messaging.Refused | messaging.Lost) -> Outcome:
    if isinstance(got, messaging.Accepted):
        return Outcome(state="sent")
    if isinstance(got, messaging.Lost):
        return Outcome(state="unsure", code=got.code)
    return Outcome(state="failed", code=got.code, detail=got.detail)


def _first(house: "House", actor: Actor, once: str) -> Outcome:
    """What became of the mail that this click sent before; its end is waited for, but not for ever."""
    until = time.monotonic() + _WAIT_S
    while True:
        with house.store.read(actor) as tx:
            row = store.handover(tx, once)
            old = row is not None and shown(row, tx.now) == "unsure"
        if row is None or row.outcome != "sending" or old or time.monotonic() > until:
            break
        time.sleep(_STEP_S)
    if row is None or row.outcome == "sending":
        return Outcome(state="unsure", code=LOST)
    return Outcome(state=row.outcome, code=row.code, detail=row.detail)


def shown(row: Any, now: int) -> Shown:
    """The outcome as people should read it: a mail whose server died while it left is unsure."""
    if row.outcome == "sending" and now - row.at > SENDING_S:
        return "unsure"
    found: Shown = row.outcome
    return found
