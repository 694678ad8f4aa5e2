"""What a page asks for to speak to a portal, and whether it is filled in so that it can work.

Texts: `portals.adapter.<adapter>.title|help`, `portals.field.<adapter>.<field>.label|help`,
`portals.choice.<adapter>.<field>.<choice>`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from praxisd.kernel.errors import Problem
from praxisd.model.portals import AdapterName
from praxisd.services.portals.portal import Abilities

Kind = Literal["text", "address", "header", "number", "file", "base"]
"""`base`: an address to which paths are added, so that it can have no query."""
LONGEST = 500
PLACE = "{calendar}"
"""Stands in names of files and in addresses for the name of the calendar."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN_HOST = re.compile(r"[a-z0-9-]+|[a-z0-9.-]+\.(local|lan|home\.arpa|internal)")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. `choices`: nothing else may be chosen. `whom`: it decides whom the secrets go to.

    `low`, `high`: limits of a number, both inclusive.
    """

    name: str
    secret: bool = False
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    whom: bool = False
    kind: Kind = "text"
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one adapter in the order in which they are asked for, and what it can do."""

    adapter: AdapterName
    fields: tuple[Field, ...]
    abilities: Abilities

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Each field's value without blanks around it, else its default."""
        return {one.name: values.get(one.name, "").strip() or one.default for one in self.fields}

    def check(self, values: Mapping[str, str], kept: Collection[str] = ()) -> None:
        """Problem `portals.field_wrong` (422, params `field`, `adapter`) for the first field that cannot be right.

        `kept`: names of secrets that are known already and need not be given again.
        """
        unknown = sorted(set(values) - {one.name for one in self.fields})
        filled = self.filled(values)
        for one in self.fields:
            if not _fits(one, filled[one.name], one.secret and one.name in kept):
                raise Problem("portals.field_wrong", 422, field=one.name, adapter=self.adapter)
        if unknown:
            raise Problem("portals.field_wrong", 422, field=unknown[0][:40], adapter=self.adapter)


def _fits(field: Field, value: str, kept: bool) -> bool:
    if not value:
        return kept or not field.required
    if not value.isprintable() or len(value) > LONGEST:
        return False
    if field.choices:
        return value in field.choices
    if field.kind in ("address", "base"):
        return protected(value) and (field.kind == "address" or "?" not in value)
    if field.kind == "header":
        return _HEADER.fullmatch(value) is not None
    if field.kind == "file":
        return PLACE in value
    if field.kind == "number":
        return (
            value.isascii() and value.isdigit() and len(value) < 8 and field.low <= int(value) <= field.high
        )
    return True


def protected(url: str) -> bool:
    """True for an https address, or an http one that does not leave the practice: loopback, private, a bare name."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc or parts.fragment or " " in url:
        return False
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ip_address(host).is_private
    except ValueError:
        return parts.scheme == "http" and _OWN_HOST.fullmatch(host) is not None


__all__ = ("PLACE", "Field", "Form", "protected")
