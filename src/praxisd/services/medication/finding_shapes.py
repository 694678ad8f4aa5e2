"""REST shapes of the search of products."""

from typing import Annotated

import msgspec
from msgspec import Meta

from praxisd.model.medication import Standing
from praxisd.services.medication.finding_rules import How

MOST = 200


class SearchIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """What is typed: words, a PZN, what a scanner reads, an ATC code. `version`: of the data set, where two are here."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 20
    version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class SetQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename="camel"):
    """`version`: of the data set, where two are here; else the one in use."""

    version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What goes out."""


class SubstanceOut(Out, frozen=True, kw_only=True):
    """A substance of a product, in the caller's language. `kind`: active, salt or excipient."""

    id: str
    name: str
    strength: str | None = None
    unit: str | None = None
    kind: str = "active"


class PackageOut(Out, frozen=True, kw_only=True):
    """A package. `pzn` has 8 digits."""

    pzn: str
    gtin: str | None = None
    size: str | None = None
    unit: str | None = None


class NoteOut(Out, frozen=True, kw_only=True):
    """What a dentist is told, with its source."""

    text: str
    source: str
    source_url: str | None = None
    source_date: str


class HitOut(Out, frozen=True, kw_only=True):
    """A product found. `how`: "similar" is another name than was typed. `marked`: places in `name`, end exclusive.

    `used`: so often this practice has entered it. `dental`: the set holds a note for dentists about it.
    """

    id: str
    name: str
    how: How
    marked: list[tuple[int, int]] = []
    holder: str | None = None
    form: str | None = None
    atc: str | None = None
    otc: bool | None = None
    status: str = "active"
    substances: list[SubstanceOut] = []
    packages: list[PackageOut] = []
    dental: bool = False
    used: int = 0


class FoundOut(Out, frozen=True, kw_only=True):
    """All of one edition, the one that `standing` tells. `how`: of the first result.

    `preparing`: the index of this edition is being made; what is found now is what contains the words exactly as typed.
    """

    results: list[HitOut]
    how: How | None
    preparing: bool = False
    standing: Standing


class ProductOut(Out, frozen=True, kw_only=True):
    """A product with all that the set says of it. `version`, `sample`: of the set."""

    id: str
    name: str
    holder: str | None = None
    form: str | None = None
    atc: str | None = None
    atc_name: str | None = None
    otc: bool | None = None
    status: str = "active"
    text_id: str | None = None
    names: list[str] = []
    substances: list[SubstanceOut] = []
    packages: list[PackageOut] = []
    notes: list[NoteOut] = []
    version: str
    sample: bool
