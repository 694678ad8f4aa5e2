"""One order at a certificate authority (RFC 8555 § 7.4), from the names to the chain. It can be taken up again anywhere.

Everything that lasts is at the authority: whoever comes back with the order's address goes on where it stands. Each wait
is short and bounded, and ends at once when the house stops.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from praxisd.services.relay.acme_wire import Said, Unheard, Wire, encoded, plain, word

CHALLENGE = "tls-alpn-01"
WAITS = 40
"""So often it is looked how something stands, a second or more apart each time."""
WAIT_S, WAIT_MOST_S = 0.5, 5.0
_GONE = ("accountDoesNotExist", "malformed", "unauthorized", "unknown")


class NotOurs(Exception):
    """The authority could not convince itself that a name leads here."""

    def __init__(self, name: str, type_: str, detail: str) -> None:
        super().__init__(name)
        self.name = name
        self.type = type_
        self.detail = detail


class Slow(Exception):
    """It is not done yet, after a long while."""


class Stopped(Exception):
    """The house stops; the order is taken up again."""


class Answers(Protocol):
    """Who answers challenges."""

    def open(self, name: str, digest: bytes) -> None:
        """From now on a guest of the authority that comes for `name` is shown `digest`."""

    def close(self, name: str) -> None:
        """Not any more."""


@dataclass(frozen=True, slots=True)
class Means:
    """What an order is carried out with. `pause` waits so many seconds and says whether the house stops meanwhile."""

    wire: Wire
    answers: Answers
    pause: Callable[[float], bool]


def begin(wire: Wire, names: Sequence[str]) -> str:
    """Order a certificate for these names; the order's address."""
    wish = {"identifiers": [{"type": "dns", "value": one} for one in names]}
    _, answer = wire.table(wire.directory.new_order, wish)
    found = answer.headers.get("location", "")
    if not found:
        raise Unheard("answer")
    return found


def standing(wire: Wire, order: str) -> bool:
    """Is there still something to be had of this order?"""
    try:
        found, _ = wire.table(order)
    except Said as said:
        if said.status in (401, 403, 404) or (said.status < 429 and said.type in _GONE):
            return False
        raise
    return found.get("status") in ("pending", "ready", "processing", "valid")


def carry_out(means: Means, order: str, names: Sequence[str], key: bytes) -> str:
    """The chain (PEM, leaf first) of an order for these names, for this private key (PEM).

    Raises `Said`, `Unheard`, `NotOurs`, `Slow`, `Stopped`.
    """
    wire, asked = means.wire, False
    for wait in _waits(means):
        found, answer = wire.table(order)
        status = found.get("status")
        if status == "pending" and not asked:
            for one in _texts(found.get("authorizations")):
                _prove(means, one)
            asked = True
            found, answer = wire.table(order)
            status = found.get("status")
        if status == "ready":
            found, answer = wire.table(_text(found.get("finalize")), {"csr": _request(names, key)})
            status = found.get("status")
        if status == "valid":
            return wire.post(_text(found.get("certificate"))).body.decode("ascii", "replace")
        if status == "invalid":
            raise _said(found.get("error"))
        wait(wire.retry_s(answer))
    raise Slow


def _waits(means: Means) -> Any:
    """One after the other: functions that wait, a little longer each time, at least as long as is asked for (bounded)."""

    def wait(told: int | None) -> None:
        if means.pause(min(WAIT_MOST_S, max(pause_s, told or 0))):
            raise Stopped

    pause_s = WAIT_S
    for _ in range(WAITS):
        yield wait
        pause_s = min(WAIT_MOST_S, pause_s * 1.5)


def _prove(means: Means, authorization: str) -> None:
    """Show that the name of an authorization leads here."""
    wire = means.wire
    found, _ = wire.table(authorization)
    name = _text(found.get("identifier", {}).get("value"))
    if found.get("status") == "valid":
        return
    challenge = _challenge(found)
    if challenge is None:
        raise NotOurs(name, "unsupported", CHALLENGE)
    answer = f"{_text(challenge.get('token'))}.{wire.key.thumbprint}"
    means.answers.open(name, hashlib.sha256(answer.encode()).digest())
    try:
        if challenge.get("status") == "pending":
            wire.post(_text(challenge.get("url")), {})
        for wait in _waits(means):
            found, told = wire.table(authorization)
            status = found.get("status")
            if status == "valid":
                return
            asked = _challenge(found) or {}
            if status != "pending" or asked.get("status") == "invalid":
                said = _said(asked.get("error"))
                raise NotOurs(name, said.type, said.detail)
            wait(wire.retry_s(told))
    finally:
        means.answers.close(name)
    raise Slow


def _challenge(authorization: dict[str, Any]) -> dict[str, Any] | None:
    for one in authorization.get("challenges") or ():
        if isinstance(one, dict) and one.get("type") == CHALLENGE:
            return one
    return None


def _request(names: Sequence[str], key: bytes) -> str:
    """A CSR for exactly these names, as it is sent."""
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("not an EC key")
    wanted = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = made.add_extension(wanted, critical=False).sign(private, hashes.SHA256())
    return encoded(signed.public_bytes(serialization.Encoding.DER))


def _said(error: Any) -> Said:
    told = error if isinstance(error, dict) else {}
    type_ = word(str(told.get("type", "")).removeprefix("urn:ietf:params:acme:error:"))
    return Said(type_, plain(told.get("detail")), 200)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Unheard("answer")
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise Unheard("answer")
    return [_text(one) for one in value]
