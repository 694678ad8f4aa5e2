"""Codes for what the link, the hub, a proxy or a probe say, and their words. Pure.

The link tells in short words (`praxisd_relay.dial.CODES`, the codes of REFUSED, `relay.probe_*`); here each becomes a
code with title, cause and solution.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from praxisd.kernel.texts import Texts

CODES: Mapping[str, str] = {
    "dns": "relay.hub_unknown",
    "unreachable": "relay.hub_unreachable",
    "timeout": "relay.hub_timeout",
    "proxy_dns": "relay.proxy_unreachable",
    "proxy_unreachable": "relay.proxy_unreachable",
    "proxy_password": "relay.proxy_password",
    "proxy_refused": "relay.proxy_refused",
    "proxy_answer": "relay.proxy_answer",
    "tls": "relay.hub_tls",
    "certificate": "relay.hub_certificate",
    "foreign": "relay.hub_foreign",
    "silent": "relay.hub_silent",
    "closed": "relay.hub_closed",
    "lost": "relay.hub_closed",
    "replaced": "relay.replaced",
    "limit": "relay.hub_limit",
    "protocol": "relay.hub_version",
    "version": "relay.hub_version",
    "busy": "relay.hub_busy",
    "unknown": "relay.refused",
    "revoked": "relay.revoked",
    "code_wrong": "relay.code_refused",
    "code_used": "relay.code_used",
}
"""By the short word. Anything else is `relay.internal`."""
_NO_FAULT = ("same", "drain")
PROBES = ("dns", "unreachable", "offline", "timeout", "foreign_key", "answer")
FOREIGN = "relay.probe_foreign_key"
PROBE_CODES = tuple(f"relay.probe_{one}" for one in PROBES)
LINK_CODES = (*dict.fromkeys(CODES.values()), "relay.internal")
CERTAINLY_UNSAID = frozenset(
    {"dns", "unreachable", "timeout", "tls", "certificate", "foreign"}
    | {"proxy_dns", "proxy_unreachable", "proxy_password", "proxy_refused", "proxy_answer"}
)
"""Failures before anything was said to the hub: a code that was to be used is unused, and trying on is of no use."""


class Said(msgspec.Struct, rename="camel", frozen=True):
    """A code with its words."""

    code: str
    title: str
    cause: str
    solution: str


def code_of(word: str | None) -> str | None:
    """The code for a short word; what is a code already stays. No fault: none, a spare way, a hub that sends us on."""
    if word in _NO_FAULT or not word:
        return None
    return word if word.startswith("relay.") else CODES.get(word, "relay.internal")


def said(texts: "Texts", code: str, lang: str, **params: object) -> Said:
    """The words of a code."""
    title, cause, solution = (
        texts.get(f"{code}.{part}", lang, **params) for part in ("title", "cause", "solution")
    )
    return Said(code, title, cause, solution)
