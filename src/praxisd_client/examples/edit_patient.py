"""Edit a patient under a lock: python edit_patient.py https://praxis:8080 seat.json API-KEY PATIENT "+49 30 1234567" """

# ruff: noqa: T201
import asyncio
import sys

from praxisd_client import Locked, LockLost, Seat, SeatKey, Stale


async def main(url: str, path: str, api_key: str, patient: str, phone: str) -> int:
    """0: saved. 1: somebody else works there. 2: what was typed has to be compared first."""
    async with Seat(url, SeatKey.load(path), person="Anna Roth", api_key=api_key) as seat:
        try:
            async with seat.lock(f"Patient/{patient}") as lock:
                read = await asyncio.to_thread(seat.api.get, f"/patients/{patient}")
                await seat.patch(f"/patients/{patient}", {"phone": phone}, read.etag, lock)
        except Locked as busy:
            holder = busy.holder
            print(f"{holder.person} ({holder.seat_name}) works there" if holder else "somebody works there")
            return 1
        except (LockLost, Stale):
            print("changed meanwhile: read again and compare")
            return 2
    print("saved")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
