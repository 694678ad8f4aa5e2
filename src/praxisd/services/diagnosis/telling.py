"""What the diagnosis tells a support package: how many requirements and port rows are in which state, by product.

Counts and words of the program only: no host, no folder, nothing that anybody has typed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from praxisd.kernel.access import system
from praxisd.model.requirement import Requirement, Role
from praxisd.services.diagnosis import machine_view, port_rules, port_view
from praxisd.services.diagnosis.directive_catalogue import catalogue
from praxisd.services.diagnosis.port_rows import OWN
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.requirement_verdict import State
from praxisd.services.diagnosis.requirement_view import verdicts, with_rights
from praxisd.services.diagnosis.software_store import software

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KINDS = frozenset(str(one.__struct_config__.tag) for one in get_args(Requirement))
"""Kinds of requirements."""
STATES: tuple[str, ...] = get_args(State)
PORT_STATES = port_rules.STATES
_SUBJECTS = frozenset({"Directive", "Product", "ProductFile", "Software", OWN})


@dataclass(frozen=True, slots=True)
class Met:
    """Requirements of a product (its id) on one computer in a role: how many are in which of STATES, and the kinds of those
    that are not fulfilled. `here`: this computer.
    """

    product: str
    role: Role
    here: bool
    states: Mapping[str, int]
    missed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ports:
    """Port rows of a product (its id, or `praxisd`): how many are in which of PORT_STATES."""

    product: str
    states: Mapping[str, int]


def subject_words(house: "House") -> frozenset[str]:
    """Words of the program in the subjects of issues: requirement kinds, rows of products we brought, checklist items."""
    brought = [one for one in products(house).values() if one.origin != "own"]
    rows = {port.id for one in brought for port in one.ports}
    return frozenset(
        {*KINDS, *_SUBJECTS, *rows, *(one.id for one in brought), *(one.id for one in catalogue().item)}
    )


def requirement_counts(house: "House") -> list[Met]:
    """Of every practice software on every computer that has a role for it. Measures this computer: seconds."""
    with house.store.read(system("diagnosis")) as tx:
        if not software(tx):
            return []
    known, entered, _ = machine_view.machines(house, system("diagnosis"))
    names = products(house)
    found = []
    for one in machine_view.standings(known, entered):
        product, machine = names.get(one.software.product), one.machine
        if product is None:
            continue
        facts = with_rights(machine.facts, product, one.software) if machine.here else machine.facts
        judged = verdicts(product, facts, one.software, one.role)
        missed = tuple(sorted({need.kind for need, verdict in judged if verdict.state == "not_fulfilled"}))
        states = Counter(str(verdict.state) for _, verdict in judged)
        found.append(Met(product.id, one.role, machine.here, states, missed))
    return found


def port_counts(house: "House") -> list[Ports]:
    """Of every product in use and of praxisd itself, as they were found last. Nothing is tried."""
    found: dict[str, Counter[str]] = {}
    for row, results in port_view.seen(house, port_view.rows(house, "en")):
        found.setdefault(row.source, Counter())[port_rules.summary(results)[0]] += 1
    return [Ports(product, states) for product, states in found.items()]
