"""What of the directive can be measured: facts of the computers, and issues that are open. What cannot is unknown."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.finding import Severity
from praxisd.model.directive import Look
from praxisd.model.machine import MachineFacts
from praxisd.services.diagnosis import directive_rules as rules
from praxisd.services.diagnosis import machine, machine_store
from praxisd.services.diagnosis.directive_catalogue import catalogue

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CLOCK = frozenset({"clock.jumped", "clock.ntp_differs"})
TIME_SERVER = "diagnosis.ntp_server"
_BACKUP = "diagnosis.directive_backup"
_COMPUTERS = ("updates", "supported", "firewall", "antivirus", "removable")
PROBES = (*_COMPUTERS, "clock", "backup")


def looks(house: "House", probes: Iterable[str], today: date) -> dict[str, Look]:
    """What each of these probes finds now, about this computer and those that reported. May wait some seconds."""
    wanted = set(probes)
    computers = _computers(house) if wanted & set(_COMPUTERS) else []
    found = {
        name: rules.together(name, {one.host: _of(name, one, today) for one in computers})
        for name in wanted & set(_COMPUTERS)
    }
    if "clock" in wanted:
        found["clock"] = _clock(house)
    if "backup" in wanted:
        found["backup"] = _backup(house)
    return found


def _computers(house: "House") -> list[MachineFacts]:
    here = machine.facts(house)
    with house.store.read(system("diagnosis")) as tx:
        reported = [one.facts for one in machine_store.every(tx)]
    return [*([here] if here else []), *(one for one in reported if here is None or one.host != here.host)]


def _of(probe: str, one: MachineFacts, today: date) -> tuple[bool | None, str | None]:
    if probe == "supported":
        return rules.supported(one.os, catalogue().system, today)
    if probe == "removable":
        return rules.removable(one.disks)
    if probe == "updates":
        waiting = one.updates_pending
        return (None, waiting.why) if waiting.value is None else (waiting.value == 0, None)
    if probe == "antivirus":
        scanners = one.antivirus
        return (None, scanners.why) if scanners.value is None else (bool(scanners.value), None)
    return one.firewall.value, one.firewall.why


def _open(house: "House") -> Sequence[str]:
    with house.store.read(system("diagnosis")) as tx:
        return [one.code for one in issues.list_open(tx) if one.severity is not Severity.INFO]


def _clock(house: "House") -> Look:
    if CLOCK & set(_open(house)):
        return Look("bad", "clock.bad")
    with house.store.read(system("diagnosis")) as tx:
        compared = TIME_SERVER in house.registry.settings and house.settings.get(tx, TIME_SERVER)
    return Look("good", "clock.good") if compared else Look("unknown", "alone", why="no_time_server")


def answer_backup(house: "House", ask: Callable[[], bool | None]) -> None:
    """For the service that makes the backup: `ask()` says whether it is recent and was proved, or None if it cannot tell.

    Until somebody answers, the item is never measured as good: that no issue is open proves nothing.
    """
    house.shared[_BACKUP] = ask


def _backup(house: "House") -> Look:
    if any(code.startswith("backups.") for code in _open(house)):
        return Look("bad", "backup.bad")
    ask = house.shared.get(_BACKUP)
    good = None if ask is None else ask()
    if good is None:
        return Look("unknown", "alone", why="no_backup")
    return Look("good", "backup.good") if good else Look("bad", "backup.bad")
