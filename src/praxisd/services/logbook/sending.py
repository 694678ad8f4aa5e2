"""The one place from which something of the logbook leaves: by a person's click, or by that person's standing order.

A package is claimed before it is handed in and settled afterwards; a server that dies in between leaves `unsure`, and nothing
is sent again by itself. Only people send: a key is refused.
"""

from typing import TYPE_CHECKING, Any, Literal

from praxisd.kernel import events
from praxisd.kernel.access import Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.mail_address import address
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.logbook import packing, store
from praxisd.services.messaging import api as messaging
from praxisd.services.support import api as support

if TYPE_CHECKING:
    from praxisd.kernel.app import House

State = Literal["draft", "sending", "sent", "unsure", "failed"]
SENDING_S = 180
"""After so many seconds one that is still `sending` is so no more: its server has died."""
MANAGE = "logbook.order.manage"
PERSON, BAD_ADDRESS = "logbook.person_needed", "logbook.bad_address"
_MEDIA = "application/x-ndjson; charset=utf-8"


def person(actor: Actor) -> None:
    """Problem `logbook.person_needed` (403) for programs, jobs and guests."""
    if actor.kind not in (Kind.USER, Kind.CLI):
        raise Problem(PERSON, 403)


def recipient(house: "House", tx: Tx, to: str) -> str:
    """A checked address; that of the service partner where none is given.

    Problems: `logbook.bad_address` (422), `support.partner_missing` (409).
    """
    if not to:
        return support.partner_address(house, tx)
    try:
        return address(to)
    except ValueError:
        raise Problem(BAD_ADDRESS, 422) from None


def by_click(house: "House", actor: Actor, id_: str, digest: str, lang: str, to: str = "") -> None:
    """Send a package as it was shown. The same click again changes nothing.

    Problems: 404; `logbook.person_needed` (403); `logbook.package_changed` (409) if it is not what was shown;
    `messaging.account_missing`, `support.partner_missing` (409); `logbook.bad_address` (422).
    """
    person(actor)
    with house.store.read(actor) as tx:
        row = packing.need(tx, id_)
        target = recipient(house, tx, to)
    if row.digest != digest:
        raise Problem(packing.CHANGED, 409)
    _send(house, actor, row, target, lang)


def by_order(house: "House", job: Actor, order: Any, package: Any, lang: str) -> str:
    """Send a package of a standing order, if the order still stands when it leaves; its state then."""
    with house.store.read(job) as tx:
        row = packing.need(tx, package.id)
    _send(house, job, row, order.target, lang, order=order.id)
    with house.store.read(job) as tx:
        return shown(packing.need(tx, package.id), tx.now)


def stands(house: "House", tx: Tx, order: Any) -> bool:
    """True while an order may send: not ended, its time not over, given before now (a clock set back proves nothing), and by
    somebody who still may give it.
    """
    alive = order.ended_at is None and order.created_at <= tx.now < order.until
    return alive and permitted(house, tx, order.created_by, MANAGE)


def permitted(house: "House", tx: Tx, label: str, permission: str) -> bool:
    """True if the person who gave the order is still one who may: active, and with the right. The command line always is."""
    kind, _, id_ = label.partition(":")
    if kind == Kind.CLI:
        return True
    user = accounts.get_user(tx, id_) if kind == Kind.USER else None
    return user is not None and user.active and permission in house.registry.role(user.role)


def _send(house: "House", actor: Actor, row: Any, to: str, lang: str, order: str = "") -> None:
    who = actor.label

    def claim(tx: Tx) -> bool:
        if order:
            held = store.order(tx, order)
            if held is None or not stands(house, tx, held):
                return False
        return store.claim(tx, row.id, row.digest, to, who)

    if not house.store.run(actor, claim):
        return
    content = row.content.encode()
    if packing.sha256(content) != row.digest:
        house.store.run(actor, lambda tx: store.settle(tx, row.id, "failed", packing.CHANGED, ""))
        raise Problem(packing.CHANGED, 409)
    say, told = house.texts.get, {"id": row.id, "lines": row.lines, "digest": row.digest}
    file = messaging.Attachment(packing.file_name(row.id), _MEDIA, content)
    subject, text = say("logbook.letter.subject", lang), say("logbook.letter.text", lang, **told)
    try:
        got = messaging.send_mail(house, actor.organization, to, subject, text, (file,), lang)
    except Problem as problem:
        code = problem.code
        house.store.run(actor, lambda tx: store.settle(tx, row.id, "failed", code, ""))
        raise
    state, why, detail = _outcome(got)

    def settle(tx: Tx) -> None:
        store.settle(tx, row.id, state, why, detail)
        if state != "failed":
            events.note(tx, "package.sent", "LogPackage", row.id, lines=row.lines, state=state)

    house.store.run(actor, settle)


def _outcome(got: messaging.Accepted | messaging.Refused | messaging.Lost) -> tuple[State, str | None, str]:
    if isinstance(got, messaging.Accepted):
        return "sent", None, ""
    if isinstance(got, messaging.Lost):
        return "unsure", got.code, ""
    return "failed", got.code, got.detail


def shown(row: Any, now: int) -> State:
    """The state as people should read it."""
    if row.state == "sending" and now - (row.sent_at or 0) > SENDING_S:
        return "unsure"
    found: State = row.state
    return found
