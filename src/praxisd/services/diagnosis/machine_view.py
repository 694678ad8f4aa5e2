"""Computers as the doors show them, and which roles they have for which software."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import not_found
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.model.machine import MachineFacts
from praxisd.model.requirement import Role
from praxisd.services.diagnosis import machine_store, machine_words
from praxisd.services.diagnosis.machine import facts as facts_of
from praxisd.services.diagnosis.machine import own_host, seen_from_here
from praxisd.services.diagnosis.machine_answers import MachineEntry, MachineList, MachineOut
from praxisd.services.diagnosis.measuring import host_name
from praxisd.services.diagnosis.requirement_name_rules import name_faults
from praxisd.services.diagnosis.software_shapes import Software
from praxisd.services.diagnosis.software_store import software

if TYPE_CHECKING:
    from praxisd.kernel.access import Actor
    from praxisd.kernel.app import House

STALE_DAYS = 90
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer: its facts, which role it said it has, whether it is this one."""

    facts: MachineFacts
    role: Role | None
    here: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A computer in its role for one software."""

    machine: Machine
    software: Software
    role: Role


def machines(house: "House", actor: "Actor") -> tuple[list[Machine], tuple[Software, ...], tzinfo]:
    """All computers that are known, this one first and measured now; the software; the zone of the practice."""
    with house.store.read(actor) as tx:
        reported = machine_store.every(tx)
        found = tuple(seen_from_here(house, one) for one in software(tx))
        zone = zone_of(zone_name(house, tx))
    own = facts_of(house)
    others = [Machine(one.facts, one.role, False) for one in reported if one.facts.host != own_host()]
    roles = [one.role for one in found if one.role is not None]
    mine = [] if own is None else [Machine(own, roles[0] if roles else None, True)]
    return [*mine, *others], found, zone


def standings(known: list[Machine], found: tuple[Software, ...]) -> Iterator[Standing]:
    """Every computer that has a role, with every software it has it for."""
    for machine in known:
        for one in found:
            role = one.role if machine.here else machine.role
            if role is not None:
                yield Standing(machine, one, role)


def data_here(one: Software, host: str) -> bool:
    """True if the data of a software lie on the computer of this name."""
    return (host_name(one.host) if one.host else own_host()) == host


def stale(facts: MachineFacts, now: int) -> bool:
    """True if the facts are so old that they may no longer be true."""
    return now - facts.at > STALE_DAYS * DAY_S


def listed(house: "House", actor: "Actor") -> MachineList:
    """All computers."""
    known, _, zone = machines(house, actor)
    now = house.clock.now()
    return MachineList([_entry(one, zone, now) for one in known])


def _entry(one: Machine, zone: tzinfo, now: int) -> MachineEntry:
    return MachineEntry(**_fields(one, zone, now))


def _fields(one: Machine, zone: tzinfo, now: int) -> dict[str, Any]:
    name = one.facts.computer_name.value
    words = filter(None, (one.facts.os.name.value, one.facts.os.edition.value))
    return {
        "host": one.facts.host,
        "here": one.here,
        "role": one.role,
        "at": format_rfc3339(one.facts.at, zone),
        "stale": not one.here and stale(one.facts, now),
        "os": " ".join(words),
        "name_faults": list(name_faults(name)) if name is not None else [],
    }


def shown(house: "House", actor: "Actor", host: str, lang: str) -> MachineOut:
    """One computer; Problem `http.not_found` (404) for an unknown one."""
    known, _, zone = machines(house, actor)
    one = next((m for m in known if m.facts.host == host_name(host)), None)
    if one is None:
        raise not_found("Machine")
    rows = machine_words.rows(one.facts, machine_words.Words(house.texts, lang))
    return MachineOut(facts=one.facts, rows=rows, **_fields(one, zone, house.clock.now()))
