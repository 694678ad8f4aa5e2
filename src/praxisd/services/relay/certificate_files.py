"""Certificates that somebody else looks after: two PEM files, read anew when they change, judged before they are used."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.services.relay.certificate_making import Material, context

if TYPE_CHECKING:
    from praxisd.services.relay.certificates import Held

UNREADABLE, WRONG_PAIR, WRONG_NAME, EXPIRED = FAULTS = (
    "relay.certificate_unreadable",
    "relay.certificate_wrong_pair",
    "relay.certificate_wrong_name",
    "relay.certificate_expired",
)
MOST_BYTES = 256 * 1024
Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the chosen certificate is not in force, or not good for all its names. `code` is one of FAULTS."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read. `material` None: it cannot be used, `code` and `detail` say why; `marks` tell a change."""

    paths: tuple[Path, Path]
    marks: tuple[Mark | None, Mark | None]
    material: Material | None = None
    code: str = ""
    detail: str = ""


def look(certificate: Path, key: Path, before: Seen | None) -> Seen:
    """The pair; `before` itself while the files are the same."""
    paths = (certificate, key)
    marks = (_mark(certificate), _mark(key))
    if before is not None and before.paths == paths and before.marks == marks and None not in marks:
        return before
    try:
        material = Material(_read(certificate).decode("ascii"), _read(key))
        fits = material.matches
    except OSError as error:
        return Seen(paths, marks, None, UNREADABLE, error.strerror or "")
    except ValueError:
        return Seen(paths, marks, None, UNREADABLE, "PEM")
    if not fits:
        return Seen(paths, marks, None, WRONG_PAIR)
    try:
        context(material)
    except (ssl.SSLError, ValueError) as error:
        return Seen(paths, marks, None, UNREADABLE, getattr(error, "reason", "") or "")
    return Seen(paths, marks, material)


def standing(held: "Held", names: tuple[str, ...], now: int) -> tuple[Fault, ...]:
    """What is wrong with a pair that can be used: names it does not carry, an end that has passed."""
    missing = [
        one for one in names if one != "localhost" and not any(_covers(has, one) for has in held.names)
    ]
    found = [Fault(WRONG_NAME, ", ".join(missing))] if missing else []
    if held.not_after <= now:
        found.append(Fault(EXPIRED))
    return tuple(found)


def _covers(pattern: str, name: str) -> bool:
    """A wildcard stands for exactly one label (RFC 6125 § 6.4.3)."""
    if not pattern.startswith("*."):
        return pattern == name
    return name.partition(".")[2] == pattern[2:] and "." in pattern[2:]


def _mark(path: Path) -> Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("too large")
    return data
