"""What a support package tells of the computer and of the practice software: measured facts, and what the products say."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import msgspec

from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.support.bundle_known import Look
from praxisd.services.support.bundle_values import HIDDEN, Row, Value, ident, number, version, word, words

_SYSTEM = re.compile(
    r"(Windows( Server)?|Debian GNU/Linux|Ubuntu|Fedora Linux|openSUSE|SUSE|Red Hat|Rocky|AlmaLinux|Linux)"
    r"([ .]\d{1,4}){0,3}"
)
_DRIVE = re.compile(r"[A-Za-z]:\\?")
_MOUNTS = frozenset({"/", "/boot", "/boot/efi", "/home", "/opt", "/srv", "/usr", "/var", "/data"})
_PLAIN = (
    "memory_gb",
    "sessions",
    "usb",
    "card_reader",
    "ups",
    "remote_access",
    "firewall",
    "updates_pending",
)
_CPU = ("ghz", "cores")


def storage(look: Look) -> Iterator[Row]:
    """The disk under the data folder, and the size of the database. Megabytes."""
    room = shutil.disk_usage(look.house.folder)
    files = [one for one in look.house.folder.glob("*.db*") if one.is_file()]
    yield Row(
        "storage",
        {
            "total_mb": number(room.total // 1_000_000),
            "free_mb": number(room.free // 1_000_000),
            "database_mb": number(round(sum(one.stat().st_size for one in files) / 1e6, 1))
            if files
            else None,
        },
    )


def machine(look: Look) -> Iterator[Row]:
    """This computer as it was measured. `undetermined`: what could not be."""
    facts = diagnosis.facts(look.house)
    if facts is None:
        return
    names = frozenset(one.name for one in msgspec.structs.fields(facts))
    unknown = [name for name in names if getattr(getattr(facts, name), "why", None)]
    yield Row(
        "machine",
        {
            "system": system(facts.os.name.value),
            "version": version(facts.os.version.value),
            "bits": number(facts.os.bits.value),
            "server": number(facts.os.server.value),
            **{name: number(getattr(facts.cpu, name).value) for name in _CPU},
            **{name: number(getattr(facts, name).value) for name in _PLAIN},
            "dotnet": version(facts.dotnet.value),
            "domain": HIDDEN if facts.domain.value else None,
            "undetermined": words(sorted(unknown), names) or None,
        },
    )
    yield from _disks(look, facts)
    for instance in facts.sql.value or ():
        yield Row(
            "sql",
            {
                "instance": word(instance.instance, {"MSSQLSERVER", "SQLEXPRESS"}),
                "version": version(instance.version.value),
                "release": version(instance.release.value),
            },
        )
    wanted = {one.name for product in diagnosis.products(look.house).values() for one in product.services}
    for service in facts.services.value or ():
        if service.name in wanted and service.name in _built_in(look):
            yield Row("service", {"name": service.name, "state": word(service.state, look.known)})


def _disks(look: Look, facts: diagnosis.MachineFacts) -> Iterator[Row]:
    for disk in facts.disks.value or ():
        yield Row(
            "disk",
            {
                "volume": volume(disk.volume),
                "kind": word(disk.kind.value, look.known),
                "total_gb": number(disk.total_gb.value),
                "free_gb": number(disk.free_gb.value),
                "mapped": number(disk.mapped.value),
                "encrypted": number(disk.encrypted.value),
                "healthy": number(disk.healthy.value),
                "worn": number(disk.worn.value),
            },
        )


def _built_in(look: Look) -> set[str]:
    """Names of services that products we brought name: those of the practice's own files may be anything."""
    found: Any = diagnosis.products(look.house).values()
    return {one.name for product in found if product.origin != "own" for one in product.services}


def products(look: Look) -> Iterator[Row]:
    """Which practice software this is, and how old what we know of it is. Not where it lies."""
    known = diagnosis.products(look.house)
    for one in diagnosis.software(look.tx):
        yield Row(
            "software",
            {
                "id": ident(one.id),
                "product": word(one.product, look.known),
                "role": word(one.role, look.known),
                "devices": number(one.devices),
                "elsewhere": number(bool(one.host)),
            },
        )
    for product in known.values():
        yield Row(
            "product",
            {
                "id": word(product.id, look.known),
                "stand": product.source.stand.isoformat(),
                "origin": word(product.origin, look.known),
                "ports": number(len(product.ports)),
                "requirements": number(len(product.requirements)),
            },
        )


def system(name: object) -> Value:
    """The name of an operating system with its number: as far as it is one of those we know."""
    if name is None:
        return None
    found = _SYSTEM.match(str(name))
    return found[0] if found else HIDDEN


def volume(name: str) -> Value:
    """A drive letter, or one of the usual places in the tree; other folders may be called after anything."""
    return name if _DRIVE.fullmatch(name) or name in _MOUNTS else HIDDEN
