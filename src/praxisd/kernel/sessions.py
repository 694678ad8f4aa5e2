"""What the doors and the service of accounts agree about when a person signs in: cookie, facts of the request, answers.

The session itself belongs to `services.accounts`; the doors only carry its token. Cookie: HttpOnly, SameSite=Strict,
for the whole host (`Path=/`, no Domain); over https `Secure` with the prefix `__Host-` (RFC 6265bis § 4.1.3.2), so that
no other host can plant one.
"""

from dataclasses import dataclass, field
from typing import Protocol

from praxisd.kernel.access import Actor

PLAIN = "praxisd"
SECURE = "__Host-praxisd"
CSRF_HEADER = "X-Praxisd-Csrf"
BACKGROUND_HEADER = "X-Praxisd-Background"
"""Sent with any value by requests nobody clicked for (a page that refreshes itself): they do not put off the idle end."""


@dataclass(frozen=True, slots=True)
class Live:
    """A session that holds now. `ends_at` is epoch seconds, if nothing more happens.

    `limited`: the practice asks for a second factor that this person has not set up; the actor may do little else.
    `guest` is the name of somebody who is no user and was let in for a time (`Guests`).
    """

    id: str
    actor: Actor
    csrf: str = field(repr=False)
    ends_at: int
    limited: bool = False
    guest: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `token` belongs into the cookie and nowhere else."""

    token: str = field(repr=False)
    live: Live
    max_age_s: int

    @property
    def csrf(self) -> str:
        """What unsafe requests must repeat."""
        return self.live.csrf

    @property
    def actor(self) -> Actor:
        """Who signed in."""
        return self.live.actor


@dataclass(frozen=True, slots=True)
class Visit:
    """Facts of a request that matter for signing in. `device` is the User-Agent, `token` what the cookie says.

    `foreign` is true if the browser itself says that the page of another site sent the request.
    """

    address: str | None = None
    device: str = ""
    token: str = field(default="", repr=False)
    secure: bool = False
    foreign: bool = False
    live: Live | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """One answered request of a guest: never its path, query or body. `at` is epoch seconds, `code` that of a refusal;
    `changes`: the method is one that may change something.
    """

    actor: Actor
    at: int
    operation: str
    status: int
    code: str | None = None
    changes: bool = False


GUEST = "guest-"
"""How the tokens of guests begin."""


class Guests(Protocol):
    """Who lets in people that are no users, for a time (remote support). `acted` must only remember."""

    def session(self, token: str) -> Live:
        """The session behind a token; Problem `accounts.session_ended` (401) for one that holds no longer or never did."""
        ...

    def known(self, token: str) -> bool:
        """True while the token's session holds: then its holder may see the console from outside, too."""
        ...

    def sign_out(self, token: str) -> None:
        """End the session of a token, known or not."""
        ...

    def acted(self, what: Acted) -> None:
        """A guest asked for something and was answered. On the event loop."""
        ...


NOBODY = Visit()
"""The visit of programs: they come with a key."""


def cookie_name(secure: bool) -> str:
    """The cookie's name over https or plain http."""
    return SECURE if secure else PLAIN


def cookie(token: str, max_age_s: int, secure: bool) -> str:
    """The value of the Set-Cookie header that hands a session over."""
    end = "; Secure" if secure else ""
    return f"{cookie_name(secure)}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{end}"


def cleared(secure: bool) -> str:
    """The value of the Set-Cookie header that takes the cookie away."""
    return cookie("", 0, secure)
