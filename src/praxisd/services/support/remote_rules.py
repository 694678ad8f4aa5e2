"""Rules of remote support (SPEC 7.13): how long, with which code, and what the service partner may do meanwhile. Pure."""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable

from praxisd.kernel.errors import Problem

MINUTES_LEAST, MINUTES_MOST = 5, 480
NAME_MOST, PURPOSE_MOST = 80, 200
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and capitals without those taken for each other (0 O, 1 I L): the code is read out on the telephone."""
LENGTH = 8
"""Characters of a code: 31^8 is 8·10^11, of which a few dozen may be tried in a minute."""
_GROUP = 4
_COST = {"n": 2**14, "r": 8, "p": 1}
"""scrypt (RFC 7914): some 16 MB and 50 ms; what lies in a stolen database does not tell the code within its life."""

DENIED_SERVICES = ("accounts.",)
SELF = "accounts.self.read"
DENIED = frozenset(
    {
        "messaging.account.write",  # passwords of mail accounts and SMS gateways
        "portals.portal.write",  # access data of booking portals
        "portals.source.write",  # and of their calendars
        "portals.webhook.write",  # secrets, and addresses to which events go
        "diagnosis.software.write",  # folders of other computers: the server would sign on there
        "diagnosis.directive.write",  # names who has seen to it
        "diagnosis.machine.report",  # for programs that sit at the computer
        "diagnosis.port.knock",
        "kernel.jobs.run",  # among them what writes to patients and costs credits
        "relay.link.write",  # the key under which the practice is known outside
    }
)


def permissions(partner: Iterable[str]) -> frozenset[str]:
    """What the service partner may do during remote support: what the role carries, without what changes users, keys,
    secrets or consents, or lets somebody in. Plug-ins' permissions with `secret`, `key` or `consent` as their noun are
    left out too.
    """
    kept = set()
    for name in partner:
        parts = name.split(".")
        writes = parts[-1] != "read"
        personal = name.startswith(DENIED_SERVICES) and name != SELF
        delicate = writes and parts[1] in ("user", "key", "secret", "consent", "remote")
        if not (personal or delicate or name in DENIED):
            kept.add(name)
    return frozenset(kept)


def plain(text: str, most: int, field: str) -> str:
    """One line that a person typed, blanks made one; Problem `support.remote_invalid` (422)."""
    kept = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(kept) <= most or any(unicodedata.category(c) in ("Cc", "Cs") for c in kept):
        raise Problem("support.remote_invalid", 422, field=field)
    return kept


def shown(code: str) -> str:
    """The code in groups of four: `K7QM-3XRD`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def typed(text: str) -> str:
    """What a person typed, without what does not count: spaces, hyphens, small letters."""
    return "".join(c for c in text.upper() if c.isalnum())


def could_be_code(code: str) -> bool:
    """True if the text has the form of a code; nothing else is worth a slow hash."""
    return len(code) == LENGTH and all(c in ALPHABET for c in code)


def digest(code: str, grant: str) -> str:
    """What is kept of a code, hexadecimal; slow on purpose, so never inside a transaction."""
    made = hashlib.scrypt(typed(code).encode(), salt=f"praxisd support {grant}".encode(), dklen=32, **_COST)
    return made.hex()


def matches(kept: str, made: str) -> bool:
    """True for the same digest, in constant time; never for a spent code."""
    return bool(kept) and hmac.compare_digest(kept, made)
