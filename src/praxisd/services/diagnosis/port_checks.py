"""What may be wrong with ports: one small check that tries what lies inside the practice, and judges all that is known."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from praxisd.kernel import issues
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.services.diagnosis import port_rules, port_view
from praxisd.services.diagnosis.machine import own_host

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "diagnosis.ports"
EVERY_S = 600.0
_JUDGE = "diagnosis.ports_judge"


def ports(house: "House") -> Iterator[Finding]:
    """Ports that should be reached or listened on by all that is known, and are not. The Internet is not called."""
    rows = port_view.rows(house, "de")
    if not house.shared.pop(_JUDGE, False):
        try:
            port_view.test(house, rows, external=False)
        except Problem as problem:  # a person is testing right now: what that finds is judged then
            if problem.code != port_view.BUSY:
                raise
    for fault in port_view.faults(house, port_view.seen(house, rows)):
        yield Finding(fault.code, fault.subject, Severity.WARNING, fault.params)


def judge(house: "House") -> None:
    """Bring the Issues in line with what was found just now, without trying anything again."""
    house.shared[_JUDGE] = True
    issues.run_checks(house, [NAME])


CHECKS = (
    Check(
        NAME,
        tuple(port_rules.CODES.values()),
        ports,
        seconds=port_view.TOTAL_S + 15,
        every_s=EVERY_S,
        place=own_host,
        grave=Severity.WARNING,
    ),
)
