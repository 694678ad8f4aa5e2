"""The work of the inbox: messages and attachments taken in, changed, and marked, in the open write transaction.

A message from outside lands here as unread. Only its author changes what it says; the practice says how far it is.
"""

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import check_version
from praxisd.kernel.store import Tx
from praxisd.model.communication import Communication, InboxState
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_search_values import parse_reference
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.messaging import fhir_shapes, rules, store
from praxisd.services.messaging.fhir_shapes import Dict, Named
from praxisd.services.messaging.store import Party

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ATTACHMENT_KILOBYTES = "messaging.attachment_kilobytes"
ATTACHMENTS_PER_DAY = "messaging.attachments_per_day"
KILOBYTE = 1024


class _Understood(NamedTuple):
    """A checked message: whom it names, whose it is, and whether it is for the practice to read."""

    text: str
    parties: tuple[Party, ...]
    patient: str
    incoming: bool


def find(tx: Tx, id_: str) -> Communication:
    """The message, if this actor may know of it: a portal knows its own. 404 otherwise."""
    found = store.COMMUNICATIONS.get(tx, id_)
    if found is None or (tx.actor.portal is not None and found.portal != tx.actor.portal):
        raise not_found("Communication")
    return found


def receive(house: "House", tx: Tx, resource: Dict, base: str) -> Communication:
    """Take in a FHIR Communication (already valid R4); `base` is the address of our FHIR door.

    Unread if it comes from a patient or through a portal, done if the practice itself is the sender. Raises FhirError
    (422) for what the profile ISiKNachricht asks for, `directory.patient_unknown`, `directory.patient_inactive`,
    `directory.practitioner_unknown`, `calendar.service_unknown`, `messaging.sender_not_allowed`, `.text_too_long`,
    `.attachment_inline`, `.attachment_unknown` and `.attachment_mismatch` (all 422).
    """
    told = _understand(house, tx, resource, base)
    new = Communication(
        id=new_id(),
        updated=tx.now,
        received=tx.now,
        state="unread" if told.incoming else "done",
        portal=tx.actor.portal,
        patient=told.patient,
        resource=told.text,
    )
    saved = store.COMMUNICATIONS.insert(tx, new)
    store.put_parties(tx, saved.id, told.parties)
    events.note(
        tx, "communication.received", "Communication", saved.id,
        version=1, portal=tx.actor.portal, attachments=len(fhir_shapes.attachments(resource)),
    )  # fmt: skip
    return saved


def rewrite(
    house: "House",
    tx: Tx,
    id_: str,
    resource: Dict,
    base: str,
    expected: int | None,
    fence: int | None = None,
) -> Communication:
    """Replace what a message says; it becomes unread again if it is for the practice to read.

    Refusals of `receive`, 404, `messaging.not_author` (403) for the message of somebody else, `resource.stale` (412).
    """
    before = find(tx, id_)
    if before.portal != tx.actor.portal:
        raise Problem("messaging.not_author", 403)
    told = _understand(house, tx, resource, base)
    if told.text == before.resource:
        check_version(expected, before.version, "Communication")
        return before
    state: InboxState = "unread" if told.incoming else before.state
    after = msgspec.structs.replace(
        before, updated=tx.now, state=state, patient=told.patient, resource=told.text
    )
    saved = store.COMMUNICATIONS.save(tx, after, expected, fence)
    store.put_parties(tx, id_, told.parties)
    _changed(tx, saved, "resource", *(() if state == before.state else ("state",)))
    return saved


def mark(
    tx: Tx, id_: str, state: InboxState, expected: int | None, fence: int | None = None
) -> Communication:
    """Say how far the practice is with a message. Nothing new changes nothing, not even the version."""
    before = find(tx, id_)
    if before.state == state:
        check_version(expected, before.version, "Communication")
        return before
    after = msgspec.structs.replace(before, updated=tx.now, state=state)
    saved = store.COMMUNICATIONS.save(tx, after, expected, fence)
    _changed(tx, saved, "state")
    return saved


def _changed(tx: Tx, saved: Communication, *fields: str) -> None:
    events.note(
        tx, "communication.changed", "Communication", saved.id,
        version=saved.version, fields=fields, portal=saved.portal, state=saved.state,
    )  # fmt: skip


