"""Which keys the vault of this installation has had: their ids lie in the database, so that a key file that is gone is missed.

Without it a start would make a new key, and whatever was sealed with the old one could never be read again. The ids say
nothing of the keys. They are kept as cursors `vault:<id>`, whose number is the key's place in the file.
"""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.events import CURSOR
from praxisd.kernel.store import Store, Tx, mine, prepared
from praxisd.kernel.vault import Vault

if TYPE_CHECKING:
    from praxisd.kernel.app import House

MISSING = "vault.key_missing"
_PREFIX = "vault:"
_OURS = (mine(CURSOR), CURSOR.c.name.like(f"{_PREFIX}%"))
_KNOWN = prepared(sa.select(CURSOR.c.name).where(*_OURS).order_by(CURSOR.c.seq, CURSOR.c.name))
_FORGET = prepared(sa.delete(CURSOR).where(*_OURS))
_WHO = system("vault")


def known(tx: Tx) -> tuple[str, ...]:
    """Ids of the keys that the installation has, oldest first; none in a database that no server has looked after yet."""
    return tuple(row.name.removeprefix(_PREFIX) for row in tx.all(_KNOWN, organization=INSTALLATION))


def remember(tx: Tx, ids: Sequence[str], *, only: bool = False) -> None:
    """Note these; with `only`, give up all others."""
    before = () if only else known(tx)
    if only:
        tx.run(_FORGET, organization=INSTALLATION)
    fresh = [one for one in ids if one not in before]
    for place, one in enumerate(fresh, len(before) + 1):
        events.set_cursor(tx, f"{_PREFIX}{one}", place, INSTALLATION)


def note(house: "House") -> tuple[str, ...]:
    """Look into the file (`Vault.look`), and note the keys that are new in it, so that they will be missed: at the start, and
    whenever it is back. Not inside a transaction. Problems of `Vault.look`.
    """
    there = house.vault.look()
    if there:
        with house.store.read(_WHO) as tx:
            before = known(tx)
        if not set(there) <= set(before):
            house.store.run(_WHO, lambda tx: remember(tx, there))
    return there


def place(house: "House") -> str:
    """Whose file it is, as the subject of its Issue: nobody's name where there is one computer, else that of this one."""
    return "" if house.store.alone else socket.gethostname()


def opened(path: Path, store: Store) -> Vault:
    """The vault of `path`. It is made where there never was one: in a database in which nothing has happened yet.

    Elsewhere a file that is gone leaves it closed (`Vault.closed`), and the server runs without it.
    """
    if path.exists():
        return Vault(path, create=False)
    with store.read(_WHO) as tx:
        ids = known(tx)
        used = bool(ids) or events.head(tx) > 0
    return Vault(path, missed=ids if used else None)


def heal(house: "House", actor: Actor, subject: str, _params: Any) -> dict[str, Any]:
    """The click on the Issue: the file is written by the server that still knows the keys, else with a new key, and what is
    in the file then is all that is missed from now on. Of several nodes, only on the one whose file it is. Problems of `Vault`.
    """
    if subject != place(house):
        return {"note": "vault.file.elsewhere", "host": subject}
    knew = house.vault.put_back()
    held = house.vault.look()
    house.store.run(actor, lambda tx: remember(tx, held, only=True))
    return {"note": "vault.file.kept" if knew else "vault.file.fresh", "restart": not knew}
