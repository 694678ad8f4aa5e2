"""The certificate that guests of the relay meet, and the key behind it: TLS ends here, never at the hub (SPEC 2.2).

Three sources. `own`: made by ourselves for the names we have at the hub, which portals recognise by the fingerprint of its
key; renewed in time, the key stays. `files`: two PEM files somebody else looks after, read anew when they change. `acme`:
fetched by `acme.py`. Where the chosen one cannot be used, the last good one stays in force, else our own: a fault is
reported (`faults`), and nobody stands before a closed door because of it.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import INSTALLATION, system
from praxisd.services.relay import certificate_files, certificate_making, identity, settings, store
from praxisd.services.relay.certificate_files import FAULTS, Fault
from praxisd.services.relay.certificate_making import Material
from praxisd_relay.identity import pin_of as pin

if TYPE_CHECKING:
    import ssl

    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

SEALED = "relay.certificate"
RENEW_S = 60 * 86_400
"""Our own certificate is made anew when it has less than this left. Seconds."""
_HELD = "relay.certificates"


@dataclass(frozen=True, slots=True)
class Held:
    """What is in force. `spki` and `next_spki` are pins (base64url SHA-256 of the public key): the present key and the one
    that is prepared to follow it. `chain` is PEM, leaf first; `not_after` epoch seconds; `key` the private key, PEM.
    """

    source: str
    context: "ssl.SSLContext"
    chain: str
    names: tuple[str, ...]
    not_after: int
    spki: str
    next_spki: str | None
    key: bytes = field(repr=False)

    @property
    def pins(self) -> tuple[str, ...]:
        """Present key first."""
        return (self.spki,) if self.next_spki is None else (self.spki, self.next_spki)


class _Keeper:
    """What this process holds. Contexts are made once per certificate, not per guest."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: Held | None = None
        self.made_of: object = None
        self.faults: tuple[Fault, ...] = ()
        self.files: certificate_files.Seen | None = None


def current(house: "House") -> Held:
    """The certificate in force; one of our own is made at the first call. Cheap while nothing has changed.

    Problems: `vault.*` (500) where the vault's key is another.
    """
    keeper = _keeper(house)
    with keeper.lock:
        with house.store.read(system("relay")) as tx:
            wishes = settings.chosen(house, tx)
            facts = identity.facts(tx)
            names = _names(facts, wishes.own_name)
            row = store.certificate(tx, "acme" if wishes.certificate == "acme" else "own")
        keeper.faults = ()
        if wishes.certificate == "files":
            found = _from_files(keeper, wishes, names, house.clock.now())
            if found is not None:
                return found
        elif wishes.certificate == "acme" and row is not None and row.chain:
            return _from_row(house, keeper, row)
        return _own(house, keeper, names)


def faults(house: "House") -> tuple[Fault, ...]:
    """What is wrong with the chosen certificate, looked at now."""
    current(house)
    return _keeper(house).faults


def forget(house: "House") -> None:
    """Look anew at everything with the next call."""
    keeper = _keeper(house)
    with keeper.lock:
        keeper.made_of = keeper.files = None


def _keeper(house: "House") -> _Keeper:
    found: _Keeper = house.shared.setdefault(_HELD, _Keeper())
    return found


def _names(facts: identity.Facts | None, own_name: str) -> tuple[str, ...]:
    """All names guests may use: the hub's, those before a change of key, the practice's own domain."""
    known = () if facts is None else (facts.host, *(one.host for one in facts.previous))
    return tuple(dict.fromkeys(one for one in (*known, own_name) if one)) or ("localhost",)


def _from_files(keeper: _Keeper, wishes: settings.Chosen, names: tuple[str, ...], now: int) -> Held | None:
    """The pair of files; the last good one where they cannot be used now; None if there never was one."""
    seen = certificate_files.look(Path(wishes.certificate_file), Path(wishes.key_file), keeper.files)
    before = keeper.held if keeper.held is not None and keeper.held.source == "files" else None
    fresh, keeper.files = seen is not keeper.files, seen
    if seen.material is None:
        keeper.faults = (Fault(seen.code, seen.detail),)
        return before
    held = _held("files", seen.material, None) if fresh or before is None else before
    keeper.held, keeper.made_of = held, seen
    keeper.faults = certificate_files.standing(held, names, now)
    return held


def _from_row(house: "House", keeper: _Keeper, row: Any) -> Held:
    mark = (row.source, row.chain, row.key_sealed, row.next_sealed)
    if keeper.held is None or keeper.made_of != mark:
        material = Material(row.chain, house.vault.open(SEALED, INSTALLATION, row.key_sealed))
        following = house.vault.open(SEALED, INSTALLATION, row.next_sealed) if row.next_sealed else None
        keeper.held, keeper.made_of = _held(row.source, material, following), mark
    return keeper.held


def _own(house: "House", keeper: _Keeper, names: tuple[str, ...]) -> Held:
    """Our own, made or renewed where it must be."""
    with house.store.read(system("relay")) as tx:
        row = store.certificate(tx, "own")
    now = house.clock.now()
    if row is None or row.not_after < now + RENEW_S or row.names != " ".join(names):
        house.store.run(system("relay"), lambda tx: _renew(house, tx, names))
        with house.store.read(system("relay")) as tx:
            row = store.certificate(tx, "own")
    return _from_row(house, keeper, row)


def _renew(house: "House", tx: "Tx", names: tuple[str, ...]) -> None:
    """Write a fresh one, with the key there is; the first of two nodes wins."""
    row = store.certificate(tx, "own")
    if row is not None and row.names == " ".join(names) and row.not_after >= tx.now + RENEW_S:
        return
    if row is None:
        key, following = certificate_making.new_key(), certificate_making.new_key()
    else:
        key = house.vault.open(SEALED, INSTALLATION, row.key_sealed)
        following = house.vault.open(SEALED, INSTALLATION, row.next_sealed)
    made = certificate_making.self_made(key, names, tx.now)
    facts = {
        "source": "own", "chain": made.chain, "names": " ".join(names), "not_after": made.not_after, "detail": "",
        "key_sealed": house.vault.seal(SEALED, INSTALLATION, key),
        "next_sealed": house.vault.seal(SEALED, INSTALLATION, following), "account_sealed": "",
    }  # fmt: skip
    if row is None:
        store.seed_certificate(tx, **facts)
    else:
        store.put_certificate(tx, **facts)


def _held(source: str, material: Material, following: bytes | None) -> Held:
    return Held(
        source=source,
        context=certificate_making.context(material),
        chain=material.chain,
        names=material.names,
        not_after=material.not_after,
        spki=pin(material.spki),
        next_spki=None if following is None else pin(certificate_making.spki_of(following)),
        key=material.key,
    )


__all__ = ("FAULTS", "Fault", "Held", "current", "faults", "forget", "pin")
