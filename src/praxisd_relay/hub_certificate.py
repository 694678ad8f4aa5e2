"""The certificate of the link name: from files, or made by the hub itself; read anew when it changed.

It is the only key that a hub has, and it opens nothing but the link itself: what guests send is TLS within that, for
which only the practice has the key.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from praxisd_relay import hub_files
from praxisd_relay.config import Config, ConfigError
from praxisd_relay.frames import PROTOCOL
from praxisd_relay.identity import spki_pin
from praxisd_relay.pump import link_server

OWN_CERTIFICATE, OWN_KEY = "link-cert.pem", "link-key.pem"
OWN_DAYS = 3650
RENEW_DAYS = 365


class LinkCertificate:
    """The present certificate: `context` for new links, `pin` for invitations (None where a public CA vouches for it)."""

    def __init__(self, config: Config) -> None:
        """Reads the files, or makes them. Raises ConfigError("certificate")."""
        self._config = config
        self._own = config.certificate is None
        self._chain = config.certificate or config.data / OWN_CERTIFICATE
        self._key = config.key or config.data / OWN_KEY
        self._stamps: tuple[tuple[int, int], ...] = ()
        self.context: ssl.SSLContext
        self.not_after: datetime
        self.pin: str | None
        self.read()

    def read(self) -> None:
        """Take the files as they are now. Raises ConfigError("certificate"); what was in force stays in force then."""
        try:
            if self._own:
                make_own(self._chain, self._key, self._config.link_name)
            stamps = self._stamped()
            context = link_server(str(self._chain), str(self._key), [PROTOCOL])
            found = x509.load_pem_x509_certificate(self._chain.read_bytes())
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigError("certificate", f"{self._chain}, {self._key}: {error}") from None
        self.context, self._stamps = context, stamps
        self.not_after = found.not_valid_after_utc
        pinned = {"always": True, "never": False}.get(
            self._config.pin, self._own or found.issuer == found.subject
        )
        self.pin = spki_pin(found.public_bytes(serialization.Encoding.DER)) if pinned else None

    def renewed(self) -> bool:
        """Read the files anew if they are others than before (a renewal), or an own one will end; True if so."""
        try:
            ends = self._own and self.not_after - datetime.now(UTC) < timedelta(days=RENEW_DAYS)
            changed = self._stamped() != self._stamps
        except OSError:
            return False  # just being replaced
        if ends or changed:
            self.read()
        return ends or changed

    def _stamped(self) -> tuple[tuple[int, int], ...]:
        found = [file.stat() for file in (self._chain, self._key)]
        return tuple((one.st_mtime_ns, one.st_ino) for one in found)


def make_own(chain: Path, key_file: Path, name: str) -> None:
    """A self-signed certificate of the name, unless there is one with a year left. A key that exists is kept: its pin
    stands in invitations. Raises OSError, ValueError."""
    now = datetime.now(UTC)
    if key_file.exists():
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("no EC key")
        if chain.exists():
            found = x509.load_pem_x509_certificate(chain.read_bytes())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
            if found.not_valid_after_utc - now > timedelta(days=RENEW_DAYS) and found.subject == subject:
                return
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8
        hub_files.write(
            key_file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600
        )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=OWN_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    hub_files.write(chain, made.public_bytes(serialization.Encoding.PEM), 0o644)
