"""What of the directive can be measured: facts of the computers, and issues that are open. What cannot is unknown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import issues
from praxisd.kernel.access import system
from praxisd.kernel.finding import Severity
from praxisd.model.directive import Look
from praxisd.model.machine import MachineFacts
from praxisd.services.diagnosis import directive_rules as rules
from praxisd.services.diagnosis import directive_store, machine_clock, machine_view
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.machine_checks import NTP, WARN_S
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

CLOCK = frozenset({"clock.jumped", "clock.ntp_differs"})
_BACKUP = "diagnosis.directive_backup"
_COMPUTERS = ("updates", "supported", "firewall", "antivirus", "removable")
PROBES = (*_COMPUTERS, "clock", "backup")
_DAY_S = 86_400
_NO_SEATS = ("server", "terminal")
"""Computers in these roles are not among those that work with the practice software."""


@dataclass(frozen=True, slots=True)
class Computers:
    """All that are known; how many of them are workstations of which something fresh is known, and how many there are (0:
    nobody said); since when updates wait; when it is (epoch s).
    """

    facts: list[MachineFacts]
    seats: int
    expected: int
    waiting: dict[str, date]
    now: int


def looks(house: "House", probes: Iterable[str], today: date) -> dict[str, Look]:
    """What each of these probes finds now, about this computer and those that reported. May wait some seconds."""
    wanted = set(probes)
    found: dict[str, Look] = {}
    if of_computers := wanted & set(_COMPUTERS):
        all_ = _computers(house)
        for name in of_computers:
            verdicts = {
                one.host: rules.aged(_of(name, one, all_, today), one.at, all_.now) for one in all_.facts
            }
            found[name] = rules.together(name, verdicts, all_.seats, all_.expected)
    if "clock" in wanted:
        found["clock"] = _clock(house)
    if "backup" in wanted:
        found["backup"] = _backup(house)
    return found


def _computers(house: "House") -> Computers:
    with house.store.read(system("diagnosis")) as tx:
        practices = len(directory.organization_ids(tx))
        since = directive_store.waiting(tx)
    known, used, _ = machine_view.machines(house, system("diagnosis"))
    now = house.clock.now()
    # This one is measured now, whatever the clock of the measurement said.
    facts = [msgspec.structs.replace(one.facts, at=now) if one.here else one.facts for one in known]
    fresh = [
        one for one, told in zip(known, facts, strict=True)
        if one.role not in _NO_SEATS and now - told.at <= rules.FRESH_S
    ]  # fmt: skip
    # Several programs of one practice run on the same computers; those of two practices do not.
    devices = [one.devices for one in used]
    expected = 0 if not all(devices) else max(devices, default=0) if practices < 2 else sum(devices)
    return Computers(facts, len(fresh), expected, since, now)


def note_waiting(house: "House", today: date) -> None:
    """Keep since when updates wait on which computer; from time to time, since no computer tells it."""
    pending = {one.host: one.updates_pending for one in _computers(house).facts}
    with house.store.read(system("diagnosis")) as tx:
        before = directive_store.waiting(tx)
    now = rules.waiting(before, pending, today)
    if now != before:
        house.store.run(system("diagnosis"), lambda tx: directive_store.put_waiting(tx, now))


def _of(probe: str, one: MachineFacts, all_: Computers, today: date) -> tuple[bool | None, str | None]:
    if probe == "supported":
        return rules.supported(one.os, catalogue().system, today)
    if probe == "removable":
        return rules.removable(one.disks)
    if probe == "updates":
        return rules.updates(one.updates_pending, all_.waiting.get(one.host), today)
    if probe == "antivirus":
        scanners = one.antivirus
        return (None, scanners.why) if scanners.value is None else (bool(scanners.value), None)
    return one.firewall.value, one.firewall.why


def _open(house: "House") -> Sequence[str]:
    with house.store.read(system("diagnosis")) as tx:
        return [one.code for one in issues.list_open(tx) if one.severity is not Severity.INFO]


def _clock(house: "House") -> Look:
    """Good only if a time server that the practice named answered within a day."""
    with house.store.read(system("diagnosis")) as tx:
        named = machine_clock.servers(house.settings.get(tx, NTP))
    last = machine_clock.last(house)
    wrong = last is not None and abs(last.seconds) > WARN_S
    if wrong or CLOCK & set(_open(house)):
        return Look("bad", "clock.bad")
    if not named:
        return Look("unknown", "alone", why="no_time_server")
    if last is None or (last.host, last.port) not in named or house.clock.now() - last.at > _DAY_S:
        return Look("unknown", "alone", why="no_answer")
    return Look("good", "clock.good", {"server": last.host})


def answer_backup(house: "House", ask: Callable[[], bool | None]) -> None:
    """For the service that makes the backup: `ask()` says whether it is recent and was proved, or None if it cannot tell.

    It tells of praxisd's own data only: the item speaks of the practice's backup, so a person has to say that it is done.
    Until somebody answers, nothing is known: that no issue is open proves nothing.
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
