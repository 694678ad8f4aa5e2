"""What may stand in a support package: values of a few types, each checked by what it is. Pure.

A package is built from what is allowed, not cleaned of what is not (SPEC 7.11): a collector gives each value one of the
types below, and a value that does not pass as its type is not told. Nothing is masked by guessing: where a person can
have typed it, it is not there, and the line names it under `hidden`, so that both sides see that something is.

Types: number (and yes/no); time (UTC); word (one of those the program itself knows); version (digits and dots); place in
the program (`module:line:function`); host (a name or an address in the network); id (made by the program); number of a
customer.
"""

import re
import sys
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import msgspec

_VERSION = re.compile(r"\d{1,8}(\.\d{1,8}){0,4}((a|b|rc|\.dev|\.post)\d{1,4})?")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9-]{1,63})*")
_PLACE = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):(\d{1,6}):([A-Za-z_<][A-Za-z0-9_<>]{0,79})")
_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
_CUSTOMER = re.compile(r"[A-Za-z]{0,3}[ -]?\d[\d ./-]{0,19}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Hidden:
    """There is something, and it is not told."""

    __slots__ = ()


HIDDEN = _Hidden()
Value = bool | int | float | str | list[str] | None | _Hidden
"""A value that has passed, or HIDDEN. None says that there is nothing; such fields are left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a package: of which part, and its values by name."""

    part: str
    values: Mapping[str, Value]

    def encoded(self) -> bytes:
        """The line as JSON in UTF-8, without a line feed. Values that are HIDDEN are only named."""
        line: dict[str, Any] = {"part": self.part}
        line |= {k: v for k, v in self.values.items() if v is not None and not isinstance(v, _Hidden)}
        hidden = [k for k, v in self.values.items() if isinstance(v, _Hidden)]
        if hidden:
            line["hidden"] = hidden
        return msgspec.json.encode(line)


def number(value: object) -> Value:
    """A number, or yes or no."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return round(value, 3)
    return HIDDEN


def time(epoch: object) -> Value:
    """Epoch seconds as UTC."""
    if epoch is None:
        return None
    if isinstance(epoch, bool) or not isinstance(epoch, int | float) or not 0 <= epoch < 2**35:
        return HIDDEN
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(value: object) -> Value:
    """A time that was written down before (RFC 3339)."""
    try:
        return time(datetime.fromisoformat(str(value)).timestamp())
    except (ValueError, OverflowError):
        return HIDDEN


def word(value: object, known: Container[str]) -> Value:
    """One of the words the program knows."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) and value in known else HIDDEN


def subject(value: object, known: Container[str]) -> Value:
    """What an issue is about, part by part (`anmeldung/memory_gb`): words the program knows and its ids, `…` for any other."""
    if value is None or value == "":
        return None
    told = [one if one in known or _ID.fullmatch(one) else "…" for one in str(value).split("/")]
    return HIDDEN if set(told) == {"…"} else "/".join(told)


def words(values: Iterable[object], known: Container[str]) -> Value:
    """Those of the words that the program knows, if all are."""
    found = [str(one) for one in values]
    return found if all(one in known for one in found) else HIDDEN


def version(value: object) -> Value:
    """Digits and dots, as versions are written; what follows them (a distribution's own words) is cut off."""
    if value is None or value == "":
        return None
    found = _VERSION.match(str(value).removeprefix("v"))
    return found[0] if found else HIDDEN


def host(value: object) -> Value:
    """The name or address of a computer."""
    if value is None or value == "":
        return None
    text = str(value)
    try:
        return str(ip_address(text))
    except ValueError:
        return text if _HOST.fullmatch(text) else HIDDEN


def place(value: object) -> Value:
    """Where in the program something happened: a module that is loaded, a line, a function."""
    found = _PLACE.fullmatch(str(value))
    return str(value) if found and found[1] in sys.modules else HIDDEN


def error_type(value: object) -> Value:
    """The type of an exception, if it is one that exists: `ValueError`, `praxisd.kernel.errors.Problem`."""
    module, _, name = str(value).rpartition(".")
    found = getattr(sys.modules.get(module or "builtins"), name, None)
    return str(value) if isinstance(found, type) and issubclass(found, BaseException) else HIDDEN


def ident(value: object) -> Value:
    """An id that the program made (`kernel/ids.py`), or a SHA-256."""
    if value is None or value == "":
        return None
    text = str(value)
    return text if _ID.fullmatch(text) or _DIGEST.fullmatch(text) else HIDDEN


def customer(value: object) -> Value:
    """The practice's number at its service partner: mostly digits."""
    if value is None or value == "":
        return None
    return str(value) if _CUSTOMER.fullmatch(str(value)) else HIDDEN
