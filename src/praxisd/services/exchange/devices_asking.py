"""Requests to a device: a patient's master data, with what is to be examined (6302), or by themselves (6301)."""

import re
from typing import TYPE_CHECKING

from praxisd.kernel import events
from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.model.device import Device
from praxisd.model.exchange import TakenPatient
from praxisd.model.people import Patient
from praxisd.services.directory import api as directory
from praxisd.services.exchange import devices_folder, devices_store
from praxisd.services.exchange.formats import xdt_charset, xdt_saying, xdt_writing
from praxisd.services.exchange.formats.xdt_format import gdt_head

if TYPE_CHECKING:
    from praxisd.kernel.app import House

EXAMINE, MASTER = "6302", "6301"
NO_FOLDER, CANNOT, INACTIVE = (
    "exchange.device_no_folder",
    "exchange.device_cannot_say",
    "exchange.device_inactive",
)
_NUMBER = re.compile(r"[A-Za-z0-9]{1,10}")
_NEEDED = ("3000", "3101", "3102", "3103", "3104", "3110")
"""What an examination needs to know; the rest of the master data stays here."""


def stem(device: Device) -> str:
    """How files for this device are named (GDT 2.1: the receiver's and the sender's short names)."""
    return f"{device.receiver}{device.sender}"


def charset(device: Device) -> str:
    """In which requests are written: what the device reads, else the one GDT 2.1 names first."""
    if device.charset in ("auto", "cp850"):
        return "cp437"
    return xdt_charset.known(device.charset)


def send(house: "House", actor: Actor, device: Device, patient: str, kind: str, test: str = "") -> str:
    """Write a request into the device's folder, whole or not at all; the name of the file.

    Problems: 404; 409 `exchange.device_no_folder`, `.device_inactive`, `.device_request_waits`; 422
    `exchange.device_cannot_say` (params `field`: in the device's charset this cannot be written); 503 `.device_folder_away`.
    """
    if not device.folder_out:
        raise Problem(NO_FOLDER, 409)
    if not device.active:
        raise Problem(INACTIVE, 409)

    def prepare(tx: Tx) -> bytes:
        who = directory.patient(tx, patient)
        return request(device, who, number(tx, device, who), kind, test)

    name = devices_folder.put(device.folder_out, stem(device), house.store.run(actor, prepare))

    def note(tx: Tx) -> None:
        events.note(tx, "device.requested", "Patient", patient, device=device.id, kind=kind)

    house.store.run(actor, note)
    return name


def number(tx: Tx, device: Device, who: Patient) -> str:
    """The number the device is told: the one of its system, where the patient has such a one, else praxisd's own."""
    if device.numbers:
        for one in who.identifiers:
            if one.system == device.numbers and _NUMBER.fullmatch(one.value) and one.use != "old":
                if devices_store.claim_number(tx, one.value, who.id):
                    return one.value
                break  # it is known as another patient's: nobody is sent under a number that two share
    return devices_store.own_number(tx, who.id)


def request(device: Device, who: Patient, number_: str, kind: str, test: str) -> bytes:
    """The file. Problem `exchange.device_cannot_say` (422)."""
    told = TakenPatient(
        source_id=number_, family=who.family, given=who.given, prefix=who.prefix, birth_date=who.birth_date,
        gender=who.gender, address=who.address[:1], telecom=who.telecom,
    )  # fmt: skip
    said = xdt_saying.patient(told, "gdt", {})
    if kind == EXAMINE:
        said = [one for one in said if one[0] in _NEEDED]
    fields = [*gdt_head(device.receiver, device.sender, charset(device)), *said]
    if test:
        fields.append(("8402", test))
    try:
        return xdt_writing.record(kind, fields, charset(device))
    except Problem as problem:
        raise Problem(CANNOT, 422, field=problem.params["field"]) from None
