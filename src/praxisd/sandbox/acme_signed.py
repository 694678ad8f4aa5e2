"""Signed requests as RFC 8555 § 6 has them: flattened JWS with ES256, its address, its nonce, its key. Read and checked."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

ERROR = "urn:ietf:params:acme:error:"
_HALF = 32


class Refusal(Exception):
    """What the authority says no with: a type of RFC 8555 § 6.7, in words, and when to come again."""

    def __init__(self, type_: str, detail: str, status: int = 400, retry_after: int | None = None) -> None:
        super().__init__(type_)
        self.type = ERROR + type_
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Signed:
    """One request, not yet verified. `payload` None: a mere question (POST-as-GET)."""

    header: dict[str, Any]
    payload: Any
    text: bytes
    signature: bytes

    @property
    def nonce(self) -> str:
        """What must have been handed out, once."""
        return str(self.header.get("nonce", ""))


def decoded(text: str) -> bytes:
    """base64url without padding; `Refusal` for anything else."""
    try:
        if "=" in text or not text.isascii():
            raise ValueError("padding")
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Refusal("malformed", "base64url") from None


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read(body: bytes, url: str) -> Signed:
    """The request in `body`, meant for `url`. `Refusal` where it is not one."""
    try:
        table = json.loads(body)
        protected, payload, signature = (table[one] for one in ("protected", "payload", "signature"))
        header = json.loads(decoded(protected))
        text = decoded(payload)
        said = None if not text else json.loads(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refusal("malformed", "not a flattened JWS") from None
    if not isinstance(header, dict) or header.get("alg") != "ES256":
        raise Refusal("badSignatureAlgorithm", "ES256 only")
    if header.get("url") != url:
        raise Refusal("unauthorized", "the url of the header is another", 403)
    if ("jwk" in header) == ("kid" in header):
        raise Refusal("malformed", "exactly one of jwk and kid")
    return Signed(header, said, f"{protected}.{payload}".encode(), decoded(signature))


def public_key(jwk: Any) -> ec.EllipticCurvePublicKey:
    """The key of a JWK on P-256. `Refusal` for any other."""
    try:
        if (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
            raise Refusal("badPublicKey", "P-256 only")
        x, y = (int.from_bytes(decoded(jwk[one]), "big") for one in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise Refusal("badPublicKey", "not a key") from None


def verify(one: Signed, key: ec.EllipticCurvePublicKey) -> None:
    """`Refusal` unless this key signed it."""
    if len(one.signature) != 2 * _HALF:
        raise Refusal("malformed", "signature")
    r, s = (int.from_bytes(half, "big") for half in (one.signature[:_HALF], one.signature[_HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), one.text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refusal("unauthorized", "signature", 403) from None


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """That of RFC 7638."""
    numbers = key.public_numbers()
    x, y = (encoded(one.to_bytes(_HALF, "big")) for one in (numbers.x, numbers.y))
    return encoded(hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest())
