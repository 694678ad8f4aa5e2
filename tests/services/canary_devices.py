"""A device that sent results full of canaries: one that is a patient's, one that waits for a person."""

import os
import time
from typing import TYPE_CHECKING, Any

from praxisd.services.exchange.formats.xdt_writing import record

from .calendar_cast import Rest

if TYPE_CHECKING:
    from .canary_house import Aviary

DEVICE: dict[str, Any] = {"name": "EKG", "receiver": "EKG1"}


def let_in(nest: "Aviary", patient: str) -> None:
    """Two records in one file, whose name is a canary too."""
    owner, bird = Rest(nest.client, nest.keys["owner"]), nest.bird
    folder = nest.house.folder.with_name(f"{nest.house.folder.name}-devices")
    folder.mkdir()
    device = owner("POST", "/exchange/devices", 201, DEVICE | {"folderIn": str(folder)})["id"]
    nest.note("devices", device)
    told = owner("GET", f"/patients/{patient}")
    lines = [
        ("3101", told["family"]),
        ("3102", told["given"]),
        ("3103", "11111911"),
        ("6228", bird("result.text")),
    ]
    path = folder / f"{bird('result.file')}.gdt"
    path.write_bytes(
        record("6310", [("3000", "99"), *lines], "cp437")
        + record("6310", [("3000", bird("result.number")), ("6228", bird("result.other"))], "cp437")
    )
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert owner("POST", f"/exchange/devices/{device}/look", 200)["doubts"] == 2
    found = owner("POST", "/exchange/results/search", 200, {})["results"]
    nest.note("results", *(one["id"] for one in found))
    owner("POST", f"/exchange/results/{found[0]['id']}/decide", 200, {"patient": patient})


def bodies(nest: "Aviary") -> dict[str, Any]:
    """What the operations of devices are asked with on the tour."""
    return {"results.search": {"patient": nest.ids["patients"][0]}}
