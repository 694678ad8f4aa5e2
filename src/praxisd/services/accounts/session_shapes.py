"""What the operations of sessions take and answer. JSON is camelCase; times are RFC 3339."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.console_routes import PracticeOut
from praxisd.services.accounts import rules
from praxisd.services.accounts.records import Session

Password = Annotated[str, Meta(min_length=1, max_length=rules.PASSWORD_MOST)]
Code = Annotated[str, Meta(min_length=1, max_length=40)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class _In(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all bodies and queries share: camelCase names, nothing unknown."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class SignInBody(_In, frozen=True, kw_only=True):
    """Login and password; `code` of the app (or a recovery code) for who has a second factor; `organization` where the
    login exists in several practices.
    """

    login: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Password
    code: Annotated[str, Meta(max_length=40)] = ""
    organization: Id | None = None


class SessionUser(_Out, frozen=True, kw_only=True):
    """The signed-in person."""

    id: str
    login: str
    name: str
    role: str


class SessionOut(_Out, frozen=True, kw_only=True):
    """The caller's session. `csrf` belongs into the header `X-Praxisd-Csrf` of every changing request.

    `secondFactorMust`: the practice asks for a second factor that is still to be set up; until then nothing else goes.
    `guest`: no user, but somebody who was let in for a time (remote support); `user.id` is that of the grant.
    """

    csrf: str
    user: SessionUser
    guest: bool
    permissions: list[str]
    masked: bool
    organization: PracticeOut
    expires_at: str
    second_factor: bool
    second_factor_must: bool
    recovery_codes_left: int


class SessionView(_Out, frozen=True, kw_only=True):
    """One session in the list; `device` is empty if unknown, `expiresAt` holds if nothing more happens."""

    id: str
    current: bool
    created_at: str
    last_seen_at: str
    expires_at: str
    device: str
    address: str | None


class SessionList(_Out, frozen=True, kw_only=True):
    """Sessions of a person, newest first."""

    sessions: list[SessionView]


class SessionsQuery(_In, frozen=True, kw_only=True):
    """Whose sessions: one's own, or those of `user`."""

    user: Id | None = None


class EndSessions(_In, frozen=True, kw_only=True):
    """Whose sessions end (left out: one's own), and whether the one that asks stays."""

    user: Id | None = None
    keep_current: bool = True


class Ended(_Out, frozen=True, kw_only=True):
    """How many sessions were ended."""

    ended: int


class PasswordChange(_In, frozen=True, kw_only=True):
    """The password so far and the new one."""

    old: Password
    new: Password


class PasswordBody(_In, frozen=True, kw_only=True):
    """The password once more."""

    password: Password


class CodeBody(_In, frozen=True, kw_only=True):
    """A code of the app."""

    code: Code


class RemoveFactor(_In, frozen=True, kw_only=True):
    """The password once more, and a code of the app or a recovery code."""

    password: Password
    code: Code


class QrOut(_Out, frozen=True, kw_only=True):
    """A QR code: an SVG of `viewBox="0 0 size size"` whose one path is dark on white; the border is in it."""

    size: int
    path: str


class FactorStarted(_Out, frozen=True, kw_only=True):
    """What the app needs: the secret to type, the address, and the same as a picture."""

    secret: str
    uri: str
    qr: QrOut


class RecoveryCodes(_Out, frozen=True, kw_only=True):
    """Ten codes, each good once, shown only now."""

    recovery_codes: list[str]


def session_view(one: Session, until: int, current: str | None) -> SessionView:
    """A session for the list; `current` is the id of the one that asks."""
    return SessionView(
        id=one.id,
        current=one.id == current,
        created_at=format_rfc3339(one.created_at),
        last_seen_at=format_rfc3339(one.last_seen_at),
        expires_at=format_rfc3339(until),
        device=one.device,
        address=one.address,
    )
