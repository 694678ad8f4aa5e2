"""What all imported records share: their ids, whether they are known already, and where their references lead.

Ids are kept if free in the installation, else replaced and noted as identifier (HOUSE „Ids“).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id, valid_id
from praxisd.kernel.resource import Records
from praxisd.kernel.store import Tx
from praxisd.model.fhir_search_values import Ref, parse_reference
from praxisd.services.calendar import fhir_store, rules
from praxisd.services.calendar.fhir_shapes import IMPORTED_ID, keep, kept
from praxisd.services.directory import api as directory

Dict = dict[str, Any]
UNRESOLVED = "calendar.import_unresolved"


class Stored(NamedTuple):
    """What became of a resource. `outcome`: created, updated, unchanged; `opens`: opening hours may differ now."""

    id: str
    outcome: str
    replaced: bool = False
    warnings: tuple[str, ...] = ()
    opens: bool = False


def place(tx: Tx, kind: Records[Any], resource: Dict) -> tuple[Any | None, str, Dict, bool]:
    """(the record there is, the id to use, the resource to keep, whether its own id was replaced)."""
    id_ = resource["id"]
    before = kind.get(tx, id_)
    if before is not None:
        return before, id_, resource, False
    if valid_id(id_) and rules.read_slot_id(id_) is None and not kind.id_taken(tx, id_):
        return None, id_, resource, False
    number = {"system": IMPORTED_ID, "value": id_}
    noted = {**resource, "identifier": [*resource.get("identifier", []), number]}
    earlier = fhir_store.replaced(tx, kind, IMPORTED_ID, id_)
    if earlier is not None:
        return kind.get(tx, earlier), earlier, noted, False
    return None, new_id(), noted, True


def same(before: Any, resource: Dict) -> bool:
    """True if the record still is what this resource made; Problem `calendar.import_differs` if it was made here."""
    if "fhir" not in before.extra:
        raise Problem("calendar.import_differs", 409)
    return kept(before.extra) == kept(keep(resource))


def ref_of(reference: object, *types: str) -> Ref | None:
    text = reference.get("reference") if isinstance(reference, dict) else None
    return parse_reference(text, "", types) if isinstance(text, str) else None


def known_actor(tx: Tx, kind: str, actors: list[Dict]) -> tuple[str | None, bool]:
    """(the first actor of a kind that is known here, whether one of that kind is not)."""
    refs = [ref for a in actors if (ref := ref_of(a)) is not None and ref.type == kind and ref.id]
    found = next((ref.id for ref in refs if ref.id and exists(tx, kind, ref.id)), None)
    return found, bool(refs) and found is None


def exists(tx: Tx, kind: str, id_: str) -> bool:
    ask: dict[str, Callable[[Tx, str], object]] = {
        "Practitioner": directory.need_practitioner,
        "Location": directory.need_location,
        "Patient": directory.patient,
    }
    if kind not in ask:
        return False
    try:
        ask[kind](tx, id_)
    except Problem:
        return False
    return True
