"""Access data of the channels: set by people, secrets sealed in the vault, opened for sending and for calls.

A change keeps the secrets it does not name. Where a field changes that says *whom we talk to* and how protected (address,
server, security), they must be given again: whoever may change it must not lead a kept password elsewhere.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import token
from praxisd.kernel.resource import check_version
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.messaging import account_store, channels, outcome
from praxisd.services.messaging.channel import Account, Channel
from praxisd.services.messaging.outbox_declared import PUBLIC_URL
from praxisd.services.messaging.outcome import Route

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CHANNELS = ("sms", "email")
SEALED = "messaging.account"
HOOKS = "/api/v1/messaging/hooks/"
_WHOM = re.compile(r"(^|_)(url|address|server|host|port|security|certificate)($|_)")
_HOOK = re.compile(r"[A-Za-z0-9_-]{20,64}")


@dataclass(frozen=True, slots=True)
class Way:
    """An active account, opened: the channel, and what one part (or mail) costs."""

    channel: Channel
    gateway: str
    cost: int

    @property
    def route(self) -> Route:
        """What a message is told of it."""
        return Route(self.gateway, self.channel.abilities.final)


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of an account. Secrets that are not named stay; an empty one is removed.

    `hook_secret` is what the gateway signs its calls with; where we make it, an empty one asks for a new one.
    """

    gateway: str
    sender: str
    active: bool
    cost: int
    fields: Mapping[str, str]
    secrets: Mapping[str, str]
    hook_secret: str | None = None


def ways(house: "House", tx: Tx) -> dict[str, Way]:
    """The active accounts of this practice by channel, opened; one that cannot be opened (`broken`) is left out."""
    found: dict[str, Way] = {}
    for row in account_store.every(tx):
        if row.active:
            with suppress(Problem):
                found[row.channel] = opened(house, tx, row)
    return found


def set_up(house: "House", tx: Tx) -> bool:
    """True if the practice can send by any channel."""
    return any(row.active for row in account_store.every(tx))


def broken(house: "House", tx: Tx) -> dict[str, str]:
    """Why active accounts cannot be opened, as codes by channel: a gateway's description is gone, a key is missing."""
    found: dict[str, str] = {}
    for row in account_store.every(tx):
        if row.active:
            try:
                opened(house, tx, row)
            except Problem as problem:
                found[row.channel] = problem.code
    return found


def opened(house: "House", tx: Tx, row: Any) -> Way:
    """A stored account, opened."""
    return Way(channels.open_channel(house, _account(house, tx, row)), row.gateway, row.cost)


def _account(house: "House", tx: Tx, row: Any) -> Account:
    return Account(
        gateway=row.gateway,
        sender=row.sender,
        values={**_plain(row.fields), **_unsealed(house, tx, row.secrets)},
        hook_secret=_unsealed(house, tx, row.hook_secret).get("hook", ""),
        hook_url=hook_url(house, tx, row.hook),
    )


def hook_address(house: "House", tx: Tx, row: Any) -> str | None:
    """What has to be entered at the gateway so that it calls us; it may hold the secret. None where it cannot call."""
    try:
        return channels.hook_address(house, _account(house, tx, row)) or None
    except Problem:  # its description is gone
        return None


def way(house: "House", tx: Tx, channel: str) -> Way:
    """The account of a channel, active or not; Problem `messaging.account_missing` (409)."""
    row = account_store.get(tx, channel)
    if row is None:
        raise Problem("messaging.account_missing", 409)
    return opened(house, tx, row)


def hook_url(house: "House", tx: Tx, hook: str) -> str:
    """The address for the gateway's calls; empty where the practice is not to be reached from outside."""
    base = str(house.settings.get(tx, PUBLIC_URL)).rstrip("/")
    return f"{base}{HOOKS}{hook}" if base else ""


def whose(tx: Tx, hook: str) -> tuple[str, str]:
    """(organization, channel) of a hook's id; 404 for one that is none."""
    found = account_store.of_hook(tx, hook) if _HOOK.fullmatch(hook) else None
    if found is None:
        raise not_found("Hook")
    return found


