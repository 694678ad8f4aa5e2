"""Two records side by side: in which fields what is told about a person is equal to what is known, in which it differs.

A room of the rules (pure). Compared as `matching` does: Müller is Mueller, +49 30 1 is 0301; what one of both does not say
is in neither list.
"""

from typing import NamedTuple

from praxisd.model.people import Patient
from praxisd.services.directory import rules

FIELDS = ("family", "given", "birthDate", "phone", "email")


class Compared(NamedTuple):
    """Names of the fields (of FIELDS) that are equal, and of those that contradict."""

    same: tuple[str, ...]
    differs: tuple[str, ...]


def compare(told: Patient, known: Patient, country: str) -> Compared:
    """Field by field. A number or address is equal if the known person has it among all of theirs."""
    verdict: dict[str, bool] = {}
    if told.family and known.family:
        verdict["family"] = rules.name_key(told.family) == rules.name_key(known.family)
    if told.given and known.given:
        verdict["given"] = rules.given_key(told.given) == rules.given_key(known.given)
    if told.birth_date and known.birth_date:
        verdict["birthDate"] = told.birth_date == known.birth_date
    said, has = (rules.contact_keys(one.telecom, country) for one in (told, known))
    for kind in ("phone", "email"):
        mine, theirs = ({key for name, key in keys if name == kind} for keys in (said, has))
        if mine and theirs:
            verdict[kind] = bool(mine & theirs)
    same = tuple(name for name in FIELDS if verdict.get(name) is True)
    return Compared(same, tuple(name for name in FIELDS if verdict.get(name) is False))
