"""Pure rules of accounts: what a login, a password, a key and a network look like, and who may come from
where.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable

from praxisd.kernel.errors import Problem

PASSWORD_LEAST = 12
"""Characters. Length is what counts, not kinds of characters (NIST SP 800-63B § 5.1.1)."""
PASSWORD_MOST = 256
NAME_MOST = 100
OVERLAP_MOST_S = 30 * 24 * 3600
NETWORKS_MOST = 50
SECRET_MARK = "pxd_"  # noqa: S105 - the fixed beginning that lets scanners find leaked keys
PREFIX_LENGTH = 8
_SECRET = re.compile(r"pxd_[0-9a-z]{8}_[A-Za-z0-9_-]{43}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TOTP = re.compile(r"[0-9]{6}")
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""Marks of a User-Agent, the telling ones first: most browsers name others too."""
_LOGIN = re.compile(r"[\w.@+-]{2,64}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def invalid(field: str, reason: str) -> Problem:
    """The refusal of one given value; `reason` is a word, never the value."""
    return Problem("accounts.invalid", 422, field=field, reason=reason)


def login_key(login: str) -> str:
    """What logins are compared by: compatibility forms and capitals make no difference."""
    return unicodedata.normalize("NFKC", login).strip().casefold()


def check_login(login: str) -> str:
    """The login as it is kept: 2 to 64 letters, digits and `. _ - @ +`, else Problem `accounts.invalid`."""
    kept = unicodedata.normalize("NFKC", login).strip()
    if not _LOGIN.fullmatch(kept):
        raise invalid("login", "characters")
    return kept


def check_name(name: str, field: str = "name") -> str:
    """A display name: 1 to 100 visible characters, runs of blanks made one."""
    kept = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(kept) <= NAME_MOST:
        raise invalid(field, "length")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in kept):
        raise invalid(field, "characters")
    return kept


def plain_password(password: str) -> str:
    """The password as it is hashed: what two keyboards type in two ways is made one (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, login: str) -> str:
    """The password as it is hashed, or Problem `accounts.weak_password` (422): too short, too long, too
    plain.
    """
    plain = plain_password(password)
    too_plain = len(set(plain)) < 5 or login_key(plain) == login_key(login)
    if not PASSWORD_LEAST <= len(plain) <= PASSWORD_MOST or too_plain:
        raise Problem("accounts.weak_password", 422, least=PASSWORD_LEAST)
    return plain


def could_be_key(secret: str) -> bool:
    """True if the text has the form of a key; anything else is refused without asking the database."""
    return _SECRET.fullmatch(secret) is not None


def could_be_token(token: str) -> bool:
    """True if the text has the form of a session's token; anything else is refused without asking the database."""
    return _TOKEN.fullmatch(token) is not None


def could_be_totp(code: str) -> bool:
    """True for six digits."""
    return _TOTP.fullmatch(code) is not None


def device_name(user_agent: str) -> str:
    """`Firefox, Windows` of a User-Agent: words of ours only, nothing of what the client wrote; empty if unknown."""
    found = [
        next((name for mark, name in marks if mark in user_agent), "") for marks in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, found))


def prefix_of(secret: str) -> str:
    """The visible part of a key: `pxd_` and eight characters."""
    return secret[: len(SECRET_MARK) + PREFIX_LENGTH]


def check_networks(given: Iterable[str]) -> tuple[str, ...]:
    """Networks in their one way of writing (`10.0.0.0/8`, `2001:db8::/32`), each once.

    A single address counts as a network of one. Bits beyond the mask are refused, not dropped: who writes
    `192.168.1.7/16` means something else than what they would get. Problem `accounts.bad_network` (422).
    """
    found: dict[str, None] = {}
    for text in given:
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError:
            raise Problem("accounts.bad_network", 422) from None
        found[str(_unmapped(network))] = None
    if len(found) > NETWORKS_MOST:
        raise invalid("networks", "length")
    return tuple(found)


def _unmapped(network: Network) -> Network:
    """`::ffff:10.0.0.0/104` is `10.0.0.0/8` (RFC 4291 § 2.5.5.2)."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - 96))


def address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address a request came from: mapped IPv4 as IPv4, without a zone (`%eth0`); None if it is none."""
    try:
        found = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def inside(networks: Iterable[Network], text: str | None) -> bool:
    """True if the address lies in one of the networks. An unknown address lies in none."""
    found = address(text)
    return found is not None and any(found in network for network in networks)


def source(text: str | None) -> str:
    """Whom failed attempts are counted for: an IPv4 address, or the /64 an IPv6 host picks its addresses
    from.
    """
    found = address(text)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return "unknown" if found is None else str(found)


def narrowed(scopes: Iterable[str] | None, role: frozenset[str]) -> tuple[str, ...] | None:
    """The scopes as kept (sorted, each once), or None for all of the role. Problem for one the role does not
    carry.
    """
    if scopes is None:
        return None
    wanted = frozenset(scopes)
    if not wanted or not wanted <= role:
        raise invalid("scopes", "unknown" if wanted else "empty")
    return tuple(sorted(wanted))
