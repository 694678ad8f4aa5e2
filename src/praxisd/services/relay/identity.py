"""Who this installation is at the hub: one Ed25519 key, sealed by the vault; its id is the host name's first label.

Two slots. `current` is in force and stays untouched until a hub has admitted another key; `next` holds a key that was
offered to a hub whose answer is not known yet, so that a crash at any moment leaves a key that works: if the hub had
said yes, `next` is found admitted (`enrolling.resume`), if not, `current` still is.
The private key is opened only in memory and is part of no answer, event, log line, text form or setting.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, system
from praxisd.services.relay import store
from praxisd_relay.identity import DEFAULT_PORT, Identity, Invitation

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

SEALED = "relay.identity"
ENROLLED, REVOKED, REFUSED, PENDING = "enrolled", "revoked", "refused", "pending"


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """Where a hub takes links. `pin` is that of its certificate where no public CA vouches for it."""

    host: str
    port: int = DEFAULT_PORT
    pin: str | None = None

    @property
    def text(self) -> str:
        """`host` or `host:port`."""
        return self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """A name the installation had before its key was changed; it leads here until the operator revokes it."""

    id: str
    host: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An identity with its key. `since` is epoch seconds; `host` and `port` are how the outside reaches us."""

    key: Identity = field(repr=False)
    hubs: tuple[Hub, ...]
    host: str
    port: int
    state: str
    since: int
    label: str = ""
    previous: tuple[Previous, ...] = ()
    code_hash: str = ""

    @property
    def id(self) -> str:
        """The id made of the key."""
        return self.key.id

    @property
    def url(self) -> str:
        """The address for access data of portals."""
        return f"https://{self.host}" if self.port == DEFAULT_PORT else f"https://{self.host}:{self.port}"

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the hub that lead here: the present one first."""
        return tuple(dict.fromkeys((self.host, *(one.host for one in self.previous))))

    def admitted(self, host: str, port: int, now: int) -> "Enrolled":
        """The same once the hub has said yes."""
        return replace(self, host=host, port=port, state=ENROLLED, since=now, code_hash="")


def offered(invitation: Invitation, key: Identity, code_hash: str, now: int) -> Enrolled:
    """What is kept in `next` while a hub is asked."""
    hub = Hub(host=invitation.host, port=invitation.port, pin=invitation.pin)
    return Enrolled(key, (hub,), "", DEFAULT_PORT, PENDING, now, code_hash=code_hash)


def load(house: "House", tx: "Tx", slot: str = store.CURRENT) -> Enrolled | None:
    """The identity of a slot with its key opened; Problem `vault.*` (500) where the vault's key is another."""
    row = store.identity(tx, slot)
    if row is None:
        return None
    key = Identity.load(house.vault.open(SEALED, INSTALLATION, row.key_sealed))
    return Enrolled(key, **_facts(row))


def current(house: "House") -> Enrolled | None:
    """The identity in force, in a read of its own."""
    with house.store.read(system("relay")) as tx:
        return load(house, tx)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of an identity: all but the key. Also where the vault cannot open it."""

    id: str
    hubs: tuple[Hub, ...]
    host: str
    port: int
    state: str
    since: int
    previous: tuple[Previous, ...] = ()

    @property
    def url(self) -> str:
        """The address for access data of portals; empty before the hub has given a name."""
        if not self.host:
            return ""
        return f"https://{self.host}" if self.port == DEFAULT_PORT else f"https://{self.host}:{self.port}"


def facts(tx: "Tx", slot: str = store.CURRENT) -> Facts | None:
    """The identity of a slot without its key."""
    row = store.identity(tx, slot)
    if row is None:
        return None
    known = _facts(row)
    del known["label"], known["code_hash"]
    return Facts(id=row.id, **known)


def save(house: "House", tx: "Tx", one: Enrolled, slot: str = store.CURRENT) -> None:
    """Put an identity into a slot, its key sealed."""
    store.put_identity(
        tx,
        slot=slot,
        id=one.id,
        key_sealed=house.vault.seal(SEALED, INSTALLATION, one.key.private),
        hubs=msgspec.json.encode(one.hubs).decode(),
        host=one.host,
        port=one.port,
        label=one.label,
        state=one.state,
        previous=msgspec.json.encode(one.previous).decode(),
        code_hash=one.code_hash,
        since=one.since,
    )


def _facts(row: Any) -> dict[str, Any]:
    return {
        "hubs": msgspec.json.decode(row.hubs, type=tuple[Hub, ...]),
        "host": row.host,
        "port": row.port,
        "state": row.state,
        "since": row.since,
        "label": row.label,
        "previous": msgspec.json.decode(row.previous, type=tuple[Previous, ...]),
        "code_hash": row.code_hash,
    }
