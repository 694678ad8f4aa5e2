"""Products as doors and commands show them: texts in one language, how old the source is, what it leaves open."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.services.diagnosis import product_shapes as shapes
from praxisd.services.diagnosis.product_faults import Fault
from praxisd.services.diagnosis.product_shapes import Origin, Product, Role, Words

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.kernel.texts import Texts

_SHARED_FIELDS = frozenset({"id", "roles", "level", "text", "question", "products", "kind", "why"})
Days = Annotated[int, msgspec.Meta(ge=0)]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class SourceOut(_Out, frozen=True):
    """The document the rows come from; `stand` is its date."""

    title: str
    version: str
    stand: date
    url: str


class ProductEntry(_Out, frozen=True):
    """One product in the list. `serviceprovider`: it has one whose files we know; `used`: the practice has it."""

    id: str
    name: str
    vendor: str
    origin: Origin
    source: SourceOut
    age_days: Days
    serviceprovider: bool
    used: bool


class FaultOut(_Out, frozen=True):
    """A fault of a product file: where it is, and what."""

    file: str
    line: int
    column: int
    text: str


class ProductList(_Out, frozen=True):
    """All products by name, and the faults of files that were left out."""

    products: tuple[ProductEntry, ...]
    faults: tuple[FaultOut, ...]


class ChangeOut(_Out, frozen=True):
    """One line of the source's history."""

    date: date
    text: str


class QuestionOut(_Out, frozen=True):
    """What the source leaves open; `about`: which row ("" for the product as a whole)."""

    about: str
    text: str


class RequirementOut(_Out, frozen=True):
    """One requirement. `values` are the fields of its kind, as in the product file; `why`: why it cannot be measured."""

    id: str
    kind: str
    roles: tuple[Role, ...]
    level: str
    text: str
    values: dict[str, Any]
    why: str | None
    question: str | None


class PortOut(_Out, frozen=True):
    """One row of the port list, as printed."""

    id: str
    service: str
    protocol: str
    ports: tuple[str, ...]
    ports_text: str
    tls: tuple[str, ...]
    in_: bool = msgspec.field(name="in")
    out: bool
    internal: bool
    external: bool
    targets: tuple[str, ...]
    target_text: str
    inspection: tuple[str, ...]
    programs: tuple[str, ...]
    note: str | None
    question: str | None


class BackupOut(_Out, frozen=True):
    """What a backup must contain: a path, or databases in the source's words."""

    path: str
    database: str
    only_if: str
    note: str | None


class ExclusionOut(_Out, frozen=True):
    """A folder or file that a virus scanner leaves alone."""

    path: str
    files: str
    where: str
    software: str
    note: str | None
    question: str | None


class ServiceProgramOut(_Out, frozen=True):
    """A Windows service and its program."""

    name: str
    program: str
    where: str
    software: str
    note: str | None
    question: str | None


class ExclusionsOut(_Out, frozen=True):
    """What a virus scanner leaves alone for one product, as a list to work through."""

    product: ProductEntry
    exclusions: tuple[ExclusionOut, ...]
    services: tuple[ServiceProgramOut, ...]
    questions: tuple[QuestionOut, ...]


class PlacesOut(_Out, frozen=True):
    """Where the ServiceProvider's files lie, relative to the top folder of the software."""

    data_path: str
    ini: tuple[str, ...]
    setup: str
    pvs_names: tuple[str, ...]
    data_path_may_be_empty: bool
    install_where: str


class ProductOut(ProductEntry, frozen=True):
    """One product with all its rows."""

    changes: tuple[ChangeOut, ...]
    questions: tuple[QuestionOut, ...]
    requirements: tuple[RequirementOut, ...]
    ports: tuple[PortOut, ...]
    backups: tuple[BackupOut, ...]
    exclusions: tuple[ExclusionOut, ...]
    services: tuple[ServiceProgramOut, ...]
    places: PlacesOut | None


def today(house: "House", tx: "Tx") -> date:
    """The day it is in the practice."""
    return datetime.fromtimestamp(tx.now, zone_of(zone_name(house, tx))).date()


def age_days(product: Product, day: date) -> int:
    """How old the source of a product is on that day; never negative."""
    return max(0, (day - product.source.stand).days)


def said(words: Words | None, lang: str) -> str | None:
    """The text, or None."""
    return None if words is None else words.in_(lang)


def entry(product: Product, day: date, used: bool) -> ProductEntry:
    """The product as one line."""
    return ProductEntry(**_head(product, day, used))


def _head(product: Product, day: date, used: bool) -> dict[str, Any]:
    source = product.source
    return {
        "id": product.id, "name": product.name, "vendor": product.vendor, "origin": product.origin,
        "source": SourceOut(title=source.title, version=source.version, stand=source.stand, url=source.url),
        "age_days": age_days(product, day), "serviceprovider": product.serviceprovider is not None, "used": used,
    }  # fmt: skip


