"""What is offered: elements in `catalog.json`, their versions in an index each, packages and patches as targets."""

import json
import re
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.services.updates import publish_files as files
from praxisd.services.updates.publish_repository import CATALOG, Repository, role_for
from praxisd_guard import patch
from praxisd_guard.faults import TrustFault
from praxisd_guard.trust_offers import newness

KINDS = ("software", "plugin", "data")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}")


@dataclass(frozen=True)
class Element:
    """One line of the catalog. A plug-in is called `<vendor>/<name>` where its files lie; its name is unique."""

    name: str
    kind: str
    index: str
    title: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Where its targets lie."""
        return self.index.rpartition("/")[0]

    @property
    def role(self) -> str:
        """Who signs for it."""
        return role_for(self.index)

    def target(self, version: str) -> str:
        """The path of a version's package."""
        if self.kind == "data":
            return f"{self.folder}/{version}.sqlite.zst"
        return f"{self.folder}/{self.name}-{version}.zip"

    def json(self) -> dict[str, Any]:
        """As in the catalog."""
        return {"name": self.name, "kind": self.kind, "index": self.index, "title": dict(self.title)}


@dataclass(frozen=True)
class Release:
    """What is said about a version. `released` is a date (YYYY-MM-DD), `requires` {"praxisd": ">=0.1"}."""

    version: str
    released: str
    notes: Mapping[str, str] = field(default_factory=lambda: {"de": "", "en": ""})
    requires: Mapping[str, str] = field(default_factory=dict)
    schema: int | None = None


def elements(repository: Repository) -> list[Element]:
    """The catalog of the next version. Problem `updates.publish_malformed`."""
    return [
        Element(str(one["name"]), str(one["kind"]), str(one["index"]), one["title"])
        for one in _table(repository, CATALOG, "elements")
    ]


def element(repository: Repository, name: str) -> Element:
    """One of them. Problem `updates.publish_element_unknown`."""
    found = next((one for one in elements(repository) if one.name == name), None)
    if found is None:
        raise Problem("updates.publish_element_unknown", 404, name=name)
    return found


def planned(
    repository: Repository, name: str, kind: str, title: Mapping[str, str], vendor: str | None = None
) -> Element:
    """An element that may be added. Problems: `updates.publish_element_exists`, `…_name_invalid`, `…_kind_invalid`."""
    for one in (name, *([vendor] if vendor is not None else [])):
        if not _NAME.fullmatch(one):
            raise Problem("updates.publish_name_invalid", 400, name=one)
    if kind not in KINDS or (kind == "plugin") != (vendor is not None):
        raise Problem("updates.publish_kind_invalid", 400, kind=kind)
    if any(one.name == name for one in elements(repository)):
        raise Problem("updates.publish_element_exists", 409, name=name)
    index = {
        "software": f"software/{name}/index.json",
        "plugin": f"plugins/{vendor}/{name}.index.json",
        "data": f"data/{name}/index.json",
    }[kind]
    return Element(name, kind, index, dict(title))


def add_element(repository: Repository, made: Element) -> None:
    """One more element, still without versions. Problem `updates.publish_role_missing` where nobody signs for it."""
    repository.put(made.index, _json({"versions": []}))
    known = [one.json() for one in elements(repository)]
    repository.put(CATALOG, _json({"elements": [*known, made.json()]}))


def versions(repository: Repository, one: Element) -> list[dict[str, Any]]:
    """The index of an element, newest first."""
    return _table(repository, one.index, "versions")


def add_version(
    repository: Repository, name: str, file: Path, release: Release, *, patches: bool = True, most: int = 3
) -> dict[str, Any]:
    """One more version. A data set's file is its SQLite file; it is packed here, and patches from the last `most`
    versions are made where they are smaller. Software and plug-ins are zip packages as they are.

    Problems: `updates.publish_version_exists`, `…_version_invalid`, `…_unreadable`, `…_not_sqlite`, `…_not_zip`.
    """
    one = element(repository, name)
    if not _VERSION.fullmatch(release.version):
        raise Problem("updates.publish_version_invalid", 400, version=release.version)
    known = versions(repository, one)
    if any(entry["version"] == release.version for entry in known):
        raise Problem("updates.publish_version_exists", 409, name=name, version=release.version)
    custom: dict[str, Any] = {
        "element": name, "kind": one.kind, "version": release.version, "released": release.released,
        "notes": dict(release.notes), "requires": dict(release.requires),
    }  # fmt: skip
    _require(file, one.kind)
    target = one.target(release.version)
    made: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="praxisd-publish-") as work:
        packed = file
        if one.kind == "data":
            packed = Path(work) / "packed"
            custom |= {"unpacked_sha256": digest(file), "unpacked_size": file.stat().st_size}
            custom |= {} if release.schema is None else {"schema": release.schema}
            patch.pack(file, packed)
        repository.put(target, packed, custom)
        if one.kind == "data" and patches:
            for entry in known[:most]:
                one_patch = _patch(repository, one, entry, file, packed.stat().st_size, Path(work))
                made += [one_patch] if one_patch else []
    entry = {"version": release.version, "target": target, "released": release.released, "patches": made}
    ordered = sorted([*known, entry], key=lambda each: newness(each["version"]), reverse=True)
    repository.put(one.index, _json({"versions": ordered}))
    return entry


