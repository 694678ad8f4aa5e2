"""Keys in addresses that nobody can guess: 256 bits, kept as their SHA-256 alone."""

import hashlib
import re

from praxisd.kernel.ids import token

_FORM = re.compile(r"[A-Za-z0-9_-]{40,64}")


def made() -> tuple[str, str]:
    """A new key and its digest."""
    key = token()
    return key, digest(key)


def digest(key: str) -> str:
    """What is kept of a key, and looked up. One that cannot be a key costs the same and is found nowhere."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest() if _FORM.fullmatch(key) else "0" * 64
