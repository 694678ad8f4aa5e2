"""The items of the directive and the ends of operating systems, read from `directive.toml`."""

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from praxisd.model.directive import Item, System


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which text of the directive this is, from when, and where to read it."""

    title: str
    stand: date
    url: str


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    source: Origin
    item: tuple[Item, ...]
    system: tuple[System, ...]

    def of(self, id_: str) -> Item | None:
        """The item of this id."""
        return next((one for one in self.item if one.id == id_), None)


@cache
def catalogue() -> Catalogue:
    """The list as it is delivered; ValidationError if the file is wrong (a test reads it)."""
    text = files("praxisd.services.diagnosis").joinpath("directive.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Catalogue)
