"""Is the caller the practice it says it is? What the hub answers to AUTH, ENROLL and ROTATE. No I/O but the registry's.

The hub holds public keys only. A proof that is good is never refused for the failures of others at the same address: it
cannot be guessed. Wrong ones are counted per address, and a code can only be tried while there are few of them.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from praxisd_relay import frames, identity
from praxisd_relay.identity import IdentityError
from praxisd_relay.limits import Buckets
from praxisd_relay.records import Practice
from praxisd_relay.registry import Refusal, Registry

BUSY_SECONDS = 60.0
_UNTIL_AGAIN = {"unknown": 300.0, "revoked": 300.0, "busy": BUSY_SECONDS}


class Proved(NamedTuple):
    """Who is there: the practice under its present key, and the id of the key that proved it (a former one, maybe)."""

    practice: Practice
    key_id: str


class Doorman:
    """Proofs of all links of one hub. `now`: any steady clock, seconds."""

    def __init__(self, registry: Registry, per_minute: float, now: Callable[[], float]) -> None:
        self._registry = registry
        self._failures = Buckets(per_minute / 60, max(1.0, per_minute))
        self._now = now

    def hello(self, node: str, name: str, time: float) -> frames.Hello:
        """The first word on a new link, with a fresh nonce."""
        nonce = secrets.token_bytes(identity.NONCE_LENGTH)
        return frames.Hello(v=1, nonce=nonce, node=node, time=int(time), name=name)

    def auth(self, hello: frames.Hello, said: frames.Auth, place: str) -> Proved:
        """A known key proves itself. `place`: the neighbourhood it calls from.

        Raises Refusal: "unknown" also for a proof that is wrong, so that nobody learns which ids there are; "revoked"
        only to who holds the key; "busy" after too many wrong proofs.
        """
        message = identity.auth_message(hello.nonce, hello.node, said.id, said.caps)
        if not _fits(said.key, said.id) or not identity.verify(said.key, message, said.sig):
            raise self._failed(place, "unknown")
        self._registry.poll()  # a command, or another hub on this folder, may have admitted or revoked it a moment ago
        found = self._registry.find(said.id)
        if found is None:
            raise self._failed(place, "unknown")
        present = self._registry.present(said.id)
        if found.revoked or present is None or found.closed:
            raise self._failed(place, "revoked")
        if present.id == said.id:
            self._registry.proved(said.id)
        return Proved(present, said.id)

    def enrol(self, hello: frames.Hello, said: frames.Enroll, place: str) -> Proved:
        """A new key with a one-time code. Raises Refusal: "busy", "code_wrong", "code_used", "revoked"."""
        if not self._failures.has(place, self._now()):
            raise Refusal("busy")
        try:
            code, id_ = identity.read_code(said.code), identity.id_of(said.key)
        except IdentityError:
            raise self._failed(place, "code_wrong") from None
        if not identity.verify(
            said.key, identity.enrol_message(hello.nonce, hello.node, id_, code), said.sig
        ):
            self._registry.refused(code)
            raise self._failed(place, "code_wrong")
        try:
            made = self._registry.enrol(code, said.key, said.label or "")
        except Refusal as refusal:
            raise self._failed(place, refusal.code) from None
        return Proved(made, made.id)

    def rotate(self, hello: frames.Hello, key_id: str, said: frames.Rotate, place: str) -> Practice:
        """A new key on a link that `key_id` opened; signed by both. Raises Refusal: "unknown", "revoked", "busy"."""
        old = self._registry.find(key_id)
        if old is None or len(said.key) != identity.KEY_LENGTH:
            raise self._failed(place, "unknown")
        if old.closed or (old.alias_of and old.alias_of != identity.id_of(said.key)):
            raise self._failed(place, "revoked")  # who has a former key only must not take the practice over
        message = identity.rotate_message(hello.nonce, hello.node, key_id, identity.id_of(said.key))
        if not (
            identity.verify(old.key, message, said.sig_old)
            and identity.verify(said.key, message, said.sig_new)
        ):
            raise self._failed(place, "unknown")
        return self._registry.rotate(key_id, said.key)

    def sweep(self) -> None:
        """Forget addresses that have waited long enough."""
        self._failures.sweep(self._now())

    def _failed(self, place: str, code: str) -> Refusal:
        return Refusal(code if self._failures.take(place, self._now()) else "busy")


def refused(code: str) -> frames.Refused:
    """The answer for a refusal, with the seconds after which it is worth another try."""
    return frames.Refused(code, _UNTIL_AGAIN.get(code))


def _fits(key: bytes, id_: str) -> bool:
    return len(key) == identity.KEY_LENGTH and identity.id_of(key) == id_
