"""A product of practice software as data: what it needs, speaks, keeps, and what a virus scanner must leave alone.

Made from `products/*.toml`; every struct is what its table in the file is. Paths are Windows paths as the source prints
them. Source of the built-in ones: seed 003.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from praxisd.model.requirement import (
    Id,
    Long,
    Requirement,
    Short,
    Words,
)

Origin = Literal["built_in", "update", "own"]
"""Where a product comes from: this version of praxisd, a newer update of the data, or a file of the practice."""
PortText = Annotated[str, msgspec.Meta(pattern=r"^\d{1,5}(-\d{1,5})?$")]
"""One port, or a span `9350-9354`."""
INTRANET = "INTRANET"
"""Target of the source for "inside the practice's network"."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`products`: in shared rows, the only products they hold for (empty: for each that takes the rows)."""

    products: tuple[Id, ...] = ()


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document the rows were taken from. `stand`: its date (YYYY-MM-DD); `version` as printed in it ("08/2023")."""

    title: Long
    version: Short
    stand: date
    url: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Change(_Row, frozen=True):
    """One line of the source's history of changes."""

    date: date
    text: Words


class Question(_Row, frozen=True):
    """What the source leaves open about the product as a whole."""

    id: Id
    text: Words


class Port(_Row, frozen=True):
    """One row of the port list. `in`/`out`: who begins; `internal`/`external`: inside the practice or the Internet.

    `protocol` is empty where the source names none. `ports` single ones or spans; `tls` those of them that speak TLS.
    `targets` are what may be tried or allowed: `INTRANET`, names (`*.medatixx.app`), addresses, URLs; `target_text` and
    `ports_text` are the cells as printed where they say more. `inspection`: not to be opened by an inspecting firewall;
    `programs`: to be allowed by name. `note` explains, `question` is what the source leaves open.
    """

    id: Id
    service: Short
    protocol: Literal["tcp", "udp", ""]
    ports: tuple[PortText, ...] = ()
    ports_text: str = ""
    tls: tuple[PortText, ...] = ()
    in_: bool = msgspec.field(name="in", default=False)
    out: bool = False
    internal: bool = False
    external: bool = False
    targets: tuple[Short, ...] = ()
    target_text: str = ""
    inspection: tuple[Short, ...] = ()
    programs: tuple[Short, ...] = ()
    note: Words | None = None
    question: Words | None = None


class Backup(_Row, frozen=True):
    """What a backup must contain: a path of files, or the databases named in `database`. `only_if`: a part that is installed."""

    path: str = ""
    database: str = ""
    only_if: str = ""
    note: Words | None = None


class Exclusion(_Row, frozen=True):
    """A folder or file that a virus scanner leaves alone. `where`: on which machines; `software`: of which extra program."""

    path: Short
    files: str = ""
    where: Literal["server", "client", "both", ""] = ""
    software: str = ""
    note: Words | None = None
    question: Words | None = None


class ServiceProgram(_Row, frozen=True):
    """A Windows service and its program (path as printed), for scanners too. `where`, `software` as above."""

    name: Short
    program: Short
    where: Literal["server", "client", "both", ""] = ""
    software: str = ""
    note: Words | None = None
    question: Words | None = None


class ServiceProviderPlaces(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a product's ServiceProvider files lie, relative to the top folder of the practice software (seed 003, appendix).

    The top folder (`C:\\DConcept`, `C:\\doc2`, `C:\\winacs`) is `Software.data_folder`. `data_path`: the data folder below
    it, what PVSDDataPath must name ("" where the top folder itself is meant); `ini`: where the PVS' ServiceProvider.ini may
    lie; `setup`: the folder of ServiceProvider.exe. `pvs_names`: values of PVSTName, first the usual one. `install_where`:
    the machine of the data folder or of SQL Server.
    """

    data_path: str
    ini: tuple[Short, ...]
    setup: Short
    setup_program: Short = "ServiceProvider.exe"
    pvs_names: Annotated[tuple[Short, ...], msgspec.Meta(min_length=1)]
    data_path_may_be_empty: bool = False
    install_where: Literal["data", "sql"]


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[product]`: who it is, and which shared rows it takes (`extends`: names of `products/shared/*.toml`)."""

    id: Id
    name: Short
    vendor: Short
    extends: tuple[Id, ...] = ()


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product with all its rows, its own and the shared ones. `key` of a port row is its `id`, unique in the product."""

    id: str
    name: str
    vendor: str
    source: Source
    changes: tuple[Change, ...] = ()
    questions: tuple[Question, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    ports: tuple[Port, ...] = ()
    backups: tuple[Backup, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    services: tuple[ServiceProgram, ...] = ()
    serviceprovider: ServiceProviderPlaces | None = None
    origin: Origin = "built_in"
