"""E-mail addresses: what may be written to. RFC 5321 § 4.1.2, without quoted local parts and address literals.

International addresses are allowed: the local part in UTF-8 (RFC 6531), the domain is turned into its A-labels
(RFC 5890), so that `praxis@müller.example` and `praxis@xn--mller-kva.example` are one address.
"""

import re

LOCAL_MOST = 64
"""Octets before the @ (RFC 5321 § 4.5.3.1.1)."""
ADDRESS_MOST = 254
"""Octets of the whole address: the path of 256 without its angle brackets (§ 4.5.3.1.3)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def address(text: str) -> str:
    """The address with its domain in lower-case A-labels; ValueError if nothing can be sent to it.

    The local part stays as it is: only the other side knows whether its case matters (RFC 5321 § 2.4).
    """
    local, at, domain = text.rpartition("@")
    if not at or len(local.encode(errors="replace")) > LOCAL_MOST or not _LOCAL.fullmatch(local):
        raise ValueError("no e-mail address")
    if not local.isprintable():
        raise ValueError("no e-mail address")
    plain = _labels(domain)
    if not _DOMAIN.fullmatch(plain) or len(local.encode()) + 1 + len(plain) > ADDRESS_MOST:
        raise ValueError("no e-mail address")
    return f"{local}@{plain}"


def domain_of(text: str) -> str:
    """The domain of an address in lower-case A-labels; ValueError as `address`."""
    return address(text).rpartition("@")[2]


def host_name(text: str) -> str:
    """A server's name in A-labels, or an IP address as it stands; ValueError for neither."""
    bare = text.strip().strip("[]")
    if ":" in bare and re.fullmatch(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?", bare):
        return bare
    plain = _labels(bare)
    if not _HOST.fullmatch(plain):
        raise ValueError("no host name")
    return plain


def _labels(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import idna  # its tables are large; most domains do without

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("no domain") from None


__all__ = ("ADDRESS_MOST", "LOCAL_MOST", "address", "domain_of", "host_name")
