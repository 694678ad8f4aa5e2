"""What a program signs to prove that it is its seat, and to which installation it says so."""

import hashlib
from typing import TYPE_CHECKING

from praxisd.services.seats.messages import PROTOCOL

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def installation(house: "House") -> str:
    """This installation as programs know it, 32 hexadecimal digits: the same on all nodes, after a rotation of the vault's
    key, and wherever it moves with its vault. Says nothing of the key.
    """
    return hashlib.sha256(b"praxisd installation\n" + house.vault.oldest.encode()).hexdigest()[:32]


def signed(installation: str, challenge: str, seat: str, session: str) -> bytes:
    """The bytes of which a program's signature is: for this server, this connection, this seat and this session only."""
    return "\n".join((PROTOCOL, installation, challenge, seat, session)).encode()
