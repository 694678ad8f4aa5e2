"""What there is to be backed up on this computer and for its practice software, and what a plan covers of it. Pure.

Sources: the product files (seed 003, „Zu sichernde Praxisdaten“), disks, database servers that run here. SPEC 8.1: new
databases, disks, products or data folders that no plan covers raise an Issue; a person adds or leaves out each with a reason.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from praxisd.model.backup_kept import Answer, SourceKept
from praxisd.model.machine import Disk, MachineFacts
from praxisd.model.product import Product

Kind = Literal["folder", "file", "database", "data", "server", "disk"]
"""A folder or file of a practice software; its databases; all it keeps, where nothing closer is known; a database server that
runs here; a disk.
"""
State = Literal["covered", "excluded", "open"]
There = Callable[[str], bool | None]
"""Is there something at a path: None where that cannot be told from here."""
FOLDERS: frozenset[str] = frozenset({"folder", "file", "disk"})
"""What can be taken in by one click: it has a path."""
OWN = "praxisd"
LONGEST = 80
"""Of the name of a source."""
_DRIVE = re.compile(r"Server-Laufwerksname:\\[^\\]+", re.IGNORECASE)
_EXTRA = "alle Praxissysteme"
"""The seed's reminder of further products stands in each product file; the form asks for them (`extra_products`)."""
_SERVERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("PostgreSQL", re.compile(r"postgresql.*", re.IGNORECASE)),
    ("MySQL", re.compile(r"(mysql|mariadb).*", re.IGNORECASE)),
    ("Firebird", re.compile(r"firebird.*", re.IGNORECASE)),
    ("MongoDB", re.compile(r"mongod.*", re.IGNORECASE)),
)
_PROGRAMS = tuple(
    f"/{one}"
    for one in (
        "boot", "efi", "usr", "opt", "etc", "dev", "proc", "sys", "run", "tmp", "snap", "nix", "var/snap", "var/tmp",
        "var/log", "var/lib/docker",
    )
)  # fmt: skip
"""Volumes of Linux on which no data of a practice lie."""