def fields_of(row: Any) -> dict[str, str]:
    """The fields of an account that are no secrets."""
    return _plain(row.fields)


def country(tx: Tx) -> str:
    """Where phone numbers without a country code belong."""
    return directory.organization(tx).country


def secrets_set(house: "House", tx: Tx, row: Any) -> list[str]:
    """Names of the secrets that are stored, never their values."""
    return sorted(_unsealed(house, tx, row.secrets))


def put(house: "House", tx: Tx, channel: str, given: Given, expected: int | None = None) -> Any:
    """Store access data; the row.

    Problems (422): `messaging.gateway_unknown`, `.account_field_unknown`, `.gateway_field` (where it is switched on),
    `.secrets_again`, `.owner_switches_on`; `resource.stale` (412). The last: whoever may not see patients (the service
    partner) must not lead their names and texts to a machine of his choice, so what he has set up or changed is off
    until somebody who may see them has looked at it.
    """
    form = channels.gateways(house).get(given.gateway)
    if form is None or form.channel != channel:
        raise Problem("messaging.gateway_unknown", 422, gateway=given.gateway)
    row = account_store.get(tx, channel)
    check_version(expected, 0 if row is None else row.version, "Account")
    same = row is not None and row.gateway == given.gateway
    kept = _unsealed(house, tx, row.secrets) if same and row is not None else {}
    old = _plain(row.fields) if same and row is not None else {}
    secret_keys = {one.key for one in form.fields if one.secret}
    plain_keys = {one.key for one in form.fields} - secret_keys
    for key in (*given.fields.keys() - plain_keys, *given.secrets.keys() - secret_keys):
        raise Problem("messaging.account_field_unknown", 422, field=key[:40])
    fields = {k: v.strip() for k, v in given.fields.items() if v.strip()}
    secrets = {k: v for k, v in {**kept, **given.secrets}.items() if v}
    usual = {one.key: one.default for one in form.fields}
    changed = {k for k in plain_keys if (fields.get(k) or usual[k]) != (old.get(k) or usual[k])}
    moved = same and any(_WHOM.search(k) for k in changed)
    if moved and (kept.keys() & secrets.keys()) - given.secrets.keys():
        raise Problem("messaging.secrets_again", 422)
    touched = bool(not same or changed or given.secrets or given.hook_secret is not None)
    if tx.actor.masked and given.active and (touched or row is None or not row.active):
        raise Problem("messaging.owner_switches_on", 422)
    if given.active:
        channels.check_account(house, Account(given.gateway, given.sender.strip(), {**fields, **secrets}))
    values = {
        "active": int(given.active),
        "gateway": given.gateway,
        "sender": given.sender.strip(),
        "fields": msgspec.json.encode(fields).decode(),
        "secrets": _sealed(house, tx, secrets),
        "cost": given.cost,
    }
    if given.hook_secret is not None or not same:
        made = token() if form.hook == "made" else ""
        secret = given.hook_secret or made
        values["hook_secret"] = _sealed(house, tx, {"hook": secret} if secret else {})
    if row is None:
        hook = token()
        done = account_store.add(tx, channel=channel, version=1, hook=hook, updated_at=tx.now, **values)
    else:
        done = account_store.change(tx, channel, row.version, **values)
    after = account_store.get(tx, channel)
    if not done or after is None:
        raise Problem("resource.stale", 412, kind="Account")
    if given.active:
        outcome.sent_after_all(tx, channel)
    names = [
        *fields,
        *(f"secret:{k}" for k in given.secrets),
        *(["hook_secret"] if given.hook_secret else []),
    ]
    events.note(
        tx, "account.changed", "Account", channel,
        version=after.version, fields=names, gateway=given.gateway, active=given.active,
    )  # fmt: skip
    return after


def _plain(text: str) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])


def _sealed(house: "House", tx: Tx, values: Mapping[str, str]) -> str:
    return house.vault.seal(SEALED, tx.organization, msgspec.json.encode(dict(values))) if values else ""


def _unsealed(house: "House", tx: Tx, sealed: str) -> dict[str, str]:
    if not sealed:
        return {}
    return msgspec.json.decode(house.vault.open(SEALED, tx.organization, sealed), type=dict[str, str])
