"""The keys of the simulated certificate authority: a root, an intermediate, and what they sign. All made at the start."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY_S = 86_400
_ROOT_DAYS = 3_650
_BACK = timedelta(minutes=5)
"""Clocks differ: valid since a moment ago."""
_SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
_SERVES = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """Signs certificates that end `life_s` seconds after they were made."""

    def __init__(self, life_s: int = 90 * DAY_S) -> None:
        self.life_s = life_s
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self._root = self._authority("Sandbox Root", self._root_key, None, 1)
        self._intermediate = self._authority("Sandbox Intermediate", self._key, self._root, 0)

    @property
    def root(self) -> str:
        """What clients must trust, PEM."""
        return _pem(self._root)

    def _authority(
        self, name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, depth: int
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            self._begun(_name(name), key.public_key(), issuer)
            .not_valid_before(now - _BACK)
            .not_valid_after(now + timedelta(days=_ROOT_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
            .add_extension(_SIGNS, critical=True)
        )
        return made.sign(self._root_key, hashes.SHA256())

    @staticmethod
    def _begun(
        subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Certificate | None
    ) -> x509.CertificateBuilder:
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if issuer is None:
            return made
        by = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(by), critical=False
        )

    def issue(self, request: x509.CertificateSigningRequest, names: Sequence[str]) -> str:
        """A chain for exactly these names, PEM, leaf first. ValueError: a key that is not on a curve."""
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("not an EC key")
        now = datetime.now(UTC).replace(microsecond=0)
        made = (
            self._begun(x509.Name([]), key, self._intermediate)
            .not_valid_before(now - _BACK)
            .not_valid_after(now + timedelta(seconds=self.life_s))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SERVES, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return _pem(made.sign(self._key, hashes.SHA256())) + _pem(self._intermediate)
