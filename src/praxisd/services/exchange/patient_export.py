"""The export of one patient for a request under Art. 15 and 20 GDPR: a PDF to read, FHIR to take along, and every row.

What belongs in it nobody lists by hand: all tables that a service declares as naming a patient (`patient_refs`), plug-ins
included, and all FHIR types that can be searched by patient.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel import events
from praxisd.kernel.access import Actor, system
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.events import Event
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.sentences import actor_names, sentence
from praxisd.kernel.service import Call, FhirResource, Raw
from praxisd.kernel.store import Tx
from praxisd.model.fhir_search import parse_search
from praxisd.model.people import Patient
from praxisd.services.directory import api as directory
from praxisd.services.exchange import laptop_lending, patient_sheet, patient_store

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Dict = dict[str, Any]
MEDIA = "application/zip"
EVENTS_MOST = 1_000_000
"""More than one person's record can see in a life: the log is whole."""
_PAGE = 100


class Collected(NamedTuple):
    """All there is about one person. `rows` by table; `resources` as FHIR; `log` what happened to the record."""

    patient: Patient
    rows: dict[str, list[Dict]]
    resources: list[Dict]
    files: dict[str, bytes]
    log: list[Dict]


def export(house: "House", actor: Actor, patient: str, lang: str) -> bytes:
    """The ZIP; that it was made, by whom, is kept as evidence. 404; `exchange.export_masked` (403)."""
    laptop_lending.need_sight(actor)
    found = collect(house, actor, patient, lang)
    with house.store.read(actor) as tx:
        sheet = patient_sheet.paper(house, tx, found.patient, found.rows, found.log, lang).pdf()
    made = pack(house, found, sheet, lang)

    def note(tx: Tx) -> None:
        events.note(
            tx,
            "patient.exported",
            "Patient",
            found.patient.id,
            version=found.patient.version,
            records=sum(map(len, found.rows.values())),
        )

    house.store.run(actor, note)
    return made


def collect(house: "House", actor: Actor, patient: str, lang: str) -> Collected:
    """Read it all. Resources are read with every right: it is the person's own."""
    with house.store.read(actor) as tx:
        one = directory.patient(tx, patient)
        ids, rows = patient_store.whole(tx, house.registry.patient_refs, patient)
        log = _log(house, tx, ids, lang)
    everything = system("export", actor.organization)
    call = Call(house=house, actor=everything, path={}, query=None, body=None, lang=lang)
    resources: dict[tuple[str, str], Dict] = {}
    for id_ in ids:
        for found in _resources(call, id_):
            resources.setdefault((str(found["resourceType"]), str(found["id"])), found)
    return Collected(one, rows, list(resources.values()), _attached(call, list(resources.values())), log)


def _resources(call: Call, id_: str) -> Iterator[Dict]:
    """The Patient, and of each other type what points to it."""
    registry = call.house.registry.fhir
    yield registry["Patient"].read(call, id_)
    for one in registry.values():
        names = [
            p.name
            for p in one.params
            if p.type == "reference" and ("Patient" in p.targets or p.name == "patient")
        ]
        if one.type == "Patient" or not one.searchable:
            continue
        for name in names:
            yield from _search(call, one, name, f"Patient/{id_}")


def _search(call: Call, one: FhirResource, name: str, value: str) -> Iterator[Dict]:
    with call.read() as tx:
        zone = zone_of(zone_name(call.house, tx))
    query = parse_search([(name, value)], one.type, zone, now=call.house.clock.now(), strict=True)
    query = msgspec.structs.replace(query, count=_PAGE)
    while True:
        page = one.search(call, query)
        yield from page.resources
        if page.next is None:
            return
        query = msgspec.structs.replace(query, cursor=page.next)


def _attached(call: Call, resources: list[Dict]) -> dict[str, bytes]:
    """Files that resources point to (`Binary/<id>`), as they came, by a name in the ZIP."""
    binary = call.house.registry.fhir.get("Binary")
    found: dict[str, bytes] = {}
    if binary is None or binary.raw is None:
        return found
    for id_ in sorted(set(_binaries(resources))):
        try:
            content = binary.raw(call, id_)
        except Problem:
            continue  # it points to something outside
        if isinstance(content, Raw):
            found[f"attachments/{id_}"] = content.data
    return found


def _binaries(value: Any) -> Iterator[str]:
    """Ids in all references to a Binary."""
    if isinstance(value, dict):
        for name in ("reference", "url"):
            told = value.get(name)
            if isinstance(told, str) and "Binary/" in told:
                yield told.rpartition("Binary/")[2].split("/")[0]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _binaries(one)


def _log(house: "House", tx: Tx, ids: list[str], lang: str) -> list[Dict]:
    """What happened to the record and who opened it, the newest first."""
    zone = zone_of(zone_name(house, tx))
    found: list[Event] = [e for id_ in ids for e in events.about(tx, "Patient", id_, EVENTS_MOST)]
    found.sort(key=lambda one: -one.at)
    names = actor_names(house, tx, {one.actor for one in found}, lang)
    return [
        {
            "at": format_rfc3339(one.at, zone),
            "type": one.type,
            "what": sentence(house, one, lang),
            "who": names[one.actor],
            "fields": list(one.fields),
        }
        for one in found
    ]


def pack(house: "House", found: Collected, sheet: bytes, lang: str) -> bytes:
    """The ZIP: what to read, what to take along, and every row, a file per table."""
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": format_rfc3339(house.clock.now()),
        "entry": [
            {"fullUrl": f"urn:praxisd:{one['resourceType']}:{one['id']}", "resource": one}
            for one in found.resources
        ],
    }
    name = house.texts.get("exchange.export.sheet", lang)
    files: dict[str, bytes] = {f"{name}.pdf": sheet, "fhir.json": _json(bundle), "log.json": _json(found.log)}
    files |= {f"data/{table}.json": _json(rows) for table, rows in sorted(found.rows.items())}
    files |= found.files
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return to.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
