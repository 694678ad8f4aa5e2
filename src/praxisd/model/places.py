"""Places: the practice itself (Organization) and its chairs, rooms and sites (Location)."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from praxisd.model.people import Address, Contact, Identifier

LocationKind = Literal["chair", "room", "site"]

_PARTS = {
    "DE": "BB BE BW BY HB HE HH MV NI NW RP SH SL SN ST TH",
    "AT": "1 2 3 4 5 6 7 8 9",
    "CH": "AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH",
}
REGIONS = frozenset(_PARTS) | {
    f"{country}-{part}" for country, parts in _PARTS.items() for part in parts.split()
}
"""Regions of public holidays that praxisd knows (SPEC 1.6): countries, and their states or cantons by ISO 3166-2."""


class Organization(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A practice („Praxis“). `zone` is its one IANA time zone, `region` the region of its public holidays.

    `region` is an ISO 3166 country, or country and subdivision (`DE-BE`, `CH-ZH`, `AT`); its country is also where
    phone numbers without a country code belong. `language` is the one it writes in when nobody chose another.
    `extra`: see `model.people`.
    """

    id: str = ""
    version: int = 1
    name: str
    zone: str = "Europe/Berlin"
    region: str = "DE-BE"
    language: str = "de"
    telecom: tuple[Contact, ...] = ()
    address: tuple[Address, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    active: bool = True
    extra: str | UnsetType = UNSET

    @property
    def country(self) -> str:
        """ISO 3166 code of the country, from the region."""
        return self.region[:2]


class Location(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A chair, room or site („Behandlungsplatz, Raum, Standort“). `part_of` is the place it lies in.

    Only a released one is visible to booking portals. `kind` None: imported, and nobody said.
    """

    id: str = ""
    version: int = 1
    name: str
    kind: LocationKind | None = None
    part_of: str | None = None
    telecom: tuple[Contact, ...] = ()
    active: bool = True
    released: bool = False
    extra: str | UnsetType = UNSET
