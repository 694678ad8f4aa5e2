"""The check of all ServiceProviders: what is wrong is an Issue, and no more once it is healed."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from praxisd.kernel.service import Check, Finding, Fix, Severity
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.serviceprovider import looking, repairing, rules, words
from praxisd.services.serviceprovider.view import mendable, severity

if TYPE_CHECKING:
    from praxisd.kernel.app import House

WRITE = "serviceprovider.write"
SECONDS = 20.0
"""Measuring this computer for the first time may take six, asking the address as many. Seconds."""
EVERY_S = 60.0


def state(house: "House") -> Iterator[Finding]:
    """Everything that is wrong, the subject `<software>`, or `<software>/pvs` and `/install` for what is in one of the files."""
    for seen in looking.look(house):
        if seen.away:
            continue  # its own node says what is wrong there
        if seen.late and not seen.silent and not house.stopping:
            raise TimeoutError  # nothing is known of it, so nothing is healed
        for fault in rules.judge(seen):
            subject = f"{seen.software}/{fault.side}" if fault.side else seen.software
            facts = {**fault.params, "fixable": mendable(seen, fault)}
            yield Finding(fault.code, subject, Severity(severity(fault.code)), facts)


CHECKS = (
    Check(
        "serviceprovider.state",
        words.CODES,
        state,
        seconds=SECONDS,
        every_s=EVERY_S,
        place=diagnosis.own_host,
        grave={code: Severity(severity(code)) for code in words.CODES},
    ),
)
FIXES = tuple(Fix(code, partial(repairing.fix, code=code), WRITE, asks=True) for code in words.REPAIRS)
