"""FHIR R4 shapes of messages and attachments: pure functions between records and plain FHIR dicts.

A message is kept word for word. What changes on its way out is only the reference to a patient: whoever works in the
practice reads our id where a portal wrote its alias.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from praxisd.model.communication import Communication
from praxisd.model.fhir_search_values import Ref, parse_reference
from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_times import format_instant
from praxisd.model.people import MASK

Dict = dict[str, Any]
_ROLES = frozenset({"subject", "sender", "recipient"})


class Named(NamedTuple):
    """A reference inside a message: its place (`subject`, `sender`, `recipient`, `other`), itself, and what it names."""

    role: str
    element: Dict
    ref: Ref


def references(resource: Dict, base: str) -> Iterator[Named]:
    """All literal references of a message; `base` is the address of our FHIR door."""
    for name, value in resource.items():
        yield from _inside(value, name if name in _ROLES else "other", base)


def _inside(value: Any, role: str, base: str) -> Iterator[Named]:
    if isinstance(value, list):
        for one in value:
            yield from _inside(one, role, base)
    elif isinstance(value, dict):
        text = value.get("reference")
        ref = parse_reference(text, base) if isinstance(text, str) else None
        if ref is not None:
            yield Named(role, value, ref)
        for one in value.values():  # what is said *about* a recipient is no recipient
            yield from _inside(one, "other", base)


def make_relative(resource: Dict, base: str) -> None:
    """Write references to ourselves without our address, which may be another one tomorrow."""
    for named in references(resource, base):
        if named.ref.type is not None:
            named.element["reference"] = f"{named.ref.type}/{named.ref.id}"
    for one in attachments(resource):
        ref = parse_reference(one.get("url", ""), base)
        if ref is not None and ref.type is not None:
            one["url"] = f"{ref.type}/{ref.id}"


def attachments(resource: Dict) -> list[Dict]:
    """The Attachment elements of a message, in its order."""
    return [one["contentAttachment"] for one in resource.get("payload", ()) if "contentAttachment" in one]


def text(resource: Dict) -> str:
    """What the message says, its parts below each other."""
    return "\n\n".join(one["contentString"] for one in resource.get("payload", ()) if "contentString" in one)


def kept(resource: Dict) -> str:
    """The message as JSON text without what the server gives: id, version, time of change."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    out = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    return dump_json({**out, "meta": meta} if meta else out).decode()


def to_fhir(one: Communication, patients: Mapping[str, str]) -> Dict:
    """The message as resource. `patients` gives the id to show for an id of a patient that its author wrote."""
    kept_: Dict = load_json(one.resource)
    meta = {
        "versionId": str(one.version),
        "lastUpdated": format_instant(one.updated, UTC),
        **kept_.pop("meta", {}),
    }
    out = {"resourceType": kept_.pop("resourceType"), "id": one.id, "meta": meta, **kept_}
    for named in references(kept_, "") if patients else ():
        shown = patients.get(named.ref.id or "") if named.ref.type == "Patient" else None
        if shown is not None:
            named.element["reference"] = f"Patient/{shown}"
    return out


def masked(one: Communication) -> Dict:
    """The message without anything a patient or its author wrote (SPEC 12.4): state, times, and whom of the practice it
    is for."""
    whole: Dict = load_json(one.resource)
    hidden = {"display": MASK}

    def party(element: Dict) -> Dict:
        ref = parse_reference(str(element.get("reference", "")), "")
        known = ref is not None and ref.type not in (None, "Patient", "RelatedPerson") and ref.id
        return {"reference": f"{ref.type}/{ref.id}"} if ref is not None and known else hidden

    return {
        "resourceType": "Communication",
        "id": one.id,
        "meta": {"versionId": str(one.version), "lastUpdated": format_instant(one.updated, UTC)},
        "status": whole["status"],
        "subject": hidden,
        **({"sent": whole["sent"]} if "sent" in whole else {}),
        "recipient": [party(each) for each in whole["recipient"]],
        "sender": party(whole["sender"]),
        "payload": [{"contentString": MASK}],
    }


def binary_to_fhir(facts: Any, data: bytes) -> Dict:
    """An attachment as Binary resource."""
    extra: Dict = load_json(facts.extra)
    meta = {"versionId": "1", "lastUpdated": format_instant(facts.created_at, UTC), **extra.pop("meta", {})}
    out = {"resourceType": "Binary", "id": facts.id, "meta": meta, **extra, "contentType": facts.media_type}
    return {**out, "data": base64.b64encode(data).decode()}


def binary_from_fhir(resource: Dict) -> tuple[str, bytes, str]:
    """(media type as told, bytes, further elements as JSON text) of a Binary resource."""
    data = base64.b64decode("".join(resource.get("data", "").split()))
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    own = ("resourceType", "id", "meta", "contentType", "data")
    extra = {k: v for k, v in resource.items() if k not in own} | ({"meta": meta} if meta else {})
    return resource.get("contentType", ""), data, dump_json(extra).decode()