def attach(house: "House", tx: Tx, told: str, data: bytes, extra: str = "{}", *, status: int = 422) -> str:
    """Store an attachment; returns its id. `told` is its media type as told, `status` the refusal of a foreign one.

    Raises `messaging.attachment_type`, `.attachment_too_large` (413), `.attachment_unreadable` (422) and, for a portal
    that sent too many within 24 hours, `.attachments_exhausted` (429).
    """
    media = rules.media_type(told, status)
    limit = int(house.settings.get(tx, ATTACHMENT_KILOBYTES))
    if len(data) > limit * KILOBYTE:
        raise Problem("messaging.attachment_too_large", 413, limit=limit)
    rules.check_content(media, data)
    if tx.actor.portal is not None:
        most = int(house.settings.get(tx, ATTACHMENTS_PER_DAY))
        sent, first = store.sent_since(tx, tx.actor.portal, tx.now - rules.DAY_S)
        if sent >= most:
            wait = max(1, (first or tx.now) + rules.DAY_S - tx.now)
            raise Problem(
                "messaging.attachments_exhausted",
                429,
                retry=True,
                headers={"Retry-After": str(wait)},
                limit=most,
            )
    id_ = new_id()
    store.add_binary(tx, id_, media, data, extra)
    return id_


def _understand(house: "House", tx: Tx, resource: Dict, base: str) -> _Understood:
    fhir_shapes.make_relative(resource, base)
    _check_profile(resource)
    found = list(fhir_shapes.references(resource, base))
    sender = parse_reference(resource["sender"]["reference"], base)
    if tx.actor.portal is not None and (sender is None or sender.type != "Patient"):
        raise Problem("messaging.sender_not_allowed", 422)
    parties = tuple(_party(house, tx, one) for one in found if one.ref.id is not None)
    subject = next((one.patient for one in parties if one.role == "subject"), None)
    if subject is None:
        raise FhirError("fhir.invalid", "Communication.subject", "must refer to a Patient", http=422)
    _check_attachments(tx, resource, base)
    incoming = tx.actor.portal is not None or (sender is not None and sender.type == "Patient")
    return _Understood(fhir_shapes.kept(resource), parties, subject, incoming)


def _party(house: "House", tx: Tx, one: Named) -> Party:
    """Whom a reference names. Who reads or sends must be known here; the display name is filled in where it is missing."""
    kind, id_, shown, patient = one.ref.type or "", one.ref.id or "", None, None
    if kind == "Patient":
        patient = directory.resolve(tx, id_)
        shown = directory.name(tx, [patient])[patient]
    elif one.role != "other" and kind == "Practitioner":
        shown = directory.need_practitioner(tx, id_).display
    elif one.role != "other" and kind == "HealthcareService":
        service = calendar.views(house).calendar(tx).service_for(tx.actor, id_)
        if service is None:
            raise Problem("calendar.service_unknown", 422)
        shown = service.name
    if one.role == "recipient" and shown and "display" not in one.element:
        one.element["display"] = shown
    return Party(one.role, kind, id_, patient)


def _check_profile(resource: Dict) -> None:
    """What gematik's profile ISiKNachricht demands beyond FHIR R4 (StructureDefinition ISiKNachricht 4.0.0)."""
    for element in ("subject", "sender"):
        if "reference" not in resource.get(element, {}):
            raise FhirError("fhir.required", f"Communication.{element}.reference", "must be there", http=422)
    kinds = [str(one.get("reference", "")).partition("/")[0] for one in resource.get("recipient", ())]
    if not {"Practitioner", "HealthcareService"} & set(kinds):
        where = "must name a Practitioner or HealthcareService"
        raise FhirError("fhir.required", "Communication.recipient.reference", where, http=422)
    parts = resource.get("payload", ())
    if not 1 <= len(parts) <= rules.PAYLOADS_MOST:
        where = f"1 to {rules.PAYLOADS_MOST} parts"
        raise FhirError("fhir.required", "Communication.payload", where, http=422)
    if len(fhir_shapes.text(resource)) > rules.TEXT_MOST:
        raise Problem("messaging.text_too_long", 422, limit=rules.TEXT_MOST)


def _check_attachments(tx: Tx, resource: Dict, base: str) -> None:
    """An attachment is a Binary that its sender stored here before; its content never lies in the message itself."""
    for one in fhir_shapes.attachments(resource):
        if "data" in one:
            raise Problem("messaging.attachment_inline", 422)
        for element in ("contentType", "url", "creation"):
            if element not in one:
                where = f"Communication.payload.contentAttachment.{element}"
                raise FhirError("fhir.required", where, "must be there", http=422)
        ref = parse_reference(one["url"], base)
        facts = None
        if ref is not None and ref.type == "Binary" and ref.id is not None:
            facts = store.binary(tx, ref.id)
        if facts is None:
            raise Problem("messaging.attachment_unknown", 422)
        if one["contentType"].partition(";")[0].strip().lower() != facts.media_type:
            raise Problem("messaging.attachment_mismatch", 422, type=facts.media_type)
