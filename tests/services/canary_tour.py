"""A walk to every door of the house of canaries: all declared operations and the FHIR door, as one caller, all answers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from praxisd.kernel.service import Route

from . import (
    canary_backup_protocol,
    canary_backups,
    canary_desk,
    canary_devices,
    canary_diagnosis,
    canary_logbook,
    canary_medication,
    canary_portals,
    canary_runs,
    canary_seats,
    canary_support,
)
from .canary_house import ACCOUNT, BORN, Aviary

PERIOD = {"from": "2026-11-23T00:00:00+01:00", "to": "2026-11-30T00:00:00+01:00"}
BODIES: dict[str, Any] = {
    "calendar.view": PERIOD | {"cancelled": True},
    "calendar.counts": {"first": "2026-11-23", "last": "2026-11-30"},
    "calendar.search": {"text": "kanarie"},
    "recurrences.preview": {"rule": "FREQ=WEEKLY", "first": "2026-11-23"},
    "templates.preview": {
        "kind": "reminder",
        "channel": "sms",
        "language": "de",
        "text": "{name} {date} {time}",
    },
    "account.put": ACCOUNT,
    "account.test": {"to": "0171 3920012"},
    "issues.fix": {"code": "store.folder_open"},
    "issues.ignore": {"ignored": True, "reason": "Versuch", "subject": ""},
    "schedules.preview": PERIOD | {"service": "kontrolle"},
    "healthcareServices.preview": PERIOD | {"service": {"name": "x", "duration": 30, "groups": []}},
    "relay.enable": {"enabled": False},
    "updates.notice": {"packages": ["x"]},
    "ports.knocked": {"seat": "empfang", "results": []},
    "serviceproviders.repair": {"software": "x", "code": "serviceprovider.spaces"},
    "serviceproviders.install": {"software": "x", "dataFolder": "/x"},
    **canary_backup_protocol.BODIES,
    **canary_backups.BODIES,
    **canary_desk.BODIES,
    **canary_diagnosis.BODIES,
    **canary_logbook.BODIES,
    **canary_portals.BODIES,
    **canary_runs.BODIES,
    **canary_support.BODIES,
}
"""What an operation is asked with, where nothing at all would be refused."""
QUERIES: dict[str, Any] = {"slots.list": PERIOD, "closings.list": {"year": 2026}}
NOT_ASKED = frozenset({"live.follow"})
"""A stream without end: it sends numbers, types and ids of events, which `/events` is asked for here (test_web_live)."""


def reading(route: Route) -> bool:
    """True for operations that only ask, by whatever method."""
    name = route.name.partition(".")[2]
    asks = route.name.startswith("listing.") or name in ("search", "preview", "view", "counts")
    return not route.write or asks


def addresses(nest: Aviary, route: Route) -> Iterator[str]:
    """The operation's address for each id that may stand in it."""
    found = [""]
    word = ""
    for part in route.path.split("/")[1:]:
        ids = nest.ids.get(word, ["x"]) if part.startswith("{") else [part]
        found = [f"{before}/{one}" for before in found for one in ids]
        word = part
    yield from found


def _late(route: Route) -> tuple[bool, int]:
    """What takes something away comes last, what hangs on something else before that."""
    return route.method == "DELETE", -len(route.path)


def tour(
    nest: Aviary, secret: str, routes: tuple[Route, ...], who: dict[str, str] | None = None
) -> Iterator[tuple[str, int, str]]:
    """(operation, status, answer as text with its headers) of everything there is to ask, with a key or the headers `who`."""
    headers = who or {"Authorization": f"Bearer {secret}"}

    def ask(name: str, method: str, path: str, body: Any = None, media: str = "*/*") -> tuple[str, int, str]:
        nest.house.clock.advance(3)  # so many wrong questions in one minute would be refused
        got = nest.client.request(method, path, headers=headers | {"Accept": media}, json=body)
        return name, got.status_code, got.text + repr(dict(got.headers))

    more = canary_portals.bodies(nest) | canary_seats.bodies(nest) | canary_medication.bodies(nest)
    more |= canary_devices.bodies(nest)
    for route in sorted(routes, key=_late):
        if route.name in NOT_ASKED:
            continue
        query = QUERIES.get(route.name, {})
        if route.name == "slots.list":
            query = query | {"service": nest.practice.check}
        elif route.name == "requirement.list":
            query = {"software": nest.ids["software"][0]}
        for path in addresses(nest, route):
            address = path if route.root else f"/api/v1{path}"
            if query:
                address += "?" + urlencode(query)
            body = (more.get(route.name) or BODIES.get(route.name, {})) if route.write else None
            if route.name == "schedules.preview":
                body = body | {"service": nest.practice.check}
            elif route.name == "templates.preview":
                body = body | {"appointment": nest.ids["appointments"][0]}
            elif route.name == "healthcareServices.preview":
                body = PERIOD | {"service": body["service"] | {"groups": [list(nest.practice.doctors)]}}
            yield ask(route.name, route.method, address, body)
    for path in (
        "/",
        "/recovery",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/health",
        "/ready",
        "/fhir/R4/metadata",
    ):
        yield ask(path, "GET", path)
    yield from _fhir(nest, ask)


def _fhir(nest: Aviary, ask: Any) -> Iterator[tuple[str, int, str]]:
    places = {
        "Patient": "patients", "Appointment": "appointments", "Communication": "communications", "Binary": "binaries",
        "Schedule": "schedules", "HealthcareService": "healthcare-services", "Practitioner": "practitioners",
        "Location": "locations", "EpisodeOfCare": "treatments",
        "MedicationStatement": "statements",
    }  # fmt: skip
    for type_, one in nest.house.registry.fhir.items():
        base = f"/fhir/R4/{type_}"
        asked = [
            "",
            *(f"?_include={i}" for i in one.includes),
            *(f"?_revinclude={i}" for i in one.revincludes),
        ]
        asked += ["?_total=accurate", "?name=kanarie", "?family=kanarie", f"?birthdate={BORN[0]}"]
        asked += ["?patient.name=kanarie", "?subject:Patient.name=kanarie"]
        if type_ == "Slot":
            asked = [f"{q}{'&' if q else '?'}start=ge2026-11-24&start=lt2026-11-25" for q in asked[:4]]
        for query in asked:
            yield ask(f"FHIR {type_} search", "GET", base + query)
        for id_ in nest.ids.get(places.get(type_, ""), [nest.practice.organization]):
            for media in ("application/fhir+json", "application/fhir+xml", "*/*"):
                yield ask(f"FHIR {type_} read", "GET", f"{base}/{id_}", None, media)
