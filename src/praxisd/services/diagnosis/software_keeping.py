"""Adding, changing and removing the practice's software; for doors and commands alike. Each notes an event."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.diagnosis import software_store as store
from praxisd.services.diagnosis.machine import own_host
from praxisd.services.diagnosis.product_reading import products
from praxisd.services.diagnosis.software_rules import top_folder
from praxisd.services.diagnosis.software_shapes import Software, SoftwareIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

UNKNOWN = "diagnosis.product_unknown"
SUBJECT = "Software"
_PLACES = ("role", "host", "data_folder", "program_folder")
"""What a person says of this computer; what else changes may be said at any node."""


def add(house: "House", tx: Tx, given: SoftwareIn) -> Software:
    """One more. Problem `diagnosis.product_unknown` (422)."""
    made = _made(house, new_id(), given)
    store.put(tx, made)
    events.note(tx, "software.added", SUBJECT, made.id, product=made.product)
    return made


def change(house: "House", tx: Tx, id_: str, given: SoftwareIn) -> Software:
    """Put it in place of the one with this id. Problems `http.not_found`, `diagnosis.product_unknown`."""
    before = store.one(tx, id_)
    if before is None:
        raise not_found(SUBJECT)
    made = _made(house, id_, given)
    if tx.actor.masked:  # who never saw the note does not write over it
        made = msgspec.structs.replace(made, note=before.note)
    if all(getattr(made, name) == getattr(before, name) for name in _PLACES) and before.node:
        made = msgspec.structs.replace(made, node=before.node)
    fields = tuple(name for name in made.__struct_fields__ if getattr(made, name) != getattr(before, name))
    if fields:
        store.put(tx, made)
        events.note(tx, "software.changed", SUBJECT, id_, fields=fields, product=made.product)
    return made


def remove(tx: Tx, id_: str) -> None:
    """Take it away. Problem `http.not_found`."""
    before = store.one(tx, id_)
    if before is None or not store.drop(tx, id_):
        raise not_found(SUBJECT)
    events.note(tx, "software.removed", SUBJECT, id_, product=before.product)


def _made(house: "House", id_: str, given: SoftwareIn) -> Software:
    product = products(house).get(given.product)
    if product is None:
        raise Problem(UNKNOWN, 422, product=given.product)
    said = msgspec.structs.asdict(given)
    said = {key: value.strip() if isinstance(value, str) else value for key, value in said.items()}
    places = product.serviceprovider
    folder = top_folder(said["data_folder"], places.data_path if places is not None else "")
    return Software(id=id_, **{**said, "data_folder": folder, "node": own_host()})
