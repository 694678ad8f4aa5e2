"""The inbox as a table of the console: the newest first, how far each message is, and how it begins."""

from typing import Any

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row
from praxisd.kernel.service import Call
from praxisd.model.communication import Communication
from praxisd.model.fhir_shapes import load_json
from praxisd.services.directory import api as directory
from praxisd.services.messaging import fhir_shapes, store

_BEGINNING = 160
"""Characters of a message that are shown."""
_STATES = ("unread", "read", "done")


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        conditions = store.of_portal(call.actor.portal)
        if "state" in query.filters:
            conditions.append(store.in_state(query.filters["state"]))
        total = store.COMMUNICATIONS.count(tx, *conditions)
        down = (query.sort or INBOX.sort).startswith("-")
        found = store.sorted_page(tx, conditions, down=down, offset=query.offset, limit=query.limit)
        names = directory.name(tx, [one.patient for one in found])
        here = zone(directory.organization(tx).zone)
    rows = [
        Row(id=one.id, cells=_cells(one, names.get(one.patient), here), alert=one.state == "unread")
        for one in found
    ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


def _cells(one: Communication, patient: str | None, here: Any) -> dict[str, Any]:
    resource = load_json(one.resource)
    sender = resource["sender"]
    own = patient if str(sender.get("reference", "")).startswith("Patient/") else None
    words = " ".join(fhir_shapes.text(resource).split())
    return {
        "received": format_rfc3339(one.received, here),
        "state": one.state,
        "patient": patient or resource["subject"].get("display"),
        "sender": sender.get("display") or own,
        "text": words if len(words) <= _BEGINNING else words[: _BEGINNING - 1].rstrip() + "…",
        "attachments": len(fhir_shapes.attachments(resource)),
    }


INBOX = Listing(
    "messaging.inbox",
    "messaging.inbox.write",
    (
        Column("received", "time", sortable=True),
        Column("state", "choice", filter=True, choices=_STATES, words="inbox_state"),
        Column("patient", personal=True),
        Column("sender", personal=True),
        Column("text", personal=True),
        Column("attachments", "number"),
    ),
    _rows,
    sort="-received",
    problems=((409, "directory.organization_missing"),),
)
LISTINGS = (INBOX,)
