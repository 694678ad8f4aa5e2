"""Webhooks: who is called when something happens (SPEC 1.9). Set up by people, or by a portal for its own bookings."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id, token
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.portals import Webhook
from praxisd.services.accounts import api as accounts_api
from praxisd.services.portals import accounts, deliveries_store
from praxisd.services.portals import webhooks_rules as rules
from praxisd.services.portals.store import PORTALS, WEBHOOK, WEBHOOKS

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NETWORKS = "portals.webhook_networks"
MOST = 50
"""Webhooks of a practice, and of one portal."""
SUBJECT = "Webhook"
FAULTS = {
    "form": "portals.webhook_address",
    "encryption": "portals.webhook_unprotected",
    "private": "portals.webhook_private",
}


def types(tx: Tx) -> list[str]:
    """What this actor may subscribe to; portals only to what is about bookings."""
    hidden = rules.INSIDE if tx.actor.portal is not None else ()
    return [one for one in rules.TYPES if one not in hidden]


def visible(tx: Tx) -> list[Webhook]:
    """All webhooks of the practice; for a portal its own."""
    portal = tx.actor.portal
    return WEBHOOKS.all(tx) if portal is None else WEBHOOKS.all(tx, WEBHOOK.c.portal == portal)


def need(tx: Tx, id_: str) -> Webhook:
    """The webhook, or 404 where there is none that this actor may know of."""
    found = WEBHOOKS.get(tx, id_)
    if found is None or (tx.actor.portal is not None and found.portal != tx.actor.portal):
        raise not_found("Webhook")
    return found


def entries(house: "House", tx: Tx) -> tuple[str, ...]:
    """Hosts and networks that may be called without encryption, and private addresses that portals may name."""
    return rules.named(str(house.settings.get(tx, NETWORKS)))


def portal_name(tx: Tx, one: Webhook) -> str | None:
    """What the portal is called whose bookings it hears of."""
    return None if one.portal is None else accounts_api.portal_name(tx, one.portal) or one.portal


def shut_out(tx: Tx, one: Webhook) -> bool:
    """True for the webhook of a portal whose keys have all ended: revoked means revoked at once (SPEC 1.10)."""
    return one.portal is not None and accounts_api.portal_shut_out(tx, one.portal)


def create(house: "House", tx: Tx, told: Webhook) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown this once.

    `portal`: id or name of a portal that has a key, or the name of an online portal (`portals.portal_unknown`, 422).
    Problems (422): `portals.webhook_address`, `.webhook_unprotected`, `.webhook_private`, `.webhook_event_unknown`;
    `portals.webhook_many` (409).
    """
    portal = tx.actor.portal if tx.actor.portal is not None else _portal(tx, told.portal)
    record = msgspec.structs.replace(told, id=new_id(), portal=portal, since=events.head(tx))
    _check(house, tx, record)
    if len([one for one in WEBHOOKS.all(tx) if portal is None or one.portal == portal]) >= MOST:
        raise Problem("portals.webhook_many", 409, limit=MOST)
    made = WEBHOOKS.insert(tx, record)
    secret = _fresh_secret(house, tx, made.id)
    events.note(tx, "webhook.created", SUBJECT, made.id, version=1, portal=portal, active=made.active)
    return made, secret


def change(house: "House", tx: Tx, id_: str, told: Webhook, expected: int | None) -> Webhook:
    """Change what is given. Whoever is switched on again does not hear of what happened meanwhile. Refusals of `create`."""
    old = need(tx, id_)
    check_version(expected, old.version, SUBJECT)
    woken = told.active and not old.active
    record = msgspec.structs.replace(
        told, id=id_, version=old.version, portal=old.portal, since=events.head(tx) if woken else old.since
    )
    fields = changed_fields(old, record)
    if not fields:
        return old
    _check(house, tx, record)
    saved = WEBHOOKS.save(tx, record, old.version)
    events.note(
        tx,
        "webhook.changed",
        SUBJECT,
        id_,
        version=saved.version,
        fields=fields,
        portal=saved.portal,
        active=saved.active,
    )
    return saved


def remove(house: "House", tx: Tx, id_: str, expected: int | None) -> None:
    """Take a webhook away, with its log."""
    old = need(tx, id_)
    WEBHOOKS.delete(tx, id_, old.version if expected is None else expected)
    accounts.keep_secrets(house, tx, _owner(id_), {})
    deliveries_store.drop_all(tx, id_)
    events.note(tx, "webhook.deleted", SUBJECT, id_, version=old.version, portal=old.portal)


def new_secret(house: "House", tx: Tx, id_: str) -> tuple[Webhook, str]:
    """Another secret in place of the first, which no call is signed with from now on."""
    saved = WEBHOOKS.save(tx, need(tx, id_))
    secret = _fresh_secret(house, tx, id_)
    events.note(
        tx, "webhook.changed", SUBJECT, id_, version=saved.version, fields=("secret",), portal=saved.portal,
        active=saved.active,
    )  # fmt: skip
    return saved, secret


def secret_of(house: "House", tx: Tx, id_: str) -> str:
    """The secret that calls are signed with; "" where it cannot be opened any more."""
    try:
        return accounts.secrets(house, tx, _owner(id_)).get("secret", "")
    except Problem:
        return ""


def _fresh_secret(house: "House", tx: Tx, id_: str) -> str:
    secret = rules.KEY_BEGINS + token()
    accounts.keep_secrets(house, tx, _owner(id_), {"secret": secret})
    return secret


def _owner(id_: str) -> str:
    return f"Webhook/{id_}"


def _portal(tx: Tx, told: str | None) -> str | None:
    """As events name it: the id of a portal that has a key, or the name of an online portal."""
    if told is None or accounts_api.portal_name(tx, told) is not None:
        return told
    known = {
        one.name: one.portal for one in accounts_api.list_keys(tx, limit=200)[0] if one.portal is not None
    }
    online = {one.name: one.name for one in PORTALS.all(tx)}
    found = (online | known).get(told)
    if found is None:
        raise Problem("portals.portal_unknown", 422, names=", ".join(sorted({*known, *online})) or "–")
    return found


def _check(house: "House", tx: Tx, record: Webhook) -> None:
    fault = rules.fault(record.url, entries(house, tx), foreign=record.portal is not None)
    if fault is not None:
        raise Problem(FAULTS[fault], 422)
    offered = types(tx)
    for word in record.events:
        if not rules.known(word, offered):
            raise Problem("portals.webhook_event_unknown", 422, event=word)
