"""Messages on the FHIR door: Communication and Binary, as the guide asks (ISiKNachrichtCommunication.md, ISiKBinary.md)."""

from typing import Any

from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Call, FhirAnswer, FhirPage, FhirResource, Raw, SearchParam
from praxisd.kernel.store import Tx
from praxisd.model.communication import Communication
from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_search import SearchParam as Asked
from praxisd.model.fhir_search import SearchQuery
from praxisd.model.fhir_search_values import Ref, Token
from praxisd.services.messaging import fhir_shapes, inbox, rules, store

PAGE = 50
LARGEST_PAGE = 200
PROFILE = "https://gematik.de/fhir/isik/StructureDefinition/ISiKNachricht"
BINARY_PROFILE = "https://gematik.de/fhir/isik/v3/Basismodul/StructureDefinition/ISiKBinary"
_ENVELOPE_BYTES = 65_536
"""What a Binary resource may have around its base64 data."""
Dict = dict[str, Any]


def shown(tx: Tx, one: Communication) -> Dict:
    """The message as this actor may see it: a portal reads its own words, the practice its own ids of patients.

    Who is masked reads that there is one, to whom of the practice, and since when.
    """
    if tx.actor.masked:
        return fhir_shapes.masked(one)
    patients = {}
    if tx.actor.portal is None:
        named = store.parties(tx, one.id)
        patients = {p.told: p.patient for p in named if p.patient is not None and p.patient != p.told}
    return fhir_shapes.to_fhir(one, patients)


def read_communication(call: Call, id_: str) -> Dict:
    """One message; a portal's own."""
    with call.read() as tx:
        return shown(tx, inbox.find(tx, id_))


def search_communications(call: Call, query: SearchQuery) -> FhirPage:
    """Messages this caller may see, the newest first."""
    size = min(PAGE if query.count is None else query.count, LARGEST_PAGE)
    with call.read() as tx:
        conditions = store.of_portal(call.actor.portal) + [_condition(tx, one) for one in query.params]
        total = store.COMMUNICATIONS.count(tx, *conditions)
        found, following = store.newest(tx, conditions, query.cursor, size) if size else ([], None)
        return FhirPage([shown(tx, one) for one in found], total, following)


def _condition(tx: Tx, asked: Asked) -> Any:
    """One search parameter for the database. Every message has an id, a subject, a sender and a recipient."""
    if asked.missing is not None:
        return store.nothing() if asked.missing else store.everything()
    if asked.chain is not None:
        raise FhirError("fhir.search_value", asked.name, "chains are not supported here")
    if asked.name == "_id":
        ids = [one.code for one in asked.values if isinstance(one, Token) and one.code and not one.system]
        return store.among(ids, outside=asked.modifier == "not")
    wanted = [(one.type, one.id) for one in asked.values if isinstance(one, Ref) and one.id is not None]
    return store.names(tx, asked.name, wanted)


def create_communication(call: Call, resource: Dict) -> FhirAnswer:
    """A new message for the inbox: 201."""
    one = inbox.receive(call.house, call.writing, resource, call.base_url)
    return FhirAnswer(201, shown(call.writing, one), one.version)


def update_communication(call: Call, id_: str, resource: Dict) -> FhirAnswer:
    """What the author of a message says now."""
    one = inbox.rewrite(call.house, call.writing, id_, resource, call.base_url, call.if_match, call.fence)
    return FhirAnswer(200, shown(call.writing, one), one.version)


def read_binary(call: Call, id_: str) -> Dict:
    """An attachment as FHIR resource."""
    with call.read() as tx:
        facts = _binary(tx, id_)
        return fhir_shapes.binary_to_fhir(facts, store.binary_data(tx, id_))


def raw_binary(call: Call, id_: str) -> Raw:
    """An attachment as itself: to be stored, never shown or run by a browser (SPEC 1.7)."""
    with call.read() as tx:
        facts = _binary(tx, id_)
        data = store.binary_data(tx, id_)
    media = facts.media_type
    headers = {
        "Content-Disposition": f'attachment; filename="{rules.file_name(id_, media)}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Frame-Options": "DENY",
        "ETag": 'W/"1"',
    }
    return Raw(data, f"{media}; charset=utf-8" if media == "text/plain" else media, 200, headers)


def _binary(tx: Tx, id_: str) -> Any:
    if tx.actor.masked:  # a letter or a picture cannot be shown without what is in it
        raise Problem("access.forbidden", 403, permission="messaging.binary.read")
    facts = store.binary(tx, id_)
    if facts is None:
        raise not_found("Binary")
    return facts


def create_binary(call: Call, body: Any) -> FhirAnswer:
    """Store an attachment, sent as itself or as FHIR resource: 201."""
    tx, house = call.writing, call.house
    if isinstance(body, tuple):
        id_ = inbox.attach(house, tx, *body, status=415)
    else:
        id_ = inbox.attach(house, tx, *fhir_shapes.binary_from_fhir(body))
    return FhirAnswer(201, fhir_shapes.binary_to_fhir(_binary(tx, id_), store.binary_data(tx, id_)), 1)


def binary_bytes(call: Call) -> int:
    """How many bytes the body of a new Binary may have: the attachment in base64, and what is around it."""
    with call.read() as tx:
        limit = int(call.house.settings.get(tx, inbox.ATTACHMENT_KILOBYTES))
    return limit * inbox.KILOBYTE * 4 // 3 + _ENVELOPE_BYTES


_PLACE = "http://hl7.org/fhir/SearchParameter"
_PEOPLE = ("Patient", "Practitioner", "PractitionerRole", "Organization", "HealthcareService")

FHIR = (
    FhirResource(
        type="Communication",
        read=read_communication,
        search=search_communications,
        read_permission="messaging.communication.read",
        params=(
            SearchParam("_id", "token", f"{_PLACE}/Resource-id"),
            SearchParam("subject", "reference", f"{_PLACE}/Communication-subject", ("Patient",)),
            SearchParam("recipient", "reference", f"{_PLACE}/Communication-recipient", _PEOPLE),
            SearchParam("sender", "reference", f"{_PLACE}/Communication-sender", _PEOPLE),
        ),
        includes=("Communication:sender", "Communication:subject"),
        profile=PROFILE,
        create=create_communication,
        create_permission="messaging.communication.write",
        update=update_communication,
        update_permission="messaging.communication.write",
    ),
    FhirResource(
        type="Binary",
        read=read_binary,
        search=lambda _call, _query: FhirPage(()),
        read_permission="messaging.binary.read",
        params=(),
        profile=BINARY_PROFILE,
        create=create_binary,
        create_permission="messaging.binary.write",
        raw=raw_binary,
        searchable=False,
        create_bytes=binary_bytes,
    ),
)
