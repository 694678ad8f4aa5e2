"""REST doors of the inbox: the list, one message with its attachments, and how far the practice is with it.

New messages come by FHIR.
"""

from typing import Any

from praxisd.kernel.clock import format_rfc3339, zone
from praxisd.kernel.service import Answer, Call, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.model.communication import Communication
from praxisd.model.fhir_search_values import parse_reference
from praxisd.services.directory import api as directory
from praxisd.services.messaging import fhir, fhir_shapes, inbox, shapes, store

_TAGS = ("communications",)
_FILE = "application/octet-stream"
_SAVE = ((404, "http.not_found"), (412, "resource.stale"), (423, "seats.locked"), (423, "seats.lock_lost"))
_NO_PRACTICE = (409, "directory.organization_missing")


def list_communications(call: Call) -> shapes.Communications:
    """The inbox, the newest message first. A portal sees what it sent itself."""
    return _found(call, call.query)


def search_communications(call: Call) -> shapes.Communications:
    """The same, asked in the body: an address would stand in logs."""
    return _found(call, call.body)


def _found(call: Call, asked: shapes.InboxQuery | shapes.InboxSearch) -> shapes.Communications:
    with call.read() as tx:
        conditions = store.of_portal(call.actor.portal)
        if asked.state is not None:
            conditions.append(store.in_state(asked.state))
        if asked.patient is not None:
            conditions.append(store.names(tx, "subject", [("Patient", asked.patient)]))
        found, cursor = store.newest(tx, conditions, asked.cursor, asked.limit)
        return shapes.Communications(communications=[_view(tx, one) for one in found], next=cursor)


def read_communication(call: Call) -> Answer:
    """One message with its text."""
    with call.read() as tx:
        found = inbox.find(tx, call.path["id"])
        return Answer(_view(tx, found), version=found.version)


def download_attachment(call: Call) -> Raw:
    """An attachment to be saved; of no type that a browser would show or run."""
    found = fhir.raw_binary(call, call.path["id"])
    return Raw(found.data, _FILE, headers=found.headers)


def mark_communication(call: Call) -> Answer:
    """Say whether a message is unread, read or done."""
    tx = call.writing
    saved = inbox.mark(tx, call.path["id"], call.body.state, call.if_match, call.fence)
    return Answer(_view(tx, saved), version=saved.version)


def _view(tx: Tx, one: Communication) -> shapes.CommunicationView:
    resource = fhir.shown(tx, one)
    here = zone(directory.organization(tx).zone)
    return shapes.CommunicationView(
        id=one.id,
        version=one.version,
        state=one.state,
        status=resource["status"],
        received_at=format_rfc3339(one.received, here),
        changed_at=format_rfc3339(one.updated, here),
        sent=resource.get("sent"),
        portal=one.portal,
        patient=_party(resource["subject"], directory.name(tx, [one.patient])[one.patient]),
        sender=_party(resource["sender"]),
        recipients=[_party(each) for each in resource["recipient"]],
        in_response_to=[
            each["reference"] for each in resource.get("inResponseTo", ()) if "reference" in each
        ],
        text=fhir_shapes.text(resource),
        attachments=[view for each in fhir_shapes.attachments(resource) if (view := _attachment(tx, each))],
    )


def _party(element: dict[str, Any], name: str | None = None) -> shapes.Party:
    return shapes.Party(reference=element.get("reference"), name=name or element.get("display"))


def _attachment(tx: Tx, element: dict[str, Any]) -> shapes.AttachmentView | None:
    ref = parse_reference(element["url"], "")
    facts = None if ref is None or ref.id is None else store.binary(tx, ref.id)
    if facts is None:
        return None
    return shapes.AttachmentView(
        id=facts.id, content_type=facts.media_type, size=facts.size, title=element.get("title")
    )


ROUTES = (
    Route(
        "GET", "/communications", "communications.list", list_communications, "messaging.communication.read",
        answer=shapes.Communications, query=shapes.InboxQuery, problems=(_NO_PRACTICE,), tags=_TAGS,
    ),
    Route(
        "POST", "/communications/search", "communications.search", search_communications, "messaging.communication.read",
        answer=shapes.Communications, body=shapes.InboxSearch, problems=(_NO_PRACTICE,), transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/communications/attachments/{id}", "attachments.download", download_attachment,
        "messaging.binary.read", media_type=_FILE, problems=((404, "http.not_found"),), tags=_TAGS,
    ),
    Route(
        "GET", "/communications/{id}", "communications.read", read_communication, "messaging.communication.read",
        answer=shapes.CommunicationView, problems=((404, "http.not_found"), _NO_PRACTICE), tags=_TAGS,
    ),
    Route(
        "PATCH", "/communications/{id}", "communications.mark", mark_communication, "messaging.inbox.write",
        answer=shapes.CommunicationView, body=shapes.StateChange, problems=(*_SAVE, _NO_PRACTICE), tags=_TAGS,
    ),
)  # fmt: skip
