"""Checks of the first start: a practice without an owner, and one whose calendar cannot be used yet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.issues import run_checks
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.kernel.store import Tx
from praxisd.services.accounts import api as accounts
from praxisd.services.directory import api as directory
from praxisd.services.setup import steps, store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NO_OWNER = "setup.no_owner"
INCOMPLETE = "setup.incomplete"
_PAGE = 200


def progress(house: "House") -> Iterator[Finding]:
    """A note for each practice that has no owner who could sign in, or no columns or types to book.

    Notes only: a practice that is run by its own programs alone needs neither. What was skipped is not missed.
    """
    with house.store.read(system("setup.progress")) as tx:
        practices = directory.organization_ids(tx)
    for practice in practices:
        with house.store.read(system("setup.progress", practice)) as tx:
            if not has_owner(tx):
                yield Finding(NO_OWNER, "", Severity.INFO, {}, practice)
            left_out = store.skipped(tx)
            wanted = (("columns", steps.has_columns), ("types", steps.has_types))
            if any(name not in left_out and not done(house, tx) for name, done in wanted):
                yield Finding(INCOMPLETE, "", Severity.INFO, {}, practice)


def has_owner(tx: Tx) -> bool:
    """True if an active owner can sign in to the transaction's practice."""
    found, following = accounts.list_users(tx, None, _PAGE)
    while not any(one.role == "owner" and one.active for one in found):
        if following is None:
            return False
        found, following = accounts.list_users(tx, following, _PAGE)
    return True


def look_again(house: "House") -> None:
    """Bring the notes about the set-up in line at once, instead of within the minute; call outside of a transaction."""
    try:
        run_checks(house, ["directory.practice", "setup.progress"])
    except Exception as error:  # the change itself is done; the round of the minute will look again
        house.log.error("check_failed", check="setup.progress", error=error)


CHECKS = (Check("setup.progress", (NO_OWNER, INCOMPLETE), progress, grave=Severity.INFO),)
