"""Find free slots, book, be too late, repeat safely, move, cancel.

PRAXISD_URL=http://127.0.0.1:8080 PRAXISD_KEY=pxd_… python book.py
"""

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from praxis import ask

PATIENT = {"family": "Muster", "given": "Eva", "birthDate": "1980-05-17", "phone": "+49 30 23125000"}


# --- find ---
def free_slots(service, days=28):
    """The free slots of the next days: all pages."""
    now = datetime.now(UTC)
    query = {
        "service": service,
        "from": now.isoformat(timespec="seconds"),
        "to": (now + timedelta(days=days)).isoformat(timespec="seconds"),
    }
    slots = []
    while True:
        _, answer, _ = ask("GET", "/api/v1/slots?" + urlencode(query))
        slots += answer["slots"]
        if answer["next"] is None:
            return slots
        query["cursor"] = answer["next"]


# --- book ---
def book(slot, key):
    """Book this slot. The same key again means the same booking: repeat it after a lost connection."""
    wanted = {
        "service": slot["service"],
        "start": slot["start"],
        "schedules": slot["schedules"],
        "patient": PATIENT,
    }
    return ask("POST", "/api/v1/appointments", wanted, {"Idempotency-Key": key})


# --- conflict ---
def book_one_of(slots):
    """Book the first slot that nobody else was faster to take."""
    for slot in slots:
        status, answer, _ = book(slot, str(uuid.uuid4()))
        if status == 201:
            return answer
        if answer["code"] != "calendar.slot_taken":
            raise SystemExit(f"{status} {answer['code']}: {answer['title']}")
        print("taken, the next one:", answer["code"])
    raise SystemExit("nothing is free")


# --- walk ---
_, types, _ = ask("GET", "/api/v1/healthcare-services")
slots = free_slots(types["healthcareServices"][0]["id"])
print("free slots:", len(slots))

key = str(uuid.uuid4())
status, first, _ = book(slots[0], key)
print("booked:", status, first["status"])
status, again, headers = book(slots[0], key)
print("repeated:", status, again["id"] == first["id"], headers["Idempotent-Replayed"])

second = book_one_of(slots)  # the first of them is ours by now
print("booked:", second["status"], second["start"] > first["start"])

# --- move ---
later = free_slots(first["service"])[-1]
status, moved, _ = ask(
    "PATCH",
    f"/api/v1/appointments/{first['id']}",
    {"start": later["start"], "schedules": later["schedules"]},
    {"If-Match": f'W/"{first["version"]}"', "Idempotency-Key": str(uuid.uuid4())},
)
print("moved:", status, moved["id"] == first["id"], moved["start"] == later["start"])

# --- cancel ---
for one in (first, second):
    status, gone, _ = ask("POST", f"/api/v1/appointments/{one['id']}/cancel", {})
    print("cancelled:", status, gone["status"])
