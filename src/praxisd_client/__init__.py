"""praxisd_client: a program as a seat of a praxisd server: record locks with fences, presence, and a central log.

    key = SeatKey.load("seat.json")
    async with Seat("http://praxis:8080", key, person="Anna Roth") as seat:
        async with seat.lock("Patient/42") as lock:
            await seat.patch("/patients/42", {"note": "…"}, etag, lock)

`SyncSeat` is the same without asyncio. Needs `websockets` and `cryptography`, and nothing of praxisd.
"""

from praxisd_client.entries import PatientData, Pseudonym
from praxisd_client.errors import (
    Locked,
    LockLost,
    Maintenance,
    Problem,
    Refused,
    Replaced,
    SeatError,
    Stale,
    Unreachable,
    WrongServer,
)
from praxisd_client.http import Api, Reply
from praxisd_client.key import SeatKey
from praxisd_client.lock import Lock
from praxisd_client.register import Registration, register, state, wait_for_approval
from praxisd_client.seat import Seat
from praxisd_client.sync import SyncLock, SyncSeat
from praxisd_client.words import Announcement, Asked, Holder, Loss, Presence, Status

__version__ = "0.1.0"
__all__ = [
    "Announcement",
    "Api",
    "Asked",
    "Holder",
    "Lock",
    "LockLost",
    "Locked",
    "Loss",
    "Maintenance",
    "PatientData",
    "Presence",
    "Problem",
    "Pseudonym",
    "Refused",
    "Registration",
    "Replaced",
    "Reply",
    "Seat",
    "SeatError",
    "SeatKey",
    "Stale",
    "Status",
    "SyncLock",
    "SyncSeat",
    "Unreachable",
    "WrongServer",
    "register",
    "state",
    "wait_for_approval",
]
