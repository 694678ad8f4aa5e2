"""The sample sets of medication in the sandbox of updates: the edition the practice begins with, and the next one."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from praxisd.services.medication import sets_sample
from praxisd.services.medication.sets_schema import ELEMENTS, MEDICATION
from praxisd.services.updates import publish_files, slots
from praxisd.services.updates.publish_quick import Quick

NAME = MEDICATION
ROLES = tuple(f"data-{element}" for element in ELEMENTS)
NOTES = {
    1: {
        "de": "Beispieldaten: erfundene Präparate, wenige Wechselwirkungen mit Quellen.",
        "en": "Sample data: invented products, a few cited interactions.",
    },
    2: {
        "de": "Mehr zu Antidepressiva, fünf Präparate dazu.",
        "en": "More on antidepressants, and five more products.",
    },
}
_KEPT = "medication.json"


def days(folder: Path, place: Path) -> dict[int, date]:
    """The days of release of both editions: at the first call after the edition that is in use in `folder`, else by today.

    They are kept in `place`, the sandbox's folder.
    """
    kept = place / _KEPT
    if kept.exists():
        return {int(no): date.fromisoformat(day) for no, day in json.loads(kept.read_bytes()).items()}
    found = sets_sample.days(datetime.fromtimestamp(time.time(), UTC).date())
    held = slots.held(folder, MEDICATION)
    if held is not None:
        try:
            first = date.fromisoformat(held.released)
            found = {1: first, 2: first + timedelta(days=sets_sample.BETWEEN_DAYS)}
        except ValueError:
            pass
    publish_files.write(kept, json.dumps({str(no): day.isoformat() for no, day in found.items()}).encode())
    return found


def publish(quick: Quick, edition: int, released: date, work: Path) -> None:
    """Have all three sets of an edition published, those that are not yet."""
    for element in ELEMENTS:
        quick.ensure(element, "data", **dict(zip(("de", "en"), sets_sample.TITLES[element], strict=True)))
        version = released.isoformat()
        if version not in quick.versions(element):
            file = work / f"{element}-{version}.sqlite"
            sets_sample.build(edition, released, element, file)
            quick.add(element, version, file, released=version, notes=NOTES[edition], schema=1)
