"""Rows of the port list as this practice has them: of its products, and of praxisd itself. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from praxisd.model.product import INTRANET, Product
from praxisd.model.requirement import Role, Words

OWN = "praxisd"
"""The source of the rows of praxisd itself."""
SERVER_ROLES = frozenset({"server", "main"})
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_LETTERS = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHint:
    """A Windows service of a product and the file name of its program, lower case."""

    name: str
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRow:
    """One row. `source` is the id of the product it comes from (`praxisd` for our own), `name` what that is called.

    `in_`/`out`: who begins, seen from here; `internal`/`external`: inside the practice or the Internet; neither: only on
    this machine. `roles`: what this machine is for the software; `hosts`: other machines where its data lie. `services`:
    Windows services that stand behind the row. The rest as in `model.product.Port`.
    """

    id: str
    source: str
    name: str
    service: str
    protocol: str
    ports: tuple[str, ...]
    ports_text: str = ""
    tls: tuple[str, ...] = ()
    in_: bool = False
    out: bool = False
    internal: bool = False
    external: bool = False
    targets: tuple[str, ...] = ()
    target_text: str = ""
    inspection: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    note: Words | None = None
    question: Words | None = None
    roles: frozenset[Role] = frozenset()
    hosts: tuple[str, ...] = ()
    services: tuple[ServiceHint, ...] = ()

    @property
    def serves_here(self) -> bool:
        """True if others in the practice are to reach this machine under it."""
        own = self.source == OWN
        return self.in_ and self.internal and (own or not self.roles.isdisjoint(SERVER_ROLES))


@dataclass(frozen=True, slots=True)
class Use:
    """A practice software: its product, what this machine is for it, and where its data lie ("" here)."""

    product: str
    role: Role | None
    host: str


def product_rows(products: Mapping[str, Product], uses: Iterable[Use]) -> list[PortRow]:
    """The rows of all used products, each product once, in the order of their names."""
    roles: dict[str, set[Role]] = {}
    hosts: dict[str, list[str]] = {}
    for use in uses:
        found = roles.setdefault(use.product, set())
        if use.role is not None:
            found.add(use.role)
        known = hosts.setdefault(use.product, [])
        if use.host and use.host not in known:
            known.append(use.host)
    chosen = sorted((products[id_] for id_ in roles if id_ in products), key=lambda one: one.name.casefold())
    return [
        row
        for product in chosen
        for row in _rows(product, frozenset(roles[product.id]), tuple(hosts[product.id]))
    ]


def _rows(product: Product, roles: frozenset[Role], hosts: tuple[str, ...]) -> Iterable[PortRow]:
    for port in product.ports:
        wanted = {plain(port.service)}
        hints = [
            ServiceHint(name=one.name, program=file_name(one.program))
            for one in product.services
            if plain(one.name) in wanted
        ]
        hints += [ServiceHint(name="", program=file_name(one)) for one in port.programs]
        yield PortRow(
            id=f"{product.id}/{port.id}",
            source=product.id,
            name=product.name,
            service=port.service,
            protocol=port.protocol,
            ports=port.ports,
            ports_text=port.ports_text,
            tls=port.tls,
            in_=port.in_,
            out=port.out,
            internal=port.internal,
            external=port.external,
            targets=port.targets,
            target_text=port.target_text,
            inspection=port.inspection,
            programs=port.programs,
            note=port.note,
            question=port.question,
            roles=roles,
            hosts=hosts,
            services=tuple(one for one in hints if one.program.endswith(".exe") and "*" not in one.program),
        )


def plain(text: str) -> str:
    """A name reduced to its letters and digits, to compare: `SQL-Server` and `SQL Server` are one."""
    return _LETTERS.sub("", text.lower())


def file_name(path: str) -> str:
    """The last part of a Windows or other path, lower case."""
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].strip('" ').lower()


def spans(ports: Iterable[str]) -> list[tuple[int, int]]:
    """Ports and spans as (first, last); what is none (0, above 65535, turned around) is left out."""
    found = []
    for one in ports:
        first, _, last = one.partition("-")
        low, high = int(first), int(last or first)
        if 0 < low <= high <= 65_535:
            found.append((low, high))
    return found


def numbers(ports: Iterable[str], most: int) -> list[int]:
    """Single ports, at most so many, the first of each span first."""
    found: list[int] = []
    for low, high in spans(ports):
        for one in range(low, min(high, low + most) + 1):
            if len(found) >= most:
                return found
            found.append(one)
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """A target of a row taken apart: where (host), under which port if it says so, and by which scheme."""

    host: str
    port: int | None = None
    scheme: str = ""


def place(target: str) -> Place | None:
    """The target as a place that can be called; None for INTRANET, wild cards, and what is no address."""
    text = target.strip()
    if text == INTRANET or "*" in text or "<" in text:
        return None
    if "://" not in text:
        text = f"//[{text}]" if text.count(":") > 1 else f"//{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.username or not (_HOST.fullmatch(host) or _ADDRESS.fullmatch(host)):
        return None
    return Place(host, port, parts.scheme)


def is_wild(target: str) -> bool:
    """True for `*.example.org`."""
    return "*" in target


__all__ = (
    "OWN", "SERVER_ROLES", "Place", "PortRow", "ServiceHint", "Use", "file_name", "is_wild", "numbers", "place", "plain",
    "product_rows", "spans",
)  # fmt: skip