def add_patch(repository: Repository, name: str, old: str, new: str) -> dict[str, str]:
    """A patch from one published version to another. Problems: `updates.publish_version_unknown`, `…_patch_no_gain`."""
    one = element(repository, name)
    known = versions(repository, one)
    entries = {entry["version"]: entry for entry in known}
    for version in (old, new):
        if version not in entries:
            raise Problem("updates.publish_version_unknown", 404, name=name, version=version)
    with (
        tempfile.TemporaryDirectory(prefix="praxisd-publish-") as work,
        _as_used(repository, one, entries[new]["target"]) as file,
    ):
        full = _stored(repository, entries[new]["target"]).stat().st_size
        made = _patch(repository, one, entries[old], file, full, Path(work))
    if made is None:
        raise Problem("updates.publish_patch_no_gain", 409, old=old, new=new)
    patches = [each for each in entries[new]["patches"] if each["target"] != made["target"]]
    entries[new]["patches"] = [*patches, made]
    repository.put(one.index, _json({"versions": known}))
    return made


def withdraw(repository: Repository, name: str, version: str) -> None:
    """Offer a version no more, nor patches to it. Problem `updates.publish_version_unknown`."""
    one = element(repository, name)
    known = versions(repository, one)
    gone = next((entry for entry in known if entry["version"] == version), None)
    if gone is None:
        raise Problem("updates.publish_version_unknown", 404, name=name, version=version)
    for target in (gone["target"], *(each["target"] for each in gone["patches"])):
        repository.drop(target)
    repository.put(one.index, _json({"versions": [entry for entry in known if entry is not gone]}))


def digest(file: Path) -> str:
    """The SHA-256 of a file in hex."""
    found = sha256()
    for block in files.blocks(file):
        found.update(block)
    return found.hexdigest()


def today(now: float) -> str:
    """The date of a moment, as `released` has it."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def _require(file: Path, kind: str) -> None:
    head = next(files.blocks(file, 16), b"")
    if kind == "data" and head != b"SQLite format 3\0":
        raise Problem("updates.publish_not_sqlite", 400, path=str(file))
    if kind != "data" and not head.startswith(b"PK\x03\x04"):
        raise Problem("updates.publish_not_zip", 400, path=str(file))


def _stored(repository: Repository, target: str) -> Path:
    return repository.file(repository.next(role_for(target)).signed.targets[target])


@contextmanager
def _as_used(repository: Repository, one: Element, target: str) -> Any:
    """A published package as practices use it: a data set unpacked, everything else as it is."""
    entry = repository.next(role_for(target)).signed.targets[target]
    stored = repository.file(entry)
    if one.kind != "data":
        yield stored
        return
    with tempfile.TemporaryDirectory(prefix="praxisd-publish-") as work:
        out, size = Path(work) / "unpacked", int(entry.custom["unpacked_size"])
        try:
            patch.unpack(stored, out, size)
        except TrustFault:
            raise Problem("updates.publish_malformed", 400, path=str(stored)) from None
        yield out


def _patch(
    repository: Repository, one: Element, entry: Mapping[str, Any], file: Path, full: int, work: Path
) -> dict[str, str] | None:
    """A patch from an older version to `file` as a target; None if it would not be smaller than the package."""
    with _as_used(repository, one, entry["target"]) as old:
        before, after = digest(old), digest(file)
        if before == after or not patch.fits(old.stat().st_size, file.stat().st_size):
            return None
        out = work / f"{before[:12]}-{after[:12]}"
        if patch.make(old, file, out) >= full:
            return None
    path = f"{one.folder}/{before[:12]}-{after[:12]}.patch.zst"
    repository.put(path, out, {"element": one.name, "kind": "patch", "from": before, "to": after})
    return {"from": before, "target": path}


def _table(repository: Repository, path: str, field_: str) -> list[Any]:
    found = repository.content(path)
    try:
        return [] if found is None else list(json.loads(found)[field_])
    except (ValueError, KeyError, TypeError):
        raise Problem("updates.publish_malformed", 400, path=path) from None


def _json(table: Any) -> bytes:
    return (json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