@dataclass(frozen=True, slots=True)
class Thing:
    """`name` as people know it, unique on its computer; `host`: another computer, "": this one."""

    kind: Kind
    name: str
    path: str = ""
    host: str = ""
    product: str = ""

    @property
    def id(self) -> str:
        """Of its name and its computer: the same as long as these are."""
        return hashlib.sha256(f"{self.kind}\n{self.name}\n{self.host}".casefold().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Judged:
    """`source`: what covers it; `reason`, `by`, `at`: why and by whom it was left out, or said to be covered."""

    thing: Thing
    state: State
    source: str = ""
    reason: str = ""
    by: str = ""
    at: int | None = None


def of_product(product: Product, label: str, folder: str, host: str, there: There) -> list[Thing]:
    """What a practice software keeps, by its product file. `folder`: its top folder, "" unknown; `label`: what people call it.

    Rows of parts that are not installed („falls …“) and folders that do not exist in a top folder that does are no things.
    """
    found: list[Thing] = []
    rows = [one for one in product.backups if not one.database.startswith(_EXTRA)]
    if any(one.database for one in rows):
        found.append(Thing("database", f"{label}: SQL", "", host, label))
    for one in rows:
        if not one.path:
            continue
        path = placed(one.path, folder)
        if not path:
            found.append(Thing("data", label, "", host, label))
            continue
        exists = None if host else there(path)
        known = bool(one.only_if) or (folder and path.startswith(folder) and there(folder) is True)
        if exists is False and known and not host:
            continue
        kind: Kind = "file" if re.search(r"\.\w+$", path) else "folder"
        found.append(Thing(kind, path, path, host, label))
    if not rows:
        found.append(
            Thing("folder", folder, folder, host, label) if folder else Thing("data", label, "", host, label)
        )
    return found


def placed(printed: str, folder: str) -> str:
    r"""Where a path of a product file lies here: `Server-Laufwerksname:\WINACS\Foto\*.*` below the top folder; "" unknown."""
    printed = re.sub(r"\\\*\.\*$", "", printed)
    rest, count = _DRIVE.subn("", printed, count=1)
    if not count:
        return printed
    if not folder:
        return ""
    parts = [one for one in rest.split("\\") if one]
    sign = "/" if folder.startswith("/") else "\\"
    return folder.rstrip("\\/") + "".join(sign + one for one in parts)


def servers(facts: MachineFacts, has_database: bool) -> list[Thing]:
    """Database servers that run here. The one SQL Server of a practice software that lies here is that software's database."""
    found = []
    instances = facts.sql.value or ()
    if not (has_database and len(instances) == 1):
        found += [Thing("server", f"SQL Server {one.instance}") for one in instances]
    running = [one.name for one in facts.services.value or () if one.state == "running"]
    for name, pattern in _SERVERS:
        if any(pattern.fullmatch(one) for one in running):
            found.append(Thing("server", name))
    return found


def disks(facts: MachineFacts, used: Iterable[str], media: Iterable[str]) -> list[Thing]:
    """Disks beside that of the system on which nothing lies that is a thing already (`used`), and no medium (`media`)."""
    taken = [*used, *media]
    found = []
    for one in facts.disks.value or ():
        if _of_system(one) or one.kind.value in ("removable", "network") or one.mapped.value:
            continue
        if not any(inside(path, one.volume) for path in taken):
            found.append(Thing("disk", one.volume, one.volume))
    return found


def _of_system(one: Disk) -> bool:
    volume = one.volume.replace("\\", "/").rstrip("/").lower()
    return bool(one.system.value) or volume in ("", "c:") or any(inside(volume, top) for top in _PROGRAMS)


def inside(path: str, folder: str) -> bool:
    """Does a path lie in a folder, or is it that? As Windows compares, and as Linux does for paths that begin with a stroke."""
    one, top = _plain(path), _plain(folder)
    return bool(one and top) and (one + "/").startswith(top if top.endswith("/") else top + "/")


def _plain(path: str) -> str:
    if path.startswith("/"):
        return path.rstrip("/") or "/"
    return path.replace("\\", "/").rstrip("/").casefold()


def judge(
    things: Sequence[Thing],
    sources: Sequence[SourceKept],
    claims: Mapping[str, Answer],
    own: Sequence[str],
    own_server: str,
) -> list[Judged]:
    """What of the things is covered, left out, or open.

    A folder by a source that takes it or one above it; a disk by any source on it; a thing that was left out by the line that
    says so; the rest by what a person said (`claims`: thing's id → the source that covers it, as long as there is such a
    source). `own`: paths of praxisd's own data, which are always in; `own_server`: the server they lie on, "" for none.
    """
    taking = {one.name: one for one in sources if one.kind != "excluded"}
    left = {one.name: one for one in sources if one.kind == "excluded"}
    found = []
    for thing in {one.id: one for one in things}.values():
        claim = claims.get(thing.id)
        source = _taken(thing, taking.values())
        if source is not None:
            found.append(Judged(thing, "covered", source.name, source.reason, source.by, source.at))
        elif claim is not None and claim.value in taking:
            found.append(Judged(thing, "covered", claim.value, "", claim.by, claim.at))
        elif source_name(thing) in left:
            line = left[source_name(thing)]
            found.append(Judged(thing, "excluded", "", line.reason, line.by, line.at))
        elif _of_praxisd(thing, own, own_server):
            found.append(Judged(thing, "covered", OWN))
        else:
            found.append(Judged(thing, "open"))
    return found


def source_name(thing: Thing) -> str:
    """How its source is called, or the line that leaves it out: no strokes, at most 80 signs, one each."""
    text = " ".join(re.sub(r"[\\/]+", " › ", thing.name).split()).strip("› ") or thing.kind
    text += f" ({thing.host})" if thing.host else ""
    text = "".join(one for one in text if one.isprintable())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 8]} {thing.id[:7]}"


def _taken(thing: Thing, sources: Iterable[SourceKept]) -> SourceKept | None:
    for one in sources:
        path = str(one.spec.get("path", ""))
        if one.name == source_name(thing):
            return one
        here = bool(thing.path and path and not thing.host)
        if here and (inside(thing.path, path) or (thing.kind == "disk" and inside(path, thing.path))):
            return one
        if thing.name == "PostgreSQL" and thing.kind == "server" and one.kind == "postgres":
            return one
    return None


def _of_praxisd(thing: Thing, own: Sequence[str], server: str) -> bool:
    if thing.kind == "server":
        return thing.name == server
    return thing.kind == "disk" and any(inside(path, thing.path) for path in own)
