"""Keys and certificates as bytes: make one for ourselves, read those of others, turn a pair into a TLS context."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from praxisd_relay.pem_file import as_file

LIFE_DAYS = 397
"""The longest that browsers accept, though they would not believe a certificate that we made ourselves."""
_BACK_S = 3_600
"""It is valid since an hour ago: clocks differ."""


@dataclass(frozen=True)
class Material:
    """A chain (PEM, leaf first) and its private key (PEM, not encrypted). ValueError from the properties if it is none."""

    chain: str
    key: bytes

    @cached_property
    def leaf(self) -> x509.Certificate:
        """The certificate itself."""
        return x509.load_pem_x509_certificates(self.chain.encode())[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names it is good for, wildcards as they stand."""
        try:
            found = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return ()
        return tuple(one.lower() for one in found.value.get_values_for_type(x509.DNSName))

    @property
    def not_after(self) -> int:
        """When it ends, epoch seconds."""
        return int(self.leaf.not_valid_after_utc.timestamp())

    @property
    def spki(self) -> bytes:
        """The public key, DER."""
        return _public(self.leaf.public_key())

    @property
    def matches(self) -> bool:
        """True if key and certificate belong together."""
        return spki_of(self.key) == self.spki


def new_key() -> bytes:
    """A fresh EC key on P-256, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def spki_of(key: bytes) -> bytes:
    """The public key of a private key in PEM, DER. ValueError if it is none."""
    return _public(serialization.load_pem_private_key(key, None).public_key())


def _public(key: object) -> bytes:
    found: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return found


def self_made(key: bytes, names: Sequence[str], now: int) -> Material:
    """A certificate signed by its own key, for these names, from `now` (epoch seconds) on."""
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("not an EC key")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    begins = datetime.fromtimestamp(now - _BACK_S, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=LIFE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    return Material(made.public_bytes(serialization.Encoding.PEM).decode(), key)


def context(material: Material, protocols: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """A server's TLS context: TLS 1.2 and newer, and only these application protocols. Raises ssl.SSLError, ValueError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(list(protocols))
    with as_file(material.chain.encode() + b"\n" + material.key) as path:
        made.load_cert_chain(path)
    return made
