"""What the operations of the data sets take and give. Days are YYYY-MM-DD, times RFC 3339 in the practice's zone."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.service import Limit
from praxisd.model.medication import Standing

Version = Annotated[str, Meta(min_length=1, max_length=80)]


class SetOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One of the three data sets. `counts`: rows of each kind; `confirmed_at`, `confirmed_by`: who said in this practice that
    it is known what these data are; `waiting` and switching back are found at `/updates` under the same element.
    """

    standing: Standing
    counts: dict[str, int]
    confirmed_by: str | None
    confirmed_at: str | None
    confirmed_version: str | None


class SetsOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """All three, those that are missing too."""

    sets: list[SetOut]


class ConfirmIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version whose source, licence and limits were read, and that they were understood."""

    version: Version
    understood: Literal[True]


class TextQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`section`: the one with this number (`4.5`), else all; `kind`: Fachinformation (`fi`) or leaflet (`pil`)."""

    section: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    kind: Literal["fi", "pil"] = "fi"
    version: Version | None = None


class SectionOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One section. `number` as printed, or None; `body` is plain text, paragraphs on lines of their own."""

    no: int
    number: str | None
    heading: str
    body: str


class TextOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A full text in the language it was written in."""

    id: str
    product: str
    kind: Literal["fi", "pil"]
    title: str
    source: str
    released: str
    sections: list[SectionOut]
    standing: Standing


class TextSearchIn(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All words must be in a section; the last one may be the beginning of a word. `product`: in its texts only."""

    text: Annotated[str, Meta(min_length=2, max_length=200)]
    product: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    limit: Limit = 20
    version: Version | None = None


class PassageOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A section that has the words. `excerpt` is cut from it; `marked`: where the words stand in it, from and to."""

    text: str
    product: str
    kind: Literal["fi", "pil"]
    title: str
    no: int
    number: str | None
    heading: str
    excerpt: str
    marked: list[tuple[int, int]]


class PassagesOut(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The best first. `more`: there are others beyond `limit`."""

    results: list[PassageOut]
    more: bool
    standing: Standing
