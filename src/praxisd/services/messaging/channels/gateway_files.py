"""Where descriptions of gateways lie: those that ship with praxisd, and a practice's own in DIR/gateways/*.toml.

A wrong file of a practice takes nothing away from the others: it is named as an Issue, with the line.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.messaging.channels.descriptions import Description, GatewayFault, parse

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FOLDER = "gateways"
INVALID = "messaging.gateway_file_invalid"
RESERVED = frozenset({"smtp"})
_MOST_BYTES = 200_000


@cache
def built_in() -> Mapping[str, Description]:
    """The descriptions that ship with praxisd."""
    found = {}
    for entry in files("praxisd.services.messaging").joinpath(FOLDER).iterdir():
        if entry.name.endswith(".toml"):
            name = entry.name.removesuffix(".toml")
            found[name] = parse(name, entry.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def read(file: Path) -> Description:
    """The description in one file of a practice; GatewayFault if it is wrong."""
    name = file.stem
    if name in RESERVED or name in built_in():
        raise GatewayFault(file.name, 0, "this name belongs to a gateway that ships with praxisd")
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise GatewayFault(file.name, 0, f"larger than {_MOST_BYTES} bytes")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise GatewayFault(file.name, 0, "not UTF-8") from None
    except OSError as error:
        raise GatewayFault(file.name, 0, error.strerror or "cannot be read") from None
    return parse(name, text)


_known: dict[Path, tuple[tuple[int, int], Description | GatewayFault]] = {}


def _own(folder: Path) -> Iterator[tuple[Path, Description | GatewayFault]]:
    """Each file of the practice with what it says; read anew when it has changed."""
    if not folder.is_dir():
        return
    for file in sorted(folder.glob("*.toml")):
        try:
            state = file.stat()
        except OSError:
            continue
        stamp = (state.st_mtime_ns, state.st_size)
        known = _known.get(file)
        if known is None or known[0] != stamp:
            try:
                said: Description | GatewayFault = read(file)
            except GatewayFault as fault:
                said = fault
            known = _known[file] = (stamp, said)
        yield file, known[1]


def descriptions(house: "House") -> dict[str, Description]:
    """All descriptions that can be used, by name."""
    own = {file.stem: one for file, one in _own(house.folder / FOLDER) if not isinstance(one, GatewayFault)}
    return {**built_in(), **own}


def faults(house: "House") -> Iterator[Finding]:
    """A warning for each file of the practice that cannot be used."""
    for _, one in _own(house.folder / FOLDER):
        if isinstance(one, GatewayFault):
            params = {"file": one.file, "line": one.line, "said": one.said}
            yield Finding(INVALID, f"Gateway/{one.file}", Severity.WARNING, params)


CHECKS = (Check("messaging.gateway_files", (INVALID,), faults, grave=Severity.WARNING),)
PROBLEMS = (
    "messaging.answer_lost",
    "messaging.gateway_busy",
    "messaging.number_busy",
    "messaging.gateway_credentials",
    "messaging.gateway_field",
    "messaging.gateway_no_credits",
    "messaging.gateway_refused",
    "messaging.gateway_rejected",
    "messaging.gateway_unknown",
    "messaging.gateway_unreachable",
    "messaging.hook_malformed",
    "messaging.hook_refused",
    "messaging.number_rejected",
    "messaging.sms_expired",
    "messaging.sms_failed",
    "messaging.too_late",
)
"""Codes of SMS: of problems, and of what became of one message."""
