"""What `praxisd devices …` does, in the server or under the folder's lock. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.control import actor
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Operation
from praxisd.kernel.store import Tx
from praxisd.model.device import Device
from praxisd.services.exchange import (
    devices_asking,
    devices_keeping,
    devices_store,
    devices_taking,
    devices_views,
)
from praxisd.services.exchange.devices_shapes import DeviceIn, ResultSearch

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


def _one(tx: Tx, word: object) -> Device:
    found = [one for one in devices_store.devices(tx) if word in (one.id, one.name)]
    if len(found) != 1:
        raise not_found("Device")
    return found[0]


def list_devices(house: "House", args: Args) -> Args:
    """All devices."""
    with house.store.read(actor(house, args)) as tx:
        shown = [devices_views.device(house, tx, one, _lang(args)) for one in devices_store.devices(tx)]
    return {"devices": msgspec.to_builtins(shown)}


def add(house: "House", args: Args) -> Args:
    """A new device."""
    try:
        given = msgspec.convert(args.get("device"), DeviceIn)
    except msgspec.ValidationError:
        raise Problem("control.bad_arguments", 400) from None
    fields = {name: getattr(given, name) for name in DeviceIn.__struct_fields__}
    made = house.store.run(actor(house, args), lambda tx: devices_keeping.create(house, tx, fields))
    return {"id": made.id, "name": made.name}


def look(house: "House", args: Args) -> Args:
    """Look into the folders of one device or of all active ones now."""
    who = actor(house, args)
    with house.store.read(who) as tx:
        found = [_one(tx, args["device"])] if args.get("device") else devices_store.devices(tx, active=True)
    rows: list[Args] = []
    for one in found:
        done = devices_taking.look(house, who, one)
        with house.store.read(who) as tx:
            row = devices_store.states(tx).get(one.id)
        told = {"taken": done.taken, "doubts": done.doubts, "known": done.known, "aside": done.aside}
        rows.append(
            {
                "device": one.name,
                **told,
                "waiting": done.waiting + done.stuck,
                "code": row.code if row else None,
            }
        )
    return {"looked": rows, "ok": all(row["code"] is None for row in rows)}


def ask(house: "House", args: Args) -> Args:
    """Send a patient to a device."""
    who = actor(house, args)
    with house.store.read(who) as tx:
        one = _one(tx, args.get("device"))
    name = devices_asking.send(
        house, who, one, str(args.get("patient")), devices_asking.EXAMINE, str(args.get("test") or "")
    )
    return {"file": name}


def results(house: "House", args: Args) -> Args:
    """The newest results, or those a person has to decide."""
    with house.store.read(actor(house, args)) as tx:
        asked = ResultSearch(state="doubt" if args.get("doubts") else None, patient=args.get("patient"))
        return {"results": msgspec.to_builtins(devices_views.results(house, tx, asked, _lang(args)).results)}


OPERATIONS = (
    Operation("exchange.devices", list_devices, offline=True),
    Operation("exchange.devices_add", add, offline=True),
    Operation("exchange.devices_look", look, offline=True),
    Operation("exchange.devices_request", ask, offline=True),
    Operation("exchange.devices_results", results, offline=True),
)
