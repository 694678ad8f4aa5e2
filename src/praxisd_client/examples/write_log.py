"""Write to the central log, also while the server is away: python write_log.py https://praxis:8080 seat.json spool.db"""

# ruff: noqa: T201
import sys

from praxisd_client import PatientData, Pseudonym, SeatKey, SyncSeat

url, path, spool = sys.argv[1:]
seat = SyncSeat(url, SeatKey.load(path), spool=spool)
seat.start(wait=False)  # the log does not need the server to be there
record, name = Pseudonym("Patient/42"), PatientData("stays on this computer")
number = seat.log("error", "import.failed", "the file ends early", tries=3, record=record, name=name)
print(f"kept as {number}", flush=True)
seat.close()  # sends what it can; the rest goes with the next start
