"""Answers to tls-alpn-01 (RFC 8737): while a challenge is open, a guest that comes for exactly this name with the protocol
`acme-tls/1` is shown a certificate that carries the authority's word. It is good for nothing else.
"""

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from praxisd.services.relay import certificate_making
from praxisd.services.relay.certificate_making import Material

if TYPE_CHECKING:
    from praxisd_relay.hello import Hello

PROTOCOL = "acme-tls/1"
IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTETS = b"\x04\x20"
"""DER: OCTET STRING of 32 bytes."""
_LIFE = timedelta(days=1)


class Answers:
    """What is open now. `open` and `close` from any thread; asked by the runner's loop, from memory only."""

    def __init__(self) -> None:
        self._open: dict[str, ssl.SSLContext] = {}

    def open(self, name: str, digest: bytes) -> None:
        """Answer for `name` with this SHA-256 of the key authorization."""
        self._open[name] = certificate_making.context(made(name, digest), [PROTOCOL])

    def close(self, name: str) -> None:
        """Not any more."""
        self._open.pop(name, None)

    def __call__(self, hello: "Hello") -> ssl.SSLContext | None:
        """The TLS for a hello, None where nothing is open for its name."""
        return self._open.get(hello.name) if hello.alpn == (PROTOCOL,) else None


def made(name: str, digest: bytes) -> Material:
    """The certificate of RFC 8737 § 3: one name, and the digest in a critical extension."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
    now = datetime.now(UTC)
    found = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(IDENTIFIER, _OCTETS + digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Material(found.public_bytes(serialization.Encoding.PEM).decode(), private)