def changes(product: Product, lang: str) -> tuple[ChangeOut, ...]:
    """The history of the source, newest first."""
    ordered = sorted(product.changes, key=lambda one: one.date, reverse=True)
    return tuple(ChangeOut(date=one.date, text=one.text.in_(lang)) for one in ordered)


def questions(product: Product, lang: str) -> tuple[QuestionOut, ...]:
    """All that the source leaves open about a product: about it as a whole first, then row by row, each text once."""
    found = [QuestionOut(about="", text=one.text.in_(lang)) for one in product.questions]
    rows: list[tuple[str, Words | None]] = [
        (one.text.in_(lang), one.question) for one in product.requirements
    ]
    for port in product.ports:
        ports = ", ".join((port.protocol.upper(), *port.ports)).strip(", ")
        rows.append((f"{port.service} ({ports})" if ports else port.service, port.question))
    rows += [(one.path, one.question) for one in product.exclusions]
    rows += [(one.name, one.question) for one in product.services]
    seen = set()
    for about, words in rows:
        if words is not None and words not in seen:
            seen.add(words)
            found.append(QuestionOut(about=about, text=words.in_(lang)))
    return tuple(found)


def _requirement(one: shapes.Requirement, lang: str) -> RequirementOut:
    values = {key: value for key, value in msgspec.to_builtins(one).items() if key not in _SHARED_FIELDS}
    return RequirementOut(
        id=one.id, kind=one.kind, roles=one.roles, level=one.level, text=one.text.in_(lang), values=values,
        why=said(getattr(one, "why", None), lang), question=said(one.question, lang),
    )  # fmt: skip


def _port(one: shapes.Port, lang: str) -> PortOut:
    return PortOut(
        id=one.id, service=one.service, protocol=one.protocol, ports=one.ports, ports_text=one.ports_text, tls=one.tls,
        in_=one.in_, out=one.out, internal=one.internal, external=one.external, targets=one.targets,
        target_text=one.target_text, inspection=one.inspection, programs=one.programs, note=said(one.note, lang),
        question=said(one.question, lang),
    )  # fmt: skip


def exclusions(product: Product, lang: str) -> tuple[ExclusionOut, ...]:
    """Folders and files: those of the software itself before those of programs beside it, which not everybody has."""
    return tuple(
        ExclusionOut(
            path=one.path,
            files=one.files,
            where=one.where,
            software=one.software,
            note=said(one.note, lang),
            question=said(one.question, lang),
        )
        for one in sorted(product.exclusions, key=lambda one: bool(one.software))
    )


def services(product: Product, lang: str) -> tuple[ServiceProgramOut, ...]:
    """Windows services."""
    return tuple(
        ServiceProgramOut(
            name=one.name,
            program=one.program,
            where=one.where,
            software=one.software,
            note=said(one.note, lang),
            question=said(one.question, lang),
        )
        for one in product.services
    )


def whole(product: Product, day: date, used: bool, lang: str) -> ProductOut:
    """The product with all its rows."""
    places = product.serviceprovider
    return ProductOut(
        **_head(product, day, used),
        changes=changes(product, lang),
        questions=questions(product, lang),
        requirements=tuple(_requirement(one, lang) for one in product.requirements),
        ports=tuple(_port(one, lang) for one in product.ports),
        backups=tuple(
            BackupOut(path=one.path, database=one.database, only_if=one.only_if, note=said(one.note, lang))
            for one in product.backups
        ),
        exclusions=exclusions(product, lang),
        services=services(product, lang),
        places=None
        if places is None
        else PlacesOut(
            data_path=places.data_path, ini=places.ini, setup=places.setup, pvs_names=places.pvs_names,
            data_path_may_be_empty=places.data_path_may_be_empty, install_where=places.install_where,
        ),
    )  # fmt: skip


def excluded(product: Product, day: date, used: bool, lang: str) -> ExclusionsOut:
    """What a virus scanner leaves alone."""
    asked = [one.question for one in product.exclusions] + [one.question for one in product.services]
    wanted = {one for one in asked if one is not None}
    texts = {one.in_(lang) for one in wanted} | {
        one.text.in_(lang) for one in product.questions if one.id == "folders"
    }
    return ExclusionsOut(
        product=entry(product, day, used), exclusions=exclusions(product, lang), services=services(product, lang),
        questions=tuple(one for one in questions(product, lang) if one.text in texts),
    )  # fmt: skip


def fault(one: Fault, texts: "Texts", lang: str) -> FaultOut:
    """A fault in words."""
    return FaultOut(file=one.file, line=one.line, column=one.column, text=one.words(texts, lang))
