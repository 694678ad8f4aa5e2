"""Passwords by number and the recovery key: made, sealed in the vault, and which of them opens which medium.

A password never leaves the program but to the engine. Nobody needs to know one: the recovery key on paper opens all media.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events, leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Secret, Wrap
from praxisd.services.backups import store
from praxisd.services.backups.keys import alphabet

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OWN = system("backups.keys", INSTALLATION)
_LOCK = "backups.keys"
_BYTES = 32
GAP = 10
"""So far the numbers jump after a state of earlier was given back: those in between were used by changes it does not know of."""


def newest(tx: Tx) -> Secret | None:
    """The password that new media get; None while there is none."""
    return max((one for one in passwords(tx)), key=lambda one: one.no, default=None)


def newest_recovery(tx: Tx) -> Secret | None:
    """The recovery key of the newest sheet; None while there is none."""
    return max((one for one in store.SECRET.all(tx) if one.kind == "recovery"), key=_number, default=None)


def passwords(tx: Tx) -> list[Secret]:
    """All there ever were, newest first."""
    found = (one for one in store.SECRET.all(tx) if one.kind == "password")
    return sorted(found, key=_number, reverse=True)


def recovery_keys(tx: Tx) -> list[Secret]:
    """All there ever were, newest first."""
    found = (one for one in store.SECRET.all(tx) if one.kind == "recovery")
    return sorted(found, key=_number, reverse=True)


def current(house: "House", tx: Tx) -> Secret:
    """The newest password; the first one and the recovery key are made when they are first asked for (write transaction)."""
    found = newest(tx)
    return found if found is not None else add(house, tx)


def recovery(house: "House", tx: Tx) -> Secret:
    """The newest recovery key, made when it is first asked for (write transaction)."""
    found = newest_recovery(tx)
    return found if found is not None else add_recovery(house, tx)


def add(house: "House", tx: Tx, chosen: str | None = None, *, only_first: bool = True) -> Secret:
    """A new password with the next number. `only_first`: unless another node was quicker; then that one's."""
    with _alone(house, tx):
        before = newest(tx)
        if before is not None and only_first:
            return before
        if newest_recovery(tx) is None:
            _put(house, tx, "recovery", None, None)
        return _put(house, tx, "password", before, chosen)


def add_recovery(house: "House", tx: Tx, *, only_first: bool = True) -> Secret:
    """A new recovery key; its sheet has to be printed."""
    with _alone(house, tx):
        before = newest_recovery(tx)
        return before if before is not None and only_first else _put(house, tx, "recovery", before, None)


def usable(house: "House", tx: Tx) -> tuple[Secret, Secret]:
    """The newest password and recovery key; what this vault cannot read (another vault, after a restore) is made anew."""
    password, key = current(house, tx), recovery(house, tx)
    if readable(house, password) is None:
        password = add(house, tx, only_first=False)
    if readable(house, key) is None:
        key = add_recovery(house, tx, only_first=False)
    return password, key


def later(house: "House", tx: Tx, typed: str) -> None:
    """After a state of before a change was given back: what a person typed is a later one, which this database does not know.

    A recovery key becomes ours again under a number that no sheet has had; of a password nobody can tell which key went with
    it, so a new one is made. Either has to be printed. The password is made anew: the one of the state was replaced.
    """
    with _alone(house, tx):
        key = alphabet.typed(typed)
        _put(house, tx, "recovery", newest_recovery(tx), key if alphabet.is_key(key) else None, GAP)
        _put(house, tx, "password", newest(tx), None, GAP)


@contextmanager
def _alone(house: "House", tx: Tx) -> Iterator[None]:
    """No other node makes one until this transaction ends: its row is locked."""
    own, tx.organization = tx.organization, INSTALLATION
    try:
        lease = leases.acquire(tx, _LOCK, house.node, 60)
        if lease is not None:
            leases.release(tx, lease)
    finally:
        tx.organization = own
    yield


def text_of(house: "House", secret: Secret) -> str:
    """The password itself, out of the vault. Problems `vault.key_missing`, `vault.tampered` (500): other vault."""
    return house.vault.open(secret.name, INSTALLATION, secret.sealed).decode()


def readable(house: "House", secret: Secret) -> str | None:
    """The password, or None where this vault cannot open it."""
    try:
        return text_of(house, secret)
    except Problem:
        return None


def id_of(secret: Secret) -> str:
    """Under which id it is kept."""
    return str(secret.no) if secret.kind == "password" else f"recovery/{secret.no}"


def keep(tx: Tx, secret: Secret) -> None:
    """Write it."""
    store.SECRET.put(tx, id_of(secret), secret, at=secret.since)


def wraps(tx: Tx, medium: str) -> list[Wrap]:
    """What opens this medium now, the newest first, the recovery keys at the end."""
    found = [one for one in store.WRAP.by(tx, "medium", medium) if one.until is None]
    return sorted(found, key=lambda one: (one.kind == "recovery", -one.no))


def opened_by(tx: Tx, medium: str) -> tuple[int, ...]:
    """Numbers of the passwords that open this medium now, the newest first."""
    return tuple(one.no for one in wraps(tx, medium) if one.kind == "password")


def keys_on(tx: Tx, medium: str) -> tuple[str, ...]:
    """The beginnings of the names of its keys, as the engine has named them: no two media have one in common."""
    return tuple(one.key for one in wraps(tx, medium) if one.key)


def wrapped(tx: Tx, medium: str, secret: Secret, key: str) -> None:
    """Note that this secret opens the medium as the engine's key `key`."""
    _put_wrap(tx, Wrap(medium, secret.no, key, tx.now, None, secret.kind))


def unwrapped(tx: Tx, one: Wrap) -> None:
    """Note that it does not open the medium any more."""
    _put_wrap(tx, msgspec.structs.replace(one, until=tx.now))


def _put_wrap(tx: Tx, one: Wrap) -> None:
    number = str(one.no) if one.kind == "password" else f"recovery/{one.no}"
    store.WRAP.put(tx, f"{one.medium}/{number}", one, at=one.since, medium=one.medium)


def _put(
    house: "House", tx: Tx, kind: str, before: Secret | None, chosen: str | None, step: int = 1
) -> Secret:
    no = 1 if before is None else before.no + step
    text = chosen or (secrets.token_urlsafe(_BYTES) if kind == "password" else alphabet.make())
    name = f"backups.{kind}.{no}"
    made = Secret(
        no=no,
        kind="password" if kind == "password" else "recovery",
        name=name,
        since=tx.now,
        sealed=house.vault.seal(name, INSTALLATION, text.encode()),
        chosen=chosen is not None and kind == "password",
    )
    keep(tx, made)
    if before is not None:
        keep(tx, msgspec.structs.replace(before, until=tx.now))
    events.note(tx, "backup_key.made", "BackupKey", id_of(made), kind=kind, no=no, chosen=made.chosen)
    return made


def _number(one: Secret) -> int:
    return one.no


def sheet_holds(house: "House", recovery: Secret) -> bool:
    """Was the sheet printed since this recovery key was made, and since the vault got its newest key?"""
    return recovery.printed is not None and recovery.printed_vault == house.vault.newest


def printed(house: "House", tx: Tx) -> Secret:
    """Note that the sheet of the newest recovery key is given out now, to whom; the key."""
    found = recovery(house, tx)
    kept = msgspec.structs.replace(
        found, printed=tx.now, printed_by=tx.actor.label, printed_vault=house.vault.newest
    )
    keep(tx, kept)
    events.note(tx, "backup_sheet.printed", "BackupKey", id_of(kept), no=kept.no)
    return kept
