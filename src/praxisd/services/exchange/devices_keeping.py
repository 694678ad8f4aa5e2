"""Devices are set up, changed and taken out by people; what they sent stays."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.kernel.resource import changed_fields, check_version
from praxisd.kernel.store import Tx
from praxisd.model.device import Device
from praxisd.services.exchange import devices_store
from praxisd.services.exchange.devices_store import DEVICES

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FIELD, NAME = "exchange.device_field", "exchange.device_name_taken"


def create(house: "House", tx: Tx, given: dict[str, Any]) -> Device:
    """A new device. Problems: 422 `exchange.device_field` (params `field`), 409 `exchange.device_name_taken`."""
    made = DEVICES.insert(tx, _checked(house, tx, Device(**given), ""))
    events.note(tx, "device.created", "Device", made.id, version=1, active=made.active)
    return made


def change(house: "House", tx: Tx, id_: str, given: dict[str, Any], expected: int | None) -> Device:
    """A device set up otherwise. Problems as `create`; 404, 412."""
    old = DEVICES.need(tx, id_)
    check_version(expected, old.version, "Device")
    new = _checked(house, tx, msgspec.structs.replace(old, **given), id_)
    saved = DEVICES.save(tx, new, old.version)
    events.note(
        tx, "device.changed", "Device", id_,
        version=saved.version, fields=changed_fields(old, saved), active=saved.active,
    )  # fmt: skip
    return saved


def delete(tx: Tx, id_: str, expected: int | None) -> None:
    """Take a device out; what it sent stays."""
    old = DEVICES.need(tx, id_)
    check_version(expected, old.version, "Device")
    DEVICES.delete(tx, id_, old.version)
    devices_store.forget(tx, id_)
    events.note(tx, "device.deleted", "Device", id_, version=old.version)


def _checked(house: "House", tx: Tx, one: Device, id_: str) -> Device:
    name = one.name.strip()
    if not name or not name.isprintable():
        raise Problem(FIELD, 422, field="name")
    if not one.folder_in and not one.folder_out:
        raise Problem(FIELD, 422, field="folderIn")
    for field, value in (("folderIn", one.folder_in), ("folderOut", one.folder_out)):
        if value and not _own_folder(house, value):
            raise Problem(FIELD, 422, field=field)
    if devices_store.named(tx, name, id_):
        raise Problem(NAME, 409)
    for other in devices_store.devices(tx):
        if other.id != id_ and one.folder_in and other.folder_in and _same(other.folder_in, one.folder_in):
            raise Problem(FIELD, 422, field="folderIn")  # nobody could tell whose result a file is
    return msgspec.structs.replace(one, id=id_ or new_id(), name=name)


def _same(one: str, other: str) -> bool:
    """True for one folder, however it is written."""
    return Path(one).resolve() == Path(other).resolve()


def _own_folder(house: "House", value: str) -> bool:
    """An absolute path, not within our own data nor where our keys lie: files in it are moved."""
    path = Path(value)
    if not value.isprintable() or not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        return False
    whole, data = path.resolve(), house.folder.resolve()
    keys = Path(house.config.vault_key).resolve().parent if house.config.vault_key else data
    return whole not in (data, keys) and data not in whole.parents
