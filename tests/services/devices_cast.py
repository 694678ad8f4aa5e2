"""A practice with a device, for the tests of devices."""

import os
import time
from pathlib import Path
from typing import Any

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.model.device import Device
from praxisd.services.exchange import (
    devices_asking,
    devices_checks,
    devices_keeping,
    devices_store,
    devices_taking,
)
from praxisd.services.exchange.formats.xdt_writing import record
from praxisd.testing.practice import Practice, small_practice


class Scene:
    """A practice with Erika Muster (number P0000001 once she was sent), and a device with two folders."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.practice: Practice = small_practice(house)
        self.actor: Actor = system("test", self.practice.organization)
        self.inbox, self.outbox = folder / "in", folder / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()
        self.device = self.make()

    def make(self, **given: Any) -> Device:
        whole = {
            "name": "EKG", "folder_in": str(self.inbox), "folder_out": str(self.outbox), "receiver": "EKG1",
            "sender": "PRAX",
        }  # fmt: skip
        return self.house.store.run(
            self.actor, lambda tx: devices_keeping.create(self.house, tx, {**whole, **given})
        )

    def change(self, **given: Any) -> Device:
        return self.house.store.run(
            self.actor,
            lambda tx: devices_keeping.change(self.house, tx, self.device.id, given, self.device.version),
        )

    def put(self, name: str, data: bytes, age: float = 60) -> Path:
        path = self.inbox / name
        path.write_bytes(data)
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    def look(self, device: Device | None = None) -> devices_taking.Counts:
        return devices_taking.look(self.house, self.actor, device or self.device)

    def rows(self) -> list[Any]:
        with self.house.store.read(self.actor) as tx:
            found, _ = devices_store.page(tx, patient=None, state=None, device=None, before=None, limit=200)
        return sorted(found, key=lambda row: row.id)

    def send(self, device: Device | None = None) -> str:
        return devices_asking.send(
            self.house,
            self.actor,
            device or self.device,
            self.practice.patient,
            devices_asking.EXAMINE,
            "EKG01",
        )

    def findings(self) -> list[tuple[str, dict[str, Any]]]:
        return [(one.code, dict(one.params)) for one in devices_checks.look(self.house)]


def result(number: str | None = "P0000001", kind: str = "6310", charset: str = "cp437", **said: str) -> bytes:
    """What a device sends: `family`, `given`, `born` and a value."""
    fields = {"3000": number, "3101": said.get("family"), "3102": said.get("given"), "3103": said.get("born")}
    told = [(field, value) for field, value in fields.items() if value]
    return record(
        kind, [("9206", "2"), *told, ("8410", "HF"), ("8420", "72"), ("6228", "Würde, Größe")], charset
    )
