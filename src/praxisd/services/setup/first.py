"""The first start: is it still to come, and the one transaction that makes practice and owner."""

from typing import TYPE_CHECKING, NamedTuple

from praxisd.kernel import events
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.places import Organization
from praxisd.services.accounts import api as accounts
from praxisd.services.directory import api as directory
from praxisd.services.setup import codes

if TYPE_CHECKING:
    from praxisd.kernel.app import House

_OVER = "setup.over"


class State(NamedTuple):
    """`needed`: nobody can sign in yet. `practice`: the id of the only practice there is, or None."""

    needed: bool
    practice: str | None


def state(house: "House") -> State:
    """Whether the first start is still to come: no user in the whole installation, and at most one practice.

    Users are never deleted, so a "no" holds for as long as this process runs and costs nothing.
    """
    over: State | None = house.shared.get(_OVER)
    if over is not None:
        return over
    with house.store.read(system("setup")) as tx:
        found = _state(tx)
    if not found.needed and found.practice is not None:
        house.shared[_OVER] = found
    return found


def _state(tx: Tx) -> State:
    known = directory.organization_ids(tx)
    for one in known:
        with codes.within(tx, one):
            if accounts.list_users(tx, None, 1)[0]:
                return State(False, known[0])
    return State(len(known) < 2, known[0] if known else None)


class Owner(NamedTuple):
    """Who will own the practice; `password_hash` was made outside of any transaction."""

    login: str
    name: str
    password_hash: str


def begin(house: "House", digest: str, practice: Organization | None, owner: Owner) -> str:
    """Make the practice (where there is none) and its owner, and use the code up; returns the practice's id.

    Problems: `setup.not_needed`, `setup.practice_exists` (409), `setup.practice_missing` (422),
    `setup.code_used_up` (403), and those of making a practice and a user.
    """
    there = state(house).practice
    if there is not None and practice is not None:
        raise Problem("setup.practice_exists", 409)

    def work(tx: Tx) -> str:
        used = codes.use_up(tx, digest)
        now = _state(tx)
        if not now.needed:
            raise Problem("setup.not_needed", 409)
        if not used:
            raise Problem("setup.code_used_up", 403)
        if now.practice is None:
            if practice is None:
                raise Problem("setup.practice_missing", 422)
            directory.create_organization(tx, practice)
        elif now.practice != tx.organization:  # made by command in this very moment
            raise Problem("setup.practice_exists", 409)
        user = accounts.create_user(
            tx,
            house.registry,
            login=owner.login,
            name=owner.name,
            role="owner",
            password_hash=owner.password_hash,
        )
        events.note(tx, "setup.completed", "User", user.id, version=user.version)
        return tx.organization

    return house.store.run(system("setup", there or new_id()), work)
