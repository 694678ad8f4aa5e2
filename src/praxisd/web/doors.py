"""What the doors need of services: who comes in, how often, and how people sign in and out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from praxisd.kernel.access import Actor
from praxisd.kernel.app import House
from praxisd.kernel.sessions import Live, SignedIn, Visit


@dataclass(frozen=True)
class Doors:
    """What the doors need of services, handed over by `main`.

    `authenticate(house, secret, address)` gives the Actor of a key or raises 401/403; the secret is empty where none
    was sent. `take(house, actor)` counts a request against the key's rate or raises 429. Both are expected to answer
    from memory for a key they saw less than a second ago.

    For people: `session(house, token, address, touch)` gives the session behind a cookie's token or raises 401 (the
    token is empty where no cookie was sent; `touch` puts off its idle end), as fast. `sign_in` opens one, or raises
    401, 403 or 429; it takes a slow hash, so never on the event loop. `sign_out(house, token)` ends one, known or not.
    Without them only keys come in.
    """

    authenticate: Callable[[House, str, str | None], Actor]
    take: Callable[[House, Actor], None]
    session: Callable[[House, str, str | None, bool], Live] | None = None
    sign_in: "SignIn | None" = None
    sign_out: Callable[[House, str], None] | None = None


class SignIn(Protocol):
    """Opens a session: always a fresh token; the session of the visit's cookie is ended."""

    def __call__(
        self,
        house: House,
        visit: Visit,
        *,
        login: str,
        password: str,
        code: str = "",
        organization: str | None = None,
    ) -> SignedIn:
        """Raises `accounts.sign_in_refused`, `.second_factor_needed`, `.second_factor_refused` (401),
        `.csrf_refused` (403), `.rate_limited` (429).
        """
        ...
