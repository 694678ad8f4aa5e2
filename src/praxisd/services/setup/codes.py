"""The one-time code: made at the server, tried over the network, good once. Only its digest is kept."""

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.setup import rules, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_WHO = "setup"


def make(house: "House", asked: bool) -> str:
    """A fresh code as it is shown; the one before ends. `asked`: by command, not by a start of the server."""
    code = "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.LENGTH))
    house.store.run(system(_WHO), lambda tx: store.put_code(tx, rules.digest(code), asked))
    return rules.shown(code)


def at_start(house: "House") -> str | None:
    """The code of a start: a fresh one, or None where one that was asked for a short while ago still holds."""
    with house.store.read(system(_WHO)) as tx:
        kept = store.code(tx)
        fresh = kept is not None and kept.asked and kept.left > 0 and tx.now - kept.made_at < rules.KEPT_S
    return None if fresh else make(house, asked=False)


def check(house: "House", given: str, address: str | None) -> str:
    """The digest of the right code. Wrong ones are counted for the code and for the address they come from.

    Problems: `setup.code_wrong` (403), `setup.code_used_up` (403) after ten or where there is none,
    `accounts.rate_limited` (429).
    """
    accounts.count_attempt(house, address)
    digest = rules.digest(given)

    def look(tx: Tx) -> int | None:
        """None if it is right, else how many tries are left; locked, so that a hundred at once are no way round."""
        kept = store.locked_code(tx)
        if kept is None or kept.left == 0:
            return 0
        if hmac.compare_digest(kept.digest, digest):
            return None
        store.count_failure(tx)
        return kept.left - 1

    left = house.store.run(system(_WHO), look)
    if left is None:
        return digest
    if left == 0:
        raise Problem("setup.code_used_up", 403)
    raise Problem("setup.code_wrong", 403, left=left)


def use_up(tx: Tx, digest: str) -> bool:
    """Take the code away inside the transaction of its effect; False if another one was quicker."""
    with within(tx, INSTALLATION):
        return store.use_up(tx, digest)


@contextmanager
def within(tx: Tx, organization: str) -> Iterator[None]:
    """The transaction works in another organization inside the block; only the server itself may do that."""
    before = tx.organization
    tx.organization = tx.actor.within(organization).organization
    try:
        yield
    finally:
        tx.organization = before
