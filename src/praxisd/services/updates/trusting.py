"""Trust at work: one view of the repository at a time, and what it offers written into the tables."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.updates import places, rules, settings, source, store, words
from praxisd_guard.faults import UNREACHABLE, TrustFault
from praxisd_guard.sources import FolderSource, Source, is_repository

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd_guard.trust import Trust
    from praxisd_guard.trust_offers import Element, Offer

SEEN = "seen"
"""Folder with the metadata as they were accepted last: the guard checks an order against them."""


def trust(house: "House", chosen: Source, keep: bool = True) -> "Trust":
    """Our view of a repository; Problem `updates.no_root` (409) where it is not known whose signatures count."""
    from praxisd_guard.trust import Trust  # its libraries would be a good part of the server's start

    root = places.root(house)
    if root is None:
        raise Problem("updates.no_root", 409)
    copy = places.folder(house, SEEN) if keep else None
    return Trust(places.folder(house), root, chosen, now=lambda: float(house.clock.now()), keep=copy)


@contextmanager
def looking(house: "House", chosen: Source, keep: bool = True) -> "Iterator[Trust]":
    """`trust` for one look at a time; what it refuses comes out as a Problem."""
    with _lock(house), faults():
        found = trust(house, chosen, keep)
        try:
            yield found
        finally:
            found.close()


def _lock(house: "House") -> threading.Lock:
    found: threading.Lock = house.shared.setdefault("updates_looking", threading.Lock())
    return found


@contextmanager
def letting_others(house: "House") -> Iterator[None]:
    """Inside `looking`: others may look while a long file is fetched, so that an order need not wait for a download."""
    lock = _lock(house)
    lock.release()
    try:
        yield
    finally:
        lock.acquire()


@contextmanager
def faults() -> Iterator[None]:
    """What the trust layer refuses, as a Problem."""
    try:
        yield
    except TrustFault as fault:
        raise words.problem(fault.code, fault.retry, **fault.params) from None


@contextmanager
def rechecking(house: "House") -> "Iterator[Trust]":
    """A fresh look right before something is installed. Where the source is away, what was accepted last has to do: it
    is still checked with all rules, its expiry among them.
    """
    address = settings.chosen(house).address
    seen = places.folder(house, SEEN)
    if address:
        with looking(house, source.of(house, address)) as found:
            try:
                found.refresh()
            except TrustFault as fault:
                if fault.code != UNREACHABLE or not is_repository(seen):
                    raise
            else:
                yield found
                return
    elif not is_repository(seen):
        raise Problem("updates.no_address", 409)
    with looking(house, FolderSource(seen), keep=False) as found:
        found.refresh()
        yield found


def note_elements(tx: "Tx", found: "list[Element]") -> None:
    """Write down which elements there are. praxisd itself is subscribed from the start, all else by a person."""
    known = {one.element: one for one in store.elements(tx)}
    for one in found:
        before = known.get(one.name)
        row: dict[str, Any] = {
            "element": one.name,
            "kind": one.kind,
            "title_de": one.title["de"],
            "title_en": one.title["en"],
            "seen_at": tx.now,
            "subscribed": int(one.kind == "software") if before is None else before.subscribed,
            "subscribed_by": None if before is None else before.subscribed_by,
            "subscribed_at": None if before is None else before.subscribed_at,
        }
        same = before is not None and all(getattr(before, k) == v for k, v in row.items() if k != "seen_at")
        if not same:
            store.put_element(tx, **row)


def note_offers(tx: "Tx", element: str, found: "list[Offer]", origin: str = "download") -> None:
    """Write down which versions of an element there are; one that is not offered any more, and never was here, goes."""
    known = {one.version: one for one in store.packages(tx) if one.element == element}
    for offer in found:
        note_offer(tx, offer, known.pop(offer.version, None), origin)
    for gone in known.values():
        if gone.state == "available" and origin == "download":
            store.change_package(tx, gone, state="removed")


def note_offer(tx: "Tx", offer: "Offer", before: Any | None, origin: str) -> str:
    """Write down one version; its id. What is here already keeps its state unless it is another file now."""
    custom = json.dumps(
        {"notes": dict(offer.notes), "requires": dict(offer.requires), "schema": offer.schema}, sort_keys=True
    )
    fresh = {
        "target": offer.target,
        "size": offer.length,
        "sha256": offer.plain_sha256,
        "custom": custom,
        "released": offer.released,
    }
    if before is None:
        id_ = new_id()
        store.put_package(
            tx, id=id_, element=offer.element, kind=offer.kind, version=offer.version, state="available",
            reason=None, params="{}", path=None, source=origin, log=None, actor=None, seen_at=tx.now, downloaded_at=None,
            installed_at=None, changed_at=tx.now, **fresh,
        )  # fmt: skip
        return id_
    if any(getattr(before, name) != value for name, value in fresh.items()):
        other = before.sha256 != offer.plain_sha256 and before.state in ("waiting", "downloading")
        store.change_package(tx, before, **fresh, **({"state": "available", "path": None} if other else {}))
    elif before.state == "removed" and before.downloaded_at is None:
        store.change_package(tx, before, state="available")
    return str(before.id)


def best(house: "House", packages: list[Any], installed: str | None, version: str) -> Any | None:
    """The newest version of an element that is newer than the one in use and suits the running praxisd, or None."""
    fitting = [
        one
        for one in packages
        if rules.newer(one.version, installed)
        and one.state != "removed"
        and rules.fits(str((json.loads(one.custom).get("requires") or {}).get("praxisd") or ""), version)
    ]
    return max(fitting, key=lambda one: rules.rank(one.version), default=None)


def file_of(house: "House", package: Any) -> Path:
    """Where the file of a package lies or is to lie: plain, so without `.zst`."""
    name = str(package.target).rpartition("/")[2].removesuffix(".zst")
    return places.package_folder(house, package.element) / name
