"""Who a practice is: its Ed25519 key, the id made of it, what is signed on a link, and the operator's invitation.

Pure. Both sides use it: the practice signs, the hub verifies; the private key never leaves the practice.

    id          lower base32(SHA-256(raw public key))[:26]: 130 bits, a DNS label, tells nothing of the practice
    signatures  Ed25519 over `praxis-relay/1 <what>` + the hub's nonce (32 bytes) + its node name + ids and what is said:
                fresh by the nonce, bound to one hub by the node's name, of one purpose by <what>
    invitation  `link-host[:port]/CODE[/PIN]`, one line that an operator hands out and a practice pastes
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509 import load_der_x509_certificate

ID_LENGTH = 26
KEY_LENGTH = 32
NONCE_LENGTH = 32
CODE_LENGTH = 26
DEFAULT_PORT = 443

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_READ = {ord(letter): letter for letter in _LETTERS} | {ord("O"): "0", ord("I"): "1", ord("L"): "1"}
_ID = re.compile(r"[a-z2-7]{26}\Z")
_PIN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


class IdentityError(ValueError):
    """What was given is no key, no code or no invitation. `part`: "key", "invitation", "host", "port", "code" or "pin"."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The key pair of a practice. Its text form tells the id only."""

    private: bytes
    """Raw Ed25519 private key, 32 bytes. For the practice's vault only."""
    public: bytes
    """Raw public key, 32 bytes: all that a hub ever stores."""
    id: str

    @classmethod
    def new(cls) -> "Identity":
        """A fresh one, of the operating system's randomness."""
        return cls.load(secrets.token_bytes(KEY_LENGTH))

    @classmethod
    def load(cls, private: bytes) -> "Identity":
        """From the raw private key. Raises IdentityError("key") if it is not 32 bytes."""
        try:
            key = Ed25519PrivateKey.from_private_bytes(private)
        except ValueError:
            raise IdentityError("key") from None
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return cls(bytes(private), raw, id_of(raw))

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.private).sign(message)

    def __repr__(self) -> str:
        """Without the key: a trace back must not give it away."""
        return f"Identity({self.id})"


def id_of(public: bytes) -> str:
    """The id of a raw public key, 26 letters a-z2-7. Raises IdentityError("key") if it is not 32 bytes."""
    if len(public) != KEY_LENGTH:
        raise IdentityError("key")
    return base64.b32encode(hashlib.sha256(public).digest()).decode().lower()[:ID_LENGTH]


def is_id(text: str) -> bool:
    """Has `text` the shape of an id?"""
    return _ID.match(text) is not None


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is `signature` that of the key's owner over `message`? Never raises for bytes of any length."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def auth_message(nonce: bytes, node: str, id_: str, caps: Sequence[str]) -> bytes:
    """What AUTH signs: nonce and node come from the HELLO of this link."""
    return b"praxis-relay/1 auth" + nonce + f"{node}{id_}{','.join(caps)}".encode()


def enrol_message(nonce: bytes, node: str, id_: str, code: str) -> bytes:
    """What ENROLL signs; the code as `read_code` gives it."""
    return b"praxis-relay/1 enrol" + nonce + f"{node}{id_}{code}".encode()


def rotate_message(nonce: bytes, node: str, old_id: str, new_id: str) -> bytes:
    """What ROTATE signs, once with the old key and once with the new; nonce and node of the running link."""
    return b"praxis-relay/1 rotate" + nonce + f"{node}{old_id}{new_id}".encode()


def new_code() -> str:
    """A one-time code of 128 random bits: 26 Crockford letters, without dashes."""
    number = secrets.randbits(128)
    return "".join(_LETTERS[number >> shift & 31] for shift in range(5 * (CODE_LENGTH - 1), -1, -5))


def read_code(text: str) -> str:
    """A code as somebody typed it (any case, dashes and blanks anywhere, O for 0, I and L for 1) as 26 letters.

    Raises IdentityError("code").
    """
    letters = [_READ.get(ord(letter)) for letter in re.sub(r"[\s-]", "", text).upper()]
    if len(letters) != CODE_LENGTH or None in letters:
        raise IdentityError("code")
    return "".join(letter for letter in letters if letter)


def show_code(code: str) -> str:
    """A code in groups of five; the last has six, so that no letter hangs alone at the end."""
    return "-".join((*(code[at : at + 5] for at in range(0, 20, 5)), code[20:]))


def code_hash(code: str) -> str:
    """How a hub keeps a code: hex SHA-256 (it has 128 random bits: nothing to guess, no salt needed)."""
    return hashlib.sha256(b"praxis-relay/1 code " + code.encode()).hexdigest()


def spki_pin(certificate: bytes) -> str:
    """base64url SHA-256 of the SubjectPublicKeyInfo of a DER certificate: 43 letters. Raises ValueError."""
    key = load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pin_of(spki)


def pin_of(spki: bytes) -> str:
    """base64url SHA-256 of a SubjectPublicKeyInfo in DER: 43 letters."""
    return base64.urlsafe_b64encode(hashlib.sha256(spki).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where the hub takes links, the one-time code, and the pin of its certificate where no public CA vouches for it."""

    host: str
    port: int
    code: str
    pin: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Invitation":
        """From the line an operator handed out, with blanks, line breaks, `https://` and the like forgiven.

        Raises IdentityError with the part that is wrong: "invitation" (not of this form at all), "host", "port",
        "code", "pin".
        """
        line = re.sub(r"\s", "", text)
        line = re.sub(r"^[a-z][a-z0-9+.-]*://", "", line, flags=re.IGNORECASE).rstrip("/")
        place, *rest = line.split("/")
        if len(rest) not in (1, 2):
            raise IdentityError("invitation")
        host, colon, port = place.lower().partition(":")
        if not is_host(host):
            raise IdentityError("host")
        if colon and not (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
            raise IdentityError("port")
        pin = rest[1] if len(rest) == 2 else None
        if pin is not None and not is_pin(pin):
            raise IdentityError("pin")
        return cls(host, int(port) if colon else DEFAULT_PORT, read_code(rest[0]), pin)

    def text(self) -> str:
        """The line."""
        port = "" if self.port == DEFAULT_PORT else f":{self.port}"
        return "/".join(filter(None, (f"{self.host}{port}", show_code(self.code), self.pin)))


def is_host(text: str) -> bool:
    """Is `text` a DNS host name in lower case, in its ASCII form?"""
    return _HOST.match(text) is not None


def is_pin(text: str) -> bool:
    """Is `text` the base64url form of 32 bytes?"""
    if _PIN.match(text) is None:
        return False
    try:
        return len(base64.urlsafe_b64decode(text + "=")) == hashlib.sha256().digest_size
    except binascii.Error:
        return False
