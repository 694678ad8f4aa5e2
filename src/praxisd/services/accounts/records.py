"""What accounts keeps: people who sign in, their sessions, programs that hold a key, the portals whose keys those are.

Times are epoch seconds UTC. Neither a password's hash nor the digest of a key or session is a field here, so
none can be shown by mistake.
"""

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person who signs in. `login` is unique in the organization whatever its capitals; `role` is owner,
    desk or partner.
    """

    id: str
    login: str
    name: str
    role: str
    active: bool = True
    created_at: int
    password_changed_at: int
    version: int = 0


class Portal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A booking portal as the holder of keys: its id stays the same whatever keys come and go."""

    id: str
    name: str


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One key of a program. `prefix` is the only part of the secret that is kept readable.

    `portal` is set for role portal alone. `scopes` None means all that the role may. `networks` empty means
    from anywhere. `overlap_until` is the end given to a key that was replaced, `replaced_by` the id of the
    new one.
    """

    id: str
    organization: str
    name: str
    role: str
    prefix: str
    created_by: str
    created_at: int
    portal: str | None = None
    scopes: tuple[str, ...] | None = None
    networks: tuple[str, ...] = ()
    expires_at: int | None = None
    overlap_until: int | None = None
    last_used_at: int | None = None
    revoked_at: int | None = None
    replaced_by: str | None = None

    @property
    def ends_at(self) -> int | None:
        """From this second on the key no longer works; None if it has no end."""
        ends = [end for end in (self.expires_at, self.overlap_until) if end is not None]
        return min(ends) if ends else None

    def state(self, now: int) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        end = self.ends_at
        return "expired" if end is not None and end <= now else "valid"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is signed in: with `device` (`Firefox, Windows`), last from `address`, at the longest until `ends_at`."""

    organization: str
    id: str
    user: str
    device: str
    address: str | None
    created_at: int
    ends_at: int
    last_seen_at: int


class Factor(msgspec.Struct, frozen=True):
    """A user's second factor: codes of an app (TOTP, RFC 6238). It counts once it is confirmed.

    `secret` is sealed by the vault; `last_step` is the time step of the last accepted code, so that none is good twice.
    """

    user: str
    secret: str
    created_at: int
    confirmed_at: int | None = None
    last_step: int = 0
