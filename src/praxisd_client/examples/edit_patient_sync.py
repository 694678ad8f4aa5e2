"""The same without asyncio, patiently: it waits for the record, and asks whoever has it to finish.

python edit_patient_sync.py https://praxis:8080 seat.json API-KEY PATIENT "+49 30 1234567"
"""

# ruff: noqa: T201
import sys

from praxisd_client import Locked, Problem, SeatKey, SyncSeat

url, path, api_key, patient, phone = sys.argv[1:]
record = f"Patient/{patient}"
with SyncSeat(url, SeatKey.load(path), person="Ben Kurz", api_key=api_key) as seat:
    seat.on("replied", lambda told: print(f"{told.by.person}: {told.answer}", flush=True))
    try:
        lock = seat.lock(record)
    except Locked:
        try:
            seat.ask(record)
        except Problem as away:  # nobody is there to answer
            print(away.code)
        lock = seat.lock(record, wait=True, timeout=60)
    with lock:
        read = seat.api.get(f"/patients/{patient}")
        seat.patch(f"/patients/{patient}", {"phone": phone}, read.etag, lock)
print("saved")
