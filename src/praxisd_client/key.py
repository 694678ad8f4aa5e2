"""A seat's key pair, and what is known of the server it was registered at: one file that only its owner may read."""

import base64
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def encoded(data: bytes) -> str:
    """Base64url without padding, as everywhere in the protocol."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of `encoded`; ValueError for what is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True, repr=False)
class SeatKey:
    """Ed25519. `seat` and `installation` are empty until the seat is registered; copying the file copies the seat."""

    private: bytes
    seat: str = ""
    installation: str = ""

    @staticmethod
    def make() -> "SeatKey":
        """A new key pair."""
        return SeatKey(Ed25519PrivateKey.generate().private_bytes_raw())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "SeatKey":
        """From a file that `save` wrote; FileNotFoundError, or ValueError where it is something else."""
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("format") != "praxisd-seat-key-1":
            raise ValueError(f"{path} is no key of a seat")
        return SeatKey(decoded(told["private"]), told["seat"], told["installation"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it for its owner alone (0600), whole or not at all."""
        target = Path(path)
        told = {
            "format": "praxisd-seat-key-1",
            "seat": self.seat,
            "installation": self.installation,
            "private": encoded(self.private),
        }
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(json.dumps(told, indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def registered(self, seat: str, installation: str) -> "SeatKey":
        """This key, as the seat that a server has made of it."""
        return replace(self, seat=seat, installation=installation)

    @property
    def public(self) -> str:
        """The public half, as `register` sends it."""
        return encoded(Ed25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw())

    def sign(self, *parts: str) -> str:
        """The signature over these words, each on a line of its own."""
        return encoded(Ed25519PrivateKey.from_private_bytes(self.private).sign("\n".join(parts).encode()))

    def __repr__(self) -> str:
        return f"SeatKey(seat={self.seat!r})"
