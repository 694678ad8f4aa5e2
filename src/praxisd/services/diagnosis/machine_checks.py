"""Checks of the computers: requirements, names, old facts, disks, and the clock."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.finding import Varies
from praxisd.kernel.service import Check, Finding, Scope, Setting, Severity
from praxisd.services.diagnosis import machine_clock, machine_sample_store, machine_store, machine_view
from praxisd.services.diagnosis.machine import meter, own_host
from praxisd.services.diagnosis.machine_forecast_rules import LOOK_BACK_DAYS, WITHIN_DAYS, forecast
from praxisd.services.diagnosis.machine_sampling import today, volume_key
from praxisd.services.diagnosis.measuring_general import computer_name
from praxisd.services.diagnosis.measuring_probe import bounded
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.requirement_name_rules import LONGEST, name_faults
from praxisd.services.diagnosis.requirement_verdict import Said
from praxisd.services.diagnosis.requirement_view import verdicts, with_rights
from praxisd.services.diagnosis.software_store import software

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NTP = "diagnosis.ntp_server"
WARN_S, KONNEKTOR_S = 5, 300
"""A Konnektor refuses to register who is more than 300 s off (notes/domain.md § 5)."""
SILENT_S = 7_200
_PATIENCE_S = 4.0
WORN_PERCENT = 90
Missed = tuple[str, Said, Said]
"""Name of a product, what it wants, what was measured."""


def requirements(house: "House") -> Iterator[Finding]:
    """Minimum requirements that a computer with a role does not meet: one issue for each computer and kind, whatever the
    number of products that want it. What could not be determined is no issue.
    """
    with house.store.read(system("checks")) as tx:
        if not software(tx):
            return
    known, found, _ = machine_view.machines(house, system("checks"))
    names = products(house)
    missed: dict[tuple[str, str], list[Missed]] = {}
    for one in machine_view.standings(known, found):
        product, machine = names.get(one.software.product), one.machine
        if product is None:
            continue
        facts = with_rights(machine.facts, product, one.software) if machine.here else machine.facts
        for need, verdict in verdicts(product, facts, one.software, one.role):
            if need.level == "must" and verdict.state == "not_fulfilled":
                part = (product.name, verdict.wanted, verdict.measured or Said("absent"))
                missed.setdefault((facts.host, need.kind), []).append(part)
    for (host, kind), parts in sorted(missed.items()):
        told = {"host": host, "products": _products(parts), "reason": f"need_{kind}", "lines": _lines(parts)}
        yield Finding("diagnosis.requirement_missed", f"{host}/{kind}", Severity.WARNING, told)


def _products(parts: Iterable[Missed]) -> str:
    return ", ".join(sorted({product for product, _, _ in parts}))


def _lines(parts: list[Missed]) -> list[dict[str, Any]]:
    """What is wanted and what was measured, each pair once with the products that want it: keys of texts and numbers,
    for an issue is kept in no language.
    """
    found: dict[str, list[Missed]] = {}
    for part in parts:
        found.setdefault(repr(part[1:]), []).append(part)
    one = len(found) == 1
    lines = [
        {
            "text": f"diagnosis.missed.{'all' if one else 'some'}",
            "values": {
                "wanted": _text(same[0][1]),
                "measured": _text(same[0][2]),
                "products": _products(same),
            },
        }
        for same in found.values()
    ]
    return sorted(lines, key=repr)


def _text(said: Said) -> dict[str, Any]:
    # Free space changes all the time; by whole GB it is not a new fact every minute.
    whole = said.key == "free"
    values = {name: round(v) if whole and isinstance(v, float) else v for name, v in said.params.items()}
    return {"text": f"diagnosis.said.{said.key}", "values": values}


def names_and_age(house: "House") -> Iterator[Finding]:
    """Names of computers that break the rule, and facts that nobody has renewed for long."""
    with house.store.read(system("checks")) as tx:
        reported = [one.facts for one in machine_store.every(tx)]
        now, used = tx.now, bool(software(tx))
    # The rule is one of practice software: without any, the server's own name is nobody's business.
    own = {own_host(): computer_name()} if used else {}
    named = {**own, **{f.host: f.computer_name.value or f.host for f in reported}}
    for host, name in named.items():
        if name_faults(name):
            facts = {"host": name, "most": LONGEST}
            yield Finding("diagnosis.machine_name", host, Severity.WARNING, facts)
    for one in reported:
        if machine_view.stale(one, now):
            facts = {"host": one.host, "days": machine_view.STALE_DAYS}
            yield Finding("diagnosis.machine_stale", one.host, Severity.WARNING, facts)


def disks(house: "House") -> Iterator[Finding]:
    """Drives that will soon be full, and disks that say they are worn. A disk that says nothing is no issue."""
    facts = meter(house).measure(house.clock.now(), 6.0, only=("disks",))
    with house.store.read(system("checks")) as tx:
        samples = machine_sample_store.since(tx, today(house, tx) - timedelta(days=LOOK_BACK_DAYS))
    for disk in facts.disks.value or ():
        # Nodes that share a database have drives of the same name.
        name = disk.volume if house.store.alone else f"{disk.volume} ({own_host()})"
        coming = forecast(samples.get(volume_key(disk.volume), {}))
        free = disk.free_gb.value
        if coming is not None and free is not None and coming.days <= WITHIN_DAYS:
            told = {
                "volume": name,
                "days": coming.days,
                "daily": coming.daily_mb,
                "free": round(free) * 1_000,
            }
            yield Finding("diagnosis.disk_forecast", name, Severity.WARNING, told)
        worn = disk.worn.value
        if disk.healthy.value is False or (worn is not None and worn >= WORN_PERCENT):
            severity = Severity.ERROR if disk.healthy.value is False else Severity.WARNING
            told = {"volume": name, "worn": "?" if worn is None else worn}
            yield Finding("diagnosis.disk_worn", name, severity, told)


def clock(house: "House") -> Iterator[Finding]:
    """The clock against the first time server that answers; what it said is kept (`machine_clock.last`).

    Where none answers for long, that is said: who named a server believes that the clock is looked after.
    """
    with house.store.read(system("checks")) as tx:
        named = machine_clock.servers(house.settings.get(tx, NTP))[:3]
    machine_clock.forget(house, named)
    for host, port in named:
        try:
            # Bounded as a whole: without a network the name alone takes its time.
            ahead = bounded(f"ntp {host} {port}", partial(machine_clock.offset, host, port), _PATIENCE_S)
        except (machine_clock.NoTime, OSError):
            continue
        machine_clock.note(house, machine_clock.Compared(host, port, ahead, house.clock.now()))
        wrong = abs(ahead)
        if wrong > WARN_S:
            severity = Severity.ERROR if wrong > KONNEKTOR_S else Severity.WARNING
            yield Finding("clock.ntp_differs", "", severity, {"seconds": round(wrong), "server": host})
        return
    before = machine_clock.last(house)
    # One lost packet is no news: the check of an hour ago may have had its answer.
    if named and (before is None or house.clock.now() - before.at > SILENT_S):
        told = {"servers": ", ".join(host for host, _ in named)}
        yield Finding("clock.ntp_silent", "", Severity.INFO, told)


def check_servers(value: str) -> None:
    """Names of hosts, nothing else."""
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[], ")
    named = machine_clock.servers(value)
    good = set(value) <= letters and all(host and 0 < port < 65_536 for host, port in named)
    if not good or len(named) > 3:
        raise Problem("settings.invalid", 422, key=NTP, reason="name, name:123", low=0, high=200)


SETTINGS = (Setting(NTP, str, "", Scope.INSTALLATION, 0, 200, check=check_servers),)
CHECKS = (
    Check(
        "diagnosis.requirements",
        ("diagnosis.requirement_missed",),
        requirements,
        seconds=15,
        every_s=600,
        place=own_host,
        grave=Severity.WARNING,
    ),
    Check(
        "diagnosis.machines",
        ("diagnosis.machine_name", "diagnosis.machine_stale"),
        names_and_age,
        every_s=600,
        place=own_host,
        grave=Severity.WARNING,
    ),
    Check(
        "diagnosis.disks",
        ("diagnosis.disk_forecast", "diagnosis.disk_worn"),
        disks,
        seconds=10,
        every_s=600,
        place=own_host,
        grave={
            "diagnosis.disk_forecast": Severity.WARNING,
            "diagnosis.disk_worn": Varies("diagnosis.disk_worn.grave", (Severity.ERROR, Severity.WARNING)),
        },
    ),
    Check(
        "diagnosis.clock",
        ("clock.ntp_differs", "clock.ntp_silent"),
        clock,
        seconds=15,
        every_s=3_600,
        place=own_host,
        grave={
            "clock.ntp_differs": Varies("clock.ntp_differs.grave", (Severity.ERROR, Severity.WARNING)),
            "clock.ntp_silent": Severity.INFO,
        },
    ),
)
PROBLEMS = (
    "diagnosis.seat_unreachable", "diagnosis.seat_untrusted", "diagnosis.seat_refused", "diagnosis.seat_bad_key",
    "diagnosis.facts_unreadable",
)  # fmt: skip
