"""What the tests of the inbox share: clients with different keys in one practice, its people, and messages."""

from dataclasses import dataclass
from typing import Any

from litestar.testing import TestClient

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.model.people import Practitioner
from praxisd.services.directory import api as directory
from praxisd.testing.practice import Practice, key_for, small_practice

from .fhir_client import PATIENT, Fhir

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
CREATION = "2026-11-20T10:00:00+01:00"


@dataclass
class Cast:
    """Clients (`red` and `blue` are portals), the practice, and the ids of a released and a hidden practitioner."""

    house: House
    client: TestClient[Any]
    practice: Practice
    red: Fhir
    blue: Fhir
    desk: Fhir
    doctor: str
    hidden: str

    def rest(
        self, who: Fhir, method: str, path: str, status: int = 200, body: Any = None, **headers: str
    ) -> Any:
        """One REST request; decoded JSON. The answer itself is `who.last`."""
        sent = who.headers | {k.replace("_", "-"): v for k, v in headers.items()}
        who.last = self.client.request(method, f"/api/v1/communications{path}", headers=sent, json=body)
        assert who.last.status_code == status, who.last.text
        return who.last.json()

    def me(self, who: Fhir) -> dict[str, Any]:
        """Who a client is."""
        return dict(self.client.get("/api/v1/me", headers=who.headers).json())

    def upload(self, who: Fhir, data: bytes = PDF, media: str = "application/pdf", status: int = 201) -> Any:
        """Send an attachment as itself; the Binary resource, or the OperationOutcome."""
        return who("POST", "Binary", status, data, Content_Type=media)


def cast(house: House, client: TestClient[Any]) -> Cast:
    """A small practice with everyone who acts in it."""
    practice = small_practice(house)
    keys = {name: key_for(house, practice, "portal", name) for name in ("red", "blue")}
    desk = key_for(house, practice, "desk", "Empfang")

    def people(tx: Any) -> tuple[str, str]:
        one = Practitioner(family="Arzt", given="Walter", prefix="Dr.", released=True)
        other = Practitioner(family="Still", given="Karl")
        return directory.create_practitioner(tx, one).id, directory.create_practitioner(tx, other).id

    doctor, hidden = house.store.run(system("test", practice.organization), people)
    red, blue = (Fhir(client, keys[name]) for name in ("red", "blue"))
    return Cast(house, client, practice, red, blue, Fhir(client, desk), doctor, hidden)


def patient_of(who: Fhir, **more: Any) -> str:
    """The id under which this client knows a patient it told of."""
    who("POST", "Patient", 201, PATIENT | more)
    return str(who.last.json()["id"])


def message(patient: str, doctor: str, **more: Any) -> dict[str, Any]:
    """A Communication of a patient to a practitioner."""
    return {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "recipient": [{"reference": f"Practitioner/{doctor}", "display": "Dr. Walter Arzt"}],
        "sender": {"reference": f"Patient/{patient}", "display": "Eva Beispiel"},
        "payload": [{"contentString": "Muss ich nüchtern kommen?"}],
        **more,
    }


def with_file(binary: str, media: str = "application/pdf", **more: Any) -> dict[str, Any]:
    """A payload that refers to a stored attachment."""
    file = {"contentType": media, "url": f"Binary/{binary}", "creation": CREATION, **more}
    return {"contentAttachment": file}
