"""Whether a computer gives what a product needs: fulfilled, not fulfilled, or could not be determined. Pure, never a guess."""

from praxisd.model.machine import MachineFacts
from praxisd.model.requirement import Requirement, Role
from praxisd.services.diagnosis import requirement_hardware_rules, requirement_program_rules
from praxisd.services.diagnosis.requirement_verdict import Judge, Place, Verdict

JUDGES: dict[type, Judge] = {**requirement_hardware_rules.JUDGES, **requirement_program_rules.JUDGES}


def applies(requirement: Requirement, role: Role) -> bool:
    """True if the requirement is made of computers in this role."""
    return role in requirement.roles


def judge(requirement: Requirement, facts: MachineFacts, place: Place) -> Verdict:
    """The verdict on one requirement."""
    return JUDGES[type(requirement)](requirement, facts, place)
