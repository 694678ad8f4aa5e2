"""A small FHIR client for tests: one key, JSON or XML, every answer checked to be what FHIR promises."""

from typing import Any

from litestar.testing import TestClient

from praxisd.model.fhir_shapes import dump_json, load_json
from praxisd.model.fhir_validation import check
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml

BASE = "/fhir/R4"
JSON, XML = "application/fhir+json", "application/fhir+xml"


class Fhir:
    """Calls the door as `fhir("GET", "Slot?status=free", 200)` and gives the checked resource."""

    def __init__(self, client: TestClient[Any], secret: str | None, media: str = JSON) -> None:
        self.client, self.media = client, media
        self.headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        self.last: Any = None

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None, **headers: str) -> Any:
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        sent = self.headers | {"Accept": self.media} | sent
        content = None
        if isinstance(body, bytes):
            content = body
        elif body is not None:
            content = to_xml(body) if self.media == XML else dump_json(body)
        if content is not None:
            sent.setdefault("Content-Type", self.media)
        got = self.last = self.client.request(method, f"{BASE}/{path}", headers=sent, content=content)
        assert got.status_code == status, (got.status_code, got.text)
        if not got.content:
            return None
        kind = got.headers["content-type"]
        assert kind in (f"{JSON}; charset=UTF-8", f"{XML}; charset=UTF-8"), kind
        found = parse_xml(got.content) if kind.startswith(XML) else load_json(got.content)
        check(found)
        if status >= 400:
            assert found["resourceType"] == "OperationOutcome", found
        return found

    def code(self, method: str, path: str, status: int, body: Any = None, **headers: str) -> str:
        """The stable code of a refusal."""
        found = self(method, path, status, body, **headers)
        return str(found["issue"][0]["details"]["coding"][0]["code"])

    def entries(self, path: str, mode: str = "match") -> list[dict[str, Any]]:
        """Resources of a searchset with this mode."""
        found = self("GET", path)
        return [e["resource"] for e in found.get("entry", ()) if e["search"]["mode"] == mode]


def appointment(patient: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    """A proposed Appointment."""
    actor = {"reference": f"Patient/{patient}", "display": "Test Patient"}
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "start": start,
        "end": end,
        "participant": [{"actor": actor, "status": "accepted"}],
        **more,
    }


def of_slots(patient: str, *slots: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A proposed Appointment for slots that were found."""
    refs = [{"reference": f"Slot/{one['id']}"} for one in slots]
    return appointment(patient, slots[0]["start"], slots[-1]["end"], slot=refs, **more)


PATIENT = {
    "resourceType": "Patient",
    "name": [{"use": "official", "family": "Beispiel", "given": ["Eva"]}],
    "gender": "female",
    "birthDate": "1980-05-17",
    "telecom": [{"system": "phone", "value": "+49 30 23125 001"}],
}
