"""Medication in the sample practice: the first edition of the sample sets is in use, also where there is no publisher.

Nobody has confirmed it: that is for whoever tries the practice out, as for a practice's owner.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from praxisd.model.medication import ElementName
from praxisd.services.medication import sets_sample
from praxisd.services.medication.sets_schema import ELEMENTS
from praxisd.services.updates import api as updates

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def furnish(house: "House", today: date) -> None:
    """Put the first edition in use, released some weeks before `today`."""
    released = sets_sample.days(today)[1]
    for element in ELEMENTS:

        def write(out: Path, element: ElementName = element) -> None:
            sets_sample.build(1, released, element, out)

        updates.put_in_use(house, element, released.isoformat(), released.isoformat(), write)
