"""Becoming a seat: the key is made here, its public half is sent once, and a person of the practice approves it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from praxisd_client.http import Api
from praxisd_client.key import SeatKey


@dataclass(frozen=True, slots=True)
class Registration:
    """`code` is shown on the screen of this computer: the person who approves compares it. Keep `key`."""

    key: SeatKey
    code: str
    state: str


def register(
    api: Api, name: str, key: SeatKey | None = None, *, program: str = "", viewer: bool = False
) -> Registration:
    """Ask to become a seat. `name` is what colleagues read, such as „Anmeldung 1“ (no name of a patient).

    Raises Problem (`code` says why; ten an hour and computer at most) and Unreachable.
    """
    made = key or SeatKey.make()
    body = {"name": name, "publicKey": made.public, "program": program, "viewer": viewer}
    told = api.post("/seats/register", {one: value for one, value in body.items() if value != ""}).body
    seat = made.registered(str(told["id"]), str(told["installation"]))
    return Registration(seat, str(told.get("code", "")), str(told["state"]))


def state(api: Api, key: SeatKey) -> str:
    """`waiting`, `approved`, `refused` or `revoked`."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = {"id": key.seat, "signature": key.sign("praxisd.seats.state", key.seat, now), "now": now}
    return str(api.post("/seats/register/state", body).body["state"])


def wait_for_approval(api: Api, key: SeatKey, *, seconds: float = 3600.0, every: float = 2.0) -> str:
    """Ask until a person has decided or the time is over; the state."""
    until = time.monotonic() + seconds
    while (found := state(api, key)) == "waiting" and time.monotonic() + every < until:
        time.sleep(every)
    return found
