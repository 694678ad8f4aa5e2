"""The data sets as they are shown, and the owner's confirmation of what they are."""

from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names
from praxisd.services.medication import sets_reading, sets_store
from praxisd.services.medication import sets_schema as schema
from praxisd.services.medication.sets_shapes import SetOut, SetsOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx
    from praxisd.model.medication import ElementName

CONFIRMED = "medication.set_confirmed"


def shown(house: "House", tx: "Tx", lang: str) -> SetsOut:
    """All three sets in the transaction's practice."""
    return SetsOut(sets=[one(house, tx, element, lang) for element in schema.ELEMENTS])


def one(house: "House", tx: "Tx", element: "ElementName", lang: str) -> SetOut:
    """One of them."""
    now = sets_reading.shown(house, element)
    opened, standing = now.opened, sets_reading.standing_of(house, tx, now, lang, element)
    said = (
        None if opened is None else sets_store.confirmation(tx, element, opened.meta["source"], opened.sample)
    )
    zone = zone_of(zone_name(house, tx))
    return SetOut(
        standing=standing,
        counts={} if opened is None else opened.counts,
        confirmed_by=None if said is None else _name(house, tx, said.confirmed_by, lang),
        confirmed_at=None if said is None else format_rfc3339(said.confirmed_at, zone),
        confirmed_version=None if said is None else said.version,
    )


def _name(house: "House", tx: "Tx", label: str, lang: str) -> str:
    return actor_names(house, tx, [label], lang)[label]


def confirm(house: "House", tx: "Tx", element: str, version: str) -> None:
    """Note that the transaction's actor knows what this set is; nothing where somebody has said so before.

    Problems: `http.not_found` for another element, `medication.no_data`, `medication.version_changed` (409) where another
    version is in use by now than was read about.
    """
    if element not in schema.ELEMENTS:
        raise Problem("http.not_found", 404, kind="Dataset")
    opened = sets_reading.open_set(house, element)
    if opened.version != version:
        raise Problem("medication.version_changed", 409, version=opened.version)
    if sets_store.confirmation(tx, element, opened.meta["source"], opened.sample) is not None:
        return
    sets_store.confirm(tx, element, opened.meta["source"], opened.sample, version)
    events.note(tx, CONFIRMED, "Dataset", element, element=element, release=version, sample=opened.sample)
