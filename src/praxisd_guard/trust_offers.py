"""What can be had: elements from `catalog.json`, offers from an element's index, each held against the signed target."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuf.api.metadata import TargetFile

from praxisd_guard.faults import MALFORMED, TrustFault

CATALOG = "catalog.json"
FOLDERS = {"software": "software", "plugin": "plugins", "data": "data"}
"""Kind of an element → first folder of its targets: who may sign there is said by the delegations."""
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_BEFORE = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Element:
    """Something that can be subscribed to. `title` has `de` and `en`; `index` is the target that lists versions."""

    name: str
    kind: str
    index: str
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Patch:
    """A way from an older plain file (its SHA-256 in `source`) to the offer's plain file."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One version. `length` (bytes) and `sha256` are the target's as it is fetched.

    `unpacked_sha256`/`unpacked_size` belong to the file inside a `.zst` target; where they are given, they are
    what `Trust.fetch` leaves on disk and what patches lead from and to.
    """

    element: str
    kind: str
    version: str
    target: str
    length: int
    sha256: str
    released: str
    notes: Mapping[str, str]
    requires: Mapping[str, str]
    schema: str | None = None
    unpacked_sha256: str | None = None
    unpacked_size: int | None = None
    patches: tuple[Patch, ...] = ()

    @property
    def plain_sha256(self) -> str:
        """SHA-256 of the file that `Trust.fetch` leaves on disk."""
        return self.unpacked_sha256 or self.sha256

    @property
    def plain_size(self) -> int:
        """Bytes of the file that `Trust.fetch` leaves on disk."""
        return self.length if self.unpacked_size is None else self.unpacked_size


def newness(version: str) -> tuple[tuple[int, int], ...]:
    """A key that sorts versions: numbers by value, `1.0rc1` before `1.0`, `1.0.post1` after it, dates by day."""
    key = [
        (2, int(part)) if part.isdigit() else (_BEFORE.get(part, 1), 0)
        for part in re.findall(r"\d+|[a-z]+", version.lower())
    ]
    return (*key, (0, 0))


def elements(data: bytes) -> list[Element]:
    """The elements of a catalog. Raises `malformed`."""
    found = [_element(one) for one in _list(data, "elements", CATALOG)]
    if len({one.name for one in found}) != len(found):
        raise TrustFault(MALFORMED, file=CATALOG)
    return found


def _element(one: Any) -> Element:
    try:
        name, kind, index = str(one["name"]), str(one["kind"]), str(one["index"])
        title = {lang: str(one["title"][lang]) for lang in ("de", "en")}
    except (KeyError, TypeError) as fault:
        raise TrustFault(MALFORMED, file=CATALOG) from fault
    if not _NAME.fullmatch(name) or kind not in FOLDERS or not index.startswith(f"{FOLDERS[kind]}/"):
        raise TrustFault(MALFORMED, file=CATALOG, element=name[:64])
    return Element(name, kind, index, title)


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of an index, not yet held against its target."""

    version: str
    target: str
    released: str
    patches: tuple[Patch, ...]


def listed(element: Element, data: bytes) -> list[Listed]:
    """The lines of an element's index, newest first. Raises `malformed`."""
    found = [_line(element, one) for one in _list(data, "versions", element.index)]
    if len({one.version for one in found}) != len(found) or len({one.target for one in found}) != len(found):
        raise TrustFault(MALFORMED, file=element.index)
    return sorted(found, key=lambda one: newness(one.version), reverse=True)


def _line(element: Element, one: Any) -> Listed:
    try:
        patches = tuple(Patch(str(p["from"]), str(p["target"])) for p in one.get("patches", ()))
        line = Listed(str(one["version"]), str(one["target"]), str(one.get("released", "")), patches)
    except (KeyError, TypeError, AttributeError) as fault:
        raise TrustFault(MALFORMED, file=element.index) from fault
    home = element.index.rpartition("/")[0]
    inside = all(path.rpartition("/")[0] == home for path in (line.target, *(p.target for p in patches)))
    if (
        not inside
        or not _VERSION.fullmatch(line.version)
        or not all(_HEX.fullmatch(p.source) for p in patches)
    ):
        raise TrustFault(MALFORMED, file=element.index, version=line.version[:64])
    return line


def offer(target: TargetFile, patches: tuple[Patch, ...] = ()) -> Offer:
    """The offer that a signed target is, by its own `custom`. Raises `malformed`."""
    custom = target.custom
    try:
        if not isinstance(custom, dict):
            raise TypeError(target.path)
        packed = custom.get("unpacked_sha256")
        made = Offer(
            element=str(custom["element"]),
            kind=str(custom["kind"]),
            version=str(custom["version"]),
            target=target.path,
            length=target.length,
            sha256=target.hashes["sha256"],
            released=str(custom.get("released", "")),
            notes={str(lang): str(text) for lang, text in dict(custom.get("notes") or {}).items()},
            requires={str(name): str(rule) for name, rule in dict(custom.get("requires") or {}).items()},
            schema=None if custom.get("schema") is None else str(custom["schema"]),
            unpacked_sha256=None if packed is None else str(packed),
            unpacked_size=None if packed is None else int(custom["unpacked_size"]),
            patches=patches,
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise TrustFault(MALFORMED, file=target.path) from fault
    folder = FOLDERS.get(made.kind)
    whole = (
        _HEX.fullmatch(made.sha256)
        and (packed is None or _HEX.fullmatch(made.plain_sha256))
        and made.plain_size >= 0
    )
    named = _NAME.fullmatch(made.element) and _VERSION.fullmatch(made.version)
    if folder is None or not target.path.startswith(f"{folder}/") or not whole or not named:
        raise TrustFault(MALFORMED, file=target.path)
    return made


def agreed(element: Element, line: Listed, found: Offer) -> Offer:
    """The offer, if index and target say the same. Raises `malformed`."""
    said = (element.name, element.kind, line.version, line.released or found.released)
    if said != (found.element, found.kind, found.version, found.released):
        raise TrustFault(MALFORMED, file=line.target, element=element.name, version=line.version)
    return found


def _list(data: bytes, name: str, file: str) -> list[Any]:
    try:
        found = json.loads(data)[name]
    except (ValueError, KeyError, TypeError) as fault:
        raise TrustFault(MALFORMED, file=file) from fault
    if not isinstance(found, list) or len(found) > 10_000:
        raise TrustFault(MALFORMED, file=file)
    return found
