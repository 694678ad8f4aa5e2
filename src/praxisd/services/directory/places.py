"""Rules of a practice's place in the world (pure): its time zone, the region of its holidays, its language."""

import re

from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.model.places import REGIONS, Organization

_LANGUAGE = re.compile(r"[a-z]{2}")


def check_organization(practice: Organization) -> None:
    """Refuse an unknown time zone (`clock.unknown_zone`), region (`directory.region_unknown`) or language (`code_invalid`)."""
    zone(practice.zone)
    if practice.region not in REGIONS:
        raise Problem("directory.region_unknown", 422)
    if not _LANGUAGE.fullmatch(practice.language):
        raise Problem("directory.code_invalid", 422, field="language")
