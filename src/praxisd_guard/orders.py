"""Orders: files by which the server asks the guard for something. The server writes them, the guard takes them.

An order is waiting until its first line stands in the journal; then its file is removed. `journal.outcome`
tells how it goes on.
"""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd_guard import journal
from praxisd_guard.durable import put, put_json, read_json, sync_folder
from praxisd_guard.places import Places, valid_order, valid_version

KINDS = ("install", "restart", "try_again", "switch_back")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TEXTS = ("version", "package", "target", "seen")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One wish. `install` needs `version`, `package` (absolute path of the zip), `target` (its TUF path) and `seen`
    (folder with the repository's metadata as the server fetched it); the other kinds need none of them.
    """

    id: str
    kind: str
    """One of KINDS."""
    by: str
    """Id of the actor who wants it."""
    reason: str
    """A code, not a sentence: `planned`, `person`, …"""
    at: float
    """Epoch seconds when it was given."""
    version: str | None = None
    package: str | None = None
    target: str | None = None
    seen: str | None = None
    announce_s: float = 0.0
    """The guard stops the server no earlier than so many seconds after `at`: the time that was announced."""
    hold_s: float = 0.0
    """When all is ready to be stopped (`unpacked`), the guard waits at most so long for `release`: in this time the
    server closes its doors. 60 at most."""


def new_id() -> str:
    """A new id: 26 characters; the first ten are the time, so that orders sort as they were given."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def order(kind: str, by: str, reason: str, **more: Any) -> Order:
    """A new order from now on; `more` are the fields of its kind. ValueError for one that could not be carried out."""
    made = Order(id=new_id(), kind=kind, by=by, reason=reason, at=time.time(), **more)
    _check(made)
    return made


def give(home: Path, wish: Order) -> str:
    """Leave an order for the guard of `home` and return its id. ValueError for an incomplete one; OSError."""
    _check(wish)
    places = Places(home)
    places.orders.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {name: value for name, value in vars(wish).items() if value is not None}
    put_json(places.order(wish.id), content)
    return wish.id


def waiting(home: Path) -> list[Order]:
    """The orders that wait, oldest first (for the guard).

    One that cannot be read is refused in the journal (`guard.order_unreadable`) and removed; one that the
    journal knows already was left over by a guard that was killed, and is removed.
    """
    found = []
    for path in _files(home):
        content = read_json(path)
        if journal.knows(home, path.stem):
            taken(home, path.stem)
            continue
        try:
            found.append(_from(path.stem, content))
        except (ValueError, TypeError):
            journal.Journal(home).write("order", "refused", order=path.stem, code="guard.order_unreadable")
            taken(home, path.stem)
    return found


def is_waiting(home: Path, order_id: str) -> bool:
    """True while the file of this order lies there."""
    return Places(home).order(order_id).is_file()


def taken(home: Path, order_id: str) -> None:
    """Remove the file of an order: its first line stands in the journal now."""
    path = Places(home).order(order_id)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def release(home: Path, order_id: str) -> None:
    """The server's doors are closed: the guard may stop it (see `Order.hold_s`). OSError."""
    put(_released(home, order_id), b"")


def released(home: Path, order_id: str) -> bool:
    """Was `release` said of this order?"""
    return _released(home, order_id).exists()


def _released(home: Path, order_id: str) -> Path:
    return Places(home).order(order_id).with_suffix(".go")


def _files(home: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(Places(home).orders))
    except FileNotFoundError:
        return []
    paths = [Places(home).orders / name for name in names if name.endswith(".json")]
    return [path for path in paths if valid_order(path.stem)]


def _check(wish: Order) -> None:
    if not valid_order(wish.id):
        raise ValueError(f"not an id of an order: {wish.id!r}")
    if wish.kind not in KINDS:
        raise ValueError(f"no such order: {wish.kind!r}")
    if wish.version is not None and not valid_version(wish.version):
        raise ValueError(f"not a version: {wish.version!r}")
    if wish.kind == "install":
        missing = [name for name in _TEXTS if not getattr(wish, name)]
        if missing:
            raise ValueError(f"an install order needs {', '.join(missing)}")
        if not os.path.isabs(wish.package or "") or not os.path.isabs(wish.seen or ""):
            raise ValueError("package and seen are absolute paths")


def _from(order_id: str, content: dict[str, Any] | None) -> Order:
    if content is None or content.get("id") != order_id:
        raise ValueError("not an order")
    texts = {name: content.get(name) for name in ("kind", "by", "reason", *_TEXTS)}
    if any(value is not None and not isinstance(value, str) for value in texts.values()):
        raise ValueError("not an order")
    made = Order(
        id=order_id,
        at=float(content["at"]) if "at" in content else time.time(),
        announce_s=max(0.0, min(float(content.get("announce_s", 0.0)), 3600.0)),
        hold_s=max(0.0, min(float(content.get("hold_s", 0.0)), 60.0)),
        **(texts | {name: texts[name] or "" for name in ("kind", "by", "reason")}),  # type: ignore[arg-type]
    )
    _check(made)
    return made
