"""The same in FHIR R4: search a slot, tell who comes, book, be too late, read, cancel.

PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… python fhir.py
"""

from datetime import UTC, datetime
from urllib.parse import urlencode

from praxis import ask

JSON = "application/fhir+json"


def fhir(method, path, body=None, sent=JSON):
    status, answer, _ = ask(method, "/fhir/R4" + path, body, {"Accept": JSON, "Content-Type": sent})
    return status, answer


# --- search ---
now = datetime.now(UTC).isoformat(timespec="seconds")
_, bundle = fhir("GET", "/Slot?" + urlencode({"status": "free", "start": "ge" + now, "_count": 5}))
slot = bundle["entry"][0]["resource"]
print("free slots on the page:", len(bundle["entry"]))

# --- book ---
person = {
    "resourceType": "Patient",
    "birthDate": "1984-11-30",
    "name": [{"family": "Feuer", "given": ["Fanny"]}],
}
_, patient = fhir("POST", "/Patient", person)
appointment = {
    "resourceType": "Appointment",
    "status": "proposed",
    "slot": [{"reference": "Slot/" + slot["id"]}],
    "start": slot["start"],
    "end": slot["end"],
    "participant": [{"actor": {"reference": "Patient/" + patient["id"]}, "status": "accepted"}],
}
status, booked = fhir("POST", "/Appointment/$book", appointment)
print("booked:", status, booked["status"])
status, outcome = fhir("POST", "/Appointment/$book", appointment)
print("taken:", status, outcome["issue"][0]["details"]["coding"][0]["code"])

# --- cancel ---
path = "/Appointment/" + booked["id"]
patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
status, gone = fhir("PATCH", path, patch, "application/json-patch+json")
print("cancelled:", status, gone["status"], fhir("GET", path)[1]["status"])
