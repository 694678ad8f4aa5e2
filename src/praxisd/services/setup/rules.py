"""The one-time code of the first start, as people read and type it (pure)."""

import hashlib

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and capitals without those taken for each other (0 O, 1 I L)."""
LENGTH = 8
"""Characters: 31^8 is 8·10^11, of which ten may be tried."""
TRIES = 10
"""Wrong codes after which a new one has to be asked for at the server."""
KEPT_S = 3600
"""A code that was asked for by command outlives a start of the server for so long. Seconds."""
_GROUP = 4


def shown(code: str) -> str:
    """The code in groups of four, as it stands on the screen: `K7QM-3XRD`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def typed(text: str) -> str:
    """What a person typed, without what does not count: spaces, hyphens, small letters."""
    return "".join(c for c in text.upper() if c.isalnum())


def digest(code: str) -> str:
    """SHA-256 of the code in hex: what is kept of it."""
    return hashlib.sha256(b"praxisd setup code\0" + typed(code).encode(errors="replace")).hexdigest()
